//! Comparing descriptors with a peer: who holds which version of whom. What the peer lacks of ours is pushed, what we lack
//! of its own is pulled, one step at a time, and what both hold of others is compared.
//!
//! Promises: everything is bounded; what the peer is known to hold and when its own was last confirmed is written once per
//! comparison, and counts only once it is durable; whatever the peer says, only envelopes change anything.

use std::sync::Arc;
use std::time::Duration;

use selat_record::ParticipantId;
use selat_seal::SealError;
use tracing::info;

use crate::chains::{REPLY_MAX, may_be_shown};
use crate::equivocation::Verdict;
use crate::freshness::Shown;
use crate::port::{CallError, Edition, Greeting};
use crate::{Exchange, ExchangeError};

/// Most participants that a greeting names, as the protocol says.
const HELD_MAX: usize = 128;
/// Most versions that one comparison pulls, and most that it pushes. A chain that is longer goes on at the next.
const STEPS_MAX: usize = 64;
/// Whose newest descriptor was seen within this span cannot have a key that is not in it, but for the shortest while.
const ASKED_LATELY: Duration = Duration::from_secs(2 * 60);

/// What a comparison brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refreshed {
    /// The version of the peer's descriptor that is held now.
    pub version: u64,
    /// It is the peer's newest.
    pub current: bool,
    /// Versions taken in.
    pub pulled: usize,
    /// Versions of ours that the peer took in.
    pub pushed: usize,
}

/// Why descriptors could not be compared to the end. What was done before stays.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The peer gave no reply.
    #[error(transparent)]
    Call(CallError),
    /// Its next descriptor was refused: the rule and the version are in the words.
    #[error("{0}")]
    Refused(SealError),
    /// It says that its newest is one that was before the one held here.
    #[error("it says that descriptor {said} is its newest, and {held} is held here")]
    WentBack {
        /// What it says.
        said: u64,
        /// What is held.
        held: u64,
    },
    /// It says that it has another descriptor under the number held, or did not show what it says it has.
    #[error("it says that its descriptor {0} is another than the one held here, and does not prove it")]
    Contradicts(u64),
    /// It does not give the versions that it says there are.
    #[error("it says that it has descriptor {said} and does not give descriptor {wanted}")]
    Withheld {
        /// Its newest, as it says.
        said: u64,
        /// What was asked for.
        wanted: u64,
    },
    /// Two descriptors of it under one number: it is frozen now.
    #[error("its roots signed two descriptors {0}: it is frozen")]
    Frozen(u64),
    /// It holds a descriptor of ours that is not in our chain.
    #[error("it holds a descriptor {0} of ours that this node does not know: was this node restored from an old copy?")]
    HoldsUnknown(u64),
    /// It did not take in a version of ours.
    #[error("it did not take in descriptor {0} of ours")]
    NotTaken(u64),
    /// This node's own trouble, or the peer is not one to compare with.
    #[error(transparent)]
    Own(#[from] ExchangeError),
}

impl Exchange {
    /// What this node says to a peer at hello.
    pub fn greeting_for(&self, peer: &ParticipantId) -> Greeting {
        let book = self.book();
        let others = book.all().filter(|entry| entry.row.participant != *peer && may_be_shown(entry));
        let held = others.map(|entry| (entry.row.participant.clone(), Edition::of(&entry.descriptor)));
        Greeting {
            now_ms: self.clock.now().ms(),
            own: Edition::of(&self.descriptor()),
            yours: book.peer(peer).ok().map(|entry| Edition::of(&entry.descriptor)),
            held: held.take(HELD_MAX).collect(),
        }
    }

    /// A peer says hello, or replies to ours. Notes what it holds of ours, and calls for a comparison if that can bring what
    /// either side lacks. It is not called for after one that failed: two nodes would call each other without end.
    pub async fn greeted(&self, peer: &ParticipantId, theirs: &Greeting) -> Result<Greeting, ExchangeError> {
        let held = Edition::of(&self.book().approved_peer(peer)?.descriptor);
        self.note_clock(peer, theirs.now_ms);
        let acknowledged = self.acknowledged_by(theirs);
        self.note_shown(peer, Shown { acknowledged, current: theirs.own == held }).await?;
        let newest = self.descriptor().version();
        let lacks_ours = acknowledged.is_some_and(|version| 0 < version && version < newest);
        if (lacks_ours || theirs.own.version > held.version) && self.is_descriptor_well(peer) {
            self.refresh_call_of(peer).notify_one();
        }
        Ok(self.greeting_for(peer))
    }

