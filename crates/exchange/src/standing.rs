//! An operator stops a peer's traffic, lets it flow again, or forgets the peer.
//!
//! Promises: each act is durable together with its audit entry and with the next epoch of the book, so that nothing decided
//! before it is committed after it; what a peer gave, and what was given to it, stays.

use std::sync::Arc;

use selat_policy::{DeskAct, may};
use selat_record::pb::AuditAction;
use selat_record::{Faults, ParticipantId};
use selat_store::Batch;
use selat_store::repositories::{Peer, PeerState, Stopped};
use tracing::info;

use crate::accounts::Act;
use crate::status::Following;
use crate::{Actor, Exchange, ExchangeError, PeerEntry};

/// Longest reason in characters.
const REASON_MAX: usize = 200;

/// The row of a peer after a change of its standing; `None` if it stands like that already.
type Change = fn(&Exchange, &Actor, &Peer, &str) -> Result<Option<Peer>, ExchangeError>;

impl Exchange {
    /// Stops the traffic of an approved peer until it is resumed. A peer that is suspended already stays as it is.
    pub async fn suspend(
        self: &Arc<Self>,
        actor: &Actor,
        peer: &ParticipantId,
        reason: &str,
    ) -> Result<PeerEntry, ExchangeError> {
        self.change_standing(actor, peer, reason, Exchange::suspended).await
    }

    /// Lets the traffic of a suspended peer flow again. What was held back meanwhile is released by
    /// [`Exchange::release_backlog`]. A peer that is approved stays as it is.
    pub async fn resume(
        self: &Arc<Self>,
        actor: &Actor,
        peer: &ParticipantId,
        reason: &str,
    ) -> Result<PeerEntry, ExchangeError> {
        self.change_standing(actor, peer, reason, Exchange::resumed).await
    }

    /// Forgets a peer with all its descriptors: it can only come back by a new ceremony. Its records, the logs between us
    /// and the acceptances of it stay.
    pub async fn remove(
        self: &Arc<Self>,
        actor: &Actor,
        peer: &ParticipantId,
        reason: &str,
    ) -> Result<(), ExchangeError> {
        may(&actor.roles, DeskAct::ManagePeers)?;
        let reason = plain("reason", reason, REASON_MAX)?;
        let (exchange, actor, peer) = (self.clone(), actor.clone(), peer.clone());
        self.to_the_end(async move { exchange.forget(&actor, &peer, &reason).await }).await
    }

    async fn change_standing(
        self: &Arc<Self>,
        actor: &Actor,
        peer: &ParticipantId,
        reason: &str,
        change: Change,
    ) -> Result<PeerEntry, ExchangeError> {
        may(&actor.roles, DeskAct::ManagePeers)?;
        let reason = plain("reason", reason, REASON_MAX)?;
        let (exchange, actor, peer) = (self.clone(), actor.clone(), peer.clone());
        let change = async move {
            let _one_at_a_time = exchange.peer_changes.lock().await;
            let book = exchange.book_as_stored().await?;
            let known = book.peer(&peer)?;
            let Some(row) = change(&exchange, &actor, &known.row, &reason)? else { return Ok(known.clone()) };
            let word = if row.state == PeerState::Suspended { "suspended" } else { "resumed" };
            let act = Act::of(&actor, AuditAction::Administration, None).with([peer.clone()]);
            let act = act.note(format!("{word}: {reason}"));
            let entry = PeerEntry { row, ..known.clone() };
            let entry = exchange.store_peer(Batch::default(), &book, entry, act).await?;
            info!(%peer, officer = %actor.officer, standing = word, "standing of a peer changed");
            Ok(entry)
        };
        self.to_the_end(change).await
    }

    /// The row of a peer that is suspended now; `None` if it is already.
    fn suspended(&self, actor: &Actor, known: &Peer, reason: &str) -> Result<Option<Peer>, ExchangeError> {
        match known.state {
            PeerState::Suspended => Ok(None),
            PeerState::Approved => {
                let by = actor.officer.to_string();
                let stopped = Some(Stopped { reason: reason.to_owned(), by, at: self.clock.now() });
                Ok(Some(Peer { state: PeerState::Suspended, stopped, ..known.clone() }))
            }
            PeerState::Pending => Err(refused(known, "is not approved: there is no traffic to stop")),
            PeerState::Frozen => Err(refused(known, FROZEN)),
        }
    }

    /// The row of a peer whose traffic flows again; `None` if it does already.
    fn resumed(&self, _: &Actor, known: &Peer, _: &str) -> Result<Option<Peer>, ExchangeError> {
        match known.state {
            PeerState::Approved => Ok(None),
            PeerState::Suspended => Ok(Some(Peer { state: PeerState::Approved, stopped: None, ..known.clone() })),
            PeerState::Pending => Err(refused(known, "is not approved")),
            PeerState::Frozen => Err(refused(known, FROZEN)),
        }
    }

    async fn forget(&self, actor: &Actor, peer: &ParticipantId, reason: &str) -> Result<(), ExchangeError> {
        let _one_at_a_time = self.peer_changes.lock().await;
        let book = self.book_as_stored().await?;
        let known = book.peer(peer)?;
        let mut batch = Batch::default();
        self.store.peers.remove(&mut batch, &known.row);
        self.store.descriptors.forget_all(&mut batch, peer).await?;
        self.store.peers.advance_epoch(&mut batch, book.epoch);
        let act = Act::of(actor, AuditAction::Administration, None).content(known.descriptor.content_id());
        self.account(&mut batch, act.with([peer.clone()]).note(format!("removed: {reason}")), self.clock.now())?;
        self.store.commit(batch).await?;
        self.replace_book(book.without(self.federation(), &self.descriptor(), book.epoch + 1, peer));
        self.following.update(peer, |line| *line = Following::default());
        self.comparisons.forget(peer);
        info!(%peer, officer = %actor.officer, "peer removed");
        Ok(())
    }
}

/// What becomes of a frozen peer is not for an operator to choose: its keys have been used against somebody.
const FROZEN: &str = "is frozen: remove it and compare a new descriptor with its people";

fn refused(known: &Peer, why: &str) -> ExchangeError {
    ExchangeError::PeerState { peer: known.participant.clone(), why: why.into() }
}

/// What a person wrote, without space around it: 1 to `max` characters of plain text.
pub(crate) fn plain(field: &str, text: &str, max: usize) -> Result<String, Faults> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || length > max || text.chars().any(char::is_control) {
        return Err(Faults::one(field, format!("is not 1 to {max} characters of plain text")));
    }
    Ok(text.to_owned())
}
