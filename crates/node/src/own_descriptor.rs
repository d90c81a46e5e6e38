//! The file of the node's own descriptors: read at start, written anew when the node publishes.
//!
//! Promises: what is read is bounded and is this participant's; the file is replaced whole or not at all. Leaves out:
//! whether each version follows on the one before, and which of file and store is ahead, which the exchange judges.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use selat_exchange::Exchange;
use selat_record::pb;
use selat_seal::descriptor::{read_chain, write_chain};
use selat_seal::{AcceptedDescriptor, SealError};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::calls::words;
use crate::config::Config;

/// Largest file in bytes. A chain of hundreds of versions has less.
const FILE_MAX: u64 = 16 * 1024 * 1024;

/// Why the node's own descriptor cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DescriptorError {
    /// The file.
    #[error("the descriptor {} cannot be read: {why}", .path.display())]
    Unreadable {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Its signatures or fields.
    #[error("the descriptor {} does not hold: {source}", .path.display())]
    Invalid {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: SealError,
    },
    /// It is another participant's.
    #[error("the descriptor is of {found}, the configuration says {expected}")]
    OtherParticipant {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
}

/// The versions in a node's file, and the last of them.
pub struct OwnFile {
    /// As signed, ascending.
    pub versions: Vec<pb::Envelope>,
    /// The last version.
    pub last: AcceptedDescriptor,
}

/// Reads the file that the configuration names.
pub fn load(config: &Config) -> Result<OwnFile, DescriptorError> {
    let path = &config.node.descriptor;
    let unreadable = |why: String| DescriptorError::Unreadable { path: path.clone(), why };
    let text = read_bounded(path).map_err(|error| unreadable(error.to_string()))?;
    let versions = read_chain(&text).map_err(|error| unreadable(words(&error)))?;
    let last = versions.last().ok_or_else(|| unreadable("it holds no descriptor".to_owned()))?;
    let last = AcceptedDescriptor::restore(&config.node.federation, last);
    let last = last.map_err(|source| DescriptorError::Invalid { path: path.clone(), source })?;
    if *last.participant() != config.node.participant {
        let (found, expected) = (last.participant().to_string(), config.node.participant.to_string());
        return Err(DescriptorError::OtherParticipant { found, expected });
    }
    Ok(OwnFile { versions, last })
}

/// Keeps the file at the version in force, until `stop`. A file that cannot be written is a warning: the store has the
/// chain, and the file is tried again at the next version and at the next start.
pub async fn keep(exchange: Arc<Exchange>, path: PathBuf, mut written: u64, stop: CancellationToken) {
    let mut changes = exchange.trust_changes();
    loop {
        changes.mark_unchanged();
        let version = exchange.descriptor().version();
        if version != written {
            match put(&exchange, path.clone()).await {
                Ok(()) => info!(version, "descriptor file written"),
                Err(why) => warn!(version, why, file = %path.display(), "descriptor file not written"),
            }
            written = version;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

async fn put(exchange: &Exchange, path: PathBuf) -> Result<(), String> {
    let text = write_chain(&exchange.own_chain(1));
    let replaced = tokio::task::spawn_blocking(move || replace(&path, &text)).await;
    replaced.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

/// Replaces the file. When this returns `Ok` the new one survives power loss; on an error the old one is still there, or
/// the new one is.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // The file that a link leads to, not the link.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other("it has no name of its own"));
    };
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".new");
    let fresh = folder.join(hidden);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_MAX + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > FILE_MAX {
        return Err(io::Error::other(format!("it is larger than {FILE_MAX} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::init::{InitArgs, run_init};

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        init: InitArgs,
    }

    /// A fresh node of AUS.
    fn made(folder: &Path) -> Config {
        let dir = folder.join("aus");
        let line = format!(
            "selat {} --participant AUS --federation demo --unit Centre --listen 127.0.0.1:7441 \
             --advertise-host 127.0.0.1 --contact-phone 1",
            dir.display()
        );
        run_init(Command::parse_from(line.split_whitespace()).init, &mut io::sink()).unwrap();
        Config::load(&dir.join("selat.toml")).unwrap()
    }

    #[test]
    fn file_that_is_absent_damaged_changed_or_of_another_is_refused_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = made(folder.path());
        let own = load(&config).unwrap();
        assert_eq!((own.versions.len(), own.last.version()), (1, 1));
        let text = fs::read_to_string(&config.node.descriptor).unwrap();
        let refused = |config: &Config| load(config).err().map(|error| error.to_string()).unwrap_or_default();

        for (spoilt, why) in [
            (text.replace("BEGIN SELAT DESCRIPTOR", "BEGIN SELAT NOTHING"), "cannot be read"),
            (text.repeat(2), "a chain ascends one by one"),
            (String::new(), "cannot be read"),
        ] {
            fs::write(&config.node.descriptor, spoilt).unwrap();
            assert!(refused(&config).contains(why), "{}", refused(&config));
        }
        let mut unsigned = own.versions.clone();
        unsigned[0].signatures.truncate(1);
        fs::write(&config.node.descriptor, write_chain(&unsigned)).unwrap();
        assert!(
            refused(&config).contains("does not hold: descriptor 1 of AUS: needs the signatures"),
            "{}",
            refused(&config)
        );
        fs::write(&config.node.descriptor, text).unwrap();
        config.node.participant = "IDN".parse().unwrap();
        assert_eq!(refused(&config), "the descriptor is of AUS, the configuration says IDN");
        fs::remove_file(&config.node.descriptor).unwrap();
        assert!(refused(&config).contains("No such file"), "{}", refused(&config));
    }

    #[test]
    fn file_is_replaced_whole_or_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("descriptor.selat");
        replace(&path, "one").unwrap();
        replace(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");

        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, "three").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
        assert!(link.is_symlink());

        fs::create_dir(folder.path().join(".descriptor.selat.new")).unwrap();
        assert!(replace(&path, "four").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
    }
}
