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
use crate::config::{Protection, TokenConfig};

fn entropy() -> Arc<dyn Entropy> {
    Arc::new(Counting::default())
}

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
        keys: KeysConfig::default(),
        passphrase: None,
        root_passphrase: None,
    }
}

fn made(parent: &Path) -> InitReport {
    init(&request(&parent.join("aus")), now(), &entropy()).unwrap()
}

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn load(report: &InitReport) -> Result<NodeKeys, Complaint> {
    let config = Config::load(&report.config).unwrap();
    NodeKeys::open(&config, entropy()).map_err(|faults| keys::complaint_of(&faults))
}

/// The file of the only key of this purpose.
fn key_file(keys: &Path, purpose: &str) -> PathBuf {
    let found = entries(keys).into_iter().find(|name| name.starts_with(&format!("{purpose}-")));
    keys.join(found.expect("init made a key of every purpose"))
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
    let mut purposes = Vec::new();
    for held in keys.held() {
        let described = descriptor.key(held.id.as_bytes()).unwrap();
        assert_eq!(described.purpose(), held.purpose);
        purposes.push(held.purpose);
    }
    purposes.sort_unstable();
    assert_eq!(purposes, WORKING);
    let authority = descriptor.authorities(now()).next().unwrap();
    let (signer, certificate) = (keys.signer(authority.key).unwrap(), authority.certificate.to_vec());
    selat_link::Authority::open("AUS".parse().unwrap(), "demo".parse().unwrap(), signer, certificate.into()).unwrap();
    assert_eq!((report.custody.as_str(), report.roots_protected), ("files", false));
}

#[test]
fn authority_that_is_described_again_has_a_fresh_certificate_of_the_same_key() {
    let parent = tempfile::tempdir().unwrap();
    let keys = load(&made(parent.path())).unwrap();
    let id = keys.generate(KeyPurpose::TlsCa).unwrap();
    let (one, two) = (keys.describe(id, now()).unwrap(), keys.describe(id, now()).unwrap());
    assert_eq!((one.id.as_slice(), one.public_key.as_slice()), (&id.as_bytes()[..], two.public_key.as_slice()));
    assert_ne!(one.certificate, two.certificate);
    let federation = "demo".parse().unwrap();
    let facts =
        selat_link::check_authority(&one.certificate, &one.public_key, &"AUS".parse().unwrap(), &federation).unwrap();
    assert!(facts.not_before < now() && facts.not_after > now().plus(keys::AUTHORITY_LIFE / 2));
    let record = keys.generate(KeyPurpose::Record).unwrap();
    assert!(keys.describe(record, now()).unwrap().certificate.is_empty());
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
        let root = read_root(path, None);
        assert!(descriptor.keys(KeyPurpose::Root).any(|key| key.id() == root.secret.id()));
    }
}

/// The root key in a file, opened with the passphrase in `passphrase` if it is under one.
fn read_root(path: &Path, passphrase: Option<&Path>) -> KeyFile {
    let source = PassphraseSource::File(passphrase.unwrap_or(Path::new("/absent")).to_owned());
    keyfile::read(path, &selat_keyring::Lock::new(source), &"AUS".parse().unwrap(), KeyPurpose::Root).unwrap()
}

#[test]
fn folder_has_its_files_and_secrets_are_for_the_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let report = made(parent.path());
    assert_eq!(entries(parent.path()), ["aus"]);
    assert_eq!(entries(&report.dir), ["data", "descriptor.selat", "keys", "root", "selat.toml"]);
    let keys = entries(&report.dir.join("keys"));
    let without_id = |name: &String| match name.split_once('-') {
        Some((purpose, rest)) if rest.len() == "12345678.key".len() => format!("{purpose}.key"),
        Some(("tls", rest)) => format!("tls-{}.key", rest.split('-').next().unwrap()),
        _ => name.clone(),
    };
    let named: Vec<_> = keys.iter().map(without_id).collect();
    let all = ["log.key", "officer-ca.key", "officer-ca.pem", "query.key", "record.key", "storage.key", "tls-ca.key"];
    assert_eq!(named, all);
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
    let before = fs::read(key_file(&dir.join("keys"), "record")).unwrap();
    let error = init(&request(&dir), now(), &entropy()).unwrap_err();
    assert!(matches!(error, InitError::Occupied { .. }), "{error}");
    assert_eq!(fs::read(key_file(&dir.join("keys"), "record")).unwrap(), before);

    let file = parent.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = init(&request(&file), now(), &entropy()).unwrap_err();
    assert!(matches!(error, InitError::Occupied { .. }), "{error}");
    assert_eq!(entries(parent.path()), ["aus", "file"]);
}

/// Puts a file at the node's name as soon as the hidden folder's name is drawn.
struct Intruder {
    inner: Counting,
    dir: PathBuf,
}

