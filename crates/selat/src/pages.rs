//! What packagers run: completions, manual pages, the version.

use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use selat_client::cli::Form;
use selat_client::screen::Screen;
use selat_complaint::{Complaint, Exit};
use selat_node::calls::PROTOCOL;

use crate::explain;
use crate::words::Program;

/// Prints the completions of a shell.
pub fn completions(screen: &mut Screen, shell: Shell) -> Result<(), Complaint> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Program::command(), "selat", &mut script);
    screen.line(String::from_utf8_lossy(&script).trim_end())
}

/// Writes a page per command into an existing folder.
pub fn man(dir: &Path) -> Result<(), Complaint> {
    clap_mangen::generate_to(Program::command(), dir)
        .map_err(|error| Complaint::about(&explain::PAGES_UNWRITTEN).cause(format!("{}: {error}", dir.display())))
}

/// Prints version and protocol range.
pub fn version(screen: &mut Screen, form: Option<Form>) -> Result<(), Complaint> {
    let version = env!("CARGO_PKG_VERSION");
    let (min, max) = PROTOCOL;
    screen.line(match form {
        Some(Form::Json | Form::Jsonl) => {
            format!("{{\"version\":1,\"selat\":\"{version}\",\"protocol\":{{\"min\":{min},\"max\":{max}}}}}")
        }
        Some(Form::Table) | None => format!("selat {version}, protocol {min} to {max}"),
    })
}

/// Prints the exit codes.
pub fn exit_codes(screen: &mut Screen) -> Result<(), Complaint> {
    screen.line(Exit::page().trim_end())
}
