//! Whoever asked hangs up between the commit and what follows from it: the memory of the node shows the change all the
//! same. And a change of the peers of whose end the node never heard is read from the store.

use std::sync::Arc;
use std::time::Duration;

use selat_exchange::{ExchangeError, ImportRow, Limits};
use selat_store::{Engine, Fault, FaultEngine, MemoryEngine, StoreError};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::kit::{Conditions as _, Federation, Node, Party, When, officer, operator, person, reason, renamed};

/// No test waits as long; without a bound one that fails would never end.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Lets `change` come to its first commit and drops it when that is durable. What is left of it then goes on.
async fn abandon<T>(node: &Node, change: impl Future<Output = T>) {
    let (durable, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (hook_durable, hook_go_on) = (durable.clone(), go_on.clone());
    node.bench.at_commit(1, When::After, async move {
        hook_durable.notify_one();
        hook_go_on.notified().await;
    });
    tokio::select! {
        biased;
        _ = change => panic!("it ended before it was abandoned"),
        () = durable.notified() => {}
    }
    go_on.notify_one();
}

/// Own records, and those that the index does not hold.
async fn counted(node: &Node) -> (u64, u64) {
    let status = node.status(&operator()).await.unwrap();
    (status.own_records, status.index_lag)
}

#[tokio::test(flavor = "multi_thread")]
async fn record_whose_put_was_abandoned_is_counted_indexed_and_sent() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let growth = aus.growth_of(idn.id());
    let woken = growth.notified();
    abandon(&aus, aus.put(&officer(), &reason(), person("Budi Contoh").draft(), 0)).await;
    timeout(WAIT_MAX, woken).await.unwrap();
    assert_eq!(counted(&aus).await, (1, 0));
    assert_eq!(idn.follow(&aus).await.unwrap().accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_whose_import_was_abandoned_is_counted_and_indexed() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let draft = person("Budi Contoh");
    let row = ImportRow { row: 1, source: "list".into(), source_key: "a".into(), draft, valid_days: 0 };
    abandon(&aus, aus.import(&officer(), &reason(), vec![row])).await;
    // The stop of a node waits for what it has begun.
    aus.stop().await.unwrap();
    assert_eq!(counted(&aus).await, (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn record_whose_amendment_was_abandoned_is_answered_as_it_is_now() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let record = aus.hold(person("Budi Contoh")).await.record;
    let growth = aus.growth_of(idn.id());
    let woken = growth.notified();
    abandon(&aus, aus.change(record, 1, person("Wati Madeup").because("mistaken").draft())).await;
    timeout(WAIT_MAX, woken).await.unwrap();
    assert_eq!(aus.answer_to_name(&idn, "Budi Contoh").await.hits, []);
    assert_eq!(aus.answer_to_name(&idn, "Wati Madeup").await.hits.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_whose_join_and_approval_were_abandoned_is_in_the_book() {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, federation.node("IDN").await);
    let (operator, changes) = (operator(), aus.book_changes());
    abandon(&aus, aus.join(&operator, idn.descriptor().as_ref().clone())).await;
    changed(changes).await;
    let (words, changes) = (aus.words_for(idn.id()), aus.book_changes());
    abandon(&aus, aus.approve(&operator, idn.id(), &words, "telephone")).await;
    changed(changes).await;
    assert!(aus.book().approved_peer(idn.id()).is_ok());
    assert!(aus.hold(person("Budi Contoh")).await.releases[0].result.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn publication_that_was_abandoned_is_in_force_and_compared_with_the_peers() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let called = aus.refresh_call_of(idn.id());
    abandon(&aus, aus.publish_next(renamed("Second"))).await;
    timeout(WAIT_MAX, called.notified()).await.unwrap();
    assert_eq!(aus.descriptor().version(), 2);
    assert!(aus.hold(person("Budi Contoh")).await.releases[0].result.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn version_of_a_peer_whose_announcement_was_abandoned_is_in_the_book() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let (second, changes) = (idn.draft(renamed("Second")), aus.book_changes());
    abandon(&aus, aus.announced(idn.id(), &second)).await;
    changed(changes).await;
    assert_eq!(aus.holds_of(&idn), 2);
    assert!(aus.hold(person("Budi Contoh")).await.releases[0].result.is_ok());
}

async fn changed(mut changes: tokio::sync::watch::Receiver<u64>) {
    timeout(WAIT_MAX, changes.changed()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn approval_of_whose_end_the_node_never_heard_is_read_from_the_store() {
    let federation = Federation::new();
    let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
    let aus = federation.open(Party::new("AUS"), memory.clone(), Limits::default()).await.unwrap();
    let idn = federation.node("IDN").await;
    aus.join(&operator(), idn.descriptor().as_ref().clone()).await.unwrap();
    let words = aus.words_for(idn.id());

    let faulty = Arc::new(FaultEngine::new(memory, Fault::FailsAfterApplying, 1));
    let aus = federation.open(Party::new("AUS"), faulty, Limits::default()).await.unwrap();
    let approved = aus.approve(&operator(), idn.id(), &words, "telephone").await;
    assert!(matches!(approved, Err(ExchangeError::Store(StoreError::Unknown(_)))), "{approved:?}");
    assert!(aus.book().approved_peer(idn.id()).is_err());
    let receipt = aus.hold(person("Budi Contoh")).await;
    assert!(receipt.releases.len() == 1 && receipt.releases[0].result.is_ok(), "{receipt:?}");
    assert!(aus.book().approved_peer(idn.id()).is_ok());
}
