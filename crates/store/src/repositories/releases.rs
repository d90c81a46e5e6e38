//! What this node gave to whom: the openings of its release logs, one log per recipient, and where each record version
//! stands in them.

use prost::Message;
use selat_ledger::LogId;
use selat_record::{ParticipantId, RecordId, pb};

use super::entries::{self, NewEntry, Opened};
use super::{Access, sound};
use crate::batch::Batch;
use crate::engine::SCAN_MAX;
use crate::error::StoreError;
use crate::keys::{self, Key, KeyParts};

/// The release logs from this node to its peers.
#[derive(Clone)]
pub struct Releases(pub(super) Access);

/// One release of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// To whom.
    pub peer: ParticipantId,
    /// Which version.
    pub version: u32,
    /// Its index in the release log to that peer.
    pub index: u64,
}

impl Releases {
    /// The log of what we give to a peer.
    pub fn log(&self, peer: &ParticipantId) -> LogId {
        LogId::release(&self.0.own, peer)
    }

    /// Adds an entry to the log of this peer. `nonce` is 32 fresh random bytes. An entry that releases a record version
    /// conflicts if that version was released to the peer before.
    pub fn append(
        &self,
        batch: &mut Batch,
        peer: &ParticipantId,
        opening: &pb::ReleaseOpening,
        nonce: &[u8; 32],
    ) -> Result<(), StoreError> {
        let bytes = opening.encode_to_vec();
        let leaf = entries::leaf(opening.kind, opening.time_ms, nonce, &bytes)?;
        let marks = marks(peer, opening)?;
        for mark in &marks {
            batch.require_absent(mark.clone());
        }
        entries::append(&self.0, batch, NewEntry { log: self.log(peer), leaf, nonce, opening: bytes, marks });
        Ok(())
    }

    /// How many entries the log to this peer has.
    pub async fn size(&self, peer: &ParticipantId) -> Result<u64, StoreError> {
        self.0.logs().size(&self.log(peer)).await
    }

    /// Up to `limit` entries of the log to this peer, from an index on.
    pub async fn list(
        &self,
        peer: &ParticipantId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Opened<pb::ReleaseOpening>>, StoreError> {
        entries::list(&self.0, &self.log(peer), from, limit).await
    }

    /// Where in the log to this peer a record version was released, if it was.
    pub async fn released(
        &self,
        peer: &ParticipantId,
        record: RecordId,
        version: u32,
    ) -> Result<Option<u64>, StoreError> {
        let key = by_peer(peer, record, version);
        self.0.get(&key).await?.map(|bytes| sound(&key, keys::u64_value(&bytes))).transpose()
    }

    /// Who was given this record, in which versions. The first [`SCAN_MAX`] releases, by peer and version.
    pub async fn recipients(&self, record: RecordId) -> Result<Vec<Recipient>, StoreError> {
        let prefix = Key::of("y/").raw(record.as_bytes()).done();
        let rows = self.0.page(prefix, None, SCAN_MAX).await?;
        rows.iter().map(|(key, bytes)| recipient(key, bytes)).collect()
    }
}

/// The keys under which the index of a release is found again. Only entries that give a record version have any.
fn marks(peer: &ParticipantId, opening: &pb::ReleaseOpening) -> Result<Vec<Vec<u8>>, StoreError> {
    if !matches!(opening.kind(), pb::LogEntryKind::Release | pb::LogEntryKind::Amendment) {
        return Ok(Vec::new());
    }
    let record = RecordId::from_slice(&opening.record_id)
        .map_err(|_| StoreError::Refused { why: "a release names no record" })?;
    let version = opening.record_version;
    Ok(vec![by_peer(peer, record, version), by_record(record, peer, version)])
}

fn by_peer(peer: &ParticipantId, record: RecordId, version: u32) -> Vec<u8> {
    Key::of("x/").participant(peer).raw(record.as_bytes()).raw(&version.to_be_bytes()).done()
}

fn by_record(record: RecordId, peer: &ParticipantId, version: u32) -> Vec<u8> {
    Key::of("y/").raw(record.as_bytes()).participant(peer).raw(&version.to_be_bytes()).done()
}

fn recipient(key: &[u8], bytes: &[u8]) -> Result<Recipient, StoreError> {
    let mut parts = sound(key, KeyParts::after("y/", key))?;
    let _record = sound(key, parts.raw::<16>())?;
    Ok(Recipient {
        peer: sound(key, parts.participant())?,
        version: sound(key, parts.raw().map(u32::from_be_bytes))?,
        index: sound(key, keys::u64_value(bytes))?,
    })
}
