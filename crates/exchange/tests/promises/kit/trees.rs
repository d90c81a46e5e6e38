//! Reads whole logs back and recomputes their trees from the leaves alone.

use std::collections::BTreeMap;

use selat_ledger::{Growth, LogId};
use selat_record::ParticipantId;

use super::Node;

impl Node {
    /// Every log of this node has the root that its leaves give.
    pub async fn check_trees(&self, peers: &[&ParticipantId]) {
        self.check_tree(LogId::audit(self.id())).await;
        for peer in peers {
            self.check_tree(LogId::release(self.id(), peer)).await;
            self.check_tree(LogId::release(peer, self.id())).await;
        }
    }

    async fn check_tree(&self, log: LogId) {
        let rows = self.store.logs.entries(&log, 0, 1000).await.unwrap();
        let mut recomputed = Growth::new(0, BTreeMap::new()).unwrap();
        for row in &rows {
            recomputed.append(&row.leaf).unwrap();
        }
        assert_eq!(self.store.logs.size(&log).await.unwrap(), recomputed.size(), "{}", log.as_str());
        if !rows.is_empty() {
            let stored = self.store.logs.root(&log, recomputed.size()).await.unwrap();
            assert_eq!(stored, recomputed.root().unwrap(), "{}", log.as_str());
        }
    }
}
