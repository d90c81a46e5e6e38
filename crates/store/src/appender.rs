//! The engine over any key space: one thread does all the writing, in groups that share a flush.
//!
//! Batches wait in a bounded queue; when it is full, `commit` waits. The thread takes what is waiting, up to a bound, admits
//! or refuses each batch, makes the group durable, and only then answers. If applying or flushing fails, nobody knows what
//! is on the disk: all of the group are told so, and nothing is written until a restart has read the store again. A layer
//! below that panics has failed likewise; the thread itself lives on, so that everybody is answered and `stop` can tell.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio::task;

use crate::batch::Batch;
use crate::engine::{Committed, Engine, Scan};
use crate::error::{Cause, StoreError, panic_cause};
use crate::group::{Edges, Group};
use crate::keyspace::KeySpace;
use crate::view::View;

/// Most batches that wait for the appender; further ones wait outside.
const QUEUE_MAX: usize = 1024;

/// Most batches that share a flush.
const GROUP_MAX: usize = 256;

/// A group takes no further batch once it writes this much, so that its memory and its flush stay bounded.
const GROUP_BYTES: usize = 16 * 1024 * 1024;

/// An engine that puts all writes to `K` through one thread. [`MemoryEngine`](crate::MemoryEngine) and
/// [`SledEngine`](crate::SledEngine) are of this kind.
pub struct Appender<K> {
    view: Arc<View<K>>,
    queue: mpsc::Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is asked to do.
enum Job {
    Commit { batch: Batch, reply: oneshot::Sender<Result<Committed, StoreError>> },
    Stop { reply: oneshot::Sender<Result<(), StoreError>> },
}

#[expect(private_bounds, reason = "engines are made in this crate only")]
impl<K: KeySpace> Appender<K> {
    /// Starts the thread.
    pub(crate) fn start(keys: K) -> io::Result<Self> {
        let view = Arc::new(View::new(keys));
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let writer = Writer { view: view.clone(), jobs, edges: Edges::default(), failed: false };
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || writer.run())?;
        Ok(Self { view, queue, thread: Mutex::new(Some(thread)) })
    }

    /// Runs a read off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&View<K>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let view = self.view.clone();
        // The layer below can panic on a damaged file; a join error carries that here.
        task::spawn_blocking(move || read(&view)).await.unwrap_or_else(|panic| Err(StoreError::Io(Arc::new(panic))))
    }

    /// Waits for the end of the thread.
    async fn join(&self) -> Result<(), StoreError> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return Ok(()) };
        let ended = task::spawn_blocking(move || thread.join().map_err(|panic| panic_cause(panic.as_ref()))).await;
        ended.unwrap_or_else(|error| Err(Arc::new(error) as Cause)).map_err(StoreError::Unknown)
    }
}

#[async_trait]
impl<K: KeySpace> Engine for Appender<K> {
    async fn read(&self, keys: Vec<Vec<u8>>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.blocking(move |view| view.read(&keys)).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        self.blocking(move |view| view.scan(&scan)).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Job::Commit { batch, reply }).await.map_err(|_| StoreError::Stopped)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unknown(cause("the writing thread ended unexpectedly"))))
    }

    async fn stop(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        // A queue that takes nothing was stopped before, or its thread has panicked, which joining shows.
        let flushed = match self.queue.send(Job::Stop { reply }).await {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(StoreError::Stopped)),
            Err(_) => Ok(()),
        };
        self.join().await.and(flushed)
    }

    async fn bytes(&self) -> u64 {
        self.blocking(|view| Ok(view.bytes())).await.unwrap_or(0)
    }
}

impl<K> Drop for Appender<K> {
    /// Waits for the group that is being written, so that the store can be opened again at once.
    fn drop(&mut self) {
        let (closed, _) = mpsc::channel(1);
        self.queue = closed;
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writing thread had panicked");
        }
    }
}

/// What the thread owns.
struct Writer<K> {
    view: Arc<View<K>>,
    jobs: mpsc::Receiver<Job>,
    edges: Edges,
    failed: bool,
}

