//! The chains of the peers: taking in the next version of one, and giving chains to peers that ask.
//!
//! Promises: a version is taken in only as the one after the version held, durable and audited before the book shows it;
//! nothing decided by the book before is committed after it; a peer is given only its host's own chain and those of
//! participants that may be named.

use std::sync::Arc;

use prost::Message as _;
use selat_record::pb::{self, AuditAction};
use selat_record::{ContentId, ParticipantId};
use selat_seal::{AcceptedDescriptor, SealError};
use selat_store::Batch;
use selat_store::repositories::{KeptDescriptor, Peer, PeerState};
use tracing::info;

use crate::accounts::Act;
use crate::port::Edition;
use crate::refresh::RefreshError;
use crate::{Exchange, ExchangeError, Freshness, PeerEntry};

/// Most descriptors that one reply holds, as the protocol says.
pub(crate) const REPLY_MAX: usize = 16;
/// Versions of a peer's chain that are kept; the ones before are forgotten.
const KEPT_MAX: u64 = 64;

impl Exchange {
    /// The descriptors of `participant` that this node gives to the peer `caller`, from a version on, at most 16, without
    /// a gap. None of a participant that may not be named, just as of one that nobody knows.
    pub async fn descriptors_for(
        &self,
        caller: &ParticipantId,
        participant: &ParticipantId,
        from: u64,
    ) -> Result<Vec<pb::Envelope>, ExchangeError> {
        let book = self.book();
        book.approved_peer(caller)?;
        let chain = if participant == self.participant() {
            self.own_versions(from, REPLY_MAX)
        } else if book.peer(participant).is_ok_and(may_be_shown) {
            self.kept_chain(participant, from, REPLY_MAX).await?
        } else {
            Vec::new()
        };
        let first = chain.first().and_then(version_of);
        Ok(if first == Some(from) { chain } else { Vec::new() })
    }

    /// The caller shows the next version of its own descriptor. Returns which one is held now; a version that is refused
    /// is a fault of the caller, and changes nothing.
    pub async fn announced(
        self: &Arc<Self>,
        peer: &ParticipantId,
        envelope: &pb::Envelope,
    ) -> Result<Edition, ExchangeError> {
        self.book().approved_peer(peer)?;
        match self.take_next(peer, envelope).await {
            Ok(descriptor) => {
                self.judge_end_of_walk(peer, &descriptor);
                self.note_shown(peer, crate::freshness::Shown { acknowledged: None, current: true }).await?;
            }
            Err(RefreshError::Own(error)) => return Err(error),
            Err(RefreshError::Refused(error)) => self.look_into(peer, envelope, &error).await?,
            Err(other) => self.descriptor_fault(peer, &other.to_string()),
        }
        Ok(Edition::of(&self.book().peer(peer)?.descriptor))
    }

    /// A version that is not the next: one that is held already changes nothing, another one under a number that has been
    /// may be proof that the peer says two things.
    pub(crate) async fn look_into(
        self: &Arc<Self>,
        peer: &ParticipantId,
        envelope: &pb::Envelope,
        error: &SealError,
    ) -> Result<(), ExchangeError> {
        if let (SealError::SameVersion { .. } | SealError::RolledBack { .. }, Some(version)) =
            (error.rule(), version_of(envelope))
        {
            let hash = selat_seal::content_id(envelope);
            if self.kept_hash(peer, version).await? == Some(hash) {
                return Ok(());
            }
            if self.convict_if_proven(peer, (peer, version), envelope).await? {
                return Ok(());
            }
        }
        self.descriptor_fault(peer, &error.to_string());
        Ok(())
    }

    /// Takes in the version after the one that is held. The same version again changes nothing.
    pub(crate) async fn take_next(
        self: &Arc<Self>,
        peer: &ParticipantId,
        envelope: &pb::Envelope,
    ) -> Result<Arc<AcceptedDescriptor>, RefreshError> {
        let (exchange, peer, envelope) = (self.clone(), peer.clone(), envelope.clone());
        self.to_the_end(async move { exchange.take_checked_next(&peer, &envelope).await }).await
    }

