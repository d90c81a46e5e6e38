//! The keys in a descriptor: each checked in itself, and against the others.

use std::collections::BTreeSet;

use selat_record::fault::FaultList;
use selat_record::pb::{KeyAlgorithm, KeyPurpose, KeyStatus};
use selat_record::{Timestamp, pb};

use crate::{KeyId, PublicKey};

/// Most keys in one descriptor.
const KEYS_MAX: usize = 64;
/// Largest certificate of a TLS authority in bytes.
const CERTIFICATE_MAX_BYTES: usize = 4096;

/// A key of an accepted descriptor: what it may sign, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedKey {
    id: KeyId,
    public: PublicKey,
    purpose: KeyPurpose,
    status: KeyStatus,
    valid_from: Timestamp,
    valid_until: Option<Timestamp>,
    compromised_since: Option<Timestamp>,
    certificate: Option<Vec<u8>>,
}

impl DescribedKey {
    /// Its id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// What it may sign.
    pub fn purpose(&self) -> KeyPurpose {
        self.purpose
    }

    /// Where it stands in its life.
    pub fn status(&self) -> KeyStatus {
        self.status
    }

    /// From when it counts.
    pub fn valid_from(&self) -> Timestamp {
        self.valid_from
    }

    /// From when it counts no more.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.valid_until
    }

    /// The certificate in DER; only TLS authorities have one.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// True when the key stands for what was first logged at `moment`: inside its validity; never while pending; and
    /// before it was compromised.
    pub fn verifies_what_was_logged_at(&self, moment: Timestamp) -> bool {
        let valid = self.valid_from <= moment && self.valid_until.is_none_or(|until| moment < until);
        match self.status {
            KeyStatus::Active | KeyStatus::Retired => valid,
            KeyStatus::Compromised => valid && self.compromised_since.is_some_and(|since| moment < since),
            KeyStatus::Pending | KeyStatus::Unspecified => false,
        }
    }
}

/// Checks all keys; those that are in order are returned, each fault of the others is noted.
pub(super) fn check_all(messages: &[pb::Key], faults: &mut FaultList) -> Vec<DescribedKey> {
    if !(1..=KEYS_MAX).contains(&messages.len()) {
        faults.push("keys", format!("are {}; a descriptor has 1 to {KEYS_MAX}", messages.len()));
        return Vec::new();
    }
    let keys: Vec<_> = messages
        .iter()
        .enumerate()
        .filter_map(|(n, message)| check_one(message, &format!("keys[{n}]"), faults))
        .collect();
    let distinct: BTreeSet<_> = keys.iter().map(DescribedKey::id).collect();
    if distinct.len() != keys.len() {
        faults.push("keys", "hold a public key twice");
    }
    keys
}

fn check_one(message: &pb::Key, path: &str, faults: &mut FaultList) -> Option<DescribedKey> {
    if KeyAlgorithm::try_from(message.algorithm) != Ok(KeyAlgorithm::Ed25519) {
        faults.push(format!("{path}.algorithm"), "is not one that this protocol knows");
    }
    let purpose = known(KeyPurpose::try_from(message.purpose), KeyPurpose::Unspecified);
    let status = known(KeyStatus::try_from(message.status), KeyStatus::Unspecified);
    if purpose.is_none() {
        faults.push(format!("{path}.purpose"), "is missing or unknown");
    }
    if status.is_none() {
        faults.push(format!("{path}.status"), "is missing or unknown");
    }
    let public = PublicKey::check(&message.public_key)
        .map_err(|error| faults.push(format!("{path}.public_key"), error.to_string()))
        .ok();
    let times = check_times(message, path, faults);
    let (purpose, status, public, (valid_from, valid_until)) = (purpose?, status?, public?, times?);
    let id = KeyId::of(&public);
    if id.as_bytes() != message.id.as_slice() {
        faults.push(format!("{path}.id"), "is not the id of the public key");
    }
    Some(DescribedKey {
        id,
        public,
        purpose,
        status,
        valid_from,
        valid_until,
        compromised_since: check_compromise(message, status, path, faults),
        certificate: check_certificate(message, purpose, path, faults),
    })
}

/// The value, unless the sender's number is unknown or means "not given".
fn known<T: PartialEq, E>(value: Result<T, E>, unspecified: T) -> Option<T> {
    value.ok().filter(|value| *value != unspecified)
}

type Validity = (Timestamp, Option<Timestamp>);

fn check_times(message: &pb::Key, path: &str, faults: &mut FaultList) -> Option<Validity> {
    let Some(from) = Timestamp::from_ms(message.valid_from_ms) else {
        faults.push(format!("{path}.valid_from_ms"), "is not a moment from 1970 to 9999");
        return None;
    };
    if message.valid_until_ms == 0 {
        if KeyStatus::try_from(message.status) == Ok(KeyStatus::Retired) {
            faults.push(format!("{path}.valid_until_ms"), "is missing from a retired key");
        }
        return Some((from, None));
    }
    match Timestamp::from_ms(message.valid_until_ms) {
        Some(until) if until > from => Some((from, Some(until))),
        _ => {
            faults.push(format!("{path}.valid_until_ms"), "is not after valid_from_ms");
            None
        }
    }
}

fn check_compromise(message: &pb::Key, status: KeyStatus, path: &str, faults: &mut FaultList) -> Option<Timestamp> {
    let field = || format!("{path}.compromised_since_ms");
    match (status, message.compromised_since_ms) {
        (KeyStatus::Compromised, 0) => faults.push(field(), "is missing from a compromised key"),
        (KeyStatus::Compromised, ms) => match Timestamp::from_ms(ms) {
            Some(since) => return Some(since),
            None => faults.push(field(), "is not a moment from 1970 to 9999"),
        },
        (_, 0) => {}
        _ => faults.push(field(), "is set though the key is not compromised"),
    }
    None
}

fn check_certificate(message: &pb::Key, purpose: KeyPurpose, path: &str, faults: &mut FaultList) -> Option<Vec<u8>> {
    let field = || format!("{path}.certificate");
    match (purpose, message.certificate.len()) {
        (KeyPurpose::TlsCa, 0) => faults.push(field(), "is missing from a TLS authority"),
        (KeyPurpose::TlsCa, 1..=CERTIFICATE_MAX_BYTES) => return Some(message.certificate.clone()),
        (KeyPurpose::TlsCa, size) => {
            faults.push(field(), format!("has {size} bytes; at most {CERTIFICATE_MAX_BYTES} are read"));
        }
        (_, 0) => {}
        _ => faults.push(field(), "is set though the key is not a TLS authority"),
    }
    None
}
