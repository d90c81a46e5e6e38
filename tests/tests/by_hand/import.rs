//! A file of rows through a mapping: tried out, taken in, taken in again, changed, partly wrong.

use std::fs;

use selat_tests::{INCIDENTS_MAP, Node, Scene, WHY, incident, incidents};
use serde_json::{Value, json};

use crate::BUILT;

const ROWS: usize = 300;

#[test]
fn good_rows_go_in_once_and_changed_rows_become_amendments() {
    let scene = Scene::new(BUILT);
    let [aus, idn, mys] = scene.federation(["AUS", "IDN", "MYS"]);
    scene.file("map.toml", INCIDENTS_MAP);
    scene.file("rows.csv", &incidents(ROWS, |_| None));
    let import = format!("record import rows.csv --map map.toml --release-to IDN,MYS {WHY}");

    let dry = aus.json("record import rows.csv --map map.toml --dry-run");
    assert_eq!((&dry["dry_run"], &dry["valid"], &dry["rejected"]), (&json!(true), &json!(ROWS), &json!(0)));
    assert_eq!(aus.records(), (0, 0), "a dry run sends nothing");

    assert_eq!(counts(&aus.json(&import)), [ROWS, 0, 0, 0]);
    assert_eq!(aus.json(&import)["releases"], 0, "nothing is released twice");
    assert_eq!(counts(&aus.json(&import)), [0, 0, ROWS, 0]);

    let change = |n| (n == 17 || n == 170).then(|| incident(n, "as told later"));
    scene.file("rows.csv", &incidents(ROWS, change));
    assert_eq!(counts(&aus.json(&import)), [0, 2, ROWS - 2, 0]);
    let told_later = |stored: &Value| stored["record"]["incident"]["summary"] == "as told later";
    for (node, held) in [(&aus, (ROWS, 0)), (&idn, (0, ROWS)), (&mys, (0, ROWS))] {
        if node.name != "AUS" {
            scene.arrived(&aus, node);
        }
        assert_eq!(node.records(), (held.0 as u64, held.1 as u64), "{}", node.name);
        let listed = node.does(&format!("record export {WHY}")).json_lines();
        assert_eq!(
            (listed.len(), listed.iter().filter(|stored| told_later(stored)).count()),
            (ROWS, 2),
            "{}",
            node.name
        );
    }
    // By the rule of `incident` the rows of March are those of Indonesia whose number is 2 beyond a dozen.
    let march = (1..=ROWS).filter(|n| n % 12 == 2).count();
    for (country, hits) in [("IDN", march), ("MYS", 0)] {
        let asked = format!("--kind incident --country {country} --from 2023-03 --until 2023-03 --limit 200");
        let found = idn.json(&format!("search {asked} --peers AUS {WHY}"));
        assert_eq!(found["summary"]["hits"], hits, "{country}: {found}");
    }
}

#[test]
fn bad_rows_are_reported_with_row_column_value_and_reason() {
    let scene = Scene::new(BUILT);
    let [aus] = scene.found(["AUS"]);
    scene.file("map.toml", INCIDENTS_MAP);
    let change = |n| match n {
        3 => Some("K-3,the day after,Made-up Bay,IDN,1,x".to_owned()),
        5 => Some("K-5,2023-01-01,Made-up Bay,IDN,-4,x".to_owned()),
        7 => Some("K-6,2023-01-01,Made-up Bay,IDN,1,the key of the row before".to_owned()),
        _ => None,
    };
    scene.file("rows.csv", &incidents(10, change));
    let import = format!("record import rows.csv --map map.toml --report rejected.csv {WHY}");
    let tally = aus.run(&format!("{import} --output json")).ended(6).json();
    assert_eq!(counts(&tally), [7, 0, 0, 3], "{tally}");
    let report = fs::read_to_string(scene.path("rejected.csv")).unwrap();
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines[0], "row,column,value,reason");
    for (line, start) in [(1, "4,date,the day after,"), (2, "6,dead,'-4,"), (3, "8,,K-6,")] {
        assert!(lines[line].starts_with(start), "{start:?} not in line {line} of\n{report}");
    }

    scene.file("rows.csv", &incidents(10, |_| None));
    assert_eq!(counts(&aus.json(&import)), [3, 0, 7, 0], "mended rows go in, the others are left alone");
    assert_eq!(aus.records(), (10, 0));
}

#[test]
fn faults_of_a_mapping_are_told_before_anything_is_read() {
    let scene = Scene::new(BUILT);
    let node = Node::init(&scene.program, "AUS");
    let faulty =
        INCIDENTS_MAP.replace("incident.kind = \"landing\"", "incident.kind = \"party\"").replace("dead\"", "deed\"");
    scene.file("map.toml", &faulty);
    scene.file("rows.csv", &incidents(1, |_| None));
    let refused = node.fails("record import rows.csv --map map.toml --dry-run", 2, "SLT-2501");
    for fault in ["line 12, column 17", "party", "did you mean \"dead\""] {
        assert!(refused.stderr.contains(fault), "{fault}: {}", refused.stderr);
    }
}

/// New, amended, unchanged, rejected.
fn counts(tally: &Value) -> [usize; 4] {
    let count = |name: &str| usize::try_from(tally[name].as_u64().unwrap()).unwrap();
    let counts = ["new", "amended", "unchanged", "rejected"].map(count);
    assert_eq!(count("rows"), counts.iter().sum::<usize>(), "{tally}");
    counts
}
