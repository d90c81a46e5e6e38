//! The pages that people do a ceremony by: who does what, with which command, and what to do when it goes wrong.
//!
//! Promise: a page fits on one sheet of A4, 64 lines of 80 columns, and every command on it is one of this program.

mod compromise;
mod onboarding;
mod roots;
mod rotation;

use serde_json::{Value, json};

pub(crate) use compromise::compromise;
pub(crate) use onboarding::onboarding;
pub(crate) use roots::roots;
pub(crate) use rotation::rotation;

use super::SHAPE_VERSION;
use super::wrap::{filled, hanging};

/// Columns of a sheet.
const WIDTH: u16 = 80;
/// Columns of a step's number and the space after it.
const NUMBER: usize = 4;
/// What stands before a command, and before what of it goes on in the next line.
const PROMPT: &str = "$ ";
const FURTHER: &str = "  ";
/// Ends a line whose command goes on.
const BACKSLASH: &str = " \\";

/// Who acts at both sides alike.
const BOTH: &str = "both";
/// The operator at the node.
const OPERATOR: &str = "node";
/// The holders of root keys.
const HOLDERS: &str = "roots";

/// The two sides of a ceremony, as the page names them.
pub(crate) struct Sides {
    pub(crate) us: String,
    pub(crate) them: String,
}

/// One ceremony.
pub(crate) struct Page {
    name: &'static str,
    title: String,
    opening: String,
    parts: Vec<Part>,
}

/// Steps under one heading.
struct Part {
    heading: &'static str,
    steps: Vec<Step>,
}

/// What one side, or both, do.
struct Step {
    who: String,
    what: String,
    commands: Vec<String>,
}

impl Page {
    /// The page as it is printed.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.title.clone(), "=".repeat(self.title.chars().count()), String::new()];
        lines.extend(hanging("", 0, &self.opening, WIDTH));
        let steps = self.parts.iter().flat_map(|part| &part.steps);
        let indent = NUMBER + steps.map(|step| step.who.chars().count()).max().unwrap_or_default() + 2;
        let mut number = 0;
        for part in &self.parts {
            lines.extend([String::new(), part.heading.to_owned()]);
            for step in &part.steps {
                number += 1;
                let head = format!("{number:>2}  {}", step.who);
                lines.extend(hanging(&head, indent, &step.what, WIDTH));
                lines.extend(step.commands.iter().flat_map(|command| command_lines(command, indent)));
            }
        }
        lines
    }

    /// The page for programs.
    pub(crate) fn json(&self) -> Value {
        let step = |step: &Step| json!({ "who": step.who, "what": step.what, "commands": step.commands });
        let part =
            |part: &Part| json!({ "heading": part.heading, "steps": part.steps.iter().map(step).collect::<Vec<_>>() });
        json!({
            "version": SHAPE_VERSION,
            "ceremony": self.name,
            "title": self.title,
            "opening": self.opening,
            "parts": self.parts.iter().map(part).collect::<Vec<_>>(),
        })
    }
}

/// A command as a shell takes it, broken over lines that end with a backslash; an option stays with its value.
fn command_lines(command: &str, indent: usize) -> Vec<String> {
    let room = usize::from(WIDTH).saturating_sub(indent + PROMPT.len() + BACKSLASH.len());
    let broken = filled(pieces(command), room);
    let last = broken.len().saturating_sub(1);
    let continued = |(n, line): (usize, &String)| {
        let prompt = if n == 0 { PROMPT } else { FURTHER };
        let end = if n == last { "" } else { BACKSLASH };
        format!("{:indent$}{prompt}{line}{end}", "")
    };
    broken.iter().enumerate().map(continued).collect()
}

/// What must stay on one line: a word, what is between quotes, an option and its value.
fn pieces(command: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for word in command.split(' ') {
        let open = |piece: &String| piece.matches('\'').count() % 2 == 1;
        let waits = |piece: &String| piece.starts_with("--") && !piece.contains(' ') && !word.starts_with("--");
        match pieces.last_mut().filter(|piece| open(piece) || waits(piece)) {
            Some(piece) => {
                piece.push(' ');
                piece.push_str(word);
            }
            None => pieces.push(word.to_owned()),
        }
    }
    pieces
}

fn step<const N: usize>(who: &str, what: &str, commands: [String; N]) -> Step {
    Step { who: who.to_owned(), what: what.to_owned(), commands: commands.into() }
}

