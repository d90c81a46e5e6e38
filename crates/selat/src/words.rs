//! The words of the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use selat_client::cli::{DoctorArgs, Globals};
use selat_node::accept_time::StoreCommand;
use selat_node::enrol::OfficerCommand;
use selat_node::init::InitArgs;
use selat_node::serve::ServeArgs;
use selat_rehearsal::DemoArgs;

use crate::shared::Shared;

/// Exchange signed records between the nodes of a federation; each participant keeps its own store.
#[derive(Debug, Parser)]
#[command(
    name = "selat",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Begin with `selat demo`. Exit codes: `selat help exit-codes`. Any error code: `selat explain SLT-nnnn`."
)]
pub struct Program {
    /// Options of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub word: Word,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Word {
    /// Run a whole federation on this machine, with made-up records, and tell its story
    Demo(DemoArgs),
    /// Make a new node: keys, authority, descriptor, configuration
    Init(Box<InitArgs>),
    /// Run the node
    Serve(ServeArgs),
    /// Check configuration, clock, keys, certificates, descriptors, peers, store and backups, and name what mends each
    Doctor(DoctorArgs),
    /// The commands of officers and operators, and those on key files.
    #[command(flatten)]
    Shared(Shared),
    /// Give officers access to the desk over TLS
    #[command(subcommand)]
    Officer(OfficerCommand),
    /// Mend the store of a node that is down
    #[command(subcommand)]
    Store(StoreCommand),
    /// Say more about an error code
    #[command(after_help = "Examples:\n  selat explain SLT-3103")]
    Explain {
        /// For example SLT-3103
        code: String,
    },
    /// Print completions for a shell
    #[command(after_help = "Examples:\n  selat completions bash > /etc/bash_completion.d/selat")]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write manual pages into a folder
    #[command(after_help = "Examples:\n  selat man /usr/local/share/man/man1")]
    Man {
        /// An existing folder
        dir: PathBuf,
    },
    /// Print version and protocol range
    Version,
    /// The exit codes and what they mean
    #[command(name = "exit-codes", hide = true, help_template = "{about}", long_about = selat_complaint::Exit::page())]
    ExitCodes,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn definition_is_sound() {
        Program::command().debug_assert();
    }

    #[test]
    fn keys_are_one_noun_over_files_and_node() {
        let parse = |line: &str| Program::try_parse_from(line.split(' ')).map(|program| program.word);
        for line in [
            "selat key backup --file a.backup",
            "selat key restore a.backup --to keys",
            "selat key drill a.backup --descriptor aus.descriptor",
        ] {
            assert!(matches!(parse(line), Ok(Word::Shared(Shared::KeyFiles(_)))), "{line}: {:?}", parse(line));
        }
        assert!(matches!(parse("selat key status"), Ok(Word::Shared(Shared::Client(_)))));
        assert!(matches!(parse("selat status"), Ok(Word::Shared(Shared::Client(_)))));
        assert!(parse("selat key").is_err() && parse("selat key back").is_err());
        let program = Program::command();
        let keys = program.find_subcommand("key").unwrap();
        for verb in ["status", "rotate", "backup", "restore", "drill"] {
            assert!(keys.find_subcommand(verb).is_some(), "{verb} is not in the help page");
        }
    }

    #[test]
    fn every_mend_of_the_doctor_is_a_command_that_there_is() {
        for mend in selat_node::doctor::mends::all() {
            let parsed = Program::try_parse_from(mend.split(' '));
            let fault = parsed.err().filter(clap::Error::use_stderr);
            assert!(fault.is_none(), "{mend}: {}", fault.unwrap());
        }
    }

    #[test]
    fn every_command_with_arguments_shows_an_example() {
        fn walk(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let mut below = command.get_subcommands().filter(|sub| sub.get_name() != "help").peekable();
            if below.peek().is_none() && command.get_positionals().next().is_some() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Examples:"), "{path} shows no example");
            }
            below.for_each(|sub| walk(sub, &path));
        }
        walk(&Program::command(), "");
    }
}
