//! Gathers batches that share one flush: checks each against what is stored and what the batches before it will write,
//! gives log indexes, and grows the trees. A batch that is refused leaves nothing behind.

use std::collections::{BTreeMap, HashMap};

use selat_ledger::{Growth, LogId, SIZE_MAX, needed_to_append};

use crate::batch::{Append, Batch, Precondition};
use crate::engine::Committed;
use crate::error::{Contested, StoreError};
use crate::keys;
use crate::keyspace::{KeySpace, Writes};
use crate::view::View;

/// Largest batch in bytes; a segment of a peer's log with its envelopes stays far below it.
pub(crate) const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most logs whose right edge is kept in memory. A node has two per peer and one of its own.
const EDGES_MAX: usize = 1024;

/// The right edges of the logs that were written lately: size and the hashes that the next leaf needs.
#[derive(Default)]
pub(crate) struct Edges(HashMap<LogId, Growth>);

/// Batches that will be written together.
pub(crate) struct Group<'a, K> {
    view: &'a View<K>,
    edges: &'a mut Edges,
    writes: Writes,
    before: Writes,
}

impl<'a, K: KeySpace> Group<'a, K> {
    /// An empty group. Between two groups, the edges are those of the durable logs.
    pub(crate) fn new(view: &'a View<K>, edges: &'a mut Edges) -> Self {
        if edges.0.len() > EDGES_MAX {
            edges.0.clear();
        }
        Self { view, edges, writes: Writes::new(), before: Writes::new() }
    }

    /// Takes a batch in, if it may happen after the batches before it. An error leaves the group as it was.
    pub(crate) fn admit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        check_shape(&batch)?;
        for log in logs_of(&batch) {
            self.load_edge(log)?;
            if SIZE_MAX - self.size(log) < batch.appends.len() as u64 {
                return Err(StoreError::Refused { why: "a log would grow beyond its bound" });
            }
        }
        for required in &batch.requires {
            self.check(required)?;
        }
        // Everything that can fail is behind us when the first write is noted.
        self.remember_before(&batch)?;
        for key in batch.deletes {
            self.writes.insert(key, None);
        }
        for (key, value) in batch.puts {
            self.writes.insert(key, Some(value));
        }
        let indexes = batch.appends.into_iter().map(|append| self.append(append)).collect::<Result<_, _>>()?;
        Ok(Committed { indexes })
    }

    /// Makes the group durable. After an error the outcome is unknown.
    pub(crate) fn commit(self) -> Result<(), StoreError> {
        if self.writes.is_empty() {
            return Ok(());
        }
        self.view.commit(&self.writes, self.before)
    }

    /// What a key will hold after the batches taken so far.
    fn pending(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.writes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.view.current(key),
        }
    }

    fn check(&self, required: &Precondition) -> Result<(), StoreError> {
        let contested = match required {
            Precondition::Equals { key, value } if self.pending(key)?.as_ref() != Some(value) => {
                Contested::Key(key.clone())
            }
            Precondition::Absent { key } if self.pending(key)?.is_some() => Contested::Key(key.clone()),
            Precondition::LogSize { log, size } if self.size(log) != *size => {
                Contested::Log { log: log.clone(), expected: *size, size: self.size(log) }
            }
            _ => return Ok(()),
        };
        Err(StoreError::Conflict { on: contested })
    }

    /// Notes what the keys of the batch hold before the group, for readers.
    fn remember_before(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let marks = batch.appends.iter().flat_map(|append| &append.marks);
        for key in batch.puts.iter().map(|(key, _)| key).chain(&batch.deletes).chain(marks) {
            if !self.before.contains_key(key) {
                self.before.insert(key.clone(), self.view.current(key)?);
            }
        }
        Ok(())
    }

    fn size(&self, log: &LogId) -> u64 {
        self.edges.0.get(log).map_or(0, Growth::size)
    }

    /// Reads size and right edge of a log, unless they are in memory.
    fn load_edge(&mut self, log: &LogId) -> Result<(), StoreError> {
        if self.edges.0.contains_key(log) {
            return Ok(());
        }
        let size_key = keys::log_size(log);
        let size = match self.view.current(&size_key)? {
            Some(bytes) => keys::u64_value(&bytes).ok_or_else(|| StoreError::damaged(&size_key))?,
            None => 0,
        };
        let mut hashes = BTreeMap::new();
        for index in needed_to_append(size) {
            let key = keys::log_hash(log, index);
            let hash = self.view.current(&key)?.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            hashes.insert(index, hash.ok_or_else(|| StoreError::damaged(&key))?);
        }
        let edge = Growth::new(size, hashes).map_err(|_| StoreError::damaged(&size_key))?;
        self.edges.0.insert(log.clone(), edge);
        Ok(())
    }

    /// Writes one log entry. The index is the log's size before it.
    fn append(&mut self, append: Append) -> Result<u64, StoreError> {
        let Append { log, leaf, entry, marks } = append;
        let edge = self.edges.0.get_mut(&log).expect("admit loaded the edge of every log of the batch");
        let index = edge.size();
        let hashes = edge.append(&leaf).expect("Growth::new checked the hashes, and admit that there is room");
        let size_key = keys::log_size(&log);
        self.before.entry(size_key.clone()).or_insert_with(|| (index > 0).then(|| index.to_be_bytes().to_vec()));
        self.writes.insert(size_key, Some((index + 1).to_be_bytes().to_vec()));
        for (at, hash) in hashes {
            self.write_new(keys::log_hash(&log, at), hash.to_vec());
        }
        self.write_new(keys::log_entry(&log, index), [leaf.as_slice(), &entry].concat());
        for mark in marks {
            self.writes.insert(mark, Some(index.to_be_bytes().to_vec()));
        }
        Ok(index)
    }

    /// Writes a key that holds nothing yet.
    fn write_new(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.before.insert(key.clone(), None);
        self.writes.insert(key, Some(value));
    }
}

/// Refuses what no state of the store would make acceptable.
fn check_shape(batch: &Batch) -> Result<(), StoreError> {
    if batch.bytes() > BATCH_BYTES_MAX {
        return Err(StoreError::Refused { why: "it is larger than 16 MiB" });
    }
    let marks = batch.appends.iter().flat_map(|append| &append.marks);
    let mut written = batch.puts.iter().map(|(key, _)| key).chain(&batch.deletes).chain(marks);
    if written.any(|key| keys::is_reserved(key)) {
        return Err(StoreError::Refused { why: "it writes a key of the engine's own" });
    }
    Ok(())
}

/// The logs that a batch appends to or demands something of.
fn logs_of(batch: &Batch) -> impl Iterator<Item = &LogId> {
    let demanded = batch.requires.iter().filter_map(|required| match required {
        Precondition::LogSize { log, .. } => Some(log),
        Precondition::Equals { .. } | Precondition::Absent { .. } => None,
    });
    demanded.chain(batch.appends.iter().map(|append| &append.log))
}