/// Holders of root keys sign a draft, each their own copy.
fn sign(previous: &str, name: &str) -> Step {
    step(
        HOLDERS,
        "Each on their own machine, with their own file name. Read what is shown before you type.",
        [format!("selat descriptor sign {name}.draft --previous {previous} --key root-NAME.key --file {name}.NAME")],
    )
}

/// The signatures are joined, and the version is put in force.
fn publish(previous: &str, name: &str) -> Step {
    step(
        OPERATOR,
        "Peers are told at once; a peer that is down asks later.",
        [
            format!("selat descriptor combine {name}.A {name}.B --previous {previous} --file {name}.descriptor"),
            format!("selat descriptor publish {name}.descriptor"),
        ],
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Command, Globals};

    #[derive(Debug, clap::Parser)]
    struct Program {
        #[command(flatten)]
        globals: Globals,
        #[command(subcommand)]
        command: Command,
    }

    fn pages() -> Vec<Page> {
        let sides = |us: &str, them: &str| Sides { us: us.to_owned(), them: them.to_owned() };
        let widest = sides("ORGANISATION", "ASSOCIATION1");
        let usual = sides("AUS", "IDN");
        [&widest, &usual].into_iter().flat_map(|s| [onboarding(s), rotation(s), roots(s), compromise(s)]).collect()
    }

    #[test]
    fn page_fits_on_a_sheet() {
        for page in pages() {
            let lines = page.lines();
            assert!(lines.len() <= 64, "{} has {} lines", page.title, lines.len());
            let wide: Vec<_> = lines.iter().filter(|line| line.chars().count() > 80).collect();
            assert!(wide.is_empty(), "{}: {wide:?}", page.title);
        }
    }

    #[test]
    fn every_command_on_a_page_is_one_of_this_program() {
        let of_the_node = ["selat doctor", "selat key backup"];
        let mut tried = 0;
        for command in
            pages().iter().flat_map(|page| &page.parts).flat_map(|part| &part.steps).flat_map(|s| &s.commands)
        {
            if of_the_node.iter().any(|word| command.starts_with(word)) {
                continue;
            }
            let parsed = Program::try_parse_from(crate::testing::words(command));
            parsed.unwrap_or_else(|fault| panic!("{command}: {fault}"));
            tried += 1;
        }
        assert!(tried > 40, "{tried}");
    }

    #[test]
    fn file_that_a_command_takes_was_written_by_one_before() {
        for page in pages() {
            let mut written: Vec<String> = Vec::new();
            for command in page.parts.iter().flat_map(|part| &part.steps).flat_map(|step| &step.commands) {
                let words = crate::testing::words(command);
                let writes = words.iter().skip_while(|word| *word != "--file").nth(1).cloned();
                let takes = words.iter().filter(|word| word.ends_with(".draft") || word.ends_with(".descriptor"));
                for file in takes.filter(|word| Some(*word) != writes.as_ref()) {
                    assert!(written.contains(file), "{}: {command} takes {file}", page.title);
                }
                if let Some(file) = writes {
                    assert!(!written.contains(&file), "{}: {command} would write over {file}", page.title);
                    written.push(file);
                }
            }
        }
    }

    #[test]
    fn commands_are_broken_as_a_shell_takes_them() {
        let command = "selat peer remove IDN --reason 'words differed' --yes --file A";
        assert_eq!(pieces(command)[4..], ["--reason 'words differed'", "--yes", "--file A"]);
        assert_eq!(
            command_lines(command, 40),
            [
                format!("{:40}$ selat peer remove IDN \\", ""),
                format!("{:42}--reason 'words differed' --yes \\", ""),
                format!("{:42}--file A", ""),
            ]
        );
    }

    #[test]
    fn steps_are_numbered_through_and_name_who_does_them() {
        let page = onboarding(&Sides { us: "AUS".to_owned(), them: "IDN".to_owned() });
        let text = page.lines().join("\n");
        assert!(text.contains("\n 1  both"), "{text}");
        for line in ["selat peer fingerprint IDN", "selat peer approve AUS --channel 'video call'"] {
            assert!(text.contains(line), "{line}: {text}");
        }
        let json = page.json();
        assert_eq!((&json["ceremony"], &json["parts"][0]["steps"][0]["who"]), (&"onboarding".into(), &"both".into()));
    }
}
