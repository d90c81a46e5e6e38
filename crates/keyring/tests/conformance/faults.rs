//! What is wrong with a folder of key files is told all at once, each fault with its cause and its mend.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use selat_keyring::{Custody, Expected, KeyFault, Lock, NamedSecret, PassphraseSource, Protection, keyfile};
use selat_record::pb::KeyPurpose;
use selat_seal::{HeldKey, KeyFile, SecretKey};
use tempfile::TempDir;

use crate::kit::{australia, open, passphrase};

const PASSPHRASE: &str = "tide gull anchor rope mast";

fn key(seed: u8, purpose: KeyPurpose) -> KeyFile {
    KeyFile { participant: australia(), purpose, secret: SecretKey::from_seed([seed; 32]) }
}

/// A folder with one good key in each of three files.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (seed, purpose) in [(1, KeyPurpose::Record), (2, KeyPurpose::Query), (3, KeyPurpose::Log)] {
        let file = key(seed, purpose);
        let name = keyfile::name_of(HeldKey { id: file.secret.id(), purpose });
        keyfile::write(&folder.path().join(name), &file, None).unwrap();
    }
    folder
}

fn path(folder: &TempDir, seed: u8, purpose: KeyPurpose) -> std::path::PathBuf {
    let id = key(seed, purpose).secret.id();
    folder.path().join(keyfile::name_of(HeldKey { id, purpose }))
}

/// The faults of a folder, each as "KIND NAME: cause".
fn faults(custody: &Custody, expected: &Expected) -> Vec<String> {
    let Err(faults) = open(custody, expected) else { return Vec::new() };
    let told = |fault: &KeyFault| {
        let name = fault.path().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let kind = format!("{fault:?}").split([' ', '(', '{']).next().unwrap_or_default().to_owned();
        assert!(!fault.mend().is_empty());
        format!("{kind} {}: {}", name.unwrap_or_default(), fault.cause())
    };
    faults.iter().map(told).collect()
}

fn check(folder: &TempDir, expected: &[&str]) {
    let found = faults(&Custody::plain(folder.path()), &Expected::default());
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{found:?} lacks {expected:?}");
    }
}

#[test]
fn good_keys_have_no_faults_whatever_else_lies_there() {
    let folder = folder();
    fs::write(folder.path().join("officer-ca.pem"), "a certificate").unwrap();
    fs::write(folder.path().join("README"), "words").unwrap();
    check(&folder, &[]);
}

#[test]
fn exposed_damaged_and_misplaced_keys_are_told_together() {
    let folder = folder();
    let (record, query, log) =
        (path(&folder, 1, KeyPurpose::Record), path(&folder, 2, KeyPurpose::Query), path(&folder, 3, KeyPurpose::Log));
    fs::set_permissions(&record, Permissions::from_mode(0o640)).unwrap();
    fs::write(&query, fs::read_to_string(&query).unwrap().replace("Ag", "Aw")).unwrap();
    fs::rename(&log, folder.path().join("tls-ca.key")).unwrap();
    fs::create_dir(folder.path().join("storage.key")).unwrap();
    check(
        &folder,
        &[
            "its mode is 0640, and a key file must be 0600 or less",
            "Unreadable storage.key: it is not a regular file",
            "the key file holds another key than its Key-Id line says",
            "Misplaced tls-ca.key: it holds a log key, and a tls-ca key belongs there",
        ],
    );
}

#[test]
fn keys_that_may_not_lie_there_are_told() {
    let folder = folder();
    let put = |name: &str, file: &KeyFile| keyfile::write(&folder.path().join(name), file, None).unwrap();
    put("root-1.key", &key(4, KeyPurpose::Root));
    put("a.key", &key(5, KeyPurpose::Record));
    put("record.key", &key(1, KeyPurpose::Record));
    put("query.key", &KeyFile { participant: "NZL".parse().unwrap(), ..key(6, KeyPurpose::Query) });
    check(
        &folder,
        &[
            "Misplaced a.key: it holds the record key",
            "Misplaced query.key: it holds a key of NZL, and this is AUS",
            "Misplaced record.key: it holds the same key as record-",
            "Misplaced root-1.key: it holds a root key, and no root key belongs on a node",
        ],
    );
}

#[test]
fn secrets_that_are_not_seeds_are_told() {
    let folder = folder();
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o600)).unwrap();
    };
    write("storage.key", &selat_seal::armor::armor("STORAGE KEY", &[1; 31]));
    write("officer-ca.key", &selat_seal::armor::armor("STORAGE KEY", &[1; 32]));
    check(
        &folder,
        &[
            "NotAKey officer-ca.key: it does not begin with \"-----BEGIN SELAT OFFICER AUTHORITY KEY-----\"",
            "NotAKey storage.key: it does not hold 32 bytes",
        ],
    );
}

