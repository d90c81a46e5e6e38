//! The words of the command line: which commands there are and what they take. The `selat` program flattens
//! [`Command`] next to the node's commands and [`Globals`] into its own options.
//!
//! Promise: a value that gets past here has the right shape; what it means is the commands' business.

mod ceremony;
mod certificate;
mod descriptor;
mod key;
mod peer;
mod published;
mod record;
mod rotation;
mod search;
mod span;
mod values;
mod watch;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub use ceremony::{CeremonyCommand, Occasion, ScriptArgs};
pub use certificate::{CertCheckArgs, CertCommand, CheckArgs};
pub use descriptor::{
    CombineArgs, ContentChanges, DescriptorCommand, DiffArgs, DraftArgs, Ending, KeyChanges, KeyName, Moment, Protocol,
    ShowArgs, SignArgs, VerifyArgs,
};
pub use key::{ExportPublicArgs, GenerateArgs, KeyCommand, KeyKind};
pub use peer::{ApproveArgs, InviteArgs, JoinArgs, PeerArgs, PeerCommand, StandingArgs};
pub(crate) use peer::{COLUMNS as PEER_COLUMNS, USUAL_COLUMNS as PEER_USUAL_COLUMNS};
pub(crate) use published::ACKS_COLUMNS;
pub use published::{NodeDescriptorCommand, PublishArgs};
pub use record::{
    AmendArgs, ExportArgs, GetArgs, HistoryArgs, ImportArgs, ListArgs, PutArgs, QuarantineArgs, RecordCommand,
    ReleaseArgs,
};
pub(crate) use record::{HISTORY_COLUMNS, LIST_COLUMNS};
pub use rotation::{
    ApplyArgs, DraftFile, KeyStatusArgs, NodeKeyCommand, PlanArgs, ResignArgs, RetireArgs, RevokeArgs, RotateArgs,
    TurnArgs, WorkingKey,
};
pub(crate) use rotation::{RESIGN_COLUMNS, STATUS_COLUMNS};
pub use search::{Criteria, SearchArgs};
pub(crate) use values::reason;
pub use values::{Join, KindName, PurposeName, ReasonArgs};
pub use watch::DoctorArgs;
pub(crate) use watch::FINDING_COLUMNS;

/// Default place of the node's socket.
pub const DEFAULT_SOCKET: &str = "/run/selat/desk.sock";

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Globals {
    /// Form of the data on standard output; without it a table on a terminal and JSON Lines elsewhere
    #[arg(short, long, global = true, value_enum, value_name = "FORM", env = "SELAT_OUTPUT", hide_env_values = true)]
    pub output: Option<Form>,
    /// Columns of a table, in this order
    #[arg(long, global = true, value_name = "A,B,...", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Socket of the local node
    #[arg(long, global = true, value_name = "PATH", default_value = DEFAULT_SOCKET, env = "SELAT_SOCKET", hide_env_values = true)]
    pub socket: PathBuf,
    /// Address of a node elsewhere, as https://HOST:PORT; needs --officer-cert
    #[arg(long, global = true, value_name = "URL", env = "SELAT_NODE", hide_env_values = true)]
    pub node: Option<String>,
    /// Folder with the officer's certificate and key, for --node
    #[arg(long, global = true, value_name = "DIR", env = "SELAT_OFFICER_CERT", hide_env_values = true)]
    pub officer_cert: Option<PathBuf>,
    /// Colour on the terminal (NO_COLOR is heeded)
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Colour,
    /// Answer yes to every question, for scripts
    #[arg(long, global = true)]
    pub yes: bool,
}

/// Form of the data on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Columns for people
    Table,
    /// One JSON value
    Json,
    /// One JSON value per line
    Jsonl,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal
    Auto,
    /// Also into files and pipes
    Always,
    /// Not at all
    Never,
}

impl Colour {
    /// What [`crate::screen::Screen::of_process`] takes.
    pub fn wish(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Always => Some(true),
            Self::Never => Some(false),
        }
    }
}

/// The officer's and operator's commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Show the node, its peers and what waits, on one screen
    #[command(after_help = "\
Examples:
  selat status
  selat status --output json")]
    Status,
    /// Print the node's measurements, as a collector reads them
    #[command(after_help = "\
Counts, times and states for a monitoring system, as OpenMetrics text; nothing of what records say. [watch] metrics_listen \
in the configuration serves the same over HTTP.

