//! `selat peer ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use selat_record::ParticipantId;

use super::values::{participant, why};

/// Columns of the table of peers.
pub(crate) const COLUMNS: &[&str] = &[
    "peer",
    "unit",
    "state",
    "following",
    "held",
    "lag",
    "sent",
    "last-contact",
    "descriptor",
    "fresh",
    "refreshed",
    "acknowledged",
    "clock",
    "trouble",
];

/// Those that are shown unless others are asked for: they fit a small terminal.
pub(crate) const USUAL_COLUMNS: &[&str] = &["peer", "state", "fresh", "following", "lag", "last-contact", "trouble"];

/// The commands on peers.
#[derive(Debug, Clone, Subcommand)]
pub enum PeerCommand {
    /// Write our descriptors, to be sent to the other side
    Invite(InviteArgs),
    /// Read the other side's descriptor; no traffic yet
    Join(JoinArgs),
    /// Show the twelve words to compare with the other side by voice
    #[command(after_help = "\
Read the words to the other side over a channel that does not depend on these two nodes, such as a video call with \
people who know each other. Both sides must see the same twelve words.

Examples:
  selat peer fingerprint IDN
  selat peer fingerprint IDN --output json")]
    Fingerprint(PeerArgs),
    /// Let traffic flow with a peer whose twelve words were compared
    Approve(ApproveArgs),
    /// List the peers
    #[command(after_help = "\
Columns: peer, state, fresh (whether its descriptor was found current lately), following, lag (entries not held yet), \
last-contact, trouble. Only if asked for: unit, held, sent (entries sent of our log to it), descriptor (its version), \
refreshed, acknowledged (version of our descriptor that it holds), clock (its clock against ours).

Examples:
  selat peer list
  selat peer list --columns peer,state,descriptor,acknowledged,clock")]
    List,
    /// Show all that is known of a peer
    #[command(after_help = "\
Examples:
  selat peer show IDN
  selat peer show IDN --output json")]
    Show(PeerArgs),
    /// Try a peer step by step: reachability, TLS, clock, protocol, descriptor, permissions
    #[command(after_help = "\
Examples:
  selat peer ping IDN
  selat peer ping IDN --output json")]
    Ping(PeerArgs),
    /// Stop all traffic with a peer until it is resumed; its connections are closed at once
    #[command(after_help = "\
Examples:
  selat peer suspend IDN --reason 'their operator reports a break-in'")]
    Suspend(StandingArgs),
    /// Let traffic flow again with a suspended peer
    #[command(after_help = "\
Examples:
  selat peer resume IDN --reason 'all clear, called their duty officer'")]
    Resume(StandingArgs),
    /// Forget a peer for good: it comes back only by a new comparison of words; what it gave stays
    #[command(after_help = "\
Asks for the peer's name to be typed; --yes answers for scripts.

Examples:
  selat peer remove IDN --reason 'keys lost, starts anew'
  selat peer remove IDN --reason 'keys lost, starts anew' --yes")]
    Remove(StandingArgs),
}

/// A peer by name.
#[derive(Debug, Clone, Args)]
pub struct PeerArgs {
    /// The peer
    #[arg(value_name = "PEER", value_parser = participant)]
    pub peer: ParticipantId,
}

/// A peer, and why its standing is changed.
#[derive(Debug, Clone, Args)]
pub struct StandingArgs {
    /// The peer
    #[arg(value_name = "PEER", value_parser = participant)]
    pub peer: ParticipantId,
    /// Why, for the audit log: 1 to 200 characters
    #[arg(long, value_name = "TEXT", value_parser = why)]
    pub reason: String,
}

/// What `selat peer invite` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Without --file the descriptor goes to standard output as it is, unless --output asks for JSON.

Examples:
  selat peer invite --file AUS.descriptor
  selat peer invite > AUS.descriptor")]
pub struct InviteArgs {
    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// What `selat peer join` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The file of a peer that is approved already brings its next versions: each must follow from the one before. So two nodes \
come together again when one of them missed what the other published.

Examples:
  selat peer join IDN.descriptor")]
pub struct JoinArgs {
    /// The other side's descriptors, as its selat peer invite wrote them; - reads standard input
    pub file: PathBuf,
}

/// What `selat peer approve` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  selat peer approve IDN --channel 'video call with the head of unit'
  selat peer approve IDN --phrase 'w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12' --channel 'video call'")]
pub struct ApproveArgs {
    /// The peer
    #[arg(value_name = "PEER", value_parser = participant)]
    pub peer: ParticipantId,
    /// The twelve words as the other side read them out; without it they are asked for
    #[arg(long, value_name = "WORDS")]
    pub phrase: Option<String>,
    /// How the words were compared
    #[arg(long, value_name = "TEXT")]
    pub channel: String,
}
