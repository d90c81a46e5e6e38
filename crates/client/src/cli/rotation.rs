//! `selat key ...`, as far as a running node is needed: from the look at the keys to their end.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use selat_record::Timestamp;
use selat_record::pb::KeyPurpose;

use super::certificate::CheckArgs;
use super::descriptor::{KeyName, key_name};
use super::span::moment;
use super::values::why;

/// Columns of the table of the node's keys.
pub(crate) const STATUS_COLUMNS: &[&str] = &["purpose", "key", "status", "secret", "from", "until", "note"];
/// Columns of the table of records that a compromised key signed.
pub(crate) const RESIGN_COLUMNS: &[&str] = &["record", "version", "first-logged", "key", "new-version"];

/// The commands on the keys of a running node.
#[derive(Debug, Clone, Subcommand)]
pub enum NodeKeyCommand {
    /// Show the node's keys, or say in one line whether one needs a person
    Status(KeyStatusArgs),
    /// Plan the turn of a key; changes nothing
    Plan(PlanArgs),
    /// Do what is due of a plan, if nothing has changed since
    Apply(ApplyArgs),
    /// Let a successor take over, step by step and with no downtime; or at once in an emergency
    Rotate(RotateArgs),
    /// End a key that needs no successor
    Retire(RetireArgs),
    /// Tell all peers that a key may be in other hands
    Revoke(RevokeArgs),
    /// Sign anew the records that a compromised key signed
    Resign(ResignArgs),
}

impl NodeKeyCommand {
    /// Names of the columns of the command's table, if it prints one.
    pub(crate) fn columns(&self) -> &'static [&'static str] {
        match self {
            Self::Status(_) => STATUS_COLUMNS,
            Self::Resign(_) => RESIGN_COLUMNS,
            _ => &[],
        }
    }
}

/// The keys that the node keeps and signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WorkingKey {
    /// Signs records, amendments, recalls
    Record,
    /// Signs queries, answers, requests
    Query,
    /// Signs releases, receipts, checkpoints, acceptances
    Log,
    /// Signs the certificates of the participant's nodes
    TlsCa,
}

impl WorkingKey {
    /// As the schema has it.
    pub fn to_message(self) -> KeyPurpose {
        match self {
            Self::Record => KeyPurpose::Record,
            Self::Query => KeyPurpose::Query,
            Self::Log => KeyPurpose::Log,
            Self::TlsCa => KeyPurpose::TlsCa,
        }
    }
}

/// What `selat key status` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Columns: purpose, key (first digits of its id), status, secret (whether the node signs with it, holds it, or does not), \
until (when it ends; with a compromised key since when it is not believed), note. Only if asked for: from.

With --check one line for monitoring systems: OK, WARNING or CRITICAL and why. It ends with 0 when all is well, with 8 \
otherwise, and with another code when the node cannot be asked.

Examples:
  selat key status
  selat key status --check --warn 30d --crit 7d
  selat key status --output json")]
pub struct KeyStatusArgs {
    /// Say in one line whether a key needs a person
    #[arg(long)]
    pub check: bool,
    /// How the end of a key is judged.
    #[command(flatten)]
    pub bounds: CheckArgs,
}

/// Which turn of a key is meant.
#[derive(Debug, Clone, Args)]
pub struct TurnArgs {
    /// Which key
    #[arg(value_enum, value_name = "PURPOSE")]
    pub purpose: WorkingKey,
    /// The key may be in other hands: the successor takes over at once, and peers refuse what the old key signed since
    #[arg(long, requires = "reason", conflicts_with = "abandon")]
    pub emergency: bool,
    /// Why, for the audit log: 1 to 200 characters; an emergency needs it
    #[arg(long, value_name = "TEXT", value_parser = why)]
    pub reason: Option<String>,
    /// Since when it may be in other hands; without it since now
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "emergency")]
    pub compromised_since: Option<Timestamp>,
    /// Undo a turn that has been begun: the successor is dropped, the key in use stays
    #[arg(long)]
    pub abandon: bool,
}

/// What `selat key plan` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Nothing is changed. The file is what selat key apply takes; apply refuses it once things have changed. Roots are turned \
without the node: selat descriptor draft.

