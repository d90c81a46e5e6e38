//! The use-cases: ingest, release, follow, ask, answer, onboard, consult, publish and compare descriptors, turn keys. Each
//! tells its story; the arithmetic is in the crates below. Sockets, tasks and configuration belong to `node`.
//!
//! Promises: nothing leaves without a permit of `policy`; what is acknowledged is durable together with the log entries
//! that account for it; a peer is never trusted.

mod acceptance;
mod accounts;
mod actor;
mod answer;
mod ask;
mod book;
mod chains;
mod clock;
mod conduct;
mod consult;
mod contents;
mod doubt;
mod equivocation;
mod error;
mod freshness;
mod import;
mod ingest;
mod intake;
mod invitation;
mod limits;
mod onboard;
mod outflow;
mod own;
mod port;
mod publish;
mod refresh;
mod resign;
mod rotation;
mod standing;
mod status;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use selat_ledger::LogId;
use selat_record::{ContentId, FederationId, ParticipantId, Record, RecordId, pb};
use selat_seal::{Entropy, KeyRing};
use selat_search::{Entry, Index};
use selat_store::{Repositories, Vault};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

pub use actor::{Actor, Reason};
pub use answer::AnswerError;
pub use ask::{Ending, PeerOutcome, Search, SearchEvent, Summary};
pub use book::{Book, PeerEntry};
pub use clock::Clock;
pub use conduct::{Conduct, CutOff};
pub use consult::{Held, Listing};
pub use error::ExchangeError;
use freshness::Comparisons;
pub use freshness::{Comparison, Freshness};
pub use import::{ImportResult, ImportRow, ROWS_MAX};
pub use ingest::{Receipt, ReleaseOutcome};
pub use intake::{InEntry, InSegment, IntakeError, Taken};
pub use invitation::Invitation;
pub use limits::Limits;
pub use outflow::{OutEntry, OutSegment};
use own::Own;
pub use port::{CallError, Edition, Greeting, PeerPort};
pub use publish::Published;
pub use refresh::{RefreshError, Refreshed};
pub use resign::{RESIGNED_MAX, Resigned, ResignedRecord};
pub use rotation::{Applied, KeyGoal, KeyLine, KeyPlan, KeysView, Want};
use status::Counts;
pub use status::{FollowBoard, Following, NodeStatus, PeerStatus};

/// Records read at once while the index is rebuilt.
const REBUILD_STEP: usize = 256;

/// What the exchange is built from.
pub struct Parts {
    /// Where it belongs.
    pub federation: FederationId,
    /// Who it is.
    pub participant: ParticipantId,
    /// The chain of its own descriptor as its file holds it, ascending; it may begin after version 1.
    pub own: Vec<pb::Envelope>,
    /// Its working keys.
    pub keys: Arc<dyn KeyRing>,
    /// Its store.
    pub store: Repositories,
    /// What the store encrypts with; keyed hashes for pseudonyms come from it too.
    pub vault: Arc<Vault>,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Its way to the peers.
    pub port: Arc<dyn PeerPort>,
    /// Its bounds.
    pub limits: Limits,
}

