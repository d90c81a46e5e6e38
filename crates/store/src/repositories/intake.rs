//! What peers gave us: our copy of each peer's release log to us, and the entries whose content could not be accepted.

use prost::Message;
use selat_ledger::{Leaf, LogId};
use selat_record::{ContentId, ParticipantId, Timestamp, pb};

use super::entries::{self, NewEntry, Opened};
use super::{Access, content_id, decoded, moment, sound};
use crate::batch::Batch;
use crate::engine::SCAN_MAX;
use crate::error::StoreError;
use crate::keys::{self, Key, KeyParts};

/// The peers' release logs to this node.
#[derive(Clone)]
pub struct Intake(pub(super) Access);

/// An entry whose content we did not accept. The entry itself is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Whose log.
    pub peer: ParticipantId,
    /// Index of the entry in it.
    pub index: u64,
    /// What content the entry names.
    pub content_id: Option<ContentId>,
    /// Why, for machines, for example `BAD_SIGNATURE`.
    pub code: String,
    /// Why, for people. No content of records.
    pub reason: String,
    /// When.
    pub time: Timestamp,
}

impl Intake {
    /// The log of what a peer gives us.
    pub fn log(&self, peer: &ParticipantId) -> LogId {
        LogId::release(peer, &self.0.own)
    }

    /// Demands that our copy of the peer's log has this many entries before the batch.
    pub fn expect_size(&self, batch: &mut Batch, peer: &ParticipantId, size: u64) {
        batch.require_log_size(self.log(peer), size);
    }

    /// Adds an entry to our copy of the peer's log, as the peer made it. The caller has checked that the leaf opens to it.
    pub fn append(&self, batch: &mut Batch, peer: &ParticipantId, leaf: Leaf, nonce: &[u8; 32], opening: Vec<u8>) {
        let marks = Vec::new();
        entries::append(&self.0, batch, NewEntry { log: self.log(peer), leaf, nonce, opening, marks });
    }

    /// How many entries of the peer's log we hold: where to follow on.
    pub async fn size(&self, peer: &ParticipantId) -> Result<u64, StoreError> {
        self.0.logs().size(&self.log(peer)).await
    }

    /// Up to `limit` entries of our copy of the peer's log, from an index on.
    pub async fn list(
        &self,
        peer: &ParticipantId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Opened<pb::ReleaseOpening>>, StoreError> {
        entries::list(&self.0, &self.log(peer), from, limit).await
    }

    /// Puts an entry's content aside, with the encoded envelope if one came.
    pub fn quarantine(&self, batch: &mut Batch, entry: &Quarantined, envelope: Option<&[u8]>) {
        batch.put(row_key("q/", &entry.peer, entry.index), QuarantineRow::from(entry).encode_to_vec());
        if let Some(envelope) = envelope {
            let sealed = self.0.vault.conceal(&envelope_label(&entry.peer, entry.index), envelope);
            batch.put(row_key("qe/", &entry.peer, entry.index), sealed);
        }
    }

    /// The first `limit` quarantined entries, of one peer or of all, by peer and index.
    pub async fn quarantined(
        &self,
        peer: Option<&ParticipantId>,
        limit: usize,
    ) -> Result<Vec<Quarantined>, StoreError> {
        let rows = self.0.page(quarantine_prefix(peer), None, limit).await?;
        rows.iter().map(|(key, bytes)| quarantined(key, bytes)).collect()
    }

    /// The envelope that was put aside with an entry.
    pub async fn quarantined_envelope(&self, peer: &ParticipantId, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let sealed = self.0.get(&row_key("qe/", peer, index)).await?;
        Ok(sealed.map(|sealed| self.0.vault.reveal(&envelope_label(peer, index), &sealed)).transpose()?)
    }

    /// How many entries of this peer are in quarantine. Walks over them: for status, not for every request.
    pub async fn quarantine_count(&self, peer: &ParticipantId) -> Result<u64, StoreError> {
        self.count_quarantined(peer, |_, _| Ok(true)).await
    }

    /// How many of them are there for another reason than `code`.
    pub async fn quarantine_count_but(&self, peer: &ParticipantId, code: &str) -> Result<u64, StoreError> {
        self.count_quarantined(peer, |key, bytes| Ok(quarantined(key, bytes)?.code != code)).await
    }

    async fn count_quarantined(
        &self,
        peer: &ParticipantId,
        counts: impl Fn(&[u8], &[u8]) -> Result<bool, StoreError>,
    ) -> Result<u64, StoreError> {
        let mut count = 0;
        let mut after = None;
        loop {
            let rows = self.0.page(quarantine_prefix(Some(peer)), after, SCAN_MAX).await?;
            let Some((last, _)) = rows.last() else { return Ok(count) };
            after = Some(last.clone());
            for (key, bytes) in &rows {
                count += u64::from(counts(key, bytes)?);
            }
        }
    }
}

fn quarantine_prefix(peer: Option<&ParticipantId>) -> Vec<u8> {
    match peer {
        Some(peer) => Key::of("q/").participant(peer).done(),
        None => Key::of("q/").done(),
    }
}

fn row_key(prefix: &str, peer: &ParticipantId, index: u64) -> Vec<u8> {
    Key::of(prefix).participant(peer).raw(&index.to_be_bytes()).done()
}

fn envelope_label(peer: &ParticipantId, index: u64) -> String {
    format!("quarantine/{peer}/{index}")
}

#[derive(Clone, PartialEq, Message)]
struct QuarantineRow {
    #[prost(string, tag = "1")]
    code: String,
    #[prost(string, tag = "2")]
    reason: String,
    #[prost(bytes = "vec", optional, tag = "3")]
    content_id: Option<Vec<u8>>,
    #[prost(int64, tag = "4")]
    time_ms: i64,
}

impl From<&Quarantined> for QuarantineRow {
    fn from(entry: &Quarantined) -> Self {
        Self {
            code: entry.code.clone(),
            reason: entry.reason.clone(),
            content_id: entry.content_id.map(|content| content.as_bytes().to_vec()),
            time_ms: entry.time.ms(),
        }
    }
}

fn quarantined(key: &[u8], bytes: &[u8]) -> Result<Quarantined, StoreError> {
    let row: QuarantineRow = decoded(key, bytes)?;
    let mut parts = sound(key, KeyParts::after("q/", key))?;
    Ok(Quarantined {
        peer: sound(key, parts.participant())?,
        index: sound(key, keys::last_u64(key))?,
        content_id: row.content_id.map(|bytes| content_id(key, &bytes)).transpose()?,
        code: row.code,
        reason: row.reason,
        time: moment(key, row.time_ms)?,
    })
}
