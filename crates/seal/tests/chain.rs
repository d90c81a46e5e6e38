//! Which descriptor is accepted after another: each rule of the chain broken once, and what the refusal says.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

mod kit;

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use kit::{CREATED_MS, HOUR_MS, NOW_MS, Party, federation, moment};
use proptest::prelude::*;
use prost::Message;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{Payload, pb};
use selat_seal::descriptor::{describe_key, sign_with_roots};
use selat_seal::{AcceptedDescriptor, SealError, SecretKey};

/// Version 1 of AUS.
fn first() -> AcceptedDescriptor {
    Party::aus().accepted(|_| {})
}

/// Version 3 of AUS.
fn third() -> AcceptedDescriptor {
    Party::aus().step(&Party::aus().step(&first(), |_| {}), |_| {})
}

fn accept(held: &AcceptedDescriptor, next: &pb::Descriptor) -> Result<AcceptedDescriptor, SealError> {
    held.accept_next(&Party::aus().sign_descriptor(next), moment(NOW_MS))
}

/// Refused by `code` and in these words, after `change` to what would have been accepted.
#[track_caller]
fn check(held: &AcceptedDescriptor, change: impl FnOnce(&mut pb::Descriptor), code: &str, told: &str) {
    check_refused(accept(held, &Party::aus().next(held, change)), code, told);
}

#[track_caller]
fn check_refused(outcome: Result<AcceptedDescriptor, SealError>, code: &str, told: &str) {
    let refused = outcome.unwrap_err();
    assert_eq!((refused.code(), refused.to_string().as_str()), (code, told));
}

fn header(descriptor: &mut pb::Descriptor) -> &mut pb::Header {
    descriptor.header.as_mut().unwrap()
}

#[test]
fn an_honest_step_is_accepted_and_so_is_the_next() {
    let third = third();
    assert_eq!(third.version(), 3);
    assert_eq!(AcceptedDescriptor::restore(&federation(), third.envelope()), Ok(third));
}

#[test]
fn first_contact_may_begin_anywhere_in_a_chain() {
    let third = third();
    let met = AcceptedDescriptor::accept_first(&federation(), third.envelope(), moment(NOW_MS)).unwrap();
    assert_eq!(met, third);
    assert_eq!(Party::aus().step(&met, |_| {}).version(), 4);
}

#[test]
fn a_version_that_is_skipped_or_far_ahead_is_refused() {
    let held = first();
    let jump = |version: u64| {
        move |next: &mut pb::Descriptor| {
            next.version = version;
            header(next).descriptor_version = version;
        }
    };
    for version in [3, 1 << 63, u64::MAX] {
        let told = "skips versions: 1 is held, so only the one after it can be accepted";
        check(&held, jump(version), "VERSION_SKIPPED", &format!("descriptor {version} of AUS: {told}"));
    }
}

#[test]
fn a_version_that_has_been_is_refused() {
    let (first, third) = (first(), third());
    let again = third.accept_next(first.envelope(), moment(NOW_MS));
    check_refused(again, "ROLLED_BACK", "descriptor 1 of AUS: goes back: version 3 is held already");
    let down = |next: &mut pb::Descriptor| {
        next.version = 2;
        header(next).descriptor_version = 2;
    };
    check(&third, down, "ROLLED_BACK", "descriptor 2 of AUS: goes back: version 3 is held already");
}

#[test]
fn another_descriptor_under_the_number_that_is_held_is_refused() {
    let held = third();
    let same = |next: &mut pb::Descriptor| {
        next.version = 3;
        header(next).descriptor_version = 3;
    };
    let told = format!("descriptor 3 of AUS: another descriptor with this number is held: {}", held.content_id());
    check(&held, same, "SAME_VERSION", &told);
}

#[test]
fn a_version_without_the_hash_of_the_one_before_is_refused() {
    let held = third();
    let told = format!("descriptor 4 of AUS: does not carry the hash of version 3, which is {}", held.content_id());
    let before = held.message().previous.clone();
    for wrong in [vec![7; 32], before, held.content_id().as_bytes()[..31].to_vec(), Vec::new()] {
        check(&held, |next| next.previous = wrong, "WRONG_PREVIOUS", &told);
    }
}

