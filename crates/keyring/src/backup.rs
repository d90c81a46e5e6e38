//! All secret keys of a node in one file under a passphrase; putting them back; and trying that before it is needed.
//!
//! Promises: a backup that was written has been opened and read again. Reading is strictly bounded, and what does not
//! agree with its manifest in every key is refused. Restoring makes a fresh folder, whole or not at all. In an
//! emergency `age -d` opens the file too, and what comes out is text that says which file each part is.
//! Leaves out: keys in a token, which never leave it (the manifest names them); the store; root keys, which are not on
//! the node; the passphrase file and the PIN.

mod drill;
mod text;

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use selat_record::{ParticipantId, Timestamp};
use selat_seal::{Entropy, HeldKey, KeyFailure};
use tempfile::TempDir;
use zeroize::Zeroizing;

pub use drill::{DrillReport, DrilledKey, Verdict};

use crate::sealed::{self, OpenError};
use crate::{Custody, Expected, KeyFaults, Keyring, NamedSecret, Passphrase, Protection, disk, folder, keyfile};

/// Largest backup file that is read, in bytes: its content in base64, and room to spare.
pub const FILE_BYTES_MAX: usize = 2 * CONTENT_BYTES_MAX;
/// Largest content. A folder of keys has 256 entries at most, and a key file some 400 bytes.
const CONTENT_BYTES_MAX: usize = 1024 * 1024;

/// What a backup says it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Whose keys they are.
    pub participant: ParticipantId,
    /// When it was made.
    pub made: Timestamp,
    /// Where the keys lived then.
    pub custody: String,
    /// The files in it, by name.
    pub files: Vec<BackedUp>,
    /// Keys that were in a token then, and so are not in the backup.
    pub in_token: Vec<HeldKey>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// Its name in the folder of keys.
    pub name: String,
    /// What it is.
    pub what: Content,
}

/// What a file of a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A working key.
    Key(HeldKey),
    /// A secret that is in no descriptor.
    Secret(NamedSecret),
    /// A certificate that lay beside the keys.
    Companion,
}

/// A backup that was opened and agrees with its manifest.
pub struct Backup {
    manifest: Manifest,
    /// The text of each file, in the order of the manifest.
    texts: Vec<Zeroizing<String>>,
}

