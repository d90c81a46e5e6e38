//! `selat descriptor ...`, as far as a running node is needed: publishing the next version, and who has it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Columns of the table of who has our descriptor.
pub(crate) const ACKS_COLUMNS: &[&str] = &["peer", "holds", "since", "last-compared"];

/// The commands on the descriptor of a running node.
#[derive(Debug, Clone, Subcommand)]
pub enum NodeDescriptorCommand {
    /// Put the next version of our descriptor in force and send it to the peers
    Publish(PublishArgs),
    /// List which version of our descriptor each peer is known to hold
    #[command(after_help = "\
Columns: peer, holds, since (when it said so first), last-compared

Examples:
  selat descriptor acks
  selat descriptor acks --output json")]
    Acks,
}

/// What `selat descriptor publish` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The node checks it as every peer will: it must follow from the version in force and be signed by the threshold of both \
versions' roots. It is in force at once; peers get it now or when they call next.

Examples:
  selat descriptor publish AUS-2.descriptor")]
pub struct PublishArgs {
    /// The signed descriptor, as selat descriptor combine wrote it; - reads standard input
    pub file: PathBuf,
}