Examples:
  selat metrics")]
    Metrics,
    /// Ask the peers whether they know a person, document, conveyance or incident
    Search(SearchArgs),
    /// Work with records
    #[command(subcommand)]
    Record(RecordCommand),
    /// Get to know peers and look after them
    #[command(subcommand)]
    Peer(PeerCommand),
    /// Draft, sign, check and publish descriptors, and see who has ours
    #[command(subcommand)]
    Descriptor(DescriptorCommand),
    /// Make keys, turn them, end them
    #[command(subcommand)]
    Key(KeyCommand),
    /// Do by the book what several people do together
    #[command(subcommand)]
    Ceremony(CeremonyCommand),
    /// Look after the node's TLS certificate, which it renews by itself
    #[command(subcommand)]
    Cert(CertCommand),
}

impl Command {
    /// Names of the columns of the command's table, if it prints one.
    pub fn columns(&self) -> &'static [&'static str] {
        match self {
            Self::Record(command) => command.columns(),
            Self::Peer(PeerCommand::List) => PEER_COLUMNS,
            Self::Key(KeyCommand::OfNode(command)) => command.columns(),
            Self::Descriptor(DescriptorCommand::OfNode(NodeDescriptorCommand::Acks)) => ACKS_COLUMNS,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::testing::words;

    #[derive(Debug, Parser)]
    #[command(name = "selat")]
    struct Program {
        #[command(flatten)]
        globals: Globals,
        #[command(subcommand)]
        command: Command,
    }

    fn parse(line: &str) -> Result<Program, clap::Error> {
        Program::try_parse_from(line.split(' '))
    }

    #[test]
    fn definition_is_sound() {
        Program::command().debug_assert();
    }

    #[test]
    fn good_lines_are_taken() {
        for line in [
            "selat status",
            "selat -o json status",
            "selat status --output jsonl --color never --socket /tmp/s",
            "selat search Siti --purpose visa --case V-12",
            "selat search --document P1 --kind person,travel-document --peers IDN,MYS --purpose visa --case V-12 --fetch",
            "selat search --from 2020 --until 2021-03-04 --purpose visa --case V-12 --deadline 900ms --own --fail-empty",
            "selat record put - --purpose visa --case V-12",
            "selat record get 018bcfe5-6800-7707-8707-070707070707 --purpose visa --case V-12",
            "selat record list --purpose visa --case V-12 --columns id,kind",
            "selat record history 018bcfe5-6800-7707-8707-070707070707 --purpose visa --case V-12",
            "selat record amend 018bcfe5-6800-7707-8707-070707070707 f.json --from-version 1 --purpose visa --case V-12",
            "selat record release 018bcfe5-6800-7707-8707-070707070707 --to IDN,MYS --purpose visa --case V-12",
            "selat record release 018bcfe5-6800-7707-8707-070707070707 --to-everyone --purpose visa --case V-12",
            "selat record export --jsonl --purpose visa --case V-12",
            "selat record import f.csv --map m.toml --dry-run",
            "selat record import f.csv --map m.toml --release-to all --dry-run",
            "selat record import f.csv --map m.toml --release-to IDN,MYS --dry-run",
            "selat record import f.csv --map m.toml --join alt=a.csv --join add=b.csv --purpose visa --case V-12",
            "selat record quarantine --peer IDN",
            "selat metrics",
            "selat peer invite --file AUS.descriptor",
            "selat peer join IDN.descriptor",
            "selat peer fingerprint IDN",
            "selat peer approve IDN --channel call",
            "selat peer list",
            "selat peer show IDN",
            "selat key status --check --warn 30d --crit 7d",
            "selat key plan record --file plan.json",
            "selat key apply plan.json",
            "selat key rotate tls-ca --plan",
            "selat key rotate record --yes --file AUS-2.draft",
            "selat key rotate log --emergency --reason stolen --compromised-since 2026-11-20",
            "selat key rotate query --abandon",
            "selat key rotate query --reason yearly",
            "selat key retire 1a2b3c4d --reason spare",
            "selat key revoke 1A2B3C4D5E --reason lost --compromised-since 2026-11-20T08:00:00Z",
            "selat key resign --list --limit 10",
            "selat descriptor publish AUS-2.descriptor",
            "selat descriptor acks",
            "selat descriptor show",
            "selat descriptor show --peer IDN",
            "selat cert show",
            "selat cert check --warn 60d --crit 12h",
            "selat cert renew",
            "selat peer ping IDN",
            "selat peer suspend IDN --reason 1",
            "selat peer resume IDN --reason 1",
            "selat peer remove IDN --reason 1 --yes",
        ] {
            parse(line).unwrap_or_else(|fault| panic!("{line}: {fault}"));
        }
    }

    #[test]
    fn bad_lines_are_refused_with_usage() {
        for line in [
            "selat",
            "selat status --output xml",
            "selat status --color blue",
            "selat search Siti",
            "selat search Siti --purpose fun --case V-12",
            "selat search Siti --purpose visa",
            "selat search Siti --purpose visa --case V-12 --deadline 5",
            "selat search Siti --purpose visa --case V-12 --deadline 99ms",
            "selat search Siti --purpose visa --case V-12 --deadline 61s",
            "selat search Siti --purpose visa --case V-12 --peers 1DN",
            "selat search Siti --purpose visa --case V-12 --from 2020-13",
            "selat search Siti --purpose visa --case V-12 --kind thing",
            "selat search Siti --name Siti --purpose visa --case V-12",
            "selat search Siti --purpose visa --case V-12 --limit 201",
            "selat record get 17 --purpose visa --case V-12",
            "selat record get 018bcfe5-6800-7707-8707-070707070707",
            "selat record release 018bcfe5-6800-7707-8707-070707070707 --purpose visa --case V-12",
            "selat record release 018bcfe5-6800-7707-8707-070707070707 --to IDN --to-everyone --purpose visa --case V-12",
            "selat record release 018bcfe5-6800-7707-8707-070707070707 --to everyone --purpose visa --case V-12",
            "selat record amend 018bcfe5-6800-7707-8707-070707070707 f.json --purpose visa --case V-12",
            "selat record import f.csv --map m.toml",
            "selat record import f.csv --dry-run",
            "selat record import f.csv --map m.toml --dry-run --join nothing",
            "selat record import f.csv --map m.toml --dry-run --release-to everyone",
            "selat peer approve IDN",
            "selat peer suspend IDN",
            "selat peer remove IDN",
            "selat cert check --warn 60",
            "selat key rotate root",
            "selat descriptor show AUS.descriptor --peer AUS",
            "selat key rotate record --emergency",
            "selat key rotate record --compromised-since 2026-11-20",
            "selat key rotate record --emergency --reason stolen --abandon",
            "selat key retire 1a2b --reason spare",
            "selat key retire 1a2b3c4d",
            "selat key resign --limit 10",
            "selat peer show idn/../x",
        ] {
            let fault = parse(line).err().unwrap_or_else(|| panic!("taken: {line}"));
            assert_eq!(fault.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn every_command_has_examples_that_parse() {
        let mut examples = 0;
        for command in leaves(&Program::command()) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default().replace("\\\n", " ");
            let lines: Vec<&str> = help.lines().skip_while(|line| *line != "Examples:").skip(1).collect();
            assert!(!lines.is_empty(), "{} has no examples", command.get_name());
            for line in lines {
                let words = words(line.trim().split(" > ").next().unwrap());
                Program::try_parse_from(&words).unwrap_or_else(|fault| panic!("{line}: {fault}"));
                assert!(
                    words.contains(&command.get_name().to_owned()),
                    "{line} is no example of {}",
                    command.get_name()
                );
                examples += 1;
            }
        }
        assert!(examples > 20, "{examples}");
    }

    #[test]
    fn help_begins_with_what_the_command_does() {
        let program = Program::command();
        let about = |path: [&str; 2]| {
            let command = path.iter().try_fold(&program, |command, name| command.find_subcommand(name)).unwrap();
            command.get_about().unwrap().to_string()
        };
        assert_eq!(about(["record", "list"]), "List the records that this node holds");
        assert_eq!(about(["peer", "ping"]).split(':').next(), Some("Try a peer step by step"));
        let search = program.find_subcommand("search").unwrap().get_about().unwrap().to_string();
        assert!(search.starts_with("Ask the peers"), "{search}");
    }

    fn leaves(command: &clap::Command) -> Vec<clap::Command> {
        if command.get_subcommands().next().is_none() {
            return vec![command.clone()];
        }
        command.get_subcommands().flat_map(leaves).collect()
    }
}
