//! Damages a store behind its back, and looks whether it is noticed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a suite fails by panicking")]

mod kit;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use kit::{CACHE, append, log, values};
use selat_store::{Batch, Engine, Logs, Scan, SledEngine, StoreError};

/// What somebody does to the files of a closed store.
type Damage = fn(&Path);

/// A closed store with two values and a log.
async fn store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let engine = kit::open(folder.path());
    let mut batch = Batch::new();
    batch.put(b"one".to_vec(), b"first".to_vec());
    batch.put(b"two".to_vec(), b"second".to_vec());
    batch.append(append(&log("AUS"), "entry", &[]));
    batch.append(append(&log("IDN"), "entry", &[]));
    engine.commit(batch).await.unwrap();
    engine.stop().await.unwrap();
    folder
}

/// Changes the raw database.
fn behind_its_back(folder: &Path, change: impl FnOnce(&sled::Db)) {
    let db = raw(folder);
    change(&db);
    db.flush().unwrap();
}

/// The raw database, once those who held it have let go.
fn raw(folder: &Path) -> sled::Db {
    loop {
        match sled::open(folder) {
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                std::thread::yield_now()
            }
            opened => return opened.unwrap(),
        }
    }
}

fn damaged_key<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Vec<u8> {
    match result {
        Err(StoreError::Damaged { key }) => key,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn any_flipped_byte_of_a_value_is_reported_and_the_rest_is_read() {
    let folder = store().await;
    let length = raw(folder.path()).get("one").unwrap().unwrap().len();
    for byte in 0..length {
        let flip = |db: &sled::Db| {
            let mut value = db.get("one").unwrap().unwrap().to_vec();
            value[byte] ^= 0x20;
            db.insert("one", value).unwrap();
        };
        behind_its_back(folder.path(), flip);
        let engine = kit::open(folder.path());
        assert_eq!(damaged_key(engine.read(vec![b"one".to_vec()]).await), b"one", "byte {byte}");
        assert_eq!(damaged_key(engine.scan(Scan::first(b"o".to_vec(), 9)).await), b"one");
        assert_eq!(values(&engine, &["two"]).await, [Some("second".to_owned())]);
        engine.stop().await.unwrap();
        drop(engine);
        behind_its_back(folder.path(), flip);
    }
}

#[tokio::test]
async fn values_that_changed_places_are_reported() {
    let folder = store().await;
    behind_its_back(folder.path(), |db| {
        let (one, two) = (db.get("one").unwrap().unwrap(), db.get("two").unwrap().unwrap());
        db.insert("one", two).unwrap();
        db.insert("two", one).unwrap();
    });
    let engine = kit::open(folder.path());
    assert_eq!(damaged_key(engine.read(vec![b"two".to_vec(), b"one".to_vec()]).await), b"two");
}

#[tokio::test]
async fn writes_that_meet_damage_leave_nothing_and_others_go_on() {
    let folder = store().await;
    let size_key = "log/size/selat/audit/AUS";
    behind_its_back(folder.path(), |db| {
        db.insert(size_key, b"\x01 damaged".as_slice()).unwrap();
    });
    let engine: Arc<dyn Engine> = Arc::new(kit::open(folder.path()));
    let mut batch = Batch::new();
    batch.put(b"three".to_vec(), b"third".to_vec());
    batch.append(append(&log("AUS"), "next", &[]));
    assert_eq!(damaged_key(engine.commit(batch).await), size_key.as_bytes());
    assert_eq!(values(&*engine, &["three"]).await, [None]);
    let mut other = Batch::new();
    other.append(append(&log("IDN"), "next", &[]));
    assert_eq!(engine.commit(other).await.unwrap().indexes, [1]);
}

#[tokio::test]
async fn a_log_with_a_missing_entry_or_hash_is_reported() {
    let folder = store().await;
    let hash = [b"log/hash/selat/audit/AUS\0".as_slice(), &0u64.to_be_bytes()].concat();
    let entry = [b"log/entry/selat/audit/IDN\0".as_slice(), &0u64.to_be_bytes()].concat();
    let engine = kit::open(folder.path());
    let mut batch = Batch::new();
    batch.append(append(&log("IDN"), "next", &[]));
    engine.commit(batch).await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    behind_its_back(folder.path(), |db| {
        assert!(db.remove(&hash).unwrap().is_some() && db.remove(entry).unwrap().is_some());
    });
    let logs = Logs::new(Arc::new(kit::open(folder.path())));
    assert_eq!(damaged_key(logs.root(&log("AUS"), 1).await), hash);
    assert!(damaged_key(logs.entries(&log("IDN"), 0, 10).await).starts_with(b"log/entry/selat/audit/IDN"));
}

#[tokio::test]
async fn a_store_of_another_format_or_without_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    behind_its_back(folder.path(), |db| {
        db.insert("foreign", "data").unwrap();
    });
    assert!(matches!(SledEngine::open(folder.path(), CACHE).err(), Some(StoreError::Open { .. })));
    let folder = store().await;
    behind_its_back(folder.path(), |db| {
        // The frame of "selat-sled-9" under this key.
        let sum = selat_seal::sha256(&[b"engine/format", b"selat-sled-9"]);
        let framed = [[1].as_slice(), &sum[..8], b"selat-sled-9"].concat();
        db.insert("engine/format", framed).unwrap();
    });
    match SledEngine::open(folder.path(), CACHE).err() {
        Some(StoreError::Format { found, .. }) => assert_eq!(found, "selat-sled-9"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn files_that_sled_cannot_read_are_an_error_and_not_a_panic() {
    let damages: [(&str, Damage); 3] = [
        ("every snapshot is garbage", |folder| {
            let mut found = 0;
            for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
                if file.file_name().unwrap().to_string_lossy().starts_with("snap.") {
                    fs::write(file, [0x5a; 600]).unwrap();
                    found += 1;
                }
            }
            assert!(found > 0);
        }),
        ("the settings are garbage", |folder| fs::write(folder.join("conf"), [0x5a; 64]).unwrap()),
        ("the file is a folder", |folder| {
            fs::remove_file(folder.join("db")).unwrap();
            fs::create_dir(folder.join("db")).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let folder = store().await;
        // sled writes its snapshot when it opens an existing store.
        drop(kit::open(folder.path()));
        damage(folder.path());
        let error = SledEngine::open(folder.path(), CACHE).err().unwrap_or_else(|| panic!("{what}: opened"));
        assert!(matches!(error, StoreError::Open { .. }), "{what}: {error}");
    }
}
