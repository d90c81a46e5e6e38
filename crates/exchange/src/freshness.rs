//! What is known of the peers' view: which version of our descriptor each holds, and when its own was last found to be the
//! one that is held here.
//!
//! Promises: both survive a restart; who could not be asked for too long is told nothing new, asked nothing and answered
//! nothing, and gets what it missed once it can be asked again; what is not durable counts for nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use selat_policy::{DeskAct, PeerFacts, may};
use selat_record::{ParticipantId, Timestamp};
use selat_seal::succession::Readiness;
use selat_store::Batch;
use selat_store::repositories::Compared;
use tokio::sync::{Notify, broadcast};
use tracing::{info, warn};

use crate::{Actor, Book, Exchange, ExchangeError, PeerEntry};

/// Peers that became fresh again and whose backlog nobody has looked at yet; more at once and the oldest is lost to the
/// announcement, which [`Exchange::fresh_again`] then tells.
const ANNOUNCEMENTS_MAX: usize = 64;
/// That a peer is current is noted in the store at most this often: it may say hello again and again.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// Whether a peer's descriptor could be refreshed lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    /// Within the first bound.
    Fresh,
    /// Beyond the first bound: a warning.
    Ageing,
    /// Beyond the second bound, or the descriptor has expired: nothing new is disclosed to it or asked of it.
    Stale,
}

/// How comparing descriptors with a peer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Whether its descriptor could be refreshed lately.
    pub freshness: Freshness,
    /// When its newest descriptor was last found to be the one that is held here.
    pub refreshed: Option<Timestamp>,
    /// The version of our descriptor that it is known to hold; 0: none.
    pub acknowledged: u64,
    /// Since when it is known to.
    pub acknowledged_at: Option<Timestamp>,
    /// Its clock minus ours when it last told the time, in milliseconds.
    pub clock_skew_ms: Option<i64>,
    /// What was last wrong with its descriptor, and when. Missing once it is well again.
    pub last_descriptor_fault: Option<(String, Timestamp)>,
}

#[derive(Debug, Default, Clone)]
struct Line {
    compared: Compared,
    clock_skew_ms: Option<i64>,
    fault: Option<(String, Timestamp)>,
}

/// The lines of all peers, as the store has them, and what is kept in memory beside.
pub(crate) struct Comparisons {
    lines: Mutex<BTreeMap<ParticipantId, Line>>,
    calls: Mutex<BTreeMap<ParticipantId, Arc<Notify>>>,
    turns: Mutex<BTreeMap<ParticipantId, Arc<tokio::sync::Mutex<()>>>>,
    /// Held while a line is changed in store and memory, so that both change in the same order.
    notes: tokio::sync::Mutex<()>,
    fresh_again: broadcast::Sender<ParticipantId>,
}

impl Comparisons {
    pub(crate) fn of(stored: Vec<(ParticipantId, Compared)>) -> Self {
        let line = |(peer, compared)| (peer, Line { compared, ..Line::default() });
        Self {
            lines: Mutex::new(stored.into_iter().map(line).collect()),
            calls: Mutex::default(),
            turns: Mutex::default(),
            notes: tokio::sync::Mutex::default(),
            fresh_again: broadcast::channel(ANNOUNCEMENTS_MAX).0,
        }
    }

    fn line(&self, peer: &ParticipantId) -> Line {
        self.lock().get(peer).cloned().unwrap_or_default()
    }

    fn compared(&self, peer: &ParticipantId) -> Compared {
        self.lock().get(peer).map(|line| line.compared).unwrap_or_default()
    }

    fn update(&self, peer: &ParticipantId, change: impl FnOnce(&mut Line)) {
        change(self.lock().entry(peer.clone()).or_default());
    }

