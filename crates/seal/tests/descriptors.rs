//! Which first descriptors are accepted, and what nobody may bring in with one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

mod kit;

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use kit::{CREATED_MS, NOW_MS, Party, federation, moment};
use proptest::prelude::*;
use prost::Message;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{Payload, Timestamp, pb};
use selat_seal::descriptor::{describe_key, sign_with_roots};
use selat_seal::{AcceptedDescriptor, SealError, SecretKey};

fn accept(envelope: &pb::Envelope) -> Result<AcceptedDescriptor, SealError> {
    AcceptedDescriptor::accept_first(&federation(), envelope, moment(NOW_MS))
}

/// Refused after `change`, with a fault at `field`.
#[track_caller]
fn check(field: &str, change: impl FnOnce(&mut pb::Descriptor)) {
    let mut descriptor = Party::aus().descriptor();
    change(&mut descriptor);
    let outcome = accept(&Party::aus().sign_descriptor(&descriptor));
    match outcome.as_ref().map_err(SealError::rule) {
        Err(SealError::Fields(faults)) => {
            let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
            assert!(fields.contains(&field), "{field} is not among {fields:?}");
        }
        other => panic!("{field}: {other:?}"),
    }
}

#[track_caller]
fn check_threshold(roots: &[&SecretKey], have: usize) {
    let refused = accept(&sign_with_roots(&Party::aus().descriptor(), roots)).unwrap_err();
    let told = format!("descriptor 1 of AUS: needs the signatures of 2 distinct root keys of its own, has {have}");
    assert_eq!((refused.code(), refused.to_string()), ("THRESHOLD_NOT_MET", told));
}

#[track_caller]
fn check_one_root_short(envelope: &pb::Envelope) {
    assert_eq!(accept(envelope).unwrap_err().rule(), &SealError::Threshold { need: 2, have: 1 });
}

#[test]
fn an_honest_descriptor_is_accepted_and_answers_for_its_owner() {
    let envelope = Party::aus().sign_descriptor(&Party::aus().descriptor());
    let accepted = accept(&envelope).unwrap();
    assert_eq!(accepted.participant().as_str(), "AUS");
    assert_eq!(accepted.version(), 1);
    assert_eq!(accepted.envelope(), &envelope);
    assert_eq!(accepted.message(), &Party::aus().descriptor());
    assert_eq!(accepted.keys(KeyPurpose::Root).count(), 3);
    let log_keys: Vec<_> = accepted.log_keys_at(moment(NOW_MS)).collect();
    assert_eq!(log_keys, [&Party::aus().key(KeyPurpose::Log).public()]);
    let authorities: Vec<_> = accepted.authorities(moment(NOW_MS)).map(|authority| authority.certificate).collect();
    assert_eq!(authorities, [b"certificate"]);
    assert_eq!(accepted.endpoints()[0].port, 7443);
    assert_eq!(AcceptedDescriptor::restore(&federation(), &envelope), Ok(accepted));
}

#[test]
fn a_threshold_counts_distinct_keys_of_the_roots() {
    let [a, b, c] = kit::ROOTS.map(|n| Party::aus().root(n));
    check_threshold(&[], 0);
    check_threshold(&[&a], 1);
    check_threshold(&[&a, &a], 1);
    check_threshold(&[&a, &Party::idn().root(1)], 1);
    check_threshold(&[&a, &Party::aus().key(KeyPurpose::Record)], 1);
    for two in [[&a, &b], [&b, &c], [&c, &a]] {
        assert!(accept(&sign_with_roots(&Party::aus().descriptor(), &two)).is_ok());
    }
    assert!(accept(&sign_with_roots(&Party::aus().descriptor(), &[&Party::idn().root(1), &a, &a, &c])).is_ok());
    let crowd = accept(&sign_with_roots(&Party::aus().descriptor(), &[&a; 17])).unwrap_err();
    assert_eq!(crowd.code(), "SIGNATURE_COUNT");
}

#[test]
fn a_signature_that_does_not_hold_does_not_count() {
    let mut envelope = Party::aus().sign_descriptor(&Party::aus().descriptor());
    envelope.signatures[1].sig[40] ^= 1;
    check_one_root_short(&envelope);
    let mut renamed = Party::aus().sign_descriptor(&Party::aus().descriptor());
    renamed.signatures[1].key_id = Party::aus().root(3).id().as_bytes().to_vec();
    check_one_root_short(&renamed);
}

