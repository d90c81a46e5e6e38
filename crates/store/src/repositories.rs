//! What the rows of the store mean. Each repository owns some key prefixes, adds its writes to a [`Batch`] that the use-case
//! commits, and reads its rows back as checked values.
//!
//! Promises: writes happen only in the batch they were added to, with the preconditions that keep their rows consistent;
//! what a row says is checked when it is read, and a row that cannot be what was stored is [`StoreError::Damaged`];
//! envelopes, openings and whatever else tells about people are encrypted.

use std::sync::Arc;

use prost::Message;
use selat_record::{ContentId, FederationId, ParticipantId, Timestamp};

use crate::batch::Batch;
use crate::engine::{Engine, Scan};
use crate::error::StoreError;
use crate::logs::Logs;
use crate::vault::Vault;

mod acceptances;
mod audit;
mod descriptors;
mod doubts;
mod drafts;
mod entries;
mod intake;
mod meta;
mod peers;
mod records;
mod releases;
mod seen;
mod sources;

pub use acceptances::{Acceptances, Accepted};
pub use audit::{Audit, AuditRow};
pub use descriptors::{Compared, Descriptors, Equivocation, KeptDescriptor};
pub use doubts::{Doubts, Removal, Walk};
pub use drafts::{Draft, Drafts};
pub use entries::Opened;
pub use intake::{Intake, Quarantined};
pub use meta::Meta;
pub use peers::{Approval, KnownCheckpoint, Peer, PeerState, Peers, Stopped};
pub use records::{Head, HeldRecord, NewVersion, Records, Source, Version};
pub use releases::{Recipient, Releases};
pub use seen::Seen;
pub use sources::{Imported, Sources};

/// Whose store it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The federation.
    pub federation: FederationId,
    /// The participant.
    pub participant: ParticipantId,
}

/// All repositories of one node.
#[derive(Clone)]
pub struct Repositories {
    /// Records of one's own and of peers.
    pub records: Records,
    /// What was given to whom.
    pub releases: Releases,
    /// The account of every access.
    pub audit: Audit,
    /// What peers gave us.
    pub intake: Intake,
    /// What of it is no longer believed.
    pub doubts: Doubts,
    /// The other participants.
    pub peers: Peers,
    /// That people accepted them.
    pub acceptances: Acceptances,
    /// Their chains of descriptors, and our own.
    pub descriptors: Descriptors,
    /// Drafts of our next descriptor.
    pub drafts: Drafts,
    /// What was imported from where.
    pub sources: Sources,
    /// Queries that were answered.
    pub seen: Seen,
    /// Whose store it is, and the latest time it knows.
    pub meta: Meta,
    /// The logs beneath releases, audit and intake.
    pub logs: Logs,
    engine: Arc<dyn Engine>,
}

impl Repositories {
    /// Opens the repositories for this participant. A new store is marked as its own; the store of another participant or
    /// federation, or one under another storage key, is refused.
    pub async fn open(engine: Arc<dyn Engine>, vault: Arc<Vault>, identity: &Identity) -> Result<Self, StoreError> {
        let access = Access { engine: engine.clone(), vault, own: identity.participant.clone() };
        let meta = Meta(access.clone());
        meta.claim(identity).await?;
        Ok(Self {
            records: Records(access.clone()),
            releases: Releases(access.clone()),
            audit: Audit(access.clone()),
            intake: Intake(access.clone()),
            doubts: Doubts(access.clone()),
            peers: Peers(access.clone()),
            acceptances: Acceptances(access.clone()),
            descriptors: Descriptors(access.clone()),
            drafts: Drafts(access.clone()),
            sources: Sources(access.clone()),
            seen: Seen(access),
            meta,
            logs: Logs::new(engine.clone()),
            engine,
        })
    }

    /// The engine beneath, for committing batches.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Commits a batch; see [`Engine::commit`].
    pub async fn commit(&self, batch: Batch) -> Result<crate::Committed, StoreError> {
        self.engine.commit(batch).await
    }
}

/// What every repository works with.
#[derive(Clone)]
struct Access {
    engine: Arc<dyn Engine>,
    vault: Arc<Vault>,
    own: ParticipantId,
}

impl Access {
    /// The value of one key.
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.engine.read(vec![key.to_vec()]).await?.pop().flatten())
    }

    /// One row.
    async fn row<M: Message + Default>(&self, key: &[u8]) -> Result<Option<M>, StoreError> {
        self.get(key).await?.map(|bytes| decoded(key, &bytes)).transpose()
    }

    /// One page of rows.
    async fn page(
        &self,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        self.engine.scan(Scan { prefix, after, limit }).await
    }

    fn logs(&self) -> Logs {
        Logs::new(self.engine.clone())
    }
}

/// The message in a row.
fn decoded<M: Message + Default>(key: &[u8], bytes: &[u8]) -> Result<M, StoreError> {
    M::decode(bytes).map_err(|_| StoreError::damaged(key))
}

/// A checked part of a row, or damage.
fn sound<T>(key: &[u8], part: Option<T>) -> Result<T, StoreError> {
    part.ok_or_else(|| StoreError::damaged(key))
}

fn content_id(key: &[u8], bytes: &[u8]) -> Result<ContentId, StoreError> {
    sound(key, ContentId::from_slice(bytes).ok())
}

fn moment(key: &[u8], ms: i64) -> Result<Timestamp, StoreError> {
    sound(key, Timestamp::from_ms(ms))
}
