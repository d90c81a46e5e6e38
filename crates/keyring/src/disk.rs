//! Secret files: written whole or not at all, read only when they are their owner's alone, destroyed to the last name.
//!
//! ```text
//! .NAME.new     being written: nobody has heard of it yet
//! NAME          the file
//! .NAME.gone    being destroyed: nobody uses it any more
//! ```
//! What a crash leaves under the first and the third name is destroyed by [`sweep`].

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::KeyFault;

/// Largest key file that is read, in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 16 * 1024;
const NEW: &str = ".new";
const GONE: &str = ".gone";

/// Writes a file for its owner alone. When this returns `Ok` it survives power loss; on `Err` there is nothing at its
/// name that was not there before. Never replaces a file.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = Turn::take(path)?;
    let fresh = beside(path, NEW)?;
    let written = write_synced(&fresh, content).and_then(|()| {
        // A link, not a rename: a rename would take the place of a file that is there.
        fs::hard_link(&fresh, path)
    });
    let removed = match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    written.and(removed)?;
    folder.sync()
}

/// Reads a file that only its owner can read or write, up to `bytes_max` bytes.
pub(crate) fn read_secret(path: &Path, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let unreadable = |source| KeyFault::Unreadable { path: path.to_owned(), source };
    let (file, mode) = open_regular(path).map_err(unreadable)?;
    if mode & 0o077 != 0 {
        return Err(KeyFault::Exposed { path: path.to_owned(), mode });
    }
    read_bounded(file, bytes_max).map_err(unreadable)
}

/// Reads all of a file, up to `bytes_max` bytes.
pub(crate) fn read_bounded(file: File, bytes_max: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // All the room at once: a vector that grows leaves parts of the key behind.
    let mut content = Zeroizing::new(Vec::with_capacity(bytes_max + 1));
    file.take(u64::try_from(bytes_max + 1).unwrap_or(u64::MAX)).read_to_end(&mut content)?;
    if content.len() > bytes_max {
        return Err(io::Error::other(format!("it is larger than {bytes_max} bytes")));
    }
    Ok(content)
}

/// Opens a regular file and tells its permission bits: of the file that is open, not of what may lie there by now.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, u32)> {
    // Looked at before it is opened: opening a pipe would wait for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    Ok((file, mode))
}

/// Destroys a file: first its name, then what it held, then the rest. A file that is not there is destroyed already.
///
/// The bytes are overwritten where the file system and the disk do so; some keep old blocks, and then it is the disk's
/// encryption or its passphrase that protects them.
pub(crate) fn destroy(path: &Path) -> io::Result<()> {
    let folder = Turn::take(path)?;
    // A second name of the same bytes, if a process was stopped before it took that away.
    wipe(&beside(path, NEW)?)?;
    let gone = beside(path, GONE)?;
    match fs::rename(path, &gone) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        renamed => renamed?,
    }
    folder.sync()?;
    wipe(&gone)?;
    folder.sync()
}

/// Destroys what an interrupted [`write_new`] or [`destroy`] left behind in a folder. Leaves it to whoever is writing
/// there just now.
pub(crate) fn sweep(folder: &Path) -> io::Result<()> {
    let lock = File::open(folder)?;
    if matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
        return Ok(());
    }
    let mut swept = false;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') && (name.ends_with(&format!(".key{NEW}")) || name.ends_with(&format!(".key{GONE}"))) {
            wipe(&path)?;
            swept = true;
        }
    }
    if swept { lock.sync_all() } else { Ok(()) }
}

/// The folder of a file, in which one process at a time makes and destroys files.
struct Turn(File);

