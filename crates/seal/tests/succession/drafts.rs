//! Drafting the next version: what it takes over, what it changes, and which drafts are refused at once.

use std::collections::BTreeSet;

use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{Timestamp, pb};
use selat_seal::descriptor::{describe_key, sign_with_roots};
use selat_seal::succession::{Change, check_timely, next_descriptor, publish_by};
use selat_seal::{AcceptedDescriptor, Endpoint, FUTURE_TOLERANCE, SealError, SecretKey};

use crate::kit::{CREATED_MS, NOW_MS, Party, moment, uuid_v7};
use crate::world::{GRACE, HOUR};

fn first() -> AcceptedDescriptor {
    Party::aus().accepted(|_| {})
}

fn draft(changes: &[Change]) -> Result<pb::Descriptor, SealError> {
    next_descriptor(&first(), changes, uuid_v7(7), moment(NOW_MS))
}

fn accepted(changes: &[Change]) -> AcceptedDescriptor {
    let keys = [1, 2, 3].map(|n| Party::aus().root(n));
    let envelope = sign_with_roots(&draft(changes).unwrap(), &keys.each_ref());
    first().accept_next(&envelope, moment(NOW_MS)).unwrap()
}

#[track_caller]
fn check_refused(change: Change, code: &str, told: &str) {
    let refused = draft(&[change]).unwrap_err();
    assert_eq!((refused.code(), refused.to_string().as_str()), (code, told));
}

fn stranger() -> SecretKey {
    SecretKey::from_seed([0x66; 32])
}

fn record() -> selat_seal::KeyId {
    Party::aus().key(KeyPurpose::Record).id()
}

#[test]
fn a_draft_without_changes_says_the_same_under_the_next_number() {
    let next = accepted(&[]);
    assert_eq!((next.version(), next.created()), (2, moment(NOW_MS)));
    let mut expected = first().message().clone();
    expected.version = 2;
    expected.previous = first().content_id().as_bytes().to_vec();
    let header = expected.header.as_mut().unwrap();
    (header.descriptor_version, header.created_ms, header.id) = (2, NOW_MS, uuid_v7(7).to_vec());
    assert_eq!(next.message(), &expected);
}

#[test]
fn a_draft_lives_as_long_as_the_version_before() {
    let month = HOUR * 24 * 30;
    let own = Party::aus().accepted(|descriptor| {
        descriptor.header.as_mut().unwrap().expires_ms = moment(CREATED_MS).plus(month).ms();
    });
    let expires = |changes: &[Change]| {
        let next = next_descriptor(&own, changes, uuid_v7(7), moment(NOW_MS)).unwrap();
        next.header.unwrap().expires_ms
    };
    assert_eq!(expires(&[]), moment(NOW_MS).plus(month).ms());
    assert_eq!(expires(&[Change::Expires(None)]), 0);
    assert_eq!(expires(&[Change::Expires(Some(moment(NOW_MS + 5)))]), NOW_MS + 5);
}

#[test]
fn a_clock_that_is_behind_is_told_beyond_what_clocks_differ() {
    let own = first();
    let at = |now: Timestamp| next_descriptor(&own, &[], uuid_v7(7), now);
    let little = at(moment(CREATED_MS).minus(FUTURE_TOLERANCE)).unwrap();
    assert_eq!(little.header.unwrap().created_ms, CREATED_MS, "never before the version before");
    let refused = at(moment(CREATED_MS - 300_001)).unwrap_err();
    assert_eq!(refused.code(), "CLOCK_BEHIND");
    let told = "the clock says 2025-12-31T23:54:59Z, but version 1 was created at 2026-01-01T00:00:00Z";
    assert_eq!(refused.to_string().replace("23:55:00Z", "23:54:59Z"), told);
}

#[test]
fn keys_enter_turn_and_leave() {
    let key = describe_key(KeyPurpose::Record, &stranger().public(), moment(CREATED_MS));
    let status = |changes: &[Change], id: selat_seal::KeyId| {
        let next = accepted(changes);
        next.key(id.as_bytes()).map(|key| (key.status(), key.valid_from(), key.valid_until()))
    };
    let now = moment(NOW_MS);
    let announced = status(&[Change::Announce(key.clone())], stranger().id());
    assert_eq!(announced, Some((KeyStatus::Pending, now, None)));
    let added = status(&[Change::AddActive(key)], stranger().id());
    assert_eq!(added, Some((KeyStatus::Active, now, None)));
    let until = now.plus(GRACE);
    let retired = status(&[Change::Retire { key: record(), until }], record());
    assert_eq!(retired, Some((KeyStatus::Retired, moment(CREATED_MS), Some(until))));
    let compromised = accepted(&[Change::Compromise { key: record(), since: now }]);
    assert_eq!(compromised.key(record().as_bytes()).unwrap().compromised_since(), Some(now));
    assert_eq!(status(&[Change::Drop(record())], record()), None);
}

#[test]
fn everything_that_is_not_a_key_can_be_changed() {
    let endpoint = Endpoint { node: "node2".to_owned(), host: "node2.aus.example".to_owned(), port: 8443 };
    let contact = pb::Contact { title: "Night desk".to_owned(), ..pb::Contact::default() };
    let next = accepted(&[
        Change::Threshold(3),
        Change::Unit("Another Centre".to_owned()),
        Change::Endpoints(vec![endpoint.clone()]),
        Change::Contact(contact.clone()),
        Change::Protocol(1..=2),
        Change::RefreshHint(60),
        Change::PayloadTypes(BTreeSet::from(["a".to_owned(), "b".to_owned()])),
        Change::MayBeNamed(false),
    ]);
    let message = next.message();
    assert_eq!((message.root_threshold, message.unit.as_str()), (3, "Another Centre"));
    assert_eq!((next.endpoints(), message.contact.as_ref()), (&[endpoint][..], Some(&contact)));
    assert_eq!(message.protocol, Some(pb::ProtocolRange { min: 1, max: 2 }));
    assert_eq!((message.refresh_hint_s, message.may_be_named), (60, false));
    assert_eq!(message.payload_types, ["a", "b"]);
}

