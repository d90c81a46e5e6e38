//! The doctor over the files of nodes that `selat init` made and that somebody broke.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use clap::Parser as _;
use selat_store::Batch;

use super::super::Level;
use super::*;
use crate::clock::OsEntropy;
use crate::init::{InitArgs, run_init};

const DAY: Duration = Duration::from_secs(86_400);

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    init: InitArgs,
}

/// A fresh node, whose root keys have been put away.
fn made(folder: &Path) -> PathBuf {
    let dir = folder.join("aus");
    let line = format!(
        "selat {} --participant AUS --federation demo --unit Centre --advertise-host 127.0.0.1 --contact-phone 1",
        dir.display()
    );
    run_init(Command::parse_from(line.split_whitespace()).init, &mut std::io::sink()).unwrap();
    fs::remove_dir_all(dir.join("root")).unwrap();
    dir
}

#[allow(clippy::disallowed_methods, reason = "init dates what it makes by the system's clock")]
fn now() -> Timestamp {
    use selat_exchange::Clock as _;
    crate::clock::SystemClock::start().now().plus(Duration::from_secs(1))
}

async fn troubles(dir: &Path) -> Vec<(Area, Level, String)> {
    let findings = look(&dir.join("selat.toml"), (30 * DAY, 7 * DAY), now(), Arc::new(OsEntropy)).await;
    assert!(findings.iter().all(|finding| finding.mend.is_empty() == (finding.level == Level::Ok)), "{findings:#?}");
    let bad = findings.into_iter().filter(|finding| finding.level != Level::Ok);
    // A machine that is short of room says so; that is not what these tests are about.
    let ours = bad.filter(|finding| !finding.mend.starts_with("df "));
    ours.map(|finding| (finding.area, finding.level, finding.what)).collect()
}

#[tokio::test]
async fn fresh_node_lacks_only_protection_and_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let found = troubles(&made(folder.path())).await;
    let brief: Vec<_> = found.iter().map(|(area, level, _)| (*area, *level)).collect();
    assert_eq!(brief, [(Area::Keys, Level::Warning), (Area::Backup, Level::Warning)], "{found:#?}");
}

#[tokio::test]
async fn root_keys_left_on_the_node_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let dir = made(folder.path());
    fs::create_dir(dir.join("root")).unwrap();
    fs::write(dir.join("root/root-1.key"), "").unwrap();
    let found = troubles(&dir).await;
    assert!(found.iter().any(|(_, _, what)| what.contains("1 root key lies on the node's disk")), "{found:#?}");
}

#[tokio::test]
async fn exposed_damaged_and_missing_key_files_are_told_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let dir = made(folder.path());
    let named = |beginning: &str| {
        let files = fs::read_dir(dir.join("keys")).unwrap().map(|entry| entry.unwrap().path());
        let named = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(beginning);
        files.into_iter().find(named).unwrap()
    };
    fs::set_permissions(named("record"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(named("query"), "nonsense").unwrap();
    fs::remove_file(named("storage")).unwrap();
    let found = troubles(&dir).await;
    for words in ["open to others", "does not hold a key", "storage.key"] {
        let told = |(area, level, what): &(Area, Level, String)| {
            *area == Area::Keys && *level == Level::Critical && what.contains(words)
        };
        assert!(found.iter().any(told), "{words}: {found:#?}");
    }
}

#[tokio::test]
async fn key_that_the_descriptor_names_and_nobody_holds_is_critical() {
    let folder = tempfile::tempdir().unwrap();
    let dir = made(folder.path());
    for entry in fs::read_dir(dir.join("keys")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("log") {
            fs::remove_file(path).unwrap();
        }
    }
    let found = troubles(&dir).await;
    let told = |(_, level, what): &(Area, Level, String)| *level == Level::Critical && what.starts_with("log-");
    assert!(found.iter().any(told), "{found:#?}");
}

#[tokio::test]
async fn every_fault_of_the_configuration_is_a_finding_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let dir = made(folder.path());
    let path = dir.join("selat.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}\n[nonsense]\nx = 1\n[store2]\n")).unwrap();
    let found = troubles(&dir).await;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|(area, level, _)| (*area, *level) == (Area::Configuration, Level::Critical)));
    assert!(found[0].2.contains("selat.toml:"), "{found:#?}");
    assert_eq!(troubles(&dir.join("nowhere")).await.len(), 1);
}

#[tokio::test]
async fn descriptor_that_does_not_hold_is_told_with_what_else_can_be_told() {
    let folder = tempfile::tempdir().unwrap();
    let dir = made(folder.path());
    fs::write(dir.join("descriptor.selat"), "nonsense").unwrap();
    let found = troubles(&dir).await;
    assert!(matches!(found.as_slice(), [(Area::Descriptors, Level::Critical, _)]), "{found:#?}");
}

/// Has the configuration say how the key files are protected.
fn protect(dir: &Path, protection: &str) {
    let path = dir.join("selat.toml");
    let text = fs::read_to_string(&path).unwrap();
    let line = format!("protection = \"{protection}\"");
    let said = text.lines().any(|line| line == "[keys]");
    let with =
        if said { text.replacen("[keys]", &format!("[keys]\n{line}"), 1) } else { format!("{text}\n[keys]\n{line}\n") };
    fs::write(&path, with).unwrap();
}

#[tokio::test]
async fn passphrase_that_nobody_here_has_is_not_asked_for_and_no_key_is_called_missing() {
    for protection in ["passphrase", "credential"] {
        let folder = tempfile::tempdir().unwrap();
        let dir = made(folder.path());
        protect(&dir, protection);
        let found = troubles(&dir).await;
        assert!(found.iter().all(|(area, _, _)| *area == Area::Backup), "{protection}: {found:#?}");
    }
}

/// sled's threads let go of its lock a little after it was closed.
async fn open_again(dir: &Path) -> Vec<(Area, Level, String)> {
    loop {
        let found = troubles(dir).await;
        if !found.iter().any(|(area, _, what)| *area == Area::Store && what.contains("open")) {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn store_of_a_clock_that_was_ahead_and_a_damaged_store_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let dir = made(folder.path());
    let config = Config::load(&dir.join("selat.toml")).unwrap();
    let ring = open_ring(&config, Arc::new(OsEntropy)).ok().unwrap();
    let storage = ring.secret(NamedSecret::Storage).unwrap();
    let engine = SledEngine::open(&dir.join("data/store"), config.store.cache_bytes()).unwrap();
    let vault = Arc::new(Vault::new(&StorageKey::from_bytes(*storage), Arc::new(OsEntropy)));
    let identity = Identity { federation: "demo".parse().unwrap(), participant: "AUS".parse().unwrap() };
    let store = Repositories::open(Arc::new(engine), vault, &identity).await.unwrap();
    let mut batch = Batch::new();
    store.meta.note_high_water(&mut batch, now().plus(DAY));
    store.commit(batch).await.unwrap();
    store.engine().stop().await.unwrap();
    drop(store);
    let found = open_again(&dir).await;
    let behind = |(area, level, _): &(Area, Level, String)| (*area, *level) == (Area::Clock, Level::Critical);
    assert!(found.iter().any(behind), "{found:#?}");

    fs::remove_dir_all(dir.join("data/store")).unwrap();
    fs::create_dir_all(dir.join("data/store/db")).unwrap();
    let found = troubles(&dir).await;
    let shut = |(area, level, _): &(Area, Level, String)| (*area, *level) == (Area::Store, Level::Critical);
    assert!(found.iter().any(shut), "{found:#?}");
}