#[test]
fn the_descriptor_of_another_participant_or_federation_does_not_follow() {
    let held = first();
    let idn = Party::idn().next(&Party::idn().accepted(|_| {}), |_| {});
    let other = held.accept_next(&Party::idn().sign_descriptor(&idn), moment(NOW_MS));
    check_refused(other, "OTHER_PARTICIPANT", "descriptor 2 of IDN: does not follow on a descriptor of AUS");
    let renamed = |next: &mut pb::Descriptor| header(next).issuer = "IDN".to_owned();
    check(&held, renamed, "OTHER_PARTICIPANT", "descriptor 2 of IDN: does not follow on a descriptor of AUS");
    let elsewhere = |next: &mut pb::Descriptor| header(next).federation = "live".to_owned();
    check(&held, elsewhere, "WRONG_FEDERATION", "the payload belongs to another federation");
}

#[test]
fn time_does_not_go_back_along_a_chain() {
    let held = third();
    let earlier = |next: &mut pb::Descriptor| header(next).created_ms = CREATED_MS + 2 * HOUR_MS - 1;
    let told = "descriptor 4 of AUS: was created at 2026-01-01T01:59:59Z, before version 3 at 2026-01-01T02:00:00Z";
    check(&held, earlier, "CREATED_EARLIER", told);
    let equal = Party::aus().next(&held, |next| header(next).created_ms = CREATED_MS + 2 * HOUR_MS);
    assert!(accept(&held, &equal).is_ok());
}

#[test]
fn a_version_from_the_future_is_refused_beyond_what_clocks_differ() {
    let held = first();
    let at = |ms: i64| Party::aus().next(&held, |next| header(next).created_ms = ms);
    assert!(accept(&held, &at(NOW_MS + 300_000)).is_ok());
    let told = "descriptor 2 of AUS: created more than five minutes in the future";
    check_refused(accept(&held, &at(NOW_MS + 300_001)), "FROM_THE_FUTURE", told);
    check_refused(accept(&held, &at(NOW_MS + 365 * 24 * HOUR_MS)), "FROM_THE_FUTURE", told);
}

#[test]
fn expiry_is_asked_of_the_last_of_a_walk_alone() {
    let short = Party::aus().step(&first(), |next| header(next).expires_ms = CREATED_MS + 2 * HOUR_MS);
    let refused = short.check_not_expired(moment(NOW_MS)).unwrap_err();
    assert_eq!(refused.code(), "EXPIRED");
    assert_eq!(refused.to_string(), "descriptor 2 of AUS: has expired at 2026-01-01T02:00:00Z");
    let renewed = Party::aus().step(&short, |next| header(next).expires_ms = NOW_MS + 1);
    assert_eq!(renewed.check_not_expired(moment(NOW_MS)), Ok(()));
    assert_eq!(renewed.check_not_expired(moment(NOW_MS + 1)).unwrap_err().code(), "EXPIRED");
}

// ---- who has to sign ------------------------------------------------------------------------------------------------

fn signed(
    held: &AcceptedDescriptor,
    next: &pb::Descriptor,
    keys: &[&SecretKey],
) -> Result<AcceptedDescriptor, SealError> {
    held.accept_next(&sign_with_roots(next, keys), moment(NOW_MS))
}

/// Roots 1 and 2 retire, 4 and 5 are new: old and new threshold 2 of 3.
fn with_new_roots(next: &mut pb::Descriptor) {
    let created_ms = header(next).created_ms;
    for retired in &mut next.keys[..2] {
        retired.set_status(KeyStatus::Retired);
        retired.valid_until_ms = created_ms;
    }
    for n in [4, 5] {
        next.keys.push(describe_key(KeyPurpose::Root, &Party::aus().root(n).public(), moment(created_ms)));
    }
}

