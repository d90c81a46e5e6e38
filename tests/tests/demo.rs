//! `selat demo`: what it counts adds up, what it says of a peer that is down and of a refused release is so, what it
//! tells the reader to try works, and Ctrl-C ends it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

use std::fs;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use selat_tests::{Scene, Started, until};
use serde_json::{Value, json};

const BUILT: &str = env!("CARGO_BIN_EXE_selat-under-test");
const RECORDS: u64 = 40;
/// The story is told by then, or it hangs.
const STORY_MAX: Duration = Duration::from_secs(90);
const STOP_MAX: Duration = Duration::from_secs(20);

#[test]
fn result_as_json_adds_up() {
    let scene = Scene::new(BUILT);
    let story = scene.program.run(&format!("demo --once --output json --records {RECORDS}")).ended(0);
    assert_eq!(story.stdout.lines().count(), 1, "one object and nothing else: {}", story.stdout);
    let story = story.json();
    assert_eq!(story["participants"], json!(["AUS", "IDN", "MYS", "NZL", "THA"]));
    assert_eq!(story["records"], 5 * RECORDS);

    let holdings = story["holdings"].as_array().unwrap();
    assert!(holdings.iter().all(|holding| holding["own"] == RECORDS), "{story}");
    let from_peers: u64 = holdings.iter().map(|holding| holding["from_peers"].as_u64().unwrap()).sum();
    assert_eq!(story["followed"], from_peers);
    assert_eq!(story["followed"], story["released"], "whatever was released has arrived, once");
    assert!(
        from_peers > 5 * RECORDS && from_peers < 20 * RECORDS,
        "some records are for all, some for few: {from_peers}"
    );

    assert_search(&story["search"], &[]);
    assert_search(&story["search_with_one_down"], &["NZL"]);
    let refusal = &story["refusal"];
    assert_eq!((&refusal["from"], &refusal["to"], &refusal["rule"]), (&json!("THA"), &json!("MYS"), &json!("F-05")));
    assert!(!refusal["why"].as_str().unwrap().is_empty());
}

#[test]
fn same_seed_makes_the_same_federation_and_another_seed_another() {
    let scene = Scene::new(BUILT);
    let told = |seed: u32| {
        let story = scene.program.run(&format!("demo --once --output json --records 20 --seed {seed}")).ended(0).json();
        (story["released"].clone(), story["search"]["name"].clone(), story["search"]["hits"].clone())
    };
    assert_eq!(told(1), told(1));
    assert_ne!(told(1), told(2));
}

#[test]
fn story_stays_up_until_ctrl_c_and_what_it_says_to_try_works() {
    let scene = Scene::new(BUILT);
    let log = scene.path("story");
    let line = format!("demo --dir kept --records {RECORDS}");
    let mut demo = Started::logged(&mut scene.program.command(&line), &log);
    let told = until(STORY_MAX, || {
        let told = fs::read_to_string(&log).unwrap();
        (told.contains("Ctrl-C stops everything.") || demo.has_ended().is_some()).then_some(told)
    });
    let told = told.expect("the story comes to its end");
    for said in ["NZL  unreachable", "3 of 4 peers answered; the answer may be incomplete", "refused by rule F-05"] {
        assert!(told.contains(said), "{said:?} is not in\n{told}");
    }

    let (_, to_try) = told.split_once("Try from another terminal").unwrap_or_else(|| panic!("{told}"));
    let lines: Vec<&str> = to_try.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert!(lines.iter().filter(|line| !line.starts_with("export ")).count() >= 4, "{to_try}");
    // One shell, as the reader's: -e ends it at the first command that fails, -x says which.
    let tried = Command::new("sh").args(["-exc", &lines.join("\n")]).env_clear().output().unwrap();
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stderr));

    demo.signal(Signal::SIGINT);
    assert_eq!(demo.end_within(STOP_MAX), Some(0), "{}", fs::read_to_string(&log).unwrap());
    for label in ["aus", "idn", "mys", "nzl", "tha"] {
        assert!(scene.path("kept").join(label).join("selat.toml").exists(), "{label} is gone");
    }
    assert_eq!(scene.program.run("demo --once --dir kept").ended(1).stdout, "", "a folder that is there is left alone");
}

#[test]
fn throw_away_federation_is_thrown_away() {
    let scene = Scene::new(BUILT);
    let place = scene.path("t");
    fs::create_dir(&place).unwrap();
    let mut demo = scene.program.command("demo --once --records 5");
    let told = selat_tests::run("demo", demo.env("TMPDIR", &place)).ended(0);
    assert!(told.stdout.contains("Five countries, five nodes"), "{}", told.stdout);
    assert!(told.stdout.contains(place.to_str().unwrap()), "{}", told.stdout);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "it leaves something behind");
    let refused = scene.program.run("demo --output json").ended(2);
    assert!(refused.stderr.starts_with("error[SLT-1602]"), "{}", refused.stderr);
}

/// Everybody asked is named, those in `down` as unreachable, and the sums are those of the outcomes.
#[track_caller]
fn assert_search(search: &Value, down: &[&str]) {
    let outcomes = search["outcomes"].as_array().unwrap();
    let mut peers: Vec<&str> = outcomes.iter().map(|outcome| outcome["peer"].as_str().unwrap()).collect();
    peers.sort_unstable();
    assert_eq!(peers, ["IDN", "MYS", "NZL", "THA"], "{search}");
    for outcome in outcomes {
        let is_down = down.contains(&outcome["peer"].as_str().unwrap());
        let ending = outcome["ending"].as_str().unwrap();
        assert!(if is_down { ending == "unreachable" } else { ["hit", "no_hit"].contains(&ending) }, "{outcome}");
        assert_eq!(ending == "hit", outcome["hits"].as_u64().unwrap() > 0, "{outcome}");
    }
    let hits: u64 = outcomes.iter().map(|outcome| outcome["hits"].as_u64().unwrap()).sum();
    assert!(hits > 0, "the story asks for somebody who is known: {search}");
    assert_eq!((&search["asked"], &search["hits"]), (&json!(4), &json!(hits)));
    assert_eq!(search["answered"], 4 - down.len());
}
