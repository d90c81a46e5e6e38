//! `selat descriptor ...`.

mod draft;
mod values;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use selat_record::{ParticipantId, Timestamp};

use super::published::NodeDescriptorCommand;
use super::span::moment;
use super::values::participant;
pub use draft::{ContentChanges, DraftArgs, KeyChanges};
pub(crate) use values::key_name;
pub use values::{Ending, KeyName, Moment, Protocol};

/// The commands on descriptors.
#[derive(Debug, Clone, Subcommand)]
pub enum DescriptorCommand {
    /// Show what a descriptor says and who has signed it
    Show(ShowArgs),
    /// Say in words what changes from one version to another, and for whom
    Diff(DiffArgs),
    /// Draft the next version
    Draft(Box<DraftArgs>),
    /// Add signatures of root keys to a draft
    Sign(SignArgs),
    /// Join the signatures of drafts into the signed descriptor
    Combine(CombineArgs),
    /// Check signatures, chain and rules of every version in a file
    Verify(VerifyArgs),
    /// On the descriptor of a running node.
    #[command(flatten)]
    OfNode(NodeDescriptorCommand),
}

/// What `selat descriptor show` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Without a file the node is asked for the descriptor in force: our own, or that of a peer. Of several versions in a file the \
last is shown. Nothing in a file is believed by being shown: selat descriptor verify.

Examples:
  selat descriptor show
  selat descriptor show --peer IDN
  selat descriptor show AUS.descriptor
  selat descriptor show AUS-2.draft --output json")]
pub struct ShowArgs {
    /// File of a descriptor or of a draft; - reads standard input; without it the node is asked
    pub file: Option<PathBuf>,
    /// The peer whose descriptor the node is asked for
    #[arg(long, value_name = "PEER", value_parser = participant, conflicts_with = "file")]
    pub peer: Option<ParticipantId>,
}

/// What `selat descriptor diff` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Either may be a draft. Of several versions in a file the last counts.

Examples:
  selat descriptor diff AUS.descriptor AUS-2.draft
  selat descriptor diff IDN-6.descriptor IDN-7.descriptor --output json")]
pub struct DiffArgs {
    /// The earlier version
    pub old: PathBuf,
    /// The later version
    pub new: PathBuf,
}

/// What `selat descriptor sign` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Shows what the draft says or, with --previous, what it changes, and asks before it signs. Each holder of a root key \
signs on a machine of their own; selat descriptor combine joins the signatures.

Examples:
  selat descriptor sign AUS-2.draft --previous AUS.descriptor \\
      --key root-1.key --file AUS-2.signed-1
  selat descriptor sign AUS-2.draft --previous AUS.descriptor \\
      --key root-1.key --key root-2.key --file AUS-2.signed --yes")]
pub struct SignArgs {
    /// The draft
    pub draft: PathBuf,
    /// File of a root key; may be given several times
    #[arg(short, long = "key", value_name = "KEY", required = true)]
    pub keys: Vec<PathBuf>,
    /// Write the signed draft to this file, which must not be there yet
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// The version before, to show what changes and to know its root keys
    #[arg(short, long, value_name = "FILE")]
    pub previous: Option<PathBuf>,
    /// Take the passphrase from the first line of this file; given several times, one for each key in their order;
    /// without it passphrases are asked for
    #[arg(long = "passphrase-file", value_name = "FILE")]
    pub passphrase_files: Vec<PathBuf>,
}

/// What `selat descriptor combine` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Every version but the first needs the root keys of the version before as well: name it with --previous.

Examples:
  selat descriptor combine AUS-2.signed-1 AUS-2.signed-2 \\
      --previous AUS.descriptor --file AUS-2.descriptor
  selat descriptor combine AUS-2.signed-1 --previous AUS.descriptor \\
      --file AUS-2.partial --partial")]
pub struct CombineArgs {
    /// Drafts with signatures, all of the same content
    #[arg(required = true, value_name = "DRAFT")]
    pub drafts: Vec<PathBuf>,
    /// Write the descriptor to this file, which must not be there yet
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// The version before
    #[arg(short, long, value_name = "FILE")]
    pub previous: Option<PathBuf>,
    /// Write a draft with the signatures so far, though some are missing
    #[arg(long)]
    pub partial: bool,
}

/// What `selat descriptor verify` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Ends with 7 when a rule is broken, and names rule and version. Whose descriptor it is no signature can say: \
selat peer fingerprint.

Examples:
  selat descriptor verify AUS.descriptor
  selat descriptor verify AUS-2.descriptor --previous AUS.descriptor
  selat descriptor verify AUS.descriptor --at 2026-12-31")]
pub struct VerifyArgs {
    /// File with one version or several, ascending; - reads standard input
    pub file: PathBuf,
    /// The versions before, already believed
    #[arg(short, long, value_name = "FILE")]
    pub previous: Option<PathBuf>,
    /// Judge expiry at this moment instead of now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Timestamp>,
}
