//! Collecting the signatures of roots that are not in one place.
//!
//! Each holder of a root signs the same draft on a machine of his own; [`combine`] puts the signatures together and
//! [`tally`] says how many are still missing. The node that publishes and every peer count again for themselves.

use std::collections::BTreeMap;

use prost::Message;
use selat_record::pb::KeyPurpose;
use selat_record::{Payload, Timestamp, pb};

use super::files::read_message;
use super::{AcceptedDescriptor, Opened, signers, signing_roots};
use crate::{KeyHandle, KeyId, PublicKey, SIGNATURES_MAX, SealError, content_id, envelope, pae};

/// How far the signing has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The descriptor's own roots.
    pub own: Count,
    /// The roots of the version before, if there is one.
    pub previous: Option<Count>,
    /// Signatures of keys that count in neither set, or that do not hold: they do no harm.
    pub others: Vec<KeyId>,
}

/// How many roots of one set have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The threshold.
    pub need: usize,
    /// The distinct keys whose signature holds.
    pub signers: Vec<KeyId>,
    /// All keys that could sign.
    pub roots: Vec<KeyId>,
}

impl Count {
    /// True when the threshold is met.
    pub fn is_enough(&self) -> bool {
        self.signers.len() >= self.need
    }
}

impl Tally {
    /// True when nobody else has to sign.
    pub fn is_enough(&self) -> bool {
        self.own.is_enough() && self.previous.as_ref().is_none_or(Count::is_enough)
    }
}

/// A draft that nobody has signed yet.
pub fn unsigned(descriptor: &pb::Descriptor) -> pb::Envelope {
    envelope::sign_with(pb::Descriptor::TYPE, descriptor.encode_to_vec(), &[])
}

/// The draft with the signature of one more root; signing twice is signing once. The root may be one that only the version
/// before lists, but not a key to which this one gives another purpose.
pub fn add_signature(draft: &pb::Envelope, root: &dyn KeyHandle) -> Result<pb::Envelope, SealError> {
    let descriptor = read_message(draft)?;
    let id = root.public().id();
    let listed = descriptor.keys.iter().find(|key| key.id == id.as_bytes());
    if listed.is_some_and(|key| key.purpose() != KeyPurpose::Root) {
        return Err(SealError::WrongPurpose);
    }
    let signed = pae(&draft.payload_type, &draft.payload);
    let mut draft = draft.clone();
    draft.signatures.retain(|signature| signature.key_id != id.as_bytes());
    let sig = root.sign(&signed)?.to_vec();
    draft.signatures.push(pb::Signature { key_id: id.as_bytes().to_vec(), sig });
    check_room(&draft)?;
    Ok(draft)
}

/// One draft with the signatures of all, each key once, whatever order they come in. A signature that does not hold is left
/// out where the draft lists its key.
pub fn combine(drafts: &[pb::Envelope]) -> Result<pb::Envelope, SealError> {
    let first = drafts.first().ok_or(SealError::Malformed("there is no draft"))?;
    let listed = listed_keys(&read_message(first)?);
    let signed = pae(&first.payload_type, &first.payload);
    let mut signatures = BTreeMap::new();
    for draft in drafts {
        envelope::check_outside::<pb::Descriptor>(draft)?;
        if content_id(draft) != content_id(first) {
            return Err(SealError::DifferentContent);
        }
        for signature in &draft.signatures {
            let fails = |key: &PublicKey| !key.holds(&signed, &signature.sig);
            if !listed.get(&signature.key_id).is_some_and(fails) {
                signatures.entry(signature.key_id.clone()).or_insert_with(|| signature.clone());
            }
        }
    }
    let combined = pb::Envelope { signatures: signatures.into_values().collect(), ..first.clone() };
    check_room(&combined)?;
    Ok(combined)
}

/// Counts the signatures on a draft against the roots of `previous`, the version that it shall follow on, and its own.
pub fn tally(previous: Option<&AcceptedDescriptor>, draft: &pb::Envelope) -> Result<Tally, SealError> {
    let header = read_message(draft)?.header.ok_or(SealError::Malformed("the header is missing"))?;
    let federation = header.federation.parse().map_err(|_| SealError::WrongFederation)?;
    let opened = Opened::open(&federation, draft)?;
    let (keys, _) = opened.check_fields()?;
    let created = opened.header.created;
    let threshold = usize::try_from(opened.message.root_threshold).unwrap_or(usize::MAX);
    let own = count(&signing_roots(&keys, created), threshold, draft);
    let previous = previous.map(|previous| count_of(previous, created, draft));
    let counted = |id: &KeyId| {
        own.signers.contains(id) || previous.as_ref().is_some_and(|previous| previous.signers.contains(id))
    };
    let all = draft.signatures.iter().filter_map(|signature| KeyId::from_slice(&signature.key_id));
    let others = all.filter(|id| !counted(id)).collect();
    Ok(Tally { own, previous, others })
}

fn count_of(previous: &AcceptedDescriptor, created: Timestamp, draft: &pb::Envelope) -> Count {
    count(&previous.signing_roots(created), previous.root_threshold(), draft)
}

fn count(roots: &[&super::DescribedKey], need: usize, draft: &pb::Envelope) -> Count {
    let signers = signers(roots, draft).into_iter().collect();
    Count { need, signers, roots: roots.iter().map(|root| root.id()).collect() }
}

/// The usable keys of a draft by their ids as bytes.
fn listed_keys(descriptor: &pb::Descriptor) -> BTreeMap<Vec<u8>, PublicKey> {
    let usable = |key: &pb::Key| {
        PublicKey::check(&key.public_key).ok().filter(|public| public.id().as_bytes() == key.id.as_slice())
    };
    descriptor.keys.iter().filter_map(|key| Some((key.id.clone(), usable(key)?))).collect()
}

fn check_room(draft: &pb::Envelope) -> Result<(), SealError> {
    let have = draft.signatures.len();
    if have > SIGNATURES_MAX {
        return Err(SealError::SignatureCount { want: "at most 16 are read", have });
    }
    Ok(())
}
