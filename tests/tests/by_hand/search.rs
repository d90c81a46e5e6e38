//! One question to every peer: who answered, what a hit shows, and that what is hidden looks like what is not there.

use selat_tests::{Node, Scene, WHY, person};
use serde_json::{Value, json};

use crate::BUILT;

#[test]
fn every_peer_is_named_with_its_outcome_and_records_come_on_request() {
    let scene = Scene::new(BUILT);
    let [aus, idn, mys, mut nzl] = scene.federation(["AUS", "IDN", "MYS", "NZL"]);
    put(&scene, &aus, &person("Somchai Thongwari", json!("all")));
    put(&scene, &idn, &person("SÓMCHAI thongwari", json!(["NZL"])));

    let found = search(&mys, "'thongwari somchai'", 0);
    assert_eq!(outcomes(&found), [("AUS", "hit"), ("IDN", "no_hit"), ("NZL", "no_hit")], "{found}");
    assert_eq!(found["summary"]["complete"], true);
    let hit = &of(&found, "AUS")["hits"][0];
    assert_eq!((&hit["kind"], &hit["fetchable"]), (&json!("person"), &json!(true)));
    assert_eq!(of(&found, "AUS")["records"], json!([]), "records come only with --fetch");
    let found = search(&nzl, "'thongwari somchai'", 0);
    assert_eq!(outcomes(&found), [("AUS", "hit"), ("IDN", "hit"), ("MYS", "no_hit")], "{found}");

    let fetched = search(&mys, "'Somchai Thongwari' --fetch", 0);
    let record = &of(&fetched, "AUS")["records"][0];
    assert_eq!(record["person"]["names"][0]["text"], "Somchai Thongwari", "{fetched}");
    assert_eq!(record["record_id"], of(&fetched, "AUS")["hits"][0]["reference"]);

    let nothing = search(&mys, "'Nobody Atall'", 0);
    assert_eq!(outcomes(&nothing), [("AUS", "no_hit"), ("IDN", "no_hit"), ("NZL", "no_hit")]);
    search(&mys, "'Nobody Atall' --fail-empty", 3);
    assert_eq!(outcomes(&search(&mys, "Somchai --peers AUS,IDN", 0)), [("AUS", "hit"), ("IDN", "no_hit")]);

    nzl.stop();
    let partial = search(&mys, "'Somchai Thongwari'", 6);
    assert_eq!(outcomes(&partial), [("AUS", "hit"), ("IDN", "no_hit"), ("NZL", "unreachable")], "{partial}");
    assert_eq!((&partial["summary"]["answered"], &partial["summary"]["complete"]), (&json!(2), &json!(false)));
    let told = mys.run(&format!("search 'Somchai Thongwari' --output table {WHY}")).ended(6).stdout;
    assert!(told.contains("NZL     NO ANSWER  unreachable"), "{told}");
    assert!(told.ends_with("2 of 3 peers answered; the answer may be incomplete\n"), "{told}");
    mys.run("peer ping NZL").ended(5);

    nzl.start();
    assert_eq!(outcomes(&search(&mys, "Somchai --peers NZL", 0)), [("NZL", "no_hit")]);
}

#[test]
fn state_that_must_not_learn_sees_what_it_sees_of_someone_unknown() {
    let scene = Scene::new(BUILT);
    let [aus, idn, mys] = scene.federation(["AUS", "IDN", "MYS"]);
    let mut hidden = person("Layla Shamsbur", json!(["IDN", "MYS"]));
    hidden["protection"] = json!({ "kinds": ["asylum"], "hidden_from": ["MYS"] });
    let receipt = put(&scene, &aus, &hidden);
    let refused = receipt["releases"].as_array().unwrap().iter().find(|release| release["peer"] == "MYS").unwrap();
    assert_eq!((&refused["released"], &refused["rule"]), (&json!(false), &json!("F-05")), "{receipt}");
    scene.arrived(&aus, &idn);
    assert_eq!(outcomes(&search(&idn, "'Layla Shamsbur'", 0)), [("AUS", "hit"), ("MYS", "no_hit")]);

    for more in ["", " --fetch", " --kind person --from 1984 --until 1985"] {
        let (logged, hidden) = seen_by(&scene, &aus, &mys, &format!("'Layla Shamsbur'{more}"));
        let (logged_unknown, unknown) = seen_by(&scene, &aus, &mys, &format!("'Nobody Atall'{more}"));
        assert_eq!(hidden, unknown, "{more}");
        assert_eq!(outcomes(&hidden), [("AUS", "no_hit"), ("IDN", "no_hit")]);
        assert_eq!(logged, logged_unknown, "the log that the state holds grows the same: {more}");
    }
    assert_eq!(mys.records(), (0, 0));
    mys.fails(&format!("record get {} {WHY}", receipt["record_id"].as_str().unwrap()), 3, "SLT-3002");
}

#[test]
fn hit_only_record_says_that_there_is_something_and_no_more() {
    let scene = Scene::new(BUILT);
    let [aus, idn] = scene.federation(["AUS", "IDN"]);
    let mut draft = person("Layla Shamsbur", json!(["IDN"]));
    draft["handling"]["hit_only"] = json!(true);
    let receipt = put(&scene, &aus, &draft);
    assert_eq!(receipt["releases"][0]["rule"], "F-08", "{receipt}");

    let found = search(&idn, "'Layla Shamsbur' --fetch", 0);
    let (hits, records) = (&of(&found, "AUS")["hits"], &of(&found, "AUS")["records"]);
    assert_eq!((hits.as_array().unwrap().len(), records), (1, &json!([])), "{found}");
    assert_eq!(hits[0]["fetchable"], false);
    assert_ne!(hits[0]["reference"], receipt["record_id"]);
    let told = found.to_string();
    for word in ["1984", "facilitator", receipt["record_id"].as_str().unwrap()] {
        assert!(!told.contains(word), "{word}: {told}");
    }
    assert_eq!(idn.records(), (0, 0));
}

/// By how much the log of `from` to `node` grows when `node` asks, and all of the answer but the time that it took.
fn seen_by(scene: &Scene, from: &Node, node: &Node, question: &str) -> (u64, Value) {
    let before = scene.arrived(from, node);
    let mut seen = search(node, question, 0);
    for outcome in seen["outcomes"].as_array_mut().unwrap() {
        outcome.as_object_mut().unwrap().remove("elapsed_ms");
    }
    seen["outcomes"].as_array_mut().unwrap().sort_by_key(|outcome| outcome["peer"].to_string());
    (scene.arrived(from, node) - before, seen)
}

#[track_caller]
fn search(node: &Node, question: &str, code: i32) -> Value {
    node.run(&format!("search {question} {WHY} --output json")).ended(code).json()
}

/// Peer and outcome, by peer.
fn outcomes(found: &Value) -> Vec<(&str, &str)> {
    let outcomes = found["outcomes"].as_array().unwrap().iter();
    let mut outcomes: Vec<_> =
        outcomes.map(|outcome| (outcome["peer"].as_str().unwrap(), outcome["outcome"].as_str().unwrap())).collect();
    outcomes.sort_unstable();
    outcomes
}

fn of<'a>(found: &'a Value, peer: &str) -> &'a Value {
    found["outcomes"].as_array().unwrap().iter().find(|outcome| outcome["peer"] == peer).unwrap()
}

fn put(scene: &Scene, node: &Node, draft: &Value) -> Value {
    scene.file("draft.json", &draft.to_string());
    node.json(&format!("record put draft.json {WHY}"))
}
