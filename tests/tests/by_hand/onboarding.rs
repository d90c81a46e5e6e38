//! How two sides get to know each other, and that nothing flows before both have said yes.

use std::time::Duration;

use selat_tests::{Node, Scene, WHY, person, phrase, until};
use serde_json::{Value, json};

use crate::BUILT;

/// Following begins by itself after approval; not by then means not at all.
const FOLLOW_MAX: Duration = Duration::from_secs(40);
const STEPS: [&str; 6] = ["reachability", "tls", "clock", "protocol", "descriptor", "permissions"];

#[test]
fn nothing_flows_before_both_sides_have_approved() {
    let scene = Scene::new(BUILT);
    let [aus, idn] = scene.found(["AUS", "IDN"]);
    scene.file("draft.json", &person("Somchai Thongwari", json!("all")).to_string());
    aus.does(&format!("record put draft.json {WHY}"));

    aus.fails("peer ping IDN", 3, "SLT-3101");
    scene.join(&aus, &idn);
    scene.join(&idn, &aus);
    let steps = ping(&aus, "IDN", 5);
    assert_eq!(results(&steps), ["ok", "failed", "not_tried", "not_tried", "not_tried", "not_tried"], "{steps}");
    assert_eq!(steps[1]["detail"], "we have not approved this peer");
    assert_eq!(nothing_between(&aus, &idn), "pending");
    assert_eq!(nothing_between(&idn, &aus), "pending");

    scene.approve(&aus, &idn);
    let steps = ping(&aus, "IDN", 5);
    assert_eq!(results(&steps), ["ok", "failed", "not_tried", "not_tried", "not_tried", "not_tried"], "{steps}");
    let (detail, mend) = (&steps[1]["detail"], &steps[1]["mend"]);
    assert!(detail.as_str().unwrap().contains("of no participant that it has approved"), "{detail}");
    assert!(mend.as_str().unwrap().contains("ask the peer to approve us"), "{mend}");
    let refused = || idn.json("status")["handshakes_refused"].as_u64().filter(|refused| *refused > 0);
    assert!(until(FOLLOW_MAX, refused).is_some(), "{}", idn.json("status"));
    assert_eq!(nothing_between(&aus, &idn), "approved");
    assert_eq!(nothing_between(&idn, &aus), "pending");

    scene.approve(&idn, &aus);
    assert_eq!(results(&ping(&aus, "IDN", 0)), ["ok"; 6]);
    assert_eq!(results(&ping(&idn, "AUS", 0)), ["ok"; 6]);
    let held = until(FOLLOW_MAX, || (idn.records() == (0, 1)).then_some(()));
    assert!(held.is_some(), "what was released before has not arrived: {}", idn.peer("AUS"));
}

#[test]
fn wrong_words_are_refused_and_change_nothing() {
    let scene = Scene::new(BUILT);
    let [aus, idn] = scene.found(["AUS", "IDN"]);
    scene.join(&aus, &idn);
    scene.join(&idn, &aus);
    let words = phrase(&idn, &aus);
    assert_eq!(phrase(&aus, &idn), words, "both sides show the same words");
    assert_eq!(words.split(' ').count(), 12);

    let (first, rest) = words.split_once(' ').unwrap();
    let another = if first == "zebra" { "zoo" } else { "zebra" };
    let approve = |words: &str| format!("peer approve IDN --phrase '{words}' --channel 'video call'");
    aus.fails(&approve(&format!("{another} {rest}")), 9, "SLT-3103");
    aus.fails(&approve(rest), 2, "SLT-2208");
    aus.fails("peer approve IDN --channel 'video call'", 2, "SLT-2205");
    assert_eq!(aus.peer("IDN")["state"], "pending");

    aus.does(&approve(&words.to_uppercase()));
    let peer = aus.peer("IDN");
    assert_eq!((&peer["state"], &peer["approved"]["channel"]), (&json!("approved"), &json!("video call")));
}

#[test]
fn descriptor_that_was_changed_on_its_way_is_not_taken_in() {
    let scene = Scene::new(BUILT);
    let [aus, idn] = scene.found(["AUS", "IDN"]);
    let descriptor = idn.does("peer invite").stdout;
    let lines: Vec<&str> = descriptor.lines().collect();
    let middle = lines.len() / 2;
    let swapped: Vec<&str> = [&lines[..middle], &[lines[middle + 1], lines[middle]], &lines[middle + 2..]].concat();
    scene.file("changed", &(swapped.join("\n") + "\n"));
    scene.file("cut", &lines[..middle].join("\n"));
    scene.file("else", "this is a text\n");
    for file in ["changed", "cut", "else"] {
        let refused = aus.run(&format!("peer join {file}"));
        assert!(matches!(refused.code, Some(2 | 7)), "{file}: {refused:?}");
        assert!(refused.stderr.starts_with("error[SLT-"), "{file}: {refused:?}");
    }
    assert_eq!(aus.json("peer list")["peers"], json!([]));
    scene.file("good", &descriptor);
    aus.does("peer join good");
}

#[test]
fn init_never_writes_over_what_is_there_and_serve_names_what_is_wrong() {
    let scene = Scene::new(BUILT);
    let aus = Node::init(&scene.program, "AUS");
    let again =
        "init aus --participant AUS --federation trial --unit U --advertise-host h.example --contact-email a@b.example";
    let config = std::fs::read_to_string(aus.folder().join("selat.toml")).unwrap();
    let refused = scene.program.run(again).ended(9);
    assert!(refused.stderr.contains("error[SLT-1301]"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(aus.folder().join("selat.toml")).unwrap(), config);
    for n in 1..=3 {
        assert!(aus.folder().join(format!("root/root-{n}.key")).exists(), "root key {n}");
    }

    let broken = config.replace("federation = \"trial\"", "federation = \"Trial!\"\nstray = 1");
    std::fs::write(aus.folder().join("selat.toml"), broken).unwrap();
    let refused = scene.program.run("serve --config aus/selat.toml").ended(2);
    for fault in ["aus/selat.toml has 2 faults", "line 6, column 14", "Trial!", "line 7, column 1", "stray", "mend:"] {
        assert!(refused.stderr.contains(fault), "{fault}: {}", refused.stderr);
    }
}

#[test]
fn second_node_on_one_store_is_refused_and_the_first_goes_on() {
    let scene = Scene::new(BUILT);
    let [mut aus] = scene.found(["AUS"]);
    let second = scene.program.run("serve --config aus/selat.toml").ended(9);
    assert!(second.stderr.contains("error[SLT-1202]"), "{}", second.stderr);
    aus.does("status");
    aus.stop();
    aus.start();
    aus.does("status");
}

/// The state in which `node` sees `peer`, when not a single entry has passed between them.
#[track_caller]
fn nothing_between(node: &Node, peer: &Node) -> String {
    let seen = node.peer(peer.name);
    let following = &seen["following"];
    assert_eq!((&following["connected"], &following["held"]), (&json!(false), &json!(0)), "{seen}");
    assert_eq!(node.records().1, 0);
    seen["state"].as_str().unwrap().to_owned()
}

#[track_caller]
fn ping(node: &Node, peer: &str, code: i32) -> Value {
    let steps = node.run(&format!("peer ping {peer} --output json")).ended(code).json()["steps"].clone();
    let names: Vec<&str> = steps.as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, STEPS);
    steps
}

fn results(steps: &Value) -> Vec<&str> {
    steps.as_array().unwrap().iter().map(|step| step["result"].as_str().unwrap()).collect()
}
