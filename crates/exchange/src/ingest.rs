//! A record is born, amended or released further.
//!
//! One batch holds the encrypted envelope, its indexes, the audit entry and one release entry per permitted peer; the
//! receipt is given when that batch is durable. The batch requires the set of approved peers to be the one that policy
//! saw, so that no peer is missed and none is served after its removal.

mod links;
mod to_the_end;

use std::sync::Arc;
use std::time::Duration;

use selat_policy::{Decision, DeskAct, Permit, decide_linked_release, may};
use selat_record::ids::mint_uuid;
use selat_record::pb::{AuditAction, LogEntryKind};
use selat_record::{
    Audience, ContentId, Draft, Faults, Minted, ParticipantId, Protection, Record, RecordId, Timestamp,
};
use selat_seal::Sealed;
use selat_store::repositories::{Head, HeldRecord, Imported, NewVersion, Source, Version};
use selat_store::{Batch, RecordKey, StoreError};

use self::links::Linked;
use crate::accounts::{Act, Release};
use crate::{Actor, Book, Exchange, ExchangeError, Reason};

/// How often an ingest starts again because the set of peers changed meanwhile.
const TRIES_MAX: usize = 8;
/// Longest validity that may be asked for, in days: ten years.
const VALID_DAYS_MAX: u32 = 3660;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What a record that was released further says of itself; its handling says to whom.
const WIDENED: &str = "its audience was widened";
/// Why an amendment that protects less than the version before is refused.
const LIFTED: &str =
    "cannot be taken away by an amendment: lifting it needs two people, which this version does not offer";

/// What was made durable, and who got it.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The record.
    pub record: RecordId,
    /// The version made.
    pub version: u32,
    /// Its content id.
    pub content: ContentId,
    /// One per approved peer, by participant.
    pub releases: Vec<ReleaseOutcome>,
}

/// Whether one peer got the version.
#[derive(Debug, Clone)]
pub struct ReleaseOutcome {
    /// The peer.
    pub peer: ParticipantId,
    /// Index in the release log to it, or rule and reason why not.
    pub result: Result<u64, (String, String)>,
}

/// The row of an import that a record comes from.
pub(crate) struct SourceMark<'a> {
    pub(crate) source: &'a str,
    pub(crate) key: &'a str,
    pub(crate) digest: [u8; 32],
    /// What the row became when it was imported before.
    pub(crate) was: Option<Imported>,
}

/// What is to be admitted: a draft, as a new record or as the next version of `replaces`.
pub(crate) struct Admission<'a> {
    pub(crate) actor: &'a Actor,
    /// Missing for the node's own upkeep.
    pub(crate) reason: Option<&'a Reason>,
    pub(crate) draft: Draft,
    pub(crate) valid_until: Option<Timestamp>,
    pub(crate) replaces: Option<HeldRecord>,
    pub(crate) source: Option<SourceMark<'a>>,
}

impl Exchange {
    /// Makes a new record of `draft` and releases it to every peer that its handling and the floor permit.
    pub async fn put(
        self: &Arc<Self>,
        actor: &Actor,
        reason: &Reason,
        draft: Draft,
        valid_days: u32,
    ) -> Result<Receipt, ExchangeError> {
        may(&actor.roles, DeskAct::PutRecord)?;
        let valid_until = self.valid_for(valid_days);
        self.admit(Admission { actor, reason: Some(reason), draft, valid_until, replaces: None, source: None }).await
    }

    /// Replaces version `from_version` of an own record by `draft`.
    pub async fn amend(
        self: &Arc<Self>,
        actor: &Actor,
        reason: &Reason,
        (id, from_version): (RecordId, u32),
        draft: Draft,
        valid_days: u32,
    ) -> Result<Receipt, ExchangeError> {
        may(&actor.roles, DeskAct::AmendRecord)?;
        let held = self.own(id).await?;
        let current = held.head.version;
        if current != from_version {
            return Err(ExchangeError::VersionConflict { record: id, expected: from_version, current });
        }
        let valid_until = self.valid_for(valid_days);
        self.admit(Admission { actor, reason: Some(reason), draft, valid_until, replaces: Some(held), source: None })
            .await
    }

