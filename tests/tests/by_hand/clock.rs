//! A node that ran while its clock was ahead: locked out when the clock is right again, until the operator takes it on.

use std::sync::Arc;

use selat_node::accept_time::Reckoning;
use selat_node::clock::OsEntropy;
use selat_record::Timestamp;
use selat_tests::{Node, Scene};

use crate::BUILT;

const SERVE: &str = "serve --config aus/selat.toml";
const ACCEPT: &str = "store accept-time --config aus/selat.toml";
/// No clock is meant to show this for a long time.
const AHEAD_MS: i64 = 4_000_000_000_000;

/// Has the node know the time that a clock far ahead would have shown it.
fn run_ahead(node: &Node) {
    let ahead = Timestamp::from_ms(AHEAD_MS).unwrap();
    let config = node.folder().join("selat.toml");
    let work = async { Reckoning::open(&config, ahead, Arc::new(OsEntropy)).await?.accept().await };
    tokio::runtime::Runtime::new().unwrap().block_on(work).unwrap();
}

#[test]
fn node_whose_clock_was_ahead_starts_again_when_the_operator_accepts_the_time() {
    let scene = Scene::new(BUILT);
    let mut node = Node::init(&scene.program, "AUS");
    node.fails(ACCEPT, 1, "SLT-1201");
    node.start();
    node.fails(ACCEPT, 9, "SLT-1202");
    node.stop();
    let nothing = node.does(ACCEPT).stdout;
    assert!(nothing.contains("there is nothing to accept"), "{nothing}");

    run_ahead(&node);
    let refused = node.fails(SERVE, 8, "SLT-1403").stderr;
    assert!(refused.contains("selat store accept-time"), "{refused}");
    let unasked = node.fails(ACCEPT, 2, "SLT-2205");
    assert!(unasked.stdout.contains("has known: 2096-10-02T07:06:40Z"), "{}", unasked.stdout);
    node.fails(SERVE, 8, "SLT-1403");

    let accepted = node.does(&format!("{ACCEPT} --yes")).stdout;
    assert!(accepted.contains("The node of AUS takes ") && accepted.contains("The clock shows: "), "{accepted}");
    node.start();
    node.stop();
}