/// Batches that wait for the flush, and what came of them. Refused ones wait too: whoever meets a conflict reads again, and
/// must then see the write that came first.
type Waiting = Vec<(oneshot::Sender<Result<Committed, StoreError>>, Result<Committed, StoreError>)>;

impl<K: KeySpace> Writer<K> {
    fn run(mut self) {
        while let Some(job) = self.jobs.blocking_recv() {
            if let Some(stop) = self.write_group(job) {
                // Whoever sends from now on is told that the store has stopped; what is queued already gets the same
                // answer below.
                self.jobs.close();
                self.refuse_rest();
                stop.send(self.end()).ok();
            }
        }
    }

    /// Flushes for the last time. A store that failed says so once more: whoever stops it must not take it for sound.
    fn end(&self) -> Result<(), StoreError> {
        if self.failed { Err(StoreError::ReadOnly) } else { caught(|| self.view.flush())? }
    }

    /// Writes one group that begins with `first`. Gives back who asked to stop, if somebody did.
    fn write_group(&mut self, first: Job) -> Option<oneshot::Sender<Result<(), StoreError>>> {
        let mut group = Group::new(&self.view, &mut self.edges);
        let mut waiting = Waiting::new();
        let mut stop = None;
        let mut next = Some(first);
        let mut bytes = 0;
        while let Some(job) = next {
            match job {
                Job::Commit { reply, .. } if self.failed => answer(reply, Err(StoreError::ReadOnly)),
                Job::Commit { batch, reply } => {
                    bytes += batch.bytes();
                    let admitted = caught(|| group.admit(batch)).unwrap_or_else(|panic| {
                        self.failed = true;
                        broken(&panic)
                    });
                    waiting.push((reply, admitted));
                }
                Job::Stop { reply } => {
                    stop = Some(reply);
                    break;
                }
            }
            let full = waiting.len() >= GROUP_MAX || bytes >= GROUP_BYTES;
            next = if full { None } else { self.jobs.try_recv().ok() };
        }
        if self.failed {
            // Nothing of the group has been applied.
            waiting.into_iter().for_each(|(reply, _)| answer(reply, Err(StoreError::ReadOnly)));
            return stop;
        }
        // Nothing reads what a panic left half done: it is a failed write like any other, unknown, and the last one.
        let outcome = caught(|| group.commit()).and_then(|outcome| outcome);
        self.failed = outcome.is_err();
        reply_to_all(waiting, outcome);
        stop
    }

    fn refuse_rest(&mut self) {
        while let Ok(job) = self.jobs.try_recv() {
            match job {
                Job::Commit { reply, .. } => answer(reply, Err(StoreError::Stopped)),
                Job::Stop { reply } => {
                    reply.send(Ok(())).ok();
                }
            }
        }
    }
}

/// What `work` gives, or the panic of the layer below.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| StoreError::Io(panic_cause(panic.as_ref())))
}

/// A panic on a read leaves the group in an unknown shape: it is given up, and what follows is refused.
fn broken(panic: &StoreError) -> Result<Committed, StoreError> {
    tracing::error!(error = panic as &dyn std::error::Error, "reading failed; the store is read-only from now on");
    Err(StoreError::ReadOnly)
}

fn reply_to_all(waiting: Waiting, outcome: Result<(), StoreError>) {
    if let Err(error) = &outcome {
        tracing::error!(error = error as &dyn std::error::Error, "writing failed; the store is read-only from now on");
    }
    for (reply, admitted) in waiting {
        let result = match &outcome {
            Ok(()) => admitted,
            Err(error) => admitted.and(Err(StoreError::Unknown(Arc::new(error.clone())))),
        };
        answer(reply, result);
    }
}

/// Tells one caller. It may have gone away meanwhile, which takes nothing back.
fn answer(reply: oneshot::Sender<Result<Committed, StoreError>>, result: Result<Committed, StoreError>) {
    reply.send(result).ok();
}

