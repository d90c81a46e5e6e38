//! How the own chain of descriptors grows: by its file at start, by an operator who publishes the next version while the
//! node runs.
//!
//! Promises: file and store are one chain, or the node does not start; a version that is published is durable and audited
//! before anything is signed under it, and nothing decided under the one before is committed after it; no version is taken
//! in that names keys this node does not hold. Leaves out: drafting and signing descriptors, which need no node.

use std::sync::Arc;

use prost::Message as _;
use selat_policy::{DeskAct, may};
use selat_record::pb::{self, AuditAction, KeyStatus};
use selat_record::{ContentId, FederationId, ParticipantId, Timestamp};
use selat_seal::succession::check_timely;
use selat_seal::{AcceptedDescriptor, DescribedKey, KeyId, SealError, descriptor, keyfile};
use selat_store::Batch;
use selat_store::repositories::{Descriptors, KeptDescriptor};
use tracing::info;

use crate::accounts::Act;
use crate::own::{Link, WORKING, off_the_async_threads};
use crate::{Actor, Exchange, ExchangeError};

/// Versions of the own chain that are read at once.
const PAGE: usize = 64;

/// The own descriptor in force after a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its number.
    pub version: u64,
    /// Its content id.
    pub hash: ContentId,
}

impl Exchange {
    /// Takes in the next versions of the own descriptor, armoured in one text, and calls for a comparison with every peer.
    /// Versions that are in force already change nothing, so the whole file of the chain can be published, and again after
    /// a crash.
    pub async fn publish(self: &Arc<Self>, actor: &Actor, text: &str) -> Result<Published, ExchangeError> {
        may(&actor.roles, DeskAct::PublishDescriptor)?;
        let envelopes = descriptor::read_chain(text).map_err(|error| ExchangeError::Descriptor(error.to_string()))?;
        let (exchange, actor) = (self.clone(), actor.clone());
        self.to_the_end(async move { exchange.extend_own(&actor, &envelopes).await }).await
    }

    async fn extend_own(&self, actor: &Actor, envelopes: &[pb::Envelope]) -> Result<Published, ExchangeError> {
        let _one_at_a_time = self.peer_changes.lock().await;
        let book = self.book_as_stored().await?;
        let (state, now) = (self.own.state(), self.clock.now());
        let chain = joined(self.federation(), state.chain().to_vec(), envelopes, now)?;
        let new = chain.get(state.chain().len()..).unwrap_or_default();
        let Some(last) = new.last().map(|link| link.descriptor.clone()) else { return Ok(self.in_force()) };
        let before = self.descriptor();
        last.check_not_expired(now).map_err(ExchangeError::Chain)?;
        check_timely(&before, &last, now).map_err(ExchangeError::Chain)?;
        self.check_held(&before, &last).await?;
        let mut batch = Batch::default();
        keep_all(&self.store.descriptors, &mut batch, new);
        self.store.peers.advance_epoch(&mut batch, book.epoch);
        let act = Act::of(actor, AuditAction::Administration, None).content(last.content_id());
        self.account(&mut batch, act.note(format!("published descriptor {}", last.version())), now)?;
        self.store.commit(batch).await?;
        self.own.replace(chain, &self.readiness(), now).await?;
        self.replace_book(book.again(self.federation(), &last, book.epoch + 1));
        info!(version = last.version(), hash = %last.content_id(), officer = %actor.officer, "descriptor published");
        self.call_for_all();
        Ok(self.in_force())
    }

    fn in_force(&self) -> Published {
        let descriptor = self.descriptor();
        Published { version: descriptor.version(), hash: descriptor.content_id() }
    }

