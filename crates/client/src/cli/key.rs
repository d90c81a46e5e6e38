//! `selat key ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use selat_record::ParticipantId;

use super::rotation::NodeKeyCommand;
use super::values::participant;

/// The commands on keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyCommand {
    /// Make a root key, on a machine that is on no network
    Generate(GenerateArgs),
    /// Write the public half of keys in files, to be carried to a draft
    ExportPublic(ExportPublicArgs),
    /// On the keys of a running node.
    #[command(flatten)]
    OfNode(NodeKeyCommand),
}

/// What keys can be made without a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    /// Signs descriptors, together with other roots
    Root,
}

/// What `selat key generate` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Each root key belongs to another person, on a medium of its own. Working keys are made by the node: selat key rotate.

Examples:
  selat key generate root --participant AUS --file root-1.key
  selat key generate root --participant AUS --file root-1.key \\
      --passphrase-file root-1.pass")]
pub struct GenerateArgs {
    /// What the key is for
    #[arg(value_enum)]
    pub kind: KeyKind,
    /// Whose key it will be
    #[arg(long, value_name = "PARTICIPANT", value_parser = participant)]
    pub participant: ParticipantId,
    /// Write it to this file, which must not be there yet
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// Take the passphrase from the first line of this file; without it the passphrase is asked for
    #[arg(long, value_name = "FILE", conflicts_with = "no_passphrase")]
    pub passphrase_file: Option<PathBuf>,
    /// Do not protect the file: whoever can read it has the key
    #[arg(long)]
    pub no_passphrase: bool,
}

/// What `selat key export-public` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Without files of keys the node is asked for its own; the key of its TLS authority is not among them, because it goes with its \
certificate in a descriptor. Without --file the public keys go to standard output as they are, unless --output asks for JSON.

Examples:
  selat key export-public --file AUS.pub
  selat key export-public root-1.key --file root-1.pub
  selat key export-public root-1.key root-2.key root-3.key --file roots.pub
  selat key export-public root-1.key --output json")]
pub struct ExportPublicArgs {
    /// Files of secret keys; without any the node is asked for its own
    #[arg(value_name = "KEY")]
    pub keys: Vec<PathBuf>,
    /// Write the public keys to this file, which must not be there yet
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Take the passphrase from the first line of this file; given several times, one for each key in their order;
    /// without it passphrases are asked for
    #[arg(long = "passphrase-file", value_name = "FILE")]
    pub passphrase_files: Vec<PathBuf>,
}
