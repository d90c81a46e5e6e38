//! The systemd unit: how exposed it leaves the node, and whether the node gets by with the system calls that it allows.
//!
//! Both need programs that are not everywhere, and say aloud when they are missing. Leaves out a start under systemd, which
//! needs systemd as the first process.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use selat_tests::{Node, Scene, Started, root, until};

/// The program that cargo has built for these suites.
const BUILT: &str = env!("CARGO_BIN_EXE_selat-under-test");
const UNIT: &str = "deploy/systemd/selat.service";
/// Ten times the exposure that the unit may have.
const EXPOSURE_MAX: &str = "--threshold=15";
const PATIENCE: Duration = Duration::from_secs(60);

/// `None`, said aloud, when the program is not installed.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(fault) => {
            eprintln!("SKIPPED: {program}: {fault}");
            None
        }
    }
}

#[test]
fn unit_leaves_the_node_little_exposed() {
    let unit = root().join(UNIT);
    let arguments = ["security", "--offline=true", "--no-pager", EXPOSURE_MAX, unit.to_str().unwrap()];
    let Some(output) = run("systemd-analyze", &arguments) else { return };
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", told.lines().last().unwrap_or_default());
}

/// The calls of a set, with those of the sets in it.
fn calls_of(set: &str) -> Option<BTreeSet<String>> {
    let output = run("systemd-analyze", &["syscall-filter", "--no-pager", set])?;
    let text = String::from_utf8(output.stdout).unwrap();
    let mut calls = BTreeSet::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.starts_with('@') {
            true if line == set => {}
            true => calls.extend(calls_of(line)?),
            false => drop(calls.insert(line.to_owned())),
        }
    }
    Some(calls)
}

/// What the unit's `SystemCallFilter=` lines leave, read as systemd reads them: in their order.
fn allowed() -> Option<BTreeSet<String>> {
    let unit = fs::read_to_string(root().join(UNIT)).unwrap();
    let mut allowed = BTreeSet::new();
    for line in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        let (denied, sets) = line.strip_prefix('~').map_or((false, line), |sets| (true, sets));
        for set in sets.split(' ') {
            let calls = calls_of(set)?;
            if denied {
                allowed.retain(|call| !calls.contains(call));
            } else {
                allowed.extend(calls);
            }
        }
    }
    assert!(allowed.len() > 100, "{allowed:?}");
    Some(allowed)
}

#[test]
fn node_at_work_gets_by_with_the_system_calls_that_the_unit_allows() {
    let Some(allowed) = allowed() else { return };
    if run("strace", &["--version"]).is_none() {
        return;
    }
    let scene = Scene::new(BUILT);
    let aus = Node::init(&scene.program, "AUS");
    let mut traced = Command::new("strace");
    traced.args(["--follow-forks", "--quiet=all", "--summary-only", "--output=calls"]).arg(scene.path("selat"));
    traced.args(["serve", "--config", "aus/selat.toml"]).current_dir(scene.program.folder()).env_clear();
    let mut tracer = Started::logged(&mut traced, &scene.path("log"));
    let ready = until(PATIENCE, || (aus.run("status").code == Some(0)).then_some(()));
    assert!(ready.is_some(), "{}", fs::read_to_string(scene.path("log")).unwrap_or_default());
    aus.does("metrics");
    aus.run("doctor").ended(8);
    aus.does("cert renew");
    aus.does("key rotate record --yes --file aus-2.draft");

    // strace ends with the node, and passes no signal on to it.
    let id = tracer.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let serving = children.split_whitespace().next().and_then(|pid| pid.parse().ok()).unwrap();
    nix::sys::signal::kill(Pid::from_raw(serving), Signal::SIGTERM).unwrap();
    assert_eq!(tracer.end_within(PATIENCE), Some(0));
    let summary = fs::read_to_string(scene.path("calls")).unwrap();
    let names = summary.lines().filter_map(|line| line.split_whitespace().last());
    let made: BTreeSet<_> =
        names.filter(|name| !["syscall", "total"].contains(name) && !name.starts_with('-')).collect();
    assert!(made.len() > 30, "{summary}");
    let refused: Vec<_> = made.into_iter().filter(|call| !allowed.contains(*call)).collect();
    assert!(refused.is_empty(), "the unit refuses {refused:?}");
}
