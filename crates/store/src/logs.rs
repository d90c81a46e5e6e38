//! Reads the append-only logs: entries, sizes, roots, and the hashes that proofs are made of. Writing is a matter of
//! [`Batch::append`](crate::Batch::append).

use std::collections::BTreeMap;
use std::sync::Arc;

use selat_ledger::{
    Growth, Hashes, LEAF_BYTES, LogId, needed_for_consistency, needed_for_inclusion, needed_for_root, needed_to_append,
    root,
};

use crate::engine::{Engine, Scan};
use crate::error::StoreError;
use crate::keys;

/// The logs of a node, by their ids.
#[derive(Clone)]
pub struct Logs {
    engine: Arc<dyn Engine>,
}

/// One entry of a log, as appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Its index.
    pub index: u64,
    /// The leaf that the tree commits to.
    pub leaf: [u8; LEAF_BYTES],
    /// What is kept beside it.
    pub entry: Vec<u8>,
}

impl Logs {
    /// The logs in this engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// How many entries the log has; 0 for a log that nobody appended to.
    pub async fn size(&self, log: &LogId) -> Result<u64, StoreError> {
        let key = keys::log_size(log);
        match self.engine.read(vec![key.clone()]).await?.pop().flatten() {
            Some(bytes) => keys::u64_value(&bytes).ok_or_else(|| StoreError::damaged(&key)),
            None => Ok(0),
        }
    }

    /// Up to `limit` entries from an index on, without a gap. Fewer only at the end of the log, or beyond
    /// [`SCAN_MAX`](crate::engine::SCAN_MAX).
    pub async fn entries(&self, log: &LogId, from: u64, limit: usize) -> Result<Vec<LogRow>, StoreError> {
        let prefix = keys::log_entries(log);
        let after = from.checked_sub(1).map(|last| keys::log_entry(log, last));
        let rows = self.engine.scan(Scan { prefix, after, limit }).await?;
        // Inclusive: a peer may ask from the last number there is.
        (from..=u64::MAX).zip(rows).map(|(index, (key, value))| log_row(index, &key, &value)).collect()
    }

    /// The root of the tree over the first `size` entries.
    pub async fn root(&self, log: &LogId, size: u64) -> Result<[u8; 32], StoreError> {
        self.check_within(log, size).await?;
        let hashes = self.hashes(log, &needed_for_root(size)).await?;
        root(size, &hashes).map_err(|_| StoreError::damaged(&keys::log_size(log)))
    }

    /// The log's right edge as it is now, to compute what it will be after further leaves before they are committed.
    /// Commit them with [`Batch::require_log_size`](crate::Batch::require_log_size).
    pub async fn growth(&self, log: &LogId) -> Result<Growth, StoreError> {
        let size = self.size(log).await?;
        let hashes = self.stored(log, &needed_to_append(size)).await?;
        Growth::new(size, hashes).map_err(|_| StoreError::damaged(&keys::log_size(log)))
    }

    /// What [`selat_ledger::prove_inclusion`] needs for one entry.
    pub async fn hashes_for_inclusion(&self, log: &LogId, size: u64, index: u64) -> Result<Hashes, StoreError> {
        self.check_within(log, size).await?;
        let needed = needed_for_inclusion(size, index).map_err(|_| StoreError::BeyondEnd { log: log.clone() })?;
        self.hashes(log, &needed).await
    }

    /// What [`selat_ledger::prove_consistency`] needs for two sizes.
    pub async fn hashes_for_consistency(&self, log: &LogId, old: u64, new: u64) -> Result<Hashes, StoreError> {
        self.check_within(log, new).await?;
        let needed = needed_for_consistency(old, new).map_err(|_| StoreError::BeyondEnd { log: log.clone() })?;
        self.hashes(log, &needed).await
    }

    /// Within the log every hash must be there, so that a missing one is damage.
    async fn check_within(&self, log: &LogId, size: u64) -> Result<(), StoreError> {
        if size <= self.size(log).await? { Ok(()) } else { Err(StoreError::BeyondEnd { log: log.clone() }) }
    }

    async fn hashes(&self, log: &LogId, indexes: &[u64]) -> Result<Hashes, StoreError> {
        Ok(Hashes::new(self.stored(log, indexes).await?))
    }

    async fn stored(&self, log: &LogId, indexes: &[u64]) -> Result<BTreeMap<u64, [u8; 32]>, StoreError> {
        let keys: Vec<_> = indexes.iter().map(|index| keys::log_hash(log, *index)).collect();
        let values = self.engine.read(keys.clone()).await?;
        let hash = |(key, value): (&Vec<u8>, Option<Vec<u8>>)| {
            value.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| StoreError::damaged(key))
        };
        let hashes: Vec<[u8; 32]> = keys.iter().zip(values).map(hash).collect::<Result<_, _>>()?;
        Ok(indexes.iter().copied().zip(hashes).collect())
    }
}

/// Entries have no gaps, so a key that does not carry the expected index is damage.
fn log_row(index: u64, key: &[u8], value: &[u8]) -> Result<LogRow, StoreError> {
    let parts = value.split_first_chunk::<LEAF_BYTES>().filter(|_| keys::last_u64(key) == Some(index));
    let (leaf, entry) = parts.ok_or_else(|| StoreError::damaged(key))?;
    Ok(LogRow { index, leaf: *leaf, entry: entry.to_vec() })
}
