//! What the workspace takes from others: each with its row in CONTRIBUTING.md, one version of what must be one, one TLS
//! provider, no feature that the design rules out, and licences that the house takes.
//!
//! The lock file says what could be built on any platform, `cargo tree` what is built on this one, with the features
//! that all crates together switch on. `ring` stands in the lock for a feature that nobody switches on, so it is looked
//! for in what is built.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use toml::{Table, Value};

use crate::finding::{Finding, assert_found, assert_tidy};
use crate::licences::{self, EXCEPTIONS};
use crate::manifest::{EVERYTHING, Manifest};
use crate::tree;

/// More than one version of these means two ideas of the same type, or two providers of one thing.
const ONE_VERSION: [&str; 10] = [
    "aws-lc-rs",
    "curve25519-dalek",
    "ed25519-dalek",
    "h2",
    "prost",
    "prost-types",
    "rustls",
    "sled",
    "tokio",
    "tonic",
];

/// Not on any platform.
const NEVER_LOCKED: [(&str, &str); 3] = [
    ("openssl-sys", "the node has one TLS provider, aws-lc-rs"),
    ("openssl", "the node has one TLS provider, aws-lc-rs"),
    ("native-tls", "the node has one TLS provider, aws-lc-rs"),
];

/// Not in what is built.
const NEVER_BUILT: [(&str, &str); 1] =
    [("ring", "the node has one TLS provider, aws-lc-rs: switch ring's feature off")];

/// Features that the design rules out.
const NEVER_ON: [(&str, &str, &str); 8] = [
    ("ed25519-dalek", "batch", "batches give a signature another verdict than it has alone"),
    ("ed25519-dalek", "legacy_compatibility", "it accepts S that is not below L"),
    ("rustls", "tls12", "TLS 1.3 only"),
    ("rustls", "ring", "one TLS provider"),
    ("rcgen", "ring", "one TLS provider"),
    ("tonic", "gzip", "no compression on gRPC"),
    ("tonic", "deflate", "no compression on gRPC"),
    ("tonic", "zstd", "no compression on gRPC"),
];

/// h2 before this grows its memory on empty DATA frames (RUSTSEC-2026-0258).
const H2_LEAST: [u32; 3] = [0, 4, 16];
/// Later ones are rewrites that were never released as stable; the store's tests know this one's ways of failing.
const SLED: &str = "0.34.7";

#[test]
fn every_dependency_has_its_row_and_its_use() {
    let taken = taken_by_the_workspace();
    let used: BTreeSet<String> = Manifest::all()
        .iter()
        .flat_map(|member| member.named_under(&EVERYTHING).map(|(name, _)| name.to_owned()).collect::<Vec<_>>())
        .collect();
    assert_tidy(&review_rows(&taken, &used, &rows(&tree::read("CONTRIBUTING.md"))));
}

#[test]
fn lock_file_holds_one_of_each_and_nothing_banned() {
    let pinned = taken_by_the_workspace().get("sled").and_then(version_of).unwrap_or_default();
    assert_eq!(pinned, format!("={SLED}"), "Cargo.toml has to pin sled exactly");
    assert_tidy(&review_lock(&tree::read("Cargo.lock")));
}

#[test]
fn what_is_built_has_taken_licences_one_tls_provider_and_no_feature_ruled_out() {
    let built = built();
    assert!(built.iter().any(|package| package.name == "rustls"), "cargo tree lists nothing: {}", built.len());
    assert_tidy(&review_built(&built, &rows(&tree::read("CONTRIBUTING.md"))));
    let deny = tree::read("deny.toml");
    let untold = EXCEPTIONS.iter().filter(|(licence, _)| !deny.contains(&format!("\"{licence}\"")));
    let mend = "allow in deny.toml the licences that tidy takes";
    assert_tidy(
        &untold.map(|(licence, _)| Finding::new("deny.toml", format!("lacks {licence}"), mend)).collect::<Vec<_>>(),
    );
}