#[test]
fn roots_that_are_not_active_do_not_sign() {
    let sleeping = |status: KeyStatus| {
        let mut descriptor = Party::aus().descriptor();
        descriptor.keys[1].set_status(status);
        descriptor.keys[1].valid_until_ms = NOW_MS;
        descriptor.keys[1].compromised_since_ms = if status == KeyStatus::Compromised { CREATED_MS } else { 0 };
        check_one_root_short(&Party::aus().sign_descriptor(&descriptor));
    };
    for status in [KeyStatus::Pending, KeyStatus::Retired, KeyStatus::Compromised] {
        sleeping(status);
    }
    let mut later = Party::aus().descriptor();
    later.keys[1].valid_from_ms = CREATED_MS + 1;
    check_one_root_short(&Party::aus().sign_descriptor(&later));
}

#[test]
fn the_clock_is_asked_at_acceptance_and_not_afterwards() {
    let expiring_at = |ms| {
        let mut descriptor = Party::aus().descriptor();
        descriptor.header.as_mut().unwrap().expires_ms = ms;
        Party::aus().sign_descriptor(&descriptor)
    };
    assert!(accept(&expiring_at(NOW_MS + 1)).is_ok());
    let expired = accept(&expiring_at(NOW_MS)).unwrap_err();
    assert_eq!(expired.to_string(), "descriptor 1 of AUS: has expired at 2026-01-02T00:00:00Z");
    assert!(AcceptedDescriptor::restore(&federation(), &expiring_at(NOW_MS)).is_ok());

    let today = Party::aus().sign_descriptor(&Party::aus().descriptor());
    let at = |ms| AcceptedDescriptor::accept_first(&federation(), &today, moment(ms));
    assert!(at(CREATED_MS - 300_000).is_ok());
    let early = at(CREATED_MS - 300_001).unwrap_err();
    assert_eq!(early.to_string(), "descriptor 1 of AUS: created more than five minutes in the future");
}

#[test]
fn another_federation_or_type_is_refused() {
    let envelope = Party::aus().sign_descriptor(&Party::aus().descriptor());
    let elsewhere = AcceptedDescriptor::accept_first(&"live".parse().unwrap(), &envelope, moment(NOW_MS));
    assert_eq!(elsewhere, Err(SealError::WrongFederation));
    let relabelled = pb::Envelope { payload_type: pb::Record::TYPE.to_owned(), ..envelope };
    assert_eq!(accept(&relabelled).unwrap_err().code(), "WRONG_TYPE");
}

#[test]
fn a_descriptor_in_another_encoding_is_refused() {
    let mut payload = Party::aus().descriptor().encode_to_vec();
    payload.extend([0x98, 0x06, 0x01]);
    let envelope = kit::envelope_of(pb::Descriptor::TYPE, &payload, &[&Party::aus().root(1), &Party::aus().root(2)]);
    assert_eq!(accept(&envelope), Err(SealError::NonCanonical));
    let large = vec![0; pb::Descriptor::MAX_BYTES + 1];
    assert_eq!(accept(&kit::envelope_of(pb::Descriptor::TYPE, &large, &[])).unwrap_err().code(), "TOO_LARGE");
}

#[test]
fn its_place_in_the_chain_agrees_with_itself() {
    check("version", |descriptor| descriptor.version = 0);
    check("previous", |descriptor| descriptor.previous = vec![1; 32]);
    for size in [0, 31, 33] {
        check("previous", |descriptor| (descriptor.version, descriptor.previous) = (2, vec![1; size]));
    }
    check("header.descriptor_version", |descriptor| descriptor.header.as_mut().unwrap().descriptor_version = 2);
    check("header.audience", |descriptor| descriptor.header.as_mut().unwrap().audience = "IDN".to_owned());
}

#[test]
fn keys_that_break_the_rule_do_not_get_in() {
    let torsioned = (ED25519_BASEPOINT_POINT + EIGHT_TORSION[1]).compress().to_bytes();
    let small = EIGHT_TORSION[3].compress().to_bytes();
    for raw in [torsioned.to_vec(), small.to_vec(), vec![2; 32], vec![1; 31], Vec::new()] {
        check("keys[3].public_key", |descriptor| descriptor.keys[3].public_key = raw);
    }
    check("keys[3].id", |descriptor| descriptor.keys[3].id[0] ^= 1);
    check("keys[3].algorithm", |descriptor| descriptor.keys[3].algorithm = 0);
    check("keys[3].algorithm", |descriptor| descriptor.keys[3].algorithm = 2);
    check("keys[3].purpose", |descriptor| descriptor.keys[3].purpose = 0);
    check("keys[3].purpose", |descriptor| descriptor.keys[3].purpose = 99);
    check("keys[3].status", |descriptor| descriptor.keys[3].status = 0);
    check("keys[3].status", |descriptor| descriptor.keys[3].status = 99);
}

