//! Which crate may use which: the arrows of DESIGN.md section 4, written out. A new arrow is a design change.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, assert_found, assert_tidy};
use crate::manifest::{BUILT_WITH, Manifest};

/// From each crate to those that it may use when it is built. Every crate may also use `record`. What only its tests
/// use is free.
const ARROWS: [(&str, &[&str]); 17] = [
    ("complaint", &[]),
    ("record", &[]),
    ("seal", &[]),
    ("keyring", &["seal"]),
    ("policy", &[]),
    ("matching", &[]),
    ("ledger", &["seal"]),
    ("store", &["seal", "ledger"]),
    ("search", &["matching", "store"]),
    ("interop", &[]),
    ("wire", &["seal", "policy", "matching", "ledger"]),
    ("link", &["seal"]),
    ("exchange", &["seal", "policy", "matching", "ledger", "store", "search"]),
    ("client", &["complaint", "seal", "keyring", "ledger", "matching", "wire", "link", "interop"]),
    (
        "node",
        &[
            "complaint",
            "seal",
            "keyring",
            "policy",
            "matching",
            "ledger",
            "store",
            "search",
            "wire",
            "link",
            "exchange",
        ],
    ),
    ("rehearsal", &["complaint", "client", "exchange", "node", "policy"]),
    ("selat", &["complaint", "client", "node", "rehearsal"]),
];

/// The package of suites may use any crate.
const FREE: &str = "tests";

#[test]
fn every_arrow_between_crates_is_in_the_design() {
    let uses = arrows_of_the_tree();
    let mut findings: Vec<Finding> = uses.iter().flat_map(|(from, to)| review(from, to)).collect();
    for (from, _) in ARROWS {
        if !uses.contains_key(from) {
            findings.push(Finding::new(format!("crates/{from}"), "has arrows but does not exist", "take its row out"));
        }
    }
    assert_tidy(&findings);
}

#[test]
fn client_never_links_the_store() {
    let uses = arrows_of_the_tree();
    let mut reached = BTreeSet::new();
    let mut open = vec!["client".to_owned()];
    while let Some(from) = open.pop() {
        if reached.insert(from.clone()) {
            open.extend(uses.get(&from).into_iter().flatten().cloned());
        }
    }
    assert!(reached.contains("wire"), "the client talks to the node, so it must reach wire: {reached:?}");
    assert!(!reached.contains("store"), "client reaches store: commands that need the store belong to node");
}

/// The crates of the workspace that each member is built with, by folder.
fn arrows_of_the_tree() -> BTreeMap<String, Vec<String>> {
    let members = Manifest::all();
    let folder_of = |package: &str| members.iter().find(|member| member.package() == package);
    let used_by = |member: &Manifest| {
        let named = member.named_under(&BUILT_WITH);
        named.filter_map(|(package, _)| folder_of(package)).map(|used| used.folder.clone()).collect()
    };
    members.iter().map(|member| (member.folder.clone(), used_by(member))).collect()
}

fn review(from: &str, to: &[String]) -> Vec<Finding> {
    let at = format!("crates/{from}/Cargo.toml");
    if from == FREE {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == from) else {
        return vec![Finding::new(at, "the crate is not in the design", "add its row to ARROWS and to DESIGN.md")];
    };
    let refused = to.iter().filter(|used| *used != "record" && !allowed.contains(&used.as_str()));
    let found = refused.map(|used| {
        let mend = "move the code to where the arrows allow it; a new arrow is a design change";
        Finding::new(&at, format!("{from} uses {used}"), mend)
    });
    found.collect()
}

#[test]
fn arrow_that_is_not_in_the_design_is_found() {
    let to = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_tidy(&review("ledger", &to(&["record", "seal"])));
    assert_tidy(&review("tests", &to(&["node", "store"])));
    assert_found(&review("policy", &to(&["record", "store"])), "policy uses store");
    assert_found(&review("exchange", &to(&["store", "wire"])), "exchange uses wire");
    assert_found(&review("client", &to(&["link", "node"])), "client uses node");
    assert_found(&review("shed", &[]), "not in the design");
}
