//! What the node knows of itself and of its peers, for the operator.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use selat_policy::{DeskAct, may};
use selat_record::{ParticipantId, Timestamp};
use selat_store::repositories::Quarantined;
use tokio::sync::Notify;

use crate::conduct::CutOff;
use crate::{Actor, Comparison, Exchange, ExchangeError, PeerEntry};

/// How following a peer goes. Kept in memory; the entries held are in the store.
#[derive(Debug, Clone, Default)]
pub struct Following {
    /// A stream is open.
    pub connected: bool,
    /// Size of the log that the peer last told of.
    pub size: u64,
    /// When anything last came in.
    pub last_contact: Option<Timestamp>,
    /// What last went wrong, and when.
    pub last_error: Option<(String, Timestamp)>,
}

/// The state of following, per peer.
#[derive(Debug, Default)]
pub struct FollowBoard {
    lines: Mutex<BTreeMap<ParticipantId, Following>>,
    calls: Mutex<BTreeMap<ParticipantId, Arc<Notify>>>,
}

impl FollowBoard {
    /// Changes the line of one peer.
    pub fn update(&self, peer: &ParticipantId, change: impl FnOnce(&mut Following)) {
        change(self.lines.lock().unwrap_or_else(PoisonError::into_inner).entry(peer.clone()).or_default());
    }

    /// The line of one peer.
    pub fn of(&self, peer: &ParticipantId) -> Following {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).get(peer).cloned().unwrap_or_default()
    }

    /// The peer called us, so it is up and has approved us: whoever pauses before following it again need not wait.
    pub fn peer_called(&self, peer: &ParticipantId) {
        self.call_of(peer).notify_one();
    }

    /// Notified when the peer calls, or has called since the last time that somebody waited.
    pub fn call_of(&self, peer: &ParticipantId) -> Arc<Notify> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(peer.clone()).or_default().clone()
    }
}

/// One peer on the status screen.
#[derive(Debug, Clone)]
pub struct PeerStatus {
    /// Approval and descriptor.
    pub entry: PeerEntry,
    /// How following it goes.
    pub following: Following,
    /// Entries held of its log to us.
    pub held: u64,
    /// Of these, quarantined.
    pub quarantined: u64,
    /// Entries of our log to it, and how many of them it has been sent since the start.
    pub release_log: (u64, u64),
    /// Set while it is cut off.
    pub cut_off: Option<CutOff>,
    /// How comparing descriptors with it goes.
    pub comparison: Comparison,
    /// The signed acceptance of it, an encoded envelope; missing until it is approved.
    pub acceptance: Option<Vec<u8>>,
}

/// Records held, counted as they come: counting them in the store would walk over all of them.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    own: AtomicU64,
    peers: AtomicU64,
}

impl Counts {
    /// One more record, whose first held version this is.
    pub(crate) fn add(&self, own: bool) {
        let counter = if own { &self.own } else { &self.peers };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// One record less: no version of it is held any more.
    pub(crate) fn remove(&self, own: bool) {
        let counter = if own { &self.own } else { &self.peers };
        counter.fetch_sub(1, Ordering::Relaxed);
    }

    fn get(&self) -> (u64, u64) {
        (self.own.load(Ordering::Relaxed), self.peers.load(Ordering::Relaxed))
    }
}

/// The whole screen.
#[derive(Debug, Clone)]
pub struct NodeStatus {
    /// Current versions of own records.
    pub own_records: u64,
    /// Current versions of records of peers.
    pub peer_records: u64,
    /// Entries of the audit log.
    pub audit_log: u64,
    /// Records that the search index does not hold.
    pub index_lag: u64,
    /// Bytes that the store takes on disk.
    pub store_bytes: u64,
    /// By participant.
    pub peers: Vec<PeerStatus>,
}

impl Exchange {
    /// Everything for `selat status`.
    pub async fn status(&self, actor: &Actor) -> Result<NodeStatus, ExchangeError> {
        may(&actor.roles, DeskAct::Status)?;
        self.overview().await
    }

    /// The same for the node's own watching. Who may see what comes of it is for whoever shows it to ask.
    pub async fn overview(&self) -> Result<NodeStatus, ExchangeError> {
        let (own_records, peer_records) = self.counts.get();
        let indexed = u64::try_from(self.index.len()).unwrap_or(u64::MAX);
        let mut peers = Vec::new();
        for entry in self.book().all() {
            peers.push(self.peer_status(entry.clone()).await?);
        }
        Ok(NodeStatus {
            own_records,
            peer_records,
            audit_log: self.store.audit.size().await?,
            index_lag: (own_records + peer_records).saturating_sub(indexed),
            store_bytes: self.store.engine().bytes().await,
            peers,
        })
    }

    /// One line of the status screen.
    pub async fn peer_status(&self, entry: PeerEntry) -> Result<PeerStatus, ExchangeError> {
        let peer = entry.row.participant.clone();
        let made = self.release_log_size(&peer).await?;
        Ok(PeerStatus {
            following: self.following.of(&peer),
            held: self.held_of(&peer).await?,
            quarantined: self.store.intake.quarantine_count(&peer).await?,
            release_log: (made, self.sent_to(&peer)),
            cut_off: self.conduct.cut_off(&peer, self.clock.now()),
            comparison: self.comparison(&entry),
            acceptance: self.acceptance_of(&entry.row).await?,
            entry,
        })
    }

    /// Records that could not be accepted, oldest first.
    pub async fn quarantine(
        &self,
        actor: &Actor,
        peer: Option<&ParticipantId>,
        limit: usize,
    ) -> Result<Vec<Quarantined>, ExchangeError> {
        may(&actor.roles, DeskAct::ListQuarantine)?;
        Ok(self.store.intake.quarantined(peer, limit).await?)
    }

    /// All peers, for the operator.
    pub async fn peers(&self, actor: &Actor) -> Result<Vec<PeerStatus>, ExchangeError> {
        may(&actor.roles, DeskAct::ListPeers)?;
        let mut peers = Vec::new();
        for entry in self.book().all() {
            peers.push(self.peer_status(entry.clone()).await?);
        }
        Ok(peers)
    }
}
