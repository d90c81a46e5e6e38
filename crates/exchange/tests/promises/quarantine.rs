//! A record that cannot be accepted goes to quarantine with its reason; the log, and the record after it, go on.

use std::time::Duration;

use prost::Message as _;
use selat_exchange::{ExchangeError, InEntry, IntakeError};
use selat_record::{Payload as _, pb};
use selat_seal::content_id;

use crate::kit::{
    Conditions as _, Federation, Node, envelope_over, forge, id, officer, operator, person, reason, signed,
};

/// AUS sends a spoiled entry and a good one after it: the good one is accepted, the other is in quarantine as `code`.
async fn check(code: &str, spoil: impl AsyncFnOnce(&Federation, &Node, &mut InEntry)) {
    let (federation, [aus, idn, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let (first, second) = (aus.hold(person("Budi Contoh")).await, aus.hold(person("Siti Contoh")).await);
    let mut entries = aus.segment(&idn).await.entries;
    spoil(&federation, &aus, &mut entries[0]).await;
    let taken = idn.take(aus.id(), forge::segment(&aus.party, idn.id(), entries)).await.unwrap();
    assert_eq!((taken.held, taken.accepted, taken.quarantined), (2, 1, 1), "{code}");
    let quarantined = idn.quarantine(&operator(), None, 10).await.unwrap();
    let listed: Vec<_> =
        quarantined.iter().map(|entry| (entry.peer.as_str(), entry.index, entry.code.as_str())).collect();
    assert_eq!(listed, [("AUS", 0, code)]);
    let unheld = idn.get(&officer(), &reason(), first.record, 0).await;
    assert!(matches!(unheld, Err(ExchangeError::RecordNotFound(_))), "{code}: {unheld:?}");
    idn.get(&officer(), &reason(), second.record, 0).await.unwrap();
    assert_eq!(idn.conduct().cut_off(aus.id(), idn.clock().now()), None, "{code}");
}

/// The same, where the record itself is changed, signed again, and logged as it is.
async fn check_record(code: &str, change: impl FnOnce(&mut pb::Record)) {
    check(code, async |_, aus, entry| {
        let mut record = record_of(entry);
        change(&mut record);
        log_as_is(entry, signed(&aus.party, &record));
    })
    .await;
}

fn record_of(entry: &InEntry) -> pb::Record {
    pb::Record::decode(entry.envelope.as_ref().unwrap().payload.as_slice()).unwrap()
}

/// Puts the envelope into the entry, with an opening that says what it is.
fn log_as_is(entry: &mut InEntry, envelope: pb::Envelope) {
    let record = pb::Record::decode(envelope.payload.as_slice()).unwrap();
    let opening = pb::ReleaseOpening {
        content_id: content_id(&envelope).as_bytes().to_vec(),
        record_id: record.record_id,
        record_version: record.version,
        conditions: record.handling,
        ..forge::opening(entry)
    };
    *entry = forge::entry(&opening, Some(envelope));
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_entry_is_accepted() {
    // What the cases below spoil is good before they do.
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    let mut entry = aus.segment(&idn).await.entries.remove(0);
    let again = signed(&aus.party, &record_of(&entry));
    log_as_is(&mut entry, again);
    let taken = idn.take(aus.id(), forge::segment(&aus.party, idn.id(), vec![entry])).await.unwrap();
    assert_eq!(taken.accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_signature_is_quarantined() {
    check("BAD_SIGNATURE", async |_, _, entry| entry.envelope.as_mut().unwrap().signatures[0].sig[7] ^= 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_purpose_and_other_type_are_quarantined() {
    check("WRONG_PURPOSE", async |_, aus, entry| {
        let payload = record_of(entry).encode_to_vec();
        log_as_is(entry, envelope_over(pb::Record::TYPE, payload, &aus.party.key(pb::KeyPurpose::Query)));
    })
    .await;
    check("WRONG_TYPE", async |_, _, entry| entry.envelope.as_mut().unwrap().payload_type = pb::Query::TYPE.into())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payload_in_another_encoding_is_quarantined() {
    check("NON_CANONICAL", async |_, aus, entry| {
        let mut payload = record_of(entry).encode_to_vec();
        payload.extend([0xf8, 0x07, 1]);
        log_as_is(entry, envelope_over(pb::Record::TYPE, payload, &aus.party.key(pb::KeyPurpose::Record)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn record_of_another_originator_is_quarantined() {
    check("UNKNOWN_KEY", async |federation, _, entry| {
        let mys = federation.node("MYS").await;
        let mut record = record_of(entry);
        record.header.as_mut().unwrap().issuer = "MYS".into();
        log_as_is(entry, signed(&mys.party, &record));
    })
    .await;
    check_record("ISSUER_MISMATCH", |record| record.header.as_mut().unwrap().issuer = "MYS".into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_breaks_the_rules_of_records_is_quarantined() {
    check_record("INVALID", |record| record.legal_basis = "x".repeat(501)).await;
    check_record("WRONG_FEDERATION", |record| record.header.as_mut().unwrap().federation = "trial".into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envelope_that_is_not_what_the_log_says_is_quarantined() {
    type Change = fn(&mut pb::ReleaseOpening);
    let changes: [Change; 4] = [
        |opening| opening.record_version = 2,
        |opening| opening.record_id[15] ^= 1,
        |opening| opening.content_id[0] ^= 1,
        |opening| opening.conditions.as_mut().unwrap().sensitivity = 5,
    ];
    for change in changes {
        check("NOT_AS_LOGGED", async |_, _, entry| {
            let mut opening = forge::opening(entry);
            change(&mut opening);
            *entry = forge::entry(&opening, entry.envelope.clone());
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_expired_on_its_way_is_quarantined() {
    check_record("EXPIRED", |record| {
        let header = record.header.as_mut().unwrap();
        header.created_ms -= 2;
        header.expires_ms = header.created_ms + 1;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_does_not_come_is_quarantined() {
    check("WITHHELD", async |_, _, entry| entry.envelope = None).await;
}

/// Takes an honest version 1, then `next` in an entry after it; gives the codes in quarantine and the versions held.
async fn after_version_one(next: impl FnOnce(pb::Record, [u8; 32]) -> pb::Record) -> (Vec<String>, Vec<u32>) {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let receipt = aus.hold(person("Budi Contoh")).await;
    let one = aus.segment(&idn).await.entries.remove(0);
    let mut two = one.clone();
    let record = next(record_of(&one), *receipt.content.as_bytes());
    log_as_is(&mut two, signed(&aus.party, &record));
    // In one segment: the second is judged by the first all the same.
    idn.take(aus.id(), forge::segment(&aus.party, idn.id(), vec![one, two])).await.unwrap();
    assert_eq!(idn.held_of(aus.id()).await.unwrap(), 2);
    let quarantined = idn.quarantine(&operator(), Some(aus.id()), 10).await.unwrap();
    let versions = idn.versions(aus.id(), receipt.record).await;
    (quarantined.into_iter().map(|entry| entry.code).collect(), versions.into_iter().map(|(v, _)| v).collect())
}

fn amended(record: pb::Record, version: u32, replaces: [u8; 32]) -> pb::Record {
    pb::Record { version, replaces: replaces.to_vec(), ..record.because("typing error") }
}

#[tokio::test(flavor = "multi_thread")]
async fn next_version_must_replace_the_one_that_is_held() {
    let chained = after_version_one(|record, held| amended(record, 2, held)).await;
    assert_eq!(chained, (vec![], vec![1, 2]));
    let broken = after_version_one(|record, _| amended(record, 2, [9; 32])).await;
    assert_eq!(broken, (vec!["BROKEN_CHAIN".to_owned()], vec![1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn version_that_is_held_does_not_come_again() {
    let other = after_version_one(|record, _| pb::Record { legal_basis: "Another".into(), ..record }).await;
    assert_eq!(other, (vec!["OUT_OF_ORDER".to_owned()], vec![1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn segment_of_a_peer_that_is_not_approved_is_refused_without_blame() {
    let (federation, [aus]) = Federation::of(["AUS"]).await;
    let mys = federation.node("MYS").await;
    aus.join(&operator(), mys.descriptor().as_ref().clone()).await.unwrap();
    aus.approve_by_phone(mys.id()).await;
    aus.hold(person("Budi Contoh")).await;
    let segment = aus.segment(&mys).await;
    mys.join(&operator(), aus.descriptor().as_ref().clone()).await.unwrap();
    for _ in 0..10 {
        assert!(mys.take(aus.id(), segment.clone()).await.is_err());
    }
    assert_eq!(mys.held_of(aus.id()).await.unwrap(), 0);
    assert_eq!(mys.conduct().cut_off(&id("AUS"), mys.clock().now()), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn record_dated_ahead_of_our_clock_is_asked_for_again_and_not_lost() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    let mut entries = aus.segment(&idn).await.entries;
    let mut record = record_of(&entries[0]);
    let header = record.header.as_mut().unwrap();
    header.created_ms += 301_000;
    header.expires_ms += 301_000;
    log_as_is(&mut entries[0], signed(&aus.party, &record));
    let segment = forge::segment(&aus.party, idn.id(), entries);
    let early = idn.take(aus.id(), segment.clone()).await.unwrap_err();
    assert!(matches!(early, IntakeError::AheadOfClock), "{early}");
    assert_eq!(idn.held_of(aus.id()).await.unwrap(), 0);
    assert!(idn.quarantine(&operator(), None, 10).await.unwrap().is_empty());
    federation.clock.turn(Duration::from_secs(2));
    assert_eq!(idn.take(aus.id(), segment).await.unwrap().accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_of_a_kind_that_this_version_does_not_know_is_not_passed_over() {
    for kind in [pb::LogEntryKind::Recall, pb::LogEntryKind::Expiry] {
        check("UNKNOWN_KIND", async |_, _, entry| {
            let opening = pb::ReleaseOpening { kind: kind.into(), ..forge::opening(entry) };
            *entry = forge::entry(&opening, None);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_was_never_meant_for_us_is_quarantined_without_its_content() {
    let named = |peer: &str| pb::Audience { kind: pb::AudienceKind::Named.into(), participants: vec![peer.into()] };
    check_record("NOT_FOR_US", |record| record.handling.as_mut().unwrap().releasable_to = Some(named("MYS"))).await;
    check_record("NOT_FOR_US", |record| {
        record.handling.as_mut().unwrap().releasable_to = Some(named("IDN"));
        record.protection =
            Some(pb::Protection { kinds: vec![pb::ProtectionKind::Asylum.into()], hidden_from: vec!["IDN".into()] });
    })
    .await;
}
