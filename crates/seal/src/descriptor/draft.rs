//! Making a descriptor and signing it with roots.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use prost::Message;
use selat_record::pb::{KeyAlgorithm, KeyPurpose, KeyStatus};
use selat_record::{FederationId, ParticipantId, Payload, Timestamp, pb};

use super::Endpoint;
use crate::{PublicKey, SecretKey, envelope};

/// What a participant's first descriptor shall say. Not checked here: accepting one's own descriptor is the check.
#[derive(Debug, Clone)]
pub struct DescriptorDraft {
    /// The federation.
    pub federation: FederationId,
    /// Whose descriptor it will be.
    pub participant: ParticipantId,
    /// A fresh UUIDv7, see [`selat_record::ids::mint_uuid`].
    pub id: [u8; 16],
    /// When it is made.
    pub created: Timestamp,
    /// When it stops being current, if ever.
    pub expires: Option<Timestamp>,
    /// Name of the unit for people.
    pub unit: String,
    /// How many distinct roots must sign.
    pub root_threshold: u32,
    /// From [`describe_key`] and [`describe_authority`].
    pub keys: Vec<pb::Key>,
    /// In order of preference.
    pub endpoints: Vec<Endpoint>,
    /// The point of contact.
    pub contact: pb::Contact,
    /// Protocol versions that the node speaks.
    pub protocol: RangeInclusive<u32>,
    /// How often peers should look for a newer version; 0 for no hint.
    pub refresh_hint_s: u32,
    /// Payload types that the node reads.
    pub payload_types: BTreeSet<String>,
    /// Whether peers may name this participant to others.
    pub may_be_named: bool,
}

impl DescriptorDraft {
    /// Version 1 of the participant's chain.
    pub fn into_first(self) -> pb::Descriptor {
        let version = 1;
        pb::Descriptor {
            header: Some(pb::Header {
                federation: self.federation.to_string(),
                issuer: self.participant.to_string(),
                audience: "*".to_owned(),
                id: self.id.to_vec(),
                created_ms: self.created.ms(),
                expires_ms: self.expires.map_or(0, Timestamp::ms),
                descriptor_version: version,
            }),
            version,
            previous: Vec::new(),
            unit: self.unit,
            root_threshold: self.root_threshold,
            keys: self.keys,
            endpoints: self.endpoints.into_iter().map(endpoint_message).collect(),
            contact: Some(self.contact),
            protocol: Some(pb::ProtocolRange { min: *self.protocol.start(), max: *self.protocol.end() }),
            refresh_hint_s: self.refresh_hint_s,
            payload_types: self.payload_types.into_iter().collect(),
            may_be_named: self.may_be_named,
        }
    }
}

/// An active key as a descriptor lists it, valid from a moment with no end fixed yet.
pub fn describe_key(purpose: KeyPurpose, public: &PublicKey, valid_from: Timestamp) -> pb::Key {
    pb::Key {
        id: public.id().as_bytes().to_vec(),
        algorithm: KeyAlgorithm::Ed25519.into(),
        purpose: purpose.into(),
        status: KeyStatus::Active.into(),
        public_key: public.as_bytes().to_vec(),
        valid_from_ms: valid_from.ms(),
        ..pb::Key::default()
    }
}

/// An active TLS authority as a descriptor lists it.
pub fn describe_authority(public: &PublicKey, valid_from: Timestamp, certificate_der: Vec<u8>) -> pb::Key {
    pb::Key { certificate: certificate_der, ..describe_key(KeyPurpose::TlsCa, public, valid_from) }
}

/// Signs a descriptor with each of `roots`. Whether they are enough is for those who accept it.
pub fn sign_with_roots(descriptor: &pb::Descriptor, roots: &[&SecretKey]) -> pb::Envelope {
    envelope::sign_with(pb::Descriptor::TYPE, descriptor.encode_to_vec(), roots)
}

pub(crate) fn endpoint_message(endpoint: Endpoint) -> pb::Endpoint {
    pb::Endpoint { node: endpoint.node, host: endpoint.host, port: endpoint.port.into() }
}
