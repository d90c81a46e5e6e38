//! The keys in a descriptor: each checked in itself, and against the others.

use std::collections::BTreeSet;

use selat_record::fault::FaultList;
use selat_record::pb::{KeyAlgorithm, KeyPurpose, KeyStatus};
use selat_record::{Timestamp, pb};

use crate::{FUTURE_TOLERANCE, KeyId, PublicKey, SealError};

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

    /// From when nothing that it signed is believed, unless it was logged before.
    pub fn compromised_since(&self) -> Option<Timestamp> {
        self.compromised_since
    }

    /// True when what was created at this moment lies in its validity. Its owner's clock may have run up to
    /// [`FUTURE_TOLERANCE`] behind when the key began; its end has no such room, since the owner chose it.
    pub fn is_valid_at(&self, created: Timestamp) -> bool {
        self.valid_from <= created.plus(FUTURE_TOLERANCE) && self.valid_until.is_none_or(|until| created < until)
    }

    /// True when its owner may sign with it at `now`, by the verifier's clock: for what says no time of its own, as
    /// checkpoints and handshakes.
    pub fn may_sign_at(&self, now: Timestamp) -> bool {
        matches!(self.status, KeyStatus::Active | KeyStatus::Retired) && self.is_valid_at(now)
    }

    /// True when the key stands for a payload that says it was created at `created` and that the verifier itself first
    /// logged at `first_logged`. A thief says what time he likes, so after a compromise only the verifier's own log counts.
    pub fn verifies(&self, created: Timestamp, first_logged: Timestamp) -> bool {
        self.check_standing(first_logged).is_ok() && self.is_valid_at(created)
    }

    /// The part of [`Self::verifies`] that needs nothing of the payload.
    pub(crate) fn check_standing(&self, first_logged: Timestamp) -> Result<(), SealError> {
        match (self.status, self.compromised_since) {
            (KeyStatus::Active | KeyStatus::Retired, _) => Ok(()),
            (KeyStatus::Compromised, Some(since)) if first_logged < since => Ok(()),
            (KeyStatus::Compromised, since) => {
                Err(SealError::KeyCompromised { since: since.unwrap_or(Timestamp::EPOCH), first_logged })
            }
            (KeyStatus::Pending | KeyStatus::Unspecified, _) => Err(SealError::KeyPending),
        }
    }
}

/// Checks all keys of a descriptor made at `created`; those that are in order are returned, each fault of the others is
/// noted.
pub(super) fn check_all(messages: &[pb::Key], created: Timestamp, faults: &mut FaultList) -> Vec<DescribedKey> {
    if !(1..=KEYS_MAX).contains(&messages.len()) {
        faults.push("keys", format!("are {}; a descriptor has 1 to {KEYS_MAX}", messages.len()));
        return Vec::new();
    }
    let keys: Vec<_> = messages
        .iter()
        .enumerate()
        .filter_map(|(n, message)| check_one(message, created, &format!("keys[{n}]"), faults))
        .collect();
    let distinct: BTreeSet<_> = keys.iter().map(DescribedKey::id).collect();
    if distinct.len() != keys.len() {
        faults.push("keys", "hold a public key twice");
    }
    keys
}

fn check_one(message: &pb::Key, created: Timestamp, path: &str, faults: &mut FaultList) -> Option<DescribedKey> {
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
        compromised_since: check_compromise(message, status, created, path, faults),
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

/// A compromise is known when it is told: one that lies ahead would leave the key as good as active until then.
fn check_compromise(
    message: &pb::Key,
    status: KeyStatus,
    created: Timestamp,
    path: &str,
    faults: &mut FaultList,
) -> Option<Timestamp> {
    let field = || format!("{path}.compromised_since_ms");
    match (status, message.compromised_since_ms) {
        (KeyStatus::Compromised, 0) => faults.push(field(), "is missing from a compromised key"),
        (KeyStatus::Compromised, ms) => match Timestamp::from_ms(ms) {
            Some(since) if since <= created => return Some(since),
            Some(_) => faults.push(field(), "is after the descriptor was made"),
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