    /// Of each purpose the descriptor must name an active key that is held, and each key that it makes active must be.
    async fn check_held(&self, before: &AcceptedDescriptor, next: &AcceptedDescriptor) -> Result<(), ExchangeError> {
        let keys = self.own.keys().clone();
        let held = off_the_async_threads(move || keys.held()).await?;
        let is_active = |key: &&DescribedKey| key.status() == KeyStatus::Active;
        let is_held = |id: KeyId| held.iter().any(|key| key.id == id);
        let was_active = |id: KeyId| before.key(id.as_bytes()).as_ref().is_some_and(is_active);
        for purpose in WORKING {
            let (version, word) = (next.version(), keyfile::purpose_word(purpose));
            let active: Vec<_> = next.keys(purpose).filter(is_active).collect();
            if let Some(missing) = active.iter().find(|key| !was_active(key.id()) && !is_held(key.id())) {
                let id = missing.id();
                let why = format!("descriptor {version} makes {word} key {id} active, which is not held here");
                return Err(ExchangeError::KeysMissing(why));
            }
            if !active.iter().any(|key| is_held(key.id())) {
                let why = format!("descriptor {version} names no active {word} key that is held here");
                return Err(ExchangeError::KeysMissing(why));
            }
        }
        Ok(())
    }

    /// The own chain from a version on, as signed, ascending.
    pub fn own_chain(&self, from: u64) -> Vec<pb::Envelope> {
        self.own_versions(from, usize::MAX)
    }

    pub(crate) fn own_versions(&self, from: u64, limit: usize) -> Vec<pb::Envelope> {
        let state = self.own.state();
        let links = state.chain().iter().filter(|link| link.descriptor.version() >= from);
        links.take(limit).map(|link| link.descriptor.envelope().clone()).collect()
    }

    /// What is kept of a chain, for the operator: that of a peer, or the own one.
    pub async fn chain_of(
        &self,
        actor: &Actor,
        peer: Option<&ParticipantId>,
    ) -> Result<Vec<pb::Envelope>, ExchangeError> {
        may(&actor.roles, DeskAct::SeeTrust)?;
        let Some(peer) = peer.filter(|peer| *peer != self.participant()) else { return Ok(self.own_chain(0)) };
        let book = self.book();
        let current = book.peer(peer)?.descriptor.envelope().clone();
        let kept = self.kept_chain(peer, 0, usize::MAX).await?;
        Ok(if kept.is_empty() { vec![current] } else { kept })
    }

    /// Puts the own chain to use as the store holds it: a publication whose outcome was unknown may have been made all the
    /// same. The caller holds `peer_changes`.
    pub(crate) async fn own_as_stored(&self) -> Result<(), ExchangeError> {
        let chain = stored_chain(&self.store.descriptors, self.federation(), self.participant()).await?;
        let newest = chain.last().map(|link| link.descriptor.version());
        if newest.is_some_and(|newest| newest > self.descriptor().version()) {
            self.own.replace(chain, &self.readiness(), self.clock.now()).await?;
        }
        Ok(())
    }

    /// Makes the part of the own chain durable that only its file had. At start, before anything is signed.
    pub(crate) async fn keep_own(&self, new: &[Link]) -> Result<(), ExchangeError> {
        let Some(last) = new.last() else { return Ok(()) };
        let mut batch = Batch::default();
        keep_all(&self.store.descriptors, &mut batch, new);
        let act = Act::of_node(AuditAction::Administration).content(last.descriptor.content_id());
        let note = format!("took descriptor {} from its file", last.descriptor.version());
        self.account(&mut batch, act.note(note), self.clock.now())?;
        self.store.commit(batch).await?;
        Ok(())
    }
}

/// The own chain as the store holds it.
pub(crate) async fn stored_chain(
    store: &Descriptors,
    federation: &FederationId,
    own: &ParticipantId,
) -> Result<Vec<Link>, ExchangeError> {
    let mut chain: Vec<Link> = Vec::new();
    loop {
        let from = chain.last().map_or(0, |link| link.descriptor.version() + 1);
        let page = store.chain(own, from, PAGE).await?;
        if page.is_empty() {
            return Ok(chain);
        }
        for kept in page {
            chain.push(restored(federation, &kept)?);
        }
    }
}

fn restored(federation: &FederationId, kept: &KeptDescriptor) -> Result<Link, ExchangeError> {
    let damaged = || ExchangeError::Inconsistent(format!("own descriptor {} cannot be decoded", kept.version));
    let envelope = pb::Envelope::decode(kept.envelope.as_slice()).map_err(|_| damaged())?;
    let descriptor = Arc::new(AcceptedDescriptor::restore(federation, &envelope)?);
    Ok(Link { descriptor, accepted: kept.accepted })
}

