//! A rogue peer's log is followed. Promises: a segment that does not hold is refused as a whole and held against the rogue
//! until it is cut off; the other peers' records arrive all the while.

use std::time::Duration;

use selat_ledger::{Checkpoint, LogId};
use selat_record::{ParticipantId, pb};
use selat_seal::Signer;
use selat_tests::hostile::{Followed, Forger, event};
use selat_wire::peer::{FollowEvent, LogEntry, Segment};

const CUT_OFF: Duration = Duration::from_secs(5);

/// Refused is one entry that is spoilt.
async fn refuses_entry(followed: &mut Followed, why: &str, spoil: impl FnOnce(&mut LogEntry)) {
    followed
        .refuses(why, |forger| {
            let mut entry = forger.any("spoilt");
            spoil(&mut entry);
            event(forger.segment(vec![entry]))
        })
        .await;
}

/// Refused is one entry whose opening says something else.
async fn refuses_opening(followed: &mut Followed, why: &str, change: impl FnOnce(&mut pb::ReleaseOpening)) {
    followed
        .refuses(why, |forger| {
            let record = forger.record("other opening");
            let sealed = forger.sealed(&record);
            let mut opening = forger.opening(&record, &sealed);
            change(&mut opening);
            event(forger.segment(vec![forger.entry(&opening, Some(sealed.envelope))]))
        })
        .await;
}

