//! `selat record ...`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use selat_record::pb::Audience;
use selat_record::{ParticipantId, RecordId};

use super::search::Criteria;
use super::values::{Join, KindName, PurposeName, ReasonArgs, audience, case_reference, join, participant, record_id};

/// Columns of the tables of records.
pub(crate) const RECORD_COLUMNS: &[&str] = &[
    "id",
    "kind",
    "originator",
    "what",
    "tlp",
    "version",
    "grade",
    "made",
    "valid-until",
    "released-to",
    "content-id",
];
/// Those that a list shows when nobody asks for others.
pub(crate) const LIST_COLUMNS: &[&str] = &["id", "kind", "originator", "what", "tlp"];
/// Those that a history shows when nobody asks for others.
pub(crate) const HISTORY_COLUMNS: &[&str] = &["version", "made", "valid-until", "tlp", "grade", "released-to", "what"];
/// Columns of the table of the quarantine.
pub(crate) const QUARANTINE_COLUMNS: &[&str] = &["peer", "index", "time", "code", "reason", "content-id"];

/// The commands on records.
#[derive(Debug, Clone, Subcommand)]
pub enum RecordCommand {
    /// Put a record into the node and release it to whom its handling names
    Put(PutArgs),
    /// Show a record
    Get(GetArgs),
    /// List the records that this node holds
    List(ListArgs),
    /// List the versions of a record
    History(HistoryArgs),
    /// Replace a record by a new version
    Amend(AmendArgs),
    /// Let further participants read a record
    Release(ReleaseArgs),
    /// Write records as their originators signed them, one JSON object per line
    Export(ExportArgs),
    /// Put the rows of a CSV or JSON Lines file into the node as records
    Import(ImportArgs),
    /// List what peers sent and this node could not accept
    Quarantine(QuarantineArgs),
}

impl RecordCommand {
    pub(super) fn columns(&self) -> &'static [&'static str] {
        match self {
            Self::List(_) | Self::History(_) => RECORD_COLUMNS,
            Self::Quarantine(_) => QUARANTINE_COLUMNS,
            _ => &[],
        }
    }
}

/// What `selat record put` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  selat record put person.json --purpose law-enforcement --case L-3
  selat record put - --valid-days 90 --purpose visa --case V-12 --output json")]
pub struct PutArgs {
    /// The draft as JSON; - reads standard input
    pub file: PathBuf,
    /// Days until it expires; without it as the node is configured
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub valid_days: Option<u32>,
    /// Why
    #[command(flatten)]
    pub reason: ReasonArgs,
}

/// What `selat record get` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  selat record get 018bcfe5-6800-7707-8707-070707070707 --purpose visa --case V-12
  selat record get 018bcfe5-6800-7707-8707-070707070707 --draft --purpose visa --case V-12 > draft.json")]
pub struct GetArgs {
    /// The record
    #[arg(value_name = "ID", value_parser = record_id)]
    pub id: RecordId,
    /// An earlier version instead of the current one
    #[arg(long = "record-version", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub record_version: Option<u32>,
    /// Print it as a draft, to be edited and handed to `selat record amend`
    #[arg(long)]
    pub draft: bool,
    /// Why
    #[command(flatten)]
    pub reason: ReasonArgs,
}

/// What `selat record list` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Columns: id, version, kind, originator, what, made, valid-until, tlp, grade, released-to, content-id

Examples:
  selat record list --kind incident --country IDN --from 2023 --purpose statistics --case S-1
  selat record list --originator MYS --limit 0 --columns id,what --purpose visa --case V-12")]
pub struct ListArgs {
    /// Records of this participant only
    #[arg(long, value_name = "PARTICIPANT", value_parser = participant)]
    pub originator: Option<ParticipantId>,
    /// Which records
    #[command(flatten)]
    pub criteria: Criteria,
    /// Most records to list; 0 lists all
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: u32,
    /// Why
    #[command(flatten)]
    pub reason: ReasonArgs,
}

/// What `selat record history` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Columns: id, version, kind, originator, what, made, valid-until, tlp, grade, released-to, content-id

Examples:
  selat record history 018bcfe5-6800-7707-8707-070707070707 --purpose visa --case V-12")]
pub struct HistoryArgs {
    /// The record
    #[arg(value_name = "ID", value_parser = record_id)]
    pub id: RecordId,
    /// Why
    #[command(flatten)]
    pub reason: ReasonArgs,
}

/// What `selat record amend` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The file holds the whole record as it shall be. Start from `selat record get ID --draft`. If somebody else has amended \
the record since --from-version, nothing changes and the exit code is 9.

Examples:
  selat record amend 018bcfe5-6800-7707-8707-070707070707 draft.json --from-version 1 --why 'date of birth corrected' \
