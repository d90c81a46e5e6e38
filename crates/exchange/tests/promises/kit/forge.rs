//! What a hostile peer can send: log entries that say anything, under a checkpoint that its own log key signed.

use std::collections::BTreeMap;

use prost::Message as _;
use selat_exchange::{InEntry, InSegment};
use selat_ledger::{Checkpoint, Growth, Leaf, LogId};
use selat_record::pb::KeyPurpose;
use selat_record::{ParticipantId, Timestamp, pb};
use selat_seal::Signer;

use super::Party;

/// An entry whose leaf commits to `opening`.
pub fn entry(opening: &pb::ReleaseOpening, envelope: Option<pb::Envelope>) -> InEntry {
    let nonce = [5; 32];
    let bytes = opening.encode_to_vec();
    let time = Timestamp::from_ms(opening.time_ms).unwrap();
    let leaf = Leaf::commit(u8::try_from(opening.kind).unwrap(), time, &nonce, &bytes);
    InEntry { leaf: leaf.encode().to_vec(), nonce: nonce.to_vec(), opening: bytes, envelope }
}

/// `entries` as the beginning of the log from `from` to `to`, well signed.
pub fn segment(from: &Party, to: &ParticipantId, entries: Vec<InEntry>) -> InSegment {
    let mut growth = Growth::new(0, BTreeMap::new()).unwrap();
    for entry in &entries {
        growth.append(entry.leaf.as_slice().try_into().unwrap()).unwrap();
    }
    let origin = LogId::release(&from.id, to);
    let checkpoint = Checkpoint { origin, size: growth.size(), root: growth.root().unwrap() };
    let checkpoint = checkpoint.sign(&from.id, &Signer::new(KeyPurpose::Log, from.key(KeyPurpose::Log))).unwrap();
    InSegment { first_index: 0, entries, checkpoint }
}

/// The opening of an entry as it was sent.
pub fn opening(entry: &InEntry) -> pb::ReleaseOpening {
    pb::ReleaseOpening::decode(entry.opening.as_slice()).unwrap()
}