#[test]
fn a_key_that_is_damaged_is_not_called_missing_as_well() {
    let folder = folder();
    let log = path(&folder, 3, KeyPurpose::Log);
    fs::write(&log, "nothing").unwrap();
    let held = |seed, purpose| HeldKey { id: key(seed, purpose).secret.id(), purpose };
    let keys = vec![held(3, KeyPurpose::Log), held(9, KeyPurpose::TlsCa)];
    let expected = Expected { keys, secrets: vec![NamedSecret::Storage] };
    let found = faults(&Custody::plain(folder.path()), &expected);
    let kinds: Vec<_> = found.iter().map(|fault| fault.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(kinds, ["NotAKey", "Missing", "Missing"], "{found:?}");
}

#[test]
fn a_folder_that_others_may_change_or_that_is_too_full_or_not_there_is_told() {
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o770)).unwrap();
    check(&folder, &["its mode is 0770"]);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    (0..256).for_each(|n| fs::write(folder.path().join(format!("{n}.pem")), "").unwrap());
    check(&folder, &["it has more than 256 entries"]);
    let nowhere = Custody::plain("/nowhere/keys");
    let expected = Expected { keys: Vec::new(), secrets: NamedSecret::ALL.to_vec() };
    let found = faults(&nowhere, &expected);
    assert!(found.len() == 1 && found[0].starts_with("Unreadable keys: No such file"), "{found:?}");
}

#[test]
fn files_that_are_not_protected_as_the_configuration_says_are_told() {
    let folder = folder();
    let known = passphrase(PASSPHRASE);
    keyfile::write(&folder.path().join("tls-ca.key"), &key(4, KeyPurpose::TlsCa), Some(&known)).unwrap();
    check(&folder, &["Protection tls-ca.key: it is under a passphrase, and should be plain text"]);
    let under = |protection| Custody { folder: folder.path().to_owned(), protection, token: None };
    let found = faults(&under(Protection::under(&known)), &Expected::default());
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|fault| fault.ends_with("it is not under a passphrase, and should be")), "{found:?}");
    let nowhere = Protection::Passphrase(PassphraseSource::File("/nowhere".into()));
    let expected = Expected { keys: Vec::new(), secrets: NamedSecret::ALL.to_vec() };
    let found = faults(&under(nowhere), &expected);
    let words = "Passphrase : the file /nowhere cannot be read: No such file or directory (os error 2)";
    assert_eq!(found, [words]);
}

#[test]
fn one_fault_names_all_files_that_the_passphrase_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    for (seed, purpose, words) in [
        (1, KeyPurpose::Record, PASSPHRASE),
        (2, KeyPurpose::Query, "another one altogether"),
        (3, KeyPurpose::Log, "another one altogether"),
    ] {
        let name = format!("{}.key", selat_seal::keyfile::purpose_word(purpose));
        keyfile::write(&folder.path().join(name), &key(seed, purpose), Some(&passphrase(words))).unwrap();
    }
    let protection = Protection::under(&passphrase(PASSPHRASE));
    let custody = Custody { folder: folder.path().to_owned(), protection, token: None };
    let faults = open(&custody, &Expected::default()).unwrap_err();
    let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("log.key") && told[0].contains("query.key") && !told[0].contains("record.key"),
        "{told:?}"
    );
}

#[test]
fn a_single_key_file_is_read_with_or_without_its_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, sealed) = (folder.path().join("root-1.key"), folder.path().join("root-2.key"));
    keyfile::write(&plain, &key(1, KeyPurpose::Root), None).unwrap();
    keyfile::write(&sealed, &key(2, KeyPurpose::Root), Some(&passphrase(PASSPHRASE))).unwrap();
    assert!(!keyfile::is_protected(&plain).unwrap() && keyfile::is_protected(&sealed).unwrap());
    // Nobody is asked for a passphrase that no file is under.
    let nowhere = Lock::new(PassphraseSource::File("/nowhere".into()));
    let read = |path: &Path, lock: &Lock, purpose| keyfile::read(path, lock, &australia(), purpose);
    assert_eq!(read(&plain, &nowhere, KeyPurpose::Root).unwrap().secret.id(), key(1, KeyPurpose::Root).secret.id());
    assert!(matches!(read(&sealed, &nowhere, KeyPurpose::Root), Err(KeyFault::Passphrase(_))));
    let lock = Lock::new(PassphraseSource::Known(passphrase(PASSPHRASE)));
    assert_eq!(read(&sealed, &lock, KeyPurpose::Root).unwrap().secret.id(), key(2, KeyPurpose::Root).secret.id());
    assert!(matches!(read(&plain, &lock, KeyPurpose::Log), Err(KeyFault::Misplaced { .. })));
    assert!(keyfile::write(&plain, &key(3, KeyPurpose::Root), None).is_err(), "a key file is never replaced");
    assert_eq!(read(&plain, &lock, KeyPurpose::Root).unwrap().secret.id(), key(1, KeyPurpose::Root).secret.id());
}
