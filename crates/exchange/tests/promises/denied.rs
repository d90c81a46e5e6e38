//! Denied equals absent: a question whose answer is hidden and a question about nobody get answers that are equal byte
//! for byte, at the same tick, and leave equal entries behind, whatever hides the answer.

use std::time::Duration;

use prost::Message as _;
use selat_record::pb::query::Ask;
use selat_record::pb::{AnswerOutcome, AuditAction};
use selat_record::{Purpose, RecordId, Timestamp, pb};

use crate::kit::{Conditions as _, Federation, Node, by_id, by_name, find, id, message, officer, person, reason};

/// The one name that is held; questions about nobody use another of equal shape.
const HELD: &str = "Budi Contoh";
const NOBODY: &str = "Wati Contoh";

/// What the asker sees: the payload after blanking ids, times, and the binding to the query; its length; the tick.
type Seen = (Vec<u8>, usize, u64);

async fn seen(aus: &Node, idn: &Node, ask: Ask) -> Seen {
    let (envelope, left_ms) = aus.asked_by(idn, &idn.query(aus.id(), ask)).await.unwrap();
    let mut answer = message(&envelope);
    let header = answer.header.as_mut().unwrap();
    (header.id, header.created_ms, header.expires_ms) = (Vec::new(), 0, 0);
    answer.query.clear();
    (answer.encode_to_vec(), envelope.payload.len(), left_ms)
}

/// The last release entry to IDN and the last audit entry, after blanking what names the one answer.
async fn left_behind(aus: &Node) -> (pb::ReleaseOpening, pb::AuditOpening) {
    let mut release = aus.released(&id("IDN")).await.pop().unwrap();
    (release.time_ms, release.content_id, release.query) = (0, Vec::new(), Vec::new());
    let mut audit = aus.audited().await.pop().unwrap();
    (audit.time_ms, audit.content_id, audit.answer) = (0, Vec::new(), Vec::new());
    (release, audit)
}

/// An id that nobody ever minted.
fn unknown_id() -> RecordId {
    RecordId::mint(Timestamp::from_ms(1_767_300_000_000).unwrap(), [3; 10])
}