/// Refused is a good entry under another checkpoint.
async fn refuses_checkpoint(followed: &mut Followed, why: &str, note: impl FnOnce(&Forger, Checkpoint) -> String) {
    followed
        .refuses(why, |forger| {
            let entries = vec![forger.any("under a wrong checkpoint")];
            let checkpoint = note(forger, forger.checkpoint(&entries));
            event(Segment { checkpoint, ..forger.segment(entries) })
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_out_of_step_or_bounds_are_refused_as_a_whole() {
    let mut followed = Followed::by_victim(1000, CUT_OFF).await;
    let again = "begins at entry";
    followed
        .refuses(again, |forger| event(Segment { first_index: 7, ..forger.segment(vec![forger.any("gap")]) }))
        .await;
    followed
        .refuses(again, |forger| {
            let last = forger.held.last().cloned().into_iter().collect();
            event(Segment { first_index: forger.next() - 1, ..forger.segment(last) })
        })
        .await;
    let bounds = "is not 1 to 256 entries";
    followed.refuses(bounds, |forger| event(forger.segment(Vec::new()))).await;
    followed.refuses(bounds, |forger| event(forger.segment(vec![forger.any("many"); 257]))).await;
    followed.refuses("is missing or not known", |_| FollowEvent { event: None }).await;
    let too_large = |forger: &Forger| {
        event(forger.segment(vec![forger.spoilt("5 MiB", |envelope| envelope.payload = vec![1; 5 << 20])]))
    };
    followed.refuses("too large", too_large).await;
    followed.stage.others_go_on().await;
    followed.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_do_not_hold_refuse_the_whole_segment() {
    let mut followed = Followed::by_victim(1000, CUT_OFF).await;
    refuses_entry(&mut followed, "the leaf is malformed", |entry| entry.leaf.truncate(41)).await;
    refuses_entry(&mut followed, "the leaf is malformed", |entry| entry.leaf[0] = 2).await;
    refuses_entry(&mut followed, "the nonce is not 32 bytes", |entry| entry.nonce.truncate(31)).await;
    let commits = "the leaf does not commit to the opening";
    refuses_entry(&mut followed, commits, |entry| entry.leaf[41] ^= 1).await;
    refuses_entry(&mut followed, commits, |entry| entry.leaf[9] ^= 1).await;
    refuses_entry(&mut followed, commits, |entry| entry.nonce[0] ^= 1).await;
    refuses_entry(&mut followed, "the opening cannot be decoded", |entry| entry.opening = vec![0xff; 9]).await;
    refuses_entry(&mut followed, "the opening is not canonical", |entry| entry.opening.extend([0xf8, 7, 1])).await;
    refuses_opening(&mut followed, commits, |opening| opening.kind = 300).await;
    let other = "the opening is of another log";
    refuses_opening(&mut followed, other, |opening| opening.recipient = "IDN".into()).await;
    refuses_opening(&mut followed, other, |opening| opening.discloser = "IDN".into()).await;
    refuses_opening(&mut followed, other, |opening| opening.federation = "other".into()).await;
    let long = |opening: &mut pb::ReleaseOpening| opening.officer_pseudonym = "x".repeat(17_000);
    refuses_opening(&mut followed, "the opening is too large", long).await;
    // One bad entry among good ones: none of them is taken.
    followed
        .refuses("the leaf is malformed", |forger| {
            let bad = LogEntry { leaf: vec![1; 42], ..forger.any("bad") };
            event(forger.segment(vec![forger.any("good before"), forger.any("good after"), bad]))
        })
        .await;
    followed.stage.others_go_on().await;
    followed.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_that_do_not_hold_refuse_the_segment() {
    let mut followed = Followed::by_victim(1000, CUT_OFF).await;
    let rogue = followed.stage.rogue.clone();
    let signed = |checkpoint: Checkpoint, name: &ParticipantId, key: &Signer| {
        checkpoint.sign(name, key).expect("a key in memory signs")
    };
    let sign = |checkpoint: Checkpoint| signed(checkpoint, &rogue.participant, &rogue.log);
    let other = "the checkpoint does not match the entries";
    refuses_checkpoint(&mut followed, other, |_, checkpoint| sign(Checkpoint { root: [9; 32], ..checkpoint })).await;
    let longer = |_: &Forger, checkpoint: Checkpoint| sign(Checkpoint { size: checkpoint.size + 1, ..checkpoint });
    refuses_checkpoint(&mut followed, other, longer).await;
    let earlier = |forger: &Forger, _| sign(forger.checkpoint(&[]));
    refuses_checkpoint(&mut followed, other, earlier).await;
    let foreign = LogId::release(&rogue.participant, followed.stage.honest().participant());
    let foreign = |_: &Forger, checkpoint: Checkpoint| sign(Checkpoint { origin: foreign, ..checkpoint });
    refuses_checkpoint(&mut followed, "checkpoint: ", foreign).await;
    let forged = |_: &Forger, checkpoint: Checkpoint| signed(checkpoint, &rogue.participant, &rogue.record);
    refuses_checkpoint(&mut followed, "checkpoint: ", forged).await;
    let named = followed.stage.honest().participant().clone();
    let named = |_: &Forger, checkpoint: Checkpoint| signed(checkpoint, &named, &rogue.log);
    refuses_checkpoint(&mut followed, "checkpoint: ", named).await;
    refuses_checkpoint(&mut followed, "checkpoint: ", |_, _| String::new()).await;
    refuses_checkpoint(&mut followed, "checkpoint: ", |_, _| "\u{1b}[2J\n".repeat(500)).await;
    refuses_checkpoint(&mut followed, "segment.checkpoint: is too long", |_, _| "x".repeat(5000)).await;
    followed.stage.others_go_on().await;
    followed.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_cut_off_for_its_segments_is_followed_again_when_its_time_is_over() {
    let mut followed = Followed::by_victim(3, CUT_OFF).await;
    let why = "begins at entry 9";
    let gap = |forger: &Forger| event(Segment { first_index: 9, ..forger.segment(vec![forger.any("gap")]) });
    for _ in 0..3 {
        followed.refuses("begins at entry 9", gap).await;
    }
    followed.stage.cut_off_for(why).await;
    followed.stage.others_go_on().await;
    followed.stage.clock.turn(CUT_OFF);
    let stream = followed.feed.next().await;
    followed.give(&stream, vec![followed.forger.any("good again")]).await;
    assert!(followed.stage.rogue_status().await.cut_off.is_none());
    followed.stage.strike().await;
}
