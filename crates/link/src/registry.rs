//! The live connections of each caller: counted, bounded, and cut when the caller is no longer wanted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A count of live connections per key, and the means to end them.
#[derive(Clone)]
pub struct Connections<K: Eq + Hash + Clone> {
    live: Arc<Mutex<HashMap<K, Live>>>,
    max_per_key: usize,
}

struct Live {
    count: usize,
    cut: CancellationToken,
}

impl<K: Eq + Hash + Clone> Connections<K> {
    /// Allows each key `max_per_key` connections at a time.
    pub fn new(max_per_key: usize) -> Self {
        Self { live: Arc::default(), max_per_key }
    }

    /// Takes a place for one more connection of `key`; `None` when it has as many as it may.
    pub fn admit(&self, key: K) -> Option<Place<K>> {
        let mut live = self.lock();
        let held = live.entry(key.clone()).or_insert_with(|| Live { count: 0, cut: CancellationToken::new() });
        if held.count >= self.max_per_key {
            return None;
        }
        held.count += 1;
        let cut = held.cut.clone();
        drop(live);
        Some(Place { connections: self.clone(), key, cut })
    }

    /// Cuts all connections of `key`; says how many there were. Later ones are not affected.
    pub fn close(&self, key: &K) -> usize {
        let Some(closed) = self.lock().remove(key) else { return 0 };
        closed.cut.cancel();
        closed.count
    }

    /// How many connections `key` has.
    pub fn count(&self, key: &K) -> usize {
        self.lock().get(key).map_or(0, |held| held.count)
    }

    fn leave(&self, place: &Place<K>) {
        // A place that was cut is no longer counted: the entry under its key belongs to later connections.
        if place.cut.is_cancelled() {
            return;
        }
        if let Entry::Occupied(mut held) = self.lock().entry(place.key.clone()) {
            held.get_mut().count = held.get().count.saturating_sub(1);
            if held.get().count == 0 {
                held.remove();
            }
        }
    }

    /// Each change under the lock is complete in itself, so a panic elsewhere leaves nothing half-done.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone> fmt::Debug for Connections<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("max_per_key", &self.max_per_key).finish_non_exhaustive()
    }
}

/// The place of one live connection; given back when dropped.
pub struct Place<K: Eq + Hash + Clone> {
    connections: Connections<K>,
    key: K,
    cut: CancellationToken,
}

impl<K: Eq + Hash + Clone> Place<K> {
    /// Ends when the connection is to be cut.
    pub(crate) fn cut(&self) -> WaitForCancellationFutureOwned {
        self.cut.clone().cancelled_owned()
    }
}

impl<K: Eq + Hash + Clone> Drop for Place<K> {
    fn drop(&mut self) {
        self.connections.leave(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_beyond_the_bound_is_refused_until_one_leaves() {
        let connections = Connections::new(2);
        let first = connections.admit("AUS").unwrap();
        let _second = connections.admit("AUS").unwrap();
        assert!(connections.admit("AUS").is_none());
        assert!(connections.admit("IDN").is_some(), "another key has its own bound");
        drop(first);
        assert!(connections.admit("AUS").is_some());
    }

    #[test]
    fn place_that_was_cut_does_not_count_against_later_ones() {
        let connections = Connections::new(1);
        let old = connections.admit("AUS").unwrap();
        assert_eq!(connections.close(&"AUS"), 1);
        let new = connections.admit("AUS").unwrap();
        drop(old);
        assert_eq!(connections.count(&"AUS"), 1);
        assert!(!new.cut.is_cancelled());
        drop(new);
        assert_eq!((connections.count(&"AUS"), connections.close(&"AUS")), (0, 0));
    }
}
