//! The file by which participants meet, and meet again: the newest version of a stranger, the next versions of a peer.

use std::time::Duration;

use selat_exchange::{ExchangeError, PeerEntry};
use selat_record::pb;
use selat_seal::descriptor::{read_chain, write_chain};
use selat_store::repositories::PeerState;

use crate::kit::{Federation, Node, officer, operator, renamed};

async fn hand_in(node: &Node, file: &str) -> Result<PeerEntry, ExchangeError> {
    let invitation = node.read_invitation(file)?;
    node.accept_invitation(&operator(), invitation).await
}

/// A node that has published three versions.
async fn third_version(federation: &Federation, code: &str) -> Node {
    let node = federation.node(code).await;
    node.publish_next(renamed("Second")).await.unwrap();
    node.publish_next(renamed("Third")).await.unwrap();
    node
}

fn versions(file: &str, wanted: &[usize]) -> String {
    let chain = read_chain(file).unwrap();
    write_chain(&wanted.iter().map(|n| chain[n - 1].clone()).collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn file_of_a_stranger_holds_its_chain_and_its_newest_version_becomes_a_pending_peer() {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, third_version(&federation, "IDN").await);
    let file = idn.invite(&operator()).await.unwrap();
    assert_eq!(read_chain(&file).unwrap(), idn.own_chain(1));
    let entry = hand_in(&aus, &file).await.unwrap();
    assert_eq!((entry.row.state, entry.descriptor.version()), (PeerState::Pending, 3));
    hand_in(&idn, &aus.invite(&operator()).await.unwrap()).await.unwrap();
    assert_eq!(aus.words_for(idn.id()), idn.words_for(aus.id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_missed_versions_takes_them_from_the_file_and_stays_approved() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    for name in ["Second", "Third", "Fourth"] {
        idn.publish_next(renamed(name)).await.unwrap();
    }
    let file = idn.invite(&operator()).await.unwrap();
    // Only what follows on the version held is needed.
    let entry = hand_in(&aus, &versions(&file, &[2, 3])).await.unwrap();
    assert_eq!((entry.row.state, entry.descriptor.version()), (PeerState::Approved, 3));
    assert_eq!(hand_in(&aus, &file).await.unwrap().descriptor.version(), 4);
    let notes: Vec<String> = aus.audited().await.into_iter().map(|entry| entry.note).collect();
    let wanted = ["handed in a file up to descriptor 4", "accepted descriptor 4"];
    assert_eq!(notes[notes.len() - 2..], wanted);
    assert_eq!(hand_in(&aus, &file).await.unwrap().descriptor.version(), 4, "the same again changes nothing");
    let aus = federation.restart(&aus).await;
    assert_eq!(aus.book().approved_peer(idn.id()).unwrap().descriptor.version(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_skips_or_goes_back_is_refused_with_its_rule_and_changes_nothing() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    for name in ["Second", "Third"] {
        idn.publish_next(renamed(name)).await.unwrap();
    }
    let file = idn.invite(&operator()).await.unwrap();
    let skipped = hand_in(&aus, &versions(&file, &[3])).await.unwrap_err();
    assert!(skipped.to_string().contains("descriptor 3 of IDN"), "{skipped}");
    assert_eq!(aus.book().peer(idn.id()).unwrap().descriptor.version(), 1);
    hand_in(&aus, &file).await.unwrap();
    let old = hand_in(&aus, &versions(&file, &[1, 2])).await.unwrap_err();
    assert!(old.to_string().contains("ends with descriptor 2, and descriptor 3 is held"), "{old}");
    assert_eq!(aus.book().peer(idn.id()).unwrap().descriptor.version(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_with_another_version_under_a_number_that_is_held_freezes_its_participant() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let first = idn.descriptor();
    let rival = idn.party.next(&first, idn.now(), renamed("Rival"));
    idn.publish_next(renamed("Second")).await.unwrap();
    hand_in(&aus, &idn.invite(&operator()).await.unwrap()).await.unwrap();
    let refused = hand_in(&aus, &write_chain(&[first.envelope().clone(), rival])).await;
    assert!(matches!(refused, Err(ExchangeError::Seal(_))), "{refused:?}");
    assert_eq!(aus.book().peer(idn.id()).unwrap().row.state, PeerState::Frozen);
    assert_eq!(aus.equivocations(&operator()).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_version_of_a_stranger_must_not_have_expired() {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, federation.node("IDN").await);
    let end = idn.now().plus(Duration::from_secs(60)).ms();
    let expires = |ms: i64| move |next: &mut pb::Descriptor| next.header.as_mut().unwrap().expires_ms = ms;
    idn.publish_next(expires(end)).await.unwrap();
    let short_lived = idn.invite(&operator()).await.unwrap();
    idn.publish_next(expires(0)).await.unwrap();
    federation.clock.turn(Duration::from_secs(61));
    let refused = hand_in(&aus, &short_lived).await.unwrap_err();
    assert!(refused.to_string().starts_with("descriptor 2 of IDN"), "{refused}");
    assert_eq!(hand_in(&aus, &idn.invite(&operator()).await.unwrap()).await.unwrap().descriptor.version(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_peer_takes_no_file_and_an_officer_hands_in_none() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    idn.publish_next(renamed("Second")).await.unwrap();
    let file = idn.invite(&operator()).await.unwrap();
    let invitation = aus.read_invitation(&file).unwrap();
    let denied = aus.accept_invitation(&officer(), invitation).await;
    assert!(matches!(denied, Err(ExchangeError::Denied(_))), "{denied:?}");
    aus.suspend(&operator(), idn.id(), "a break-in").await.unwrap();
    let refused = hand_in(&aus, &file).await;
    assert!(matches!(refused, Err(ExchangeError::PeerState { .. })), "{refused:?}");
    assert_eq!(aus.book().peer(idn.id()).unwrap().descriptor.version(), 1);
}