#[test]
fn new_roots_need_the_word_of_the_old_and_their_own() {
    let held = first();
    let next = Party::aus().next(&held, with_new_roots);
    let [one, two, three, four, five] = [1, 2, 3, 4, 5].map(|n| Party::aus().root(n));
    assert!(signed(&held, &next, &[&one, &two, &four, &five]).is_ok());
    assert!(signed(&held, &next, &[&one, &three, &four]).is_ok(), "root 3 stands in both");

    let of_previous = |have| {
        let told = "needs the signatures of 2 distinct root keys of version 1, has";
        ("THRESHOLD_OF_PREVIOUS", format!("descriptor 2 of AUS: {told} {have}"))
    };
    let of_its_own = |have| {
        let told = "needs the signatures of 2 distinct root keys of its own, has";
        ("THRESHOLD_NOT_MET", format!("descriptor 2 of AUS: {told} {have}"))
    };
    let cases: [(&[&SecretKey], _); 6] = [
        (&[&four, &five], of_previous(0)),
        (&[&one, &four, &five], of_previous(1)),
        (&[&one, &one, &one, &four, &five], of_previous(1)),
        (&[&one, &two], of_its_own(0)),
        (&[&one, &two, &four], of_its_own(1)),
        (&[&one, &two, &four, &four], of_its_own(1)),
    ];
    for (keys, (code, told)) in cases {
        check_refused(signed(&held, &next, keys), code, &told);
    }
    let then = signed(&held, &next, &[&one, &two, &four, &five]).unwrap();
    let after = Party::aus().next(&then, |_| {});
    assert_eq!(signed(&then, &after, &[&one, &two]).unwrap_err().code(), "THRESHOLD_NOT_MET", "retired roots are gone");
    assert!(signed(&then, &after, &[&four, &three]).is_ok());
}

#[test]
fn roots_that_the_version_before_did_not_have_as_active_do_not_count_for_it() {
    // Version 2 lists root 4 in each status that is not active; version 3 would be signed by root 1 and root 4.
    for status in [KeyStatus::Pending, KeyStatus::Retired, KeyStatus::Compromised] {
        let with_fourth = |descriptor: &mut pb::Descriptor| {
            let fourth = Party::aus().root(4).public();
            descriptor.keys.push(describe_key(KeyPurpose::Root, &fourth, moment(CREATED_MS)));
        };
        let set = |key: &mut pb::Key| {
            key.set_status(status);
            key.valid_until_ms = if status == KeyStatus::Retired { CREATED_MS + HOUR_MS } else { 0 };
            key.compromised_since_ms = if status == KeyStatus::Compromised { CREATED_MS } else { 0 };
        };
        let held = match status {
            KeyStatus::Pending => Party::aus().accepted(|descriptor| {
                with_fourth(descriptor);
                set(descriptor.keys.last_mut().unwrap());
            }),
            _ => Party::aus().step(&Party::aus().accepted(with_fourth), |next| set(next.keys.last_mut().unwrap())),
        };
        // The next version may call root 4 what it likes, as long as root 3 makes up its own threshold.
        let next = Party::aus().next(&held, |_| {});
        let keys = [1, 4].map(|n| Party::aus().root(n));
        let refused = signed(&held, &next, &[&keys[0], &keys[1]]).unwrap_err();
        assert_eq!(refused.code(), "THRESHOLD_NOT_MET", "{status:?}: nor do they for its own");
        let activated = Party::aus().next(&held, |next| {
            let created_ms = header(next).created_ms;
            let key = next.keys.last_mut().unwrap();
            key.set_status(KeyStatus::Active);
            (key.valid_from_ms, key.valid_until_ms, key.compromised_since_ms) = (created_ms, 0, 0);
        });
        let refused = signed(&held, &activated, &[&keys[0], &keys[1]]).unwrap_err();
        assert_eq!(refused.code(), "THRESHOLD_OF_PREVIOUS", "{status:?}: whatever the next version says of it");
    }
}