    /// Compares descriptors with an approved peer. What its own chain brings and what it lacks of ours do not wait for each
    /// other; the first trouble of them is returned.
    pub async fn refresh(self: &Arc<Self>, peer: &ParticipantId) -> Result<Refreshed, RefreshError> {
        let turn = self.comparisons.turn_of(peer);
        let _one_at_a_time = turn.lock().await;
        let descriptor = self.book().approved_peer(peer)?.descriptor.clone();
        if let Some(cut_off) = self.conduct.cut_off(peer, self.clock.now()) {
            let why = format!("cut off until {}: {}", cut_off.until, cut_off.reason);
            return Err(RefreshError::Call(CallError::Unreachable(why)));
        }
        let theirs =
            self.port.hello(&descriptor, self.greeting_for(peer)).await.map_err(|error| self.call(peer, error))?;
        self.note_clock(peer, theirs.now_ms);
        let mut done = Refreshed { version: descriptor.version(), current: false, pulled: 0, pushed: 0 };
        let pulled = self.pull(peer, descriptor.version(), theirs.own, &mut done).await;
        if let Err(RefreshError::Frozen(_)) = pulled {
            return pulled.map(|()| done);
        }
        let (acknowledged, pushed) = self.push(peer, &theirs, &mut done).await;
        self.note_shown(peer, Shown { acknowledged, current: done.current }).await?;
        let compared = self.compare_held(peer, theirs.held.get(..HELD_MAX).unwrap_or(&theirs.held)).await;
        pulled.and(pushed).and(compared).map(|()| done)
    }

    /// Calls for a comparison with every approved peer, so that they learn of a new version at once.
    pub(crate) fn call_for_all(&self) {
        self.book().approved().for_each(|entry| self.refresh_call_of(&entry.row.participant).notify_one());
    }

    /// The version of our chain that the speaker holds. `Some(0)` if what it holds is not of our chain.
    fn acknowledged_by(&self, theirs: &Greeting) -> Option<u64> {
        let yours = theirs.yours?;
        let state = self.own.state();
        let known = state.version(yours.version).is_some_and(|link| link.descriptor.content_id() == yours.hash);
        Some(if known { yours.version } else { 0 })
    }

    /// Takes in what the peer has beyond the version held here; `before` was held when it was asked for its newest.
    async fn pull(
        self: &Arc<Self>,
        peer: &ParticipantId,
        before: u64,
        newest: Edition,
        done: &mut Refreshed,
    ) -> Result<(), RefreshError> {
        loop {
            let held = self.book().approved_peer(peer)?.descriptor.clone();
            done.version = held.version();
            if newest.version <= held.version() {
                done.current = self.compare_newest(peer, newest, (before, Edition::of(&held))).await?;
                self.judge_end_of_walk(peer, &held);
                return Ok(());
            }
            if done.pulled >= STEPS_MAX {
                self.refresh_call_of(peer).notify_one();
                return Ok(());
            }
            let wanted = held.version() + 1;
            let next = self.port.descriptors(&held, peer, wanted).await.map_err(|error| self.call(peer, error))?;
            if next.is_empty() || next.len() > REPLY_MAX {
                return Err(self.at_fault(peer, RefreshError::Withheld { said: newest.version, wanted }));
            }
            for envelope in &next {
                match self.take_next(peer, envelope).await {
                    Ok(_) => done.pulled += 1,
                    Err(RefreshError::Refused(error)) => return Err(self.refused(peer, error).await?),
                    Err(other) => return Err(other),
                }
            }
            if self.book().approved_peer(peer)?.descriptor.version() == held.version() {
                return Err(self.at_fault(peer, RefreshError::Withheld { said: newest.version, wanted }));
            }
        }
    }

    /// A descriptor that does not follow on the one held: the peer may have two of that number.
    async fn refused(self: &Arc<Self>, peer: &ParticipantId, error: SealError) -> Result<RefreshError, RefreshError> {
        if let SealError::WrongPrevious { held, .. } = *error.rule()
            && self.is_proven(peer, held).await?
        {
            return Ok(RefreshError::Frozen(held));
        }
        Ok(self.at_fault(peer, RefreshError::Refused(error)))
    }

    /// Asks the peer to show its own other descriptor. One that shows none has proven nothing, and stays at fault.
    async fn is_proven(self: &Arc<Self>, peer: &ParticipantId, version: u64) -> Result<bool, RefreshError> {
        match self.dispute(peer, peer, version).await {
            Ok(verdict) => Ok(verdict == Verdict::Proven),
            Err(RefreshError::Call(_)) => Ok(false),
            Err(own) => Err(own),
        }
    }

