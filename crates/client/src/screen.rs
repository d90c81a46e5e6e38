//! The only way to the terminal: data to standard output, talk to standard error, questions when somebody is there.
//!
//! Promise: no JSON and no complaint steers the terminal. What came from outside reaches the other functions cleaned:
//! only the caller knows which part that is.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use clap::builder::styling::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use selat_complaint::{Complaint, clean_json};
use serde_json::Value;

use crate::explain;

/// Longest answer to a question, in bytes.
const ANSWER_MAX: u64 = 4096;
/// Width of a table when standard output is not a terminal.
const WIDTH_ELSEWHERE: u16 = 160;

/// What a piece of text means; colour only repeats what the words say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As asked for.
    Good,
    /// Needs an eye.
    Wary,
    /// Went wrong.
    Bad,
    /// A heading.
    Strong,
    /// Like any other text.
    Plain,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Wary => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Strong => Style::new().bold(),
            Self::Plain => Style::new(),
        }
    }
}

/// One of the three streams: where it goes and how it behaves.
pub struct Outlet {
    /// Where the text goes.
    pub to: Box<dyn Write + Send>,
    /// A person reads it as it comes.
    pub is_terminal: bool,
    /// Colour is wanted.
    pub colour: bool,
}

/// Standard output, standard error and standard input of a command.
pub struct Screen {
    data: Outlet,
    talk: Outlet,
    answers: Box<dyn BufRead + Send>,
    somebody_there: bool,
    width: u16,
}

impl Screen {
    /// The streams of this process. `colour` overrides what terminal and NO_COLOR would say.
    pub fn of_process(colour: Option<bool>) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let wants = |is_terminal: bool| colour.unwrap_or(is_terminal && !no_color);
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let size = terminal_size::terminal_size_of(io::stdout());
        Self {
            data: Outlet { to: Box::new(io::stdout()), is_terminal: out, colour: wants(out) },
            talk: Outlet { to: Box::new(io::stderr()), is_terminal: err, colour: wants(err) },
            answers: Box::new(io::BufReader::new(io::stdin())),
            somebody_there: io::stdin().is_terminal() && err,
            width: size.map_or(WIDTH_ELSEWHERE, |(terminal_size::Width(columns), _)| columns),
        }
    }

    /// A screen on other streams, for tests and for programs that embed the client.
    pub fn on(data: Outlet, talk: Outlet, answers: Box<dyn BufRead + Send>, somebody_there: bool, width: u16) -> Self {
        Self { data, talk, answers, somebody_there, width }
    }

    /// True when a person reads the data as it comes.
    pub fn is_read_by_a_person(&self) -> bool {
        self.data.is_terminal
    }

    /// Columns that a table may take.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Prints a line of data. The caller has cleaned what came from outside.
    pub fn line(&mut self, text: impl AsRef<str>) -> Result<(), Complaint> {
        let to = &mut self.data.to;
        writeln!(to, "{}", text.as_ref()).and_then(|()| to.flush()).map_err(|fault| output_fault(&fault))
    }

    /// Prints one JSON value on one line.
    pub fn json_line(&mut self, value: &Value) -> Result<(), Complaint> {
        self.line(clean_json(&value.to_string()))
    }

    /// Prints one JSON value for people and machines, over several lines.
    pub fn json(&mut self, value: &Value) -> Result<(), Complaint> {
        self.line(clean_json(&format!("{value:#}")))
    }

    /// Says something beside the data. That nobody listens is no failure.
    pub fn say(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.talk.to, "{}", text.as_ref());
    }

    /// Tells a failure.
    pub fn complain(&mut self, complaint: &Complaint) {
        if nobody_is_left(complaint) {
            return;
        }
        let told = complaint.to_string();
        let (head, rest) = told.split_once(':').unwrap_or((&told, ""));
        let head = painted(self.talk.colour, Tone::Bad, head);
        self.say(format!("{head}:{rest}"));
    }

    /// `text` in the colour of `tone`, if data is shown in colour.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        painted(self.data.colour, tone, text)
    }

    /// Refuses when nobody is there to answer a question.
    pub fn refuse_unless_somebody_is_there(&self, question: &str) -> Result<(), Complaint> {
        if self.somebody_there {
            return Ok(());
        }
        Err(Complaint::about(&explain::NOBODY_TO_ASK).cause(format!("cannot ask: {question}")))
    }

    /// Asks a person; refuses when nobody is there.
    pub fn ask(&mut self, question: &str) -> Result<String, Complaint> {
        self.refuse_unless_somebody_is_there(question)?;
        let _ = write!(self.talk.to, "{question}: ").and_then(|()| self.talk.to.flush());
        let mut answer = String::new();
        let read = self.answers.by_ref().take(ANSWER_MAX).read_line(&mut answer);
        read.map_err(|fault| Complaint::about(&explain::NOBODY_TO_ASK).cause(fault))?;
        Ok(answer.trim().to_owned())
    }

    /// Has a person type `word` before something that cannot be undone; `yes` answers for scripts.
    pub fn confirm(&mut self, consequence: &str, word: &str, yes: bool) -> Result<(), Complaint> {
        if yes {
            return Ok(());
        }
        if self.somebody_there {
            self.say(consequence);
        }
        let typed = self.ask(&format!("type {word} to go on"))?;
        if typed == word { Ok(()) } else { Err(Complaint::about(&explain::NOT_CONFIRMED).cause(consequence)) }
    }

    /// A progress bar over `bytes`, drawn only when a person watches standard error.
    pub fn bar(&self, bytes: u64) -> ProgressBar {
        if !self.talk.is_terminal {
            return ProgressBar::hidden();
        }
        let shape = "{bar:30} {bytes}/{total_bytes}  {msg}  {eta}";
        let style = ProgressStyle::with_template(shape).unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr()).with_style(style)
    }
}