    /// Whoever compares with this peer holds it: two at once would ask the same things.
    pub(crate) fn turn_of(&self, peer: &ParticipantId) -> Arc<tokio::sync::Mutex<()>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(peer.clone()).or_default().clone()
    }

    pub(crate) fn forget(&self, peer: &ParticipantId) {
        self.lock().remove(peer);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ParticipantId, Line>> {
        // The lines are plain values: a panic elsewhere while they were held leaves them usable.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one contact with a peer showed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The version of our chain that it holds, if it said a right one; 0: it holds none of ours.
    pub(crate) acknowledged: Option<u64>,
    /// Its newest descriptor is the one held here.
    pub(crate) current: bool,
}

impl Shown {
    fn after(self, before: Compared, now: Timestamp) -> Compared {
        let mut after = before;
        if let Some(version) = self.acknowledged.filter(|version| *version != before.acknowledged) {
            (after.acknowledged, after.acknowledged_at) = (version, (version > 0).then_some(now));
        }
        // Not only when it has grown old: the clock may have been set back meanwhile.
        let noted_lately = |at: Timestamp| at <= now && now < at.plus(NOTED_EVERY);
        let is_news = after.acknowledged != before.acknowledged || !before.refreshed.is_some_and(noted_lately);
        if self.current && is_news {
            after.refreshed = Some(now);
        }
        after
    }
}

impl Exchange {
    /// Whether the peer's descriptor could be refreshed lately. Of a participant that is no peer nothing is known.
    pub fn freshness(&self, peer: &ParticipantId) -> Freshness {
        let book = self.book();
        book.peer(peer).map_or(Freshness::Stale, |entry| self.freshness_of(entry, self.clock.now()))
    }

    /// Peers as they become fresh after having been stale: what was held back from them is to be released.
    pub fn fresh_again(&self) -> broadcast::Receiver<ParticipantId> {
        self.comparisons.fresh_again.subscribe()
    }

    /// Notified when descriptors should be compared with this peer now, without waiting for the next time.
    pub fn refresh_call_of(&self, peer: &ParticipantId) -> Arc<Notify> {
        let mut calls = self.comparisons.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.entry(peer.clone()).or_default().clone()
    }

    /// How comparing descriptors with a peer goes.
    pub fn comparison(&self, entry: &PeerEntry) -> Comparison {
        let line = self.comparisons.line(&entry.row.participant);
        Comparison {
            freshness: self.freshness_of(entry, self.clock.now()),
            refreshed: line.compared.refreshed,
            acknowledged: line.compared.acknowledged,
            acknowledged_at: line.compared.acknowledged_at,
            clock_skew_ms: line.clock_skew_ms,
            last_descriptor_fault: line.fault,
        }
    }

    /// Who holds which version of our descriptor, for the operator: one line per approved peer.
    pub fn acks(&self, actor: &Actor) -> Result<Vec<Readiness>, ExchangeError> {
        may(&actor.roles, DeskAct::SeeTrust)?;
        Ok(self.readiness())
    }

    /// What each approved peer is known to hold of ours.
    pub(crate) fn readiness(&self) -> Vec<Readiness> {
        ready(&self.book(), &self.comparisons)
    }

    /// What the floor needs to know of a participant.
    pub(crate) fn facts<'a>(&self, book: &Book, participant: &'a ParticipantId, now: Timestamp) -> PeerFacts<'a> {
        let entry = book.peer(participant).ok();
        let approved = entry.is_some_and(PeerEntry::is_approved);
        let fresh = entry.is_some_and(|entry| self.freshness_of(entry, now) != Freshness::Stale);
        PeerFacts { participant, approved, fresh }
    }

    /// The safety phrase vouches for the descriptor when the peer is approved; every comparison since does so again.
    pub(crate) fn freshness_of(&self, entry: &PeerEntry, now: Timestamp) -> Freshness {
        if entry.descriptor.expires().is_some_and(|expires| expires <= now) {
            return Freshness::Stale;
        }
        let approved = entry.row.approval.as_ref().map(|approval| approval.at);
        let refreshed = self.comparisons.compared(&entry.row.participant).refreshed;
        let Some(since) = approved.max(refreshed) else { return Freshness::Stale };
        if since.plus(self.limits.stale_stop) <= now {
            Freshness::Stale
        } else if since.plus(self.limits.stale_warn) <= now {
            Freshness::Ageing
        } else {
            Freshness::Fresh
        }
    }

    /// Makes durable what a contact showed, in one write, and only then lets it count.
    pub(crate) async fn note_shown(&self, peer: &ParticipantId, shown: Shown) -> Result<(), ExchangeError> {
        let _one_at_a_time = self.comparisons.notes.lock().await;
        let (now, before) = (self.clock.now(), self.comparisons.compared(peer));
        let after = shown.after(before, now);
        if after == before {
            return Ok(());
        }
        let was_stale = self.freshness(peer) == Freshness::Stale;
        let mut batch = Batch::default();
        self.store.descriptors.note(&mut batch, peer, &after);
        self.store.commit(batch).await?;
        self.comparisons.update(peer, |line| line.compared = after);
        if after.acknowledged != before.acknowledged {
            info!(%peer, version = after.acknowledged, "peer holds this version of our descriptor");
        }
        self.choose_keys();
        self.tell_if_fresh_again(peer, was_stale);
        Ok(())
    }

    /// Announces a peer that was stale before something changed and is no more.
    pub(crate) fn tell_if_fresh_again(&self, peer: &ParticipantId, was_stale: bool) {
        if was_stale && self.freshness(peer) != Freshness::Stale {
            info!(%peer, "peer could be refreshed again");
            // No receiver means that nothing runs yet: the backlog is released at start anyway.
            let _ = self.comparisons.fresh_again.send(peer.clone());
            self.wake(peer);
        }
    }

    pub(crate) fn note_clock(&self, peer: &ParticipantId, their_ms: i64) {
        let skew = their_ms.saturating_sub(self.clock.now().ms());
        self.comparisons.update(peer, |line| line.clock_skew_ms = Some(skew));
    }

    /// Something is wrong with what the peer says of descriptors.
    pub(crate) fn descriptor_fault(&self, peer: &ParticipantId, what: &str) {
        let now = self.clock.now();
        warn!(%peer, what, "descriptor of a peer refused");
        self.comparisons.update(peer, |line| line.fault = Some((what.to_owned(), now)));
        self.conduct.fault(peer, what, now);
    }

    /// Something is wrong with its descriptor that is not held against the peer.
    pub(crate) fn descriptor_is_unwell(&self, peer: &ParticipantId, what: &str) {
        let now = self.clock.now();
        warn!(%peer, what, "descriptor of a peer is of no use");
        self.comparisons.update(peer, |line| line.fault = Some((what.to_owned(), now)));
    }

    pub(crate) fn is_descriptor_well(&self, peer: &ParticipantId) -> bool {
        self.comparisons.line(peer).fault.is_none()
    }

    pub(crate) fn descriptor_is_well(&self, peer: &ParticipantId) {
        self.comparisons.update(peer, |line| line.fault = None);
    }
}

/// What each approved peer of a book is known to hold of ours.
pub(crate) fn ready(book: &Book, comparisons: &Comparisons) -> Vec<Readiness> {
    let line = |entry: &PeerEntry| {
        let participant = entry.row.participant.clone();
        let compared = comparisons.compared(&participant);
        Readiness {
            participant,
            acknowledged: compared.acknowledged,
            acknowledged_at: compared.acknowledged_at,
            refreshed: compared.refreshed,
        }
    };
    book.approved().map(line).collect()
}
