//! A record travels: the follower ends with the discloser's log and bytes, resumes where it stopped, and refuses as a
//! whole whatever is not exactly the next part of that log.

use std::time::Duration;

use selat_exchange::{ExchangeError, InSegment, IntakeError, Limits};
use selat_ledger::LogId;
use selat_record::pb::KeyPurpose;
use selat_record::{Purpose, pb};
use selat_seal::Signer;

use crate::kit::{Conditions as _, Federation, Node, Party, forge, id, officer, person, reason};

/// Both hold the same log of what `from` gave `to`.
async fn check_equal_logs(from: &Node, to: &Node) {
    let log = LogId::release(from.id(), to.id());
    let size = from.store.logs.size(&log).await.unwrap();
    assert_eq!(to.store.logs.size(&log).await.unwrap(), size);
    let root = from.store.logs.root(&log, size).await.unwrap();
    assert_eq!(to.store.logs.root(&log, size).await.unwrap(), root);
    let known = to.store.peers.checkpoint(from.id()).await.unwrap().unwrap();
    assert_eq!((known.size, known.root), (size, root));
}

#[tokio::test(flavor = "multi_thread")]
async fn follower_holds_log_and_bytes_of_the_discloser() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let first = aus.hold(person("Budi Contoh")).await;
    aus.hold(person("Siti Contoh").to_nobody()).await;
    aus.change(first.record, 1, person("Budi C.").because("typing error").draft()).await.unwrap();
    let taken = idn.follow(&aus).await.unwrap();
    assert_eq!((taken.held, taken.accepted, taken.quarantined), (2, 2, 0));
    check_equal_logs(&aus, &idn).await;
    for version in [1, 2] {
        let there = aus.get(&officer(), &reason(), first.record, version).await.unwrap();
        let here = idn.get(&officer(), &reason(), first.record, version).await.unwrap();
        assert_eq!(here.envelope, there.envelope, "the originator's bytes");
    }
    assert_eq!(idn.status(&officer()).await.unwrap().peer_records, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn following_goes_on_from_what_is_held_in_bounded_segments() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let limits = Limits { segment_entries_max: 2, ..Limits::default() };
    let aus = federation.open(Party::new("AUS"), aus.bench.clone(), limits).await.unwrap();
    for n in 0..3 {
        aus.hold(person(&format!("Person {n}"))).await;
    }
    let first = aus.segment(&idn).await;
    assert_eq!(first.entries.len(), 2);
    assert_eq!(idn.take(aus.id(), first).await.unwrap().held, 2);
    assert_eq!(idn.follow(&aus).await.unwrap().held, 3);
    aus.hold(person("Person 3")).await;
    let idn = federation.restart(&idn).await;
    assert_eq!(idn.follow(&aus).await.unwrap().held, 4);
    assert!(aus.segment_for(idn.id(), 4).await.unwrap().is_none());
    check_equal_logs(&aus, &idn).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_of_large_records_stay_below_the_message_limit() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let text = "\u{10400}".repeat(20_000);
    let bulletin = pb::Bulletin { kind: 1, title: "Large".into(), text, ..Default::default() };
    for _ in 0..41 {
        let body = Some(pb::record::Body::Bulletin(bulletin.clone()));
        aus.hold(pb::Record { body, ..person("unused") }).await;
    }
    let first = aus.segment(&idn).await;
    let size: usize = first.entries.iter().map(|e| e.opening.len() + e.envelope.as_ref().unwrap().payload.len()).sum();
    assert!(first.entries.len() < 41 && size < 3 * 1024 * 1024 + 256, "{} entries, {size} bytes", first.entries.len());
    assert_eq!(idn.follow(&aus).await.unwrap().accepted, 41);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_sight_of_a_record_may_be_a_later_version() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let first = aus.hold(person("Budi Contoh").to_nobody()).await;
    aus.change(first.record, 1, person("Budi Contoh").because("cleared").draft()).await.unwrap();
    assert_eq!(idn.follow(&aus).await.unwrap().accepted, 1);
    // Version 3 is not for IDN, version 4 is again: what it holds has a gap, and stays a chain.
    aus.change(first.record, 2, person("Budi").to_nobody().because("withdrawn").draft()).await.unwrap();
    aus.change(first.record, 3, person("Budi").because("cleared").draft()).await.unwrap();
    assert_eq!(idn.follow(&aus).await.unwrap().accepted, 1);
    let held: Vec<_> = idn.versions(aus.id(), first.record).await.into_iter().map(|(version, _)| version).collect();
    assert_eq!(held, [2, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn follower_that_claims_more_than_there_is_is_refused_and_at_fault() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let aus = strict(&federation, &aus).await;
    assert!(aus.segment_for(idn.id(), 0).await.unwrap().is_none());
    let refused = aus.segment_for(idn.id(), 1).await;
    assert!(matches!(refused, Err(ExchangeError::PeerState { .. })), "{refused:?}");
    assert!(aus.conduct().cut_off(idn.id(), aus.clock().now()).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn segment_that_comes_again_is_out_of_step() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    let segment = aus.segment(&idn).await;
    idn.take(aus.id(), segment.clone()).await.unwrap();
    let again = idn.take(aus.id(), segment).await;
    assert!(matches!(again, Err(IntakeError::OutOfStep { expected: 1, got: 0 })), "{again:?}");
    assert_eq!(idn.held_of(aus.id()).await.unwrap(), 1);
}

/// The node again, cutting a peer off at its first fault.
async fn strict(federation: &Federation, node: &Node) -> Node {
    let limits = Limits { faults_before_cut_off: 1, ..Limits::default() };
    federation.open(Party::new(node.id().as_str()), node.bench.clone(), limits).await.unwrap()
}

type Spoil = fn(&mut InSegment);

/// A good segment of two entries, spoiled in one way each, and what is said of it.
const SPOILED: [(&str, Spoil, &str); 16] = [
    ("gap", |s| s.first_index = 1, "begins at entry 1, 0 was due"),
    ("no entries", |s| s.entries.clear(), "no entries, or too many"),
    ("too many", |s| s.entries = vec![s.entries[0].clone(); 257], "no entries, or too many"),
    ("leaf cut short", |s| _ = s.entries[1].leaf.pop(), "entry 1: the leaf is malformed"),
    ("leaf changed", |s| s.entries[1].leaf[41] ^= 1, "entry 1: the leaf does not commit to the opening"),
    ("nonce cut short", |s| _ = s.entries[0].nonce.pop(), "entry 0: the nonce is not 32 bytes"),
    ("nonce changed", |s| s.entries[0].nonce[0] ^= 1, "entry 0: the leaf does not commit to the opening"),
    ("opening is garbage", |s| s.entries[0].opening = vec![0xff; 9], "entry 0: the opening cannot be decoded"),
    ("opening too large", |s| s.entries[0].opening = vec![0; 16 * 1024 + 1], "entry 0: the opening is too large"),
    ("opening of the other", |s| s.entries[0].opening = s.entries[1].opening.clone(), "does not commit"),
    (
        "opening not canonical",
        |s| s.entries[0].opening.extend([0xf8, 0x07, 1]),
        "entry 0: the opening is not canonical",
    ),
    ("entries swapped", |s| s.entries.swap(0, 1), "does not match the entries"),
    ("one entry missing", |s| _ = s.entries.pop(), "does not match the entries"),
    ("no checkpoint", |s| s.checkpoint.clear(), "checkpoint: "),
    ("checkpoint of more", |s| s.checkpoint = s.checkpoint.replacen("\n2\n", "\n3\n", 1), "checkpoint: "),
    ("signature cut", |s| s.checkpoint.truncate(s.checkpoint.len() - 4), "checkpoint: "),
];

#[tokio::test(flavor = "multi_thread")]
async fn spoiled_segment_is_refused_as_a_whole_and_is_a_fault() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    aus.hold(person("Siti Contoh")).await;
    let idn = strict(&federation, &idn).await;
    let good = aus.segment(&idn).await;
    for (what, spoil, why) in SPOILED {
        let mut segment = good.clone();
        spoil(&mut segment);
        check_refused(&federation, (&aus, &idn), segment, (what, why)).await;
    }
    assert_eq!(idn.take(aus.id(), good).await.unwrap().accepted, 2);
}

/// `to` refuses the segment, keeps nothing of it, and holds it against `from`.
async fn check_refused(
    federation: &Federation,
    (from, to): (&Node, &Node),
    segment: InSegment,
    (what, why): (&str, &str),
) {
    let refused = to.take(from.id(), segment).await.expect_err(what).to_string();
    assert!(refused.contains(why), "{what}: {refused}");
    assert_eq!(to.held_of(from.id()).await.unwrap(), 0, "{what}: nothing of it is held");
    assert!(to.store.records.scan_heads_of(from.id(), None, 1).await.unwrap().is_empty(), "{what}");
    assert!(to.conduct().cut_off(from.id(), to.clock().now()).is_some(), "{what}: it is a fault");
    federation.clock.turn(Duration::from_secs(61));
    assert!(to.conduct().cut_off(from.id(), to.clock().now()).is_none(), "{what}: it is forgiven");
}

#[tokio::test(flavor = "multi_thread")]
async fn well_signed_entries_of_another_log_are_refused() {
    let (federation, [aus, idn, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    aus.hold(person("Budi Contoh")).await;
    let idn = strict(&federation, &idn).await;
    let good = aus.segment(&idn).await;
    let other_log = "the opening is of another log";
    type Change = fn(&mut pb::ReleaseOpening);
    let changes: [(&str, Change, &str); 5] = [
        ("for another", |o| o.recipient = "MYS".into(), other_log),
        ("by another", |o| o.discloser = "MYS".into(), other_log),
        ("of another federation", |o| o.federation = "trial".into(), other_log),
        ("of another time", |o| o.time_ms += 1, "does not commit"),
        ("of another kind", |o| o.kind = 2, "does not commit"),
    ];
    for (what, change, why) in changes {
        let mut opening = forge::opening(&good.entries[0]);
        change(&mut opening);
        let mut entry = forge::entry(&opening, good.entries[0].envelope.clone());
        if why != other_log {
            // The leaf keeps saying what the true opening says; only the commitment is to the changed one.
            entry.leaf[..10].copy_from_slice(&good.entries[0].leaf[..10]);
        }
        let segment = forge::segment(&aus.party, idn.id(), vec![entry]);
        check_refused(&federation, (&aus, &idn), segment, (what, why)).await;
    }
    let to_mys = aus.segment_for(&id("MYS"), 0).await.unwrap().unwrap();
    let segment = InSegment { checkpoint: to_mys.checkpoint, ..good };
    check_refused(&federation, (&aus, &idn), segment, ("checkpoint of another log", "checkpoint: ")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoint_signed_by_a_key_of_another_purpose_is_refused() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    let idn = strict(&federation, &idn).await;
    let good = aus.segment(&idn).await;
    let log = LogId::release(aus.id(), idn.id());
    let root = aus.store.logs.root(&log, 1).await.unwrap();
    let checkpoint = selat_ledger::Checkpoint { origin: log, size: 1, root };
    let checkpoint =
        checkpoint.sign(aus.id(), &Signer::new(KeyPurpose::Record, aus.party.key(KeyPurpose::Record))).unwrap();
    let segment = InSegment { checkpoint, ..good };
    check_refused(&federation, (&aus, &idn), segment, ("record key", "checkpoint: ")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_the_floor_no_longer_permits_is_withheld_and_the_log_goes_on() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let short = person("Budi Contoh").purpose(Purpose::Visa).draft();
    aus.put(&officer(), &reason(), short, 1).await.unwrap();
    federation.clock.turn(Duration::from_secs(24 * 3600));
    aus.hold(person("Siti Contoh")).await;
    let segment = aus.segment(&idn).await;
    assert!(segment.entries[0].envelope.is_none(), "it has expired");
    let taken = idn.take(aus.id(), segment).await.unwrap();
    assert_eq!((taken.held, taken.accepted, taken.quarantined), (2, 1, 1));
    check_equal_logs(&aus, &idn).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn version_released_before_its_person_was_protected_is_not_given_any_more() {
    let (_, [aus, idn, mys]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let first = aus.hold(person("Budi Contoh")).await;
    assert!(aus.segment(&idn).await.entries[0].envelope.is_some(), "nothing stands against it yet");
    let protected = person("Budi Contoh").to(&["IDN", "MYS"]).hidden_from(&["IDN"]).because("asylum claimed");
    aus.change(first.record, 1, protected.draft()).await.unwrap();
    assert!(aus.segment(&idn).await.entries.iter().all(|entry| entry.envelope.is_none()));
    assert!(aus.segment(&mys).await.entries.iter().all(|entry| entry.envelope.is_some()));
    assert_eq!(idn.follow(&aus).await.unwrap().accepted, 0);
}
