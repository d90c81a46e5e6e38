//! The commands of the README, as they stand there and in their order, run by a shell that knows what README leaves open:
//! free ports, the words that were heard, the id of the record, the file of rows.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::time::Duration;

use selat_tests::{Program, Scene, Started, person, root, run, until};
use serde_json::json;

use crate::BUILT;

const READY_MAX: Duration = Duration::from_secs(30);
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
    let mut reader = Reader { program: scene.program.clone(), serving: Vec::new(), ports: Vec::new(), record: None };
    let commands = commands();
    commands.iter().for_each(|command| reader.run(command));
    let verbs: BTreeSet<String> = commands.iter().map(|command| verb(command)).collect();
    for wanted in ["init", "serve", "peer invite", "peer approve", "peer ping", "record import", "record put", "search"]
    {
        assert!(verbs.contains(wanted), "the README shows no {wanted}: {verbs:?}");
    }
}

/// Who follows the README at a terminal.
struct Reader {
    program: Program,
    serving: Vec<Started>,
    /// The ports of the README and the free ones taken instead.
    ports: Vec<(String, String)>,
    record: Option<String>,
}

impl Reader {
    fn run(&mut self, shown: &str) {
        let line = self.filled_in(shown);
        if verb(&line) == "serve" {
            return self.serve(&line);
        }
        let output = run(&line, &mut self.program.command(&line)).ended(0);
        if verb(&line) == "record put" {
            self.record = output.json()["record_id"].as_str().map(str::to_owned);
        }
    }

    fn serve(&mut self, line: &str) {
        let (_, config) = line.split_once("--config ").expect("the README names the configuration");
        let folder = config.split('/').next().unwrap();
        let log = self.program.folder().join(format!("{folder}.log"));
        self.serving.push(Started::logged(&mut self.program.command(line), &log));
        let ready = until(READY_MAX, || {
            (self.program.run(&format!("--socket {folder}/desk.sock status")).code == Some(0)).then_some(())
        });
        assert!(ready.is_some(), "{line}:\n{}", fs::read_to_string(log).unwrap_or_default());
    }

    fn filled_in(&mut self, shown: &str) -> String {
        let mut line = shown.to_owned();
        if let Some((_, port)) = shown.split_once("--listen 127.0.0.1:") {
            let port = port.split(' ').next().unwrap().to_owned();
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
            self.ports.push((port, free));
        }
        for (port, free) in &self.ports {
            line = line.replace(&format!(":{port}"), &format!(":{free}"));
        }
        if line.contains("the twelve words") {
            let mirrored = line.split(" peer approve ").next().unwrap().to_owned();
            let peer = line.split(" peer approve ").nth(1).unwrap().split(' ').next().unwrap();
            let shown = self.program.run(&format!("{mirrored} peer fingerprint {peer} --output json")).ended(0).json();
            let words: Vec<&str> =
                shown["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
            line = line.replace("the twelve words", &words.join(" "));
        }
        if line.contains(" RECORD ") {
            let record = self.record.as_deref().expect("the README puts a record before it names one");
            line = line.replace(" RECORD ", &format!(" {record} "));
        }
        line
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

/// The noun and the verb of a command, or its one word.
fn verb(line: &str) -> String {
    let mut words = line.split(' ').skip_while(|word| word.starts_with("--") || word.ends_with(".sock"));
    let first = words.next().unwrap_or_default().to_owned();
    match (first.as_str(), words.next()) {
        ("peer" | "record" | "officer", Some(verb)) => format!("{first} {verb}"),
        _ => first,
    }
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
