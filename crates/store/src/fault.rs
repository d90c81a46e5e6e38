//! An engine that fails on purpose, to test what callers make of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::batch::Batch;
use crate::engine::{Committed, Engine, Scan};
use crate::error::StoreError;

/// How a commit fails. To its caller both look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was written.
    Fails,
    /// Everything was written, but the caller is not told.
    FailsAfterApplying,
}

/// Passes everything on to an engine, except that one commit fails.
pub struct FaultEngine {
    inner: Arc<dyn Engine>,
    fault: Fault,
    nth: u64,
    commits: AtomicU64,
}

impl FaultEngine {
    /// Lets the `nth` commit fail, counted from 1. The ones after it succeed again, as after a restart.
    pub fn new(inner: Arc<dyn Engine>, fault: Fault, nth: u64) -> Self {
        Self { inner, fault, nth, commits: AtomicU64::new(0) }
    }

    /// How many commits were asked for so far.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Engine for FaultEngine {
    async fn read(&self, keys: Vec<Vec<u8>>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.inner.read(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        self.inner.scan(scan).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let count = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        if count != self.nth {
            return self.inner.commit(batch).await;
        }
        if self.fault == Fault::FailsAfterApplying {
            self.inner.commit(batch).await?;
        }
        Err(StoreError::Unknown(Arc::new(io::Error::other("a fault was injected"))))
    }

    async fn stop(&self) -> Result<(), StoreError> {
        self.inner.stop().await
    }

    async fn bytes(&self) -> u64 {
        self.inner.bytes().await
    }
}
