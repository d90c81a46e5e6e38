//! The folder of key files: reading all of it at once, telling all that is wrong with it at once.
//!
//! ```text
//! record-1f3a90c2.key   a signing key: its purpose and the first digits of its id (record.key is read too)
//! storage.key           wraps the keys of stored content
//! officer-ca.key        issues officers' certificates
//! ```
//! Other files than `*.key` are none of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use selat_record::ParticipantId;
use selat_record::pb::KeyPurpose;
use selat_seal::keyfile::{purpose_from_word, purpose_word};
use selat_seal::{KeyFile, KeyId, SecretKey, armor};
use zeroize::Zeroizing;

use crate::disk::{self, FILE_BYTES_MAX};
use crate::keyfile::{self, EXTENSION, not_a_key};
use crate::{KeyFault, NamedSecret, Passphrase, PassphraseError, Protection};

/// Most entries that a folder of keys may have.
const ENTRIES_MAX: usize = 256;

/// The keys of a folder.
#[derive(Default)]
pub(crate) struct Contents {
    /// Working keys, each with the name of its file.
    pub keys: BTreeMap<KeyId, FileKey>,
    /// Secrets that are in no descriptor.
    pub secrets: BTreeMap<NamedSecret, Zeroizing<[u8; 32]>>,
}

/// A working key of a file.
pub(crate) struct FileKey {
    pub purpose: KeyPurpose,
    pub name: String,
    pub secret: SecretKey,
}

/// Reads all keys of a folder, with the passphrase if they are under one. What is wrong goes to `faults`; what could be
/// read is returned all the same.
pub(crate) fn read(
    folder: &Path,
    participant: &ParticipantId,
    protection: &Protection,
    faults: &mut Vec<KeyFault>,
) -> (Contents, Option<Passphrase>) {
    let mut raw = Vec::new();
    for path in note(faults, key_files(folder)).unwrap_or_default() {
        let content = note(faults, disk::read_secret(&path, FILE_BYTES_MAX));
        raw.extend(content.map(|content| (path, content)));
    }
    let (passphrase, from) = match protection {
        Protection::Plain => (Ok(None), String::new()),
        Protection::Passphrase(source) => (source.read().map(Some), source.words()),
    };
    let passphrase = match passphrase.map_err(|error: PassphraseError| faults.push(error.into())) {
        Ok(passphrase) => passphrase,
        Err(()) => return (Contents::default(), None),
    };
    let mut reading = Reading { participant, faults, contents: Contents::default() };
    for (path, content) in raw {
        if let Err(fault) = reading.file(&path, content, passphrase.as_ref(), &from) {
            reading.fault(fault);
        }
    }
    (reading.contents, passphrase)
}

/// Files beside the keys that a backup takes along because they are lost with the folder: certificates.
pub(crate) fn companions(folder: &Path) -> io::Result<Vec<(String, Zeroizing<String>)>> {
    let mut found = Vec::new();
    for path in entries(folder)?.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "pem")) {
        let content = disk::read_bounded(disk::open_regular(&path)?.0, FILE_BYTES_MAX)?;
        let text = std::str::from_utf8(&content).map_err(|_| io::Error::other("a certificate is not text"))?;
        // Text that does not end its last line would run into what follows it in a backup.
        let end = if text.ends_with('\n') { "" } else { "\n" };
        found.push((name(&path), Zeroizing::new(format!("{text}{end}"))));
    }
    Ok(found)
}

/// One pass over the files of a folder.
struct Reading<'a> {
    participant: &'a ParticipantId,
    faults: &'a mut Vec<KeyFault>,
    contents: Contents,
}

