//! Who follows a page of the documentation at a terminal, and fills in what it leaves open: free ports, the words that were
//! heard, the id of a record.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use selat_tests::{Program, Scene, Started, run, until};

const READY_MAX: Duration = Duration::from_secs(30);

/// A reader of one page. What it starts ends with it.
pub struct Reader {
    program: Program,
    serving: Vec<Started>,
    /// The ports of the page and the free ones taken instead.
    ports: Vec<(String, String)>,
    record: Option<String>,
}

impl Reader {
    /// Reads in the folder of `scene`.
    pub fn new(scene: &Scene) -> Self {
        Self { program: scene.program.clone(), serving: Vec::new(), ports: Vec::new(), record: None }
    }

    /// Types a command, without the program's name, at the node in `folder` or at none.
    #[track_caller]
    pub fn run(&mut self, folder: Option<&str>, shown: &str) {
        let line = self.filled_in(folder, shown);
        if verb(&line) == "serve" {
            return self.serve(&line);
        }
        let output = run(&line, &mut self.command(folder, &line));
        // The doctor also tells what is only a warning.
        let output = if verb(&line) == "doctor" && output.code == Some(8) { output } else { output.ended(0) };
        if verb(&line) == "record put" {
            self.record = output.json()["record_id"].as_str().map(str::to_owned);
        }
    }

    fn command(&self, folder: Option<&str>, line: &str) -> std::process::Command {
        let mut command = self.program.command(line);
        if let Some(folder) = folder {
            command.env("SELAT_SOCKET", format!("{folder}/desk.sock"));
            command.env("SELAT_CONFIG", format!("{folder}/selat.toml"));
        }
        command
    }

    #[track_caller]
    fn serve(&mut self, line: &str) {
        let (_, config) = line.split_once("--config ").expect("the page names the configuration");
        let folder = config.split('/').next().unwrap();
        let log = self.program.folder().join(format!("{folder}.log"));
        self.serving.push(Started::logged(&mut self.program.command(line), &log));
        let ready = until(READY_MAX, || {
            (self.program.run(&format!("--socket {folder}/desk.sock status")).code == Some(0)).then_some(())
        });
        assert!(ready.is_some(), "{line}:\n{}", fs::read_to_string(log).unwrap_or_default());
    }

    fn filled_in(&mut self, folder: Option<&str>, shown: &str) -> String {
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
            let (globals, rest) = line.split_once("peer approve ").expect("words are heard when a peer is approved");
            let peer = rest.split(' ').next().unwrap();
            let asked = format!("{globals}peer fingerprint {peer} --output json");
            let shown = run(&asked, &mut self.command(folder, &asked)).ended(0).json();
            let words: Vec<&str> =
                shown["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
            line = line.replace("the twelve words", &words.join(" "));
        }
        if line.contains(" RECORD ") {
            let record = self.record.as_deref().expect("the page puts a record before it names one");
            line = line.replace(" RECORD ", &format!(" {record} "));
        }
        line
    }
}

/// The noun and the verb of a command, or its one word.
pub fn verb(line: &str) -> String {
    let mut words = line.split(' ').skip_while(|word| word.starts_with("--") || word.ends_with(".sock"));
    let first = words.next().unwrap_or_default().to_owned();
    match (first.as_str(), words.next()) {
        ("peer" | "record" | "officer" | "key" | "cert" | "descriptor" | "ceremony", Some(verb)) => {
            format!("{first} {verb}")
        }
        _ => first,
    }
}
