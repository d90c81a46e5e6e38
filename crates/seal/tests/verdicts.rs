//! The verifier's verdicts, one small case each. `honest` goes through; every other case differs from it in one thing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stumbles shall fail")]

mod kit;

use kit::{CREATED_MS, NOW_MS, Party, moment, participant, query, query_over, signed_query, trust};
use prost::Message;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{Payload, pb};
use selat_seal::{At, SealError, SecretKey, Signer, Verified, verify};

fn verdict(envelope: &pb::Envelope) -> Result<Verified<pb::Query>, SealError> {
    verify(&trust(), envelope, &participant("AUS"), kit::now())
}

#[track_caller]
fn check(envelope: &pb::Envelope, code: &str) {
    assert_eq!(verdict(envelope).unwrap_err().code(), code);
}

/// Refused with `code` after `change` to the message, which is then signed as it should be.
#[track_caller]
fn check_changed(change: impl FnOnce(&mut pb::Query), code: &str) {
    let mut message = query();
    change(&mut message);
    check(&query_over(&message.encode_to_vec()), code);
}

#[track_caller]
fn check_header(change: impl FnOnce(&mut pb::Header), code: &str) {
    check_changed(|message| change(message.header.as_mut().unwrap()), code);
}

#[test]
fn an_honest_envelope_is_verified_and_says_who_signed() {
    let key = Party::aus().key(KeyPurpose::Query);
    let sealed = Signer::new(KeyPurpose::Query, key.clone()).sign(&query()).unwrap();
    assert_eq!(sealed.envelope, signed_query());
    let verified = verdict(&selat_seal::decode_envelope(&sealed.bytes).unwrap()).unwrap();
    assert_eq!(verified.get(), &query());
    assert_eq!(verified.issuer().as_str(), "AUS");
    assert_eq!(verified.signer(), key.id());
    assert_eq!(verified.content_id(), sealed.content_id);
}

#[test]
fn another_payload_type_is_refused() {
    for other in [pb::Answer::TYPE, "application/vnd.selat.query.v2+proto", "Application/vnd.selat.query.v1+proto", ""]
    {
        check(
            &kit::envelope_of(other, &query().encode_to_vec(), &[&Party::aus().key(KeyPurpose::Query)]),
            "WRONG_TYPE",
        );
    }
    // The same bytes and signature under another label: the type is part of what is signed.
    let mut relabelled = signed_query();
    relabelled.payload_type = pb::Answer::TYPE.to_owned();
    let refused = verify::<pb::Answer>(&trust(), &relabelled, &participant("AUS"), kit::now()).unwrap_err();
    assert_eq!(refused.code(), "BAD_SIGNATURE");
}

#[test]
fn a_key_of_another_purpose_is_refused() {
    for purpose in [KeyPurpose::Root, KeyPurpose::Record, KeyPurpose::Log, KeyPurpose::TlsCa] {
        let key = if purpose == KeyPurpose::Root { Party::aus().root(1) } else { Party::aus().key(purpose) };
        check(&kit::envelope_of(pb::Query::TYPE, &query().encode_to_vec(), &[&key]), "WRONG_PURPOSE");
        assert_eq!(Signer::new(purpose, key).sign(&query()), Err(SealError::WrongPurpose));
    }
}

#[test]
fn an_issuer_that_nobody_accepted_is_refused() {
    let refused = verify::<pb::Query>(&trust(), &signed_query(), &participant("MYS"), kit::now()).unwrap_err();
    assert_eq!(refused.code(), "UNKNOWN_ISSUER");
    let without = trust().without(&participant("AUS"));
    assert!(verify::<pb::Query>(&without, &signed_query(), &participant("AUS"), kit::now()).is_err());
}

#[test]
fn a_key_of_another_participant_is_not_looked_for() {
    let payload = query().encode_to_vec();
    let other = Party::idn().key(KeyPurpose::Query);
    check(&kit::envelope_of(pb::Query::TYPE, &payload, &[&other]), "UNKNOWN_KEY");
    // With the honest key's id as a hint, the honest key is the one that judges.
    let mut pretending = kit::envelope_of(pb::Query::TYPE, &payload, &[&other]);
    pretending.signatures[0].key_id = Party::aus().key(KeyPurpose::Query).id().as_bytes().to_vec();
    check(&pretending, "BAD_SIGNATURE");
}

