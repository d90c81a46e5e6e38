//! One key file: its name, reading it, writing it; in plain text or under a passphrase.

use std::path::Path;

use selat_record::ParticipantId;
use selat_record::pb::KeyPurpose;
use selat_seal::keyfile::purpose_word;
use selat_seal::{HeldKey, KeyFailure, KeyFile, KeyId};
use zeroize::Zeroizing;

use crate::disk::{self, FILE_BYTES_MAX};
use crate::sealed::{self, OpenError};
use crate::{KeyFault, Lock, Passphrase};

/// Ends the name of every file that holds a secret key.
pub(crate) const EXTENSION: &str = ".key";

/// The file name of a signing key, for example `record-1f3a90c2.key`.
pub fn name_of(key: HeldKey) -> String {
    format!("{}-{}{EXTENSION}", purpose_word(key.purpose), short(key.id))
}

/// The first eight digits of a key id, as file names have them.
pub fn short(id: KeyId) -> String {
    id.to_string().chars().take(8).collect()
}

/// Reads the file of a signing key, a root key for example, and checks whose it is and what for. The passphrase is only
/// asked for when the file is under one.
pub fn read(path: &Path, lock: &Lock, participant: &ParticipantId, purpose: KeyPurpose) -> Result<KeyFile, KeyFault> {
    let file = read_any(path, lock)?;
    if file.purpose != purpose || file.participant != *participant {
        let cause = format!(
            "it holds the {} key of {}, and the {} key of {participant} belongs there",
            purpose_word(file.purpose),
            file.participant,
            purpose_word(purpose)
        );
        return Err(KeyFault::Misplaced { path: path.to_owned(), cause });
    }
    Ok(file)
}

/// Reads the file of a signing key, whoever it belongs to and whatever it is for.
pub fn read_any(path: &Path, lock: &Lock) -> Result<KeyFile, KeyFault> {
    let content = disk::read_secret(path, FILE_BYTES_MAX)?;
    let passphrase = if sealed::is_sealed(&content) { Some(lock.passphrase()?) } else { None };
    let text = text_of(path, content, passphrase, &lock.words())?;
    parse(path, &text)
}

/// True when the file is under a passphrase.
pub fn is_protected(path: &Path) -> Result<bool, KeyFault> {
    Ok(sealed::is_sealed(&disk::read_secret(path, FILE_BYTES_MAX)?))
}

/// Writes a key file, under a passphrase if there is one. When this returns `Ok` it survives power loss. Never replaces
/// a file.
pub fn write(path: &Path, file: &KeyFile, passphrase: Option<&Passphrase>) -> Result<(), KeyFailure> {
    write_text(path, &file.to_text(), passphrase)
}

/// Writes the text of a key.
pub(crate) fn write_text(path: &Path, text: &str, passphrase: Option<&Passphrase>) -> Result<(), KeyFailure> {
    let failure = |error| KeyFailure::new(format!("key file {} cannot be written: {error}", path.display()));
    match passphrase {
        None => disk::write_new(path, text.as_bytes()).map_err(failure),
        Some(passphrase) => {
            let sealed = sealed::seal(text.as_bytes(), passphrase).map_err(failure)?;
            disk::write_new(path, &sealed).map_err(failure)
        }
    }
}

/// The text in the file at `path` with this content; with a passphrase the content must be under it, without it must
/// not be under any.
pub(crate) fn text_of(
    path: &Path,
    content: Zeroizing<Vec<u8>>,
    passphrase: Option<&Passphrase>,
    from: &str,
) -> Result<Zeroizing<String>, KeyFault> {
    let protection = |cause: &str| KeyFault::Protection { path: path.to_owned(), cause: cause.to_owned() };
    let bytes = match (passphrase, sealed::is_sealed(&content)) {
        (None, false) => content,
        (None, true) => return Err(protection("it is under a passphrase, and should be plain text")),
        (Some(_), false) => return Err(protection("it is not under a passphrase, and should be")),
        (Some(passphrase), true) => {
            sealed::open(&content, passphrase, FILE_BYTES_MAX).map_err(|error| match error {
                OpenError::OtherPassphrase => KeyFault::Locked { paths: vec![path.to_owned()], from: from.to_owned() },
                other => not_a_key(path, format!("it {other}")),
            })?
        }
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| not_a_key(path, "it is not text in UTF-8".to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The key in a text.
pub(crate) fn parse(path: &Path, text: &str) -> Result<KeyFile, KeyFault> {
    KeyFile::parse(text).map_err(|error| not_a_key(path, error.to_string()))
}

pub(crate) fn not_a_key(path: &Path, cause: String) -> KeyFault {
    KeyFault::NotAKey { path: path.to_owned(), cause }
}