fn cause(what: &'static str) -> Cause {
    Arc::new(io::Error::other(what))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::keyspace::{Rows, Writes};
    use crate::memory::MemoryKeys;

    /// How the third group fails.
    #[derive(Clone, Copy)]
    enum Failure {
        Apply,
        Flush,
        Panic,
    }

    struct Failing {
        keys: MemoryKeys,
        groups: AtomicU32,
        failure: Failure,
    }

    /// A key that the layer below cannot read without panicking.
    const DAMAGED: &str = "damaged";

    impl KeySpace for Failing {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            assert!(key != DAMAGED.as_bytes(), "a database that panics on damage");
            self.keys.get(key)
        }
        fn scan(&self, scan: &Scan) -> Result<Rows, StoreError> {
            self.keys.scan(scan)
        }
        fn apply(&self, writes: &Writes) -> Result<(), StoreError> {
            let third = self.groups.fetch_add(1, Ordering::SeqCst) == 2;
            match self.failure {
                Failure::Apply if third => Err(StoreError::Io(cause("disk"))),
                Failure::Panic if third => panic!("a database that panics"),
                _ => self.keys.apply(writes),
            }
        }
        fn flush(&self) -> Result<(), StoreError> {
            match self.failure {
                Failure::Flush if self.groups.load(Ordering::SeqCst) == 3 => Err(StoreError::Io(cause("disk"))),
                _ => Ok(()),
            }
        }
        fn bytes(&self) -> u64 {
            0
        }
    }

    fn put(key: &str) -> Batch {
        let mut batch = Batch::new();
        batch.put(key.into(), b"value".to_vec());
        batch
    }

    fn failing(failure: Failure) -> Failing {
        Failing { keys: MemoryKeys::default(), groups: AtomicU32::new(0), failure }
    }

    async fn check(failure: Failure) {
        let engine = Appender::start(failing(failure)).unwrap();
        engine.commit(put("1")).await.unwrap();
        engine.commit(put("2")).await.unwrap();
        let failed = engine.commit(put("3")).await.unwrap_err();
        assert!(matches!(failed, StoreError::Unknown(_)), "{failed}");
        for key in ["4", "5"] {
            let refused = engine.commit(put(key)).await.unwrap_err();
            assert!(matches!(refused, StoreError::ReadOnly), "{refused}");
        }
        let keys = ["1", "2", "3", "4"].map(|key| key.as_bytes().to_vec()).to_vec();
        let value = Some(b"value".to_vec());
        assert_eq!(engine.read(keys).await.unwrap(), [value.clone(), value, None, None]);
        assert!(matches!(engine.stop().await, Err(StoreError::ReadOnly)), "whoever stops it is told");
    }

    #[tokio::test]
    async fn after_a_failed_apply_nothing_more_is_written() {
        check(Failure::Apply).await;
    }

    #[tokio::test]
    async fn after_a_failed_flush_nothing_more_is_written() {
        check(Failure::Flush).await;
    }

    #[tokio::test]
    async fn after_a_panic_below_nothing_more_is_written() {
        check(Failure::Panic).await;
    }

    #[tokio::test]
    async fn after_a_panic_on_damage_nobody_waits_and_stopping_tells() {
        let engine = Appender::start(failing(Failure::Apply)).unwrap();
        engine.commit(put("1")).await.unwrap();
        for key in [DAMAGED, "2"] {
            let refused = engine.commit(put(key)).await.unwrap_err();
            assert!(matches!(refused, StoreError::ReadOnly), "{key}: {refused}");
        }
        assert_eq!(engine.read(vec![b"1".to_vec()]).await.unwrap(), [Some(b"value".to_vec())]);
        assert!(matches!(engine.stop().await, Err(StoreError::ReadOnly)));
    }

    #[test]
    fn group_with_a_panic_in_it_is_given_up_as_a_whole() {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let answers = ["1", DAMAGED, "3"].map(|key| {
            let (reply, answer) = oneshot::channel();
            queue.try_send(Job::Commit { batch: put(key), reply }).ok().unwrap();
            answer
        });
        drop(queue);
        let view = Arc::new(View::new(failing(Failure::Apply)));
        Writer { view: view.clone(), jobs, edges: Edges::default(), failed: false }.run();
        for answer in answers {
            assert!(matches!(answer.blocking_recv().unwrap(), Err(StoreError::ReadOnly)));
        }
        assert_eq!(view.read(&[b"1".to_vec(), b"3".to_vec()]).unwrap(), [None, None]);
    }
}