#[test]
fn a_payload_that_names_another_issuer_is_refused() {
    check_header(|header| header.issuer = "IDN".to_owned(), "ISSUER_MISMATCH");
    // What IDN signed does not become AUS's by being expected from AUS.
    let from_idn = kit::envelope_of(pb::Query::TYPE, &query().encode_to_vec(), &[&Party::idn().key(KeyPurpose::Query)]);
    let refused = verify::<pb::Query>(&trust(), &from_idn, &participant("IDN"), kit::now()).unwrap_err();
    assert_eq!(refused.code(), "ISSUER_MISMATCH");
}

#[test]
fn a_changed_payload_or_signature_is_refused() {
    for at in [0, 10, 40] {
        let mut tampered = signed_query();
        tampered.payload[at] ^= 1;
        check(&tampered, "BAD_SIGNATURE");
    }
    for at in [0, 31, 32, 63] {
        let mut tampered = signed_query();
        tampered.signatures[0].sig[at] ^= 1;
        check(&tampered, "BAD_SIGNATURE");
    }
    for length in [0, 63, 65] {
        let mut tampered = signed_query();
        tampered.signatures[0].sig.resize(length, 0);
        check(&tampered, "BAD_SIGNATURE");
    }
}

#[test]
fn a_working_key_signs_alone() {
    let payload = query().encode_to_vec();
    let key = Party::aus().key(KeyPurpose::Query);
    check(&kit::envelope_of(pb::Query::TYPE, &payload, &[]), "SIGNATURE_COUNT");
    check(&kit::envelope_of(pb::Query::TYPE, &payload, &[&key, &key]), "SIGNATURE_COUNT");
    check(&kit::envelope_of(pb::Query::TYPE, &payload, &[&key; 17]), "SIGNATURE_COUNT");
}

#[test]
fn sizes_are_judged_before_anything_is_read() {
    check(&query_over(&vec![0xff; pb::Query::MAX_BYTES]), "MALFORMED");
    check(&query_over(&vec![0xff; pb::Query::MAX_BYTES + 1]), "TOO_LARGE");
    let large = pb::Query { case_reference: "x".repeat(pb::Query::MAX_BYTES), ..query() };
    let signer = Signer::new(KeyPurpose::Query, Party::aus().key(KeyPurpose::Query));
    assert_eq!(signer.sign(&large).unwrap_err().code(), "TOO_LARGE");
}

#[test]
fn another_federation_is_refused() {
    check_header(|header| header.federation = "live".to_owned(), "WRONG_FEDERATION");
    check_header(|header| header.federation.clear(), "WRONG_FEDERATION");
}

#[test]
fn a_header_out_of_order_is_refused() {
    check_changed(|message| message.header = None, "MALFORMED");
    check_header(|header| header.issuer = "aus".to_owned(), "MALFORMED");
    check_header(|header| header.audience.clear(), "MALFORMED");
    check_header(|header| header.id.clear(), "MALFORMED");
    check_header(|header| header.id[6] = 0x40, "MALFORMED");
    check_header(|header| header.created_ms = 0, "MALFORMED");
    check_header(|header| header.created_ms = -1, "MALFORMED");
    check_header(|header| header.created_ms = i64::MAX, "MALFORMED");
    check_header(|header| header.expires_ms = header.created_ms, "MALFORMED");
    check_header(|header| header.descriptor_version = 0, "MALFORMED");
}

#[test]
fn a_clock_may_run_ahead_by_five_minutes() {
    let created_at = |ms| {
        let mut message = query();
        let header = message.header.as_mut().unwrap();
        (header.created_ms, header.expires_ms) = (ms, 0);
        verdict(&query_over(&message.encode_to_vec()))
    };
    assert!(created_at(NOW_MS + 300_000).is_ok());
    assert_eq!(created_at(NOW_MS + 300_001).unwrap_err().code(), "FROM_THE_FUTURE");
}

/// The pieces of a query's encoding, to put together wrongly.
struct Pieces {
    header: Vec<u8>,
    purpose: Vec<u8>,
    case: Vec<u8>,
}