--purpose visa --case V-12")]
pub struct AmendArgs {
    /// The record
    #[arg(value_name = "ID", value_parser = record_id)]
    pub id: RecordId,
    /// The new draft as JSON; - reads standard input
    pub file: PathBuf,
    /// Version that the change was made from
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub from_version: u32,
    /// Reason for the amendment, in place of the draft's
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
    /// Days until it expires; without it as the node is configured
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub valid_days: Option<u32>,
    /// Why
    #[command(flatten)]
    pub reason: ReasonArgs,
}

/// What `selat record release` takes.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("audience").required(true).args(["to", "to_everyone"]))]
#[command(after_help = "\
Makes a new version of the record whose handling also names these participants. What a peer has read it cannot unread: \
--to-everyone asks before it acts.

Examples:
  selat record release 018bcfe5-6800-7707-8707-070707070707 --to IDN,MYS --purpose law-enforcement --case L-3
  selat record release 018bcfe5-6800-7707-8707-070707070707 --to-everyone --yes --purpose law-enforcement --case L-3")]
pub struct ReleaseArgs {
    /// The record
    #[arg(value_name = "ID", value_parser = record_id)]
    pub id: RecordId,
    /// Participants that may read it from now on
    #[arg(long, value_name = "PEER,...", value_delimiter = ',', value_parser = participant)]
    pub to: Vec<ParticipantId>,
    /// Every approved peer may read it, those approved later too
    #[arg(long)]
    pub to_everyone: bool,
    /// Why
    #[command(flatten)]
    pub reason: ReasonArgs,
}

/// What `selat record export` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Each line holds the envelope exactly as its originator signed it, and its content readable beside it.

Examples:
  selat record export --purpose statistics --case S-1 > records.jsonl
  selat record export --jsonl --all-versions --originator AUS --purpose statistics --case S-1")]
pub struct ExportArgs {
    /// JSON Lines: the only form so far, so it need not be said
    #[arg(long)]
    pub jsonl: bool,
    /// All versions instead of the current ones
    #[arg(long)]
    pub all_versions: bool,
    /// Records of this participant only
    #[arg(long, value_name = "PARTICIPANT", value_parser = participant)]
    pub originator: Option<ParticipantId>,
    /// Kinds of records
    #[arg(long, value_enum, value_name = "KIND,...", value_delimiter = ',')]
    pub kind: Vec<KindName>,
    /// Why
    #[command(flatten)]
    pub reason: ReasonArgs,
}

/// What `selat record import` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Good rows go in; bad rows are listed with row, column, value and reason. Importing the same file again takes nothing \
twice, and a row that has changed becomes an amendment. Exit code 6: some rows did not go in.

Examples:
  selat record import incidents.csv --map iom-missing-migrants.toml --dry-run
  selat record import incidents.csv --map iom-missing-migrants.toml --report rejected.csv --purpose statistics --case S-1
  selat record import sdn.csv --map ofac-sdn.toml --join alt=alt.csv --join add=add.csv --release-to IDN,MYS \
--purpose law-enforcement --case L-3")]
pub struct ImportArgs {
    /// The file: CSV or JSON Lines, as the mapping says
    pub file: PathBuf,
    /// The mapping: which column becomes which field
    #[arg(long, value_name = "MAP")]
    pub map: PathBuf,
    /// A further file that the mapping joins on a key
    #[arg(long = "join", value_name = "NAME=FILE", value_parser = join)]
    pub joins: Vec<Join>,
    /// Who may read the records, in place of the mapping's word: participants, `all` or `nobody`
    #[arg(long, value_name = "PEER,...", value_parser = audience)]
    pub release_to: Option<Audience>,
    /// Days until the records expire; without it as the mapping or the node says
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub valid_days: Option<u32>,
    /// Map and check every row, and leave it at that; talks to no node
    #[arg(long)]
    pub dry_run: bool,
    /// Write the rows that did not go in to this file, as CSV
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// What it is for
    #[arg(long, value_enum, required_unless_present = "dry_run", env = "SELAT_PURPOSE", hide_env_values = true)]
    pub purpose: Option<PurposeName>,
    /// Reference of the case, at most 80 characters
    #[arg(long, value_name = "REF", value_parser = case_reference, required_unless_present = "dry_run",
        env = "SELAT_CASE", hide_env_values = true)]
    pub case: Option<String>,
}

/// What `selat record quarantine` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Columns: peer, index, time, code, reason, content-id

Examples:
  selat record quarantine
  selat record quarantine --peer IDN --output json")]
pub struct QuarantineArgs {
    /// From this peer only
    #[arg(long, value_name = "PEER", value_parser = participant)]
    pub peer: Option<ParticipantId>,
    /// Most entries to list; 0 lists all
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: u32,
}
