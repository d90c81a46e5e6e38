//! `selat key backup|restore|drill`: the work on a node's key files, with the node up or down.
//!
//! Promises: a backup that was written has been read again, and its time is noted for the doctor; restoring never
//! overwrites; a drill leaves nothing behind. Passphrases come from files or the terminal, never from an argument.
//! Leaves out: the form of a backup, which is `keyring`'s; showing what was done.

mod drill;
pub mod notes;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use selat_complaint::Complaint;
use selat_keyring::backup::{self, Backup, BackupError, Manifest};
use selat_keyring::{
    Custody, Expected, Keyring, NamedSecret, Passphrase, PassphraseError, PassphraseSource, Protection,
};
use selat_record::Timestamp;
use selat_seal::Entropy;

use crate::calls::words;
use crate::config::Config;
use crate::keys::{complaint_of as keys_complaint, custody, custody_in};
use crate::{doctor, explain};

pub use drill::{Drilled, run as run_drill};

/// Where a node's configuration lies unless the command line says otherwise.
const CONFIG_USUAL: &str = "/etc/selat/selat.toml";

/// The commands on key files.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyFilesCommand {
    /// Write all keys of the node into one file under a passphrase
    Backup(BackupArgs),
    /// Put the keys of a backup into a fresh folder
    Restore(RestoreArgs),
    /// Try a backup: restore it into a temporary place, sign and verify with every key
    Drill(DrillArgs),
}

/// What `selat key backup` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Holds the working keys, the storage key and the officers' authority; not the root keys, not keys in a token, not the store. \
Without the storage key the store cannot be read. Keep the file and its passphrase apart. Make a new one after each turn of \
a key: selat doctor says when one is due.

Examples:
  selat key backup --file aus-keys.backup
  selat key backup --config aus/selat.toml --file aus-keys.backup --passphrase-file backup.pass")]