    async fn take_checked_next(
        self: &Arc<Self>,
        peer: &ParticipantId,
        envelope: &pb::Envelope,
    ) -> Result<Arc<AcceptedDescriptor>, RefreshError> {
        let (after, was_stale) = {
            let _one_at_a_time = self.peer_changes.lock().await;
            let book = self.book_as_stored().await?;
            let known = book.approved_peer(peer)?.clone();
            if known.descriptor.content_id() == selat_seal::content_id(envelope) {
                // It may have been taken in by a write whose outcome was unknown, and nobody has looked since.
                self.doubt_later(peer);
                return Ok(Arc::new(known.descriptor));
            }
            let now = self.clock.now();
            let was_stale = self.freshness_of(&known, now) == Freshness::Stale;
            let next = known.descriptor.accept_next(envelope, now).map_err(RefreshError::Refused)?;
            let mut batch = Batch::default();
            let kept =
                KeptDescriptor { version: next.version(), envelope: next.envelope().encode_to_vec(), accepted: now };
            self.store.descriptors.keep(&mut batch, peer, &kept);
            if let Some(old) = next.version().checked_sub(KEPT_MAX) {
                self.store.descriptors.forget(&mut batch, peer, old);
            }
            let act = Act::of_node(AuditAction::Administration).content(next.content_id()).with([peer.clone()]);
            let act = act.note(format!("accepted descriptor {}", next.version()));
            let row = Peer { descriptor: kept.envelope, ..known.row };
            let entry = self.store_peer(batch, &book, PeerEntry { row, descriptor: next }, act).await?;
            info!(%peer, version = entry.descriptor.version(), "accepted the peer's next descriptor");
            (Arc::new(entry.descriptor), was_stale)
        };
        self.doubt_later(peer);
        self.tell_if_fresh_again(peer, was_stale);
        Ok(after)
    }

    /// Only the last of a walk is asked whether it has expired. One that has is held all the same: what it says of lost
    /// keys counts, and its participant is stale.
    pub(crate) fn judge_end_of_walk(&self, peer: &ParticipantId, last: &AcceptedDescriptor) {
        match last.check_not_expired(self.clock.now()) {
            Ok(()) => self.descriptor_is_well(peer),
            Err(error) => self.descriptor_is_unwell(peer, &error.to_string()),
        }
    }

    /// What is kept of a peer's chain from a version on.
    pub(crate) async fn kept_chain(
        &self,
        peer: &ParticipantId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<pb::Envelope>, ExchangeError> {
        let rows = self.store.descriptors.chain(peer, from, limit).await?;
        rows.iter().map(|kept| envelope_in(peer, kept)).collect()
    }

    /// The content of a version that is held, of a peer or of the own chain.
    pub(crate) async fn kept_hash(
        &self,
        participant: &ParticipantId,
        version: u64,
    ) -> Result<Option<ContentId>, ExchangeError> {
        Ok(self.kept_version(participant, version).await?.map(|kept| kept.content_id()))
    }

    /// A version that is held, of a peer or of the own chain.
    pub(crate) async fn kept_version(
        &self,
        participant: &ParticipantId,
        version: u64,
    ) -> Result<Option<Arc<AcceptedDescriptor>>, ExchangeError> {
        if participant == self.participant() {
            return Ok(self.own.state().version(version).map(|link| link.descriptor.clone()));
        }
        if let Some(entry) = self.book().peer(participant).ok().filter(|entry| entry.descriptor.version() == version) {
            return Ok(Some(Arc::new(entry.descriptor.clone())));
        }
        let Some(kept) = self.store.descriptors.version(participant, version).await? else { return Ok(None) };
        let envelope = envelope_in(participant, &kept)?;
        Ok(Some(Arc::new(AcceptedDescriptor::restore(self.federation(), &envelope)?)))
    }
}

/// True for a participant whose descriptor somebody vouched for, and which lets itself be named.
pub(crate) fn may_be_shown(entry: &PeerEntry) -> bool {
    entry.row.state != PeerState::Pending && entry.descriptor.message().may_be_named
}

/// The number that a descriptor's envelope says it bears.
pub(crate) fn version_of(envelope: &pb::Envelope) -> Option<u64> {
    pb::Descriptor::decode(envelope.payload.as_slice()).ok().map(|descriptor| descriptor.version)
}

fn envelope_in(peer: &ParticipantId, kept: &KeptDescriptor) -> Result<pb::Envelope, ExchangeError> {
    let damaged = || ExchangeError::Inconsistent(format!("descriptor {} of {peer} cannot be decoded", kept.version));
    pb::Envelope::decode(kept.envelope.as_slice()).map_err(|_| damaged())
}
