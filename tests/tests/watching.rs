//! Watching a node and keeping its keys, with real processes: the doctor over the desk and over the files of a node that is
//! down, the measurements over HTTP and over the desk, backups of keys made, tried and restored.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use selat_tests::{Node, Scene, root, until};
use serde_json::Value;

/// The program that cargo has built for these suites.
const BUILT: &str = env!("CARGO_BIN_EXE_selat-under-test");
/// Two nodes that know each other have greeted each other by then.
const PATIENCE: Duration = Duration::from_secs(40);
const CONFIG: &str = "--config aus/selat.toml";

/// The findings that are not good, as `area: what`.
fn troubles(node: &Node, line: &str) -> Vec<String> {
    let output = node.run(&format!("{line} --output json"));
    let shape = output.json();
    let findings = shape["findings"].as_array().unwrap().clone();
    // A machine that is short of room says so; that is not what this suite is about.
    let bad = findings.iter().filter(|finding| finding["level"] != "ok").filter(|finding| finding["area"] != "store");
    assert!(findings.iter().all(|finding| (finding["level"] == "ok") == (finding["mend"] == "")), "{shape:#}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = bad.map(|finding| format!("{}: {}", text(&finding["area"]), text(&finding["what"]))).collect();
    assert_eq!(output.code == Some(0), shape["worst"] == "ok", "{shape:#}");
    told
}

fn passphrase(scene: &Scene, name: &str, text: &str) {
    let path = scene.file(name, text);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: node\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn doctor_tells_the_way_from_a_fresh_node_to_one_that_lacks_nothing() {
    let scene = Scene::new(BUILT);
    let [aus, idn] = scene.federation(["AUS", "IDN"]);
    passphrase(&scene, "backup.pass", "six words that nobody else has\n");

    let fresh = troubles(&aus, "doctor");
    for words in ["keys: the key files are not encrypted", "3 root keys lie", "backup: the keys were never backed up"] {
        assert!(fresh.iter().any(|found| found.contains(words)), "{words}: {fresh:#?}");
    }
    assert_eq!(fresh.len(), 3, "{fresh:#?}");
    aus.run("doctor --peer IDN").ended(0);
    aus.fails("doctor --peer MYS", 3, "SLT-2301");

    fs::rename(aus.folder().join("root"), scene.path("vault")).unwrap();
    aus.does(&format!("key backup {CONFIG} --file aus.backup --passphrase-file backup.pass"));
    let backed_up = troubles(&aus, "doctor");
    assert!(backed_up.iter().any(|found| found.contains("ever tried")), "{backed_up:#?}");
    aus.does(&format!("key drill {CONFIG} aus.backup --passphrase-file backup.pass"));
    let tried = troubles(&aus, "doctor");
    assert!(matches!(tried.as_slice(), [only] if only.contains("not encrypted")), "{tried:#?}");

    let measured = [
        "selat_descriptor_refresh_age_seconds{peer=\"IDN\"}",
        "selat_descriptor_acknowledged_version{peer=\"IDN\"} 1.0",
        "selat_peer_clock_skew_seconds{peer=\"IDN\"}",
        "selat_peer_connected{peer=\"IDN\"} 1.0",
    ];
    let compared = until(PATIENCE, || {
        let text = aus.does("metrics").stdout;
        measured.iter().all(|line| text.contains(line)).then_some(())
    });
    assert!(compared.is_some(), "{}", aus.does("metrics").stdout);

    aus.does("peer suspend IDN --reason 'asked by its duty desk'");
    let suspended = troubles(&aus, "doctor --peer IDN");
    assert!(matches!(suspended.as_slice(), [only] if only.contains("asked by its duty desk")), "{suspended:#?}");
    drop(idn);
}

#[test]
fn doctor_looks_at_the_files_of_a_node_that_is_down() {
    let scene = Scene::new(BUILT);
    let mut aus = Node::init(&scene.program, "AUS");
    let doctor = format!("doctor {CONFIG}");
    let before_its_first_start = troubles(&aus, &doctor);
    assert_eq!(before_its_first_start.len(), 3, "{before_its_first_start:#?}");
    aus.start();
    aus.stop();
    let output = aus.run(&format!("{doctor} --output json")).ended(8);
    assert!(output.stderr.contains("only its files are checked"), "{}", output.stderr);
    assert_eq!(output.json()["running"], false);

    fs::remove_file(aus.folder().join("keys/storage.key")).unwrap();
    let broken = troubles(&aus, &doctor);
    assert!(broken.iter().any(|found| found.contains("storage.key")), "{broken:#?}");
    let config = aus.folder().join("selat.toml");
    fs::write(&config, fs::read_to_string(&config).unwrap().replacen("participant", "participent", 1)).unwrap();
    let broken = troubles(&aus, &doctor);
    assert!(broken.iter().all(|found| found.starts_with("configuration: ")) && !broken.is_empty(), "{broken:#?}");
}

#[test]
fn officer_who_is_no_operator_is_shown_neither_findings_nor_measurements() {
    let scene = Scene::new(BUILT);
    let mut aus = Node::init(&scene.program, "AUS");
    let config = aus.folder().join("selat.toml");
    let text = fs::read_to_string(&config).unwrap();
    let roles = text.lines().find(|line| line.starts_with("roles = ")).unwrap().to_owned();
    fs::write(&config, text.replace(&roles, "roles = [\"officer\"]")).unwrap();
    aus.start();
    let refused = aus.fails(&format!("doctor {CONFIG}"), 4, "SLT-3001");
    assert_eq!(refused.stdout, "", "the files of a node that refuses are not looked at");
    aus.fails("metrics", 4, "SLT-3001");
}

#[test]
fn measurements_are_the_same_over_http_and_over_the_desk() {
    let scene = Scene::new(BUILT);
    let mut aus = Node::init(&scene.program, "AUS");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    aus.configure(&[("watch", &format!("metrics_listen = \"127.0.0.1:{port}\""))]);
    aus.start();
    let names = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with("# TYPE ")).map(str::to_owned);
        let mut lines: Vec<_> = lines.collect();
        lines.sort();
        lines
    };
    let served = get(port, "/metrics");
    assert!(served.starts_with("HTTP/1.1 200"), "{served}");
    assert!(get(port, "/").starts_with("HTTP/1.1 404"));
    let printed = aus.does("metrics").stdout;
    assert!(printed.ends_with("# EOF\n") && printed.contains("selat_certificate_expiry_seconds{"), "{printed}");
    assert_eq!(names(&served), names(&printed));
    aus.stop();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the port is closed with the node");
}

