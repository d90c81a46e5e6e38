//! What packagers run: completions, manual pages, the version.

use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use selat_client::cli::Form;
use selat_client::exit::{self, Exit};
use selat_node::calls::PROTOCOL;

use crate::words::Program;

/// Prints the completions of a shell.
pub fn completions(shell: Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Program::command(), "selat", &mut script);
    print(&script)
}

/// Writes a page per command into an existing folder.
pub fn man(dir: &Path) -> u8 {
    match clap_mangen::generate_to(Program::command(), dir) {
        Ok(()) => Exit::Ok.code(),
        Err(error) => {
            // A closed standard error cannot be told anything.
            let _ = writeln!(
                io::stderr(),
                "error[SLT-2004]: the manual pages cannot be written\ncause: {}: {error}\n\
                 mend:  name an existing folder that you may write to\nmore:  selat help man",
                dir.display()
            );
            Exit::Usage.code()
        }
    }
}

/// Prints version and protocol range.
pub fn version(form: Option<Form>) -> u8 {
    let version = env!("CARGO_PKG_VERSION");
    let (min, max) = PROTOCOL;
    print(
        match form {
            Some(Form::Json | Form::Jsonl) => {
                format!("{{\"version\":1,\"selat\":\"{version}\",\"protocol\":{{\"min\":{min},\"max\":{max}}}}}\n")
            }
            Some(Form::Table) | None => format!("selat {version}, protocol {min} to {max}\n"),
        }
        .as_bytes(),
    )
}

/// Prints the exit codes.
pub fn exit_codes() -> u8 {
    print(exit::page().as_bytes())
}

fn print(bytes: &[u8]) -> u8 {
    match io::stdout().write_all(bytes) {
        Ok(()) => Exit::Ok.code(),
        Err(_) => Exit::Unexpected.code(),
    }
}