#[test]
fn a_key_has_one_purpose_and_stands_once() {
    check("keys", |descriptor| {
        let mut again = descriptor.keys[3].clone();
        again.set_purpose(KeyPurpose::Query);
        descriptor.keys.push(again);
    });
    check("keys", |descriptor| descriptor.keys.clear());
    check("keys", |descriptor| descriptor.keys = vec![descriptor.keys[0].clone(); 65]);
}

#[test]
fn the_times_of_a_key_agree_with_its_status() {
    check("keys[3].valid_from_ms", |descriptor| descriptor.keys[3].valid_from_ms = -1);
    check("keys[3].valid_until_ms", |descriptor| descriptor.keys[3].valid_until_ms = CREATED_MS);
    check("keys[3].valid_until_ms", |descriptor| descriptor.keys[3].set_status(KeyStatus::Retired));
    check("keys[3].compromised_since_ms", |descriptor| descriptor.keys[3].set_status(KeyStatus::Compromised));
    check("keys[3].compromised_since_ms", |descriptor| descriptor.keys[3].compromised_since_ms = NOW_MS);
    check("keys[3].compromised_since_ms", |descriptor| {
        descriptor.keys[3].set_status(KeyStatus::Compromised);
        descriptor.keys[3].compromised_since_ms = CREATED_MS + 1;
    });
}

#[test]
fn certificates_stand_with_tls_authorities_alone() {
    check("keys[6].certificate", |descriptor| descriptor.keys[6].certificate.clear());
    check("keys[6].certificate", |descriptor| descriptor.keys[6].certificate = vec![0; 4097]);
    check("keys[3].certificate", |descriptor| descriptor.keys[3].certificate = vec![0; 10]);
    let at_the_cap = Party::aus().accepted(|descriptor| descriptor.keys[6].certificate = vec![7; 4096]);
    let sizes: Vec<_> = at_the_cap.authorities(moment(NOW_MS)).map(|authority| authority.certificate.len()).collect();
    assert_eq!(sizes, [4096]);
}

#[test]
fn an_authority_vouches_within_the_window_of_its_key() {
    let windows = |change: fn(&mut pb::Key)| {
        let accepted = Party::aus().accepted(|descriptor| change(&mut descriptor.keys[6]));
        let window =
            |authority: selat_seal::TlsAuthority<'_>| (authority.from.ms(), authority.until.map(Timestamp::ms));
        accepted.authorities(moment(NOW_MS)).map(window).collect::<Vec<_>>()
    };
    let from = CREATED_MS - 300_000;
    assert_eq!(windows(|_| {}), [(from, None)]);
    assert_eq!(windows(|key| key.valid_from_ms = NOW_MS + 600_000), [(NOW_MS + 300_000, None)]);
    let retired_until = |key: &mut pb::Key, until| {
        key.set_status(KeyStatus::Retired);
        key.valid_until_ms = until;
    };
    assert_eq!(windows(|key| key.valid_until_ms = NOW_MS), []);
    let retired = Party::aus().accepted(|descriptor| retired_until(&mut descriptor.keys[6], NOW_MS + 1));
    assert_eq!(
        retired.authorities(moment(NOW_MS)).map(|authority| authority.until).last(),
        Some(Some(moment(NOW_MS + 1)))
    );
    assert_eq!(retired.authorities(moment(NOW_MS + 1)).count(), 0);
    assert_eq!(windows(|key| key.set_status(KeyStatus::Pending)), []);
    assert_eq!(
        windows(|key| {
            key.set_status(KeyStatus::Compromised);
            key.compromised_since_ms = CREATED_MS;
        }),
        []
    );
}

