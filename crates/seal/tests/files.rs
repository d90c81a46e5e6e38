//! Chains and drafts as files, and the signatures of roots that are not in one place.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

mod kit;

use kit::{NOW_MS, Party, federation, moment};
use proptest::prelude::*;
use prost::Message;
use selat_record::pb::{self, KeyPurpose};
use selat_seal::armor::armor;
use selat_seal::descriptor::{
    FileError, Tally, add_signature, combine, read_chain, read_draft, sign_with_roots, tally, unsigned, write_chain,
    write_draft,
};
use selat_seal::{AcceptedDescriptor, KeyFailure, KeyHandle, KeyId, PublicKey, SealError, SecretKey};

fn first() -> AcceptedDescriptor {
    Party::aus().accepted(|_| {})
}

fn root(n: u8) -> SecretKey {
    Party::aus().root(n)
}

/// Versions 1 to 3 of AUS.
fn chain() -> Vec<pb::Envelope> {
    let first = first();
    let second = Party::aus().step(&first, |_| {});
    let third = Party::aus().step(&second, |next| next.unit = "Another".to_owned());
    [first, second, third].iter().map(|version| version.envelope().clone()).collect()
}

/// Version 2 of AUS, signed by nobody.
fn draft() -> pb::Envelope {
    unsigned(&Party::aus().next(&first(), |_| {}))
}

// ---- files ----------------------------------------------------------------------------------------------------------

#[test]
fn a_chain_comes_back_as_it_went_and_each_step_is_accepted() {
    let text = write_chain(&chain());
    let read = read_chain(&text).unwrap();
    assert_eq!(read, chain());
    assert_eq!(
        read_chain(
            &text.replace('\n', "\r\n").replace("END SELAT DESCRIPTOR-----", "END SELAT DESCRIPTOR-----\r\n\r\n")
        )
        .unwrap(),
        chain()
    );
    let held = AcceptedDescriptor::accept_first(&federation(), &read[0], moment(NOW_MS)).unwrap();
    let last = read[1..].iter().fold(held, |held, next| held.accept_next(next, moment(NOW_MS)).unwrap());
    assert_eq!(last.version(), 3);
    assert_eq!(read_chain(&write_chain(&chain()[1..])).unwrap(), chain()[1..], "a chain may begin anywhere");
}

#[test]
fn a_single_descriptor_is_a_chain_of_one() {
    let text = write_chain(&chain()[..1]);
    assert_eq!(text, armor("DESCRIPTOR", &chain()[0].encode_to_vec()));
    assert_eq!(read_chain(&text).unwrap().len(), 1);
}

#[track_caller]
fn check_chain(text: &str, told: &str) {
    assert_eq!(read_chain(text).unwrap_err().to_string(), told);
}

#[test]
fn what_is_not_a_chain_is_refused_with_the_place_of_the_fault() {
    let [one, two, three] = <[pb::Envelope; 3]>::try_from(chain()).unwrap();
    let write = |versions: &[&pb::Envelope]| write_chain(&versions.iter().copied().cloned().collect::<Vec<_>>());
    check_chain(&write(&[&one, &three]), "the file goes from version 1 to version 3; a chain ascends one by one");
    check_chain(&write(&[&two, &one]), "the file goes from version 2 to version 1; a chain ascends one by one");
    check_chain(&write(&[&two, &two]), "the file goes from version 2 to version 2; a chain ascends one by one");
    let no_begin = "the file does not begin with \"-----BEGIN SELAT DESCRIPTOR-----\"";
    let (alone, pair) = (write(&[&one]), write(&[&two]));
    for text in [String::new(), "hello".to_owned(), format!("{alone}hello"), format!("{alone}hello\n{pair}")] {
        check_chain(&text, no_begin);
    }
    check_chain(&write_draft(&one), no_begin);
    check_chain(
        alone.trim_end().trim_end_matches('-'),
        "the file does not end with \"-----END SELAT DESCRIPTOR-----\"",
    );
    let damaged = write(&[&one, &two]).replacen("\nC", "\n*C", 1);
    assert_ne!(damaged, write(&[&one, &two]), "something is damaged");
    check_chain(&damaged, "the file is damaged between its first and last line");
    let other = pb::Envelope { payload_type: "text/plain".to_owned(), ..two.clone() };
    let told =
        "block 2 of the file does not hold a descriptor: payload type is not application/vnd.selat.descriptor.v1+proto";
    check_chain(&write(&[&one, &other]), told);
}

