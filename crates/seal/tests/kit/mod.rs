//! Fixtures of the suites: a federation of two, made from seeds.

#![allow(dead_code, reason = "each suite uses its part")]

use prost::Message;
use selat_record::pb::KeyPurpose;
use selat_record::{FederationId, ParticipantId, Payload, Timestamp, pb};
use selat_seal::descriptor::{DescriptorDraft, describe_authority, describe_key, sign_with_roots};
use selat_seal::{AcceptedDescriptor, At, Endpoint, SecretKey, Trust, pae};

pub const CREATED_MS: i64 = 1_767_225_600_000; // 2026-01-01
pub const NOW_MS: i64 = CREATED_MS + 86_400_000;

pub const HOUR_MS: i64 = 3_600_000;

pub fn moment(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms).expect("a moment of this century")
}

pub fn now() -> At {
    At { now: moment(NOW_MS), first_logged: moment(NOW_MS) }
}

pub fn federation() -> FederationId {
    "demo".parse().expect("a label")
}

pub fn participant(code: &str) -> ParticipantId {
    code.parse().expect("a participant code")
}

/// A participant with every key a node has, all from one number.
pub struct Party {
    pub id: ParticipantId,
    seed: u8,
}

pub const ROOTS: [u8; 3] = [1, 2, 3];

impl Party {
    pub fn aus() -> Self {
        Self { id: participant("AUS"), seed: 0x10 }
    }

    pub fn idn() -> Self {
        Self { id: participant("IDN"), seed: 0x20 }
    }

    pub fn root(&self, n: u8) -> SecretKey {
        SecretKey::from_seed([self.seed + n; 32])
    }

    pub fn key(&self, purpose: KeyPurpose) -> SecretKey {
        SecretKey::from_seed([self.seed + 8 + purpose as u8; 32])
    }

    pub fn draft(&self) -> DescriptorDraft {
        let created = moment(CREATED_MS);
        let mut keys: Vec<_> =
            ROOTS.iter().map(|n| describe_key(KeyPurpose::Root, &self.root(*n).public(), created)).collect();
        for purpose in [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log] {
            keys.push(describe_key(purpose, &self.key(purpose).public(), created));
        }
        keys.push(describe_authority(&self.key(KeyPurpose::TlsCa).public(), created, b"certificate".to_vec()));
        DescriptorDraft {
            federation: federation(),
            participant: self.id.clone(),
            id: uuid_v7(1),
            created,
            expires: None,
            unit: "Immigration Intelligence Centre".to_owned(),
            root_threshold: 2,
            keys,
            endpoints: vec![Endpoint { node: "node1".to_owned(), host: "127.0.0.1".to_owned(), port: 7443 }],
            contact: pb::Contact {
                title: "Duty desk".to_owned(),
                phone: "+00 0 0000 0000".to_owned(),
                email: "duty@unit.example".to_owned(),
                languages: vec!["en".to_owned()],
                hours: "always".to_owned(),
            },
            protocol: 1..=1,
            refresh_hint_s: 300,
            payload_types: [pb::Record::TYPE, pb::Query::TYPE].map(str::to_owned).into(),
            may_be_named: true,
        }
    }

    pub fn descriptor(&self) -> pb::Descriptor {
        self.draft().into_first()
    }

    /// Signs with the first two roots.
    pub fn sign_descriptor(&self, descriptor: &pb::Descriptor) -> pb::Envelope {
        sign_with_roots(descriptor, &[&self.root(1), &self.root(2)])
    }

    /// The version after `held`, an hour later, after `change`.
    pub fn next(&self, held: &AcceptedDescriptor, change: impl FnOnce(&mut pb::Descriptor)) -> pb::Descriptor {
        let mut next = held.message().clone();
        next.version += 1;
        next.previous = held.content_id().as_bytes().to_vec();
        let header = next.header.as_mut().expect("an accepted descriptor has a header");
        (header.descriptor_version, header.created_ms) = (next.version, header.created_ms + HOUR_MS);
        change(&mut next);
        next
    }

    /// Accepts the version after `held`.
    pub fn step(&self, held: &AcceptedDescriptor, change: impl FnOnce(&mut pb::Descriptor)) -> AcceptedDescriptor {
        let next = self.sign_descriptor(&self.next(held, change));
        held.accept_next(&next, moment(NOW_MS)).expect("the fixture follows")
    }

    /// Accepts this party's descriptor after `change`.
    pub fn accepted(&self, change: impl FnOnce(&mut pb::Descriptor)) -> AcceptedDescriptor {
        let mut descriptor = self.descriptor();
        change(&mut descriptor);
        AcceptedDescriptor::accept_first(&federation(), &self.sign_descriptor(&descriptor), moment(NOW_MS))
            .expect("the fixture is in order")
    }
}

pub fn trust() -> Trust {
    Trust::new(federation()).with(Party::aus().accepted(|_| {})).with(Party::idn().accepted(|_| {}))
}

/// 16 bytes in the form of a UUIDv7.
pub fn uuid_v7(n: u8) -> [u8; 16] {
    [0x01, 0x9b, 0x76, 0, 0, n, 0x70, n, 0x80, 0, 0, 0, 0, 0, 0, n]
}

pub fn header(issuer: &str) -> pb::Header {
    pb::Header {
        federation: "demo".to_owned(),
        issuer: issuer.to_owned(),
        audience: "IDN".to_owned(),
        id: uuid_v7(2).to_vec(),
        created_ms: NOW_MS,
        expires_ms: NOW_MS + 60_000,
        descriptor_version: 1,
    }
}

pub fn query() -> pb::Query {
    pb::Query {
        header: Some(header("AUS")),
        purpose: pb::Purpose::BorderControl.into(),
        case_reference: "C-2026-17".to_owned(),
        officer_pseudonym: "officer-4f".to_owned(),
        ask: Some(pb::query::Ask::Find(pb::Find {
            kinds: vec![pb::RecordKind::Person.into(), pb::RecordKind::TravelDocument.into()],
            name: "Nguyễn Văn Mẫu".to_owned(),
            limit: 20,
            ..pb::Find::default()
        })),
    }
}

/// An envelope over any bytes, signed as DSSE wants, with none of the signer's checks.
pub fn envelope_of(payload_type: &str, payload: &[u8], keys: &[&SecretKey]) -> pb::Envelope {
    let signed = pae(payload_type, payload);
    let signatures = keys
        .iter()
        .map(|key| pb::Signature { key_id: key.id().as_bytes().to_vec(), sig: key.sign_bytes(&signed).to_vec() })
        .collect();
    pb::Envelope { payload_type: payload_type.to_owned(), payload: payload.to_vec(), signatures }
}

/// A query of AUS over these payload bytes, signed with the right key.
pub fn query_over(payload: &[u8]) -> pb::Envelope {
    envelope_of(pb::Query::TYPE, payload, &[&Party::aus().key(KeyPurpose::Query)])
}

pub fn signed_query() -> pb::Envelope {
    query_over(&query().encode_to_vec())
}