#[test]
fn roots_are_replaced_by_the_old_and_the_new_together() {
    let own = first();
    let public = |n| Party::aus().root(n).public();
    let change = Change::ReplaceRoots { roots: vec![public(3), public(4), public(5)], threshold: 2 };
    let next = next_descriptor(&own, &[change], uuid_v7(7), moment(NOW_MS)).unwrap();
    let [one, two, three, four, five] = [1, 2, 3, 4, 5].map(|n| Party::aus().root(n));
    let accept = |keys: &[&SecretKey]| own.accept_next(&sign_with_roots(&next, keys), moment(NOW_MS));
    assert_eq!(accept(&[&one, &two]).unwrap_err().code(), "THRESHOLD_NOT_MET");
    assert_eq!(accept(&[&four, &five]).unwrap_err().code(), "THRESHOLD_OF_PREVIOUS");
    let accepted = accept(&[&one, &two, &four, &five]).unwrap();
    let status = |secret: &SecretKey| accepted.key(secret.id().as_bytes()).unwrap().status();
    assert_eq!([&one, &two].map(status), [KeyStatus::Retired; 2]);
    assert_eq!([&three, &four, &five].map(status), [KeyStatus::Active; 3]);

    let at_once = Change::ReplaceRoots { roots: vec![public(4), public(5)], threshold: 2 };
    let same_moment = next_descriptor(&own, std::slice::from_ref(&at_once), uuid_v7(7), moment(CREATED_MS));
    assert!(same_moment.is_ok(), "even at the moment at which the old ones were made");
}

#[test]
fn changes_that_cannot_be_made_are_told() {
    let (id, key) = (stranger().id(), record());
    check_refused(Change::Drop(id), "CHANGE_REFUSED", &format!("cannot be drafted: key {id} is not listed"));
    let told = format!("cannot be drafted: key {key} is active and cannot become active");
    check_refused(Change::Activate(key), "CHANGE_REFUSED", &told);
    let again = first().message().keys[3].clone();
    check_refused(
        Change::AddActive(again),
        "CHANGE_REFUSED",
        "cannot be drafted: a key that is to be added is listed already",
    );
    let working = Party::aus().key(KeyPurpose::Log).public();
    let told = "cannot be drafted: a new root is listed already, and not as an active root";
    check_refused(Change::ReplaceRoots { roots: vec![working], threshold: 1 }, "CHANGE_REFUSED", told);
}

#[test]
fn a_draft_that_no_peer_would_accept_is_refused_before_anybody_signs() {
    let told = "descriptor 2 of AUS: breaks the rules of its fields: root_threshold: is 4 with 3 active root keys";
    check_refused(Change::Threshold(4), "BAD_DESCRIPTOR", told);
    let key = record();
    let ahead = Change::Compromise { key, since: moment(NOW_MS + 1) };
    let told = "keys[3].compromised_since_ms: is after the descriptor was made";
    check_refused(ahead, "BAD_DESCRIPTOR", &format!("descriptor 2 of AUS: breaks the rules of its fields: {told}"));
    let backwards = Change::Retire { key, until: moment(CREATED_MS) };
    let told = "keys[3].valid_until_ms: is not after valid_from_ms";
    check_refused(backwards, "BAD_DESCRIPTOR", &format!("descriptor 2 of AUS: breaks the rules of its fields: {told}"));

    let retired = accepted(&[Change::Retire { key, until: moment(NOW_MS + 1000) }]);
    let longer = Change::Retire { key, until: moment(NOW_MS + 1001) };
    let refused = next_descriptor(&retired, &[longer], uuid_v7(7), moment(NOW_MS)).unwrap_err();
    assert_eq!(refused.code(), "KEY_END_EXTENDED");
    let compromised = accepted(&[Change::Compromise { key, since: moment(NOW_MS) }]);
    let refused = next_descriptor(&compromised, &[Change::Drop(key)], uuid_v7(7), moment(NOW_MS)).unwrap_err();
    assert_eq!(refused.code(), "KEY_COMPROMISE_DROPPED");
}

#[test]
fn a_draft_that_lay_too_long_is_not_published() {
    let until = moment(NOW_MS).plus(GRACE);
    let next = accepted(&[Change::Retire { key: record(), until }]);
    assert_eq!(check_timely(&first(), &next, moment(NOW_MS).plus(GRACE / 2)), Ok(()));
    assert_eq!(publish_by(&first(), &next), Some(moment(NOW_MS).plus(GRACE / 2)));
    let late = check_timely(&first(), &next, moment(NOW_MS + 1).plus(GRACE / 2)).unwrap_err();
    assert_eq!(late.code(), "NOT_TIMELY");
    let told = format!(
        "descriptor 2 of AUS: was drafted too long ago: key {} ends at 2026-01-03T00:00:00Z, too soon for all peers to \
         learn of it; draft it again",
        record()
    );
    assert_eq!(late.to_string(), told);

    let emergency = accepted(&[Change::Compromise { key: record(), since: moment(NOW_MS) }]);
    assert_eq!(
        check_timely(&first(), &emergency, moment(NOW_MS).plus(GRACE * 9)),
        Ok(()),
        "an emergency is never late"
    );
    let roots = accepted(&[Change::Retire { key: Party::aus().root(3).id(), until: moment(NOW_MS) }]);
    assert_eq!(check_timely(&first(), &roots, moment(NOW_MS).plus(GRACE)), Ok(()), "nor are roots");
}
