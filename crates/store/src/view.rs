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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Mutex};
    use std::thread;

    use super::*;
    use crate::memory::MemoryKeys;

    /// Keys whose flush says that it began and waits to be told how it ends.
    struct Gated {
        keys: MemoryKeys,
        began: Sender<()>,
        outcome: Mutex<Receiver<Result<(), StoreError>>>,
    }

    impl KeySpace for Gated {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.keys.get(key)
        }
        fn scan(&self, scan: &Scan) -> Result<Rows, StoreError> {
            self.keys.scan(scan)
        }
        fn apply(&self, writes: &Writes) -> Result<(), StoreError> {
            self.keys.apply(writes)
        }
        fn flush(&self) -> Result<(), StoreError> {
            self.began.send(()).unwrap();
            self.outcome.lock().unwrap().recv().unwrap()
        }
        fn bytes(&self) -> u64 {
            0
        }
    }

    fn writes(pairs: &[(&str, Option<&str>)]) -> Writes {
        pairs
            .iter()
            .map(|(key, value)| (key.as_bytes().to_vec(), value.map(|value| value.as_bytes().to_vec())))
            .collect()
    }

    /// Writes over a state while a reader looks on: returns what the reader saw before the flush ended, and after.
    fn seen_around_a_flush<T>(outcome: Result<(), StoreError>, look: impl Fn(&View<Gated>) -> T) -> (T, T) {
        let (began, begins) = channel();
        let (end, ends) = channel();
        let keys = MemoryKeys::default();
        keys.apply(&writes(&[("a", Some("old")), ("b", Some("old")), ("d", Some("old"))])).unwrap();
        let view = Arc::new(View::new(Gated { keys, began, outcome: Mutex::new(ends) }));
        let writer = thread::spawn({
            let view = view.clone();
            let new = writes(&[("a", Some("new")), ("b", None), ("c", Some("new")), ("aa", Some("new"))]);
            let before = writes(&[("a", Some("old")), ("b", Some("old")), ("c", None), ("aa", None)]);
            move || view.commit(&new, before).is_ok()
        });
        begins.recv().unwrap();
        let during = look(&view);
        let expected = outcome.is_ok();
        end.send(outcome).unwrap();
        assert_eq!(writer.join().unwrap(), expected);
        (during, look(&view))
    }

    fn text(rows: Rows) -> String {
        rows.into_iter()
            .map(|(key, value)| String::from_utf8([key, vec![b'='], value, vec![b' ']].concat()).unwrap())
            .collect()
    }

    #[test]
    fn readers_see_a_group_only_when_it_is_durable() {
        let keys: Vec<_> = ["a", "b", "c", "d"].iter().map(|key| key.as_bytes().to_vec()).collect();
        let (old, new) = (Some(b"old".to_vec()), Some(b"new".to_vec()));
        let (during, after) = seen_around_a_flush(Ok(()), |view| view.read(&keys).unwrap());
        assert_eq!(during, [old.clone(), old.clone(), None, old.clone()]);
        assert_eq!(after, [new.clone(), None, new, old]);
    }

    #[test]
    fn scans_see_a_group_only_when_it_is_durable() {
        let all = |view: &View<Gated>| text(view.scan(&Scan::first(Vec::new(), 9)).unwrap());
        let (during, after) = seen_around_a_flush(Ok(()), all);
        assert_eq!(during, "a=old b=old d=old ");
        assert_eq!(after, "a=new aa=new c=new d=old ");
    }

    #[test]
    fn pages_keep_their_length_while_rows_are_hidden() {
        let page = |after: &'static str, limit| {
            move |view: &View<Gated>| {
                text(view.scan(&Scan { prefix: Vec::new(), after: Some(after.into()), limit }).unwrap())
            }
        };
        assert_eq!(seen_around_a_flush(Ok(()), page("", 2)).0, "a=old b=old ");
        assert_eq!(seen_around_a_flush(Ok(()), page("a", 2)).0, "b=old d=old ");
        assert_eq!(seen_around_a_flush(Ok(()), page("b", 1)).0, "d=old ");
    }

    #[test]
    fn after_a_failed_flush_readers_stay_with_what_was_durable() {
        let all = |view: &View<Gated>| text(view.scan(&Scan::first(Vec::new(), 9)).unwrap());
        let (during, after) = seen_around_a_flush(Err(StoreError::Stopped), all);
        assert_eq!((during, after), ("a=old b=old d=old ".to_owned(), "a=old b=old d=old ".to_owned()));
    }
}
