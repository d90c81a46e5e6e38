//! What a following peer is given: consecutive entries of the release log to it, with the envelopes that it may still
//! have, under a checkpoint of the log's size after the last of them.

use std::sync::Arc;

use selat_ledger::Checkpoint;
use selat_policy::{Decision, PeerFacts, Permitted, decide_linked_release, decide_release};
use selat_record::pb::{self, LogEntryKind};
use selat_record::{ContentId, ParticipantId, RecordId, Timestamp};
use tokio::sync::Notify;
use tracing::error;

use crate::{Exchange, ExchangeError};

/// Most content bytes in one segment, so that it fits into one message.
const SEGMENT_BYTES_MAX: usize = 3 * 1024 * 1024;

/// Consecutive log entries on their way to the peer.
#[derive(Debug)]
pub struct OutSegment {
    /// Index of the first entry.
    pub first_index: u64,
    /// At least one.
    pub entries: Vec<OutEntry>,
    /// Signed note for the size after the last entry.
    pub checkpoint: String,
}

/// One entry on its way out.
#[derive(Debug)]
pub struct OutEntry {
    /// As in the log.
    pub leaf: Vec<u8>,
    /// Opens the leaf.
    pub nonce: [u8; 32],
    /// Encoded opening.
    pub opening: Vec<u8>,
    /// The envelope, if the floor still permits it.
    pub content: Option<Permitted<pb::Envelope>>,
}

impl Exchange {
    /// Entries of the release log to `peer` from index `from` on; `None` when there is nothing new. A `from` beyond the
    /// end means that the peer holds entries that this log does not: it is refused and counted as a fault. For a peer that
    /// is stale there is nothing new: an entry given without its content now would stay without it.
    pub async fn segment_for(&self, peer: &ParticipantId, from: u64) -> Result<Option<OutSegment>, ExchangeError> {
        let book = self.book();
        book.approved_peer(peer)?;
        let log = self.release_log_to(peer);
        let size = self.store.logs.size(&log).await?;
        if from > size {
            self.conduct.fault(peer, "claims more log entries than were made", self.clock.now());
            let why = format!("asks from entry {from} of a log of {size}");
            return Err(ExchangeError::PeerState { peer: peer.clone(), why });
        }
        let now = self.clock.now();
        let facts = self.facts(&book, peer, now);
        if !facts.fresh {
            return Ok(None);
        }
        let entries = self.out_entries(from, (&facts, now)).await?;
        if entries.is_empty() {
            return Ok(None);
        }
        let end = from + u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let root = self.store.logs.root(&log, end).await?;
        let checkpoint = Checkpoint { origin: log, size: end, root };
        let checkpoint = self.sign_checkpoint(checkpoint).await?;
        self.note_sent(peer, end);
        Ok(Some(OutSegment { first_index: from, entries, checkpoint }))
    }

    /// Wakes whoever waits for new entries to `peer`.
    pub(crate) fn wake(&self, peer: &ParticipantId) {
        self.growth_of(peer).notify_waiters();
    }

    /// Notified at each new entry to `peer`. Ask for the notification first, then look: nothing is missed.
    pub fn growth_of(&self, peer: &ParticipantId) -> Arc<Notify> {
        let mut growth = self.growth.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        growth.entry(peer.clone()).or_default().clone()
    }

    /// How many entries there are to `peer`.
    pub async fn release_log_size(&self, peer: &ParticipantId) -> Result<u64, ExchangeError> {
        Ok(self.store.logs.size(&self.release_log_to(peer)).await?)
    }

    async fn out_entries(&self, from: u64, to: (&PeerFacts<'_>, Timestamp)) -> Result<Vec<OutEntry>, ExchangeError> {
        let rows = self.store.releases.list(to.0.participant, from, self.limits.segment_entries_max).await?;
        let mut bytes = 0;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let content = self.content_for(&row.message, to).await?;
            bytes += row.opening.len() + content.as_ref().map_or(0, |(_, size)| *size);
            if bytes > SEGMENT_BYTES_MAX && !entries.is_empty() {
                break;
            }
            let content = content.map(|(content, _)| content);
            let leaf = row.leaf.encode().to_vec();
            entries.push(OutEntry { leaf, nonce: row.nonce, opening: row.opening, content });
        }
        Ok(entries)
    }

    /// The envelope behind an entry with its size, if it is a release and the floor still permits it: by what the version
    /// itself says, and by what the record says today. A person who was protected since is not given any more.
    async fn content_for(
        &self,
        opening: &pb::ReleaseOpening,
        to: (&PeerFacts<'_>, Timestamp),
    ) -> Result<Option<(Permitted<pb::Envelope>, usize)>, ExchangeError> {
        if !matches!(opening.kind(), LogEntryKind::Release | LogEntryKind::Amendment) {
            return Ok(None);
        }
        let id = RecordId::from_slice(&opening.record_id)?;
        let content = ContentId::from_slice(&opening.content_id)?;
        match self.permitted(id, content, to).await {
            Ok(permitted) => Ok(permitted),
            // The log goes on without a content that cannot be read; which one that is, the peer need not know.
            Err(error @ (ExchangeError::ContentMissing(_) | ExchangeError::Inconsistent(_))) => {
                error!(record = %id, %error, "content of a release cannot be read");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn permitted(
        &self,
        id: RecordId,
        content: ContentId,
        (facts, now): (&PeerFacts<'_>, Timestamp),
    ) -> Result<Option<(Permitted<pb::Envelope>, usize)>, ExchangeError> {
        let (envelope, record) = self.load_with_envelope(self.participant(), id, content).await?;
        let head = self.store.records.head(self.participant(), id).await?;
        if let Some(head) = head.filter(|head| head.content_id != content) {
            let current = self.load(self.participant(), id, head.content_id).await?;
            if let Decision::Refuse(_) = decide_release(&current, true, facts, now) {
                return Ok(None);
            }
        }
        let linked = match self.linked(&record).await {
            // Whose audience a record has that is not held any more cannot be said.
            Err(ExchangeError::Invalid(_)) => return Ok(None),
            linked => linked?,
        };
        let size = prost::Message::encoded_len(&envelope);
        Ok(match decide_linked_release(&record, &linked.records, facts, now) {
            Decision::Permit(permit) => Some((permit.over(envelope), size)),
            Decision::Refuse(_) => None,
        })
    }
}
