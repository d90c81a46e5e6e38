//! The manifests of the workspace, and the rules that each of them keeps by itself.

use toml::{Table, Value};

use crate::finding::{Finding, assert_found, assert_tidy};
use crate::tree;

/// Says nothing about what a crate does, so everything ends up there.
const NO_NAMES: [&str; 6] = ["common", "core", "util", "utils", "types", "helpers"];

/// One member of the workspace.
pub struct Manifest {
    /// Its path from the root.
    pub path: String,
    /// The last part of its folder.
    pub folder: String,
    table: Table,
}

impl Manifest {
    /// Every member, `tests` included.
    pub fn all() -> Vec<Self> {
        let mut folders: Vec<String> = tree::entries("crates").iter().map(|name| format!("crates/{name}")).collect();
        folders.push("tests".to_owned());
        let paths = folders.iter().map(|folder| format!("{folder}/Cargo.toml")).filter(|path| tree::holds(path));
        paths.map(|path| Self::parse(&path, &tree::read(&path))).collect()
    }

    /// The name of its package.
    pub fn package(&self) -> &str {
        self.table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str).unwrap_or_default()
    }

    /// What it names under `sections`, on any platform, with the value beside the name.
    pub fn named_under<'a>(&'a self, sections: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let platforms = self.table.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
        let tables = std::iter::once(&self.table).chain(platforms.filter_map(Value::as_table));
        let found = tables.flat_map(|table| sections.iter().filter_map(|section| table.get(*section)?.as_table()));
        found.flatten().map(|(name, value)| (name.as_str(), value))
    }

    fn parse(path: &str, text: &str) -> Self {
        let folder = path.trim_end_matches("/Cargo.toml").rsplit('/').next().unwrap_or_default().to_owned();
        let table = text.parse().expect("cargo has read this manifest before this test could run");
        Self { path: path.to_owned(), folder, table }
    }
}

/// What a crate needs to be built.
pub const BUILT_WITH: [&str; 2] = ["dependencies", "build-dependencies"];
/// The same and what its tests need.
pub const EVERYTHING: [&str; 3] = ["dependencies", "build-dependencies", "dev-dependencies"];

#[test]
fn every_manifest_is_named_for_its_job_and_inherits_from_the_workspace() {
    assert_tidy(&Manifest::all().iter().flat_map(review).collect::<Vec<_>>());
}

fn review(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |what: String, mend: &str| findings.push(Finding::new(&manifest.path, what, mend));

    let folder = &manifest.folder;
    if NO_NAMES.contains(&folder.as_str()) {
        find(format!("a crate is called {folder}"), "name it for its job, or move its parts to the crates that do it");
    }
    let expected = if folder == "selat" { folder.clone() } else { format!("selat-{folder}") };
    if manifest.package() != expected {
        find(format!("package {:?} lies in folder {folder:?}", manifest.package()), "a package is selat-<folder>");
    }
    if manifest.table.get("lints") != Some(&workspace_true()) {
        find("does not inherit the lints".to_owned(), "add [lints] with workspace = true");
    }
    for (name, value) in manifest.named_under(&EVERYTHING) {
        if value.get("workspace") != Some(&Value::Boolean(true)) {
            find(format!("{name} has a version or path of its own"), "give it in the root and write .workspace = true");
        }
    }
    findings
}

fn workspace_true() -> Value {
    Value::Table(Table::from_iter([("workspace".to_owned(), Value::Boolean(true))]))
}

const GOOD: &str =
    "[package]\nname = 'selat-record'\n[dependencies]\nuuid.workspace = true\n[lints]\nworkspace = true\n";

#[test]
fn manifest_that_breaks_one_rule_is_found() {
    let review_at = |path: &str, text: &str| review(&Manifest::parse(path, text));
    assert_tidy(&review_at("crates/record/Cargo.toml", GOOD));

    assert_found(&review_at("crates/ledger/Cargo.toml", GOOD), "lies in folder \"ledger\"");
    assert_found(
        &review_at("crates/utils/Cargo.toml", &GOOD.replace("selat-record", "selat-utils")),
        "a crate is called utils",
    );
    for (from, to, what) in [
        ("[lints]\nworkspace = true\n", "", "does not inherit the lints"),
        ("workspace = true\n[lints]", "version = '1'\n[lints]", "uuid has a version or path of its own"),
        (
            "[dependencies]\nuuid.workspace",
            "[target.'cfg(unix)'.dependencies]\nuuid.path",
            "uuid has a version or path",
        ),
        ("[dependencies]\nuuid.workspace = true", "[dev-dependencies]\nuuid = '1'", "uuid has a version or path"),
    ] {
        let text = GOOD.replace(from, to).replace("uuid.path = true", "uuid.path = '.'");
        assert_found(&review_at("crates/record/Cargo.toml", &text), what);
    }
}