pub struct BackupArgs {
    /// Configuration of the node
    #[arg(long, value_name = "FILE", env = "SELAT_CONFIG", hide_env_values = true, default_value = CONFIG_USUAL)]
    pub config: PathBuf,
    /// Write the backup to this file, which must not be there yet
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// Take the passphrase of the backup from the first line of this file; without it the passphrase is asked for
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// What `selat key restore` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The folder must be empty or not there yet; nothing is overwritten. The restored files are protected as [keys] of the \
configuration says, and under the passphrase of the backup when no configuration is given.

Examples:
  selat key restore aus-keys.backup --to restored-keys
  selat key restore aus-keys.backup --to aus/keys --config aus/selat.toml --passphrase-file backup.pass")]
pub struct RestoreArgs {
    /// The backup
    pub backup: PathBuf,
    /// The folder for the keys
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Configuration of the node, for how its key files are protected
    #[arg(long, value_name = "FILE", env = "SELAT_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Take the passphrase of the backup from the first line of this file; without it the passphrase is asked for
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// What `selat key drill` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Ends with 7 when a key that is needed did not come back. With a descriptor, the one in --descriptor or else the node's, the \
keys that it names must all be there. With a configuration the time of a drill that held is noted for selat doctor.

Examples:
  selat key drill aus-keys.backup
  selat key drill aus-keys.backup --descriptor aus.descriptor --passphrase-file backup.pass")]
pub struct DrillArgs {
    /// The backup
    pub backup: PathBuf,
    /// The descriptor whose keys must be there
    #[arg(long, value_name = "FILE")]
    pub descriptor: Option<PathBuf>,
    /// Configuration of the node
    #[arg(long, value_name = "FILE", env = "SELAT_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Take the passphrase of the backup from the first line of this file; without it the passphrase is asked for
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// A backup that stands, or keys that were put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it holds.
    pub manifest: Manifest,
    /// The file or folder that was written.
    pub place: PathBuf,
    /// What did not work besides, without harm to what was asked for.
    pub warning: Option<String>,
}

/// Backs up the keys of a node.
pub fn run_backup(args: &BackupArgs, now: Timestamp, entropy: Arc<dyn Entropy>) -> Result<Kept, Complaint> {
    let config = Config::load(&args.config)?;
    let expected = Expected { secrets: NamedSecret::ALL.to_vec(), ..Expected::default() };
    let ring = Keyring::open(&custody(&config), &config.node.participant, &expected, entropy);
    let ring = ring.map_err(|faults| keys_complaint(&faults))?;
    refuse_existing(&args.file)?;
    let question = format!("passphrase of the backup of {}", config.node.participant);
    let passphrase = source(args.passphrase_file.as_ref(), &question).choose();
    let passphrase = passphrase.map_err(|error| locked(&error))?;
    let sealed = backup::write(&ring, &passphrase, now).map_err(told)?;
    backup::write_file(&args.file, &sealed).map_err(told)?;
    let manifest = backup::read(&sealed, &passphrase).map_err(told)?.manifest().clone();
    let noted = notes::note_backup(&config.node.data_dir, now, names(&manifest));
    let warning =
        noted.err().map(|error| format!("the time of the backup could not be noted for selat doctor: {error}"));
    Ok(Kept { manifest, place: args.file.clone(), warning })
}

/// Puts the keys of a backup into a folder.
pub fn run_restore(args: &RestoreArgs, entropy: Arc<dyn Entropy>) -> Result<Kept, Complaint> {
    let (backup, passphrase) = open(&args.backup, args.passphrase_file.as_ref())?;
    let custody = match &args.config {
        Some(path) => {
            let config = Config::load(path)?;
            Custody { token: None, ..custody_in(args.to.clone(), &config.keys, &config.node.participant) }
        }
        None => Custody { folder: args.to.clone(), protection: Protection::under(&passphrase), token: None },
    };
    backup.restore(&custody, entropy).map_err(|error| match error {
        BackupError::Passphrase(error) => without_passphrase(&error),
        other => told(other),
    })?;
    Ok(Kept { manifest: backup.manifest().clone(), place: args.to.clone(), warning: None })
}

/// Reads and opens a backup.
fn open(path: &Path, passphrase_file: Option<&PathBuf>) -> Result<(Backup, Passphrase), Complaint> {
    let sealed = backup::read_file(path).map_err(told)?;
    let passphrase = source(passphrase_file, "passphrase of the backup").read();
    let passphrase = passphrase.map_err(|error| locked(&error))?;
    Ok((backup::read(&sealed, &passphrase).map_err(told)?, passphrase))
}

fn source(file: Option<&PathBuf>, question: &str) -> PassphraseSource {
    match file {
        Some(file) => PassphraseSource::File(file.clone()),
        None => PassphraseSource::Prompt { question: question.to_owned() },
    }
}

/// Early, before a passphrase is typed twice; writing refuses it again.
fn refuse_existing(path: &Path) -> Result<(), Complaint> {
    if std::fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    let cause = format!("{} is there already, and a backup is never overwritten", path.display());
    Err(Complaint::about(&explain::BACKUP_OCCUPIED).cause(cause))
}

/// The names of the keys in a backup, as the doctor knows keys.
fn names(manifest: &Manifest) -> Vec<String> {
    let keys = manifest.files.iter().filter_map(|file| match file.what {
        backup::Content::Key(key) => Some(doctor::key_name(key.purpose, key.id)),
        backup::Content::Secret(_) | backup::Content::Companion => None,
    });
    keys.collect()
}

/// The passphrase of the backup cannot be had.
fn locked(error: &PassphraseError) -> Complaint {
    Complaint::about(&explain::BACKUP_LOCKED).cause(words(error))
}

/// The backup is open, and the passphrase that the configuration wants for the restored files cannot be had here.
fn without_passphrase(error: &PassphraseError) -> Complaint {
    let mend = "run it where the node's passphrase is to be had (for a credential: systemd-run, see deploy/README.md); without \
                --config and SELAT_CONFIG the files come under the passphrase of the backup, and the node opens them only \
                if it has the same";
    let problem = "there is no passphrase for the restored files";
    Complaint::about(&explain::KEY_LOCKED).problem(problem).cause(words(error)).mend(mend)
}

/// A failure of the work on a backup.
fn told(error: BackupError) -> Complaint {
    let entry = match &error {
        BackupError::Keys(faults) => return keys_complaint(faults),
        BackupError::OtherPassphrase | BackupError::Passphrase(_) => &explain::BACKUP_LOCKED,
        BackupError::Io { done: "read", .. } => &explain::BACKUP_UNREADABLE,
        BackupError::Io { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists => {
            &explain::BACKUP_OCCUPIED
        }
        BackupError::NotOpened(_) | BackupError::Malformed(_) => &explain::BACKUP_DAMAGED,
        BackupError::Occupied(_) => &explain::BACKUP_OCCUPIED,
        BackupError::Io { .. } | BackupError::Key(_) => &explain::BACKUP_UNWRITTEN,
    };
    Complaint::about(entry).cause(words(&error))
}

#[cfg(test)]
mod tests;
