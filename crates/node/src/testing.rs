//! Descriptors for tests: one participant, with the TLS authorities that a test wants.

use std::time::Duration;

use selat_record::Timestamp;
use selat_record::ids::mint_uuid;
use selat_record::pb::{self, KeyPurpose, KeyStatus};
use selat_seal::descriptor::{DescriptorDraft, describe_authority, describe_key, sign_with_roots};
use selat_seal::{AcceptedDescriptor, Endpoint, SecretKey};

/// One hour.
pub const HOUR: Duration = Duration::from_secs(3600);

/// The present of these tests.
pub fn now() -> Timestamp {
    Timestamp::from_ms(1_800_000_000_000).unwrap()
}

/// The authority key `seed`, active for days.
pub fn authority(seed: u8) -> pb::Key {
    let public = SecretKey::from_seed([seed; 32]).public();
    describe_authority(&public, now().minus(100 * HOUR), vec![seed; 40])
}

/// The same, retired, with its end.
pub fn retired(seed: u8, until: Timestamp) -> pb::Key {
    let mut key = authority(seed);
    key.set_status(KeyStatus::Retired);
    key.valid_until_ms = until.ms();
    key
}

/// The same with another status.
pub fn with_status(seed: u8, status: KeyStatus) -> pb::Key {
    let mut key = authority(seed);
    key.set_status(status);
    if status == KeyStatus::Compromised {
        key.compromised_since_ms = now().minus(2 * HOUR).ms();
    }
    key
}

/// A descriptor of IDN with these authorities.
pub fn descriptor(authorities: &[pb::Key]) -> AcceptedDescriptor {
    let secret = |seed| SecretKey::from_seed([seed; 32]);
    let working =
        [(KeyPurpose::Root, 101), (KeyPurpose::Record, 102), (KeyPurpose::Query, 103), (KeyPurpose::Log, 104)];
    let working = working.map(|(purpose, seed)| describe_key(purpose, &secret(seed).public(), now().minus(HOUR)));
    let draft = DescriptorDraft {
        federation: "demo".parse().unwrap(),
        participant: "IDN".parse().unwrap(),
        id: mint_uuid(now(), [1; 10]).into_bytes(),
        created: now(),
        expires: None,
        unit: "Unit".into(),
        root_threshold: 1,
        keys: working.into_iter().chain(authorities.iter().cloned()).collect(),
        endpoints: vec![Endpoint { node: "node1".into(), host: "127.0.0.1".into(), port: 1 }],
        contact: pb::Contact {
            title: "Desk".into(),
            phone: "1".into(),
            languages: vec!["en".into()],
            ..pb::Contact::default()
        },
        protocol: 1..=1,
        refresh_hint_s: 0,
        payload_types: Default::default(),
        may_be_named: false,
    };
    let envelope = sign_with_roots(&draft.into_first(), &[&secret(101)]);
    AcceptedDescriptor::restore(&"demo".parse().unwrap(), &envelope).unwrap()
}