#[test]
fn a_root_that_the_next_version_calls_compromised_still_counts_for_the_version_before() {
    // Otherwise a participant with 2 of 2 roots could never get rid of a stolen one.
    let held = Party::aus().accepted(|descriptor| {
        descriptor.keys.remove(2);
    });
    let next = Party::aus().next(&held, |next| {
        let created_ms = header(next).created_ms;
        next.keys[0].set_status(KeyStatus::Compromised);
        next.keys[0].compromised_since_ms = created_ms;
        next.keys.push(describe_key(KeyPurpose::Root, &Party::aus().root(4).public(), moment(created_ms)));
    });
    let [one, two, four] = [1, 2, 4].map(|n| Party::aus().root(n));
    assert!(signed(&held, &next, &[&one, &two, &four]).is_ok());
    assert_eq!(signed(&held, &next, &[&one, &two]).unwrap_err().code(), "THRESHOLD_NOT_MET", "but not for its own");
}

#[test]
fn a_root_past_its_end_signs_no_next_version() {
    let held = Party::aus().accepted(|descriptor| descriptor.keys[1].valid_until_ms = CREATED_MS + HOUR_MS);
    let [one, two, three] = kit::ROOTS.map(|n| Party::aus().root(n));
    let at = |ms: i64| Party::aus().next(&held, |next| header(next).created_ms = ms);
    assert!(signed(&held, &at(CREATED_MS + HOUR_MS - 1), &[&one, &two]).is_ok());
    let late = at(CREATED_MS + HOUR_MS);
    assert_eq!(signed(&held, &late, &[&one, &two]).unwrap_err().code(), "THRESHOLD_NOT_MET");
    assert!(signed(&held, &late, &[&one, &three]).is_ok());
}

#[test]
fn a_working_key_does_not_sign_in_place_of_a_root() {
    let held = first();
    let next = Party::aus().next(&held, |_| {});
    let (root, record) = (Party::aus().root(1), Party::aus().key(KeyPurpose::Record));
    let told = "descriptor 2 of AUS: needs the signatures of 2 distinct root keys of its own, has 1";
    check_refused(signed(&held, &next, &[&root, &record]), "THRESHOLD_NOT_MET", told);
}

#[test]
fn a_lower_threshold_needs_the_old_one_first() {
    let held = first();
    let next = Party::aus().next(&held, |next| next.root_threshold = 1);
    let [one, two] = [1, 2].map(|n| Party::aus().root(n));
    let told = "descriptor 2 of AUS: needs the signatures of 2 distinct root keys of version 1, has 1";
    check_refused(signed(&held, &next, &[&one]), "THRESHOLD_OF_PREVIOUS", told);
    let lowered = signed(&held, &next, &[&one, &two]).unwrap();
    let next = Party::aus().next(&lowered, |_| {});
    assert!(signed(&lowered, &next, &[&one]).is_ok());
}

// ---- what becomes of keys -------------------------------------------------------------------------------------------

const RECORD: usize = 3;
const CA: usize = 6;

fn record_key() -> String {
    Party::aus().key(KeyPurpose::Record).id().to_string()
}

/// Refused because the record key changes as in `change`, on a version 2 in which it had changed as in `before`.
#[track_caller]
fn check_key(before: impl FnOnce(&mut pb::Key), change: impl FnOnce(&mut pb::Key), code: &str, told: &str) {
    let held = Party::aus().accepted(|descriptor| descriptor.keys[RECORD].valid_until_ms = 0);
    let held = Party::aus().step(&held, |next| before(&mut next.keys[RECORD]));
    let told = format!("descriptor 3 of AUS: key {}: {told}", record_key());
    check(&held, |next| change(&mut next.keys[RECORD]), code, &told);
}

fn set(status: KeyStatus, until_ms: i64, since_ms: i64) -> impl Fn(&mut pb::Key) {
    move |key| {
        key.set_status(status);
        (key.valid_until_ms, key.compromised_since_ms) = (until_ms, since_ms);
    }
}

