//! The engine on sled 0.34.7: one tree, written in atomic batches by the one appender.
//!
//! Measured and lived with: sled's own `flush` asks Linux for `sync_file_range` only, which neither flushes the disk's cache
//! nor the file's new length, so each flush here is followed by `fdatasync`. sled panics on some damaged files; opening
//! turns that into an error. Not covered yet: a file whose tail was cut opens silently with writes missing (the commit
//! journal will notice), and a panic in one of sled's own threads while it opens.

use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::appender::Appender;
use crate::engine::Scan;
use crate::error::{Cause, StoreError, panic_cause};
use crate::frame::{frame, unframe};
use crate::keys::ENGINE_FORMAT;
use crate::keyspace::{KeySpace, Rows, Writes};

/// How this file lays out its keys and values.
const FORMAT: &str = "selat-sled-1";

/// An engine in a folder, on sled.
pub type SledEngine = Appender<SledKeys>;

impl Appender<SledKeys> {
    /// Opens the store in this folder, or makes an empty one; about `cache_bytes` of the tree stay in memory. Blocks: call
    /// it before serving, or off the async threads.
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let keys = SledKeys::open(folder, cache_bytes)?;
        Self::start(keys).map_err(|error| unopened(folder, Arc::new(error)))
    }
}

/// Keys in a sled tree.
pub struct SledKeys {
    db: sled::Db,
    /// sled's file once more, for `fdatasync`.
    file: File,
    blobs: BlobFolder,
}

/// The folder of the files that sled makes for large values and large nodes.
struct BlobFolder {
    path: PathBuf,
    /// Its modification time when its names were last made durable.
    synced: Mutex<Option<SystemTime>>,
}

impl BlobFolder {
    /// Makes the names of new files durable; sled does so with their content only.
    fn sync(&self) -> io::Result<()> {
        let modified = fs::metadata(&self.path)?.modified()?;
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced != Some(modified) {
            File::open(&self.path)?.sync_all()?;
            *synced = Some(modified);
        }
        Ok(())
    }
}

impl SledKeys {
    fn open(folder: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let config =
            sled::Config::new().path(folder).cache_capacity(cache_bytes).flush_every_ms(None).use_compression(false);
        let db = catch_unwind(AssertUnwindSafe(|| config.open()))
            .map_err(|panic| unopened(folder, panic_cause(panic.as_ref())))?
            .map_err(|error| refused(folder, error))?;
        let file = sync_new_files(folder).map_err(|error| unopened(folder, Arc::new(error)))?;
        let blobs = BlobFolder { path: folder.join("blobs"), synced: Mutex::default() };
        let keys = Self { db, file, blobs };
        keys.check_format(folder)?;
        // What a killed process left in the system's cache has been read back just now: readers may see durable state only.
        keys.flush()?;
        Ok(keys)
    }

    /// Writes the format into an empty store and refuses one of another format.
    fn check_format(&self, folder: &Path) -> Result<(), StoreError> {
        match self.get(ENGINE_FORMAT)? {
            Some(found) if found == FORMAT.as_bytes() => Ok(()),
            None if self.db.is_empty() => self.apply(&Writes::from([(ENGINE_FORMAT.to_vec(), Some(FORMAT.into()))])),
            None => Err(unopened(folder, Arc::new(io::Error::other("it holds data but no format mark")))),
            Some(found) => Err(StoreError::Format {
                found: String::from_utf8_lossy(&found).into_owned(),
                expected: FORMAT.to_owned(),
            }),
        }
    }
}

impl KeySpace for SledKeys {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.db.get(key).map_err(failed)?;
        found.map(|framed| checked(key, &framed)).transpose()
    }

    fn scan(&self, scan: &Scan) -> Result<Rows, StoreError> {
        let start = match &scan.after {
            Some(after) if *after >= scan.prefix => Bound::Excluded(after.clone()),
            _ => Bound::Included(scan.prefix.clone()),
        };
        let mut rows = Rows::new();
        for row in self.db.range((start, Bound::Unbounded)).take(scan.limit) {
            let (key, framed) = row.map_err(failed)?;
            if !key.starts_with(&scan.prefix) {
                break;
            }
            rows.push((key.to_vec(), checked(&key, &framed)?));
        }
        Ok(rows)
    }

    fn apply(&self, writes: &Writes) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(key.as_slice(), frame(key, value)),
                None => batch.remove(key.as_slice()),
            }
        }
        self.db.apply_batch(batch).map_err(failed)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(failed)?;
        let synced = self.file.sync_data().and_then(|()| self.blobs.sync());
        synced.map_err(|error| StoreError::Io(Arc::new(error)))
    }

    fn bytes(&self) -> u64 {
        self.db.size_on_disk().unwrap_or(0)
    }
}

fn checked(key: &[u8], framed: &[u8]) -> Result<Vec<u8>, StoreError> {
    unframe(key, framed).map(<[u8]>::to_vec).ok_or_else(|| StoreError::damaged(key))
}

/// Makes the names of sled's files durable: a flushed file that its folder forgot is lost all the same.
fn sync_new_files(folder: &Path) -> io::Result<File> {
    let parent = fs::canonicalize(folder)?.parent().map(Path::to_path_buf);
    for folder in [Some(folder.to_path_buf()), parent].into_iter().flatten() {
        File::open(folder)?.sync_all()?;
    }
    File::open(folder.join("db"))
}

fn failed(error: sled::Error) -> StoreError {
    StoreError::Io(Arc::new(error))
}

fn unopened(folder: &Path, cause: Cause) -> StoreError {
    StoreError::Open { path: folder.to_path_buf(), cause }
}

/// sled tells a lock that is held only by its text.
fn refused(folder: &Path, error: sled::Error) -> StoreError {
    if error.to_string().contains("could not acquire lock") {
        return StoreError::InUse { path: folder.to_path_buf() };
    }
    unopened(folder, Arc::new(error))
}