impl Reading<'_> {
    fn file(
        &mut self,
        path: &Path,
        content: Zeroizing<Vec<u8>>,
        passphrase: Option<&Passphrase>,
        from: &str,
    ) -> Result<(), KeyFault> {
        let text = keyfile::text_of(path, content, passphrase, from)?;
        let name = name(path);
        if let Some(secret) = NamedSecret::ALL.into_iter().find(|secret| secret.file_name() == name) {
            self.contents.secrets.insert(secret, seed(path, secret, &text)?);
            return Ok(());
        }
        let file = keyfile::parse(path, &text)?;
        self.belongs(&name, &file).map_err(|cause| KeyFault::Misplaced { path: path.to_owned(), cause })?;
        let key = FileKey { purpose: file.purpose, name, secret: file.secret };
        self.contents.keys.insert(key.secret.id(), key);
        Ok(())
    }

    /// Whether this key may lie here under this name.
    fn belongs(&self, name: &str, file: &KeyFile) -> Result<(), String> {
        let word = purpose_word(file.purpose);
        let id = file.secret.id();
        if file.participant != *self.participant {
            return Err(format!("it holds a key of {}, and this is {}", file.participant, self.participant));
        }
        if file.purpose == KeyPurpose::Root {
            return Err("it holds a root key, and no root key belongs on a node".to_owned());
        }
        let stem = name.strip_suffix(EXTENSION).unwrap_or(name);
        if stem != word && stem != format!("{word}-{}", keyfile::short(id)) {
            return Err(match purpose_from_word(stem) {
                Some(_) => format!("it holds a {word} key, and a {stem} key belongs there"),
                None => format!("it holds the {word} key {}, whose name would be {word}-{0}.key", keyfile::short(id)),
            });
        }
        match self.contents.keys.get(&id) {
            Some(other) => Err(format!("it holds the same key as {}", other.name)),
            None => Ok(()),
        }
    }

    /// Takes a fault; files that the passphrase does not open become one fault.
    fn fault(&mut self, fault: KeyFault) {
        let KeyFault::Locked { paths, .. } = &fault else { return self.faults.push(fault) };
        for known in self.faults.iter_mut() {
            if let KeyFault::Locked { paths: together, .. } = known {
                together.extend(paths.iter().cloned());
                return;
            }
        }
        self.faults.push(fault);
    }
}

/// The files of a folder that hold keys, by name. The folder itself must be its owner's to change.
fn key_files(folder: &Path) -> Result<Vec<PathBuf>, KeyFault> {
    let unreadable = |source| KeyFault::Unreadable { path: folder.to_owned(), source };
    let mode = File::open(folder).and_then(|folder| folder.metadata()).map_err(unreadable)?.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(KeyFault::Exposed { path: folder.to_owned(), mode: mode & 0o7777 });
    }
    disk::sweep(folder).map_err(unreadable)?;
    let entries = entries(folder).map_err(unreadable)?;
    let is_key = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "key");
    Ok(entries.into_iter().filter(is_key).collect())
}

/// What lies in a folder and is not hidden, by name.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = BTreeSet::new();
    for (n, entry) in fs::read_dir(folder)?.enumerate() {
        if n == ENTRIES_MAX {
            return Err(io::Error::other(format!("it has more than {ENTRIES_MAX} entries")));
        }
        let path = entry?.path();
        if !name(&path).starts_with('.') {
            found.insert(path);
        }
    }
    Ok(found.into_iter().collect())
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn seed(path: &Path, secret: NamedSecret, text: &str) -> Result<Zeroizing<[u8; 32]>, KeyFault> {
    let bytes = armor::dearmor(secret.kind(), text).map_err(|error| not_a_key(path, format!("it {error}")))?;
    let bytes = Zeroizing::new(bytes);
    let seed = <[u8; 32]>::try_from(bytes.as_slice());
    seed.map(Zeroizing::new).map_err(|_| not_a_key(path, "it does not hold 32 bytes".to_owned()))
}

fn note<T>(faults: &mut Vec<KeyFault>, result: Result<T, KeyFault>) -> Option<T> {
    result.map_err(|fault| faults.push(fault)).ok()
}