    /// The peer's newest is not beyond the version held, so it must be that one; or the peer has shown a newer one since it
    /// was asked. True if it is the one held.
    async fn compare_newest(
        self: &Arc<Self>,
        peer: &ParticipantId,
        newest: Edition,
        (before, held): (u64, Edition),
    ) -> Result<bool, RefreshError> {
        if newest == held {
            return Ok(true);
        }
        let known = self.kept_hash(peer, newest.version).await?;
        if known.is_some_and(|known| known != newest.hash) {
            if self.is_proven(peer, newest.version).await? {
                return Err(RefreshError::Frozen(newest.version));
            }
            return Err(self.at_fault(peer, RefreshError::Contradicts(newest.version)));
        }
        if newest.version >= before {
            return Ok(false);
        }
        Err(self.at_fault(peer, RefreshError::WentBack { said: newest.version, held: held.version }))
    }

    /// Shows the peer what it lacks of our chain. Returns the version that it holds then.
    async fn push(
        self: &Arc<Self>,
        peer: &ParticipantId,
        theirs: &Greeting,
        done: &mut Refreshed,
    ) -> (Option<u64>, Result<(), RefreshError>) {
        let Some(yours) = theirs.yours else { return (None, Ok(())) };
        let mut acknowledged = match self.acknowledged_by(theirs) {
            Some(0) | None => return (Some(0), Err(self.holds_unknown(peer, yours).await)),
            Some(version) => version,
        };
        let state = self.own.state();
        let known = acknowledged;
        let missing = state.chain().iter().filter(|link| link.descriptor.version() > known).take(STEPS_MAX);
        for link in missing {
            let (edition, envelope) = (Edition::of(&link.descriptor), link.descriptor.envelope().clone());
            let result = match self.book().approved_peer(peer).map(|entry| entry.descriptor.clone()) {
                Ok(to) => self.port.announce(&to, envelope).await.map_err(|error| self.call(peer, error)),
                Err(error) => Err(error.into()),
            };
            match result {
                Ok(told) if told == edition => (acknowledged, done.pushed) = (edition.version, done.pushed + 1),
                Ok(_) => {
                    let error = RefreshError::NotTaken(edition.version);
                    self.descriptor_is_unwell(peer, &error.to_string());
                    return (Some(acknowledged), Err(error));
                }
                Err(error) => return (Some(acknowledged), Err(error)),
            }
        }
        (Some(acknowledged), Ok(()))
    }

    /// The peer holds a descriptor of ours that we do not know. If our roots signed it, somebody else has them.
    async fn holds_unknown(self: &Arc<Self>, peer: &ParticipantId, yours: Edition) -> RefreshError {
        let error = RefreshError::HoldsUnknown(yours.version);
        self.descriptor_is_unwell(peer, &error.to_string());
        self.dispute(peer, self.participant(), yours.version).await.map_or_else(|error| error, |_| error)
    }

    /// A query or an answer of the peer did not verify: a fault. Only who has not been asked lately may have a key that we
    /// cannot know yet, because it replaced one in an emergency a moment ago.
    pub(crate) fn not_verified(&self, peer: &ParticipantId, what: &str, error: &SealError) {
        let now = self.clock.now();
        let is_newer = matches!(error, SealError::UnknownKey(_) | SealError::KeyPending);
        if is_newer {
            self.refresh_call_of(peer).notify_one();
        }
        let book = self.book();
        let seen = book.peer(peer).ok().and_then(|entry| {
            let approved = entry.row.approval.as_ref().map(|approval| approval.at);
            approved.max(self.comparison(entry).refreshed)
        });
        if is_newer && seen.is_none_or(|at| at.plus(ASKED_LATELY) < now) {
            return info!(%peer, what, "signed with a key that is not known here: the peer is asked for its descriptor");
        }
        self.conduct.fault(peer, &format!("{what} did not verify: {error}"), now);
    }

    /// What a peer did wrong, counted against it.
    fn at_fault(&self, peer: &ParticipantId, error: RefreshError) -> RefreshError {
        self.descriptor_fault(peer, &error.to_string());
        error
    }

    fn call(&self, peer: &ParticipantId, error: CallError) -> RefreshError {
        if let CallError::Garbled(why) = &error {
            self.conduct.fault(peer, &format!("reply about descriptors cannot be read: {why}"), self.clock.now());
        }
        RefreshError::Call(error)
    }
}
