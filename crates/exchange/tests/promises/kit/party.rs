//! A participant with every key that a node has, all from its name.

use selat_record::ids::mint_uuid;
use selat_record::pb::KeyPurpose;
use selat_record::{FederationId, ParticipantId, Payload, Timestamp, pb};
use selat_seal::descriptor::{DescriptorDraft, describe_authority, describe_key, sign_with_roots};
use selat_seal::{AcceptedDescriptor, Endpoint, SecretKey, pae, sha256};

/// 2026-01-01, a day before the clock starts.
const KEYS_MADE_MS: i64 = 1_767_225_600_000;

pub fn federation() -> FederationId {
    "demo".parse().unwrap()
}

pub struct Party {
    pub id: ParticipantId,
}

impl Party {
    pub fn new(code: &str) -> Self {
        Self { id: code.parse().unwrap() }
    }

    pub fn key(&self, purpose: KeyPurpose) -> SecretKey {
        self.secret(purpose.as_str_name())
    }

    /// The first descriptor; another `edition` is another descriptor of the same participant.
    pub fn descriptor(&self, edition: u8) -> AcceptedDescriptor {
        let made = Timestamp::from_ms(KEYS_MADE_MS).unwrap();
        let envelope = sign_with_roots(&self.draft(edition, made).into_first(), &[&self.root(1), &self.root(2)]);
        AcceptedDescriptor::accept_first(&federation(), &envelope, made).unwrap()
    }

    fn draft(&self, edition: u8, made: Timestamp) -> DescriptorDraft {
        let mut keys: Vec<_> = (1..=3).map(|n| describe_key(KeyPurpose::Root, &self.root(n).public(), made)).collect();
        for purpose in [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log] {
            keys.push(describe_key(purpose, &self.key(purpose).public(), made));
        }
        let authority = self.key(KeyPurpose::TlsCa).public();
        keys.push(describe_authority(&authority, made, b"certificate".to_vec()));
        DescriptorDraft {
            federation: federation(),
            participant: self.id.clone(),
            id: mint_uuid(made, [edition; 10]).into_bytes(),
            created: made,
            expires: None,
            unit: "Immigration Intelligence Centre".to_owned(),
            root_threshold: 2,
            keys,
            endpoints: vec![Endpoint { node: "node1".to_owned(), host: "127.0.0.1".to_owned(), port: 7443 }],
            contact: pb::Contact {
                title: "Duty desk".to_owned(),
                phone: String::new(),
                email: "duty@unit.example".to_owned(),
                languages: vec!["en".to_owned()],
                hours: "always".to_owned(),
            },
            protocol: 1..=1,
            refresh_hint_s: 300,
            payload_types: [pb::Record::TYPE, pb::Query::TYPE, pb::Answer::TYPE].map(str::to_owned).into(),
            may_be_named: true,
        }
    }

    /// The version after `before`, made now, with what `change` does to it, signed by its two roots.
    pub fn next(
        &self,
        before: &AcceptedDescriptor,
        now: Timestamp,
        change: impl FnOnce(&mut pb::Descriptor),
    ) -> pb::Envelope {
        self.signed_by_roots(before, now, change, &[1, 2])
    }

    /// The same, signed by these roots.
    pub fn signed_by_roots(
        &self,
        before: &AcceptedDescriptor,
        now: Timestamp,
        change: impl FnOnce(&mut pb::Descriptor),
        roots: &[u8],
    ) -> pb::Envelope {
        let mut message = before.message().clone();
        message.version += 1;
        message.previous = before.content_id().as_bytes().to_vec();
        if let Some(header) = &mut message.header {
            header.created_ms = now.ms();
            header.descriptor_version = message.version;
            header.id = mint_uuid(now, [9; 10]).into_bytes().to_vec();
        }
        change(&mut message);
        let roots: Vec<_> = roots.iter().map(|n| self.root(*n)).collect();
        sign_with_roots(&message, &roots.iter().collect::<Vec<_>>())
    }

    /// A root key; the first two of three are enough.
    pub fn root(&self, n: u8) -> SecretKey {
        self.secret(&format!("root {n}"))
    }

    fn secret(&self, name: &str) -> SecretKey {
        SecretKey::from_seed(sha256(&[b"test key", self.id.as_str().as_bytes(), name.as_bytes()]))
    }
}

/// An envelope over any bytes, signed as DSSE wants, with none of the signer's checks.
pub fn envelope_over(payload_type: &str, payload: Vec<u8>, key: &SecretKey) -> pb::Envelope {
    let signed = pae(payload_type, &payload);
    let signature = pb::Signature { key_id: key.id().as_bytes().to_vec(), sig: key.sign_bytes(&signed).to_vec() };
    pb::Envelope { payload_type: payload_type.to_owned(), payload, signatures: vec![signature] }
}

/// `message`, signed by the right key of `party`, whatever it says.
pub fn signed<P: Payload>(party: &Party, message: &P) -> pb::Envelope {
    envelope_over(P::TYPE, message.encode_to_vec(), &party.key(P::PURPOSE))
}
