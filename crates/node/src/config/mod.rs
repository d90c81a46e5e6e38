//! The node's configuration: one TOML file, read once at start.
//!
//! Promises: a [`Config`] holds only values within their bounds; a file that is not right yields *all* its faults, each
//! with line, column and mend; no key is silently ignored. Relative paths start at the folder in which the file really
//! lies (symbolic links followed). Leaves out: whether the paths exist and the ports are free, which start-up finds
//! out.

mod fault;
mod read;
mod shape;
mod trust;
mod walk;

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use selat_exchange::Limits;
use selat_policy::Role;
use selat_record::{FederationId, OfficerId, ParticipantId};
use toml::de::DeTable;

pub use fault::{ConfigFault, ConfigFaults, Place};
pub use trust::CREDENTIAL;

use crate::explain;

/// Largest configuration file in bytes. The longest sample has 8 KiB.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The version of the configuration format that this node reads.
pub const VERSION: u32 = 1;

/// Everything that an operator may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Who the node is and where its files lie.
    pub node: NodeConfig,
    /// How the node's keys are kept and how long their successions overlap.
    pub keys: KeysConfig,
    /// The node's own certificates.
    pub tls: TlsConfig,
    /// The listener for peers.
    pub peer: PeerConfig,
    /// The listener for officers and operators, and who they are.
    pub desk: DeskConfig,
    /// Pace and bounds of the exchange.
    pub exchange: ExchangeConfig,
    /// When what is known of the peers is too old, and what is told to monitoring.
    pub watch: WatchConfig,
    /// The store.
    pub store: StoreConfig,
    /// The log that the process writes.
    pub log: LogConfig,
    /// The unit's point of contact.
    pub contact: ContactConfig,
}

/// `[node]`: who the node is and where its files lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// The participant whose node this is.
    pub participant: ParticipantId,
    /// The federation that it takes part in.
    pub federation: FederationId,
    /// The node's label within the participant.
    pub node: String,
    /// Name of the unit, for people.
    pub unit: String,
    /// Folder of the store.
    pub data_dir: PathBuf,
    /// Folder of the key files.
    pub keys_dir: PathBuf,
    /// The participant's own chain of descriptors.
    pub descriptor: PathBuf,
}

/// `[keys]`: how the node's keys are kept and how long their successions overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysConfig {
    /// What protects the key files.
    pub protection: Protection,
    /// The token in which the signing keys live; `None`: in files.
    pub token: Option<TokenConfig>,
    /// A successor stays announced for at least this long before it signs.
    pub overlap: Duration,
    /// A retired key may sign for this long, for peers that do not know its successor yet.
    pub grace: Duration,
}

impl Default for KeysConfig {
    /// Plain files, and successions that a day of silence does not disturb.
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self { protection: Protection::Plain, token: None, overlap: day, grace: day }
    }
}

/// What protects the key files beside their mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// Nothing.
    Plain,
    /// A passphrase. Without a file of it, it is asked for on the terminal at start.
    Passphrase {
        /// The file whose first line it is.
        file: Option<PathBuf>,
    },
    /// A passphrase that systemd hands over as a credential.
    Credential {
        /// The credential's name.
        name: String,
    },
}

/// `[keys.token]`: a PKCS#11 token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenConfig {
    /// The library that speaks to it.
    pub module: PathBuf,
    /// The token's label.
    pub label: String,
    /// The file whose first line is the user PIN.
    pub pin_file: PathBuf,
}

/// `[tls]`: the node's own certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// How long a certificate of the node lives; it is renewed at two thirds of that.
    pub leaf_life: Duration,
}

/// `[watch]`: when what is known of the peers is too old, and what is told to monitoring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchConfig {
    /// A peer's descriptor that was not confirmed for so long is a warning.
    pub stale_warn: Duration,
    /// Nothing new is disclosed to, or asked of, a peer whose descriptor was not confirmed for so long.
    pub stale_stop: Duration,
    /// How often the peers are asked for their newest descriptor; `None`: as often as each hints.
    pub refresh: Option<Duration>,
    /// Where metrics are served over plain HTTP, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
}

/// `[peer]`: the listener for peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerConfig {
    /// Where the node listens.
    pub listen: SocketAddr,
    /// Host name or address under which peers reach it.
    pub advertise_host: String,
    /// Port under which peers reach it.
    pub advertise_port: u16,
}

/// `[desk]`: the listener for officers and operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskConfig {
    /// The Unix socket.
    pub socket: PathBuf,
    /// Name of the group that may open the socket; `None` leaves it to the node's own user.
    pub socket_group: Option<String>,
    /// Address of the mutually authenticated TCP desk, if there is one.
    pub listen: Option<SocketAddr>,
    /// Who the callers are, in the order of the file.
    pub callers: Vec<CallerRule>,
}

/// `[[desk.caller]]`: one mapping of a caller to an officer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerRule {
    /// How the caller is known.
    pub who: CallerKey,
    /// The officer that it is; for a group the first part of each member's officer id.
    pub officer: OfficerId,
    /// At least one, none twice.
    pub roles: Vec<Role>,
}

impl CallerRule {
    /// True for a rule about the certificate with this name.
    pub fn names_certificate(&self, name: &str) -> bool {
        matches!(&self.who, CallerKey::Certificate(known) if known == name)
    }
}

/// How a caller is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerKey {
    /// By its user id, on the Unix socket.
    Uid(u32),
    /// By a group that it is in, on the Unix socket.
    Gid(u32),
    /// By the name in its officer certificate, on the TCP desk.
    Certificate(String),
}