/// What AUS shows of `record` to IDN, by name and by id, is what it shows of nobody.
async fn check_hidden(record: pb::Record) {
    let (_, [aus, idn, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let hidden = aus.hold(record).await.record;
    check_absent(&aus, &idn, hidden).await;
}

async fn check_absent(aus: &Node, idn: &Node, hidden: RecordId) {
    let pairs = [
        (by_name(HELD), by_name(NOBODY)),
        (by_id(&[hidden]), by_id(&[unknown_id()])),
        (
            Ask::Find(pb::Find { country: "IDN".into(), ..find(HELD) }),
            Ask::Find(pb::Find { country: "IDN".into(), ..find(NOBODY) }),
        ),
    ];
    for (denied, absent) in pairs {
        let denied = (seen(aus, idn, denied).await, left_behind(aus).await);
        let absent = (seen(aus, idn, absent).await, left_behind(aus).await);
        assert_eq!(denied, absent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_may_be_known_is_not_absent() {
    // The comparison below would see the difference, in every question that it asks.
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let open = aus.hold(person(HELD)).await.record;
    for (held, absent) in [(by_name(HELD), by_name(NOBODY)), (by_id(&[open]), by_id(&[unknown_id()]))] {
        assert_ne!(seen(&aus, &idn, held).await.0, seen(&aus, &idn, absent).await.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn record_for_nobody_or_for_others_is_absent() {
    check_hidden(person(HELD).to_nobody()).await;
    check_hidden(person(HELD).to(&["MYS"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_record_is_absent_for_the_state_it_is_hidden_from() {
    check_hidden(person(HELD).to(&["MYS"]).hidden_from(&["IDN"])).await;
    // An audience never lifts protection, not even by name.
    check_hidden(person(HELD).to(&["IDN"]).hidden_from(&["IDN"])).await;
    check_hidden(person(HELD).to(&["IDN"]).hidden_from(&["IDN"]).hit_only()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_record_that_names_no_state_is_absent_for_all_who_are_not_named() {
    check_hidden(person(HELD).to(&["MYS"]).hidden_from(&[])).await;
    check_hidden(person(HELD).to_nobody().hidden_from(&[])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn record_for_another_purpose_is_absent() {
    check_hidden(person(HELD).purpose(Purpose::Visa)).await;
    check_hidden(person(HELD).purpose(Purpose::Visa).hit_only()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn red_record_for_all_is_absent() {
    let mut red = person(HELD);
    red.handling.as_mut().unwrap().tlp = pb::Tlp::Red.into();
    check_hidden(red).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_record_is_absent() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let expired = aus.put(&officer(), &reason(), person(HELD).draft(), 1).await.unwrap().record;
    assert_eq!(aus.answer_to_name(&idn, HELD).await.outcome(), AnswerOutcome::Hit);
    federation.clock.turn(Duration::from_secs(24 * 3600));
    check_absent(&aus, &idn, expired).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn record_of_another_participant_is_absent() {
    let (_, [aus, idn, mys]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let foreign = mys.hold(person(HELD)).await.record;
    aus.follow(&mys).await.unwrap();
    check_absent(&aus, &idn, foreign).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_was_shown_and_then_protected_is_absent() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let shown = aus.hold(person(HELD)).await.record;
    assert_eq!(aus.answer_to(&idn, by_id(&[shown])).await.outcome(), AnswerOutcome::Hit);
    let protected = person(HELD).to(&["MYS"]).hidden_from(&["IDN"]).because("asked for asylum");
    aus.change(shown, 1, protected.draft()).await.unwrap();
    check_absent(&aus, &idn, shown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_records_take_no_place_and_are_not_counted() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let visible = aus.hold(person(HELD)).await.record;
    let one = |limit| Ask::Find(pb::Find { limit, ..find(HELD) });
    let before = seen(&aus, &idn, one(1)).await;
    for _ in 0..5 {
        aus.hold(person(HELD).to_nobody()).await;
    }
    // One hidden, one visible, limit 1: neither pushed out nor announced as "more".
    assert_eq!(seen(&aus, &idn, one(1)).await, before);
    let answer = aus.answer_to(&idn, one(1)).await;
    assert_eq!((answer.hits.len(), answer.truncated), (1, false));
    assert_eq!(answer.hits[0].reference, visible.as_bytes());
    // Two that may be known, limit 1: there the asker is told that there is more.
    aus.hold(person(HELD)).await;
    assert!(aus.answer_to(&idn, one(1)).await.truncated);
    assert!(!aus.answer_to(&idn, one(2)).await.truncated);
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_ids_change_nothing_about_the_others_in_a_fetch() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let visible = aus.hold(person(HELD)).await.record;
    let hidden = aus.hold(person(HELD).to_nobody()).await.record;
    let hit_only = aus.hold(person(HELD).hit_only()).await.record;
    let expected = seen(&aus, &idn, by_id(&[unknown_id(), visible])).await;
    assert_eq!(seen(&aus, &idn, by_id(&[hidden, visible])).await, expected);
    assert_eq!(seen(&aus, &idn, by_id(&[hit_only, visible])).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_store_does_not_tell_hidden_from_absent() {
    // From a store that hardly delays the answer to one that makes every answer late: whatever the speed, the work on a
    // hidden record must not cross the tick where the work on an absent one does not.
    for read_ms in 1..=30 {
        let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
        let hidden = aus.hold(person(HELD).to_nobody()).await.record;
        aus.bench.slow_reads(Duration::from_millis(read_ms));
        for count in [1, 16] {
            let denied = seen(&aus, &idn, by_id(&vec![hidden; count])).await;
            let absent = seen(&aus, &idn, by_id(&vec![unknown_id(); count])).await;
            assert_eq!(denied, absent, "{count} ids, {read_ms} ms per read");
        }
        assert_eq!(seen(&aus, &idn, by_name(HELD)).await, seen(&aus, &idn, by_name(NOBODY)).await, "{read_ms} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_hit_is_audited_like_a_question_about_nobody() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let hidden = aus.hold(person(HELD).to_nobody()).await;
    let before = aus.audited().await.len();
    aus.answer_to_name(&idn, HELD).await;
    let audited = aus.audited().await.split_off(before);
    let [entry] = audited.as_slice() else { panic!("one act, one entry: {audited:?}") };
    assert_eq!((entry.action(), entry.note.as_str()), (AuditAction::Disclosure, "find answered no-hit"));
    assert!(entry.record_id.is_empty() && entry.content_id != hidden.content.as_bytes());
}