Examples:
  selat key plan record
  selat key plan record --file plan.json
  selat key plan tls-ca --emergency --reason 'disk stolen' --compromised-since 2026-11-20 --file plan.json")]
pub struct PlanArgs {
    /// What is planned.
    #[command(flatten)]
    pub turn: TurnArgs,
    /// Write the plan to this file, which must not be there yet
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// What `selat key apply` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Does the steps of the plan that are due, and none if anything has changed since the plan. A descriptor that has to be \
signed by roots is written as a draft.

Examples:
  selat key apply plan.json
  selat key apply plan.json --file AUS-2.draft")]
pub struct ApplyArgs {
    /// The plan, as selat key plan wrote it; - reads standard input
    pub plan: PathBuf,
    /// Where a draft is written to.
    #[command(flatten)]
    pub draft: DraftFile,
}

/// Where the draft of a descriptor goes.
#[derive(Debug, Clone, Args)]
pub struct DraftFile {
    /// Write the draft of a descriptor to this file instead of PARTICIPANT-VERSION.draft
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// What `selat key rotate` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
A successor takes over while both keys count, so that nothing fails on the way. Shows the plan, asks (the participant is \
typed; --yes for scripts), does what is due, and says what comes next. The same command again goes on where it stopped; \
when nothing is left it says so. Roots are turned without the node: selat descriptor draft.

Examples:
  selat key rotate record --plan
  selat key rotate record
  selat key rotate record --yes --file AUS-2.draft
  selat key rotate tls-ca --emergency --reason 'disk stolen' --compromised-since 2026-11-20
  selat key rotate record --abandon")]
pub struct RotateArgs {
    /// What is done.
    #[command(flatten)]
    pub turn: TurnArgs,
    /// Only show the steps, what each peer is ready for and the earliest safe time
    #[arg(long)]
    pub plan: bool,
    /// Where a draft is written to.
    #[command(flatten)]
    pub draft: DraftFile,
}

/// What `selat key retire` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The key ends without a successor of its own; what it signed before still counts. Shows the plan and asks, as selat key \
rotate does. selat key status shows the keys.

Examples:
  selat key retire 1a2b3c4d --reason 'the second record key is not needed'
  selat key retire 1a2b3c4d --reason 'the second record key is not needed' --plan")]
pub struct RetireArgs {
    /// The key: the first digits of its id, at least eight
    #[arg(value_name = "KEY", value_parser = key_name)]
    pub key: KeyName,
    /// Why, for the audit log: 1 to 200 characters
    #[arg(long, value_name = "TEXT", value_parser = why)]
    pub reason: String,
    /// Only show the steps
    #[arg(long)]
    pub plan: bool,
    /// Where a draft is written to.
    #[command(flatten)]
    pub draft: DraftFile,
}

/// What `selat key revoke` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The key may be in other hands and no successor is needed; for a key in use it is selat key rotate PURPOSE --emergency. \
Peers quarantine what they first logged under the key since that moment; selat key resign signs own records anew. Shows the \
plan and asks, as selat key rotate does.

Examples:
  selat key revoke 1a2b3c4d --reason 'found on a lost laptop' --compromised-since 2026-11-20
  selat key revoke 1a2b3c4d --reason 'found on a lost laptop' --plan")]
pub struct RevokeArgs {
    /// The key: the first digits of its id, at least eight
    #[arg(value_name = "KEY", value_parser = key_name)]
    pub key: KeyName,
    /// Why, for the audit log: 1 to 200 characters
    #[arg(long, value_name = "TEXT", value_parser = why)]
    pub reason: String,
    /// Since when it may be in other hands; without it since now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub compromised_since: Option<Timestamp>,
    /// Only show the steps
    #[arg(long)]
    pub plan: bool,
    /// Where a draft is written to.
    #[command(flatten)]
    pub draft: DraftFile,
}

/// What `selat key resign` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Own records that a compromised key signed: no peer takes them in any more, whenever they were made. Signed anew they are \
new versions and go to those who may have them. Asks first (the participant is typed; --yes for scripts). It may be broken \
off and run again.

Examples:
  selat key resign --list
  selat key resign --yes")]
pub struct ResignArgs {
    /// Only list the records
    #[arg(long)]
    pub list: bool,
    /// Most records of a list
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000), requires = "list")]
    pub limit: u32,
}