/// What `[workspace.dependencies]` takes from a registry.
fn taken_by_the_workspace() -> BTreeMap<String, Value> {
    let root: Table = tree::read("Cargo.toml").parse().expect("cargo has read the root manifest before this test ran");
    let dependencies = root.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let dependencies = dependencies.and_then(Value::as_table).cloned().unwrap_or_default();
    dependencies.into_iter().filter(|(_, value)| value.get("path").is_none()).collect()
}

fn version_of(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value.get("version")?.as_str()).map(str::to_owned)
}

/// The dependency table: name to licence. A row without its four cells counts as missing.
fn rows(contributing: &str) -> BTreeMap<String, String> {
    let section = contributing.split("\n## ").find(|section| section.starts_with("Dependencies\n")).unwrap_or_default();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let split = cells.map(|row| row.split(" | ").map(str::trim).collect::<Vec<_>>());
    let row = |cells: Vec<&str>| match cells.as_slice() {
        [name, why, not_ours, licence] if ![why, not_ours, licence].iter().any(|cell| cell.is_empty()) => {
            Some((name.trim_end_matches('`').to_owned(), (*licence).to_owned()))
        }
        _ => None,
    };
    split.filter_map(row).collect()
}

fn review_rows(
    taken: &BTreeMap<String, Value>,
    used: &BTreeSet<String>,
    rows: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in taken.keys() {
        if !rows.contains_key(name) {
            let mend = "say in its table what it is for, why not our own, and its licence";
            findings.push(Finding::new("CONTRIBUTING.md", format!("has no row for {name}"), mend));
        }
        if !used.contains(name) {
            findings.push(Finding::new("Cargo.toml", format!("no crate uses {name}"), "take it out"));
        }
    }
    for name in rows.keys().filter(|name| !taken.contains_key(*name)) {
        findings.push(Finding::new("CONTRIBUTING.md", format!("has a row for {name}"), "take it out: nothing uses it"));
    }
    findings
}

fn review_lock(text: &str) -> Vec<Finding> {
    let lock: Table = text.parse().expect("cargo has read the lock file before this test could run");
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let packages = lock.get("package").and_then(Value::as_array).into_iter().flatten();
    for package in packages.filter_map(Value::as_table) {
        let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
        versions.entry(text("name")).or_default().push(text("version"));
    }
    let mut findings = Vec::new();
    let mut find = |what: String, mend: &str| findings.push(Finding::new("Cargo.lock", what, mend));
    for (name, why) in NEVER_LOCKED.iter().filter(|(name, _)| versions.contains_key(name)) {
        find(format!("holds {name}"), why);
    }
    for name in ONE_VERSION {
        let held = versions.get(name).map(Vec::as_slice).unwrap_or_default();
        if held.len() != 1 {
            find(format!("holds {name} in versions {held:?}"), "take dependencies that agree on one");
        }
    }
    for version in versions.get("h2").into_iter().flatten().filter(|version| numbers(version) < H2_LEAST) {
        find(format!("holds h2 {version}"), "h2 is at least 0.4.16 (RUSTSEC-2026-0258)");
    }
    if versions.get("sled").is_some_and(|held| held.iter().any(|version| *version != SLED)) {
        find("holds another sled".to_owned(), "sled is exactly 0.34.7");
    }
    findings
}

/// Major, minor and patch; what is no number counts as 0, so it is found.
fn numbers(version: &str) -> [u32; 3] {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

/// A package as `cargo tree` prints it.
struct Built {
    name: String,
    licence: String,
    features: Vec<String>,
}

/// Everything that is built on this platform for the workspace and its tests.
fn built() -> Vec<Built> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--offline", "--locked", "--prefix", "none", "--edges", "normal,build,dev"])
        .args(["--format", "{p}|{l}|{f}"])
        .current_dir(tree::root())
        .output()
        .expect("cargo, which runs this test, can be run");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree: {told}");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| line.trim_end_matches(" (*)")).filter_map(parse_built).collect()
}

fn parse_built(line: &str) -> Option<Built> {
    let mut parts = line.split('|');
    let name = parts.next()?.split(' ').next()?.to_owned();
    let licence = parts.next()?.to_owned();
    let features = parts.next()?.split(',').map(str::to_owned).collect();
    Some(Built { name, licence, features })
}

