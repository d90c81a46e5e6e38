//! A rogue peer's log holds, but its records do not. Promises: each is set aside with its reason and takes no room beyond a
//! record's; none is visible, before or after a restart; the log goes on, and so do the other peers.

use std::time::Duration;

use prost::Message as _;
use selat_exchange::Listing;
use selat_record::{Payload as _, RecordId, pb};
use selat_rehearsal::federation::{officer, operator, reason};
use selat_tests::hostile::{Followed, Forger, Stage, signed_with};
use selat_wire::peer::LogEntry;

const DAY: Duration = Duration::from_secs(86_400);

/// Entries whose content cannot be accepted, with the code under which each is set aside.
#[allow(clippy::indexing_slicing, reason = "what the forger made is known here")]
fn unacceptable(stage: &Stage, forger: &Forger) -> Vec<(&'static str, LogEntry)> {
    let rogue = &stage.rogue;
    let bytes = |payload| signed_with(&rogue.record, pb::Record::TYPE, payload);
    let garbage = |payload: Vec<u8>| forger.spoilt("garbage", |envelope| *envelope = bytes(payload));
    let of = |change: &dyn Fn(&mut pb::Record)| {
        let mut record = forger.record("changed");
        change(&mut record);
        forger.release(&record)
    };
    let header = |change: &dyn Fn(&mut pb::Header)| of(&|record| record.header.iter_mut().for_each(change));
    let expired = |header: &mut pb::Header| {
        header.created_ms -= 60_000;
        header.expires_ms = header.created_ms + 30_000;
    };
    let others = |record: &mut pb::Record| {
        let named = pb::Audience { kind: pb::AudienceKind::Named.into(), participants: vec!["IDN".into()] };
        record.handling.iter_mut().for_each(|handling| handling.releasable_to = Some(named.clone()));
    };
    let withheld = LogEntry { envelope: None, ..forger.any("withheld") };
    let unlogged = forger.record("not what the log says");
    let unlogged = forger.entry(
        &forger.opening(&forger.record("what the log says"), &forger.sealed(&unlogged)),
        Some(forger.sealed(&unlogged).envelope),
    );
    let mut unknown = forger.opening(&forger.record("unknown"), &forger.sealed(&forger.record("unknown")));
    unknown.kind = 99;
    let unknown = forger.entry(&unknown, None);
    let mut extended = forger.record("extended").encode_to_vec();
    extended.extend([0xf8, 7, 1]);
    vec![
        ("MALFORMED", garbage(vec![0xff; 50])),
        ("NON_CANONICAL", garbage(extended)),
        ("TOO_LARGE", garbage(vec![1; 193 * 1024])),
        ("BAD_SIGNATURE", forger.spoilt("tampered", |envelope| envelope.payload[60] ^= 1)),
        ("SIGNATURE_COUNT", forger.spoilt("unsigned", |envelope| envelope.signatures.clear())),
        ("UNKNOWN_KEY", forger.spoilt("unknown key", |envelope| envelope.signatures[0].key_id[0] ^= 1)),
        (
            "WRONG_PURPOSE",
            forger.spoilt("wrong key", |envelope| {
                *envelope = signed_with(&rogue.query, pb::Record::TYPE, envelope.payload.clone());
            }),
        ),
        (
            "WRONG_TYPE",
            forger.spoilt("rubbish", |envelope| {
                (envelope.payload_type, envelope.payload) = ("application/rubbish".into(), vec![1; 3 << 20]);
            }),
        ),
        ("ISSUER_MISMATCH", header(&|header| header.issuer = "IDN".into())),
        ("WRONG_FEDERATION", header(&|header| header.federation = "other".into())),
        ("EXPIRED", header(&expired)),
        ("INVALID", of(&|record| record.evaluation = None)),
        ("INVALID", of(&|record| record.version = 0)),
        ("INVALID", of(&|record| record.body = None)),
        ("NOT_FOR_US", of(&others)),
        ("NOT_AS_LOGGED", unlogged),
        ("WITHHELD", withheld),
        ("UNKNOWN_KIND", unknown),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_cannot_be_accepted_are_set_aside_and_the_log_goes_on() {
    let mut followed = Followed::by_victim(1000, DAY).await;
    let stream = followed.feed.next().await;
    let forger = &followed.forger;
    let (codes, mut entries): (Vec<_>, Vec<_>) = unacceptable(&followed.stage, forger).into_iter().unzip();
    let good = forger.record("good among bad ones");
    entries.push(forger.release(&good));
    for chunk in entries.chunks(9) {
        followed.give(&stream, chunk.to_vec()).await;
    }

    let mut stage = followed.stage;
    assert_eq!(quarantined(&stage).await, codes);
    assert_eq!(visible(&stage).await, vec![RecordId::from_slice(&good.record_id).unwrap()]);
    assert!(stage.rogue_status().await.cut_off.is_none());
    stage.others_go_on().await;

    let before = stage.rogue_status().await;
    stage.restart_victim().await;
    let after = stage.rogue_status().await;
    assert_eq!((after.held, after.quarantined), (before.held, before.quarantined));
    assert_eq!(visible(&stage).await, vec![RecordId::from_slice(&good.record_id).unwrap()]);
    stage.others_go_on().await;
    stage.strike().await;
}

/// Codes in quarantine, in the order of the log.
async fn quarantined(stage: &Stage) -> Vec<String> {
    let rogue = Some(&stage.rogue.participant);
    let rows = stage.victim().quarantine(&operator(), rogue, 100).await.expect("the operator may list");
    rows.into_iter().map(|row| row.code).collect()
}

/// Records of the rogue that the victim's officer sees.
async fn visible(stage: &Stage) -> Vec<RecordId> {
    let listing = Listing { originator: Some(stage.rogue.participant.clone()), ..Default::default() };
    let mut rows = stage.victim().list(&officer(), &reason(), listing).await.expect("the officer may list");
    let mut seen = Vec::new();
    while let Some(row) = rows.recv().await {
        let payload = row.expect("what is held can be read").envelope.payload;
        let record = pb::Record::decode(payload.as_slice()).expect("what is held is a record");
        seen.push(RecordId::from_slice(&record.record_id).expect("what is held is valid"));
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_out_of_order_and_broken_chains_are_set_aside() {
    let mut followed = Followed::by_victim(1000, DAY).await;
    let stream = followed.feed.next().await;
    let first = followed.forger.record("first");
    let second = pb::Record {
        header: followed.forger.record("second").header,
        version: 2,
        replaces: vec![9; 32],
        amendment_reason: "typing error".into(),
        ..first.clone()
    };
    let entries = vec![
        followed.forger.release(&first),
        followed.forger.release(&first),
        followed.forger.release(&second),
        followed.forger.release(&first),
    ];
    followed.give(&stream, entries).await;
    assert_eq!(quarantined(&followed.stage).await, ["OUT_OF_ORDER", "BROKEN_CHAIN", "OUT_OF_ORDER"]);
    followed.stage.others_go_on().await;
    followed.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_set_aside_takes_no_room() {
    let mut followed = Followed::by_victim(1000, DAY).await;
    let before = followed.stage.victim().status(&operator()).await.unwrap().store_bytes;
    let stream = followed.feed.next().await;
    for _ in 0..8 {
        let rubbish = |envelope: &mut pb::Envelope| {
            (envelope.payload_type, envelope.payload) = ("application/rubbish".into(), vec![7; 3 << 20]);
        };
        let entry = followed.forger.spoilt("rubbish", rubbish);
        followed.give(&stream, vec![entry]).await;
    }
    let after = followed.stage.victim().status(&operator()).await.unwrap().store_bytes;
    assert_eq!(quarantined(&followed.stage).await.len(), 8);
    assert!(after - before < 8 << 20, "24 MiB of rubbish took {} bytes", after - before);
    followed.stage.strike().await;
}
