//! The program on its command line: what goes in, what comes out, how it ends.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::wait::until;

/// The program under its own name, run in a folder of its own with nothing in its environment.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Output {
    /// Standard output: data.
    pub stdout: String,
    /// Standard error: talk.
    pub stderr: String,
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
    line: String,
}

/// A command that still runs. Killed when dropped.
#[derive(Debug)]
pub struct Started {
    child: Option<Child>,
}

impl Program {
    /// The program at `built`, run in `folder` as `selat`: help and usage show the name it was called by.
    pub fn in_folder(built: &str, folder: &Path) -> Self {
        let path = folder.join("selat");
        symlink(built, &path).expect("a link can be made in the scene's own folder");
        Self { path, folder: folder.to_owned(), environment: Vec::new() }
    }

    /// Gives every later command this variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Where commands run.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A command line, split as a shell would split it as far as single quotes go.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.path);
        command.args(words(line)).current_dir(&self.folder).env_clear().stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, line: &str) -> Output {
        run(line, &mut self.command(line))
    }
}

/// Runs `command` to its end; `line` is its name in failures.
pub fn run(line: &str, command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|fault| panic!("selat {line} did not start: {fault}"));
    Output::new(line, output)
}

impl Output {
    fn new(line: &str, output: std::process::Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).expect("the program writes UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("the program writes UTF-8"),
            code: output.status.code(),
            line: line.to_owned(),
        }
    }

    /// The same, having ended with `code`.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        let Self { stdout, stderr, line, .. } = &self;
        assert_eq!(self.code, Some(code), "selat {line}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|fault| panic!("selat {}: {fault}: {self:?}", self.line))
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line);
        let values: Result<_, serde_json::Error> = self.stdout.lines().map(parse).collect();
        values.unwrap_or_else(|fault| panic!("selat {}: {fault}: {}", self.line, self.stdout))
    }
}

impl Started {
    /// Starts `command` with its output kept for [`Self::ends`].
    pub fn piped(command: &mut Command) -> Self {
        Self::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Starts `command` with standard output and standard error at the end of `log`.
    pub fn logged(command: &mut Command, log: &Path) -> Self {
        let open = || File::options().create(true).append(true).open(log).expect("a log can be opened in the scene");
        Self::start(command.stdout(open()).stderr(open()))
    }

    fn start(command: &mut Command) -> Self {
        Self { child: Some(command.spawn().unwrap_or_else(|fault| panic!("{command:?} did not start: {fault}"))) }
    }

    /// Its end, if it has come.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.running().try_wait().expect("a child of this process can be asked for its end")
    }

    /// Its process id.
    pub fn id(&mut self) -> u32 {
        self.running().id()
    }

    /// Sends a signal.
    pub fn signal(&mut self, signal: Signal) {
        let pid = i32::try_from(self.id()).expect("process ids are positive");
        kill(Pid::from_raw(pid), signal).expect("a child that nobody waited for is there to be signalled");
    }

    /// Its exit code, once it has ended within `patience`; a signal that ended it has none.
    #[track_caller]
    pub fn end_within(&mut self, patience: Duration) -> Option<i32> {
        let status = until(patience, || self.has_ended()).unwrap_or_else(|| panic!("still running after {patience:?}"));
        status.code()
    }

    /// Waits for its end and takes its output.
    #[track_caller]
    pub fn ends(mut self, line: &str) -> Output {
        let child = self.child.take().expect("only this function takes the child, and it takes itself");
        Output::new(line, child.wait_with_output().expect("a child of this process can be waited for"))
    }

    fn running(&mut self) -> &mut Child {
        self.child.as_mut().expect("only `ends` takes the child, and it takes itself")
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already; then there is nothing to kill.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Splits as a shell would, as far as quotes go; there is nothing to escape or to replace in what the suites run.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match quote {
            None if c.is_whitespace() => words.extend(word.take()),
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            Some(open) if c == open => quote = None,
            _ => word.get_or_insert_default().push(c),
        }
    }
    assert!(quote.is_none(), "a quote is not closed: {line}");
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_split_at_blanks_outside_quotes() {
        for (line, wanted) in [
            ("", &[][..]),
            (" peer  list ", &["peer", "list"]),
            ("search 'Siti Rahmah' --case \"T 1\"", &["search", "Siti Rahmah", "--case", "T 1"]),
            ("--unit=\"it's one\" ''", &["--unit=it's one", ""]),
        ] {
            assert_eq!(words(line), wanted, "{line}");
        }
    }
}
