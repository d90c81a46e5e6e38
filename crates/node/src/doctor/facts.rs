//! What the doctor and the measurements go by: plain values, gathered elsewhere.

use std::path::PathBuf;
use std::time::Duration;

use selat_keyring::keyfile::short;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{ParticipantId, Timestamp};
use selat_seal::KeyId;
use selat_seal::keyfile::purpose_word;

/// Everything that is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Whose node it is.
    pub participant: ParticipantId,
    /// Since when it runs; `None` while it is down.
    pub started: Option<Timestamp>,
    /// Time.
    pub clock: ClockFacts,
    /// Keys.
    pub keys: KeyFacts,
    /// Certificates.
    pub certificates: CertificateFacts,
    /// Our own descriptor.
    pub descriptor: DescriptorFacts,
    /// The peers, by name.
    pub peers: Vec<PeerFacts>,
    /// The store.
    pub store: StoreFacts,
    /// Backups of the keys.
    pub backup: BackupFacts,
}

impl Facts {
    /// True when a node answered for itself.
    pub fn is_running(&self) -> bool {
        self.started.is_some()
    }
}

/// Time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockFacts {
    /// The latest time that the node has noted; `None` before its first start, or when the store cannot be asked.
    pub high_water: Option<Timestamp>,
}

/// Keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// Where the secrets live, for people: "files", "files, passphrase", "token LABEL".
    pub custody: String,
    /// Whoever reads the disk has the keys.
    pub plain: bool,
    /// Files that cannot be used as they are.
    pub faults: Vec<KeyFileFault>,
    /// Why it is not known which secrets are held, when it is not.
    pub not_looked: Option<String>,
    /// Every key that the descriptor names or the node holds.
    pub keys: Vec<KeyFact>,
    /// Root keys that lie on the node's disk.
    pub roots_here: Vec<PathBuf>,
}

/// A file of a key that cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFileFault {
    /// What is wrong, with the file's path.
    pub what: String,
    /// The command that mends it.
    pub mend: String,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFact {
    /// Purpose and the first 8 digits of its id: `record-1a2b3c4d`.
    pub name: String,
    /// What it signs.
    pub purpose: KeyPurpose,
    /// What our descriptor says of it; `None`: the descriptor does not name it.
    pub status: Option<KeyStatus>,
    /// When it ends, if that is fixed.
    pub valid_until: Option<Timestamp>,
    /// The node holds the secret; `None` when that is not known.
    pub held: Option<bool>,
    /// The node signs with it now.
    pub in_use: bool,
}

/// The name of a key for people: its purpose and the first digits of its id, as key files have it.
pub fn key_name(purpose: KeyPurpose, id: KeyId) -> String {
    format!("{}-{}", purpose_word(purpose), short(id))
}

impl KeyFact {
    /// The purpose as key files and the command line have it.
    pub fn purpose_word(&self) -> &'static str {
        purpose_word(self.purpose)
    }

    /// True for a key that counts.
    pub fn is_active(&self) -> bool {
        self.status == Some(KeyStatus::Active)
    }

    /// True for a root key that counts.
    pub fn is_active_root(&self) -> bool {
        self.purpose == KeyPurpose::Root && self.is_active()
    }

    /// True for a key that is announced and not active yet.
    pub fn is_pending(&self) -> bool {
        self.status == Some(KeyStatus::Pending)
    }
}

/// Certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Begin and end of the node's own certificate; `None` while the node is down: it makes one at start.
    pub leaf: Option<(Timestamp, Timestamp)>,
    /// Why the last renewal failed, if it did.
    pub renewal_failure: Option<String>,
    /// Name of the key and end of the certificate of each authority that peers trust.
    pub authorities: Vec<(String, Timestamp)>,
    /// End of the officer authority's certificate; `None` when it cannot be read.
    pub officer_authority: Option<Timestamp>,
}

/// Our own descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptorFacts {
    /// Its number.
    pub version: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends, if ever.
    pub expires: Option<Timestamp>,
    /// The last version in the file that the configuration names; why it cannot be read, otherwise.
    pub in_file: Result<u64, String>,
    /// The file.
    pub file: PathBuf,
}

/// How a peer stands with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerStanding {
    /// The phrase was not compared yet.
    Pending,
    /// Traffic flows.
    Approved,
    /// Stopped by an operator.
    Suspended,
    /// Two descriptors under one number.
    Frozen,
}

impl PeerStanding {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Approved, Self::Suspended, Self::Frozen];

    /// Its name in labels and for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Suspended => "suspended",
            Self::Frozen => "frozen",
        }
    }
}

/// One peer.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerFacts {
    /// Who.
    pub peer: ParticipantId,
    /// How it stands with us.
    pub standing: PeerStanding,
    /// Why it is suspended or frozen.
    pub standing_reason: String,
    /// We follow its log now.
    pub connected: bool,
    /// When anything last came from it; `None` since the start.
    pub last_contact: Option<Timestamp>,
    /// What last went wrong.
    pub last_error: Option<String>,
    /// What is wrong with the descriptor that it last sent, if anything.
    pub descriptor_fault: Option<String>,
    /// Entries of its log to us that we do not hold yet.
    pub lag: u64,
    /// Entries of its log to us that we could not accept.
    pub quarantined: u64,
    /// Entries of our log to it that it has not been sent since the start.
    pub unsent: u64,
    /// Until when and why it is cut off, if it is.
    pub cut_off: Option<(Timestamp, String)>,
    /// Its clock minus ours at the last hello.
    pub clock_skew_ms: Option<i64>,
    /// Version of its descriptor that is in force here.
    pub descriptor_version: u64,
    /// When that was made.
    pub descriptor_created: Timestamp,
    /// When that ends, if ever.
    pub descriptor_expires: Option<Timestamp>,
    /// When it was last confirmed to be its newest.
    pub refreshed: Option<Timestamp>,
    /// The version of ours that it is known to hold.
    pub acknowledged: u64,
}

/// The store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFacts {
    /// Where it lies.
    pub folder: PathBuf,
    /// Whether it opens.
    pub opened: Opened,
    /// Records that the search index does not hold.
    pub index_lag: u64,
    /// Its disk, if the system tells.
    pub disk: Option<DiskFacts>,
}

/// Whether a store opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It does, and takes so many bytes.
    Yes(u64),
    /// It does not.
    No(String),
    /// There is none yet: the node makes it at its first start.
    NotYet,
    /// It was not tried.
    NotTried(String),
}

/// A disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskFacts {
    /// Bytes that the node may still write.
    pub free: u64,
    /// Bytes altogether.
    pub total: u64,
}

/// Backups of the keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackupFacts {
    /// When keys were last backed up, and the names of the keys in that backup.
    pub backup: Option<(Timestamp, Vec<String>)>,
    /// When a backup was last tried by a drill that held.
    pub drill: Option<Timestamp>,
}

impl BackupFacts {
    /// How long ago each of the two was.
    pub fn ages(&self, now: Timestamp) -> (Option<Duration>, Option<Duration>) {
        let age = |at: Timestamp| now.since(at);
        (self.backup.as_ref().map(|(at, _)| age(*at)), self.drill.map(age))
    }
}
