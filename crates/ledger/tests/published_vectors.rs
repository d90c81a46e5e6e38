//! The published Merkle proofs of transparency-dev, each against our expected verdict.
//!
//! The files are not part of this repository. They are looked for in `$SELAT_SHARED/data/crypto`, else beside the
//! repository in `../shared`; where they are missing, the tests say so and check nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stumbles shall fail")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use selat_ledger::{check_consistency, check_inclusion};
use serde_json::Value;

/// All cases of a folder, with their path in it; `None` when the folder is not there.
fn load(folder: &str) -> Option<Vec<(String, Value)>> {
    let shared = std::env::var_os("SELAT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let root = shared.join("data/crypto/merkle/testdata").join(folder);
    if !root.exists() {
        // Not eprintln: the test runner swallows that.
        let told = writeln!(
            std::io::stderr(),
            "SKIPPED: the {folder} proofs are not there; set SELAT_SHARED to the folder that holds data/crypto"
        );
        told.unwrap();
        return None;
    }
    let mut cases = Vec::new();
    collect(&root, &root, &mut cases);
    Some(cases)
}

fn collect(root: &Path, folder: &Path, cases: &mut Vec<(String, Value)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, cases);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            cases.push((name, serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()));
        }
    }
}

/// A hash, or `None` where the case holds something else: our types do not let that in.
fn hash(value: &Value) -> Option<[u8; 32]> {
    STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
}

fn proof(case: &Value) -> Option<Vec<[u8; 32]>> {
    case["proof"].as_array().into_iter().flatten().map(hash).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// Holds `found` against the file's verdict, except for the cases in `ours`, and counts both sorts.
fn compare(cases: &[(String, Value)], ours: &[&str], found: impl Fn(&Value) -> bool) -> (usize, usize) {
    let mut tally = (0, 0);
    for (name, case) in cases {
        let accepted = found(case);
        let published = !case["wantErr"].as_bool().unwrap();
        let expected = published && !ours.contains(&name.as_str());
        assert_eq!(accepted, expected, "{name}: {}", case["desc"]);
        if accepted { tally.0 += 1 } else { tally.1 += 1 }
    }
    tally
}

#[test]
fn inclusion_proofs() {
    let Some(cases) = load("inclusion") else { return };
    let check = |case: &Value| {
        let (root, leaf) = (hash(&case["root"])?, hash(&case["leafHash"])?);
        check_inclusion(&proof(case)?, number(&case["treeSize"]), &root, number(&case["leafIdx"]), &leaf).ok()
    };
    assert_eq!(compare(&cases, &[], |case| check(case).is_some()), (6, 92));
}

#[test]
fn consistency_proofs() {
    let Some(cases) = load("consistency") else { return };
    let check = |case: &Value| {
        let (old, new) = (hash(&case["root1"])?, hash(&case["root2"])?);
        check_consistency(&proof(case)?, number(&case["size1"]), &old, number(&case["size2"]), &new).ok()
    };
    // Its roots are twelve bytes of text, which is no hash here.
    let ours = ["additional/sizes-are-equal-one-and-proof-is-empty.json"];
    assert_eq!(compare(&cases, &ours, |case| check(case).is_some()), (5, 93));
}
