//! A peer that is approved late gets every record that it may have, once, however often and whenever it is run.

use selat_exchange::ExchangeError;
use selat_record::pb::{AuditAction, LogEntryKind};
use selat_store::{Batch, Scan, StoreError};

use crate::kit::{Conditions as _, Federation, Node, When, id, officer, operator, person, reason};

/// AUS holds `records` before IDN is approved; the backlog has not run.
async fn late_peer(records: usize) -> (Federation, Node, Node) {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, federation.node("IDN").await);
    for n in 0..records {
        aus.hold(person(&format!("Person {n}"))).await;
    }
    for (one, other) in [(&aus, &idn), (&idn, &aus)] {
        one.join(&operator(), other.descriptor().as_ref().clone()).await.unwrap();
        one.approve_by_phone(other.id()).await;
    }
    (federation, aus, idn)
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_releases_what_is_permitted_once() {
    let (_, aus, idn) = late_peer(3).await;
    aus.hold(person("After approval")).await;
    let hidden = aus.hold(person("For nobody").to_nobody()).await;
    assert_eq!(aus.release_backlog(idn.id()).await.unwrap(), 3);
    assert_eq!(aus.release_backlog(idn.id()).await.unwrap(), 0);
    let released = aus.released(idn.id()).await;
    assert_eq!(released.len(), 4);
    assert!(released.iter().all(|entry| entry.kind() == LogEntryKind::Release));
    assert!(released.iter().all(|entry| entry.record_id != hidden.record.as_bytes()));
    assert_eq!(idn.follow(&aus).await.unwrap().accepted, 4);
    let disclosed = aus.audited().await.iter().filter(|entry| entry.action() == AuditAction::Disclosure).count();
    assert_eq!(disclosed, 3, "each late release is an act of the node");
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_of_more_than_one_page_is_whole() {
    let (_, aus, idn) = late_peer(130).await;
    assert_eq!(aus.release_backlog(idn.id()).await.unwrap(), 130);
    assert_eq!(idn.follow(&aus).await.unwrap().accepted, 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_gives_the_current_version_only() {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, federation.node("IDN").await);
    let first = aus.hold(person("Budi Contoh")).await;
    aus.change(first.record, 1, person("Budi C.").because("typing error").draft()).await.unwrap();
    aus.join(&operator(), idn.descriptor().as_ref().clone()).await.unwrap();
    aus.approve_by_phone(idn.id()).await;
    assert_eq!(aus.release_backlog(idn.id()).await.unwrap(), 1);
    assert_eq!(aus.released(idn.id()).await[0].record_version, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_is_for_approved_peers_only() {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, federation.node("IDN").await);
    aus.hold(person("Budi Contoh")).await;
    assert!(matches!(aus.release_backlog(idn.id()).await, Err(ExchangeError::UnknownPeer(_))));
    aus.join(&operator(), idn.descriptor().as_ref().clone()).await.unwrap();
    assert!(matches!(aus.release_backlog(idn.id()).await, Err(ExchangeError::PeerState { .. })));
    assert_eq!(aus.released(idn.id()).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn approval_of_another_peer_meanwhile_leaves_no_record_behind() {
    let (federation, aus, idn) = late_peer(3).await;
    let mys = federation.node("MYS").await;
    aus.join(&operator(), mys.descriptor().as_ref().clone()).await.unwrap();
    let approving = aus.clone();
    aus.bench.at_commit(2, When::Before, async move { approving.approve_by_phone(&id("MYS")).await });
    assert_eq!(aus.release_backlog(idn.id()).await.unwrap(), 3);
    assert_eq!(aus.released(idn.id()).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn amendment_meanwhile_is_given_once_and_stays_the_current_version() {
    let (_, aus, idn) = late_peer(1).await;
    let (record, amending) = (held(&aus).await, aus.clone());
    aus.bench.at_commit(1, When::Before, async move {
        amending.change(record, 1, person("Budi").because("typing error").draft()).await.unwrap();
    });
    aus.release_backlog(idn.id()).await.unwrap();
    aus.release_backlog(idn.id()).await.unwrap();
    let released = aus.released(idn.id()).await;
    assert_eq!(released.iter().filter(|entry| entry.record_version == 2).count(), 1);
    idn.follow(&aus).await.unwrap();
    let there = idn.get(&officer(), &reason(), record, 0).await.unwrap();
    assert_eq!(there.content, aus.get(&officer(), &reason(), record, 2).await.unwrap().content);
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_cannot_be_read_does_not_hold_up_the_others() {
    let (_, aus, idn) = late_peer(3).await;
    let mut batch = Batch::new();
    let contents = Scan { prefix: b"c/".to_vec(), after: None, limit: 3 };
    let contents = aus.store.engine().scan(contents).await.unwrap();
    batch.put(contents[0].0.clone(), contents[1].1.clone());
    aus.store.commit(batch).await.unwrap();
    let told = aus.release_backlog(idn.id()).await;
    assert!(matches!(told, Err(ExchangeError::Store(StoreError::Sealed(_)))), "{told:?}");
    assert_eq!(aus.released(idn.id()).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn store_that_takes_nothing_ends_the_backlog_at_once() {
    let (_, aus, idn) = late_peer(130).await;
    aus.bench.refuse_commits();
    let commits = aus.bench.commits();
    let told = aus.release_backlog(idn.id()).await;
    assert!(matches!(told, Err(ExchangeError::Store(StoreError::ReadOnly))), "{told:?}");
    assert_eq!(aus.bench.commits() - commits, 128, "one step, not the next one");
}

async fn held(node: &Node) -> selat_record::RecordId {
    node.store.records.scan_heads(None, 1).await.unwrap()[0].record_id
}
