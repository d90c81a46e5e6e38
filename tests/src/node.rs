//! One participant's node: a process that is made by `init`, started by `serve` and asked through its socket.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::program::{Output, Program, Started, run};
use crate::wait::until;

/// A node that is not ready by then never will be.
const READY_MAX: Duration = Duration::from_secs(30);
/// A node that has not stopped in order by then hangs.
const STOP_MAX: Duration = Duration::from_secs(15);

/// A node and the commands of the people who work with it.
pub struct Node {
    /// Whose it is: `AUS`.
    pub name: &'static str,
    program: Program,
    serving: Option<Started>,
}

impl Node {
    /// Makes a node in a folder of its own within the program's. It does not run yet.
    pub fn init(program: &Program, name: &'static str) -> Self {
        Self::init_with(program, name, "")
    }

    /// The same with `more` words for `init`.
    pub fn init_with(program: &Program, name: &'static str, more: &str) -> Self {
        // Nobody else is likely to take the port between this and the node's start.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has a free port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let label = name.to_lowercase();
        let made = program.run(&format!(
            "init {label} --participant {name} --federation trial --unit 'Test Unit of {name}' \
             --listen 127.0.0.1:{port} --advertise-host 127.0.0.1 --contact-email duty@{label}.example {more}"
        ));
        made.ended(0);
        Self { name, program: program.clone(), serving: None }
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        self.program.folder().join(self.name.to_lowercase())
    }

    /// Adds keys to sections of its configuration, each as `("exchange", "find_ticks = 40")`; it reads them at its next
    /// start.
    pub fn configure(&self, keys: &[(&str, &str)]) {
        let path = self.folder().join("selat.toml");
        let mut text = fs::read_to_string(&path).expect("init wrote the configuration");
        for (section, key) in keys {
            let header = format!("\n[{section}]\n");
            text = match text.split_once(&header) {
                Some((before, after)) => format!("{before}{header}{key}\n{after}"),
                None => format!("{text}{header}{key}\n"),
            };
        }
        fs::write(&path, text).expect("the scene's own folder can be written");
    }

    /// Starts it and waits until its desk serves the caller.
    #[track_caller]
    pub fn start(&mut self) {
        self.start_until(|code| code == Some(0));
    }

    /// Starts it and waits until its desk replies, if only to refuse the caller.
    #[track_caller]
    pub fn start_refusing(&mut self) {
        self.start_until(|code| code == Some(4));
    }

    #[track_caller]
    fn start_until(&mut self, ready: impl Fn(Option<i32>) -> bool) {
        let serve = format!("serve --config {}/selat.toml", self.name.to_lowercase());
        let (socket, program) = (self.socket(), &self.program);
        let started = Started::logged(&mut program.command(&serve), &self.log_file());
        let serving = self.serving.insert(started);
        let ready = until(READY_MAX, || {
            let replied =
                socket.exists() && ready(run("status", program.command("status").env("SELAT_SOCKET", &socket)).code);
            (replied || serving.has_ended().is_some()).then_some(replied)
        });
        assert_eq!(ready, Some(true), "{} does not serve:\n{}", self.name, self.log());
    }

    /// Ends it as a power failure would.
    pub fn kill(&mut self) {
        // Dropping kills with SIGKILL and waits.
        assert!(self.serving.take().is_some(), "{} does not run", self.name);
    }

    /// Ends it as the system does and expects an orderly end.
    #[track_caller]
    pub fn stop(&mut self) {
        let mut serving = self.serving.take().unwrap_or_else(|| panic!("{} does not run", self.name));
        serving.signal(Signal::SIGTERM);
        assert_eq!(serving.end_within(STOP_MAX), Some(0), "{} did not stop in order:\n{}", self.name, self.log());
    }

    /// A command to this node.
    pub fn command(&self, line: &str) -> Command {
        let mut command = self.program.command(line);
        command.env("SELAT_SOCKET", self.socket());
        command
    }

    /// Runs a command to its end, however it ends.
    pub fn run(&self, line: &str) -> Output {
        run(line, &mut self.command(line))
    }

    /// Runs a command that does as told.
    #[track_caller]
    pub fn does(&self, line: &str) -> Output {
        self.run(line).ended(0)
    }

    /// Runs a command that does as told; its data as one JSON value.
    #[track_caller]
    pub fn json(&self, line: &str) -> Value {
        self.does(&format!("{line} --output json")).json()
    }

    /// Runs a command that ends with `code` and the four lines of error `slt`.
    #[track_caller]
    pub fn fails(&self, line: &str, code: i32, slt: &str) -> Output {
        let output = self.run(line).ended(code);
        let lines: Vec<&str> = output.stderr.lines().collect();
        let at = lines.iter().position(|line| line.starts_with(&format!("error[{slt}]: ")));
        let told = at.and_then(|at| lines.get(at..)).unwrap_or_else(|| panic!("no {slt}: {}", output.stderr));
        for head in ["cause: ", "mend:  ", &format!("more:  selat explain {slt}")] {
            assert!(told.iter().any(|line| line.starts_with(head)), "no {head:?}: {}", output.stderr);
        }
        output
    }

    /// What `selat status` says of a peer.
    #[track_caller]
    pub fn peer(&self, peer: &str) -> Value {
        self.json(&format!("peer show {peer}"))
    }

    /// How many log entries of `peer` it holds.
    #[track_caller]
    pub fn held_of(&self, peer: &str) -> u64 {
        self.peer(peer).pointer("/following/held").and_then(Value::as_u64).unwrap_or_default()
    }

    /// How many records it holds: its own and those of peers.
    #[track_caller]
    pub fn records(&self) -> (u64, u64) {
        let status = self.json("status");
        let count = |which| status.pointer(which).and_then(Value::as_u64).unwrap_or_default();
        (count("/records/own"), count("/records/peers"))
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder().with_extension("log")
    }

    /// The socket of its desk.
    pub fn socket(&self) -> PathBuf {
        Path::new(&self.folder()).join("desk.sock")
    }
}
