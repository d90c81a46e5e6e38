//! The commands of the README, as they stand there and in their order.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

use selat_tests::{Scene, person, root};
use serde_json::json;

use crate::BUILT;
use crate::reader::{Reader, verb};

/// The layout of the file that README imports, with made-up rows.
const COLUMNS: &str = "Main ID,Incident ID,Incident Type,Region of Incident,Incident date,Incident year,Incident month,\
    No. dead,No. missing,No. dead/missing,No. survivors,No. Female,No. Male,No. minors,Country of Origin,Region of Origin,\
    Cause of death (category),Cause of death (reported),Route,Country of Incident,Location of death,UNSD region,Source,Link,\
    Source Quality,Latitude,Longitude,incident_date_clean,incident_date_raw,incident_date_precision,source_dataset";

#[test]
fn commands_of_the_readme_run_in_their_order() {
    let scene = Scene::new(BUILT);
    symlink(root().join("node-config").canonicalize().unwrap(), scene.path("node-config")).unwrap();
    scene.file("draft.json", &person("Somchai Thongwari", json!("nobody")).to_string());
    scene.file("missing_migrants.csv", &made_up_incidents());
    let mut reader = Reader::new(&scene);
    let commands = commands();
    commands.iter().for_each(|command| reader.run(None, command));
    let verbs: BTreeSet<String> = commands.iter().map(|command| verb(command)).collect();
    for wanted in ["init", "serve", "peer invite", "peer approve", "peer ping", "record import", "record put", "search"]
    {
        assert!(verbs.contains(wanted), "the README shows no {wanted}: {verbs:?}");
    }
}

/// Every line of the README that a reader types after the prompt, without the program's name.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let commands: Vec<String> =
        readme.lines().filter_map(|line| line.strip_prefix("$ selat ")).map(|line| line.trim().to_owned()).collect();
    assert!(commands.len() > 10, "{commands:?}");
    assert!(commands.iter().all(|line| !line.ends_with('\\')), "one command, one line");
    commands
}

/// Three incidents, one of them off Libya in spring 2021.
fn made_up_incidents() -> String {
    let row = |id: &str, country: &str, day: &str| {
        format!(
            "2021.M{id},2021.M{id}.1,Incident,Mediterranean,NA,2021,March,1,2,3,4,NA,NA,NA,Unknown,Unknown,Drowning,\
             Drowning,Central Mediterranean,{country},Off Made-up Bay,Northern Africa,made up,NA,1,32.9,13.2,{day},{day},day,\
             made up\n"
        )
    };
    [
        format!("{COLUMNS}\n"),
        row("1", "Libya", "2021-03-04"),
        row("2", "Italy", "2021-03-05"),
        row("3", "Libya", "2019-01-01"),
    ]
    .concat()
}
