//! Backups, restores and drills over the files of a node that `selat init` made.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

use clap::Parser as _;

use super::*;
use crate::clock::OsEntropy;
use crate::doctor::BackupFacts;
use crate::init::{InitArgs, run_init};

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    init: InitArgs,
}

/// A fresh node and a place for what is made of it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let line = format!(
            "selat {} --participant AUS --federation demo --unit Centre --advertise-host 127.0.0.1 --contact-phone 1",
            folder.path().join("aus").display()
        );
        run_init(Command::parse_from(line.split_whitespace()).init, &mut std::io::sink()).unwrap();
        let place = Self { folder };
        place.write("backup.pass", "correct horse battery staple\nsecond line\n");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }

    fn backup(&self, name: &str) -> Result<Kept, Complaint> {
        let (config, file) = (self.path("aus/selat.toml"), self.path(name));
        let passphrase_file = Some(self.path("backup.pass"));
        run_backup(&BackupArgs { config, file, passphrase_file }, at(1), Arc::new(OsEntropy))
    }

    fn restore(&self, to: &str, config: Option<&str>) -> Result<Kept, Complaint> {
        let (backup, to) = (self.path("keys.backup"), self.path(to));
        let (config, passphrase_file) = (config.map(|name| self.path(name)), Some(self.path("backup.pass")));
        run_restore(&RestoreArgs { backup, to, config, passphrase_file }, Arc::new(OsEntropy))
    }

    fn drill(&self, change: impl FnOnce(&mut DrillArgs)) -> Result<Drilled, Complaint> {
        let mut args = DrillArgs {
            backup: self.path("keys.backup"),
            descriptor: None,
            config: Some(self.path("aus/selat.toml")),
            passphrase_file: Some(self.path("backup.pass")),
        };
        change(&mut args);
        run_drill(&args, at(2), Arc::new(OsEntropy))
    }

    fn noted(&self) -> BackupFacts {
        notes::read(&self.path("aus/data"))
    }
}

fn at(days: i64) -> Timestamp {
    Timestamp::from_ms(1_800_000_000_000 + days * 86_400_000).unwrap()
}

fn is_under_a_passphrase(path: &Path) -> bool {
    let text = fs::read_to_string(path).unwrap();
    text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") && !text.contains("SELAT")
}

fn code<T>(result: Result<T, Complaint>) -> String {
    result.err().map(|complaint| complaint.code().to_owned()).unwrap_or_default()
}

#[test]
fn backup_is_for_its_owner_alone_holds_every_key_and_is_noted() {
    let place = Place::new();
    let kept = place.backup("keys.backup").unwrap();
    assert_eq!((kept.warning, kept.manifest.files.len()), (None, 7), "four keys, two secrets, one certificate");
    assert_eq!(fs::metadata(place.path("keys.backup")).unwrap().permissions().mode() & 0o7777, 0o600);
    let (when, names) = place.noted().backup.unwrap();
    assert_eq!((when, names.len()), (at(1), 4));
    assert!(names.iter().any(|name| name.starts_with("tls-ca-")), "{names:?}");
    assert!(is_under_a_passphrase(&place.path("keys.backup")));
}

#[test]
fn backup_never_overwrites() {
    let place = Place::new();
    place.write("keys.backup", "something else");
    assert_eq!(code(place.backup("keys.backup")), "SLT-1714");
    assert_eq!(fs::read_to_string(place.path("keys.backup")).unwrap(), "something else");
    assert_eq!(place.noted().backup, None);
}

#[test]
fn keys_that_cannot_be_used_are_not_backed_up() {
    let place = Place::new();
    fs::write(place.path("aus/keys/storage.key"), "nonsense").unwrap();
    assert_eq!(code(place.backup("keys.backup")), "SLT-1103");
    assert!(!place.path("keys.backup").exists());
}

