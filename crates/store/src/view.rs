//! Lets readers see durable state only, while the appender applies a group and waits for the disk.
//!
//! Between `apply` and the end of `flush` the key space already shows the new values. A follower that read a log entry then
//! could send it to a peer, and a power cut would leave the peer with an entry that our log does not account for. So
//! the old values of the group are kept aside until it is durable, and readers are given those. Readers wait for the
//! application of a group, never for the disk.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use crate::engine::{SCAN_MAX, Scan};
use crate::error::StoreError;
use crate::keyspace::{KeySpace, Rows, Writes};

/// A key space as of the last flush.
pub(crate) struct View<K> {
    keys: K,
    /// What the keys of the group that is being written held before it.
    before: RwLock<Writes>,
}

impl<K: KeySpace> View<K> {
    /// A view of keys that are all durable.
    pub(crate) fn new(keys: K) -> Self {
        Self { keys, before: RwLock::default() }
    }

    /// The durable values of these keys, all at one moment.
    pub(crate) fn read(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let before = self.before.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|key| before.get(key).map_or_else(|| self.keys.get(key), |old| Ok(old.clone()))).collect()
    }

    /// The durable rows that the scan covers, all at one moment.
    pub(crate) fn scan(&self, scan: &Scan) -> Result<Rows, StoreError> {
        let limit = scan.limit.min(SCAN_MAX);
        let before = self.before.read().unwrap_or_else(PoisonError::into_inner);
        let covered = || before.range(scan.prefix.clone()..).take_while(|(key, _)| key.starts_with(&scan.prefix));
        let covered = || covered().filter(|(key, _)| scan.covers(key));
        if covered().next().is_none() {
            return self.keys.scan(&Scan { limit, ..scan.clone() });
        }
        // Rows that are hidden must not shorten the page, or a short page would be taken for the last one.
        let hidden = covered().filter(|(_, old)| old.is_none()).count();
        let mut rows: BTreeMap<_, _> =
            self.keys.scan(&Scan { limit: limit + hidden, ..scan.clone() })?.into_iter().collect();
        for (key, old) in covered() {
            match old {
                Some(old) => rows.insert(key.clone(), old.clone()),
                None => rows.remove(key),
            };
        }
        Ok(rows.into_iter().take(limit).collect())
    }

    /// The current value of a key, for the appender between two groups.
    pub(crate) fn current(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.keys.get(key)
    }

    /// Applies the writes and makes them durable; only then readers see them. `before` holds what each written key holds
    /// now. After an error readers go on seeing the old values, and nothing more may be committed.
    pub(crate) fn commit(&self, writes: &Writes, before: Writes) -> Result<(), StoreError> {
        {
            let mut shown = self.before.write().unwrap_or_else(PoisonError::into_inner);
            *shown = before;
            self.keys.apply(writes)?;
        }
        self.keys.flush()?;
        self.before.write().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// Flushes once more, before the engine stops.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        self.keys.flush()
    }

    /// Bytes on the medium, about.
    pub(crate) fn bytes(&self) -> u64 {
        self.keys.bytes()
    }
}
