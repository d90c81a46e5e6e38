//! The chains of descriptors: this participant's own, whole, and the latest versions of each peer's; what a peer is known
//! to hold of ours; and the two envelopes of a participant that signed two descriptors under one number.

use prost::Message;
use selat_record::{ParticipantId, Timestamp};

use super::{Access, decoded, moment, sound};
use crate::batch::Batch;
use crate::engine::SCAN_MAX;
use crate::error::StoreError;
use crate::keys::{self, Key, KeyParts};

/// Accepted descriptors, by participant and version.
#[derive(Clone)]
pub struct Descriptors(pub(super) Access);

/// One accepted version of a participant's descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDescriptor {
    /// Its number.
    pub version: u64,
    /// Its envelope, encoded, as accepted.
    pub envelope: Vec<u8>,
    /// When this node accepted it.
    pub accepted: Timestamp,
}

/// What the last comparison of descriptors with a peer brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compared {
    /// Version of our descriptor that the peer said it holds; 0: none that we made.
    pub acknowledged: u64,
    /// When it first said so.
    pub acknowledged_at: Option<Timestamp>,
    /// When the peer's newest descriptor was last found to be the one that is held here.
    pub refreshed: Option<Timestamp>,
}

/// Two descriptors of one participant under one number, both of which its roots signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equivocation {
    /// Whose they are.
    pub participant: ParticipantId,
    /// Their number.
    pub version: u64,
    /// The one that was accepted here, encoded envelope.
    pub held: Vec<u8>,
    /// The other, encoded envelope.
    pub rival: Vec<u8>,
    /// Who showed it.
    pub shown_by: ParticipantId,
    /// When.
    pub at: Timestamp,
}

impl Descriptors {
    /// Keeps an accepted version; conflicts if one of this number is kept already.
    pub fn keep(&self, batch: &mut Batch, participant: &ParticipantId, kept: &KeptDescriptor) {
        let key = version_key(participant, kept.version);
        batch.require_absent(key.clone());
        let row = KeptRow { envelope: kept.envelope.clone(), accepted_ms: kept.accepted.ms() };
        batch.put(key, row.encode_to_vec());
    }

    /// Begins the chain of a participant anew with this version: whatever was kept of it before is forgotten.
    pub async fn begin(
        &self,
        batch: &mut Batch,
        participant: &ParticipantId,
        first: &KeptDescriptor,
    ) -> Result<(), StoreError> {
        self.forget_all(batch, participant).await?;
        let row = KeptRow { envelope: first.envelope.clone(), accepted_ms: first.accepted.ms() };
        batch.put(version_key(participant, first.version), row.encode_to_vec());
        Ok(())
    }

    /// Forgets one version.
    pub fn forget(&self, batch: &mut Batch, participant: &ParticipantId, version: u64) {
        batch.delete(version_key(participant, version));
    }

    /// Forgets all versions of a participant and what it is known to hold of ours. Evidence stays.
    pub async fn forget_all(&self, batch: &mut Batch, participant: &ParticipantId) -> Result<(), StoreError> {
        for kept in self.chain(participant, 0, SCAN_MAX).await? {
            self.forget(batch, participant, kept.version);
        }
        batch.delete(compared_key(participant));
        Ok(())
    }