#[test]
fn restored_keys_are_the_ones_that_were_lost() {
    let place = Place::new();
    place.backup("keys.backup").unwrap();
    fs::rename(place.path("aus/keys"), place.path("lost")).unwrap();
    place.restore("aus/keys", Some("aus/selat.toml")).unwrap();
    let text = |folder: &str, name: &str| fs::read_to_string(place.path(folder).join(name)).unwrap();
    assert_eq!(text("aus/keys", "storage.key"), text("lost", "storage.key"));
    assert_eq!(text("aus/keys", "officer-ca.pem"), text("lost", "officer-ca.pem"));
    place.backup("again.backup").unwrap();
}

#[test]
fn keys_are_restored_under_the_passphrase_of_the_backup_when_nothing_else_is_said() {
    let place = Place::new();
    place.backup("keys.backup").unwrap();
    place.restore("restored", None).unwrap();
    assert!(is_under_a_passphrase(&place.path("restored/storage.key")), "no key lies about in plain");
}

#[test]
fn passphrase_that_only_the_service_is_given_is_missed_by_name_and_leaves_nothing_behind() {
    let place = Place::new();
    place.backup("keys.backup").unwrap();
    let path = place.path("aus/selat.toml");
    let text = fs::read_to_string(&path).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with("protection")).collect::<Vec<_>>().join("\n");
    let said = kept.lines().any(|line| line == "[keys]");
    let line = "[keys]\nprotection = \"credential\"";
    let text = if said { kept.replacen("[keys]", line, 1) } else { format!("{kept}\n{line}\n") };
    fs::write(&path, text).unwrap();
    assert_eq!(code(place.restore("restored", Some("aus/selat.toml"))), "SLT-1106");
    assert!(!place.path("restored").exists());
}

#[test]
fn restoring_never_overwrites() {
    let place = Place::new();
    place.backup("keys.backup").unwrap();
    let before = fs::read(place.path("aus/keys/storage.key")).unwrap();
    assert_eq!(code(place.restore("aus/keys", None)), "SLT-1714");
    assert_eq!(fs::read(place.path("aus/keys/storage.key")).unwrap(), before);
}

#[test]
fn drill_that_holds_is_noted_and_leaves_the_node_as_it_was() {
    let place = Place::new();
    place.backup("keys.backup").unwrap();
    let drilled = place.drill(|_| {}).unwrap();
    assert!(drilled.passed() && drilled.against_descriptor && drilled.complaint().is_none(), "{drilled:?}");
    assert_eq!(drilled.report.keys.len(), 4);
    assert_eq!(place.noted().drill, Some(at(2)));
    let elsewhere = place.drill(|args| args.config = None).unwrap();
    assert!(elsewhere.passed() && !elsewhere.against_descriptor);
}

#[test]
fn drill_against_a_descriptor_of_other_keys_fails_and_is_not_noted() {
    let (place, other) = (Place::new(), Place::new());
    place.backup("keys.backup").unwrap();
    let drilled = place.drill(|args| args.descriptor = Some(other.path("aus/descriptor.selat"))).unwrap();
    assert!(!drilled.passed());
    assert_eq!(drilled.complaint().unwrap().code(), "SLT-1716");
    assert_eq!(place.noted().drill, None);
}

#[test]
fn each_kind_of_bad_backup_has_its_own_word() {
    let place = Place::new();
    place.backup("keys.backup").unwrap();
    let good = fs::read(place.path("keys.backup")).unwrap();
    fs::write(place.path("short"), &good[..good.len() / 2]).unwrap();
    fs::write(place.path("nonsense"), "not a backup").unwrap();
    place.write("other.pass", "another passphrase altogether\n");
    place.write("weak.pass", "short\n");
    let named = |name: &str| {
        let path = place.path(name);
        code(place.drill(|args| args.backup = path))
    };
    assert_eq!(named("not there"), "SLT-1711");
    assert_eq!(named("short"), "SLT-1713");
    assert_eq!(named("nonsense"), "SLT-1713");
    for pass in ["other.pass", "weak.pass", "no.pass"] {
        let path = place.path(pass);
        assert_eq!(code(place.drill(|args| args.passphrase_file = Some(path))), "SLT-1712", "{pass}");
    }
    assert_eq!(place.noted().drill, None);
}
