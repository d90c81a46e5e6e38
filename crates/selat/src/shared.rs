//! The client's commands, with those on the node's key files under the same noun: `selat key` is one command, though the
//! work on files belongs to the node's crate and all else to the client's.

use clap::error::Error;
use clap::{ArgMatches, FromArgMatches, Subcommand};
use selat_client::cli::Command;
use selat_node::key_files::KeyFilesCommand;

/// The noun that both have words under.
const NOUN: &str = "key";

/// A command of the client, or one on the node's key files.
#[derive(Debug)]
pub enum Shared {
    /// The client's.
    Client(Command),
    /// On key files.
    KeyFiles(KeyFilesCommand),
}

impl FromArgMatches for Shared {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let below = matches.subcommand().filter(|(noun, _)| *noun == NOUN).map(|(_, below)| below);
        match below.filter(|below| below.subcommand_name().is_some_and(KeyFilesCommand::has_subcommand)) {
            Some(below) => KeyFilesCommand::from_arg_matches(below).map(Self::KeyFiles),
            None => Command::from_arg_matches(matches).map(Self::Client),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Shared {
    fn augment_subcommands(program: clap::Command) -> clap::Command {
        Command::augment_subcommands(program).mut_subcommand(NOUN, with_key_files)
    }

    fn augment_subcommands_for_update(program: clap::Command) -> clap::Command {
        Self::augment_subcommands(program)
    }

    fn has_subcommand(name: &str) -> bool {
        Command::has_subcommand(name)
    }
}

/// Adds the words on key files, and keeps what the noun says of itself.
fn with_key_files(noun: clap::Command) -> clap::Command {
    let about = noun.get_about().cloned().unwrap_or_default();
    KeyFilesCommand::augment_subcommands(noun).about(about)
}
