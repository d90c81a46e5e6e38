//! What peers accept of a participant before one of its keys is stolen, while nobody knows, and after it has said so: the
//! playbook of the runbook, key by key. What becomes of records is in `doubt` and `resign`.

use std::time::Duration;

use selat_exchange::{AnswerError, CallError, Ending, IntakeError};
use selat_record::Timestamp;
use selat_record::pb::{self, KeyPurpose};
use selat_seal::{At, SealError, verify};
use selat_store::repositories::PeerState;

use crate::kit::{
    Federation, Node, Party, by_name, forge, message, officer, operator, person, reason, renamed, search, signed,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// IDN is robbed at some moment and finds out an hour later; AUS and MYS are its peers.
async fn peers() -> (Federation, [Node; 3]) {
    Federation::of(["AUS", "IDN", "MYS"]).await
}

/// What `node` makes of an envelope that says it is of `from`, first logged at a moment.
fn judged<P: selat_record::Payload>(
    node: &Node,
    from: &Node,
    envelope: &pb::Envelope,
    first_logged: Timestamp,
) -> Result<(), SealError> {
    verify::<P>(node.book().trust(), envelope, from.id(), At { now: node.now(), first_logged }).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn record_key() {
    let (federation, [aus, idn, _]) = peers().await;
    let before = aus.now();
    let honest = idn.hold(person("Budi Contoh")).await;
    aus.follow(&idn).await.unwrap();
    let envelope = aus.get(&officer(), &reason(), honest.record, 0).await.unwrap().envelope;
    federation.clock.turn(HOUR);
    let since = idn.now();
    federation.clock.turn(HOUR);
    // While nobody knows, what the thief signs is believed.
    assert_eq!(judged::<pb::Record>(&aus, &idn, &envelope, aus.now()), Ok(()));
    idn.replace_key(KeyPurpose::Record, since).await;
    aus.learns_of(&idn).await;
    // Afterwards only what was logged here before, whatever date it bears.
    assert_eq!(judged::<pb::Record>(&aus, &idn, &envelope, before), Ok(()));
    for logged in [since, aus.now()] {
        let refused = judged::<pb::Record>(&aus, &idn, &envelope, logged).unwrap_err();
        assert_eq!(refused.code(), "KEY_COMPROMISED");
    }
    // The owner goes on with another key.
    idn.hold(person("Siti Contoh")).await;
    assert_eq!(aus.follow(&idn).await.unwrap().accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn query_key() {
    let (federation, [aus, idn, _]) = peers().await;
    aus.hold(person("Budi Contoh")).await;
    let stolen = |query: &pb::Query| signed(&idn.party, query);
    let ask = || idn.query(aus.id(), by_name("Budi Contoh"));
    // Before, and while nobody knows.
    aus.asked_with(&idn, &stolen(&ask())).await.unwrap();
    idn.replace_key(KeyPurpose::Query, idn.now()).await;
    aus.learns_of(&idn).await;
    // Afterwards the thief gets no answer, and his answers count for nothing.
    let refused = aus.asked_with(&idn, &stolen(&ask())).await;
    assert!(
        matches!(&refused, Err(AnswerError::Unverified(error)) if error.code() == "KEY_COMPROMISED"),
        "{refused:?}"
    );
    let thief = Party::new("IDN");
    federation.wire.behave(idn.id(), move |query| {
        let query_id = selat_seal::content_id(&query);
        let asked: pb::Query = prost::Message::decode(query.payload.as_slice()).unwrap();
        let mut header = asked.header.unwrap();
        (header.issuer, header.audience) = ("IDN".into(), "AUS".into());
        let answer =
            pb::Answer { header: Some(header), query: query_id.as_bytes().to_vec(), outcome: 2, ..Default::default() };
        let answer = signed(&thief, &answer);
        async move { Ok::<_, CallError>(answer) }
    });
    let only = selat_exchange::Search { peers: vec![idn.id().clone()], ..search("Budi") };
    let (outcomes, summary) = aus.outcomes(only).await;
    assert!(matches!(outcomes[0].ending, Ending::BadSignature(_)), "{outcomes:?}");
    assert_eq!(summary.answered, 0);
    // The owner asks and is answered.
    federation.clock.turn(Duration::from_secs(120));
    let own = idn.sign_as_node(&ask());
    let (answer, _) = aus.asked_with(&idn, &own).await.unwrap();
    assert_eq!(message(&answer).hits.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn question_under_a_key_that_was_replaced_a_moment_ago_is_no_fault() {
    let (federation, [aus, idn, _]) = peers().await;
    federation.clock.turn(HOUR);
    federation.wire.unplug(aus.id());
    idn.replace_key(KeyPurpose::Query, idn.now()).await;
    let called = aus.refresh_call_of(idn.id());
    for _ in 0..9 {
        let query = idn.sign_as_node(&idn.query(aus.id(), by_name("Budi Contoh")));
        let early = aus.asked_with(&idn, &query).await;
        assert!(matches!(&early, Err(AnswerError::Unverified(error)) if error.code() == "UNKNOWN_KEY"), "{early:?}");
    }
    called.notified().await;
    assert_eq!(aus.conduct().cut_off(idn.id(), aus.now()), None);
    aus.learns_of(&idn).await;
    aus.asked_with(&idn, &idn.sign_as_node(&idn.query(aus.id(), by_name("Budi Contoh")))).await.unwrap();
    // Who was asked a moment ago has no such excuse.
    let unknown = crate::kit::envelope_over(
        <pb::Query as selat_record::Payload>::TYPE,
        Vec::new(),
        &selat_seal::SecretKey::from_seed([7; 32]),
    );
    for _ in 0..9 {
        assert!(aus.asked_with(&idn, &unknown).await.is_err());
    }
    assert!(aus.conduct().cut_off(idn.id(), aus.now()).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn log_key() {
    let (federation, [aus, idn, _]) = peers().await;
    idn.hold(person("Budi Contoh")).await;
    let acceptance = idn.store.acceptances.of(aus.id()).await.unwrap().remove(0);
    let acceptance_envelope: pb::Envelope = prost::Message::decode(acceptance.envelope.as_slice()).unwrap();
    let honest = idn.segment(&aus).await;
    federation.clock.turn(HOUR);
    let since = idn.now();
    federation.clock.turn(HOUR);
    idn.replace_key(KeyPurpose::Log, since).await;
    aus.learns_of(&idn).await;
    // A checkpoint under the stolen key is refused as a whole, with all that it covers.
    let forged = forge::segment(&idn.party, aus.id(), honest.entries);
    let refused = aus.take(idn.id(), forged).await;
    assert!(matches!(refused, Err(IntakeError::Checkpoint(_))), "{refused:?}");
    assert_eq!(aus.held_of(idn.id()).await.unwrap(), 0);
    // The owner's log goes on under another key, from its first entry.
    assert_eq!(aus.follow(&idn).await.unwrap().accepted, 1);
    // Acceptances that were signed before still hold for whoever logged them before.
    assert_eq!(judged::<pb::Acceptance>(&aus, &idn, &acceptance_envelope, acceptance.at), Ok(()));
    let late = judged::<pb::Acceptance>(&aus, &idn, &acceptance_envelope, aus.now()).unwrap_err();
    assert_eq!(late.code(), "KEY_COMPROMISED");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_authority() {
    let (_, [aus, idn, _]) = peers().await;
    let trusted = |node: &Node| {
        let book = node.book();
        let descriptor = &book.peer(idn.id()).unwrap().descriptor;
        descriptor.authorities(node.now()).map(|authority| authority.key).collect::<Vec<_>>()
    };
    let stolen = idn.in_use(KeyPurpose::TlsCa).unwrap();
    assert_eq!(trusted(&aus), [stolen]);
    let mut changes = aus.book_changes();
    changes.mark_unchanged();
    idn.replace_key(KeyPurpose::TlsCa, idn.now()).await;
    aus.learns_of(&idn).await;
    assert_eq!(trusted(&aus), [idn.in_use(KeyPurpose::TlsCa).unwrap()], "the stolen authority opens no door");
    assert!(changes.has_changed().unwrap(), "whoever closes connections hears of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_root_of_three() {
    let (_, [aus, idn, mys]) = peers().await;
    let before = idn.descriptor();
    // The thief signs alone, before and after: one is never enough.
    let alone = idn.party.signed_by_roots(&before, idn.now(), renamed("Thief"), &[3]);
    aus.announced(idn.id(), &alone).await.unwrap();
    assert_eq!(aus.holds_of(&idn), 1);
    // The other two replace the stolen one.
    let stolen = idn.party.root(3).id();
    let now = idn.now();
    let replaced = idn.party.signed_by_roots(
        &before,
        now,
        |next| {
            let root = next.keys.iter_mut().find(|key| key.id == stolen.as_bytes()).unwrap();
            root.set_status(pb::KeyStatus::Compromised);
            root.compromised_since_ms = now.ms();
        },
        &[1, 2],
    );
    idn.publish_all(&[replaced]).await.unwrap();
    for peer in [&aus, &mys] {
        idn.refresh(peer.id()).await.unwrap();
        assert_eq!(peer.holds_of(&idn), 2);
    }
    let with_stolen = idn.party.signed_by_roots(&idn.descriptor(), idn.now(), renamed("Thief"), &[1, 3]);
    aus.announced(idn.id(), &with_stolen).await.unwrap();
    assert_eq!(aus.holds_of(&idn), 2, "a compromised root counts for nothing beside another");
    idn.publish_next(renamed("Ours")).await.unwrap();
    idn.refresh(aus.id()).await.unwrap();
    assert_eq!(aus.holds_of(&idn), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_roots_of_three() {
    let (_, [aus, idn, mys]) = peers().await;
    // The thief can publish whatever he likes, and is believed.
    let thiefs = idn.draft(renamed("Thief"));
    aus.announced(idn.id(), &thiefs).await.unwrap();
    assert_eq!(aus.holds_of(&idn), 2);
    // The owner calls; AUS stops the traffic, and what is said in its name leads nowhere.
    aus.suspend(&operator(), idn.id(), "two of its roots were stolen").await.unwrap();
    assert!(aus.segment_for(idn.id(), 0).await.is_err());
    assert!(aus.asked_by(&idn, &idn.query(aus.id(), by_name("Budi"))).await.is_err());
    // MYS, whom nobody reached, hears the owner first and then is shown the thief's: it freezes and keeps both.
    idn.publish_next(renamed("Ours")).await.unwrap();
    idn.refresh(mys.id()).await.unwrap();
    let _ = mys.announced(idn.id(), &thiefs).await;
    assert_eq!(mys.book().peer(idn.id()).unwrap().row.state, PeerState::Frozen);
    // A new ceremony with new keys is the way back.
    for peer in [&aus, &mys] {
        peer.remove(&operator(), idn.id(), "its roots are lost").await.unwrap();
        peer.join(&operator(), Party::new("IDN").descriptor(2)).await.unwrap();
        peer.approve_by_phone(idn.id()).await;
        assert!(peer.book().approved_peer(idn.id()).is_ok());
    }
}
