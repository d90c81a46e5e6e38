//! Every key in the store is made here. Text up to the last `/`, then ids and numbers in raw bytes of fixed length; numbers
//! are big endian, so that keys sort as they count. No key holds personal data: what would, is a keyed hash.
//!
//! | prefix | key | holds |
//! |---|---|---|
//! | `log/size/` | log | its size (the engine's own) |
//! | `log/hash/` | log, stored-hash index | one hash of its tree (the engine's own) |
//! | `log/entry/` | log, index | leaf and entry (the engine's own) |
//! | `engine/` | - | format of the engine's files (the engine's own) |
//! | `m/` | - | whose store this is; high-water time |
//! | `h/` | originator, record | head: the latest version held |
//! | `r/` | originator, record, version | one version |
//! | `c/` | originator, record, content | envelope, encrypted |
//! | `k/` | originator, record | record key, wrapped |
//! | `i/` | record, originator | who originated it |
//! | `x/` | peer, record, version | index in our release log to that peer |
//! | `y/` | record, peer, version | the same, by record |
//! | `q/`, `qe/` | peer, index | quarantined entry; its envelope, encrypted |
//! | `du/` | peer | how far its log to us was walked for versions in doubt |
//! | `p/`, `pc/` | peer | peer; the last checkpoint we know of its log |
//! | `pa/` | peer, acceptance | signed acceptance of the peer |
//! | `pe/` | - | how often the set of peers changed |
//! | `dc/` | participant, version | accepted descriptor |
//! | `dk/` | peer | what it holds of our chain; when its own was last compared |
//! | `de/` | participant, version | two descriptors under one number |
//! | `kd/` | descriptor, purpose | draft of our next descriptor |
//! | `s/` | keyed hash | imported source key |
//! | `sx/`, `sq/` | expiry, issuer, query; issuer, query | answered queries |

use selat_ledger::LogId;
use selat_record::ParticipantId;

/// Prefixes that only the engine itself writes.
const RESERVED: [&[u8]; 2] = [b"log/", b"engine/"];

/// True for keys that a batch may not name, or it could rewrite a log.
pub(crate) fn is_reserved(key: &[u8]) -> bool {
    RESERVED.iter().any(|prefix| key.starts_with(prefix))
}

/// Format of the engine's files.
pub(crate) const ENGINE_FORMAT: &[u8] = b"engine/format";

/// Size of a log.
pub(crate) fn log_size(log: &LogId) -> Vec<u8> {
    format!("log/size/{}", log.as_str()).into_bytes()
}

/// One stored hash of a log's tree.
pub(crate) fn log_hash(log: &LogId, index: u64) -> Vec<u8> {
    let mut key = format!("log/hash/{}\0", log.as_str()).into_bytes();
    key.extend(index.to_be_bytes());
    key
}

/// What all entries of a log begin with.
pub(crate) fn log_entries(log: &LogId) -> Vec<u8> {
    format!("log/entry/{}\0", log.as_str()).into_bytes()
}

/// One entry of a log.
pub(crate) fn log_entry(log: &LogId, index: u64) -> Vec<u8> {
    let mut key = log_entries(log);
    key.extend(index.to_be_bytes());
    key
}

/// The last eight bytes of a key as a number.
pub(crate) fn last_u64(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// A value that is one number.
pub(crate) fn u64_value(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// A key of a repository, built part by part.
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// Begins with one of the prefixes above.
    pub(crate) fn of(prefix: &str) -> Self {
        Self(prefix.as_bytes().to_vec())
    }

    /// Adds a participant. No participant id contains `/`, so none is the beginning of another.
    pub(crate) fn participant(mut self, participant: &ParticipantId) -> Self {
        self.0.extend(participant.as_str().as_bytes());
        self.0.push(b'/');
        self
    }

    /// Adds raw bytes of a fixed length.
    pub(crate) fn raw<const N: usize>(mut self, bytes: &[u8; N]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// The finished key.
    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a key of a repository, part by part.
pub(crate) struct KeyParts<'a>(&'a [u8]);

impl<'a> KeyParts<'a> {
    /// The key after its prefix, if that is its prefix.
    pub(crate) fn after(prefix: &str, key: &'a [u8]) -> Option<Self> {
        key.strip_prefix(prefix.as_bytes()).map(Self)
    }

    /// The participant that stands next.
    pub(crate) fn participant(&mut self) -> Option<ParticipantId> {
        let end = self.0.iter().position(|byte| *byte == b'/')?;
        let (text, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(1..)?;
        std::str::from_utf8(text).ok()?.parse().ok()
    }

    /// The raw bytes that stand next.
    pub(crate) fn raw<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }
}