    /// Makes a new version of an own record whose audience also holds `to`. It expires when the version before would have;
    /// one that has expired is refused, and so is an audience that it has already.
    pub async fn release(
        self: &Arc<Self>,
        actor: &Actor,
        reason: &Reason,
        id: RecordId,
        to: Audience,
    ) -> Result<Receipt, ExchangeError> {
        may(&actor.roles, DeskAct::ReleaseRecord)?;
        let held = self.own(id).await?;
        let record = self.load(self.participant(), id, held.head.content_id).await?;
        let draft = widened(&record, to)?;
        let valid_until = record.valid_until();
        self.admit(Admission { actor, reason: Some(reason), draft, valid_until, replaces: Some(held), source: None })
            .await
    }

    /// The record, if it is held and its originator is this participant.
    async fn own(&self, id: RecordId) -> Result<HeldRecord, ExchangeError> {
        match self.store.records.find(id).await?.into_iter().next() {
            None => Err(ExchangeError::RecordNotFound(id)),
            Some(held) if held.originator == *self.participant() => Ok(held),
            Some(held) => Err(ExchangeError::NotOriginator { record: id, originator: held.originator }),
        }
    }

    pub(crate) async fn admit(self: &Arc<Self>, admission: Admission<'_>) -> Result<Receipt, ExchangeError> {
        self.check_protection(&admission).await?;
        for _ in 0..TRIES_MAX {
            let book = self.book();
            let (record, sealed) = self.seal_record(&admission).await?;
            let earlier = self.earlier_recipients(&record).await?;
            let linked = self.linked(&record).await?;
            let decided = self.decide_for_all(&record, &linked, (&book, &earlier));
            let mut batch = self.admission_batch(&admission, &record, &sealed, (&book, &decided)).await?;
            self.require_linked(&mut batch, &linked);
            match self.commit_admitted(batch, record, sealed.content_id, decided).await {
                Ok(receipt) => return Ok(receipt),
                Err(StoreError::Conflict { .. }) if self.newer_book(book.epoch).await? => {}
                Err(StoreError::Conflict { .. }) => self.check_foundations(&admission).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(ExchangeError::Busy)
    }

    /// Whoever leaves protection out of an amendment, and be it the mapping of an import, must not lift it by that.
    async fn check_protection(&self, admission: &Admission<'_>) -> Result<(), ExchangeError> {
        let Some(held) = &admission.replaces else { return Ok(()) };
        let before = self.load(self.participant(), held.record_id, held.head.content_id).await?;
        if before.protection().is_none_or(|before| is_kept(before, admission.draft.protection())) {
            return Ok(());
        }
        Err(Faults::one("protection", LIFTED).into())
    }

    /// The end of a validity that begins now. 0 days: as configured.
    pub(crate) fn valid_for(&self, days: u32) -> Option<Timestamp> {
        let days = if days == 0 { self.limits.record_valid_days } else { days.min(VALID_DAYS_MAX) };
        Some(self.clock.now().plus(DAY * days))
    }

    async fn seal_record(&self, admission: &Admission<'_>) -> Result<(Record, Sealed), ExchangeError> {
        let now = self.clock.now();
        let (record_id, version, replaces) = match &admission.replaces {
            None => (RecordId::mint(now, self.random()), 1, None),
            Some(held) => (held.record_id, held.head.version + 1, Some(held.head.content_id)),
        };
        let record = admission.draft.clone().complete(Minted {
            federation: self.federation().clone(),
            originator: self.participant().clone(),
            payload_id: *mint_uuid(now, self.random()).as_bytes(),
            record_id,
            version,
            replaces,
            created: now,
            valid_until: admission.valid_until,
            descriptor_version: self.descriptor().version(),
        })?;
        let sealed = self.sign(record.message()).await?;
        Ok((record, sealed))
    }

    /// Peers that already hold a version of the record: for them the new one is an amendment.
    async fn earlier_recipients(&self, record: &Record) -> Result<Vec<ParticipantId>, ExchangeError> {
        if record.version() == 1 {
            return Ok(Vec::new());
        }
        let recipients = self.store.releases.recipients(record.id()).await?;
        Ok(recipients.into_iter().map(|recipient| recipient.peer).collect())
    }

    fn decide_for_all(
        &self,
        record: &Record,
        linked: &Linked,
        (book, earlier): (&Book, &[ParticipantId]),
    ) -> Vec<Decided> {
        let now = self.clock.now();
        let decide = |peer: &ParticipantId| Decided {
            peer: peer.clone(),
            kind: if earlier.contains(peer) { LogEntryKind::Amendment } else { LogEntryKind::Release },
            decision: decide_linked_release(record, &linked.records, &self.facts(book, peer, now), now),
        };
        book.approved().map(|peer| decide(&peer.row.participant)).collect()
    }

    async fn admission_batch(
        &self,
        admission: &Admission<'_>,
        record: &Record,
        sealed: &Sealed,
        (book, decided): (&Book, &[Decided]),
    ) -> Result<Batch, ExchangeError> {
        let now = self.clock.now();
        let mut batch = Batch::default();
        self.store.peers.require_epoch(&mut batch, book.epoch);
        let content = sealed.content_id;
        for (decided, permit) in decided.iter().filter_map(Decided::permitted) {
            let release = Release { recipient: &decided.peer, record, content, kind: decided.kind, permit };
            self.account_release(&mut batch, &release, now)?;
        }
        let action = if record.version() == 1 { AuditAction::Collection } else { AuditAction::Alteration };
        let receivers = decided.iter().filter_map(Decided::permitted).map(|(decided, _)| decided.peer.clone());
        let act = Act::of(admission.actor, action, admission.reason).about(record, content).with(receivers);
        self.account(&mut batch, act, now)?;
        let stored = Stored { record, content, envelope: &sealed.bytes, source: Source::Own };
        self.store_version(&mut batch, &stored, admission.replaces.as_ref().map(|held| &held.head), now).await?;
        if let Some(mark) = &admission.source {
            let is = Imported { record_id: record.id(), digest: mark.digest, content_id: content };
            self.store.sources.put(&mut batch, mark.source, mark.key, mark.was.as_ref(), &is);
        }
        Ok(batch)
    }

    /// What is durable is found, counted and sent even if whoever asked for it has hung up.
    async fn commit_admitted(
        self: &Arc<Self>,
        batch: Batch,
        record: Record,
        content: ContentId,
        decided: Vec<Decided>,
    ) -> Result<Receipt, StoreError> {
        let exchange = self.clone();
        let commit = async move {
            let committed = exchange.store.commit(batch).await?;
            Ok(exchange.admitted(&record, content, decided, &committed.indexes))
        };
        self.to_the_end(commit).await
    }

    /// What follows once the batch is durable: the index learns the record, followers are woken, the receipt is written.
    fn admitted(&self, record: &Record, content: ContentId, decided: Vec<Decided>, indexes: &[u64]) -> Receipt {
        let (id, version) = (record.id(), record.version());
        if version == 1 {
            self.counts.add(true);
        }
        self.index_record(record, content);
        let mut indexes = indexes.iter().copied();
        let releases = decided.into_iter().map(|decided| {
            let result = match decided.decision {
                Decision::Permit(_) => Ok(indexes.next().unwrap_or_default()),
                Decision::Refuse(refusal) => Err((refusal.rule().id().to_owned(), refusal.why().to_owned())),
            };
            ReleaseOutcome { peer: decided.peer, result }
        });
        let receipt = Receipt { record: id, version, content, releases: releases.collect() };
        receipt.releases.iter().filter(|release| release.result.is_ok()).for_each(|release| self.wake(&release.peer));
        receipt
    }

    /// Adds a version to the batch, under the record's key, which the first version here mints.
    pub(crate) async fn store_version(
        &self,
        batch: &mut Batch,
        stored: &Stored<'_>,
        head: Option<&Head>,
        now: Timestamp,
    ) -> Result<(), ExchangeError> {
        let record = stored.record;
        let (originator, record_id) = (record.originator(), record.id());
        // A record of which every version was taken out of sight has a key and no head.
        let key: RecordKey = match (self.store.records.record_key(originator, record_id).await?, head) {
            (Some(key), _) => key,
            (None, None) => self.store.records.mint_record_key(batch, originator, record_id),
            (None, Some(_)) => {
                return Err(ExchangeError::Inconsistent(format!("record {record_id} has no key any more")));
            }
        };
        let version = Version {
            version: record.version(),
            content_id: stored.content,
            kind: record.kind(),
            first_logged: now,
            valid_until: record.valid_until(),
            replaces: record.replaces(),
            source: stored.source,
        };
        let new = NewVersion { originator, record_id, version, envelope: stored.envelope, key: &key, head };
        self.store.records.put_version(batch, &new);
        Ok(())
    }

    /// After a conflict that no peer caused. An error if the version to be replaced or the row is no longer what it was;
    /// else it was a record linked to, and what follows from it is decided again.
    async fn check_foundations(&self, admission: &Admission<'_>) -> Result<(), ExchangeError> {
        if let Some(expected) = &admission.replaces {
            let record = expected.record_id;
            let head = self.store.records.head(&expected.originator, record).await?;
            let current = head.ok_or(ExchangeError::RecordNotFound(record))?.version;
            if current != expected.head.version {
                return Err(ExchangeError::VersionConflict { record, expected: expected.head.version, current });
            }
        }
        // An import looks at its rows again by itself.
        if admission.source.is_some() { Err(ExchangeError::Busy) } else { Ok(()) }
    }
}

/// A version on its way into the store.
pub(crate) struct Stored<'a> {
    pub(crate) record: &'a Record,
    pub(crate) content: ContentId,
    pub(crate) envelope: &'a [u8],
    pub(crate) source: Source,
}

/// The floor's word on one peer.
struct Decided {
    peer: ParticipantId,
    kind: LogEntryKind,
    decision: Decision,
}

impl Decided {
    fn permitted(&self) -> Option<(&Self, &Permit)> {
        match &self.decision {
            Decision::Permit(permit) => Some((self, permit)),
            Decision::Refuse(_) => None,
        }
    }
}

/// True if `after` protects for all the reasons and from all the states of `before`.
fn is_kept(before: &Protection, after: Option<&Protection>) -> bool {
    after.is_some_and(|after| {
        after.kinds().is_superset(before.kinds()) && after.hidden_from().is_superset(before.hidden_from())
    })
}

/// The record again as a draft, its audience widened by `to`.
fn widened(record: &Record, to: Audience) -> Result<Draft, ExchangeError> {
    let mut message = record.message().clone();
    let before = record.handling().releasable_to();
    let audience = before.clone().union(to);
    // Another version that says the same would have to be read and checked by every peer.
    if audience == *before {
        return Err(Faults::one("to", "is already in its audience").into());
    }
    if let Some(handling) = message.handling.as_mut() {
        handling.releasable_to = Some(audience.to_message());
    }
    message.amendment_reason = WIDENED.into();
    Ok(Draft::check(as_draft(message))?)
}

/// `message` without what the node fills in.
pub(crate) fn as_draft(message: selat_record::pb::Record) -> selat_record::pb::Record {
    selat_record::pb::Record { header: None, record_id: Vec::new(), version: 0, replaces: Vec::new(), ..message }
}
