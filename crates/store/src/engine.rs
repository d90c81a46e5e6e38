//! The contract between the repositories and whatever keeps the bytes: an ordered key space with conditional, atomic,
//! durable batches and append-only logs. Shaped so that sled, PostgreSQL, TiKV or FoundationDB can provide it.

use async_trait::async_trait;

use crate::batch::Batch;
use crate::error::StoreError;

/// Most rows that one scan returns, whatever it asks for.
pub const SCAN_MAX: usize = 4096;

/// An ordered key space.
///
/// Reads see durable state only: all of a committed batch, or none of it.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// The values of these keys at one moment, in the same order.
    async fn read(&self, keys: Vec<Vec<u8>>) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Keys and values at one moment, ascending by key.
    async fn scan(&self, scan: Scan) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError>;

    /// Does all of the batch, if its preconditions hold. When this returns `Ok`, it survives kill -9. `Err(Conflict)`
    /// means that a precondition did not hold and nothing changed; after `Err(Unknown)` the batch may be there or not.
    /// Dropping the future does not take a batch back that has been handed over.
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError>;

    /// Finishes the batches that were handed over, then refuses further ones. Reads go on. Dropping the engine closes
    /// the store, so that it can be opened again.
    async fn stop(&self) -> Result<(), StoreError>;

    /// Bytes that the store takes, about.
    async fn bytes(&self) -> u64;
}

/// Which rows to read: keys that begin with `prefix` and come after `after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// What the keys begin with.
    pub prefix: Vec<u8>,
    /// The last key of the page before.
    pub after: Option<Vec<u8>>,
    /// Most rows wanted; at most [`SCAN_MAX`] come.
    pub limit: usize,
}

impl Scan {
    /// The first `limit` rows under `prefix`.
    pub fn first(prefix: Vec<u8>, limit: usize) -> Self {
        Self { prefix, after: None, limit }
    }

    /// True for keys that this scan is about.
    pub(crate) fn covers(&self, key: &[u8]) -> bool {
        key.starts_with(&self.prefix) && self.after.as_deref().is_none_or(|after| key > after)
    }
}

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// The index of each append, in the order of the batch.
    pub indexes: Vec<u64>,
}