impl Entropy for Intruder {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() == 8 && !self.dir.exists() {
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
    let intruder: Arc<dyn Entropy> = Arc::new(Intruder { inner: Counting::default(), dir: dir.clone() });
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
    scaffold.file("keys/record.key", b"x").unwrap();
    assert_eq!(entries(parent.path()).len(), 1);
    assert!(scaffold.file("keys/record.key", b"again").is_err());
    assert!(scaffold.file("absent/file", b"x").is_err());
    drop(scaffold);
    assert_eq!(entries(parent.path()), [""; 0]);
}

#[test]
fn parent_that_is_not_there_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let error = init(&request(&parent.path().join("absent/aus")), now(), &entropy()).unwrap_err();
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
        let error = init(&request, now(), &entropy()).unwrap_err();
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
fn spoilt(spoil: impl FnOnce(&Path)) -> Complaint {
    let parent = tempfile::tempdir().unwrap();
    let report = made(parent.path());
    spoil(&report.dir.join("keys"));
    load(&report).err().expect("a spoilt key is refused")
}

#[test]
fn one_bad_key_file_is_told_with_its_mend_and_several_with_a_line_each() {
    let expose = |path: PathBuf| fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    let one = spoilt(|keys| expose(key_file(keys, "record")));
    assert_eq!(one.code(), "SLT-1102");
    let text = one.to_string();
    assert!(text.contains("is open to others") && text.contains("its mode is 0640"), "{text}");
    assert!(text.contains("mend:  chmod 600 "), "{text}");

    let three = spoilt(|keys| {
        expose(key_file(keys, "query"));
        fs::write(keys.join("storage.key"), "-----BEGIN SELAT").unwrap();
        fs::remove_file(keys.join("officer-ca.key")).unwrap();
    });
    let text = three.to_string();
    assert_eq!(text.matches("cause: ").count(), 3, "{text}");
    assert!(text.contains("3 keys cannot be used") && text.contains("restore it from the backup"), "{text}");
}

#[test]
fn certificate_of_the_officers_authority_that_does_not_hold_is_named() {
    let cut = spoilt(|keys| fs::write(keys.join("officer-ca.pem"), "x".repeat(20_000)).unwrap());
    assert_eq!(cut.code(), "SLT-1103");
    assert!(cut.to_string().contains("officer-ca.pem"), "{cut}");
    let absent = spoilt(|keys| fs::remove_file(keys.join("officer-ca.pem")).unwrap());
    assert_eq!(absent.code(), "SLT-1101");
}

#[test]
fn keys_of_another_participant_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let mut config = Config::load(&made(parent.path()).config).unwrap();
    config.node.participant = "IDN".parse().unwrap();
    let faults = NodeKeys::open(&config, entropy()).err().expect("IDN may not use the keys of AUS");
    let told = keys::complaint_of(&faults).to_string();
    assert_eq!(told.matches("belongs there").count(), 4, "{told}");
}

/// A file for its owner alone with this first line.
fn line_in(folder: &Path, name: &str, line: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, line).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn keys_under_a_passphrase_are_opened_with_it_alone() {
    let parent = tempfile::tempdir().unwrap();
    let file = line_in(parent.path(), "passphrase", "six words that nobody would guess\n");
    let roots = line_in(parent.path(), "roots", "six more that nobody would guess\n");
    let mut request = request(&parent.path().join("aus"));
    request.keys.protection = Protection::Passphrase { file: Some(file.clone()) };
    request.root_passphrase = Some(PassphraseSource::File(roots.clone()));
    let report = init(&request, now(), &entropy()).unwrap();
    assert_eq!((report.custody.as_str(), report.roots_protected), ("files, passphrase", true));
    let written = fs::read_to_string(&report.config).unwrap();
    assert!(written.contains("protection = \"passphrase\"") && !written.contains("nobody"), "{written}");

    assert_eq!(load(&report).unwrap().held().len(), 4);
    let record = key_file(&report.dir.join("keys"), "record");
    assert!(keyfile::is_protected(&record).unwrap() && keyfile::is_protected(&report.root_keys[0]).unwrap());
    read_root(&report.root_keys[0], Some(&roots));

    line_in(parent.path(), "passphrase", "six other words entirely\n");
    assert_eq!(load(&report).err().map(|refused| refused.code().to_owned()).as_deref(), Some("SLT-1106"));
    fs::remove_file(&file).unwrap();
    assert_eq!(load(&report).err().map(|refused| refused.code().to_owned()).as_deref(), Some("SLT-1106"));
}

#[test]
fn custody_that_cannot_be_had_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let code = |change: &dyn Fn(&mut InitRequest)| {
        let mut request = request(&parent.path().join("aus"));
        change(&mut request);
        Complaint::from(init(&request, now(), &entropy()).unwrap_err()).code().to_owned()
    };
    let absent = parent.path().join("absent");
    let locked = Protection::Passphrase { file: Some(absent.clone()) };
    assert_eq!(code(&|request| request.keys.protection = locked.clone()), "SLT-1106");
    assert_eq!(code(&|request| request.root_passphrase = Some(PassphraseSource::File(absent.clone()))), "SLT-1106");
    let token = TokenConfig { module: absent.clone(), label: "selat".to_owned(), pin_file: absent.clone() };
    assert_eq!(code(&|request| request.keys.token = Some(token.clone())), "SLT-1107");
    assert_eq!(entries(parent.path()), [""; 0]);
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
fn flags_for_keys_that_do_not_go_together_are_refused() {
    let base = "selat aus --participant AUS --federation demo --unit C --advertise-host h --contact-phone 1";
    let parsed = |more: &str| Command::try_parse_from(format!("{base} {more}").split_whitespace());
    for more in ["--keys token", "--keys token --token-module m --token-label l", "--keys hardware"] {
        assert!(parsed(more).is_err(), "{more}");
    }
    assert!(parsed("--root-passphrase --root-passphrase-file f").is_err());
    for more in ["--passphrase-file f", "--token-label selat", "--keys credential --token-module m"] {
        let refused = run_init(parsed(more).unwrap().init, &mut Vec::new()).unwrap_err();
        assert_eq!(refused.code(), "SLT-1305", "{more}");
    }
}

#[test]
fn command_without_a_way_to_reach_the_unit_is_refused() {
    let flags =
        ["selat", "aus", "--participant", "AUS", "--federation", "demo", "--unit", "C", "--advertise-host", "h"];
    let error = Command::try_parse_from(flags).err().expect("a contact is required");
    assert!(error.to_string().contains("--contact-phone"), "{error}");
}
