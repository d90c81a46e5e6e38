//! The shipped mappings on the real files, through real nodes: everything goes in, arrives with both peers and is found
//! from a fourth node, and the rate is stated.
//!
//! The files lie in `$SELAT_SHARED`, or in `shared` beside the repository; they are not ours to ship. Where they are not,
//! each suite says so past the harness. What has to be found is counted from the files by the suites themselves.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use selat_tests::{Node, Output, Scene, WHY, root};
use serde_json::{Value, json};

const BUILT: &str = env!("CARGO_BIN_EXE_selat-under-test");
/// The columns of counts that the mapping reads.
const COUNTS: [&str; 6] = ["No. dead", "No. missing", "No. survivors", "No. Female", "No. Male", "No. minors"];
/// Most records that come with one search.
const FETCH_MAX: usize = 16;

type Row = BTreeMap<String, String>;

#[test]
fn incidents_go_in_reach_every_peer_and_are_found_from_a_fourth_node() {
    let Some(file) = real("migrants/iom_europe.csv") else { return };
    let rows: Vec<Row> = csv::Reader::from_path(&file).unwrap().deserialize().map(Result::unwrap).collect();
    let good: Vec<&Row> = rows.iter().filter(|row| COUNTS.iter().all(|count| !row[*count].starts_with('-'))).collect();
    let bad = rows.len() - good.len();

    let scene = Scene::new(BUILT);
    let [aus, idn, mys, nzl] = scene.federation(["AUS", "IDN", "MYS", "NZL"]);
    let import = import_of(&file, "iom-missing-migrants.toml");
    let dry = import_all(&aus, &format!("{import} --dry-run")).json();
    assert_eq!((&dry["valid"], &dry["rejected"]), (&json!(good.len()), &json!(bad)), "{dry}");

    let release = format!("{import} --release-to all --yes {WHY}");
    let tally = import_all(&aus, &release).json();
    tell("incidents", &tally);
    assert_eq!(
        (&tally["new"], &tally["rejected"], &tally["releases"]),
        (&json!(good.len()), &json!(bad), &json!(3 * good.len()))
    );
    let all = u64::try_from(good.len()).unwrap();
    assert_eq!(aus.records(), (all, 0));
    for peer in [&idn, &mys, &nzl] {
        scene.arrived(&aus, peer);
        assert_eq!(peer.records(), (0, all), "{}", peer.name);
    }
    let again = import_all(&aus, &release).json();
    assert_eq!((&again["new"], &again["amended"], &again["unchanged"]), (&json!(0), &json!(0), &json!(good.len())));

    for (name, code, month) in [("Libya", "LBY", "2021-03"), ("Tunisia", "TUN", "2023-04"), ("Malta", "MLT", "2014-09")]
    {
        let there = |row: &&&Row| row["incident_date_clean"].starts_with(month);
        let wanted = good.iter().filter(there).filter(|row| is_about(row, name)).count();
        assert!(wanted > 0, "the file has changed: nothing in {name} in {month}");
        let find =
            format!("search --kind incident --country {code} --from {month} --until {month} --limit 200 --peers AUS");
        let found = nzl.json(&format!("{find} --fetch {WHY}"));
        assert_eq!(found["summary"]["hits"], wanted, "{name} in {month}");
        let records = found["outcomes"][0]["records"].as_array().unwrap();
        assert_eq!(records.len(), wanted.min(FETCH_MAX), "{name} in {month}");
        assert_eq!(found["outcomes"][0]["truncated"], wanted > FETCH_MAX, "what is left out is said");
        assert!(records.iter().all(|record| record["incident"]["when"]["from"].as_str().unwrap().starts_with(month)));
        say(&format!("{wanted} incidents of {name} in {month} found from a fourth node"));
    }
}

