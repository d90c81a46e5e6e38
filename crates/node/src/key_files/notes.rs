//! When the keys were last backed up and when a backup was last tried: a small file in the data folder, for the doctor.
//!
//! Promises: it names keys and times, no secret; it is replaced whole. A file that cannot be read counts as none: the
//! doctor then asks for a backup, which is no harm.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use selat_record::Timestamp;
use serde::{Deserialize, Serialize};

use crate::doctor::BackupFacts;

const NAME: &str = "key-backups.json";
const FRESH: &str = ".key-backups.json.new";
/// Largest file that is read, in bytes. A name has 24 characters, and a folder of keys 256 files at most.
const FILE_MAX: u64 = 64 * 1024;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Notes {
    version: u32,
    backup_ms: Option<i64>,
    backup_keys: Vec<String>,
    drill_ms: Option<i64>,
}

/// What is noted.
pub fn read(data: &Path) -> BackupFacts {
    let notes = load(data);
    let time = |ms: Option<i64>| ms.and_then(Timestamp::from_ms);
    BackupFacts { backup: time(notes.backup_ms).map(|at| (at, notes.backup_keys)), drill: time(notes.drill_ms) }
}

/// Notes a backup of the keys with these names.
pub fn note_backup(data: &Path, now: Timestamp, keys: Vec<String>) -> io::Result<()> {
    store(data, &Notes { backup_ms: Some(now.ms()), backup_keys: keys, ..load(data) })
}

/// Notes a drill that held.
pub fn note_drill(data: &Path, now: Timestamp) -> io::Result<()> {
    store(data, &Notes { drill_ms: Some(now.ms()), ..load(data) })
}

fn load(data: &Path) -> Notes {
    let mut text = String::new();
    let read = File::open(data.join(NAME)).and_then(|file| file.take(FILE_MAX).read_to_string(&mut text));
    read.ok().and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default()
}

fn store(data: &Path, notes: &Notes) -> io::Result<()> {
    let text = serde_json::to_string(&Notes {
        version: 1,
        backup_ms: notes.backup_ms,
        backup_keys: notes.backup_keys.clone(),
        drill_ms: notes.drill_ms,
    })?;
    let fresh = data.join(FRESH);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, data.join(NAME))?;
    File::open(data)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms).unwrap()
    }

    #[test]
    fn backup_and_drill_are_noted_beside_each_other() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), BackupFacts::default());
        note_drill(folder.path(), at(5)).unwrap();
        note_backup(folder.path(), at(7), vec!["record-11111111".into()]).unwrap();
        let known = read(folder.path());
        assert_eq!(known.backup, Some((at(7), vec!["record-11111111".to_owned()])));
        assert_eq!(known.drill, Some(at(5)));
        note_drill(folder.path(), at(9)).unwrap();
        assert_eq!(read(folder.path()).drill, Some(at(9)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left lying about");
    }

    #[test]
    fn damaged_note_counts_as_none_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        for damaged in ["", "{", "{\"version\":1}", "\u{0}\u{1}"] {
            fs::write(folder.path().join(NAME), damaged).unwrap();
            assert_eq!(read(folder.path()), BackupFacts::default(), "{damaged}");
        }
        note_drill(folder.path(), at(5)).unwrap();
        assert_eq!(read(folder.path()).drill, Some(at(5)));
    }

    #[test]
    fn folder_that_is_not_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(note_drill(&folder.path().join("none"), at(5)).is_err());
    }
}
