//! How a participant becomes a peer: its descriptor comes as a file, the pairwise phrase is compared over a second
//! channel, an operator approves. Until then nothing is exchanged; until the other side approved too, its node refuses
//! our connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use selat_policy::{Decision, DeskAct, decide_linked_release, may};
use selat_record::pb::{AuditAction, LogEntryKind};
use selat_record::{ParticipantId, RecordId};
use selat_seal::{AcceptedDescriptor, SafetyPhrase};
use selat_store::repositories::{Approval, Head, HeldRecord, KeptDescriptor, Peer, PeerState};
use selat_store::{Batch, StoreError};
use tracing::{info, warn};

use crate::accounts::{Act, Release};
use crate::standing::plain;
use crate::{Actor, Book, Exchange, ExchangeError, PeerEntry};

/// Longest description of the second channel in characters.
const CHANNEL_MAX: usize = 200;
/// Records that one step of the backlog releases.
const BACKLOG_STEP: usize = 128;
/// How often a late release starts again because another change came first.
const TRIES_MAX: usize = 8;

impl Exchange {
    /// Takes in a participant as a pending peer. The same descriptor again changes nothing; another one replaces it
    /// while the peer is pending, and is refused afterwards.
    pub async fn join(
        self: &Arc<Self>,
        actor: &Actor,
        descriptor: AcceptedDescriptor,
    ) -> Result<PeerEntry, ExchangeError> {
        may(&actor.roles, DeskAct::ManagePeers)?;
        let (exchange, actor) = (self.clone(), actor.clone());
        self.to_the_end(async move { exchange.take_in(&actor, descriptor).await }).await
    }

    async fn take_in(&self, actor: &Actor, descriptor: AcceptedDescriptor) -> Result<PeerEntry, ExchangeError> {
        let participant = descriptor.participant().clone();
        if participant == *self.participant() {
            return Err(ExchangeError::PeerState { peer: participant, why: "this is our own descriptor".into() });
        }
        let _one_at_a_time = self.peer_changes.lock().await;
        let book = self.book_as_stored().await?;
        if let Ok(known) = book.peer(&participant) {
            if known.descriptor.content_id() == descriptor.content_id() {
                return Ok(known.clone());
            }
            if known.row.state != PeerState::Pending {
                let why =
                    "is neither pending nor approved: resume it if it is suspended, remove it if it is frozen".into();
                return Err(ExchangeError::PeerState { peer: participant, why });
            }
        }
        let row = Peer {
            participant: participant.clone(),
            state: PeerState::Pending,
            descriptor: prost::Message::encode_to_vec(descriptor.envelope()),
            joined: self.clock.now(),
            approval: None,
            stopped: None,
        };
        let act = Act::of(actor, AuditAction::Administration, None).content(descriptor.content_id());
        let act = act.with([participant.clone()]).note("took in a descriptor");
        let mut batch = Batch::default();
        let (version, envelope) = (descriptor.version(), row.descriptor.clone());
        let kept = KeptDescriptor { version, envelope, accepted: row.joined };
        self.store.descriptors.begin(&mut batch, &participant, &kept).await?;
        let entry = self.store_peer(batch, &book, PeerEntry { row, descriptor }, act).await?;
        self.comparisons.forget(&participant);
        Ok(entry)
    }

    /// The twelve words that both sides must read alike.
    pub fn fingerprint(&self, actor: &Actor, peer: &ParticipantId) -> Result<SafetyPhrase, ExchangeError> {
        may(&actor.roles, DeskAct::ManagePeers)?;
        let book = self.book();
        Ok(SafetyPhrase::between(&self.descriptor().content_id(), &book.peer(peer)?.descriptor.content_id()))
    }

    /// Approves a pending peer after `words`, as the other side read them out over `channel`, were found equal to ours.
    /// Records that it may have are released to it from now on, those already held by [`Exchange::release_backlog`].
    pub async fn approve(
        self: &Arc<Self>,
        actor: &Actor,
        peer: &ParticipantId,
        words: &[String],
        channel: &str,
    ) -> Result<PeerEntry, ExchangeError> {
        let (exchange, actor, peer) = (self.clone(), actor.clone(), peer.clone());
        let (words, channel) = (words.to_vec(), channel.to_owned());
        self.to_the_end(async move {
            let approved = exchange.approve_heard(&actor, &peer, &words, &channel).await?;
            // Its records may be here since an earlier time, signed by keys that it has lost since.
            exchange.doubt_later(&peer);
            Ok(approved)
        })
        .await
    }

