//! Backups: what goes in comes back, what was changed does not, and a drill finds what would be missing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use selat_keyring::backup::{self, BackupError, Content, Verdict};
use selat_keyring::{Custody, Expected, Keyring, NamedSecret, Protection};
use selat_record::Timestamp;
use selat_record::pb::KeyPurpose;
use selat_seal::{HeldKey, SecretKey};
use tempfile::TempDir;

use crate::kit::{PURPOSES, entropy, open, passphrase};

const PASSPHRASE: &str = "tide gull anchor rope mast";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----\r\n";

fn now() -> Timestamp {
    Timestamp::from_ms(1_795_564_800_123).unwrap()
}

/// A ring with a key of each purpose, both secrets and a certificate.
fn full_ring() -> (TempDir, Keyring) {
    let folder = tempfile::tempdir().unwrap();
    let ring = open(&Custody::plain(folder.path()), &Expected::default()).unwrap();
    for purpose in PURPOSES {
        ring.generate(purpose).unwrap();
    }
    for which in NamedSecret::ALL {
        ring.make_secret(which).unwrap();
    }
    fs::write(folder.path().join("officer-ca.pem"), CERTIFICATE).unwrap();
    (folder, ring)
}

fn back_up(ring: &Keyring) -> Vec<u8> {
    backup::write(ring, &passphrase(PASSPHRASE), now()).unwrap()
}

#[test]
fn what_was_backed_up_comes_back_under_any_protection() {
    let (_folder, ring) = full_ring();
    let backup = backup::read(&back_up(&ring), &passphrase(PASSPHRASE)).unwrap();
    let manifest = backup.manifest();
    assert_eq!((manifest.participant.as_str(), manifest.made, manifest.custody.as_str()), ("AUS", now(), "files"));
    assert_eq!(manifest.in_token, []);
    let keys: Vec<_> = manifest.files.iter().filter(|file| matches!(file.what, Content::Key(_))).collect();
    assert_eq!((keys.len(), manifest.files.len()), (4, 7));
    assert_eq!(backup.companion("officer-ca.pem"), Some(CERTIFICATE));

    let place = tempfile::tempdir().unwrap();
    let other = Protection::under(&passphrase("another passphrase"));
    for (name, protection) in [("plain", Protection::Plain), ("sealed", other)] {
        let custody = Custody { folder: place.path().join(name), protection, token: None };
        backup.restore(&custody, entropy()).unwrap();
        assert_eq!(fs::metadata(&custody.folder).unwrap().permissions().mode() & 0o7777, 0o700);
        assert_eq!(fs::read_to_string(custody.folder.join("officer-ca.pem")).unwrap(), CERTIFICATE);
        let restored = open(&custody, &Expected { keys: ring.held(), secrets: NamedSecret::ALL.to_vec() }).unwrap();
        assert_eq!(restored.held(), ring.held());
        assert_eq!(restored.secret(NamedSecret::Storage), ring.secret(NamedSecret::Storage));
    }
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_restore_goes_into_a_fresh_folder_only() {
    let (folder, ring) = full_ring();
    let backup = backup::read(&back_up(&ring), &passphrase(PASSPHRASE)).unwrap();
    let occupied = backup.restore(&Custody::plain(folder.path()), entropy());
    assert!(matches!(occupied, Err(BackupError::Occupied(_))));
    assert_eq!(open(&Custody::plain(folder.path()), &Expected::default()).unwrap().held(), ring.held());
    let empty = tempfile::tempdir().unwrap();
    backup.restore(&Custody::plain(empty.path()), entropy()).unwrap();
    let nowhere = backup.restore(&Custody::plain("/nowhere/keys"), entropy());
    assert!(matches!(nowhere, Err(BackupError::Io { .. })));
}

#[test]
fn another_passphrase_or_any_change_opens_nothing() {
    let (_folder, ring) = full_ring();
    let sealed = back_up(&ring);
    let read = |bytes: &[u8], words| backup::read(bytes, &passphrase(words)).err();
    assert!(matches!(read(&sealed, "another passphrase"), Some(BackupError::OtherPassphrase)));
    let mut changed = sealed.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    assert!(matches!(read(&changed, PASSPHRASE), Some(BackupError::NotOpened(_))));
    let cut = sealed.get(..middle).unwrap();
    assert!(matches!(read(cut, PASSPHRASE), Some(BackupError::NotOpened(_))));
    assert!(matches!(read(b"hello", PASSPHRASE), Some(BackupError::NotOpened(_))));
    let vast = vec![b' '; backup::FILE_BYTES_MAX + 1];
    assert!(matches!(read(&vast, PASSPHRASE), Some(BackupError::NotOpened(_))));
}

#[test]
fn a_backup_file_is_its_owners_alone_and_replaces_nothing() {
    let (_folder, ring) = full_ring();
    let place = tempfile::tempdir().unwrap();
    let (path, sealed) = (place.path().join("keys.age"), back_up(&ring));
    backup::write_file(&path, &sealed).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(backup::read_file(&path).unwrap(), sealed);
    assert!(backup::write_file(&path, b"other").is_err());
    assert_eq!(fs::read(&path).unwrap(), sealed);
    assert!(backup::read_file(Path::new("/nowhere")).is_err());
    let text = String::from_utf8(sealed).unwrap();
    assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") && !text.contains("AUS"));
}

#[test]
fn a_drill_tries_every_key_and_finds_what_would_be_missing() {
    let (_folder, ring) = full_ring();
    let known = passphrase(PASSPHRASE);
    let backup = backup::read(&back_up(&ring), &known).unwrap();
    let place = tempfile::tempdir().unwrap();
    let drill = |described: Option<&[HeldKey]>| backup.drill(&known, place.path(), described, entropy()).unwrap();

    let report = drill(None);
    assert!(report.passed());
    assert!(report.keys.len() == 4 && report.keys.iter().all(|drilled| drilled.verdict == Verdict::Good));
    let officer_ca = SecretKey::from_seed(*ring.secret(NamedSecret::OfficerCa).unwrap()).public();
    assert_eq!(report.officer_ca, Some(officer_ca));
    assert_eq!(report.secrets, NamedSecret::ALL.map(|which| (which, true)));

    let lost = HeldKey { id: SecretKey::from_seed([1; 32]).id(), purpose: KeyPurpose::Log };
    let held = ring.held();
    let described: Vec<_> = held.iter().skip(1).copied().chain([lost]).collect();
    let report = drill(Some(&described));
    assert!(!report.passed());
    let verdict = |key| report.keys.iter().find(|drilled| drilled.key == key).map(|drilled| drilled.verdict);
    assert_eq!(verdict(held[0]), Some(Verdict::NotDescribed));
    assert_eq!(verdict(held[1]), Some(Verdict::Good));
    assert_eq!(verdict(lost), Some(Verdict::Missing));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "nothing is left of a drill");
}

#[test]
fn a_drill_without_the_storage_key_does_not_pass() {
    let folder = tempfile::tempdir().unwrap();
    let ring = open(&Custody::plain(folder.path()), &Expected::default()).unwrap();
    ring.generate(KeyPurpose::Record).unwrap();
    let known = passphrase(PASSPHRASE);
    let backup = backup::read(&back_up(&ring), &known).unwrap();
    let place = tempfile::tempdir().unwrap();
    let report = backup.drill(&known, place.path(), None, entropy()).unwrap();
    assert!(!report.passed());
    assert_eq!(report.secrets, NamedSecret::ALL.map(|which| (which, false)));
}