#[test]
fn a_chain_of_any_length_is_bounded() {
    let one = write_chain(&chain()[..1]);
    check_chain(&one.repeat(1025), "the file holds more than 1024 blocks");
    let long = " ".repeat(16 * 1024 * 1024 + 1);
    check_chain(&long, "the file has 16777217 bytes; at most 16777216 are read");
}

#[test]
fn a_draft_comes_back_and_is_no_descriptor() {
    for draft in [draft(), add_signature(&draft(), &root(1)).unwrap()] {
        assert_eq!(read_draft(&write_draft(&draft)).unwrap(), draft);
    }
    let text = write_draft(&draft());
    assert!(text.starts_with("-----BEGIN SELAT DESCRIPTOR DRAFT-----\n"));
    assert!(matches!(read_draft(&write_chain(&chain()[..1])), Err(FileError::Armor(_))));
    let garbage = armor("DESCRIPTOR DRAFT", &[0xff; 20]);
    let told = "block 1 of the file does not hold a descriptor: malformed: not an envelope";
    assert_eq!(read_draft(&garbage).unwrap_err().to_string(), told);
}

proptest! {
    #[test]
    fn garbage_is_neither_a_chain_nor_a_draft(
        text in "(-----BEGIN SELAT DESCRIPTOR( DRAFT)?-----\n)?\\PC{0,80}\n?(-----END SELAT DESCRIPTOR( DRAFT)?-----\n?){0,2}",
    ) {
        prop_assert!(read_chain(&text).is_err());
        prop_assert!(read_draft(&text).is_err());
    }
}

// ---- signatures -----------------------------------------------------------------------------------------------------

#[test]
fn roots_sign_apart_and_are_put_together() {
    let apart: Vec<_> = [1, 2].map(|n| add_signature(&draft(), &root(n)).unwrap()).into();
    let combined = combine(&apart).unwrap();
    assert_eq!(combined.signatures.len(), 2);
    assert!(first().accept_next(&combined, moment(NOW_MS)).is_ok());
    let other_way: Vec<_> = apart.iter().rev().cloned().collect();
    assert_eq!(combine(&other_way).unwrap(), combined, "in any order");
    assert_eq!(combine(&[combined.clone(), apart[0].clone(), combined.clone()]).unwrap(), combined, "and again");
}

#[test]
fn signing_twice_is_signing_once() {
    let once = add_signature(&draft(), &root(1)).unwrap();
    assert_eq!(add_signature(&once, &root(1)).unwrap(), once);
    let mut spoilt = once.clone();
    spoilt.signatures[0].sig[3] ^= 1;
    assert_eq!(add_signature(&spoilt, &root(1)).unwrap(), once, "a signature that does not hold is replaced");
}

#[test]
fn a_key_of_another_purpose_does_not_sign_a_draft() {
    let refused = add_signature(&draft(), &Party::aus().key(KeyPurpose::Record)).unwrap_err();
    assert_eq!(refused.code(), "WRONG_PURPOSE");
    let record = pb::Envelope { payload_type: "text/plain".to_owned(), ..draft() };
    assert_eq!(add_signature(&record, &root(1)).unwrap_err().code(), "WRONG_TYPE");
}

#[test]
fn a_root_that_only_the_version_before_lists_may_sign() {
    let next = Party::aus().next(&first(), |next| _ = next.keys.remove(0));
    let signed = add_signature(&unsigned(&next), &root(1)).unwrap();
    let tally = tally(Some(&first()), &signed).unwrap();
    assert_eq!(tally.previous.unwrap().signers, [root(1).id()]);
}

/// A token that is not there.
#[derive(Debug)]
struct Unplugged(PublicKey);

