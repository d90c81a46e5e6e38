//! A peer whose descriptor could not be refreshed for too long is told nothing new, asked nothing and answered nothing;
//! once it could be, it gets what it missed.

use std::time::Duration;

use selat_exchange::{AnswerError, Comparison, Ending, Freshness, Limits};
use selat_record::pb::KeyPurpose;
use selat_store::MemoryEngine;

use crate::kit::{Federation, Node, Party, by_id, by_name, operator, person, renamed, search};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

async fn two() -> (Federation, Node, Node) {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    (federation, aus, idn)
}

async fn shown(node: &Node, peer: &Node) -> Comparison {
    let status = node.status(&operator()).await.unwrap();
    let line = status.peers.into_iter().find(|line| line.entry.row.participant == *peer.id());
    line.unwrap().comparison
}

/// The rule that refuses a record to the peer.
async fn refusal(from: &Node, to: &Node) -> Option<String> {
    let receipt = from.hold(person("Budi Contoh")).await;
    let release = receipt.releases.into_iter().find(|release| release.peer == *to.id()).unwrap();
    release.result.err().map(|(rule, _)| rule)
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_ages_and_grows_stale_at_its_bounds() {
    let (federation, aus, idn) = two().await;
    aus.refresh(idn.id()).await.unwrap();
    let at = |freshness| (freshness, shown(&aus, &idn));
    for (turn, expected) in [
        (Duration::ZERO, Freshness::Fresh),
        (HOUR * 24 - Duration::from_millis(1), Freshness::Fresh),
        (Duration::from_millis(1), Freshness::Ageing),
        (HOUR * 48 - Duration::from_millis(1), Freshness::Ageing),
        (Duration::from_millis(1), Freshness::Stale),
    ] {
        federation.clock.turn(turn);
        let (expected, shown) = at(expected);
        assert_eq!((aus.freshness(idn.id()), shown.await.freshness), (expected, expected));
        let refused = refusal(&aus, &idn).await;
        assert_eq!(refused.as_deref(), (expected == Freshness::Stale).then_some("F-13"), "after {turn:?}");
    }
    aus.refresh(idn.id()).await.unwrap();
    assert_eq!(aus.freshness(idn.id()), Freshness::Fresh);
    assert_eq!(refusal(&aus, &idn).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_are_as_configured() {
    let federation = Federation::new();
    let limits = Limits { stale_warn: MINUTE, stale_stop: MINUTE * 2, ..Limits::default() };
    let aus = federation.open(Party::new("AUS"), std::sync::Arc::new(MemoryEngine::new()), limits).await.unwrap();
    let idn = federation.node("IDN").await;
    aus.join(&operator(), idn.descriptor().as_ref().clone()).await.unwrap();
    assert_eq!(aus.freshness(idn.id()), Freshness::Stale, "nobody vouched for it yet");
    aus.approve_by_phone(idn.id()).await;
    let mut seen = vec![aus.freshness(idn.id())];
    for _ in 0..2 {
        federation.clock.turn(MINUTE);
        seen.push(aus.freshness(idn.id()));
    }
    assert_eq!(seen, [Freshness::Fresh, Freshness::Ageing, Freshness::Stale], "the approval counts as a comparison");
}

#[tokio::test(flavor = "multi_thread")]
async fn staleness_survives_a_restart() {
    let (federation, aus, idn) = two().await;
    federation.clock.turn(HOUR);
    aus.refresh(idn.id()).await.unwrap();
    federation.clock.turn(HOUR * 71);
    let again = federation.restart(&aus).await;
    assert_eq!(again.freshness(idn.id()), Freshness::Ageing, "counted from the comparison, not from the approval");
    federation.clock.turn(HOUR);
    assert_eq!(federation.restart(&aus).await.freshness(idn.id()), Freshness::Stale);
}

#[tokio::test(flavor = "multi_thread")]
async fn question_of_a_stale_peer_is_refused_as_a_whole_before_anything_is_read() {
    let (federation, aus, idn) = two().await;
    let held = aus.hold(person("Budi Contoh")).await.record;
    federation.clock.turn(HOUR * 72);
    let commits = aus.bench.commits();
    aus.bench.refuse_reads();
    for ask in [by_name("Budi Contoh"), by_name("Wati Contoh"), by_id(&[held])] {
        let refused = aus.asked_by(&idn, &idn.query(aus.id(), ask)).await;
        let Err(AnswerError::Own(refused)) = refused else { panic!("{refused:?}") };
        assert_eq!(refused.to_string(), "refused by rule F-13: the peer's descriptor could not be refreshed");
    }
    assert_eq!(aus.bench.commits(), commits);
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_peer_is_not_asked_and_named_with_the_reason() {
    let (federation, aus, _) = two().await;
    federation.clock.turn(HOUR * 72);
    let (outcomes, summary) = aus.outcomes(search("Budi Contoh")).await;
    assert_eq!((outcomes.len(), summary.asked, summary.answered), (1, 1, 0));
    let Ending::Unreachable(why) = &outcomes[0].ending else { panic!("{outcomes:?}") };
    assert!(why.starts_with("not asked: its descriptor could not be refreshed"), "{why}");
    assert_eq!(federation.wire.asked().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_a_stale_peer_has_not_fetched_wait_with_their_content() {
    let (federation, aus, idn) = two().await;
    aus.hold(person("Budi Contoh")).await;
    federation.clock.turn(HOUR * 72);
    assert!(aus.segment_for(idn.id(), 0).await.unwrap().is_none());
    let growth = aus.growth_of(idn.id());
    let woken = growth.notified();
    aus.refresh(idn.id()).await.unwrap();
    woken.await;
    let taken = idn.follow(&aus).await.unwrap();
    assert_eq!((taken.accepted, taken.quarantined), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_is_fresh_again_is_announced_once_and_gets_what_it_missed() {
    let (federation, aus, idn) = two().await;
    let mut announced = aus.fresh_again();
    aus.refresh(idn.id()).await.unwrap();
    assert!(announced.try_recv().is_err(), "it was fresh before");
    federation.clock.turn(HOUR * 72);
    assert_eq!(refusal(&aus, &idn).await.as_deref(), Some("F-13"));
    aus.refresh(idn.id()).await.unwrap();
    assert_eq!(announced.try_recv().unwrap(), *idn.id());
    assert_eq!(aus.release_backlog(idn.id()).await.unwrap(), 1);
    aus.greeted(idn.id(), &idn.greeting_for(aus.id())).await.unwrap();
    assert!(announced.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_releases_nothing_to_a_stale_peer() {
    let (federation, aus, idn) = two().await;
    federation.clock.turn(HOUR * 72);
    aus.hold(person("Budi Contoh")).await;
    assert_eq!(aus.release_backlog(idn.id()).await.unwrap(), 0);
    assert_eq!(aus.released(idn.id()).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_and_announcement_of_the_peer_make_it_fresh_again_too() {
    for by_hello in [true, false] {
        let (federation, aus, idn) = two().await;
        federation.clock.turn(HOUR * 72);
        let mut announced = aus.fresh_again();
        if by_hello {
            aus.greeted(idn.id(), &idn.greeting_for(aus.id())).await.unwrap();
        } else {
            aus.announced(idn.id(), &idn.draft(renamed("Second"))).await.unwrap();
        }
        assert_eq!((aus.freshness(idn.id()), announced.try_recv().unwrap()), (Freshness::Fresh, idn.id().clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_whose_descriptor_has_expired_is_stale_at_once_until_it_has_another() {
    let (federation, aus, idn) = two().await;
    let until = idn.now().plus(HOUR);
    idn.publish_next(|next| next.header.as_mut().unwrap().expires_ms = until.ms()).await.unwrap();
    aus.refresh(idn.id()).await.unwrap();
    federation.clock.turn(HOUR - Duration::from_millis(1));
    assert_eq!(aus.freshness(idn.id()), Freshness::Fresh);
    federation.clock.turn(Duration::from_millis(1));
    assert_eq!(aus.freshness(idn.id()), Freshness::Stale);
    aus.refresh(idn.id()).await.unwrap();
    let comparison = shown(&aus, &idn).await;
    assert_eq!(comparison.freshness, Freshness::Stale, "that it is its newest does not help");
    let fault = comparison.last_descriptor_fault.unwrap().0;
    assert!(fault.starts_with("descriptor 2 of IDN: has expired at"), "{fault}");
    assert_eq!(aus.conduct().cut_off(idn.id(), aus.now()), None);
    let mut announced = aus.fresh_again();
    idn.publish_next(|next| next.header.as_mut().unwrap().expires_ms = 0).await.unwrap();
    aus.refresh(idn.id()).await.unwrap();
    assert_eq!((aus.freshness(idn.id()), announced.try_recv().unwrap()), (Freshness::Fresh, idn.id().clone()));
    assert_eq!(shown(&aus, &idn).await.last_descriptor_fault, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn version_in_the_middle_of_a_walk_may_have_expired() {
    let (federation, aus, idn) = two().await;
    let until = idn.now().plus(HOUR);
    idn.publish_next(|next| next.header.as_mut().unwrap().expires_ms = until.ms()).await.unwrap();
    idn.publish_next(|next| next.header.as_mut().unwrap().expires_ms = 0).await.unwrap();
    federation.clock.turn(HOUR * 2);
    assert_eq!(aus.refresh(idn.id()).await.unwrap().version, 3);
    assert_eq!(aus.freshness(idn.id()), Freshness::Fresh);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_cannot_be_reached_grows_stale_however_often_it_is_tried() {
    let (federation, aus, idn) = two().await;
    federation.wire.unplug(idn.id());
    for _ in 0..72 {
        aus.refresh(idn.id()).await.unwrap_err();
        federation.clock.turn(HOUR);
    }
    assert_eq!(aus.freshness(idn.id()), Freshness::Stale);
    assert!(aus.in_use(KeyPurpose::Record).is_some());
}
