//! A record's life by hand: put, released, amended, exported, seen by those whom it names and by nobody else.

use selat_tests::{Node, Scene, WHY, person};
use serde_json::{Value, json};

use crate::BUILT;

#[test]
fn record_reaches_whom_it_names_and_every_later_version_follows() {
    let scene = Scene::new(BUILT);
    let [aus, idn, mys] = scene.federation(["AUS", "IDN", "MYS"]);
    scene.file("draft.json", &person("Somchai Thongwari", json!(["IDN"])).to_string());
    let put = aus.json(&format!("record put draft.json --valid-days 90 {WHY}"));
    let id = put["record_id"].as_str().unwrap();
    assert_eq!(rulings(&put), [("IDN", true, ""), ("MYS", false, "F-04")], "{put}");

    scene.arrived(&aus, &idn);
    let get = format!("record get {id} {WHY}");
    let (ours, theirs) = (aus.json(&get), idn.json(&get));
    assert_eq!((&ours["record"], &ours["content_id"]), (&theirs["record"], &theirs["content_id"]));
    assert_eq!(ours["released_to"], json!(["IDN"]));
    mys.fails(&get, 3, "SLT-3002");

    let released = aus.json(&format!("record release {id} --to MYS {WHY}"));
    assert_eq!(
        (&released["record_version"], rulings(&released)),
        (&json!(2), vec![("IDN", true, ""), ("MYS", true, "")])
    );
    scene.arrived(&aus, &mys);
    assert_eq!(mys.json(&get)["record_version"], 2);

    let draft = aus.does(&format!("record get {id} --draft {WHY}")).stdout;
    scene.file("amended.json", &draft.replace("Somchai Thongwari", "Somchai Other"));
    let amend =
        |from: u32| format!("record amend {id} amended.json --from-version {from} --why 'name corrected' {WHY}");
    aus.fails(&amend(1), 9, "SLT-3004");
    assert_eq!(aus.json(&amend(2))["record_version"], 3);
    idn.fails(&amend(3), 9, "SLT-3003");
    for node in [&idn, &mys] {
        scene.arrived(&aus, node);
        assert_eq!(node.json(&get)["record"]["person"]["names"][0]["text"], "Somchai Other", "{}", node.name);
    }
    assert_eq!(versions(&aus, id), [1, 2, 3]);
    assert_eq!(versions(&idn, id), [1, 2, 3]);
    assert_eq!(versions(&mys, id), [2, 3], "a version from before the release is not theirs");
    assert_eq!(idn.json("record quarantine")["quarantined"], json!([]));
}

#[test]
fn export_holds_what_the_originator_signed_byte_for_byte() {
    let scene = Scene::new(BUILT);
    let [aus, idn] = scene.federation(["AUS", "IDN"]);
    for n in 1..=3 {
        scene.file("draft.json", &person(&format!("Person Number-{n}"), json!("all")).to_string());
        aus.does(&format!("record put draft.json {WHY}"));
    }
    scene.arrived(&aus, &idn);
    let envelopes = |node: &Node| {
        let lines = node.does(&format!("record export --jsonl --all-versions --originator AUS {WHY}")).json_lines();
        let mut envelopes: Vec<String> = lines.iter().map(|line| line["envelope"].to_string()).collect();
        envelopes.sort();
        envelopes
    };
    assert_eq!(envelopes(&aus).len(), 3);
    assert_eq!(envelopes(&aus), envelopes(&idn));
    let listed = idn.json(&format!("record list --originator AUS --kind person {WHY}"));
    assert_eq!((listed["records"].as_array().unwrap().len(), &listed["more"]), (3, &json!(false)));
    let listed = idn.json(&format!("record list --limit 2 {WHY}"));
    assert_eq!((listed["records"].as_array().unwrap().len(), &listed["more"]), (2, &json!(true)));
    assert_eq!(idn.json(&format!("record list --originator IDN {WHY}"))["records"], json!([]));
}

#[test]
fn draft_with_faults_is_refused_with_all_of_them_and_nothing_is_kept() {
    let scene = Scene::new(BUILT);
    let [aus] = scene.found(["AUS"]);
    let mut draft = person("Somchai Thongwari", json!(["XX"]));
    draft["evaluation"]["reliability"] = json!("Z");
    draft["person"]["names"] = json!([]);
    scene.file("faulty.json", &draft.to_string());
    let refused = aus.fails(&format!("record put faulty.json {WHY}"), 2, "SLT-2204");
    for field in ["evaluation.reliability", "person.names"] {
        assert!(refused.stderr.contains(field), "{field}: {}", refused.stderr);
    }
    for (name, text) in [("text", "not json"), ("empty", ""), ("list", "[]"), ("stray", "{\"colour\": 1}")] {
        scene.file(name, text);
        aus.fails(&format!("record put {name} {WHY}"), 2, "SLT-2204");
    }
    aus.fails(&format!("record put no-such-file {WHY}"), 2, "SLT-2202");
    aus.run("record put text").ended(2);
    assert_eq!(aus.records(), (0, 0));
}

#[test]
fn release_to_everyone_needs_a_yes() {
    let scene = Scene::new(BUILT);
    let [aus, idn] = scene.federation(["AUS", "IDN"]);
    scene.file("draft.json", &person("Somchai Thongwari", json!("nobody")).to_string());
    let put = aus.json(&format!("record put draft.json {WHY}"));
    assert_eq!(rulings(&put), [("IDN", false, "F-04")]);
    let release = format!("record release {} --to-everyone {WHY}", put["record_id"].as_str().unwrap());
    aus.fails(&release, 2, "SLT-2205");
    assert_eq!(idn.records(), (0, 0));
    let released = aus.json(&format!("{release} --yes"));
    assert_eq!(rulings(&released), [("IDN", true, "")]);
    scene.arrived(&aus, &idn);
    assert_eq!(idn.records(), (0, 1));
}

/// What a receipt says of each peer: whether it was released, and by which rule not.
fn rulings(receipt: &Value) -> Vec<(&str, bool, &str)> {
    let releases = receipt["releases"].as_array().unwrap().iter();
    releases
        .map(|it| (it["peer"].as_str().unwrap(), it["released"].as_bool().unwrap(), it["rule"].as_str().unwrap()))
        .collect()
}

fn versions(node: &Node, id: &str) -> Vec<u64> {
    let history = node.json(&format!("record history {id} {WHY}"));
    history["versions"].as_array().unwrap().iter().map(|stored| stored["record_version"].as_u64().unwrap()).collect()
}
