//! What init makes can be loaded again, and what it refuses or fails at leaves nothing behind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use selat_complaint::Exit;
use selat_policy::Role;
use selat_seal::{AcceptedDescriptor, armor, decode_envelope};

use super::*;
use crate::config::CallerKey;
use crate::keys_on_disk::{NodeKeys, read_signing};

/// Counts instead of drawing: every fill is different, every run the same.
#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            let word = selat_seal::sha256(&[&n.to_be_bytes()]);
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

fn now() -> Timestamp {
    Timestamp::from_ms(1_800_000_000_000).unwrap()
}

fn request(dir: &Path) -> InitRequest {
    InitRequest {
        dir: dir.to_owned(),
        participant: "AUS".parse().unwrap(),
        federation: "demo".parse().unwrap(),
        unit: "Immigration \"Intelligence\" Centre".to_owned(),
        node: "node1".to_owned(),
        listen: "127.0.0.1:7441".parse().unwrap(),
        advertise_host: "selat.example.org".to_owned(),
        advertise_port: None,
        contact: ContactConfig {
            title: "Duty officer".to_owned(),
            phone: "+61 2 5550 0100".to_owned(),
            email: String::new(),
            languages: vec!["en".to_owned()],
            hours: String::new(),
        },
        desk_socket: None,
        desk_group: None,
        desk_listen: None,
        caller: CallerRule {
            who: CallerKey::Uid(1000),
            officer: "j-tan".parse().unwrap(),
            roles: vec![Role::Officer, Role::Operator],
        },
        root_keys: 3,
        root_threshold: 2,
        may_be_named: false,
    }
}

fn made(parent: &Path) -> InitReport {
    init(&request(&parent.join("aus")), now(), &Counting::default()).unwrap()
}

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn load(report: &InitReport) -> Result<NodeKeys, String> {
    let config = Config::load(&report.config).unwrap();
    let keys = NodeKeys::load(&config.node.keys_dir, &config.node.participant, &config.node.federation);
    keys.map_err(|faults| faults.to_string())
}

fn descriptor(report: &InitReport) -> AcceptedDescriptor {
    let text = fs::read_to_string(&report.descriptor).unwrap();
    let envelope = decode_envelope(&armor::dearmor("DESCRIPTOR", &text).unwrap()).unwrap();
    AcceptedDescriptor::accept_first(&"demo".parse().unwrap(), &envelope, now()).unwrap()
}

#[test]
fn node_reads_back_what_init_wrote() {
    let parent = tempfile::tempdir().unwrap();
    let report = made(parent.path());
    let config = Config::load(&report.config).unwrap();
    assert_eq!(config.node.unit, "Immigration \"Intelligence\" Centre");
    assert_eq!(config.desk.callers, [request(parent.path()).caller]);
    assert_eq!(config.node.descriptor, report.descriptor.canonicalize().unwrap());

    let keys = load(&report).unwrap();
    let descriptor = descriptor(&report);
    for signer in [&keys.record, &keys.query, &keys.log] {
        let described = descriptor.key(signer.id().as_bytes()).unwrap();
        assert_eq!(described.purpose(), signer.purpose());
    }
    let authority = descriptor.tls_authorities()[0].to_vec();
    let signer = Arc::new(Signer::new(KeyPurpose::TlsCa, keys.tls_ca.clone()));
    let opened = Authority::open("AUS".parse().unwrap(), "demo".parse().unwrap(), signer, authority.into());
    assert!(opened.is_ok());
}

#[test]
fn descriptor_is_signed_by_every_root_and_names_the_endpoint() {
    let parent = tempfile::tempdir().unwrap();
    let report = made(parent.path());
    let descriptor = descriptor(&report);
    assert_eq!(descriptor.content_id(), report.descriptor_id);
    assert_eq!(descriptor.message().root_threshold, 2);
    assert_eq!(descriptor.envelope().signatures.len(), 3);
    assert_eq!((descriptor.endpoints()[0].host.as_str(), descriptor.endpoints()[0].port), ("selat.example.org", 7441));
    for path in &report.root_keys {
        let root = read_signing(path, descriptor.participant(), KeyPurpose::Root).unwrap();
        assert!(descriptor.keys(KeyPurpose::Root).any(|key| key.id() == root.secret.id()));
    }
}

