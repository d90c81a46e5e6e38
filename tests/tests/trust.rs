//! What an operator does to peers, keys and the certificate of a running node, with the program's own commands.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stumbles shall fail, and say where")]

use std::time::Duration;

use selat_tests::{Node, Scene, WHY, person, until};
use serde_json::Value;

const BUILT: &str = env!("CARGO_BIN_EXE_selat-under-test");
/// What has not come about by then will not.
const PATIENCE: Duration = Duration::from_secs(60);

fn waits_for(what: &str, mut look: impl FnMut() -> bool) {
    assert!(until(PATIENCE, || look().then_some(())).is_some(), "{what} does not come about");
}

fn connected(node: &Node, peer: &str) -> bool {
    node.peer(peer)["following"]["connected"] == true
}

fn put(node: &Node, scene: &Scene, name: &str) {
    let draft = scene.file("person.json", &person(name, Value::from("all")).to_string());
    node.does(&format!("record put {} {WHY}", draft.display()));
}

#[test]
fn suspended_peer_gets_nothing_until_it_is_resumed_and_then_what_it_missed() {
    let scene = Scene::new(BUILT);
    let [aus, idn] = scene.federation(["AUS", "IDN"]);
    waits_for("a connection", || connected(&aus, "IDN") && connected(&idn, "AUS"));
    let shown = aus.json("peer suspend IDN --reason 'a break-in'");
    assert_eq!((&shown["state"], &shown["standing_reason"]), (&"suspended".into(), &"a break-in".into()));
    waits_for("the end of the connection", || !connected(&aus, "IDN") && !connected(&idn, "AUS"));
    put(&aus, &scene, "Siti Contoh");
    assert_eq!(aus.peer("IDN")["release_log"]["size"], 0);
    aus.does("peer resume IDN --reason 'all clear'");
    waits_for("what was held back", || idn.held_of("AUS") == 1);
}

#[test]
fn removed_peer_is_forgotten_and_must_be_met_anew() {
    let scene = Scene::new(BUILT);
    let [aus, idn] = scene.federation(["AUS", "IDN"]);
    let refused = aus.fails("peer remove IDN --reason 'starts anew'", 2, "SLT-2205");
    assert!(refused.stderr.contains("type IDN to go on"), "{}", refused.stderr);
    aus.does("peer remove IDN --reason 'starts anew' --yes");
    aus.fails("peer show IDN", 3, "SLT-2301");
    aus.fails("peer suspend IDN --reason again", 3, "SLT-3101");
    scene.join(&aus, &idn);
    assert_eq!(aus.peer("IDN")["state"], "pending");
    scene.approve(&aus, &idn);
    waits_for("a connection", || connected(&aus, "IDN") && connected(&idn, "AUS"));
}

#[test]
fn plan_is_applied_as_it_was_shown_or_not_at_all() {
    let scene = Scene::new(BUILT);
    let [aus] = scene.found(["AUS"]);
    aus.does("key plan record --file plan.json");
    aus.does("key plan record --file late.json");
    let applied = aus.json("key apply plan.json --file AUS-2.draft");
    assert!(applied["done"][0].as_str().unwrap().starts_with("made record key"), "{applied}");
    assert!(scene.path("AUS-2.draft").exists());
    aus.fails("key apply late.json", 9, "SLT-3112");
    // The same again gives the same draft, which is not written over.
    let again = aus.json("key rotate record --yes --file AUS-2.draft");
    assert_eq!((&again["draft"], &again["plan"]["steps"][0]["state"]), (&"AUS-2.draft".into(), &"done".into()));
    scene.sign_and_publish(&aus, "AUS-2.draft", &scene.roots(&aus));
    let status = aus.json("key status");
    let pending = status["keys"].as_array().unwrap().iter().filter(|key| key["status"] == "pending").count();
    assert_eq!((&status["descriptor_version"], pending), (&2.into(), 1));
}

#[test]
fn certificate_is_made_anew_at_once_and_connections_stay() {
    let scene = Scene::new(BUILT);
    let [aus, idn] = scene.federation(["AUS", "IDN"]);
    waits_for("a connection", || connected(&aus, "IDN") && connected(&idn, "AUS"));
    let before = aus.json("cert show");
    let after = aus.json("cert renew");
    assert_ne!(before["sha256"], after["sha256"]);
    assert_eq!(aus.json("cert show"), after);
    assert!(aus.does("cert check").stdout.starts_with("OK - certificate until "));
    assert!(aus.run("cert check --warn 3650d").ended(8).stdout.starts_with("WARNING - "));
    assert!(aus.does("key status --check").stdout.starts_with("OK - 4 keys in use"));
    aus.does("peer ping IDN");
    idn.does("peer ping AUS");
}

#[test]
fn peer_that_was_away_while_the_authority_was_replaced_comes_back_by_the_file() {
    let scene = Scene::new(BUILT);
    let [aus, mut idn] = scene.federation(["AUS", "IDN"]);
    waits_for("a connection", || connected(&aus, "IDN") && connected(&idn, "AUS"));
    idn.stop();
    aus.does("key rotate tls-ca --emergency --reason 'disk stolen' --yes --file AUS-2.draft");
    scene.sign_and_publish(&aus, "AUS-2.draft", &scene.roots(&aus));
    idn.start();
    waits_for("a refusal of the unknown authority", || idn.peer("AUS")["following"]["last_error"] != "");
    assert!(!connected(&idn, "AUS") && !connected(&aus, "IDN"));
    aus.does("peer invite --file AUS-now.descriptor");
    let shown = idn.json("peer join AUS-now.descriptor");
    assert_eq!((&shown["state"], &shown["descriptor_version"]), (&"approved".into(), &2.into()));
    waits_for("a connection", || connected(&aus, "IDN") && connected(&idn, "AUS"));
    idn.does("peer ping AUS");
}

#[test]
fn auditor_sees_no_key_and_turns_none() {
    let scene = Scene::new(BUILT);
    let mut aus = Node::init(&scene.program, "AUS");
    let config = aus.folder().join("selat.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("[\"officer\", \"operator\"]", "[\"auditor\"]")).unwrap();
    aus.start();
    scene.file("made-up.json", r#"{"goal":{"kind":"rotate","purpose":"record","emergency":false,"reason":"","compromised_since_ms":0},"state":"aa"}"#);
    for line in [
        "key status",
        "key rotate record --plan",
        "key apply made-up.json",
        "key resign --list",
        "cert show",
        "cert renew",
        "descriptor acks",
        "descriptor show",
        "peer suspend IDN --reason r",
        "peer remove IDN --reason r --yes",
    ] {
        aus.fails(line, 4, "SLT-3001");
    }
    aus.stop();
}