impl KeyHandle for Unplugged {
    fn public(&self) -> &PublicKey {
        &self.0
    }

    fn sign(&self, _: &[u8]) -> Result<[u8; 64], KeyFailure> {
        Err(KeyFailure::new("the token is not there"))
    }
}

#[test]
fn a_root_that_does_not_sign_is_told() {
    let refused = add_signature(&draft(), &Unplugged(root(1).public())).unwrap_err();
    assert_eq!(refused.to_string(), "the key did not sign: the token is not there");
}

#[test]
fn drafts_of_different_descriptors_are_not_combined() {
    let one = add_signature(&draft(), &root(1)).unwrap();
    let changed = unsigned(&Party::aus().next(&first(), |next| next.unit.push('x')));
    let other = add_signature(&changed, &root(2)).unwrap();
    let refused = combine(&[one, other]).unwrap_err();
    assert_eq!(
        (refused.code(), refused.to_string().as_str()),
        ("DIFFERENT_CONTENT", "the drafts are of different descriptors")
    );
    assert_eq!(combine(&[]).unwrap_err().to_string(), "malformed: there is no draft");
}

#[test]
fn a_signature_that_does_not_hold_gives_way_to_one_that_does() {
    let good = add_signature(&draft(), &root(1)).unwrap();
    let mut spoilt = good.clone();
    spoilt.signatures[0].sig[3] ^= 1;
    assert_eq!(combine(&[spoilt.clone(), good.clone()]).unwrap(), good);
    assert_eq!(combine(&[spoilt]).unwrap().signatures, []);
}

#[test]
fn more_signatures_than_are_read_are_not_collected() {
    let crowd: Vec<_> = (0..17).map(|n| SecretKey::from_seed([0x90 + n; 32])).collect();
    let drafts: Vec<_> = crowd.iter().map(|key| add_signature(&draft(), key).unwrap()).collect();
    assert!(combine(&drafts[..16]).is_ok());
    assert_eq!(combine(&drafts).unwrap_err().code(), "SIGNATURE_COUNT");
    let full = combine(&drafts[..16]).unwrap();
    assert!(matches!(add_signature(&full, &crowd[16]), Err(SealError::SignatureCount { have: 17, .. })));
}

#[test]
fn a_tally_says_who_is_missing() {
    let ids = |keys: &[u8]| {
        let mut ids: Vec<KeyId> = keys.iter().map(|n| root(*n).id()).collect();
        ids.sort();
        ids
    };
    let new_roots = |next: &mut pb::Descriptor| {
        next.keys.remove(1);
        let created = moment(next.header.as_ref().unwrap().created_ms);
        let fourth = selat_seal::descriptor::describe_key(KeyPurpose::Root, &root(4).public(), created);
        next.keys.push(fourth);
    };
    let next = Party::aus().next(&first(), new_roots);
    let count = |keys: &[&SecretKey]| tally(Some(&first()), &sign_with_roots(&next, keys)).unwrap();
    let Tally { own, previous, others } = count(&[&root(1), &root(2), &Party::idn().root(1)]);
    let previous = previous.unwrap();
    assert_eq!((own.need, own.signers, own.roots.len()), (2, ids(&[1]), 3));
    assert_eq!((previous.need, previous.signers, previous.roots.len()), (2, ids(&[1, 2]), 3));
    assert_eq!(others, [Party::idn().root(1).id()]);
    assert!(!count(&[&root(1), &root(2)]).is_enough());
    assert!(count(&[&root(1), &root(2), &root(4)]).is_enough());
    assert!(!count(&[&root(1), &root(4), &root(4)]).is_enough());
    assert!(count(&[&root(1), &root(3)]).is_enough(), "both stand in both");

    let alone = tally(None, &sign_with_roots(&Party::aus().descriptor(), &[&root(2), &root(3)])).unwrap();
    assert!(alone.is_enough() && alone.previous.is_none(), "a first version has nobody before it");
    let mut broken = Party::aus().descriptor();
    broken.unit.clear();
    assert_eq!(tally(None, &unsigned(&broken)).unwrap_err().code(), "BAD_DESCRIPTOR");
}
