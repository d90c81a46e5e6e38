//! What is acknowledged is on the disk, and what is in memory is made again from it.

use std::path::Path;
use std::sync::Arc;

use selat_exchange::Limits;
use selat_record::pb::AnswerOutcome;
use selat_store::SledEngine;

use crate::kit::{Conditions as _, Federation, Node, Party, officer, operator, person, reason, search};

async fn on_disk(federation: &Federation, folder: &Path) -> Node {
    let engine = Arc::new(SledEngine::open(folder, 16 * 1024 * 1024).unwrap());
    federation.open(Party::new("AUS"), engine, Limits::default()).await.unwrap()
}

/// Everything that is said of a node from outside, but for the bytes on its disk.
async fn told(aus: &Node, asker: &Node) -> (u64, u64, u64, u64, Vec<(String, bool, u64, u64)>, usize) {
    let status = aus.status(&operator()).await.unwrap();
    let peer = |peer: &selat_exchange::PeerStatus| {
        (peer.entry.row.participant.to_string(), peer.entry.is_approved(), peer.held, peer.quarantined)
    };
    let peers = status.peers.iter().map(peer).collect();
    let found =
        aus.outcomes(selat_exchange::Search { include_own: true, peers: vec![asker.id().clone()], ..search("Contoh") });
    let found = found.await.1.hits;
    (
        status.own_records,
        status.peer_records,
        status.index_lag,
        u64::from(found),
        peers,
        aus.released(asker.id()).await.len(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn node_that_stopped_goes_on_from_its_disk() {
    let folder = tempfile::tempdir().unwrap();
    let federation = Federation::new();
    let (aus, idn) = (on_disk(&federation, folder.path()).await, federation.node("IDN").await);
    for (one, other) in [(&aus, &idn), (&idn, &aus)] {
        one.join(&operator(), other.descriptor().as_ref().clone()).await.unwrap();
        one.approve_by_phone(other.id()).await;
    }
    let held = aus.hold(person("Budi Contoh")).await;
    aus.change(held.record, 1, person("Budi C. Contoh").because("typing error").draft()).await.unwrap();
    idn.hold(person("Siti Contoh")).await;
    aus.follow(&idn).await.unwrap();
    idn.follow(&aus).await.unwrap();
    let before = told(&aus, &idn).await;
    let audited = aus.audited().await;
    aus.stop().await.unwrap();
    federation.wire.unplug(aus.id());
    drop(aus);

    let aus = on_disk(&federation, folder.path()).await;
    assert_eq!(aus.audited().await[..audited.len()], audited[..]);
    assert_eq!(told(&aus, &idn).await, before);
    aus.check_trees(&[idn.id()]).await;
    assert_eq!(aus.history(&officer(), &reason(), held.record).await.unwrap().len(), 2);
    assert_eq!(aus.answer_to_name(&idn, "Budi Contoh").await.outcome(), AnswerOutcome::Hit);
    aus.hold(person("Wati Contoh")).await;
    assert_eq!(idn.follow(&aus).await.unwrap().quarantined, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_that_stopped_takes_nothing_more() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    aus.stop().await.unwrap();
    assert!(aus.put(&officer(), &reason(), person("Budi Contoh").draft(), 0).await.is_err());
}
