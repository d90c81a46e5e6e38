//! Two things at once: whoever loses is told so or tries again; nothing is decided by what is no longer true.

use std::sync::Arc;

use futures::future::join3;
use selat_exchange::ExchangeError;
use selat_store::repositories::PeerState;
use tokio::sync::Notify;

use crate::kit::{Conditions as _, Federation, Node, Party, When, id, operator, person};

/// AUS and IDN are peers; MYS waits at AUS for its approval.
async fn waiting() -> (Federation, Node, Node) {
    let (federation, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    let mys = federation.node("MYS").await;
    aus.join(&operator(), mys.descriptor().as_ref().clone()).await.unwrap();
    (federation, aus, mys)
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_approved_between_decision_and_commit_gets_the_record_too() {
    let (_, aus, mys) = waiting().await;
    let approving = aus.clone();
    aus.bench.at_commit(1, When::Before, async move { approving.approve_by_phone(&id("MYS")).await });
    let receipt = aus.hold(person("Budi Contoh")).await;
    let released: Vec<_> =
        receipt.releases.iter().filter(|one| one.result.is_ok()).map(|one| one.peer.as_str()).collect();
    assert_eq!(released, ["IDN", "MYS"]);
    assert_eq!((aus.released(&id("IDN")).await.len(), aus.released(mys.id()).await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn record_put_while_an_approval_is_durable_but_not_yet_known_is_put() {
    let (_, aus, mys) = waiting().await;
    let (told, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (hook_told, hook_go_on) = (told.clone(), go_on.clone());
    aus.bench.at_commit(1, When::After, async move {
        hook_told.notify_one();
        hook_go_on.notified().await;
    });
    let put = async {
        told.notified().await;
        aus.hold(person("Budi Contoh")).await
    };
    // The approval is let go on only once the put has run into it.
    let commits = aus.bench.commits() + 2;
    let release = async {
        while aus.bench.commits() < commits {
            tokio::task::yield_now().await;
        }
        go_on.notify_one();
    };
    let ((), receipt, ()) = join3(aus.approve_by_phone(mys.id()), put, release).await;
    assert!(receipt.releases.iter().all(|release| release.result.is_ok()) && receipt.releases.len() == 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn second_of_two_amenders_is_told_the_current_version() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let receipt = aus.hold(person("Budi Contoh")).await;
    let faster = aus.clone();
    aus.bench.at_commit(1, When::Before, async move {
        faster.change(receipt.record, 1, person("Budi the first").because("typing error").draft()).await.unwrap();
    });
    let slower = aus.change(receipt.record, 1, person("Budi the second").because("typing error").draft()).await;
    assert!(matches!(slower, Err(ExchangeError::VersionConflict { expected: 1, current: 2, .. })), "{slower:?}");
    assert_eq!(aus.versions(aus.id(), receipt.record).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_descriptor_that_comes_during_the_approval_does_not_replace_the_approved_one() {
    let (federation, aus, mys) = waiting().await;
    let nru = federation.node("NRU").await;
    // Another change of the peers is under way; the approval and the second descriptor queue up behind it.
    let (told, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (hook_told, hook_go_on) = (told.clone(), go_on.clone());
    aus.bench.at_commit(1, When::Before, async move {
        hook_told.notify_one();
        hook_go_on.notified().await;
    });
    let operator = operator();
    let other = aus.join(&operator, nru.descriptor().as_ref().clone());
    let approve = async {
        told.notified().await;
        aus.approve_by_phone(mys.id()).await;
    };
    let replace = async {
        tokio::task::yield_now().await;
        let second = aus.join(&operator, Party::new("MYS").descriptor(2));
        let let_go = async { go_on.notify_one() };
        futures::future::join(second, let_go).await.0
    };
    let (other, (), replaced) = join3(other, approve, replace).await;
    other.unwrap();
    assert!(matches!(replaced, Err(ExchangeError::PeerState { .. })), "{replaced:?}");
    let book = aus.book();
    let known = book.peer(mys.id()).unwrap();
    assert_eq!((known.row.state, known.descriptor.content_id()), (PeerState::Approved, mys.descriptor().content_id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_at_one_moment_are_both_made() {
    let (federation, aus, mys) = waiting().await;
    let nru = federation.node("NRU").await;
    aus.join(&operator(), nru.descriptor().as_ref().clone()).await.unwrap();
    futures::future::join(aus.approve_by_phone(mys.id()), aus.approve_by_phone(nru.id())).await;
    let stored = federation.restart(&aus).await;
    let approved: Vec<_> = stored.book().approved().map(|peer| peer.row.participant.to_string()).collect();
    assert_eq!(approved, ["IDN", "MYS", "NRU"]);
}