    /// Up to `limit` versions of a participant's descriptor, ascending, from a version on.
    pub async fn chain(
        &self,
        participant: &ParticipantId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<KeptDescriptor>, StoreError> {
        let after = from.checked_sub(1).map(|before| version_key(participant, before));
        let rows = self.0.page(Key::of("dc/").participant(participant).done(), after, limit).await?;
        rows.iter().map(|(key, bytes)| kept(key, bytes)).collect()
    }

    /// One version of a participant's descriptor.
    pub async fn version(
        &self,
        participant: &ParticipantId,
        version: u64,
    ) -> Result<Option<KeptDescriptor>, StoreError> {
        let key = version_key(participant, version);
        self.0.get(&key).await?.map(|bytes| kept(&key, &bytes)).transpose()
    }

    /// Notes what a comparison brought.
    pub fn note(&self, batch: &mut Batch, peer: &ParticipantId, compared: &Compared) {
        let row = ComparedRow {
            acknowledged: compared.acknowledged,
            acknowledged_ms: compared.acknowledged_at.map(Timestamp::ms),
            refreshed_ms: compared.refreshed.map(Timestamp::ms),
        };
        batch.put(compared_key(peer), row.encode_to_vec());
    }

    /// What the last comparisons brought, by peer; the first [`SCAN_MAX`].
    pub async fn compared(&self) -> Result<Vec<(ParticipantId, Compared)>, StoreError> {
        let rows = self.0.page(Key::of("dk/").done(), None, SCAN_MAX).await?;
        rows.iter().map(|(key, bytes)| compared(key, bytes)).collect()
    }

    /// Keeps both envelopes of an equivocation. The first proof of a version stays.
    pub fn convict(&self, batch: &mut Batch, proof: &Equivocation) {
        let key = Key::of("de/").participant(&proof.participant).raw(&proof.version.to_be_bytes()).done();
        batch.require_absent(key.clone());
        let row = EquivocationRow {
            held: proof.held.clone(),
            rival: proof.rival.clone(),
            shown_by: proof.shown_by.to_string(),
            at_ms: proof.at.ms(),
        };
        batch.put(key, row.encode_to_vec());
    }

    /// The equivocations that were proven, by participant and version; the first [`SCAN_MAX`].
    pub async fn equivocations(&self) -> Result<Vec<Equivocation>, StoreError> {
        let rows = self.0.page(Key::of("de/").done(), None, SCAN_MAX).await?;
        rows.iter().map(|(key, bytes)| equivocation(key, bytes)).collect()
    }
}

fn version_key(participant: &ParticipantId, version: u64) -> Vec<u8> {
    Key::of("dc/").participant(participant).raw(&version.to_be_bytes()).done()
}

fn compared_key(peer: &ParticipantId) -> Vec<u8> {
    Key::of("dk/").participant(peer).done()
}

#[derive(Clone, PartialEq, Message)]
struct KeptRow {
    #[prost(bytes = "vec", tag = "1")]
    envelope: Vec<u8>,
    #[prost(int64, tag = "2")]
    accepted_ms: i64,
}

#[derive(Clone, PartialEq, Message)]
struct ComparedRow {
    #[prost(uint64, tag = "1")]
    acknowledged: u64,
    #[prost(int64, optional, tag = "2")]
    acknowledged_ms: Option<i64>,
    #[prost(int64, optional, tag = "3")]
    refreshed_ms: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct EquivocationRow {
    #[prost(bytes = "vec", tag = "1")]
    held: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    rival: Vec<u8>,
    #[prost(string, tag = "3")]
    shown_by: String,
    #[prost(int64, tag = "4")]
    at_ms: i64,
}

fn kept(key: &[u8], bytes: &[u8]) -> Result<KeptDescriptor, StoreError> {
    let KeptRow { envelope, accepted_ms } = decoded(key, bytes)?;
    let version = sound(key, keys::last_u64(key))?;
    Ok(KeptDescriptor { version, envelope, accepted: moment(key, accepted_ms)? })
}

fn compared(key: &[u8], bytes: &[u8]) -> Result<(ParticipantId, Compared), StoreError> {
    let row: ComparedRow = decoded(key, bytes)?;
    let mut parts = sound(key, KeyParts::after("dk/", key))?;
    let compared = Compared {
        acknowledged: row.acknowledged,
        acknowledged_at: row.acknowledged_ms.map(|ms| moment(key, ms)).transpose()?,
        refreshed: row.refreshed_ms.map(|ms| moment(key, ms)).transpose()?,
    };
    Ok((sound(key, parts.participant())?, compared))
}

fn equivocation(key: &[u8], bytes: &[u8]) -> Result<Equivocation, StoreError> {
    let row: EquivocationRow = decoded(key, bytes)?;
    let mut parts = sound(key, KeyParts::after("de/", key))?;
    Ok(Equivocation {
        participant: sound(key, parts.participant())?,
        version: sound(key, keys::last_u64(key))?,
        held: row.held,
        rival: row.rival,
        shown_by: sound(key, row.shown_by.parse().ok())?,
        at: moment(key, row.at_ms)?,
    })
}
