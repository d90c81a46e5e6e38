//! The published Ed25519 vectors, each against the verdict that the federation's rule gives it.
//!
//! The files are not part of this repository. They are looked for in `$SELAT_SHARED/data/crypto`, else beside the
//! repository in `../shared`; where they are missing, the tests say so and check nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

use std::io::Write as _;
use std::path::PathBuf;

use selat_seal::{KeyError, PublicKey};
use serde_json::Value;

fn load(file: &str) -> Option<Value> {
    let shared = std::env::var_os("SELAT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = shared.join("data/crypto").join(file);
    if !path.exists() {
        // Not eprintln: the test runner swallows that.
        let told = writeln!(
            std::io::stderr(),
            "SKIPPED: {file} is not there; set SELAT_SHARED to the folder that holds data/crypto"
        );
        told.unwrap();
        return None;
    }
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A key that may not enter a descriptor signs nothing.
fn accepted(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    PublicKey::check(key).is_ok_and(|key| key.holds(message, signature))
}

/// Compares one case with its expected verdict and counts it.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
}

impl Tally {
    fn count(&mut self, name: &str, expected: bool, found: bool) {
        assert_eq!(found, expected, "{name}");
        if found { self.accepted += 1 } else { self.refused += 1 }
    }

    fn expect(&self, accepted: usize, refused: usize) {
        assert_eq!((self.accepted, self.refused), (accepted, refused));
    }
}

#[test]
fn wycheproof() {
    let Some(file) = load("wycheproof_ed25519_test.json") else { return };
    let mut tally = Tally::default();
    for group in file["testGroups"].as_array().unwrap() {
        let key = unhex(&group["publicKey"]["pk"]);
        for case in group["tests"].as_array().unwrap() {
            // No key of this file breaks the rule, and no case is marked as a matter of taste.
            let expected = case["result"] == "valid";
            let found = accepted(&key, &unhex(&case["msg"]), &unhex(&case["sig"]));
            tally.count(&format!("case {}", case["tcId"]), expected, found);
        }
    }
    tally.expect(88, 63);
}

/// The part of the rule that a flag of the CCTV file breaks. A case without flags keeps all of it.
fn part_of_the_rule(flag: &str) -> &'static str {
    match flag {
        "low_order_A" => "A is not of small order",
        "low_order_component_A" => "A is free of torsion",
        "non_canonical_A" => "A is canonical",
        "low_order_R" => "R is not of small order",
        "non_canonical_R" => "R is canonical",
        "low_order_component_R" => "the cofactorless equation, which fails when A is free of torsion",
        "low_order_residue" => "the cofactorless equation",
        "reencoded_k" => "the equation, with the challenge over the bytes as they are",
        other => panic!("the file has a new flag {other}: give it a verdict"),
    }
}

#[test]
fn cctv() {
    let Some(file) = load("cctv_ed25519vectors.json") else { return };
    let mut tally = Tally::default();
    for case in file.as_array().unwrap() {
        let flags = case["flags"].as_array().into_iter().flatten();
        let broken: Vec<_> = flags.map(|flag| part_of_the_rule(flag.as_str().unwrap())).collect();
        let message = case["msg"].as_str().unwrap().as_bytes();
        let found = accepted(&unhex(&case["key"]), message, &unhex(&case["sig"]));
        tally.count(&format!("case {}: {broken:?}", case["number"]), broken.is_empty(), found);
    }
    tally.expect(1, 913);
}

/// The twelve cases of "Taming the many EdDSAs", by their number there.
#[test]
fn taming_the_many_eddsas() {
    let Some(file) = load("speccheck_cases.json") else { return };
    use KeyError::{NotCanonical, SmallOrder, Torsion};
    let expected: [Result<(), KeyError>; 12] = [
        Err(SmallOrder),   // small A, small R, S = 0
        Err(SmallOrder),   // small A, mixed R
        Err(Torsion),      // mixed A, small R
        Err(Torsion),      // mixed A and R, both equations hold
        Err(Torsion),      // mixed A and R, only the cofactored equation holds
        Err(Torsion),      // mixed A, R of prime order, only the cofactored equation holds
        Ok(()),            // S above L
        Ok(()),            // S far above L
        Err(Torsion),      // non-canonical R, k over R as it is
        Err(Torsion),      // non-canonical R, k over R in canonical form
        Err(NotCanonical), // non-canonical A, k over A as it is
        Err(NotCanonical), // non-canonical A, k over A in canonical form
    ];
    let cases = file.as_array().unwrap();
    assert_eq!(cases.len(), expected.len());
    for (n, (case, expected)) in cases.iter().zip(expected).enumerate() {
        let key = unhex(&case["pub_key"]);
        assert_eq!(PublicKey::check(&key).map(|_| ()), expected, "key of case {n}");
        assert!(!accepted(&key, &unhex(&case["message"]), &unhex(&case["signature"])), "case {n}");
    }
}