/// One participant's use-cases over its own store.
pub struct Exchange {
    participant: ParticipantId,
    federation: FederationId,
    own: Own,
    comparisons: Comparisons,
    store: Repositories,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    port: Arc<dyn PeerPort>,
    limits: Limits,
    index: Index,
    conduct: Conduct,
    following: FollowBoard,
    counts: Counts,
    book: RwLock<Arc<Book>>,
    book_changes: watch::Sender<u64>,
    /// Held while the set of peers is changed, so that book and store change in the same order.
    peer_changes: tokio::sync::Mutex<()>,
    /// Held while a peer's log is walked for what is no longer believed.
    doubting: tokio::sync::Mutex<()>,
    resigned: Mutex<resign::ResignCursor>,
    growth: Mutex<BTreeMap<ParticipantId, Arc<Notify>>>,
    sent: Mutex<BTreeMap<ParticipantId, Arc<AtomicU64>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Exchange {
    /// Loads the peers and rebuilds the search index from the store.
    pub async fn open(parts: Parts) -> Result<Arc<Self>, ExchangeError> {
        let Parts { federation, participant, own: file, keys, store, vault, clock, entropy, port, limits } = parts;
        let now = clock.now();
        let stored = publish::stored_chain(&store.descriptors, &federation, &participant).await?;
        let known = stored.len();
        let chain = publish::reconciled(&federation, &participant, stored, &file, now)?;
        let new = chain.get(known..).unwrap_or_default().to_vec();
        let mut peers = BTreeMap::new();
        for row in store.peers.all().await? {
            let entry = onboard::entry_of(row, &federation)?;
            peers.insert(entry.row.participant.clone(), entry);
        }
        let comparisons = Comparisons::of(store.descriptors.compared().await?);
        let epoch = store.peers.epoch().await?;
        let (own, book) = own::open(chain, keys, (&federation, epoch, peers), &comparisons, now).await?;
        let exchange = Self {
            index: Index::new(limits.index_entries_max),
            conduct: Conduct::new(clock.clone(), limits.clone()),
            following: FollowBoard::default(),
            book: RwLock::new(Arc::new(book)),
            book_changes: watch::Sender::new(0),
            peer_changes: tokio::sync::Mutex::default(),
            doubting: tokio::sync::Mutex::default(),
            resigned: Mutex::default(),
            growth: Mutex::default(),
            sent: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            counts: Counts::default(),
            participant,
            federation,
            own,
            comparisons,
            store,
            vault,
            clock,
            entropy,
            port,
            limits,
        };
        exchange.keep_own(&new).await?;
        exchange.rebuild_index().await?;
        exchange.doubt_all().await;
        Ok(Arc::new(exchange))
    }

    /// Who this is.
    pub fn participant(&self) -> &ParticipantId {
        &self.participant
    }

    /// Where this belongs.
    pub fn federation(&self) -> &FederationId {
        &self.federation
    }

    /// The peers as they are now.
    pub fn book(&self) -> Arc<Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the peers behave.
    pub fn conduct(&self) -> &Conduct {
        &self.conduct
    }

    /// How following goes, for the workers that do it.
    pub fn following(&self) -> &FollowBoard {
        &self.following
    }

    /// The node's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The bounds in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Runs a task that belongs to this exchange: it is cancelled and awaited when the exchange stops.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// Ends the tasks, drains the store's queue and flushes it. Nothing can be written afterwards.
    pub async fn stop(&self) -> Result<(), ExchangeError> {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        Ok(self.store.engine().stop().await?)
    }

    /// Changes whenever the set of peers does. Mark it as seen first, then look at the book: nothing is missed.
    pub fn book_changes(&self) -> watch::Receiver<u64> {
        self.book_changes.subscribe()
    }

    fn replace_book(&self, book: Book) {
        let epoch = book.epoch;
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
        self.book_changes.send_replace(epoch);
        self.choose_keys();
    }

    fn release_log_to(&self, peer: &ParticipantId) -> LogId {
        LogId::release(self.participant(), peer)
    }

    fn release_log_from(&self, peer: &ParticipantId) -> LogId {
        LogId::release(peer, self.participant())
    }

    fn random(&self) -> [u8; 10] {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        random
    }

    fn note_sent(&self, peer: &ParticipantId, size: u64) {
        self.sent_counter(peer).fetch_max(size, Ordering::Relaxed);
    }

    fn sent_to(&self, peer: &ParticipantId) -> u64 {
        self.sent_counter(peer).load(Ordering::Relaxed)
    }

    fn sent_counter(&self, peer: &ParticipantId) -> Arc<AtomicU64> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).entry(peer.clone()).or_default().clone()
    }

    /// The index follows the store: what it cannot take shows as index lag, it never fails the write.
    fn index_record(&self, record: &Record, content: ContentId) {
        let id = record.id();
        if let Err(error) = self.index.put(Entry::of(record, content)) {
            warn!(record = %id, %error, "record not indexed");
        }
    }

    async fn rebuild_index(&self) -> Result<(), ExchangeError> {
        let mut after: Option<(ParticipantId, RecordId)> = None;
        loop {
            let from = after.as_ref().map(|(originator, id)| (originator, *id));
            let page = self.store.records.scan_heads(from, REBUILD_STEP).await?;
            let Some(last) = page.last() else {
                info!(records = self.index.len(), "search index rebuilt");
                return Ok(());
            };
            after = Some((last.originator.clone(), last.record_id));
            for held in page {
                self.counts.add(held.originator == *self.participant());
                let id = held.record_id;
                // One damaged record must not keep the node down: it shows as index lag, and the log names it.
                match self.load(&held.originator, id, held.head.content_id).await {
                    Ok(record) => self.index_record(&record, held.head.content_id),
                    Err(error) => error!(record = %id, %error, "record cannot be read and is not indexed"),
                }
            }
        }
    }
}
