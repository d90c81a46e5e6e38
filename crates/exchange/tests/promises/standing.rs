//! A peer that is suspended exchanges nothing and can be resumed; a peer that is removed comes back as a stranger.

use std::sync::Arc;

use prost::Message as _;
use selat_exchange::{AnswerError, Ending, ExchangeError, PeerStatus};
use selat_policy::Rule;
use selat_record::{ParticipantId, pb};
use selat_seal::{At, SafetyPhrase, SealError, verify};
use selat_store::repositories::{Peer, PeerState, Stopped};
use selat_store::{Batch, Engine, Fault, FaultEngine, MemoryEngine};

use crate::kit::{Federation, Node, Party, When, by_name, officer, operator, person, reason, search};

const WHY: &str = "does not answer the telephone";

async fn two() -> (Federation, Node, Node) {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    (federation, aus, idn)
}

async fn shown(aus: &Node, peer: &ParticipantId) -> PeerStatus {
    let peers = aus.peers(&operator()).await.unwrap();
    peers.into_iter().find(|status| status.entry.row.participant == *peer).unwrap()
}

fn refused_state<T: std::fmt::Debug>(result: Result<T, ExchangeError>) {
    assert!(matches!(result, Err(ExchangeError::PeerState { .. })), "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_peer_is_given_nothing_and_asked_nothing() {
    let (federation, aus, idn) = two().await;
    let early = aus.hold(person("Siti Contoh")).await;
    aus.suspend(&operator(), idn.id(), WHY).await.unwrap();
    let receipt = aus.hold(person("Budi Contoh")).await;
    assert!(receipt.releases.is_empty() && early.releases.len() == 1);
    refused_state(aus.segment_for(idn.id(), 0).await);
    refused_state(aus.release_backlog(idn.id()).await);
    let asked = aus.asked_by(&idn, &idn.query(aus.id(), by_name("Budi Contoh"))).await;
    let Err(AnswerError::Own(ExchangeError::Denied(refusal))) = asked else { panic!("{asked:?}") };
    assert_eq!(refusal.rule(), Rule::PeerNotApproved);
    let named = selat_exchange::Search { peers: vec![idn.id().clone()], ..search("Budi") };
    let (outcomes, _) = aus.outcomes(named).await;
    assert!(matches!(outcomes[0].ending, Ending::NotApproved));
    assert!(federation.wire.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_peer_gives_nothing_and_is_not_blamed_for_trying() {
    let (_, aus, idn) = two().await;
    let first = idn.hold(person("Budi Contoh")).await;
    aus.follow(&idn).await.unwrap();
    idn.hold(person("Siti Contoh")).await;
    let mut segment = idn.segment(&aus).await;
    segment.first_index = 1;
    segment.entries.remove(0);
    aus.suspend(&operator(), idn.id(), WHY).await.unwrap();
    for _ in 0..9 {
        assert!(aus.take(idn.id(), segment.clone()).await.is_err());
    }
    assert_eq!(aus.held_of(idn.id()).await.unwrap(), 1);
    assert_eq!(aus.conduct().cut_off(idn.id(), aus.clock().now()), None);
    aus.get(&officer(), &reason(), first.record, 0).await.unwrap();
    aus.resume(&operator(), idn.id(), "they answered").await.unwrap();
    aus.take(idn.id(), segment).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn suspension_lasts_over_a_restart_and_shows_its_reason() {
    let (federation, aus, idn) = two().await;
    let entry = aus.suspend(&operator(), idn.id(), &format!("  {WHY} ")).await.unwrap();
    let stopped = Stopped { reason: WHY.into(), by: "operator-1".into(), at: aus.clock().now() };
    assert_eq!((entry.row.state, entry.row.stopped.clone()), (PeerState::Suspended, Some(stopped)));
    let aus = federation.restart(&aus).await;
    assert_eq!(shown(&aus, idn.id()).await.entry.row, entry.row);
    assert!(aus.book().approved_peer(idn.id()).is_err());
    let last = aus.audited().await.pop().unwrap();
    assert_eq!((last.action(), last.note), (pb::AuditAction::Administration, format!("suspended: {WHY}")));
    assert_eq!((last.participants, last.actor.as_str()), (vec!["IDN".to_owned()], "operator-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn resumed_peer_gets_what_was_held_back() {
    let (federation, aus, idn) = two().await;
    aus.suspend(&operator(), idn.id(), WHY).await.unwrap();
    aus.hold(person("Budi Contoh")).await;
    let entry = aus.resume(&operator(), idn.id(), "they answered").await.unwrap();
    assert_eq!((entry.row.state, entry.row.stopped), (PeerState::Approved, None));
    assert!(entry.row.approval.is_some(), "nobody has to compare the phrase again");
    assert_eq!(aus.release_backlog(idn.id()).await.unwrap(), 1);
    assert_eq!(idn.follow(&aus).await.unwrap().accepted, 1);
    let aus = federation.restart(&aus).await;
    assert!(aus.book().approved_peer(idn.id()).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_again_changes_nothing() {
    let (_, aus, idn) = two().await;
    aus.suspend(&operator(), idn.id(), WHY).await.unwrap();
    let commits = aus.bench.commits();
    let again = aus.suspend(&operator(), idn.id(), "another reason").await.unwrap();
    assert_eq!((again.row.stopped.unwrap().reason.as_str(), aus.bench.commits()), (WHY, commits));
    aus.resume(&operator(), idn.id(), WHY).await.unwrap();
    let commits = aus.bench.commits();
    aus.resume(&operator(), idn.id(), WHY).await.unwrap();
    assert_eq!(aus.bench.commits(), commits);
}

#[tokio::test(flavor = "multi_thread")]
async fn reason_is_one_to_two_hundred_characters_of_plain_text() {
    let (_, aus, idn) = two().await;
    let commits = aus.bench.commits();
    for bad in ["", "  ", "a\nb", &"x".repeat(201)] {
        for result in [
            aus.suspend(&operator(), idn.id(), bad).await.map(drop),
            aus.resume(&operator(), idn.id(), bad).await.map(drop),
            aus.remove(&operator(), idn.id(), bad).await,
        ] {
            assert!(matches!(result, Err(ExchangeError::Invalid(_))), "{bad:?}: {result:?}");
        }
    }
    assert_eq!(aus.bench.commits(), commits);
    aus.suspend(&operator(), idn.id(), &"x".repeat(200)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_peer_has_no_traffic_to_stop_and_cannot_be_resumed_into_approval() {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, federation.node("IDN").await);
    aus.join(&operator(), idn.descriptor().as_ref().clone()).await.unwrap();
    refused_state(aus.suspend(&operator(), idn.id(), WHY).await);
    refused_state(aus.resume(&operator(), idn.id(), WHY).await);
    assert_eq!(shown(&aus, idn.id()).await.acceptance, None);
    aus.remove(&operator(), idn.id(), "invited by mistake").await.unwrap();
    let unknown = aus.suspend(&operator(), idn.id(), WHY).await;
    assert!(matches!(unknown, Err(ExchangeError::UnknownPeer(_))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_peer_can_only_be_removed() {
    let (federation, aus, idn) = two().await;
    let words = aus.words_for(idn.id());
    freeze(&aus, idn.id()).await;
    let aus = federation.restart(&aus).await;
    refused_state(aus.suspend(&operator(), idn.id(), WHY).await);
    refused_state(aus.resume(&operator(), idn.id(), WHY).await);
    refused_state(aus.approve(&operator(), idn.id(), &words, "telephone").await);
    refused_state(aus.join(&operator(), Party::new("IDN").descriptor(2)).await);
    aus.remove(&operator(), idn.id(), WHY).await.unwrap();
    aus.join(&operator(), Party::new("IDN").descriptor(2)).await.unwrap();
    aus.approve_by_phone(idn.id()).await;
}

/// As equivocation does.
async fn freeze(aus: &Node, peer: &ParticipantId) {
    let known = aus.store.peers.get(peer).await.unwrap().unwrap();
    let mut batch = Batch::new();
    let frozen = Peer { state: PeerState::Frozen, ..known.clone() };
    aus.store.peers.replace(&mut batch, &known, &frozen);
    aus.store.peers.advance_epoch(&mut batch, aus.store.peers.epoch().await.unwrap());
    aus.store.commit(batch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_peer_is_not_approved_by_reading_the_words_again() {
    let (_, aus, idn) = two().await;
    let words = aus.words_for(idn.id());
    aus.suspend(&operator(), idn.id(), WHY).await.unwrap();
    refused_state(aus.approve(&operator(), idn.id(), &words, "telephone").await);
    refused_state(aus.join(&operator(), Party::new("IDN").descriptor(2)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_peer_is_a_stranger_and_what_it_gave_stays() {
    let (federation, aus, idn) = two().await;
    let theirs = idn.hold(person("Budi Contoh")).await;
    aus.hold(person("Siti Contoh")).await;
    aus.follow(&idn).await.unwrap();
    aus.remove(&operator(), idn.id(), WHY).await.unwrap();
    for aus in [aus.clone(), federation.restart(&aus).await] {
        assert!(matches!(aus.book().peer(idn.id()), Err(ExchangeError::UnknownPeer(_))));
        assert!(matches!(aus.segment_for(idn.id(), 0).await, Err(ExchangeError::UnknownPeer(_))));
        aus.get(&officer(), &reason(), theirs.record, 0).await.unwrap();
        assert_eq!(aus.released(idn.id()).await.len(), 1);
        aus.check_trees(&[idn.id()]).await;
    }
    let last = aus.audited().await.into_iter().rfind(|entry| entry.note.starts_with("removed")).unwrap();
    assert_eq!(last.note, format!("removed: {WHY}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_peer_comes_back_by_a_new_ceremony_and_its_log_goes_on() {
    let (_, aus, idn) = two().await;
    idn.hold(person("Budi Contoh")).await;
    aus.follow(&idn).await.unwrap();
    aus.remove(&operator(), idn.id(), WHY).await.unwrap();
    // Another descriptor than before is taken as any stranger's would be.
    aus.join(&operator(), Party::new("IDN").descriptor(2)).await.unwrap();
    let entry = aus.join(&operator(), idn.descriptor().as_ref().clone()).await.unwrap();
    assert_eq!((entry.row.state, entry.row.approval), (PeerState::Pending, None));
    idn.hold(person("Siti Contoh")).await;
    assert!(aus.take(idn.id(), idn.segment(&aus).await).await.is_err());
    aus.approve_by_phone(idn.id()).await;
    let taken = aus.follow(&idn).await.unwrap();
    assert_eq!((taken.held, taken.accepted), (2, 1));
    assert_eq!(aus.store.acceptances.of(idn.id()).await.unwrap().len(), 2, "each ceremony has its acceptance");
}

#[tokio::test(flavor = "multi_thread")]
async fn record_decided_before_a_suspension_is_not_released_after_it() {
    let (_, aus, idn) = two().await;
    let (suspending, peer) = (aus.clone(), idn.id().clone());
    aus.bench.at_commit(1, When::Before, async move {
        suspending.suspend(&operator(), &peer, WHY).await.unwrap();
    });
    assert!(aus.hold(person("Budi Contoh")).await.releases.is_empty());
    assert_eq!(aus.released(idn.id()).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn segment_verified_before_a_removal_is_not_taken_after_it() {
    let (_, aus, idn) = two().await;
    idn.hold(person("Budi Contoh")).await;
    let (removing, peer) = (aus.clone(), idn.id().clone());
    aus.bench.at_commit(1, When::Before, async move {
        removing.remove(&operator(), &peer, WHY).await.unwrap();
    });
    assert!(aus.take(idn.id(), idn.segment(&aus).await).await.is_err());
    assert_eq!(aus.held_of(idn.id()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_that_was_being_worked_on_is_not_given_after_a_suspension() {
    let (_, aus, idn) = two().await;
    aus.hold(person("Budi Contoh")).await;
    let (suspending, peer) = (aus.clone(), idn.id().clone());
    aus.bench.at_commit(1, When::Before, async move {
        suspending.suspend(&operator(), &peer, WHY).await.unwrap();
    });
    let answer = aus.asked_by(&idn, &idn.query(aus.id(), by_name("Budi Contoh"))).await;
    assert!(matches!(answer, Err(AnswerError::Own(ExchangeError::Denied(_)))), "{answer:?}");
}

// ---- the signed acceptance ------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn acceptance_is_signed_with_the_log_key_and_gives_the_phrase_again() {
    let (_, aus, idn) = two().await;
    let bytes = shown(&aus, idn.id()).await.acceptance.unwrap();
    let envelope = pb::Envelope::decode(bytes.as_slice()).unwrap();
    let at = aus.store.acceptances.of(idn.id()).await.unwrap().remove(0).at;
    let at = At { now: aus.clock().now(), first_logged: at };
    // Whoever holds our descriptor can check it: here the other side.
    let verified = verify::<pb::Acceptance>(idn.book().trust(), &envelope, aus.id(), at).unwrap();
    let acceptance = verified.get();
    assert_eq!((acceptance.approved_by.as_str(), acceptance.channel.as_str()), ("operator-1", "telephone"));
    assert_eq!(acceptance.header.as_ref().unwrap().audience, "IDN");
    assert_eq!(acceptance.descriptor_version, 1);
    let hash = |bytes: &[u8]| selat_record::ContentId::from_slice(bytes).unwrap();
    let phrase = SafetyPhrase::between(&hash(&acceptance.own_descriptor_hash), &hash(&acceptance.descriptor_hash));
    assert_eq!(phrase.words().map(str::to_owned).to_vec(), idn.words_for(aus.id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn acceptance_that_was_changed_does_not_hold() {
    let (_, aus, idn) = two().await;
    let bytes = shown(&aus, idn.id()).await.acceptance.unwrap();
    let mut envelope = pb::Envelope::decode(bytes.as_slice()).unwrap();
    let mut acceptance = pb::Acceptance::decode(envelope.payload.as_slice()).unwrap();
    acceptance.channel = "in person".into();
    envelope.payload = acceptance.encode_to_vec();
    let now = aus.clock().now();
    let refused = verify::<pb::Acceptance>(aus.book().trust(), &envelope, aus.id(), At { now, first_logged: now });
    assert_eq!(refused.unwrap_err(), SealError::BadSignature);
}

// ---- broken at each commit ------------------------------------------------------------------------------------------

/// Approves, suspends, resumes and removes; what was done already stays done.
async fn story(aus: &Node, peer: &ParticipantId) -> Result<(), ExchangeError> {
    aus.approve(&operator(), peer, &aus.words_for(peer), "telephone").await?;
    aus.suspend(&operator(), peer, WHY).await?;
    aus.resume(&operator(), peer, WHY).await?;
    aus.remove(&operator(), peer, WHY).await
}

async fn check_broken_at(commit: u64, fault: Fault) {
    let federation = Federation::new();
    let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
    let idn = federation.node("IDN").await;
    let open =
        async |engine| federation.open(Party::new("AUS"), engine, selat_exchange::Limits::default()).await.unwrap();
    let aus = open(memory.clone()).await;
    aus.join(&operator(), idn.descriptor().as_ref().clone()).await.unwrap();
    let aus = open(Arc::new(FaultEngine::new(memory.clone(), fault, commit))).await;
    let broken = story(&aus, idn.id()).await;
    assert!(matches!(broken, Err(ExchangeError::Store(_))), "commit {commit}, {fault:?}: {broken:?}");
    let aus = open(memory).await;
    let entry = aus.book().peer(idn.id()).cloned();
    let applied = fault == Fault::FailsAfterApplying;
    let state = entry.as_ref().ok().map(|entry| entry.row.state);
    let expected = [None, Some(PeerState::Approved), Some(PeerState::Suspended), Some(PeerState::Approved), None];
    let before =
        [Some(PeerState::Pending), Some(PeerState::Approved), Some(PeerState::Suspended), Some(PeerState::Approved)];
    let place = usize::try_from(commit).unwrap();
    assert_eq!(state, if applied { expected[place] } else { before[place - 1] }, "commit {commit}, {fault:?}");
    let acceptances = aus.store.acceptances.of(idn.id()).await.unwrap().len();
    assert_eq!(acceptances, usize::from(commit > 1 || applied), "approval and acceptance are one");
    if state.is_some() {
        resumed_to_its_end(&aus, idn.id()).await;
    }
    assert!(aus.book().peer(idn.id()).is_err());
    aus.check_trees(&[]).await;
}

/// The story from wherever it stands.
async fn resumed_to_its_end(aus: &Node, peer: &ParticipantId) {
    if aus.book().peer(peer).unwrap().row.state == PeerState::Suspended {
        aus.resume(&operator(), peer, WHY).await.unwrap();
    }
    story(aus, peer).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn standing_that_fails_at_any_commit_is_the_one_before_or_the_one_after() {
    for commit in 1..=4 {
        for fault in [Fault::Fails, Fault::FailsAfterApplying] {
            check_broken_at(commit, fault).await;
        }
    }
}