fn review_built(built: &[Built], rows: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = BTreeMap::new();
    let mut find = |at: &str, what: String, mend: &str| findings.insert(what.clone(), Finding::new(at, what, mend));
    for Built { name, licence, features } in built {
        if !licences::is_taken(licence) {
            find("Cargo.lock", format!("{name} is under {licence:?}"), "take another crate, or record an exception");
        }
        if let Some((_, why)) = NEVER_BUILT.iter().find(|(banned, _)| banned == name) {
            find("Cargo.lock", format!("{name} is built"), why);
        }
        for (_, feature, why) in NEVER_ON.iter().filter(|(of, ..)| of == name) {
            if features.iter().any(|on| on == feature) {
                find("Cargo.toml", format!("{name} is built with {feature}"), why);
            }
        }
        if let Some(told) = rows.get(name).filter(|told| **told != licence.replace('/', " OR ")) {
            let what = format!("says that {name} is under {told}");
            find("CONTRIBUTING.md", what, &format!("its manifest says {licence}"));
        }
    }
    findings.into_values().collect()
}

#[test]
fn row_that_is_missing_stale_or_half_is_found() {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let taken = |list| names(list).into_iter().map(|name| (name, Value::from("1"))).collect::<BTreeMap<_, _>>();
    let table =
        "# House\n\n## Dependencies\n\n| `uuid` | ids | a standard | MIT |\n| `half` | ids |  | MIT |\n\n## Next\n";
    let told = rows(table);

    assert_tidy(&review_rows(&taken(&["uuid"]), &names(&["uuid"]), &told));
    assert_found(&review_rows(&taken(&["uuid"]), &names(&[]), &told), "no crate uses uuid");
    assert_found(&review_rows(&taken(&[]), &names(&[]), &told), "has a row for uuid");
    assert_found(&review_rows(&taken(&["uuid", "half"]), &names(&["uuid", "half"]), &told), "has no row for half");
}

#[test]
fn lock_that_breaks_one_rule_is_found() {
    let package = |name: &str, version: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
    let version = |name: &str| match name {
        "h2" => "0.4.16",
        "sled" => SLED,
        _ => "1.0.0",
    };
    let good: String = ONE_VERSION.iter().map(|name| package(name, version(name))).collect();
    assert_tidy(&review_lock(&good));
    assert_found(&review_lock(&(good.clone() + &package("openssl-sys", "0.9.1"))), "holds openssl-sys");
    assert_found(&review_lock(&(good.clone() + &package("tonic", "0.10.2"))), "holds tonic in versions");
    assert_found(&review_lock(&good.replace("0.4.16", "0.4.15")), "holds h2 0.4.15");
    assert_found(&review_lock(&good.replace(SLED, "1.0.0")), "holds another sled");
    assert_found(&review_lock(&good.replace("rustls", "rust")), "holds rustls in versions []");
}

#[test]
fn package_that_breaks_one_rule_is_found() {
    let told = BTreeMap::from([("uuid".to_owned(), "MIT".to_owned())]);
    let review = |line: &str| review_built(&parse_built(line).into_iter().collect::<Vec<_>>(), &told);
    assert_tidy(&review("uuid v1.0.0|MIT|std"));
    assert_tidy(&review("rustls v0.23.46|Apache-2.0 OR ISC OR MIT|aws_lc_rs,std"));
    assert_found(&review("uuid v1.0.0|ISC|std"), "says that uuid is under MIT");
    assert_found(&review("gpl v1.0.0|GPL-3.0-only|"), "gpl is under \"GPL-3.0-only\"");
    assert_found(&review("ring v0.17.14|Apache-2.0 AND ISC|"), "ring is built");
    assert_found(&review("rustls v0.23.46|MIT|std,tls12"), "rustls is built with tls12");
    assert_found(&review("ed25519-dalek v2.2.0|MIT|batch"), "ed25519-dalek is built with batch");
}