#[test]
fn sanctions_list_becomes_persons_and_conveyances_with_all_their_aliases() {
    let Some(file) = real("sanctions/ofac_sdn.csv") else { return };
    let list = bare(&file);
    let kinds: BTreeMap<&str, &str> = list.iter().map(|row| (row[0].as_str(), row[2].trim())).collect();
    let of = |wanted: &str| kinds.values().filter(|kind| **kind == wanted).count();
    let (persons, conveyances) = (of("individual"), of("vessel") + of("aircraft"));
    let in_file = bare(&file.with_file_name("ofac_alt.csv"));
    let in_file = in_file.iter().filter(|row| kinds.get(row[0].as_str()) == Some(&"vessel")).count();
    let vessels = list.iter().filter(|row| row[2].trim() == "vessel");
    let names_of_vessels = in_file + vessels.map(|row| 1 + row[11].matches(".k.a. '").count()).sum::<usize>();

    let scene = Scene::new(BUILT);
    let [aus, idn] = scene.federation(["AUS", "IDN"]);
    let tally = import_all(&aus, &format!("{} --release-to IDN {WHY}", import_of(&file, "ofac-sdn.toml"))).json();
    tell("sanctions", &tally);
    assert_eq!((&tally["new"], &tally["rejected"]), (&json!(persons + conveyances), &json!(0)));
    assert_eq!(tally["skipped"], kinds.len() - persons - conveyances);
    scene.arrived(&aus, &idn);

    let held = |kind: &str| idn.does(&format!("record export --originator AUS --kind {kind} {WHY}")).json_lines();
    assert_eq!(held("person").len(), persons);
    let held = held("conveyance");
    assert_eq!(held.len(), conveyances);
    let is_vessel = |stored: &&Value| stored["record"]["conveyance"]["kind"] == "vessel";
    let names = |stored: &Value| stored["record"]["conveyance"]["names"].as_array().unwrap().len();
    assert_eq!(held.iter().filter(is_vessel).map(names).sum::<usize>(), names_of_vessels);

    // Any of them: no name of the list is written down here.
    let marked = |stored: &&Value| stored["record"]["conveyance"]["imo"].is_string();
    let imo = held.iter().find(marked).unwrap()["record"]["conveyance"]["imo"].as_str().unwrap();
    let found = idn.json(&format!("search 'IMO {imo}' --kind conveyance {WHY}"));
    assert!(found["summary"]["hits"].as_u64().unwrap() >= 1, "{found}");
}

/// Whether the row names the country as that of the incident, or as that of people in it.
fn is_about(row: &Row, country: &str) -> bool {
    let origins = || row["Country of Origin"].split(',').any(|origin| origin.trim() == country);
    row["Country of Incident"] == country || row["Country of Incident"].starts_with(&format!("{country} ")) || origins()
}

/// The rows of a file without a header.
fn bare(file: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(file).unwrap();
    let rows: Vec<Vec<String>> = reader.deserialize().map(Result::unwrap).collect();
    // The last line holds the end mark of DOS files alone.
    rows.into_iter().filter(|row| row.len() > 1).collect()
}

/// Runs an import in which some rows may be bad.
#[track_caller]
fn import_all(node: &Node, import: &str) -> Output {
    let output = node.run(&format!("{import} --output json"));
    assert!(matches!(output.code, Some(0 | 6)), "{output:?}");
    output
}

/// The command that imports `file`, without who may read it and why.
fn import_of(file: &Path, map: &str) -> String {
    let map = root().join("node-config/mappings").join(map);
    format!("record import '{}' --map '{}'", file.display(), map.display())
}

fn tell(what: &str, tally: &Value) {
    say(&format!(
        "{what}: {} rows in {} ms, {} rows/s; {} new, {} rejected, {} skipped, {} releases",
        tally["rows"],
        tally["took_ms"],
        tally["rows_per_second"],
        tally["new"],
        tally["rejected"],
        tally["skipped"],
        tally["releases"]
    ));
}

/// A real file, or `None` after saying that it is not there.
fn real(name: &str) -> Option<PathBuf> {
    let shared = env::var_os("SELAT_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = shared.join("data").join(name);
    match path.canonicalize() {
        Ok(path) => Some(path),
        Err(_) => {
            say(&format!("SKIPPED: {} is not there; SELAT_SHARED names the folder", path.display()));
            None
        }
    }
}

/// Past the test harness, which keeps what a suite that passes has printed.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "real data: {line}");
}
