//! Keys in files: plain, under a passphrase, under a credential of the service manager.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use selat_keyring::{Custody, PassphraseSource, Protection, keyfile};

use crate::kit::{Home, passphrase};
use crate::promises::keeps_its_promises;

const PASSPHRASE: &str = "tide gull anchor rope mast";

#[test]
fn plain_files_keep_their_promises() {
    let folder = tempfile::tempdir().unwrap();
    keeps_its_promises(&Home {
        custody: Custody::plain(folder.path()),
        wrong: None,
        damage: damage_file(folder.path()),
        secrets: Vec::new(),
        words: "files",
        blocks: false,
    });
}

#[test]
fn files_under_a_passphrase_keep_their_promises() {
    let (folder, secrets) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = secrets.path().join("passphrase");
    fs::write(&file, format!("{PASSPHRASE}\n")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    keeps_its_promises(&protected(folder.path(), PassphraseSource::File(file), "files, passphrase"));
}

#[test]
fn files_under_a_credential_keep_their_promises() {
    let (folder, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(credentials.path().join("selat-keys"), PASSPHRASE).unwrap();
    fs::set_permissions(credentials.path().join("selat-keys"), Permissions::from_mode(0o440)).unwrap();
    let folder_of_credentials = Some(credentials.path().to_owned());
    let source = PassphraseSource::Credential { name: "selat-keys".to_owned(), folder: folder_of_credentials };
    keeps_its_promises(&protected(folder.path(), source, "files, credential"));
}

fn protected(folder: &Path, source: PassphraseSource, words: &'static str) -> Home {
    let other = "a passphrase of somebody else";
    let under = |protection| Custody { folder: folder.to_owned(), protection, token: None };
    Home {
        custody: under(Protection::Passphrase(source)),
        wrong: Some(under(Protection::under(&passphrase(other)))),
        damage: damage_file(folder),
        secrets: vec![PASSPHRASE.to_owned(), other.to_owned()],
        words,
        blocks: false,
    }
}

/// Changes one digit in the middle of a key's file.
fn damage_file(folder: &Path) -> Box<dyn Fn(selat_seal::HeldKey)> {
    let folder = folder.to_owned();
    Box::new(move |key| {
        let path = folder.join(keyfile::name_of(key));
        let mut content = fs::read(&path).unwrap();
        // The last line of base64: the end of the seed, or of what stands under the passphrase.
        let end = content.windows(6).rposition(|six| six == b"\n-----").unwrap();
        content[end - 4] = if content[end - 4] == b'x' { b'y' } else { b'x' };
        fs::write(&path, content).unwrap();
    })
}