fn pieces() -> Pieces {
    let header = kit::header("AUS").encode_to_vec();
    Pieces {
        header: [&[0x0a, u8::try_from(header.len()).unwrap()], header.as_slice()].concat(),
        purpose: vec![0x10, 0x01],
        case: vec![0x1a, 0x01, b'C'],
    }
}

#[test]
fn only_the_canonical_encoding_of_a_payload_is_taken() {
    let Pieces { header, purpose, case } = pieces();
    let join = |parts: &[&[u8]]| parts.concat();
    assert!(verdict(&query_over(&join(&[&header, &purpose, &case]))).is_ok(), "the pieces in order are canonical");

    let rest_of_header = &header[header.len() - 2..];
    let cases: [(&str, Vec<u8>); 10] = [
        ("default value present", join(&[&header, &purpose, &case, &[0x22, 0x00]])),
        ("fields out of order", join(&[&header, &case, &purpose])),
        ("scalar twice", join(&[&header, &purpose, &purpose, &case])),
        ("scalar twice, other value first", join(&[&header, &[0x10, 0x02], &purpose, &case])),
        ("unknown field", join(&[&header, &purpose, &case, &[0x98, 0x06, 0x01]])),
        ("over-long varint", join(&[&header, &[0x10, 0x81, 0x00], &case])),
        ("over-long length", join(&[&header, &purpose, &[0x1a, 0x81, 0x00, b'C']])),
        ("message in two parts", join(&[&header, &[0x0a, 0x02], rest_of_header, &purpose, &case])),
        ("repeated scalar unpacked", join(&[&header, &purpose, &case, &[0x52, 0x02, 0x08, 0x01]])),
        ("oneof twice", join(&[&header, &purpose, &case, &[0x52, 0x00, 0x52, 0x00]])),
    ];
    for (name, payload) in cases {
        let refused = verdict(&query_over(&payload)).expect_err(name);
        assert_eq!(refused.code(), "NON_CANONICAL", "{name}");
    }
    check(&query_over(&join(&[&header, &purpose, &[0x1a, 0x05, b'C']])), "MALFORMED");
    check(&query_over(&join(&[&header, &purpose, &[0x1a, 0x01, 0xff]])), "MALFORMED");
}

/// The verdict on a query that says it was created at `created_ms` and was first logged at `first_logged_ms`, after
/// `change` to the key in the descriptor.
fn verdict_at(created_ms: i64, first_logged_ms: i64, change: impl FnOnce(&mut pb::Key)) -> &'static str {
    let descriptor = Party::aus().accepted(|descriptor| {
        // The later, the better: a compromise cannot be told before it is known.
        descriptor.header.as_mut().unwrap().created_ms = NOW_MS;
        let key = descriptor.keys.iter_mut().find(|key| key.purpose() == KeyPurpose::Query);
        change(key.unwrap());
    });
    let mut message = query();
    let header = message.header.as_mut().unwrap();
    (header.created_ms, header.expires_ms) = (created_ms, 0);
    let at = At { now: moment(NOW_MS + 3_600_000), first_logged: moment(first_logged_ms) };
    let envelope = query_over(&message.encode_to_vec());
    let key = descriptor.keys(KeyPurpose::Query).next().unwrap();
    let stands = key.verifies(moment(created_ms), moment(first_logged_ms));
    match verify::<pb::Query>(&trust().with(descriptor), &envelope, &participant("AUS"), at) {
        Ok(_) => {
            assert!(stands, "the key says what the verifier says");
            "OK"
        }
        Err(error) => {
            assert!(!stands, "the key says what the verifier says");
            error.code()
        }
    }
}

/// Logged long after it was created, as when a peer joins later: that does not count against it.
fn verdict_on(created_ms: i64, change: impl FnOnce(&mut pb::Key)) -> &'static str {
    verdict_at(created_ms, NOW_MS + 3_000_000, change)
}