#[test]
fn a_compromised_key_stays_compromised() {
    let since = CREATED_MS + HOUR_MS / 2;
    let compromised = || set(KeyStatus::Compromised, 0, since);
    let back = |status: &str| format!("it was compromised and cannot become {status}");
    check_key(compromised(), set(KeyStatus::Active, 0, 0), "KEY_REVIVED", &back("active"));
    check_key(compromised(), set(KeyStatus::Pending, 0, 0), "KEY_REVIVED", &back("pending"));
    check_key(compromised(), set(KeyStatus::Retired, NOW_MS, 0), "KEY_REVIVED", &back("retired"));
    let later = "the moment of its compromise cannot move later";
    check_key(compromised(), set(KeyStatus::Compromised, 0, since + 1), "KEY_COMPROMISE_MOVED", later);

    let held = Party::aus().step(&first(), |next| compromised()(&mut next.keys[RECORD]));
    let earlier = Party::aus().next(&held, |next| next.keys[RECORD].compromised_since_ms = since - 1);
    assert!(accept(&held, &earlier).is_ok());
    let told = format!("descriptor 3 of AUS: key {}: it is compromised and must stay listed as such", record_key());
    check(&held, |next| _ = next.keys.remove(RECORD), "KEY_COMPROMISE_DROPPED", &told);
}

#[test]
fn a_retired_key_does_not_come_back_and_its_end_does_not_move_later() {
    let end = CREATED_MS + 5 * HOUR_MS;
    let retired = || set(KeyStatus::Retired, end, 0);
    check_key(retired(), set(KeyStatus::Active, 0, 0), "KEY_REVIVED", "it was retired and cannot become active");
    check_key(retired(), set(KeyStatus::Pending, 0, 0), "KEY_REVIVED", "it was retired and cannot become pending");
    let told = "its end cannot move later once it is retired or has ended";
    check_key(retired(), set(KeyStatus::Retired, end + 1, 0), "KEY_END_EXTENDED", told);
    check_key(retired(), set(KeyStatus::Compromised, 0, CREATED_MS), "KEY_END_EXTENDED", told);

    let held = Party::aus().step(&first(), |next| retired()(&mut next.keys[RECORD]));
    let sooner = Party::aus().next(&held, |next| next.keys[RECORD].valid_until_ms = end - 1);
    assert!(accept(&held, &sooner).is_ok());
    let stolen = Party::aus().next(&held, |next| set(KeyStatus::Compromised, end, CREATED_MS)(&mut next.keys[RECORD]));
    assert!(accept(&held, &stolen).is_ok());
}

#[test]
fn a_key_that_left_cannot_come_back_for_what_was_signed_before() {
    let retired = Party::aus().step(&first(), |next| {
        set(KeyStatus::Retired, CREATED_MS + 2 * HOUR_MS, 0)(&mut next.keys[RECORD]);
    });
    let gone = Party::aus().step(&retired, |next| _ = next.keys.remove(RECORD));
    let again = |next: &mut pb::Descriptor| next.keys.push(first().message().keys[RECORD].clone());
    let told = "it begins before the version in which it was not active yet";
    check(&gone, again, "KEY_BACKDATED", &format!("descriptor 4 of AUS: key {}: {told}", record_key()));
}

#[test]
fn an_active_end_may_move_until_it_has_passed() {
    let held = Party::aus().step(&first(), |next| next.keys[RECORD].valid_until_ms = CREATED_MS + 2 * HOUR_MS);
    let longer_at = |created_ms: i64| {
        Party::aus().next(&held, |next| {
            header(next).created_ms = created_ms;
            next.keys[RECORD].valid_until_ms = 0;
        })
    };
    assert!(accept(&held, &longer_at(CREATED_MS + 2 * HOUR_MS - 1)).is_ok());
    assert_eq!(accept(&held, &longer_at(CREATED_MS + 2 * HOUR_MS)).unwrap_err().code(), "KEY_END_EXTENDED");
}

#[test]
fn a_key_keeps_its_purpose_certificate_and_beginning() {
    let told = "its purpose was record and cannot become query";
    check_key(|_| {}, |key| key.set_purpose(KeyPurpose::Query), "KEY_PURPOSE_CHANGED", told);
    let told = "its beginning cannot change once it has been active";
    for ms in [CREATED_MS - 1, CREATED_MS + 1] {
        check_key(|_| {}, |key| key.valid_from_ms = ms, "KEY_START_CHANGED", told);
    }
    let ca = Party::aus().key(KeyPurpose::TlsCa).id();
    let told = format!("descriptor 2 of AUS: key {ca}: its certificate cannot change");
    check(&first(), |next| next.keys[CA].certificate = b"another".to_vec(), "KEY_CERTIFICATE_CHANGED", &told);
    let root = Party::aus().root(3).id();
    let told = format!("descriptor 2 of AUS: key {root}: its purpose was root and cannot become record");
    check(&first(), |next| next.keys[2].set_purpose(KeyPurpose::Record), "KEY_PURPOSE_CHANGED", &told);
}

