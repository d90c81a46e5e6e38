//! Builds a folder out of sight and puts it in place by one rename.
//!
//! Promises: until [`Scaffold::put_in_place`] has returned `Ok` nothing is to be seen at the folder's name; after it,
//! all files are there with their content, also after power loss. A scaffold that is dropped before takes its files
//! with it; a process that is killed leaves a hidden folder beside the name, never at it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use selat_seal::Entropy;

use super::{InitError, write_error};

/// A folder under construction.
pub(super) struct Scaffold {
    root: PathBuf,
    done: bool,
}

impl Scaffold {
    /// Begins a folder that will lie at `dir`, in the same parent so that the rename stays on one file system.
    pub fn beside(dir: &Path, entropy: &dyn Entropy) -> Result<Self, InitError> {
        let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
            return Err(write_error(dir, io::Error::other("it has no name of its own")));
        };
        let mut random = [0; 8];
        entropy.fill(&mut random);
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".init-{:016x}", u64::from_be_bytes(random)));
        let root = parent.join(hidden);
        // Readable as the user's umask says: the configuration and the descriptor hold no secret.
        DirBuilder::new().mode(0o755).create(&root).map_err(|source| write_error(&root, source))?;
        Ok(Self { root, done: false })
    }

    /// A folder for its owner alone.
    pub fn folder(&self, name: &str) -> Result<(), InitError> {
        let path = self.root.join(name);
        DirBuilder::new().mode(0o700).create(&path).map_err(|source| write_error(&path, source))
    }

    /// Where a file lies while the folder is under construction.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// A file that others may read if the umask lets them.
    pub fn file(&self, name: impl AsRef<Path>, content: &[u8]) -> Result<(), InitError> {
        let path = self.path(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o644);
        let written = options.open(&path).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        written.map_err(|source| write_error(&path, source))
    }

    /// Makes all of it durable and gives it its name. An empty folder of that name is replaced; one that holds
    /// anything, be it since a moment ago, is not.
    pub fn put_in_place(&mut self, dir: &Path) -> Result<(), InitError> {
        let in_root = |source| write_error(&self.root, source);
        for entry in fs::read_dir(&self.root).map_err(in_root)? {
            let entry = entry.map_err(in_root)?;
            if entry.file_type().map_err(in_root)?.is_dir() {
                sync_folder(&entry.path())?;
            }
        }
        sync_folder(&self.root)?;
        fs::rename(&self.root, dir).map_err(|source| match source.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                InitError::Occupied { dir: dir.to_owned() }
            }
            _ => write_error(dir, source),
        })?;
        // From here on the name is taken: the folder stays even if the parent cannot be synced.
        self.done = true;
        dir.parent().map_or(Ok(()), sync_folder)
    }

    /// True once the folder has its name.
    pub fn is_in_place(&self) -> bool {
        self.done
    }
}

impl Drop for Scaffold {
    fn drop(&mut self) {
        if !self.done {
            // What cannot be removed stays hidden; the error that led here is the one to tell.
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

fn sync_folder(path: &Path) -> Result<(), InitError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|source| write_error(path, source))
}