#[test]
fn an_active_key_counts_for_what_was_created_within_its_validity() {
    assert_eq!(verdict_on(CREATED_MS, |_| {}), "OK");
    assert_eq!(verdict_on(CREATED_MS - 300_000, |_| {}), "OK", "clocks differ by so much");
    assert_eq!(verdict_on(CREATED_MS - 300_001, |_| {}), "KEY_NOT_VALID");
    assert_eq!(verdict_on(NOW_MS - 1, |key| key.valid_until_ms = NOW_MS), "OK");
    assert_eq!(verdict_on(NOW_MS, |key| key.valid_until_ms = NOW_MS), "KEY_NOT_VALID");
}

#[test]
fn a_retired_key_counts_for_what_was_created_before_its_end_though_that_lies_ahead() {
    let retire_at = |until: i64| {
        move |key: &mut pb::Key| {
            key.set_status(KeyStatus::Retired);
            key.valid_until_ms = until;
        }
    };
    assert_eq!(verdict_on(NOW_MS - 1, retire_at(NOW_MS)), "OK");
    assert_eq!(verdict_on(NOW_MS, retire_at(NOW_MS)), "KEY_NOT_VALID");
    assert_eq!(verdict_on(NOW_MS + 1000, retire_at(NOW_MS + 2000)), "OK");
}

#[test]
fn a_compromised_key_counts_for_what_we_ourselves_logged_before_whatever_time_a_thief_gives() {
    let since = NOW_MS - 1000;
    let compromise = |key: &mut pb::Key| {
        key.set_status(KeyStatus::Compromised);
        key.compromised_since_ms = since;
    };
    assert_eq!(verdict_at(CREATED_MS, since - 1, compromise), "OK");
    assert_eq!(verdict_at(CREATED_MS, since, compromise), "KEY_COMPROMISED");
    assert_eq!(verdict_at(CREATED_MS, NOW_MS, compromise), "KEY_COMPROMISED", "backdated by the thief");
    assert_eq!(verdict_at(CREATED_MS - 300_001, since - 1, compromise), "KEY_NOT_VALID");
    let also_ended = |key: &mut pb::Key| {
        compromise(key);
        key.valid_until_ms = CREATED_MS + 10;
    };
    assert_eq!(verdict_at(CREATED_MS + 9, since - 1, also_ended), "OK", "logged after its end, but made before");
    assert_eq!(verdict_at(CREATED_MS + 10, since - 1, also_ended), "KEY_NOT_VALID");
}

#[test]
fn a_pending_key_counts_for_nothing() {
    assert_eq!(verdict_on(NOW_MS, |key| key.set_status(KeyStatus::Pending)), "KEY_PENDING");
}

#[test]
fn a_key_may_sign_now_while_it_is_active_or_its_end_lies_ahead() {
    let may = |now_ms: i64, change: fn(&mut pb::Key)| {
        let accepted = Party::aus().accepted(|descriptor| change(&mut descriptor.keys[5]));
        let key = accepted.keys(KeyPurpose::Log).next().unwrap().clone();
        assert_eq!(accepted.log_keys_at(moment(now_ms)).count(), usize::from(key.may_sign_at(moment(now_ms))));
        key.may_sign_at(moment(now_ms))
    };
    let retire = |key: &mut pb::Key| {
        key.set_status(KeyStatus::Retired);
        key.valid_until_ms = NOW_MS;
    };
    assert!(may(NOW_MS, |_| {}));
    assert!(may(CREATED_MS - 300_000, |_| {}));
    assert!(!may(CREATED_MS - 300_001, |_| {}));
    assert!(may(NOW_MS - 1, retire));
    assert!(!may(NOW_MS, retire));
    assert!(!may(NOW_MS, |key| key.set_status(KeyStatus::Pending)));
    assert!(!may(NOW_MS, |key| {
        key.set_status(KeyStatus::Compromised);
        key.compromised_since_ms = CREATED_MS;
    }));
}

#[test]
fn a_key_outside_the_descriptor_is_refused() {
    let stranger = SecretKey::from_seed([0x77; 32]);
    check(&kit::envelope_of(pb::Query::TYPE, &query().encode_to_vec(), &[&stranger]), "UNKNOWN_KEY");
    let mut unnamed = signed_query();
    unnamed.signatures[0].key_id.clear();
    check(&unnamed, "UNKNOWN_KEY");
}