impl Turn {
    fn take(path: &Path) -> io::Result<Self> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = File::open(parent.unwrap_or(Path::new(".")))?;
        // Some file systems know no locks. What the lock prevents there is a failed write, never a damaged key.
        let _ = folder.lock();
        Ok(Self(folder))
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// The name of a file while it is made or destroyed.
fn beside(path: &Path, suffix: &str) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it has no name of its own"))?;
    Ok(path.with_file_name(format!(".{}{suffix}", name.to_string_lossy())))
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    // What lies at this name was never in use: a process was stopped while it wrote.
    wipe(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Overwrites and removes a file. Nothing there is nothing to do. What has another name yet only loses this one: the
/// other is a key that [`write_new`] had put in place before it was stopped. A link, a pipe and the like only go: what a
/// link points at is somebody else's.
fn wipe(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if found.is_file() && found.nlink() == 1 {
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        let mut file = OpenOptions::new().write(true).open(path)?;
        let opened = file.metadata()?;
        if (opened.dev(), opened.ino()) != (found.dev(), found.ino()) {
            return Err(io::Error::other("somebody put another file in its place"));
        }
        io::copy(&mut io::repeat(0).take(opened.len()), &mut file)?;
        file.sync_all()?;
    }
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn at(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.folder.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn a_file_that_was_written_is_its_owners_alone_and_the_only_one() {
        let place = Place::new();
        write_new(&place.at("a.key"), b"secret").unwrap();
        assert_eq!(place.names(), ["a.key"]);
        assert_eq!(fs::metadata(place.at("a.key")).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(read_secret(&place.at("a.key"), 6).unwrap().as_slice(), b"secret");
        assert!(matches!(read_secret(&place.at("a.key"), 5), Err(KeyFault::Unreadable { .. })));
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there_and_nothing_else() {
        let place = Place::new();
        write_new(&place.at("a.key"), b"first").unwrap();
        let refused = write_new(&place.at("a.key"), b"second").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(place.at("a.key")).unwrap(), b"first");
        assert_eq!(place.names(), ["a.key"]);
        assert!(write_new(&place.at("none/a.key"), b"secret").is_err());
    }

    #[test]
    fn a_write_that_was_stopped_is_done_again_by_doing_it_again() {
        let place = Place::new();
        fs::write(place.at(".a.key.new"), b"hal").unwrap();
        write_new(&place.at("a.key"), b"whole").unwrap();
        assert_eq!(fs::read(place.at("a.key")).unwrap(), b"whole");
        assert_eq!(place.names(), ["a.key"]);
    }

    #[test]
    fn what_a_stopped_write_left_is_swept_and_the_key_that_it_had_put_in_place_stays() {
        let place = Place::new();
        fs::write(place.at(".a.key.new"), b"half").unwrap();
        fs::write(place.at(".b.key.new"), b"whole").unwrap();
        fs::hard_link(place.at(".b.key.new"), place.at("b.key")).unwrap();
        sweep(place.folder.path()).unwrap();
        assert_eq!(place.names(), ["b.key"]);
        assert_eq!(fs::read(place.at("b.key")).unwrap(), b"whole");
    }

    #[test]
    fn a_destruction_that_was_stopped_is_finished_by_the_next_sweep() {
        let place = Place::new();
        write_new(&place.at("a.key"), b"secret").unwrap();
        fs::rename(place.at("a.key"), place.at(".a.key.gone")).unwrap();
        sweep(place.folder.path()).unwrap();
        assert!(place.names().is_empty());
    }

    #[test]
    fn a_destroyed_file_is_gone_with_its_second_name_and_may_be_destroyed_again() {
        let place = Place::new();
        write_new(&place.at("a.key"), b"secret").unwrap();
        fs::hard_link(place.at("a.key"), place.at(".a.key.new")).unwrap();
        fs::set_permissions(place.at("a.key"), Permissions::from_mode(0o400)).unwrap();
        let mut watching = File::open(place.at("a.key")).unwrap();
        destroy(&place.at("a.key")).unwrap();
        assert!(place.names().is_empty());
        let mut left = Vec::new();
        watching.read_to_end(&mut left).unwrap();
        assert_eq!(left, [0; 6], "the bytes were overwritten before the name went");
        destroy(&place.at("a.key")).unwrap();
    }

    #[test]
    fn a_sweep_leaves_alone_what_somebody_is_writing() {
        let place = Place::new();
        let writing = Turn::take(&place.at("a.key")).unwrap();
        fs::write(place.at(".a.key.new"), b"half").unwrap();
        sweep(place.folder.path()).unwrap();
        assert_eq!(place.names(), [".a.key.new"]);
        drop(writing);
        sweep(place.folder.path()).unwrap();
        assert!(place.names().is_empty());
    }

    #[test]
    fn a_pipe_in_the_place_of_a_key_is_refused_and_not_waited_for() {
        let place = Place::new();
        let pipe = place.at("a.key");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(matches!(read_secret(&pipe, 10), Err(KeyFault::Unreadable { .. })));
    }
}
