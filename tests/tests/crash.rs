//! Nodes that are killed with -9 at a point drawn at random, and started again: nothing that was acknowledged is lost,
//! nothing is there twice, and who follows goes on where it was.
//!
//! Each suite prints its seed; `SELAT_TEST_SEED` repeats it. When a process is killed is up to the machine too, so the
//! same seed draws the same points but not always the same instant. Leaves out power failure and damaged files: `store`
//! has suites for them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::Duration;

use selat_tests::{INCIDENTS_MAP, Node, Output, Scene, Started, WHY, incidents, until};
use serde_json::Value;

const BUILT: &str = env!("CARGO_BIN_EXE_selat-under-test");
const ROWS: u64 = 2_000;
/// One kill while all but nothing is done and one while all but nothing is left prove little.
const POINTS: std::ops::Range<u64> = ROWS / 10..ROWS * 9 / 10;
/// A point that has not come by then will not come.
const POINT_MAX: Duration = Duration::from_secs(60);

#[test]
fn follower_killed_midway_resumes_and_ends_with_the_same_records() {
    let scene = Scene::new(BUILT);
    let [aus, mut idn, nzl] = scene.federation(["AUS", "IDN", "NZL"]);
    let importing = start(&import_of(&scene), &aus);
    let mut midway = 0;
    for point in points() {
        let held = until(POINT_MAX, || Some(idn.held_of("AUS")).filter(|held| *held >= point)).expect("it follows");
        idn.kill();
        say(&format!("killed the follower at {held} of {ROWS}, drawn {point}"));
        midway += u64::from(POINTS.contains(&held));
        idn.start();
        assert!(idn.held_of("AUS") >= held, "what was held before the kill is held after it");
        if held == ROWS {
            break;
        }
    }
    assert!(midway > 0, "no kill fell between 10 % and 90 %");
    assert_eq!(importing.ends("record import").ended(0).json()["new"], ROWS);
    for node in [&idn, &nzl] {
        scene.arrived(&aus, node);
        assert_same_records(&aus, node);
        assert_eq!(node.records(), (0, ROWS));
        assert_eq!(node.json("record quarantine")["quarantined"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn originator_killed_midway_has_every_acknowledged_row_and_the_next_run_adds_the_rest() {
    let scene = Scene::new(BUILT);
    let [mut aus, idn] = scene.federation(["AUS", "IDN"]);
    let import = import_of(&scene);
    let mut before = 0;
    for point in points() {
        let importing = start(&import, &aus);
        let made = until(POINT_MAX, || Some(aus.records().0).filter(|made| *made >= point)).expect("rows go in");
        aus.kill();
        let acknowledged = acknowledged(&importing.ends("record import"));
        say(&format!("killed the originator at {made} of {ROWS}, drawn {point}; {acknowledged} acknowledged"));
        aus.start();
        let kept = keys_of(&aus);
        // Outcomes come in the order of the file, so these are the rows that the import was told of.
        let lost: Vec<u64> = (1..=acknowledged).filter(|n| !kept.contains_key(&format!("K-{n}"))).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        assert!(kept.values().all(|times| *times == 1), "a row is there twice");
        before = u64::try_from(kept.len()).unwrap();
        if before == ROWS {
            break;
        }
    }
    let rest = aus.json(&import);
    let count = |name: &str| rest[name].as_u64().unwrap();
    assert_eq!([count("unchanged"), count("new"), count("amended"), count("rejected")], [before, ROWS - before, 0, 0]);
    assert_eq!(aus.records(), (ROWS, 0));
    scene.arrived(&aus, &idn);
    assert_same_records(&aus, &idn);
}

#[test]
fn node_told_to_stop_in_the_middle_of_an_import_ends_in_order_and_starts_clean() {
    let scene = Scene::new(BUILT);
    let [mut aus, mut idn] = scene.federation(["AUS", "IDN"]);
    let import = import_of(&scene);
    let importing = start(&import, &aus);
    until(POINT_MAX, || (idn.held_of("AUS") >= POINTS.start).then_some(())).expect("it follows");
    idn.stop();
    aus.stop();
    let acknowledged = acknowledged(&importing.ends("record import"));
    aus.start();
    idn.start();
    assert!(aus.records().0 >= acknowledged, "{acknowledged} acknowledged, {:?} kept", aus.records());
    aus.does(&import);
    assert_eq!(aus.records(), (ROWS, 0));
    scene.arrived(&aus, &idn);
    assert_same_records(&aus, &idn);
}

/// Writes the files of an import and says the command. The records are for everybody.
fn import_of(scene: &Scene) -> String {
    scene.file("map.toml", INCIDENTS_MAP);
    scene.file("rows.csv", &incidents(usize::try_from(ROWS).unwrap(), |_| None));
    format!("record import rows.csv --map map.toml --release-to all --yes {WHY}")
}

/// The same in the background, with its tally to be read when it ends.
fn start(import: &str, node: &Node) -> Started {
    Started::piped(&mut node.command(&format!("{import} --output json")))
}

/// How many rows an import that broke off was told of. Nothing on standard output means none.
fn acknowledged(import: &Output) -> u64 {
    if import.stdout.is_empty() {
        return 0;
    }
    let tally = import.json();
    assert_eq!(tally["rejected"], 0, "{tally}");
    tally["rows"].as_u64().unwrap()
}

/// The keys of the rows that a node's current records came from, and how often each is there.
fn keys_of(node: &Node) -> BTreeMap<String, u32> {
    counted(node, "", |stored| stored["record"]["source_reference"].as_str().unwrap().to_owned())
}

/// The same versions of the same records of `aus`, each once.
#[track_caller]
fn assert_same_records(aus: &Node, other: &Node) {
    let content = |stored: &Value| stored["content_id"].as_str().unwrap().to_owned();
    let ours = counted(aus, "--all-versions --originator AUS", content);
    let theirs = counted(other, "--all-versions --originator AUS", content);
    assert!(ours.values().chain(theirs.values()).all(|times| *times == 1), "something is there twice");
    assert_eq!(ours.len() as u64, ROWS);
    assert!(ours == theirs, "{} holds {} of {}", other.name, theirs.len(), ours.len());
    let keys = keys_of(other);
    assert!((1..=ROWS).all(|n| keys.get(&format!("K-{n}")) == Some(&1)), "a row is missing or there twice");
}

fn counted(node: &Node, which: &str, key: impl Fn(&Value) -> String) -> BTreeMap<String, u32> {
    let mut counted = BTreeMap::new();
    for stored in node.does(&format!("record export {which} {WHY}")).json_lines() {
        *counted.entry(key(&stored)).or_default() += 1;
    }
    counted
}

/// Where to kill: a point of each third of the way, drawn.
fn points() -> [u64; 3] {
    let seed = std::env::var("SELAT_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    say(&format!("SELAT_TEST_SEED={seed} repeats this"));
    let mut draw = fastrand::Rng::with_seed(seed);
    let third = (POINTS.end - POINTS.start) / 3;
    [0, 1, 2].map(|n| POINTS.start + n * third + draw.u64(..third))
}

/// Past the test harness, which keeps what a suite that passes has printed.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "crash: {line}");
}