/// `[exchange]`: pace and bounds of the exchange with peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeConfig {
    /// Answers to peers leave on multiples of this span after the arrival of the query.
    pub answer_grid: Duration,
    /// Grid ticks after which the answer to a hit/no-hit query leaves.
    pub find_ticks: u32,
    /// Grid ticks after which the answer with full records leaves.
    pub fetch_ticks: u32,
    /// How long a federated search waits for its peers unless the officer says otherwise.
    pub query_deadline: Duration,
    /// Most log entries that are sent to a peer at once. What a peer may send is fixed by the protocol.
    pub segment_entries_max: usize,
    /// Validity of a record whose maker names none, in days.
    pub records_valid_days: u32,
    /// Requests per second that one peer may make on average.
    pub peer_requests_per_second: u32,
    /// Requests that one peer may make at once.
    pub peer_burst: u32,
    /// Faults within a minute after which a peer is cut off.
    pub faults_before_cut_off: u32,
    /// How long it stays cut off.
    pub cut_off: Duration,
    /// Largest difference between a peer's clock and ours that is not reported as a fault of the clocks.
    pub clock_skew_max: Duration,
}

/// `[store]`: the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// Memory for the store's cache, in MiB.
    pub cache_mib: u64,
}

/// `[log]`: the log that the process writes to standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// Least weighty event that is written.
    pub level: tracing::Level,
    /// How events are written.
    pub format: LogFormat,
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// One line of text per event.
    Text,
}

/// `[contact]`: the unit's point of contact, as its descriptor tells it to peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactConfig {
    /// Title of the office, not of a person.
    pub title: String,
    /// Answered day and night; may be empty when `email` is not.
    pub phone: String,
    /// May be empty when `phone` is not.
    pub email: String,
    /// BCP 47 tags, at least one.
    pub languages: Vec<String>,
    /// When the office is staffed.
    pub hours: String,
}

impl StoreConfig {
    /// Memory for the store's cache, in bytes.
    pub fn cache_bytes(&self) -> u64 {
        self.cache_mib * 1024 * 1024
    }
}

impl Config {
    /// The bounds of the use-cases. Those that no key sets have their defaults.
    pub fn limits(&self) -> Limits {
        let (exchange, keys, watch) = (&self.exchange, &self.keys, &self.watch);
        Limits {
            answer_grid: exchange.answer_grid,
            find_ticks: exchange.find_ticks,
            fetch_ticks: exchange.fetch_ticks,
            search_deadline: exchange.query_deadline,
            segment_entries_max: exchange.segment_entries_max,
            record_valid_days: exchange.records_valid_days,
            faults_before_cut_off: exchange.faults_before_cut_off,
            cut_off: exchange.cut_off,
            stale_warn: watch.stale_warn,
            stale_stop: watch.stale_stop,
            overlap: keys.overlap,
            grace: keys.grace,
            ..Limits::default()
        }
    }

    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<Self, ConfigFaults> {
        let text = read_bounded(path)?;
        let real = path.canonicalize().map_err(|error| {
            ConfigFaults::unreadable(path, error, "check that the folders above the file can be entered")
        })?;
        Self::parse(&text, path, real.parent().unwrap_or(Path::new("/")))
    }

    /// Checks the text of a file. `path` is what faults name; relative paths in the text start at `base`.
    pub fn parse(text: &str, path: &Path, base: &Path) -> Result<Self, ConfigFaults> {
        let book = walk::Book::new(text);
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            let mend = "mend the TOML of this line; texts stand in double quotes, lists in [ ]";
            book.note(&explain::CONFIG_SYNTAX, span, "this is not TOML", error.message(), mend);
        }
        let config = read::config(&book, document.get_ref(), base);
        match (config, ConfigFaults::new(path, leave_out_echoes(book.into_faults()))) {
            (_, Some(faults)) => Err(faults),
            (Some(config), None) => Ok(config),
            (None, None) => Err(ConfigFaults::unreadable(path, "a value is missing", "report this as a defect")),
        }
    }
}

/// Where the TOML itself is broken, what was read of those lines means nothing, and a key may be missing, or not go
/// with the rest, only because a line could not be read: such faults are left out until the TOML is mended.
fn leave_out_echoes(mut faults: Vec<ConfigFault>) -> Vec<ConfigFault> {
    let line = |fault: &ConfigFault| fault.place.as_ref().map(|place| place.line);
    let broken: Vec<_> = faults.iter().filter(|fault| *fault.entry == explain::CONFIG_SYNTAX).map(line).collect();
    if !broken.is_empty() {
        faults.retain(|fault| match *fault.entry {
            explain::CONFIG_SYNTAX => true,
            explain::CONFIG_MISSING | explain::CONFIG_CONTRADICTION => false,
            _ => !broken.contains(&line(fault)),
        });
    }
    faults
}

fn read_bounded(path: &Path) -> Result<String, ConfigFaults> {
    let unreadable = |error: std::io::Error| {
        let mend = match error.kind() {
            std::io::ErrorKind::NotFound => "name the file with --config, or make a node with selat init",
            std::io::ErrorKind::InvalidData => "save the file as UTF-8",
            _ => "check the file and its permissions",
        };
        ConfigFaults::unreadable(path, error, mend)
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let cause = format!("it is larger than {FILE_BYTES_MAX} bytes");
        return Err(ConfigFaults::unreadable(path, cause, "check that this is the configuration file"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
