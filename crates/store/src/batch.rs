//! A batch: data that says what must hold, what changes, and what is appended to logs. All of it happens, or none.

use selat_ledger::{LEAF_BYTES, LogId};

/// One atomic change. Preconditions are judged against the state before the batch; then deletes, puts and appends happen
/// as one. A key that is both deleted and put ends up put.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// What must hold, else nothing happens.
    pub requires: Vec<Precondition>,
    /// Keys and their new values. The last value of a key counts.
    pub puts: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keys that go away.
    pub deletes: Vec<Vec<u8>>,
    /// Log entries, appended in this order.
    pub appends: Vec<Append>,
}

/// What must hold for a batch to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// The key holds exactly this value.
    Equals {
        /// The key.
        key: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// The key holds nothing.
    Absent {
        /// The key.
        key: Vec<u8>,
    },
    /// The log has this many entries before the batch.
    LogSize {
        /// The log.
        log: LogId,
        /// Its size.
        size: u64,
    },
}

/// One entry for a log. The engine assigns its index.
#[derive(Debug, Clone)]
pub struct Append {
    /// The log.
    pub log: LogId,
    /// The leaf that the tree commits to.
    pub leaf: [u8; LEAF_BYTES],
    /// What is kept beside the leaf.
    pub entry: Vec<u8>,
    /// Keys that get the assigned index as their value (u64, big endian).
    pub marks: Vec<Vec<u8>>,
}

impl Batch {
    /// A batch that does nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.puts.push((key, value));
    }

    /// Removes a key.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.deletes.push(key);
    }

    /// Appends to a log.
    pub fn append(&mut self, append: Append) {
        self.appends.push(append);
    }

    /// Demands that the key holds nothing.
    pub fn require_absent(&mut self, key: Vec<u8>) {
        self.requires.push(Precondition::Absent { key });
    }

    /// Demands that the key holds exactly this value.
    pub fn require_equals(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.requires.push(Precondition::Equals { key, value });
    }

    /// Demands that the log has this many entries.
    pub fn require_log_size(&mut self, log: LogId, size: u64) {
        self.requires.push(Precondition::LogSize { log, size });
    }

    /// Demands that the key holds what was read from it: this value, or nothing.
    pub fn require_unchanged(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        match value {
            Some(value) => self.require_equals(key, value),
            None => self.require_absent(key),
        }
    }

    /// True when committing it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty() && self.appends.is_empty()
    }

    /// About how many bytes it writes.
    pub fn bytes(&self) -> usize {
        let puts: usize = self.puts.iter().map(|(key, value)| key.len() + value.len()).sum();
        let deletes: usize = self.deletes.iter().map(Vec::len).sum();
        let appends: usize = self
            .appends
            .iter()
            .map(|append| {
                append.leaf.len() + append.entry.len() + append.marks.iter().map(|key| key.len() + 8).sum::<usize>()
            })
            .sum();
        puts + deletes + appends
    }
}