#[test]
fn an_active_key_does_not_become_pending_again() {
    let told = "it was active and cannot become pending";
    check_key(|_| {}, set(KeyStatus::Pending, 0, 0), "KEY_REVIVED", told);
}

/// A second record key, listed by version 2 or 3 in some status.
fn second(status: KeyStatus, from_ms: i64, until_ms: i64) -> pb::Key {
    let mut key = describe_key(KeyPurpose::Record, &SecretKey::from_seed([0x55; 32]).public(), moment(from_ms));
    set(status, until_ms, if status == KeyStatus::Compromised { CREATED_MS } else { 0 })(&mut key);
    key
}

#[test]
fn a_new_key_enters_as_pending_or_active_and_not_for_the_past() {
    let id = SecretKey::from_seed([0x55; 32]).id();
    let enter = |key: pb::Key| move |next: &mut pb::Descriptor| next.keys.push(key);
    let held = third();
    let previous_ms = CREATED_MS + 2 * HOUR_MS;
    for status in ["retired", "compromised"] {
        let kind = if status == "retired" { KeyStatus::Retired } else { KeyStatus::Compromised };
        let told = format!("descriptor 4 of AUS: key {id}: it is new and cannot enter as {status}");
        check(&held, enter(second(kind, previous_ms, NOW_MS)), "KEY_ENTERS_ENDED", &told);
    }
    let told = format!("descriptor 4 of AUS: key {id}: it begins before the version in which it was not active yet");
    check(&held, enter(second(KeyStatus::Active, previous_ms - 1, 0)), "KEY_BACKDATED", &told);
    for good in [second(KeyStatus::Active, previous_ms, 0), second(KeyStatus::Pending, CREATED_MS, 0)] {
        assert!(accept(&held, &Party::aus().next(&held, enter(good))).is_ok());
    }
}

#[test]
fn a_pending_key_becomes_active_from_then_on() {
    let held = Party::aus().step(&third(), |next| next.keys.push(second(KeyStatus::Pending, CREATED_MS, 0)));
    let id = SecretKey::from_seed([0x55; 32]).id();
    let previous_ms = CREATED_MS + 3 * HOUR_MS;
    let become_ = |key: pb::Key| move |next: &mut pb::Descriptor| *next.keys.last_mut().unwrap() = key;
    assert!(accept(&held, &Party::aus().next(&held, become_(second(KeyStatus::Active, previous_ms, 0)))).is_ok());
    let told = format!("descriptor 5 of AUS: key {id}: it begins before the version in which it was not active yet");
    check(&held, become_(second(KeyStatus::Active, previous_ms - 1, 0)), "KEY_BACKDATED", &told);
    check(&held, become_(second(KeyStatus::Compromised, CREATED_MS, 0)), "KEY_BACKDATED", &told);
    let told = format!("descriptor 5 of AUS: key {id}: it was pending and cannot become retired");
    check(&held, become_(second(KeyStatus::Retired, previous_ms, NOW_MS)), "KEY_REVIVED", &told);
    let withdrawn = Party::aus().next(&held, |next| _ = next.keys.pop());
    assert!(accept(&held, &withdrawn).is_ok());
}

