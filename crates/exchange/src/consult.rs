//! An officer reads what the node holds. The audit entry is durable before anything is shown.

use prost::Message as _;
use selat_policy::{DeskAct, may};
use selat_record::pb::{self, AuditAction, RecordKind};
use selat_record::query::check_find;
use selat_record::{ContentId, ParticipantId, Record, RecordId, Timestamp};
use selat_search::Criteria;
use selat_store::repositories::{HeldRecord, Version};
use tokio::sync::mpsc;

use crate::accounts::Act;
use crate::{Actor, Exchange, ExchangeError, Reason};

/// Heads read at once while listing.
const PAGE: usize = 128;
/// Records on their way to a slow reader.
const QUEUE: usize = 64;

/// A record version as it is held.
#[derive(Debug, Clone)]
pub struct Held {
    /// As its originator signed it.
    pub envelope: pb::Envelope,
    /// Its content id.
    pub content: ContentId,
    /// When this node first logged it.
    pub first_logged: Timestamp,
    /// No later version is held.
    pub current: bool,
    /// Peers that this node released it to.
    pub released_to: Vec<ParticipantId>,
}

/// Which records to list.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Empty: every kind.
    pub kinds: Vec<RecordKind>,
    /// Missing: every originator.
    pub originator: Option<ParticipantId>,
    /// Same criteria as a query; missing: all.
    pub matching: Option<pb::Find>,
    /// 0: all.
    pub limit: usize,
    /// All versions instead of the current ones.
    pub all_versions: bool,
}

impl Exchange {
    /// One version of a record, the current one if `version` is 0.
    pub async fn get(&self, actor: &Actor, reason: &Reason, id: RecordId, version: u32) -> Result<Held, ExchangeError> {
        may(&actor.roles, DeskAct::GetRecord)?;
        let record = self.find(actor, reason, id).await?;
        let wanted = if version == 0 { record.head.version } else { version };
        let row = self.store.records.version(&record.originator, id, wanted).await?;
        let row = row.ok_or(ExchangeError::VersionNotFound { record: id, version: wanted })?;
        self.consulted(actor, reason, "get", Some((id, &row))).await?;
        self.held(&record, &row).await
    }

    /// Every version held of a record, oldest first.
    pub async fn history(&self, actor: &Actor, reason: &Reason, id: RecordId) -> Result<Vec<Held>, ExchangeError> {
        may(&actor.roles, DeskAct::History)?;
        let record = self.find(actor, reason, id).await?;
        let rows = self.store.records.versions(&record.originator, id).await?;
        self.consulted(actor, reason, "history", rows.last().map(|row| (id, row))).await?;
        let mut versions = Vec::with_capacity(rows.len());
        for row in &rows {
            versions.push(self.held(&record, row).await?);
        }
        Ok(versions)
    }

    /// What is held under an id: this participant's own record before one of a peer. That nothing is held is an answer
    /// too, and accounted for like any other.
    async fn find(&self, actor: &Actor, reason: &Reason, id: RecordId) -> Result<HeldRecord, ExchangeError> {
        if let Some(held) = self.store.records.find(id).await?.into_iter().next() {
            return Ok(held);
        }
        let act = Act::of(actor, AuditAction::Consultation, Some(reason)).record(id).note("looked for, not held");
        self.account_now(act).await?;
        Err(ExchangeError::RecordNotFound(id))
    }

