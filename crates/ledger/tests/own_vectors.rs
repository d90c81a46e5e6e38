//! The vectors in `proto/vectors` about logs, made again and compared.
//!
//! `SELAT_REGENERATE_VECTORS=1` writes them instead. A change there is a change of the protocol.

#![allow(clippy::unwrap_used, reason = "a test that stumbles shall fail")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use selat_ledger::{Checkpoint, EMPTY_ROOT, Growth, Leaf, LogId, leaf_hash};
use selat_record::pb::KeyPurpose;
use selat_record::{ParticipantId, Timestamp};
use selat_seal::{SecretKey, Signer};
use serde_json::{Value, json};

/// Compares with the file, or writes it when asked to.
fn check_file(name: &str, made: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto/vectors").join(name);
    if std::env::var_os("SELAT_REGENERATE_VECTORS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(made).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(&kept, made, "{name} is not what this code makes");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn participant(code: &str) -> ParticipantId {
    code.parse().unwrap()
}

/// Leaf `n` of a made-up log.
fn leaf(n: u8) -> (Leaf, [u8; 32], Vec<u8>) {
    let time = Timestamp::from_ms(1_767_225_600_000 + i64::from(n) * 1000).unwrap();
    let (nonce, opening) = ([n; 32], format!("opening {n}").into_bytes());
    (Leaf::commit(1 + n % 6, time, &nonce, &opening), nonce, opening)
}

#[test]
fn leaves() {
    let vectors: Vec<_> = (0..3)
        .map(|n| {
            let (leaf, nonce, opening) = leaf(n);
            json!({
                "kind": leaf.kind(),
                "time_ms": leaf.time().ms(),
                "nonce": hex(&nonce),
                "opening": hex(&opening),
                "commitment": hex(leaf.commitment()),
                "leaf": hex(&leaf.encode()),
                "leaf_hash": hex(&leaf_hash(&leaf.encode())),
            })
        })
        .collect();
    check_file("leaves.json", &json!(vectors));
}

fn checkpoint_vector(origin: &LogId, size: u64, root: [u8; 32], key: &SecretKey) -> Value {
    let checkpoint = Checkpoint { origin: origin.clone(), size, root };
    let note = checkpoint.sign(&participant("AUS"), &Signer::new(KeyPurpose::Log, key.clone())).unwrap();
    assert_eq!(Checkpoint::open(&note, origin, &participant("AUS"), &key.public()), Ok(checkpoint));
    json!({
        "origin": origin.as_str(),
        "size": size,
        "root": hex(&root),
        "signer": "AUS",
        "seed": hex(key.seed()),
        "public_key": hex(key.public().as_bytes()),
        "note": note,
    })
}

#[test]
fn checkpoints() {
    let key = SecretKey::from_seed([0x1c; 32]);
    let release = LogId::release(&participant("AUS"), &participant("IDN"));
    let audit = LogId::audit(&participant("AUS"));
    let mut growth = Growth::new(0, BTreeMap::new()).unwrap();
    let mut vectors = vec![checkpoint_vector(&audit, 0, EMPTY_ROOT, &key)];
    for n in 0..7 {
        growth.append(&leaf(n).0.encode()).unwrap();
        vectors.push(checkpoint_vector(&release, growth.size(), growth.root().unwrap(), &key));
    }
    check_file("checkpoints.json", &json!(vectors));
}