    async fn approve_heard(
        &self,
        actor: &Actor,
        peer: &ParticipantId,
        words: &[String],
        channel: &str,
    ) -> Result<PeerEntry, ExchangeError> {
        may(&actor.roles, DeskAct::ManagePeers)?;
        let _one_at_a_time = self.peer_changes.lock().await;
        let (book, own) = (self.book_as_stored().await?, self.descriptor());
        let known = book.peer(peer)?;
        let phrase = SafetyPhrase::between(&own.content_id(), &known.descriptor.content_id());
        if let PeerState::Frozen | PeerState::Suspended = known.row.state {
            let why = "is stopped: resume it if it is suspended, remove it if it is frozen";
            return Err(ExchangeError::PeerState { peer: peer.clone(), why: why.into() });
        }
        let heard = words.iter().map(|word| word.trim().to_lowercase());
        if !heard.eq(phrase.words().iter().map(|word| (*word).to_owned())) {
            self.account_now(self.phrase_failed(actor, peer)).await?;
            return Err(ExchangeError::PhraseMismatch);
        }
        let channel = plain("channel", channel, CHANNEL_MAX)?;
        if known.is_approved() {
            return Ok(known.clone());
        }
        let note = format!("approved over {channel}");
        let approval = Approval { by: actor.officer.to_string(), at: self.clock.now(), channel };
        let mut batch = Batch::default();
        self.accept(&mut batch, (&own, &known.descriptor), &approval).await?;
        let row = Peer { state: PeerState::Approved, approval: Some(approval), ..known.row.clone() };
        let act = Act::of(actor, AuditAction::Administration, None).content(known.descriptor.content_id());
        let act = act.with([peer.clone()]).note(note);
        let entry = PeerEntry { row, ..known.clone() };
        let entry = self.store_peer(batch, &book, entry, act).await?;
        info!(%peer, officer = %actor.officer, "peer approved");
        Ok(entry)
    }