#[test]
fn keys_that_break_the_rule_do_not_get_in_later_either() {
    let mixed = (ED25519_BASEPOINT_POINT + EIGHT_TORSION[1]).compress().to_bytes();
    let small = EIGHT_TORSION[3].compress().to_bytes();
    for (raw, why) in [(mixed, "has a torsion component"), (small, "is a point of small order")] {
        let enter = |next: &mut pb::Descriptor| {
            let key = pb::Key { public_key: raw.to_vec(), ..second(KeyStatus::Active, NOW_MS, 0) };
            next.keys.push(key);
        };
        let told = format!("descriptor 2 of AUS: breaks the rules of its fields: keys[7].public_key: {why}");
        check(&first(), enter, "BAD_DESCRIPTOR", &told);
    }
}

// ---- two words under one number -------------------------------------------------------------------------------------

#[test]
fn two_descriptors_under_one_number_are_proof_if_those_who_may_have_signed_both() {
    let held = first();
    let one = Party::aus().step(&held, |_| {});
    let other = Party::aus().next(&held, |next| next.unit = "Another".to_owned());
    let [a, b, c] = kit::ROOTS.map(|n| Party::aus().root(n));
    let proof = |keys: &[&SecretKey]| one.contradicted_by(Some(&held), &sign_with_roots(&other, keys));
    assert!(proof(&[&b, &c]));
    assert!(
        one.contradicted_by(None, &sign_with_roots(&other, &[&b, &c])),
        "its own roots stand in for the version before"
    );
    assert!(!proof(&[&c, &c]), "one root alone proves nothing");
    assert!(!proof(&[&a, &Party::idn().root(1), &Party::aus().key(KeyPurpose::Record)]));
    assert!(!one.contradicted_by(Some(&held), one.envelope()), "the same is no contradiction");
    let again = sign_with_roots(one.message(), &[&b, &c]);
    assert!(!one.contradicted_by(Some(&held), &again), "nor is the same content with other signatures");
    let next = Party::aus().next(&one, |_| {});
    assert!(!one.contradicted_by(Some(&held), &sign_with_roots(&next, &[&a, &b])), "nor the next version");
    let idn = Party::idn().sign_descriptor(&Party::idn().next(&Party::idn().accepted(|_| {}), |_| {}));
    assert!(!one.contradicted_by(Some(&held), &idn), "nor somebody else's");
}

#[test]
fn a_contradiction_that_breaks_other_rules_is_still_one() {
    let held = first();
    let one = Party::aus().step(&held, |_| {});
    let wild = Party::aus().next(&held, |next| {
        next.previous = vec![9; 32];
        next.keys[RECORD].set_status(KeyStatus::Pending);
        next.unit.clear();
    });
    assert!(one.contradicted_by(Some(&held), &Party::aus().sign_descriptor(&wild)));
    assert!(!one.contradicted_by(Some(&held), &kit::envelope_of(pb::Descriptor::TYPE, b"garbage", &[])));
}

// ---- nothing of what was signed may change --------------------------------------------------------------------------