    /// Records in the order of their originators and ids, as they are read from the store.
    pub async fn list(
        self: &std::sync::Arc<Self>,
        actor: &Actor,
        reason: &Reason,
        listing: Listing,
    ) -> Result<mpsc::Receiver<Result<Held, ExchangeError>>, ExchangeError> {
        may(&actor.roles, DeskAct::ListRecords)?;
        let criteria = match &listing.matching {
            Some(find) => {
                check_find(find)?;
                Some(Criteria::of(find)?)
            }
            None => None,
        };
        self.consulted(actor, reason, if listing.all_versions { "export" } else { "list" }, None).await?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        let exchange = self.clone();
        // Ends by itself at the last record, or when the reader hangs up.
        self.spawn(async move {
            if let Err(error) = exchange.send_listing(listing, criteria, &sender).await {
                // A reader that is gone needs no error.
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok(receiver)
    }

    async fn send_listing(
        &self,
        listing: Listing,
        criteria: Option<Criteria>,
        sender: &mpsc::Sender<Result<Held, ExchangeError>>,
    ) -> Result<(), ExchangeError> {
        let limit = if listing.limit == 0 { usize::MAX } else { listing.limit };
        let mut sent = 0;
        let mut source = Source::new(self, &listing, criteria);
        while let Some(records) = source.next(self).await? {
            for record in records.into_iter().filter(|record| wanted(record, &listing)) {
                for row in self.rows_of(&record, listing.all_versions).await? {
                    let held = self.held(&record, &row).await?;
                    if sent == limit || sender.send(Ok(held)).await.is_err() {
                        return Ok(());
                    }
                    sent += 1;
                }
            }
        }
        Ok(())
    }

    async fn rows_of(&self, record: &HeldRecord, all: bool) -> Result<Vec<Version>, ExchangeError> {
        let records = &self.store.records;
        if all {
            return Ok(records.versions(&record.originator, record.record_id).await?);
        }
        let row = records.version(&record.originator, record.record_id, record.head.version).await?;
        let missing = || ExchangeError::Inconsistent(format!("record {} has no rows", record.record_id));
        Ok(vec![row.ok_or_else(missing)?])
    }

    async fn held(&self, record: &HeldRecord, row: &Version) -> Result<Held, ExchangeError> {
        let envelope = self.envelope(&record.originator, record.record_id, row.content_id).await?;
        let recipients = self.store.releases.recipients(record.record_id).await?;
        let released = recipients.into_iter().filter(|recipient| recipient.version == row.version);
        Ok(Held {
            envelope,
            content: row.content_id,
            first_logged: row.first_logged,
            current: row.version == record.head.version,
            released_to: released.map(|recipient| recipient.peer).collect(),
        })
    }

    async fn consulted(
        &self,
        actor: &Actor,
        reason: &Reason,
        note: &str,
        about: Option<(RecordId, &Version)>,
    ) -> Result<(), ExchangeError> {
        let act = Act::of(actor, AuditAction::Consultation, Some(reason)).note(note);
        let act = match about {
            Some((id, row)) => act.version(id, row.version, row.content_id),
            None => act,
        };
        self.account_now(act).await
    }

    /// The envelope behind a content id, as its originator signed it.
    pub(crate) async fn envelope(
        &self,
        originator: &ParticipantId,
        id: RecordId,
        content: ContentId,
    ) -> Result<pb::Envelope, ExchangeError> {
        let bytes = self.store.records.envelope(originator, id, &content).await?;
        let bytes = bytes.ok_or(ExchangeError::ContentMissing(content))?;
        pb::Envelope::decode(bytes.as_slice())
            .map_err(|_| ExchangeError::Inconsistent(format!("content {content} is not an envelope")))
    }

    /// The record behind a content id.
    pub(crate) async fn load(
        &self,
        originator: &ParticipantId,
        id: RecordId,
        content: ContentId,
    ) -> Result<Record, ExchangeError> {
        Ok(self.load_with_envelope(originator, id, content).await?.1)
    }

    /// The record behind a content id, with the envelope that carries it.
    pub(crate) async fn load_with_envelope(
        &self,
        originator: &ParticipantId,
        id: RecordId,
        content: ContentId,
    ) -> Result<(pb::Envelope, Record), ExchangeError> {
        let envelope = self.envelope(originator, id, content).await?;
        let message = pb::Record::decode(envelope.payload.as_slice())
            .map_err(|_| ExchangeError::Inconsistent(format!("content {content} is not a record")))?;
        let record = Record::check(message)
            .map_err(|faults| ExchangeError::Inconsistent(format!("content {content}: {faults}")))?;
        Ok((envelope, record))
    }
}

fn wanted(record: &HeldRecord, listing: &Listing) -> bool {
    (listing.kinds.is_empty() || listing.kinds.contains(&record.head.kind))
        && listing.originator.as_ref().is_none_or(|originator| *originator == record.originator)
}

/// Where the records of a listing come from: the index when there are criteria, else the store.
enum Source {
    Found(Vec<(ParticipantId, RecordId)>),
    Stored { originator: Option<ParticipantId>, after: Option<(ParticipantId, RecordId)> },
}

impl Source {
    fn new(exchange: &Exchange, listing: &Listing, criteria: Option<Criteria>) -> Self {
        let Some(criteria) = criteria else {
            return Self::Stored { originator: listing.originator.clone(), after: None };
        };
        let found = exchange.index.find(&criteria, |_| true, usize::MAX);
        // Taken from the end, page by page.
        Self::Found(found.hits.into_iter().rev().map(|hit| (hit.originator, hit.record_id)).collect())
    }

    /// The next page; `None` after the last.
    async fn next(&mut self, exchange: &Exchange) -> Result<Option<Vec<HeldRecord>>, ExchangeError> {
        let records = &exchange.store.records;
        let page = match self {
            Self::Found(ids) => {
                let mut page = Vec::new();
                for (originator, record_id) in ids.split_off(ids.len().saturating_sub(PAGE)).into_iter().rev() {
                    let head = records.head(&originator, record_id).await?;
                    page.extend(head.map(|head| HeldRecord { originator, record_id, head }));
                }
                page
            }
            Self::Stored { originator: Some(originator), after } => {
                let after = after.as_ref().map(|(_, id)| *id);
                records.scan_heads_of(originator, after, PAGE).await?
            }
            Self::Stored { originator: None, after } => {
                let after = after.as_ref().map(|(originator, id)| (originator, *id));
                records.scan_heads(after, PAGE).await?
            }
        };
        let Some(last) = page.last() else { return Ok(None) };
        if let Self::Stored { after, .. } = self {
            *after = Some((last.originator.clone(), last.record_id));
        }
        Ok(Some(page))
    }
}