#[test]
fn folder_has_its_files_and_secrets_are_for_the_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let report = made(parent.path());
    assert_eq!(entries(parent.path()), ["aus"]);
    assert_eq!(entries(&report.dir), ["data", "descriptor.selat", "keys", "root", "selat.toml"]);
    let keys = entries(&report.dir.join("keys"));
    assert_eq!(
        keys,
        ["log.key", "officer-ca.key", "officer-ca.pem", "query.key", "record.key", "storage.key", "tls-ca.key"]
    );
    assert_eq!(entries(&report.dir.join("root")), ["root-1.key", "root-2.key", "root-3.key"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for folder in ["keys", "root", "data"] {
        assert_eq!(mode(&report.dir.join(folder)), 0o700, "{folder}");
    }
    let secrets = keys.iter().filter(|name| name.ends_with(".key")).map(|name| report.dir.join("keys").join(name));
    for path in secrets.chain(report.root_keys.clone()) {
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
}

#[test]
fn folder_that_holds_anything_is_refused_and_an_empty_one_is_used() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("aus");
    fs::create_dir(&dir).unwrap();
    made(parent.path());
    let before = fs::read(dir.join("keys/record.key")).unwrap();
    let error = init(&request(&dir), now(), &Counting::default()).unwrap_err();
    assert!(matches!(error, InitError::Occupied { .. }), "{error}");
    assert_eq!(fs::read(dir.join("keys/record.key")).unwrap(), before);

    let file = parent.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = init(&request(&file), now(), &Counting::default()).unwrap_err();
    assert!(matches!(error, InitError::Occupied { .. }), "{error}");
    assert_eq!(entries(parent.path()), ["aus", "file"]);
}

/// Puts a file at the node's name as soon as the hidden folder's name is drawn, which is the last draw of all.
struct Intruder {
    inner: Counting,
    dir: PathBuf,
}

impl Entropy for Intruder {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() == 8 {
            fs::create_dir(&self.dir).unwrap();
            fs::write(self.dir.join("precious"), "x").unwrap();
        }
        self.inner.fill(bytes);
    }
}

#[test]
fn folder_that_fills_while_init_works_is_not_overwritten_and_nothing_is_left() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("aus");
    let intruder = Intruder { inner: Counting::default(), dir: dir.clone() };
    let error = init(&request(&dir), now(), &intruder).unwrap_err();
    assert!(matches!(error, InitError::Occupied { .. }), "{error}");
    assert_eq!(entries(parent.path()), ["aus"]);
    assert_eq!(entries(&dir), ["precious"]);
}

#[test]
fn write_that_fails_midway_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("aus");
    let scaffold = Scaffold::beside(&dir, &Counting::default()).unwrap();
    scaffold.folder("keys").unwrap();
    scaffold.secret("keys/record.key", b"x").unwrap();
    assert_eq!(entries(parent.path()).len(), 1);
    assert!(scaffold.secret("keys/record.key", b"again").is_err());
    assert!(scaffold.file("absent/file", b"x").is_err());
    drop(scaffold);
    assert_eq!(entries(parent.path()), [""; 0]);
}

#[test]
fn parent_that_is_not_there_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let error = init(&request(&parent.path().join("absent/aus")), now(), &Counting::default()).unwrap_err();
    let complaint = Complaint::from(error);
    assert_eq!(complaint.code(), "SLT-1302");
    assert!(complaint.to_string().contains("parent folder"), "{complaint}");
    assert_eq!(entries(parent.path()), [""; 0]);
}

#[test]
fn request_that_makes_a_bad_configuration_or_descriptor_writes_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("aus");
    let code = |change: fn(&mut InitRequest)| {
        let mut request = request(&dir);
        change(&mut request);
        let error = init(&request, now(), &Counting::default()).unwrap_err();
        Complaint::from(error).code().to_owned()
    };
    assert_eq!(code(|request| request.unit = String::new()), "SLT-1006");
    assert_eq!(code(|request| request.node = "Node 1".to_owned()), "SLT-1006");
    assert_eq!(code(|request| request.contact.phone = String::new()), "SLT-1007");
    assert_eq!(code(|request| request.desk_socket = Some("/x".repeat(60).into())), "SLT-1007");
    assert_eq!(code(|request| request.root_threshold = 4), "SLT-1303");
    assert_eq!(code(|request| request.root_threshold = 0), "SLT-1303");
    // Not in Unicode normal form C.
    assert_eq!(code(|request| request.unit = "Cafe\u{301}".to_owned()), "SLT-1303");
    assert_eq!(entries(parent.path()), [""; 0]);
}