#[test]
fn a_threshold_that_roots_cannot_meet_is_refused() {
    check("root_threshold", |descriptor| descriptor.root_threshold = 0);
    check("root_threshold", |descriptor| descriptor.root_threshold = 4);
    check("root_threshold", |descriptor| descriptor.root_threshold = u32::MAX);
    let nine_of_nine = |descriptor: &mut pb::Descriptor| {
        for n in 4..10 {
            let root = SecretKey::from_seed([0x90 + n; 32]).public();
            descriptor.keys.push(describe_key(KeyPurpose::Root, &root, moment(CREATED_MS)));
        }
        descriptor.root_threshold = 9;
    };
    check("root_threshold", nine_of_nine);
}

#[test]
fn endpoints_are_bounded_and_can_be_dialled() {
    check("endpoints", |descriptor| descriptor.endpoints.clear());
    check("endpoints", |descriptor| descriptor.endpoints = vec![descriptor.endpoints[0].clone(); 9]);
    check("endpoints", |descriptor| descriptor.endpoints = vec![descriptor.endpoints[0].clone(); 2]);
    check("endpoints[0].node", |descriptor| descriptor.endpoints[0].node = "Node_1".to_owned());
    check("endpoints[0].host", |descriptor| descriptor.endpoints[0].host = "a host".to_owned());
    check("endpoints[0].port", |descriptor| descriptor.endpoints[0].port = 0);
    check("endpoints[0].port", |descriptor| descriptor.endpoints[0].port = 65_536);
}

#[test]
fn text_is_bounded_and_clean() {
    check("unit", |descriptor| descriptor.unit.clear());
    check("unit", |descriptor| descriptor.unit = "x".repeat(121));
    check("unit", |descriptor| descriptor.unit = "e\u{301}".to_owned());
    check("unit", |descriptor| descriptor.unit = "unit\u{1b}[2J".to_owned());
    check("contact", |descriptor| descriptor.contact = None);
    let contact = |change: fn(&mut pb::Contact)| {
        move |descriptor: &mut pb::Descriptor| change(descriptor.contact.as_mut().unwrap())
    };
    check("contact.title", contact(|contact| contact.title.clear()));
    check("contact.phone", contact(|contact| contact.phone = "1".repeat(41)));
    check("contact.email", contact(|contact| contact.email = "x".repeat(255)));
    check("contact.hours", contact(|contact| contact.hours = "x".repeat(121)));
    check("contact.languages", contact(|contact| contact.languages = vec!["en".to_owned(); 65]));
    check("contact.languages[1]", contact(|contact| contact.languages.push("e".to_owned())));
    assert_eq!(Party::aus().accepted(|descriptor| descriptor.unit = "ä".repeat(120)).message().unit.len(), 240);
}

#[test]
fn what_the_node_speaks_is_in_order() {
    let range = |min, max| Some(pb::ProtocolRange { min, max });
    for protocol in [None, range(0, 1), range(2, 1), range(0, 0)] {
        check("protocol", |descriptor| descriptor.protocol = protocol);
    }
    check("refresh_hint_s", |descriptor| descriptor.refresh_hint_s = 604_801);
    check("payload_types", |descriptor| descriptor.payload_types.reverse());
    check("payload_types", |descriptor| descriptor.payload_types = vec!["a".to_owned(); 2]);
    check("payload_types", |descriptor| descriptor.payload_types.insert(0, String::new()));
    check("payload_types", |descriptor| descriptor.payload_types = (0..65).map(|n| format!("t{n:02}")).collect());
}

#[test]
fn all_faults_are_told_at_once() {
    check("unit", |descriptor| {
        descriptor.unit.clear();
        descriptor.root_threshold = 0;
    });
    check("root_threshold", |descriptor| {
        descriptor.unit.clear();
        descriptor.root_threshold = 0;
    });
}

proptest! {
    /// A change anywhere in a signed descriptor is refused, whatever it does to the decoder.
    #[test]
    fn a_flipped_bit_is_refused(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut envelope = Party::aus().sign_descriptor(&Party::aus().descriptor());
        let at = at.index(envelope.payload.len());
        envelope.payload[at] ^= 1 << bit;
        prop_assert!(accept(&envelope).is_err());
    }

    #[test]
    fn garbage_is_refused(payload in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(accept(&kit::envelope_of(pb::Descriptor::TYPE, &payload, &[])).is_err());
    }

    #[test]
    fn garbage_is_no_key_file(text in "(-----BEGIN SELAT SECRET KEY-----\n)?(Participant: AUS\n)?\\PC{0,80}\n?(-----END SELAT SECRET KEY-----)?") {
        prop_assert!(selat_seal::KeyFile::parse(&text).is_err());
    }
}