type Mutation = (&'static str, fn(&mut pb::Descriptor));

/// Every field of a descriptor, each changed in one way.
fn mutations() -> Vec<Mutation> {
    vec![
        ("header.federation", |d| header(d).federation.push('x')),
        ("header.issuer", |d| header(d).issuer = "IDN".to_owned()),
        ("header.audience", |d| header(d).audience = "IDN".to_owned()),
        ("header.id", |d| header(d).id[15] ^= 1),
        ("header.created_ms", |d| header(d).created_ms += 1),
        ("header.expires_ms", |d| header(d).expires_ms = NOW_MS + 1),
        ("header.descriptor_version", |d| header(d).descriptor_version += 1),
        ("version", |d| d.version += 1),
        ("version and header", |d| (d.version, header(d).descriptor_version) = (3, 3)),
        ("previous", |d| d.previous[0] ^= 1),
        ("unit", |d| d.unit.push('x')),
        ("root_threshold", |d| d.root_threshold = 1),
        ("keys: one more", |d| d.keys.push(second(KeyStatus::Active, NOW_MS, 0))),
        ("keys: one less", |d| _ = d.keys.remove(RECORD)),
        ("keys: their order", |d| d.keys.reverse()),
        ("key id", |d| d.keys[RECORD].id[0] ^= 1),
        ("key purpose", |d| d.keys[RECORD].set_purpose(KeyPurpose::Log)),
        ("key status", |d| set(KeyStatus::Retired, NOW_MS, 0)(&mut d.keys[RECORD])),
        ("key itself", |d| d.keys[RECORD] = second(KeyStatus::Active, NOW_MS, 0)),
        ("key begin", |d| d.keys[RECORD].valid_from_ms += 1),
        ("key end", |d| d.keys[RECORD].valid_until_ms = NOW_MS),
        ("key compromise", |d| set(KeyStatus::Compromised, 0, CREATED_MS)(&mut d.keys[RECORD])),
        ("certificate", |d| d.keys.last_mut().unwrap().certificate.push(1)),
        ("endpoint node", |d| d.endpoints[0].node.push('x')),
        ("endpoint host", |d| d.endpoints[0].host = "192.0.2.66".to_owned()),
        ("endpoint port", |d| d.endpoints[0].port += 1),
        ("contact title", |d| d.contact.as_mut().unwrap().title.push('x')),
        ("contact phone", |d| d.contact.as_mut().unwrap().phone.push('1')),
        ("contact email", |d| d.contact.as_mut().unwrap().email.push('x')),
        ("contact languages", |d| d.contact.as_mut().unwrap().languages.push("ms".to_owned())),
        ("contact hours", |d| d.contact.as_mut().unwrap().hours.push('x')),
        ("protocol", |d| d.protocol = Some(pb::ProtocolRange { min: 1, max: 2 })),
        ("refresh_hint_s", |d| d.refresh_hint_s += 1),
        ("payload_types", |d| _ = d.payload_types.pop()),
        ("may_be_named", |d| d.may_be_named = !d.may_be_named),
    ]
}

#[test]
fn no_field_of_a_signed_version_can_be_changed() {
    let held = first();
    let good = Party::aus().sign_descriptor(&Party::aus().next(&held, |_| {}));
    assert!(held.accept_next(&good, moment(NOW_MS)).is_ok());
    for (name, mutate) in mutations() {
        let mut message = Party::aus().next(&held, |_| {});
        mutate(&mut message);
        let changed = pb::Envelope { payload: message.encode_to_vec(), ..good.clone() };
        assert_ne!(changed.payload, good.payload, "{name} changes nothing");
        let refused = held.accept_next(&changed, moment(NOW_MS));
        assert!(refused.is_err(), "{name}");
        assert!(!Party::aus().step(&held, |_| {}).contradicted_by(Some(&held), &changed), "{name} is no evidence");
    }
}

#[test]
fn no_signature_can_be_left_out_or_taken_from_another_version() {
    let held = first();
    let good = Party::aus().sign_descriptor(&Party::aus().next(&held, |_| {}));
    for n in 0..2 {
        let mut less = good.clone();
        less.signatures.remove(n);
        assert_eq!(held.accept_next(&less, moment(NOW_MS)).unwrap_err().code(), "THRESHOLD_NOT_MET");
        let mut old = good.clone();
        old.signatures[n] = held.envelope().signatures[n].clone();
        assert_eq!(held.accept_next(&old, moment(NOW_MS)).unwrap_err().code(), "THRESHOLD_NOT_MET");
    }
}

proptest! {
    #[test]
    fn a_flipped_bit_is_refused(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let held = first();
        let mut envelope = Party::aus().sign_descriptor(&Party::aus().next(&held, |_| {}));
        let at = at.index(envelope.payload.len());
        envelope.payload[at] ^= 1 << bit;
        prop_assert!(held.accept_next(&envelope, moment(NOW_MS)).is_err());
    }

    /// Whatever is re-signed by too few: a change of two fields at once does not open a way around the thresholds.
    #[test]
    fn two_changes_signed_by_one_root_are_refused(
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        root in 1..4u8,
    ) {
        let (held, mutations) = (first(), mutations());
        let mut message = Party::aus().next(&held, |_| {});
        one.get(&mutations).1(&mut message);
        other.get(&mutations).1(&mut message);
        let envelope = sign_with_roots(&message, &[&Party::aus().root(root)]);
        prop_assert!(held.accept_next(&envelope, moment(NOW_MS)).is_err());
    }
}
