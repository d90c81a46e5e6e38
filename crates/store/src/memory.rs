//! The engine that keeps everything in memory and forgets it at the end. For tests and for trying things out; its
//! "durable" lasts as long as the process.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use crate::appender::Appender;
use crate::engine::Scan;
use crate::error::StoreError;
use crate::keyspace::{KeySpace, Rows, Writes};

/// An engine in memory.
pub type MemoryEngine = Appender<MemoryKeys>;

impl Appender<MemoryKeys> {
    /// An empty store.
    pub fn new() -> Self {
        Self::start(MemoryKeys::default()).expect("the system starts a thread")
    }
}

impl Default for Appender<MemoryKeys> {
    fn default() -> Self {
        Self::new()
    }
}

/// Keys in a sorted map.
#[derive(Default)]
pub struct MemoryKeys(RwLock<BTreeMap<Vec<u8>, Vec<u8>>>);

impl KeySpace for MemoryKeys {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn scan(&self, scan: &Scan) -> Result<Rows, StoreError> {
        let start = match &scan.after {
            Some(after) if *after >= scan.prefix => Bound::Excluded(after.as_slice()),
            _ => Bound::Included(scan.prefix.as_slice()),
        };
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let rows =
            keys.range::<[u8], _>((start, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(&scan.prefix));
        Ok(rows.take(scan.limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn apply(&self, writes: &Writes) -> Result<(), StoreError> {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in writes {
            match value {
                Some(value) => keys.insert(key.clone(), value.clone()),
                None => keys.remove(key),
            };
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn bytes(&self) -> u64 {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
    }
}
