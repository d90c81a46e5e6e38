//! The store on the workbench: an engine that answers within the poll that asks, so that the order of events is the
//! order of the code, and that lets a test do something at a chosen commit.

use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use selat_store::{Batch, Committed, Engine, Scan, StoreError};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::HandClock;

/// When a hook runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The batch has been made, nothing is written.
    Before,
    /// The batch is durable, its maker does not know yet.
    After,
}

struct Hook {
    at: u64,
    when: When,
    run: BoxFuture<'static, ()>,
}

/// An engine in the hands of a test.
pub struct Bench {
    inner: Arc<dyn Engine>,
    clock: Arc<HandClock>,
    commits: AtomicU64,
    read_ms: AtomicU64,
    stalls: AtomicBool,
    refuses_reads: AtomicBool,
    refuses: AtomicBool,
    hook: Mutex<Option<Hook>>,
}

impl Bench {
    pub fn over(inner: Arc<dyn Engine>, clock: Arc<HandClock>) -> Self {
        Self {
            inner,
            clock,
            commits: AtomicU64::default(),
            read_ms: AtomicU64::default(),
            stalls: AtomicBool::default(),
            refuses_reads: AtomicBool::default(),
            refuses: AtomicBool::default(),
            hook: Mutex::default(),
        }
    }

    /// Runs `what` at the commit that is `nth` from now, counted from 1. What it commits itself counts too.
    pub fn at_commit(&self, nth: u64, when: When, what: impl Future<Output = ()> + Send + 'static) {
        let at = self.commits.load(Ordering::SeqCst) + nth;
        *self.hook.lock().unwrap() = Some(Hook { at, when, run: Box::pin(what) });
    }

    /// Commits asked for so far.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    /// From now on each read or scan takes this long.
    pub fn slow_reads(&self, span: Duration) {
        self.read_ms.store(u64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// From now on no read or scan ends.
    pub fn stall_reads(&self) {
        self.stalls.store(true, Ordering::SeqCst);
    }

    /// From now on nothing can be read.
    pub fn refuse_reads(&self) {
        self.refuses_reads.store(true, Ordering::SeqCst);
    }

    /// From now on nothing can be written.
    pub fn refuse_commits(&self) {
        self.refuses.store(true, Ordering::SeqCst);
    }

    /// Nothing can be written until what this returns is dropped.
    pub fn refuse_commits_for_a_while(&self) -> impl Drop + use<'_> {
        struct Again<'a>(&'a AtomicBool);

        impl Drop for Again<'_> {
            fn drop(&mut self) {
                self.0.store(false, Ordering::SeqCst);
            }
        }

        self.refuses.store(true, Ordering::SeqCst);
        Again(&self.refuses)
    }

    fn hook_of(&self, commit: u64, when: When) -> Option<BoxFuture<'static, ()>> {
        let mut hook = self.hook.lock().unwrap();
        hook.take_if(|hook| hook.at == commit && hook.when == when).map(|hook| hook.run)
    }

    async fn read_takes_its_time(&self) -> Result<(), StoreError> {
        if self.stalls.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
        self.clock.turn(Duration::from_millis(self.read_ms.load(Ordering::SeqCst)));
        if self.refuses_reads.load(Ordering::SeqCst) {
            return Err(StoreError::Io(Arc::new(io::Error::other("the test says so"))));
        }
        Ok(())
    }
}

#[async_trait]
impl Engine for Bench {
    async fn read(&self, keys: Vec<Vec<u8>>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read_takes_its_time().await?;
        at_once(self.inner.read(keys))
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        self.read_takes_its_time().await?;
        at_once(self.inner.scan(scan))
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let commit = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        if self.refuses.load(Ordering::SeqCst) {
            return Err(StoreError::ReadOnly);
        }
        if let Some(hook) = self.hook_of(commit, When::Before) {
            hook.await;
        }
        let committed = at_once(self.inner.commit(batch));
        if let Some(hook) = self.hook_of(commit, When::After) {
            hook.await;
        }
        committed
    }

    async fn stop(&self) -> Result<(), StoreError> {
        self.inner.stop().await
    }

    async fn bytes(&self) -> u64 {
        self.inner.bytes().await
    }
}

fn at_once<T>(work: impl Future<Output = T>) -> T {
    block_in_place(|| Handle::current().block_on(work))
}