/// The own chain at start: what the store holds, and what the file holds beyond. An error if they are not one chain.
pub(crate) fn reconciled(
    federation: &FederationId,
    own: &ParticipantId,
    stored: Vec<Link>,
    file: &[pb::Envelope],
    now: Timestamp,
) -> Result<Vec<Link>, ExchangeError> {
    let apart = |error: ExchangeError| ExchangeError::OwnChain(error.to_string());
    let chain = joined(federation, stored, file, now).map_err(apart)?;
    match chain.last().map(|link| link.descriptor.participant()) {
        None => Err(ExchangeError::OwnChain("neither holds a descriptor".into())),
        Some(found) if found != own => Err(ExchangeError::OwnChain(format!("the descriptor is of {found}"))),
        Some(_) => Ok(chain),
    }
}

/// `held` with what the envelopes bring beyond. They are a chain themselves and may begin anywhere; what both hold must be
/// the same.
fn joined(
    federation: &FederationId,
    mut held: Vec<Link>,
    envelopes: &[pb::Envelope],
    now: Timestamp,
) -> Result<Vec<Link>, ExchangeError> {
    let given = walked(federation, envelopes, now)?;
    let Some(first) = held.first().map(|link| link.descriptor.clone()) else { return Ok(given) };
    for link in &given {
        let version = link.descriptor.version();
        match held.iter().find(|known| known.descriptor.version() == version) {
            Some(known) if known.descriptor.content_id() == link.descriptor.content_id() => {}
            Some(known) => return Err(ExchangeError::Chain(contradicts(&link.descriptor, &known.descriptor))),
            // It is older than what is held; the versions after it are compared.
            None if version < first.version() => {}
            None => held.push(next_link(held.last(), link.descriptor.envelope(), now)?),
        }
    }
    match given.last().map(|link| &link.descriptor) {
        Some(last) if last.version() < first.version() && !follows(&first, last) => {
            Err(ExchangeError::Chain(contradicts(last, &first)))
        }
        _ => Ok(held),
    }
}

/// The envelopes as a chain of their own.
fn walked(federation: &FederationId, envelopes: &[pb::Envelope], now: Timestamp) -> Result<Vec<Link>, ExchangeError> {
    let mut chain: Vec<Link> = Vec::with_capacity(envelopes.len());
    for envelope in envelopes {
        let link = match chain.last() {
            None => {
                let first = AcceptedDescriptor::restore(federation, envelope).map_err(ExchangeError::Chain)?;
                Link { descriptor: Arc::new(first), accepted: now }
            }
            last => next_link(last, envelope, now)?,
        };
        chain.push(link);
    }
    Ok(chain)
}

fn next_link(last: Option<&Link>, envelope: &pb::Envelope, now: Timestamp) -> Result<Link, ExchangeError> {
    let last = last.ok_or_else(|| ExchangeError::Inconsistent("there is no own descriptor".into()))?;
    let next = last.descriptor.accept_next(envelope, now).map_err(ExchangeError::Chain)?;
    Ok(Link { descriptor: Arc::new(next), accepted: now })
}

fn follows(next: &AcceptedDescriptor, before: &AcceptedDescriptor) -> bool {
    next.version() == before.version() + 1 && next.message().previous == before.content_id().as_bytes()
}

fn contradicts(given: &AcceptedDescriptor, held: &AcceptedDescriptor) -> SealError {
    let rule = Box::new(SealError::SameVersion { held: held.content_id() });
    SealError::InDescriptor { participant: given.participant().clone(), version: given.version(), rule }
}

fn keep_all(store: &Descriptors, batch: &mut Batch, links: &[Link]) {
    for Link { descriptor, accepted } in links {
        let envelope = descriptor.envelope().encode_to_vec();
        let kept = KeptDescriptor { version: descriptor.version(), envelope, accepted: *accepted };
        store.keep(batch, descriptor.participant(), &kept);
    }
}
