//! A store that outlives its node: the node can end its tasks, and another one goes on with what is there.

use std::sync::Arc;

use async_trait::async_trait;
use selat_store::{Batch, Committed, Engine, Scan, StoreError};

/// An engine that goes on when a node stops.
pub struct Lasting(pub Arc<dyn Engine>);

#[async_trait]
impl Engine for Lasting {
    async fn read(&self, keys: Vec<Vec<u8>>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.0.read(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        self.0.scan(scan).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.0.commit(batch).await
    }

    async fn stop(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn bytes(&self) -> u64 {
        self.0.bytes().await
    }
}