#[test]
fn node_comes_back_from_a_backup_of_its_keys() {
    let scene = Scene::new(BUILT);
    let mut aus = Node::init(&scene.program, "AUS");
    aus.start();
    passphrase(&scene, "backup.pass", "six words that nobody else has\n");
    passphrase(&scene, "other.pass", "six words that somebody else has\n");
    let made = aus.json(&format!("key backup {CONFIG} --file aus.backup --passphrase-file backup.pass"));
    assert_eq!(made["keys"].as_array().unwrap().len(), 4, "{made:#}");
    aus.stop();
    fs::remove_dir_all(aus.folder().join("keys")).unwrap();

    let restore = format!("key restore aus.backup --to aus/keys {CONFIG} --passphrase-file");
    aus.fails(&format!("{restore} other.pass"), 2, "SLT-1712");
    assert!(!aus.folder().join("keys").exists(), "nothing is left of what did not work");
    aus.does(&format!("{restore} backup.pass"));
    aus.fails(&format!("{restore} backup.pass"), 9, "SLT-1714");
    aus.start();
    let status = aus.json("key status");
    assert_eq!(status["keys"].as_array().map(Vec::len), Some(7), "{status:#}");
}

#[test]
fn drill_tells_when_a_key_was_turned_after_the_backup() {
    let scene = Scene::new(BUILT);
    let aus = Node::init(&scene.program, "AUS");
    let other = Node::init(&scene.program, "IDN");
    passphrase(&scene, "backup.pass", "six words that nobody else has\n");
    aus.does(&format!("key backup {CONFIG} --file aus.backup --passphrase-file backup.pass"));
    let drill = "key drill aus.backup --passphrase-file backup.pass";
    assert!(aus.does(drill).stderr.contains("no descriptor was at hand"));
    let other = other.folder().join("descriptor.selat");
    let failed = aus.fails(&format!("{drill} --descriptor {}", other.display()), 7, "SLT-1716");
    let shape = &failed.json_lines()[0];
    let missing = shape["keys"].as_array().unwrap().iter().filter(|key| key["verdict"] == "missing").count();
    assert_eq!((missing, &shape["passed"]), (4, &Value::Bool(false)), "{shape:#}");
}

#[test]
fn alert_rules_are_taken_by_the_collectors_own_tool() {
    let rules = root().join("deploy/prometheus/selat-rules.yml");
    match Command::new("promtool").args(["check", "rules"]).arg(rules).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(fault) => eprintln!("SKIPPED: promtool: {fault}"),
    }
}