/// What loading says after one file of a good node was spoilt.
fn spoilt(spoil: impl FnOnce(&Path)) -> String {
    let parent = tempfile::tempdir().unwrap();
    let report = made(parent.path());
    spoil(&report.dir.join("keys"));
    load(&report).err().expect("a spoilt key is refused")
}

#[test]
fn key_file_open_to_others_is_refused_with_its_mend() {
    let text = spoilt(|keys| {
        for (name, mode) in [("record.key", 0o640), ("storage.key", 0o604), ("officer-ca.key", 0o602)] {
            fs::set_permissions(keys.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
    });
    assert_eq!(text.matches("error[SLT-1102]").count(), 3, "{text}");
    assert!(text.contains("record.key is open to others") && text.contains("its mode is 0640"), "{text}");
    assert!(text.contains("chmod 600 "), "{text}");
}

#[test]
fn key_files_that_are_absent_cut_or_swapped_are_each_named() {
    let text = spoilt(|keys| {
        fs::remove_file(keys.join("log.key")).unwrap();
        fs::write(keys.join("storage.key"), "-----BEGIN SELAT").unwrap();
        fs::copy(keys.join("query.key"), keys.join("record.key")).unwrap();
        fs::remove_file(keys.join("tls-ca.key")).unwrap();
        fs::create_dir(keys.join("tls-ca.key")).unwrap();
        fs::write(keys.join("officer-ca.pem"), "x".repeat(20_000)).unwrap();
    });
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(text.matches("SLT-1101]").count(), 3, "{text}");
    assert_eq!(text.matches("SLT-1103]").count(), 1, "{text}");
    assert!(text.contains("it holds the query key of AUS, and the record key of AUS belongs there"), "{text}");
}

#[test]
fn keys_of_another_participant_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let report = made(parent.path());
    let keys = NodeKeys::load(&report.dir.join("keys"), &"IDN".parse().unwrap(), &"demo".parse().unwrap());
    let text = keys.err().expect("IDN may not use the keys of AUS").to_string();
    assert_eq!(text.matches("SLT-1104]").count(), 4, "{text}");
    assert!(text.contains("officer-ca.pem"), "{text}");
}

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    init: InitArgs,
}

#[test]
fn command_makes_a_node_and_says_what_comes_next() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("aus");
    let flags = [
        "selat",
        dir.to_str().unwrap(),
        "--participant",
        "AUS",
        "--federation",
        "demo",
        "--unit",
        "Centre",
        "--advertise-host",
        "127.0.0.1",
        "--contact-email",
        "duty@aus.example",
        "--caller-uid",
        "7",
        "--officer",
        "ops1",
        "--role",
        "operator",
    ];
    let mut out = Vec::new();
    run_init(Command::parse_from(flags).init, &mut out).unwrap();
    let told = String::from_utf8(out).unwrap();
    assert!(told.contains("root-3.key") && told.contains("Any 2 of them"), "{told}");
    let config = Config::load(&dir.join("selat.toml")).unwrap();
    assert_eq!(config.desk.callers[0].officer.as_str(), "ops1");
    assert_eq!(config.desk.callers[0].roles, [Role::Operator]);

    let again = run_init(Command::parse_from(flags).init, &mut Vec::new()).unwrap_err();
    assert_eq!((again.code(), again.exit()), ("SLT-1301", Exit::Conflict));
}

#[test]
fn command_without_a_way_to_reach_the_unit_is_refused() {
    let flags =
        ["selat", "aus", "--participant", "AUS", "--federation", "demo", "--unit", "C", "--advertise-host", "h"];
    let error = Command::try_parse_from(flags).err().expect("a contact is required");
    assert!(error.to_string().contains("--contact-phone"), "{error}");
}