    fn phrase_failed(&self, actor: &Actor, peer: &ParticipantId) -> Act<'static> {
        Act::of(actor, AuditAction::Administration, None).with([peer.clone()]).note("the phrase did not match")
    }

    /// Writes the peer, and whatever `batch` holds, with the next epoch, so that no batch decided by the old book is
    /// committed after it. The caller holds `peer_changes` since before it looked at `book`.
    pub(crate) async fn store_peer(
        &self,
        mut batch: Batch,
        book: &Book,
        entry: PeerEntry,
        act: Act<'_>,
    ) -> Result<PeerEntry, ExchangeError> {
        match book.peer(&entry.row.participant) {
            Ok(known) => self.store.peers.replace(&mut batch, &known.row, &entry.row),
            Err(_) => self.store.peers.add(&mut batch, &entry.row),
        }
        self.store.peers.advance_epoch(&mut batch, book.epoch);
        self.account(&mut batch, act, self.clock.now())?;
        self.store.commit(batch).await?;
        self.replace_book(book.with(self.federation(), &self.descriptor(), book.epoch + 1, entry.clone()));
        Ok(entry)
    }

    /// True if the set of peers has changed since `epoch`. The book then shows it.
    pub(crate) async fn newer_book(&self, epoch: u64) -> Result<bool, ExchangeError> {
        // A change is durable a moment before the book shows it; whoever makes it holds this lock until it does.
        let _one_at_a_time = self.peer_changes.lock().await;
        Ok(self.book_as_stored().await?.epoch != epoch)
    }

    /// The book, read again if the store is ahead of it: a write whose outcome was unknown may have been made all the
    /// same. The caller holds `peer_changes`.
    pub(crate) async fn book_as_stored(&self) -> Result<Arc<Book>, ExchangeError> {
        let epoch = self.store.peers.epoch().await?;
        if self.book().epoch != epoch {
            let mut peers = BTreeMap::new();
            for row in self.store.peers.all().await? {
                let entry = entry_of(row, self.federation())?;
                peers.insert(entry.row.participant.clone(), entry);
            }
            warn!(epoch, "the set of peers was read again from the store");
            self.own_as_stored().await?;
            self.replace_book(Book::new(self.federation(), &self.descriptor(), epoch, peers));
        }
        Ok(self.book())
    }

    /// Releases to `peer` every own record that it may have and has not got. Safe to run again at any time: what is
    /// already in the log stays as it is. Returns how many records were released. A record that cannot be read is logged
    /// and does not stop the others; the first such error is returned once they are done.
    pub async fn release_backlog(&self, peer: &ParticipantId) -> Result<u64, ExchangeError> {
        let mut after = None;
        let mut released = 0;
        let mut first_fault = None;
        loop {
            let page = self.store.records.scan_heads_of(self.participant(), after, BACKLOG_STEP).await?;
            let Some(last) = page.last() else { return first_fault.map_or(Ok(released), Err) };
            after = Some(last.record_id);
            // Side by side, so that the appender makes them durable together.
            let done = join_all(page.iter().map(|held| self.release_late(peer, held))).await;
            self.wake(peer);
            for (held, done) in page.iter().zip(done) {
                match done {
                    Ok(is_new) => released += u64::from(is_new),
                    Err(error) if is_of_one_record(&error) => {
                        warn!(%peer, record = %held.record_id, %error, "record not released");
                        first_fault.get_or_insert(error);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Releases one record to a peer that came later. False if it may not have it, or has it.
    async fn release_late(&self, peer: &ParticipantId, held: &HeldRecord) -> Result<bool, ExchangeError> {
        let id = held.record_id;
        let mut head = held.head.clone();
        for _ in 0..TRIES_MAX {
            let book = self.book();
            match self.try_release_late(&book, peer, (id, &head)).await {
                // Released meanwhile by the ordinary way, or the set of peers changed: look again.
                Err(ExchangeError::Store(StoreError::Conflict { .. })) => _ = self.newer_book(book.epoch).await?,
                done => return done,
            }
            let Some(now_held) = self.store.records.head(self.participant(), id).await? else { return Ok(false) };
            head = now_held;
        }
        Err(ExchangeError::Busy)
    }

    async fn try_release_late(
        &self,
        book: &Book,
        peer: &ParticipantId,
        (id, head): (RecordId, &Head),
    ) -> Result<bool, ExchangeError> {
        let now = self.clock.now();
        book.approved_peer(peer)?;
        let content = head.content_id;
        let earlier = self.store.releases.recipients(id).await?;
        if earlier.iter().any(|recipient| recipient.peer == *peer && recipient.version == head.version) {
            return Ok(false);
        }
        let record = self.load(self.participant(), id, content).await?;
        let linked = self.linked(&record).await?;
        let decision = decide_linked_release(&record, &linked.records, &self.facts(book, peer, now), now);
        let Decision::Permit(permit) = decision else { return Ok(false) };
        let amended = earlier.iter().any(|recipient| recipient.peer == *peer);
        let kind = if amended { LogEntryKind::Amendment } else { LogEntryKind::Release };
        let mut batch = Batch::default();
        self.store.peers.require_epoch(&mut batch, book.epoch);
        // An amendment in between would otherwise stand in the log before the version that it replaces.
        self.store.records.require_head(&mut batch, self.participant(), id, head);
        self.require_linked(&mut batch, &linked);
        let release = Release { recipient: peer, record: &record, content, kind, permit: &permit };
        self.account_release(&mut batch, &release, now)?;
        let act = Act::of_node(AuditAction::Disclosure).about(&record, content).with([peer.clone()]);
        self.account(&mut batch, act.note("released late"), now)?;
        self.store.commit(batch).await?;
        Ok(true)
    }
}

/// True if other records may fare better.
pub(crate) fn is_of_one_record(error: &ExchangeError) -> bool {
    use ExchangeError::{Busy, ContentMissing, Inconsistent, Invalid, Store};
    match error {
        Inconsistent(_) | ContentMissing(_) | Invalid(_) | Busy => true,
        Store(error) => matches!(error, StoreError::Damaged { .. } | StoreError::Sealed(_)),
        _ => false,
    }
}

/// Rows of peers as the book holds them; a stored descriptor is checked again as if it came today.
pub(crate) fn entry_of(row: Peer, federation: &selat_record::FederationId) -> Result<PeerEntry, ExchangeError> {
    let envelope = prost::Message::decode(row.descriptor.as_slice())
        .map_err(|_| ExchangeError::Inconsistent(format!("descriptor of {} cannot be decoded", row.participant)))?;
    let descriptor = AcceptedDescriptor::restore(federation, &envelope)?;
    Ok(PeerEntry { row, descriptor })
}