/// True when the complaint is that its reader has gone.
fn nobody_is_left(complaint: &Complaint) -> bool {
    complaint.code() == explain::READER_GONE.code
}

fn painted(colour: bool, tone: Tone, text: &str) -> String {
    let style = tone.style();
    if colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

fn output_fault(fault: &io::Error) -> Complaint {
    let entry = if fault.kind() == io::ErrorKind::BrokenPipe { &explain::READER_GONE } else { &explain::OUTPUT_BROKEN };
    Complaint::about(entry).cause(fault)
}

#[cfg(test)]
mod tests {
    use selat_complaint::{Exit, clean};

    use super::*;
    use crate::testing::captured;

    #[test]
    fn json_is_printed_inert_and_means_the_same() {
        let value = serde_json::json!({ "name": "a\u{9b}2J\u{202e}\u{e0041}\n\x1b", "plain": "王" });
        let (mut screen, said) = captured(None);
        screen.json_line(&value).unwrap();
        let printed = said.data();
        assert_eq!(clean(printed.trim_end()), printed.trim_end());
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), value);
    }

    #[test]
    fn question_without_a_terminal_is_refused_and_never_taken_for_a_yes() {
        let (mut screen, _) = captured(None);
        let refused = screen.confirm("all will read it", "everyone", false).unwrap_err();
        assert_eq!((refused.code(), refused.exit()), ("SLT-2205", Exit::Usage));
        screen.confirm("all will read it", "everyone", true).unwrap();
    }

    #[test]
    fn confirmation_needs_the_very_word() {
        let (mut screen, said) = captured(Some("everyone\n"));
        screen.confirm("all will read it", "everyone", false).unwrap();
        assert!(said.talk().contains("all will read it\ntype everyone to go on: "), "{}", said.talk());
        for wrong in ["y\n", "Everyone\n", "\n", ""] {
            let (mut screen, _) = captured(Some(wrong));
            let refused = screen.confirm("all will read it", "everyone", false).unwrap_err();
            assert_eq!(refused.code(), "SLT-2206", "{wrong:?}");
        }
    }

    #[test]
    fn closed_pipe_ends_quietly_and_a_full_disk_does_not() {
        let gone = output_fault(&io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(nobody_is_left(&gone) && gone.exit() == Exit::Ok);
        let full = output_fault(&io::Error::from(io::ErrorKind::StorageFull));
        assert!(!nobody_is_left(&full) && full.exit() == Exit::Unexpected);
    }
}
