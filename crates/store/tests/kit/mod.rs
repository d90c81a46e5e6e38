//! What the store's suites share: seeded randomness, names, and a few readers.
#![allow(dead_code, reason = "each suite is a binary of its own and uses its part")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use selat_ledger::{Growth, Leaf, LogId};
use selat_record::{ParticipantId, Timestamp};
use selat_seal::Entropy;
use selat_store::{Append, Engine, Logs, SledEngine, StorageKey, StoreError, Vault};

/// Cache of the stores that the suites open, in bytes.
pub const CACHE: u64 = 16 * 1024 * 1024;
/// Far more tries than sled's own threads need to let go of a store that was closed in this process a moment ago.
const TRIES: usize = 100_000;

/// Opens the store in a folder, once those who held it have let go.
pub fn open(folder: &Path) -> SledEngine {
    for _ in 0..TRIES {
        match SledEngine::open(folder, CACHE) {
            Err(StoreError::InUse { .. }) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
    SledEngine::open(folder, CACHE).unwrap()
}

/// Repeatable "random" bytes (splitmix64). Never for anything but tests.
pub struct Seeded(Mutex<u64>);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    pub fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.next() as u8);
    }
}

pub fn participant(name: &str) -> ParticipantId {
    name.parse().unwrap()
}

pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms).unwrap()
}

pub fn vault(key: u8) -> Arc<Vault> {
    Arc::new(Vault::new(&StorageKey::from_bytes([key; 32]), Arc::new(Seeded::new(key.into()))))
}

/// A log that nobody but the test uses.
pub fn log(name: &str) -> LogId {
    LogId::audit(&participant(name))
}

/// An entry that says who it is, with a leaf that commits to it.
pub fn append(log: &LogId, entry: &str, marks: &[&str]) -> Append {
    let marks = marks.iter().map(|mark| mark.as_bytes().to_vec()).collect();
    Append { log: log.clone(), leaf: leaf(entry), entry: entry.as_bytes().to_vec(), marks }
}

pub fn leaf(entry: &str) -> [u8; 42] {
    Leaf::commit(1, at(1), &[7; 32], entry.as_bytes()).encode()
}

/// The values of these keys, as text.
pub async fn values(engine: &dyn Engine, keys: &[&str]) -> Vec<Option<String>> {
    let keys = keys.iter().map(|key| key.as_bytes().to_vec()).collect();
    let values = engine.read(keys).await.unwrap();
    values.into_iter().map(|value| value.map(|bytes| String::from_utf8(bytes).unwrap())).collect()
}

/// All entries of a log, after checking that leaves match entries, indexes have no gap, and the stored tree has the root that
/// the ledger computes from the leaves alone.
pub async fn checked_log(engine: &Arc<dyn Engine>, log: &LogId) -> Vec<String> {
    let logs = Logs::new(engine.clone());
    let mut entries = Vec::new();
    let mut recomputed = Growth::new(0, BTreeMap::new()).unwrap();
    loop {
        let page = logs.entries(log, entries.len() as u64, 100).await.unwrap();
        if page.is_empty() {
            break;
        }
        for row in page {
            assert_eq!(row.index, entries.len() as u64, "indexes have no gap");
            let entry = String::from_utf8(row.entry).unwrap();
            assert_eq!(row.leaf, leaf(&entry), "leaf and entry belong together");
            recomputed.append(&row.leaf).unwrap();
            entries.push(entry);
        }
    }
    assert_eq!(logs.size(log).await.unwrap(), entries.len() as u64);
    assert_eq!(logs.root(log, recomputed.size()).await.unwrap(), recomputed.root().unwrap());
    assert_eq!(logs.growth(log).await.unwrap().root().unwrap(), recomputed.root().unwrap());
    entries
}
