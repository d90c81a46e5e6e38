//! What a participant says about itself, once it has been believed.
//!
//! A descriptor is the one payload that is parsed before it is verified, because the keys that verify it are in it; so it
//! is small (64 KiB) and everything in it is bounded. Promise: an [`AcceptedDescriptor`] was signed by the threshold of its
//! own root keys and every key in it keeps the rule of [`crate::PublicKey`]. Leaves out: whether the participant is who it
//! says (the safety phrase answers that, see [`crate::phrase`]) and whether a TLS authority's certificate carries its key
//! (the TLS layer checks).

mod draft;
mod fields;
mod keys;

use std::collections::BTreeSet;

use selat_record::fault::FaultList;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{ContentId, FederationId, ParticipantId, Payload, Timestamp, pb};

use crate::{KeyId, PublicKey, SealError, content_id, envelope, pae, verify};

pub use draft::{DescriptorDraft, describe_authority, describe_key, sign_with_roots};
pub use keys::DescribedKey;

/// Where a node of a participant listens for peers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Label of the node inside the participant.
    pub node: String,
    /// Host name or IP address.
    pub host: String,
    /// Port, never 0.
    pub port: u16,
}

/// A descriptor that has passed every check.
#[derive(Debug, Clone, PartialEq)]
pub struct AcceptedDescriptor {
    federation: FederationId,
    participant: ParticipantId,
    created: Timestamp,
    expires: Option<Timestamp>,
    content_id: ContentId,
    keys: Vec<DescribedKey>,
    endpoints: Vec<Endpoint>,
    message: pb::Descriptor,
    envelope: pb::Envelope,
}

impl AcceptedDescriptor {
    /// Accepts a participant's first descriptor: version 1, signed by the threshold of its own roots, not from the future,
    /// not expired. That its content is the participant's is for two people with the safety phrase to say.
    pub fn accept_first(federation: &FederationId, envelope: &pb::Envelope, now: Timestamp) -> Result<Self, SealError> {
        let accepted = Self::restore(federation, envelope)?;
        if accepted.created > now.plus(crate::FUTURE_TOLERANCE) {
            return Err(SealError::FromTheFuture);
        }
        if accepted.expires.is_some_and(|expires| expires <= now) {
            return Err(SealError::Expired);
        }
        Ok(accepted)
    }

    /// Makes an accepted descriptor again from what was stored. Checks all that [`Self::accept_first`] checks, except the
    /// clock: records that were logged before a descriptor expired still verify.
    pub fn restore(federation: &FederationId, envelope: &pb::Envelope) -> Result<Self, SealError> {
        envelope::check_outside::<pb::Descriptor>(envelope)?;
        let message: pb::Descriptor = envelope::decode_canonical(&envelope.payload)?;
        let header = verify::check_header(message.header(), federation)?;
        let mut faults = FaultList::default();
        fields::check(&message, &mut faults);
        let keys = keys::check_all(&message.keys, &mut faults);
        let endpoints = fields::check_endpoints(&message.endpoints, &mut faults);
        let roots: Vec<&DescribedKey> = signing_roots(&keys, header.created).collect();
        fields::check_threshold(message.root_threshold, roots.len(), &mut faults);
        faults.into_result(()).map_err(SealError::Descriptor)?;

        let signed = pae(&envelope.payload_type, &envelope.payload);
        check_threshold(&roots, message.root_threshold, &signed, &envelope.signatures)?;
        Ok(Self {
            federation: federation.clone(),
            participant: header.issuer,
            created: header.created,
            expires: header.expires,
            content_id: content_id(envelope),
            keys,
            endpoints,
            message,
            envelope: envelope.clone(),
        })
    }

    /// The federation in which it was accepted.
    pub fn federation(&self) -> &FederationId {
        &self.federation
    }

    /// Whose descriptor it is.
    pub fn participant(&self) -> &ParticipantId {
        &self.participant
    }

    /// Its number in the participant's chain.
    pub fn version(&self) -> u64 {
        self.message.version
    }

    /// When it was made.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// When it stops being current, if ever.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// Names its content; goes into the safety phrase.
    pub fn content_id(&self) -> ContentId {
        self.content_id
    }

    /// The envelope as received.
    pub fn envelope(&self) -> &pb::Envelope {
        &self.envelope
    }

    /// The checked message.
    pub fn message(&self) -> &pb::Descriptor {
        &self.message
    }

    /// Its nodes, in order of preference. Never empty.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The keys of one purpose, whatever their status.
    pub fn keys(&self, purpose: KeyPurpose) -> impl Iterator<Item = &DescribedKey> {
        self.keys.iter().filter(move |key| key.purpose() == purpose)
    }

    /// The key with this id.
    pub fn key(&self, id: &[u8]) -> Option<&DescribedKey> {
        let id = KeyId::from_slice(id)?;
        self.keys.iter().find(|key| key.id() == id)
    }

    /// The active key that signs checkpoints.
    pub fn log_key(&self) -> Option<&PublicKey> {
        self.keys(KeyPurpose::Log).find(|key| key.status() == KeyStatus::Active).map(DescribedKey::public)
    }

    /// The active TLS authorities: certificates in DER.
    pub fn tls_authorities(&self) -> Vec<&[u8]> {
        self.active_authorities().filter_map(DescribedKey::certificate).collect()
    }

    /// The active keys of the TLS authorities, each with its certificate.
    pub fn active_authorities(&self) -> impl Iterator<Item = &DescribedKey> {
        self.keys(KeyPurpose::TlsCa).filter(|key| key.status() == KeyStatus::Active)
    }
}

fn signing_roots(keys: &[DescribedKey], created: Timestamp) -> impl Iterator<Item = &DescribedKey> {
    keys.iter().filter(move |key| {
        key.purpose() == KeyPurpose::Root
            && key.status() == KeyStatus::Active
            && key.verifies_what_was_logged_at(created)
    })
}

/// Counts distinct keys, never signatures. Signatures of other keys count for nothing and do no harm: a relay may add
/// them, and later versions carry those of roots that have gone.
fn check_threshold(
    roots: &[&DescribedKey],
    threshold: u32,
    signed: &[u8],
    signatures: &[pb::Signature],
) -> Result<(), SealError> {
    let mut signers = BTreeSet::new();
    for signature in signatures {
        let root = roots.iter().find(|root| root.id().as_bytes() == signature.key_id.as_slice());
        if let Some(root) = root.filter(|root| root.public().holds(signed, &signature.sig)) {
            signers.insert(root.id());
        }
    }
    let need = usize::try_from(threshold).unwrap_or(usize::MAX);
    if signers.len() < need {
        return Err(SealError::Threshold { need, have: signers.len() });
    }
    Ok(())
}
