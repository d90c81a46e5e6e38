//! The walk that both suites of turning keys take: five nodes under steady work, one of which turns every key it has.
//!
//! The work has a steady pace, and answers leave after two seconds instead of a fifth of one: beside other suites on a small
//! machine a node would else say that it is busy, which is right and not what is tried here. The figures are printed, not
//! judged.

use std::io::{self, Write as _};
use std::time::Duration;

use selat_node::clock::{Clock as _, SystemClock};
use selat_tests::{Account, Load, Node, Scene, WHY, key_in_use, until};

/// Every key is turned while at least so many records are put and searches made between two turns.
const BETWEEN: (u64, u64) = (20, 10);
/// For the configuration of each node. Drafts follow each other at once, and answers have time.
pub const SETTINGS: [(&str, &str); 2] = [("keys", "overlap_hours = 0"), ("exchange", "find_ticks = 200")];
/// Work that has not been done by then stands still.
const WORK_MAX: Duration = Duration::from_secs(120);

/// Turns every key of the first of `nodes`; no call fails, nothing is lost, and what was signed before still verifies.
pub fn turn_every_key(scene: &Scene, nodes: &[Node; 5]) {
    let aus = &nodes[0];
    let first = ["record", "query", "log", "tls-ca"].map(|purpose| key_in_use(aus, purpose));

    let load = Load::on(&nodes.iter().collect::<Vec<_>>());
    work_on(&load);
    for purpose in ["record", "query", "log", "tls-ca"] {
        timed(&format!("turned {purpose}"), || scene.turn_key(aus, purpose));
        work_on(&load);
    }
    timed("turned the roots", || scene.turn_roots(aus, "aus-roots"));
    work_on(&load);
    let account = load.end();

    tell(&account);
    assert_eq!(account.faults, Vec::<String>::new(), "calls that did not go as they should");
    let now = ["record", "query", "log", "tls-ca"].map(|purpose| key_in_use(aus, purpose));
    assert!(first.iter().zip(&now).all(|(before, after)| before != after), "{first:?} {now:?}");
    all_is_there(scene, nodes, &account);
}

/// Each node holds every record of each other one, and nothing went to quarantine.
fn all_is_there(scene: &Scene, nodes: &[Node], account: &Account) {
    let all: u64 = account.puts.iter().map(|(_, put)| put).sum();
    for to in nodes {
        for from in nodes.iter().filter(|from| from.name != to.name) {
            scene.arrived(from, to);
        }
        let own = account.puts.iter().find(|(name, _)| name == to.name).map_or(0, |(_, put)| *put);
        assert_eq!(to.records(), (own, all - own), "records at {}", to.name);
        assert_eq!(to.json("record quarantine")["quarantined"].as_array().unwrap().len(), 0, "{}", to.name);
        // An export verifies each envelope before it hands it out.
        let exported = to.does(&format!("record list --limit 0 {WHY} --output jsonl")).json_lines();
        assert_eq!(exported.len() as u64, all, "{} gives every record", to.name);
    }
}

/// Waits until some more work has been done.
fn work_on(load: &Load) {
    let (puts, searches) = load.done();
    let enough = |done: &(u64, u64)| done.0 >= puts + BETWEEN.0 && done.1 >= searches + BETWEEN.1;
    until(WORK_MAX, || Some(load.done()).filter(enough)).expect("the work goes on");
}

fn timed(what: &str, does: impl FnOnce()) {
    let clock = SystemClock::start();
    does();
    say(&format!("{what} in {} ms", clock.monotonic_ms()));
}

fn tell(account: &Account) {
    let puts: u64 = account.puts.iter().map(|(_, put)| put).sum();
    let seconds = account.lasted.as_secs_f64();
    say(&format!(
        "in {seconds:.1} s: {puts} records put ({:.1}/s), {} releases, {} searches ({:.1}/s), {} answers of peers, {} faults",
        puts as f64 / seconds,
        account.releases,
        account.searches,
        account.searches as f64 / seconds,
        account.answers,
        account.faults.len()
    ));
}

/// Said though the suite passes: cargo shows what goes to standard error directly.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "rotation: {line}");
}