/// Why there is no backup, or why it was not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder could not be read or written.
    #[error("{} cannot be {done}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// "read" or "written".
        done: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The passphrase is another one, or the file was changed: nobody can tell which.
    #[error("the backup is under another passphrase")]
    OtherPassphrase,
    /// Not an age file under a passphrase, or a damaged one.
    #[error("the backup {0}")]
    NotOpened(String),
    /// What is under the passphrase is not a backup of ours, or does not agree with itself.
    #[error("the backup does not hold what it should: {0}")]
    Malformed(String),
    /// There is something in the folder already.
    #[error("{} is not empty; keys are restored into a fresh folder only", .0.display())]
    Occupied(PathBuf),
    /// The keys that came back cannot be used.
    #[error("the restored keys cannot be used: {0}")]
    Keys(#[from] KeyFaults),
    /// A key could not be written.
    #[error("a key was not restored: {0}")]
    Key(#[from] KeyFailure),
    /// The passphrase for the restored files is not to be had.
    #[error("there is no passphrase for the restored files")]
    Passphrase(#[from] crate::PassphraseError),
}

/// Puts all keys of a ring that are in files under a passphrase. What is returned has been opened and read again.
pub fn write(ring: &Keyring, passphrase: &Passphrase, now: Timestamp) -> Result<Vec<u8>, BackupError> {
    let backup = Backup::of(ring, now)?;
    let text = text::write(&backup);
    let sealed =
        sealed::seal(text.as_bytes(), passphrase).map_err(|error| BackupError::NotOpened(error.to_string()))?;
    let again = read(&sealed, passphrase)?;
    if again.manifest != backup.manifest || again.texts != backup.texts {
        return Err(BackupError::Malformed("it does not read as it was written".to_owned()));
    }
    Ok(sealed)
}

/// Opens a backup and checks that it holds what its manifest says.
pub fn read(sealed: &[u8], passphrase: &Passphrase) -> Result<Backup, BackupError> {
    if sealed.len() > FILE_BYTES_MAX {
        return Err(BackupError::NotOpened(format!("has more than {FILE_BYTES_MAX} bytes")));
    }
    let content = sealed::open(sealed, passphrase, CONTENT_BYTES_MAX).map_err(|error| match error {
        OpenError::OtherPassphrase => BackupError::OtherPassphrase,
        other => BackupError::NotOpened(other.to_string()),
    })?;
    let content = std::str::from_utf8(&content).map_err(|_| BackupError::Malformed("it is not text".to_owned()))?;
    text::read(content).map_err(BackupError::Malformed)
}

/// Writes a backup to a file of its own, for its owner alone. Never replaces a file; survives power loss.
pub fn write_file(path: &Path, sealed: &[u8]) -> Result<(), BackupError> {
    disk::write_new(path, sealed).map_err(|source| BackupError::Io { path: path.to_owned(), done: "written", source })
}

/// Reads the bytes of a backup file. They are under their passphrase, so anybody may read the file.
pub fn read_file(path: &Path) -> Result<Vec<u8>, BackupError> {
    let read = disk::open_regular(path).and_then(|(file, _)| disk::read_bounded(file, FILE_BYTES_MAX));
    let mut content = read.map_err(|source| BackupError::Io { path: path.to_owned(), done: "read", source })?;
    Ok(std::mem::take(&mut *content))
}

impl Backup {
    /// What it holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The content of a certificate that lay beside the keys.
    pub fn companion(&self, name: &str) -> Option<&str> {
        let files = self.manifest.files.iter().zip(&self.texts);
        let mut companions = files.filter(|(file, _)| file.what == Content::Companion && file.name == name);
        companions.next().map(|(_, text)| text.as_str())
    }

    /// Puts all files into the folder that `custody` names, protected as it says. The folder must be empty or not be
    /// there; when this returns `Ok` it is whole and survives power loss, on `Err` it is as it was. Keys that the
    /// manifest names as in a token are still there or are gone.
    pub fn restore(&self, custody: &Custody, entropy: Arc<dyn Entropy>) -> Result<(), BackupError> {
        let folder = std::path::absolute(&custody.folder).map_err(|error| unwritable(&custody.folder, error))?;
        if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(BackupError::Occupied(folder));
        }
        let protection = match &custody.protection {
            Protection::Plain => Protection::Plain,
            Protection::Passphrase(source) => Protection::under(&source.choose()?),
        };
        let parent = folder.parent().unwrap_or(Path::new("/"));
        let hidden = own_folder(parent, ".restore-")?;
        self.open_in(hidden.path(), protection, entropy)?;
        fs::rename(hidden.path(), &folder).map_err(|source| match source.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => BackupError::Occupied(folder.clone()),
            _ => unwritable(&folder, source),
        })?;
        // It has its own name now; there is nothing left to remove.
        let _ = hidden.keep();
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(|error| unwritable(parent, error))
    }

    /// Writes all files into an empty folder and opens them there.
    fn open_in(
        &self,
        folder: &Path,
        protection: Protection,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Keyring, BackupError> {
        let passphrase = match &protection {
            Protection::Plain => None,
            Protection::Passphrase(source) => Some(source.read()?),
        };
        for (file, text) in self.manifest.files.iter().zip(&self.texts) {
            let passphrase = passphrase.as_ref().filter(|_| file.what != Content::Companion);
            keyfile::write_text(&folder.join(&file.name), text, passphrase)?;
        }
        let custody = Custody { folder: folder.to_owned(), protection, token: None };
        Ok(Keyring::open(&custody, &self.manifest.participant, &self.expected(), entropy)?)
    }

    /// What must be there after a restore.
    fn expected(&self) -> Expected {
        let mut expected = Expected::default();
        for file in &self.manifest.files {
            match file.what {
                Content::Key(key) => expected.keys.push(key),
                Content::Secret(secret) => expected.secrets.push(secret),
                Content::Companion => {}
            }
        }
        expected
    }

    /// A backup of all that a ring holds in files.
    fn of(ring: &Keyring, made: Timestamp) -> Result<Self, BackupError> {
        let unreadable = |source| BackupError::Io { path: ring.folder().to_owned(), done: "read", source };
        let (mut files, mut texts) = (Vec::new(), Vec::new());
        for (name, what, text) in ring.texts() {
            files.push(BackedUp { name, what });
            texts.push(text);
        }
        for (name, text) in folder::companions(ring.folder()).map_err(unreadable)? {
            files.push(BackedUp { name, what: Content::Companion });
            texts.push(text);
        }
        let (participant, custody) = (ring.participant().clone(), ring.custody());
        Ok(Self { manifest: Manifest { participant, made, custody, files, in_token: ring.in_token() }, texts })
    }
}

/// A throw-away folder for its owner alone.
fn own_folder(place: &Path, prefix: &str) -> Result<TempDir, BackupError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).permissions(Permissions::from_mode(0o700));
    builder.tempdir_in(place).map_err(|error| unwritable(place, error))
}

fn unwritable(path: &Path, source: io::Error) -> BackupError {
    BackupError::Io { path: path.to_owned(), done: "written", source }
}
