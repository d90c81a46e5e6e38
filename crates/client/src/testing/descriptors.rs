//! Descriptors of a made-up participant, and files of them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use selat_record::pb::{self, KeyPurpose};
use selat_record::{Payload as _, Timestamp};
use selat_seal::descriptor::{
    DescriptorDraft, describe_authority, describe_key, sign_with_roots, unsigned, write_chain, write_draft,
};
use selat_seal::{Endpoint, KeyFile, SecretKey, content_id};

use super::Running;

/// When the clock of the tests stands.
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
const DAY_MS: i64 = 86_400_000;

/// The root key of this number, from 1 on.
pub(crate) fn root(number: u8) -> SecretKey {
    SecretKey::from_seed([number; 32])
}

/// The first eight digits of a key's id.
pub(crate) fn digits(key: &SecretKey) -> String {
    key.id().to_string().chars().take(8).collect()
}

/// The record key.
pub(crate) fn record_key() -> SecretKey {
    SecretKey::from_seed([21; 32])
}

fn moment(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms).unwrap()
}

/// What version 1 of AUS says: roots 1 to 3, two of which must sign; made a day ago.
pub(crate) fn first() -> pb::Descriptor {
    let from = moment(NOW_MS - 2 * DAY_MS);
    let mut keys: Vec<pb::Key> =
        (1..=3).map(|number| describe_key(KeyPurpose::Root, &root(number).public(), from)).collect();
    keys.push(describe_key(KeyPurpose::Record, &record_key().public(), from));
    keys.push(describe_key(KeyPurpose::Query, &SecretKey::from_seed([22; 32]).public(), from));
    keys.push(describe_key(KeyPurpose::Log, &SecretKey::from_seed([23; 32]).public(), from));
    keys.push(describe_authority(&SecretKey::from_seed([24; 32]).public(), from, vec![0x30; 200]));
    let draft = DescriptorDraft {
        federation: "demo".parse().unwrap(),
        participant: "AUS".parse().unwrap(),
        id: selat_record::ids::mint_uuid(moment(NOW_MS - DAY_MS), [7; 10]).into_bytes(),
        created: moment(NOW_MS - DAY_MS),
        expires: None,
        unit: "Immigration Intelligence Centre".to_owned(),
        root_threshold: 2,
        keys,
        endpoints: vec![Endpoint { node: "node1".to_owned(), host: "aus.example".to_owned(), port: 7443 }],
        contact: pb::Contact {
            title: "Duty officer".to_owned(),
            phone: "+61 2 5550 0100".to_owned(),
            languages: vec!["en".to_owned()],
            ..pb::Contact::default()
        },
        protocol: 1..=1,
        refresh_hint_s: 3600,
        payload_types: [pb::Descriptor::TYPE, pb::Record::TYPE].map(str::to_owned).into(),
        may_be_named: false,
    };
    draft.into_first()
}

/// What the version after `before` says, with a change; made an hour ago.
pub(crate) fn next(before: &pb::Descriptor, change: impl FnOnce(&mut pb::Descriptor)) -> pb::Descriptor {
    let mut next = before.clone();
    next.version += 1;
    next.previous = content_id(&unsigned(before)).as_bytes().to_vec();
    let header = next.header.as_mut().unwrap();
    header.descriptor_version = next.version;
    header.created_ms = NOW_MS - 3_600_000 + i64::try_from(next.version).unwrap();
    header.id = selat_record::ids::mint_uuid(moment(header.created_ms), [8; 10]).into_bytes().to_vec();
    change(&mut next);
    next
}

/// Signed by the roots of these numbers.
pub(crate) fn signed(message: &pb::Descriptor, roots: &[u8]) -> pb::Envelope {
    let roots: Vec<SecretKey> = roots.iter().map(|number| root(*number)).collect();
    sign_with_roots(message, &roots.iter().collect::<Vec<_>>())
}

impl Running {
    /// A file with these versions.
    pub(crate) fn chain(&self, name: &str, versions: &[pb::Envelope]) -> String {
        self.file(name, &write_chain(versions))
    }

    /// A file with a draft.
    pub(crate) fn draft(&self, name: &str, draft: &pb::Envelope) -> String {
        self.file(name, &write_draft(draft))
    }

    /// The file of a root key, for its owner alone.
    pub(crate) fn root_file(&self, number: u8) -> String {
        let file = KeyFile { participant: "AUS".parse().unwrap(), purpose: KeyPurpose::Root, secret: root(number) };
        self.secret_file(&format!("root-{number}.key"), &file.to_text())
    }

    /// A file for its owner alone.
    pub(crate) fn secret_file(&self, name: &str, text: &str) -> String {
        let path = self.file(name, text);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }
}
