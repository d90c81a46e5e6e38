//! What lies where: the top level, the files that a newcomer looks for, and settings that must not get lost.

use toml::{Table, Value};

use crate::finding::{Finding, assert_found, assert_tidy};
use crate::tree;

/// The whole top level.
const TOP: [&str; 18] = [
    ".ci",
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "crates",
    "deny.toml",
    "deploy",
    "node-config",
    "proto",
    "rustfmt.toml",
    "tests",
];
/// What a build, git, cargo's local settings and editors leave there; no part of the repository.
const COME_AND_GO: [&str; 6] = ["target", ".git", ".cargo", ".idea", ".vscode", ".DS_Store"];

/// What has to be there for a newcomer and for a packager.
const NEEDED: [&str; 9] = [
    ".ci/run",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "LICENSE",
    "README.md",
    "deploy",
    "node-config",
    "proto/vectors",
];

/// Calls that `clippy.toml` has to ban wherever they can be reached.
const BANNED_CALLS: [&str; 4] = [
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "tokio::time::Instant::now",
    concat!("ed25519_dalek::verify", "_batch"),
];

#[test]
fn top_level_holds_what_the_design_says() {
    let top = tree::entries(".");
    let strangers = top.iter().filter(|name| ![&TOP[..], &COME_AND_GO].concat().contains(&name.as_str()));
    let mend = "move it to where it belongs; a new entry is a design change";
    let strangers = strangers.map(|name| Finding::new(name, "does not belong on the top level", mend));
    let missing = NEEDED.into_iter().filter(|path| !tree::holds(path));
    let missing = missing.map(|path| Finding::new(path, "is missing", "write it"));
    assert_tidy(&strangers.chain(missing).collect::<Vec<_>>());
}

#[test]
fn every_sample_configuration_is_toml() {
    let samples = tree::files("node-config", ".toml");
    assert!(!samples.is_empty(), "node-config holds no sample");
    let faults = samples.iter().filter_map(|path| Some((path, tree::read(path).parse::<Table>().err()?)));
    assert_tidy(
        &faults.map(|(path, fault)| Finding::new(path, fault.to_string(), "mend the TOML")).collect::<Vec<_>>(),
    );
}

#[test]
fn workspace_keeps_its_lints_its_profiles_and_its_default_member() {
    assert_tidy(&review_workspace(&tree::read("Cargo.toml")));
    assert_tidy(&review_bans(&tree::read("clippy.toml")));
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    assert_tidy(&review_commands(&tree::read("README.md"), &tree::read(".ci/run")));
}

fn review_workspace(text: &str) -> Vec<Finding> {
    let manifest = Value::Table(text.parse().expect("cargo has read the root manifest before this test could run"));
    let at = |path: &[&str]| path.iter().try_fold(&manifest, |value, key| value.get(*key)).and_then(Value::as_str);
    let mut findings = Vec::new();
    for (lint, levels) in [
        (["rust", "unsafe_code"], &["forbid"][..]),
        (["clippy", "unwrap_used"], &["warn", "deny"]),
        (["clippy", "indexing_slicing"], &["warn", "deny"]),
        (["clippy", "panic"], &["warn", "deny"]),
        (["clippy", "disallowed_methods"], &["deny"]),
    ] {
        let [tool, name] = lint;
        if !at(&["workspace", "lints", tool, name]).is_some_and(|level| levels.contains(&level)) {
            findings.push(Finding::new("Cargo.toml", format!("lint {name} is not at {levels:?}"), "set it again"));
        }
    }
    // sled can panic on a damaged file; a process that unwinds turns that into an error, one that aborts is gone.
    let profiles = manifest.get("profile").and_then(Value::as_table).into_iter().flatten();
    for (name, _) in profiles.filter(|(_, profile)| profile.get("panic").and_then(Value::as_str) == Some("abort")) {
        findings.push(Finding::new("Cargo.toml", format!("profile {name} aborts on panic"), "let it unwind"));
    }
    let default = manifest.get("workspace").and_then(|workspace| workspace.get("default-members"));
    if default != Some(&Value::Array(vec!["crates/selat".into()])) {
        let mend = "make crates/selat the one default member, so that cargo run needs no -p";
        findings.push(Finding::new("Cargo.toml", "the program is not the default member", mend));
    }
    findings
}

fn review_bans(text: &str) -> Vec<Finding> {
    let settings: Table = text.parse().expect("clippy.toml is TOML: clippy reads it");
    let bans = settings.get("disallowed-methods").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text_of = |ban: &Value, key: &str| ban.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let missing = BANNED_CALLS.into_iter().filter(|call| !bans.iter().any(|ban| text_of(ban, "path") == *call));
    let missing = missing.map(|call| Finding::new("clippy.toml", format!("{call} is not banned"), "ban it again"));
    let mute = bans.iter().filter(|ban| text_of(ban, "reason").is_empty());
    let mute = mute.map(|ban| Finding::new("clippy.toml", format!("{ban} has no reason"), "say why it is banned"));
    missing.chain(mute).collect()
}

/// The README promises newcomers one test command; the gate runs that one, so the promise is kept.
fn review_commands(readme: &str, ci: &str) -> Vec<Finding> {
    let Some(command) = readme.lines().map(str::trim).find(|line| line.starts_with("cargo test")) else {
        return vec![Finding::new("README.md", "shows no line that begins with cargo test", "show the test command")];
    };
    if ci.lines().any(|line| line.split_once(command).is_some_and(|(before, _)| !before.contains('#'))) {
        return Vec::new();
    }
    vec![Finding::new(".ci/run", format!("does not run {command:?} as README.md shows it"), "make the two agree")]
}

#[test]
fn lost_setting_is_found() {
    let root = tree::read("Cargo.toml");
    for (from, to, what) in [
        ("unsafe_code = \"forbid\"", "", "lint unsafe_code"),
        ("unwrap_used = \"warn\"", "unwrap_used = \"allow\"", "lint unwrap_used"),
        ("panic = \"unwind\"", "panic = \"abort\"", "profile release aborts"),
        ("default-members = [\"crates/selat\"]", "", "not the default member"),
    ] {
        assert_found(&review_workspace(&root.replace(from, to)), what);
    }

    let clippy = tree::read("clippy.toml");
    assert_found(&review_bans(&clippy.replace("_batch", "")), "_batch is not banned");
    let mute = "\ndisallowed-methods = [{ path = \"a::b\", reason = \"\" }]";
    let bans = review_bans(mute);
    assert_eq!(bans.len(), BANNED_CALLS.len() + 1, "each lost ban and the mute one: {bans:?}");
}

#[test]
fn gate_that_runs_other_tests_than_the_readme_is_found() {
    let readme = "```\ncargo test --workspace\n```\n";
    assert_tidy(&review_commands(readme, "step cargo test --workspace --locked\n"));
    assert_found(&review_commands(readme, "# cargo test --workspace\ncargo test -p selat\n"), "does not run");
    assert_found(&review_commands("no command\n", "cargo test --workspace\n"), "shows no line");
}
