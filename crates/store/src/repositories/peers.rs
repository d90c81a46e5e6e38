//! The other participants: their descriptors, whether we approved them, and the last checkpoint of each one's log to us.

use prost::Message;
use selat_record::{ParticipantId, Timestamp};

use super::{Access, decoded, moment, sound};
use crate::batch::Batch;
use crate::engine::SCAN_MAX;
use crate::error::StoreError;
use crate::keys::Key;

/// The participants that this node knows.
#[derive(Clone)]
pub struct Peers(pub(super) Access);

/// A participant that joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Who.
    pub participant: ParticipantId,
    /// How it stands with us.
    pub state: PeerState,
    /// Its descriptor's envelope, encoded, as accepted.
    pub descriptor: Vec<u8>,
    /// When its descriptor was first taken in.
    pub joined: Timestamp,
    /// Who approved it, once somebody has.
    pub approval: Option<Approval>,
    /// Why its traffic was stopped, while it is suspended or frozen.
    pub stopped: Option<Stopped>,
}

/// How a participant stands with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum PeerState {
    /// Its descriptor is here; nobody compared the safety phrase yet. No traffic.
    Pending = 1,
    /// Somebody compared the safety phrase. Traffic flows.
    Approved = 2,
    /// It signed two descriptors under one number. No traffic; only removing it leads further.
    Frozen = 3,
    /// An operator stopped its traffic, and may let it flow again.
    Suspended = 4,
}

/// That a peer's traffic was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Why, for people.
    pub reason: String,
    /// The operator, or "node".
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// That somebody compared the safety phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The operator.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Over which second channel, for example "phone".
    pub channel: String,
}

/// A checkpoint that a peer signed over its log to us, and that our copy agrees with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCheckpoint {
    /// Entries that it covers.
    pub size: u64,
    /// Root of the tree over them.
    pub root: [u8; 32],
    /// The signed note, as received.
    pub note: String,
}

impl Peers {
    /// Stores a peer that is not known yet; conflicts if it is.
    pub fn add(&self, batch: &mut Batch, peer: &Peer) {
        let key = peer_key(&peer.participant);
        batch.require_absent(key.clone());
        batch.put(key, PeerRow::from(peer).encode_to_vec());
    }

    /// Replaces what is known of a peer; conflicts if it is no longer `old`.
    pub fn replace(&self, batch: &mut Batch, old: &Peer, new: &Peer) {
        batch.require_equals(peer_key(&old.participant), PeerRow::from(old).encode_to_vec());
        batch.put(peer_key(&new.participant), PeerRow::from(new).encode_to_vec());
    }

    /// Forgets a peer and what it is known by; conflicts if it is no longer `old`. Its logs stay, with the last checkpoint
    /// of the one to us: a log that comes back must go on where it ended.
    pub fn remove(&self, batch: &mut Batch, old: &Peer) {
        let key = peer_key(&old.participant);
        batch.require_equals(key.clone(), PeerRow::from(old).encode_to_vec());
        batch.delete(key);
    }

    /// One peer.
    pub async fn get(&self, participant: &ParticipantId) -> Result<Option<Peer>, StoreError> {
        let key = peer_key(participant);
        self.0.get(&key).await?.map(|bytes| peer(&key, &bytes)).transpose()
    }

    /// All peers, by name; the first [`SCAN_MAX`].
    pub async fn all(&self) -> Result<Vec<Peer>, StoreError> {
        let rows = self.0.page(Key::of("p/").done(), None, SCAN_MAX).await?;
        rows.iter().map(|(key, bytes)| peer(key, bytes)).collect()
    }

    /// Counts the changes to the set of peers: 0 before the first.
    pub async fn epoch(&self) -> Result<u64, StoreError> {
        Ok(self.0.row::<EpochRow>(&epoch_key()).await?.map_or(0, |row| row.epoch))
    }

    /// Demands that the set of peers has not changed since this epoch was read.
    pub fn require_epoch(&self, batch: &mut Batch, epoch: u64) {
        batch.require_unchanged(epoch_key(), (epoch > 0).then(|| EpochRow { epoch }.encode_to_vec()));
    }

    /// Moves on to the next epoch; conflicts if it is no longer `from`.
    pub fn advance_epoch(&self, batch: &mut Batch, from: u64) {
        self.require_epoch(batch, from);
        batch.put(epoch_key(), EpochRow { epoch: from + 1 }.encode_to_vec());
    }

    /// Stores the last checkpoint of the peer's log to us. Goes with the entries that it covers, in one batch.
    pub fn put_checkpoint(&self, batch: &mut Batch, peer: &ParticipantId, checkpoint: &KnownCheckpoint) {
        let KnownCheckpoint { size, root, note } = checkpoint;
        let row = CheckpointRow { size: *size, root: root.to_vec(), note: note.clone() };
        batch.put(checkpoint_key(peer), row.encode_to_vec());
    }

    /// The last checkpoint of the peer's log to us.
    pub async fn checkpoint(&self, peer: &ParticipantId) -> Result<Option<KnownCheckpoint>, StoreError> {
        let key = checkpoint_key(peer);
        let Some(CheckpointRow { size, root, note }) = self.0.row(&key).await? else { return Ok(None) };
        let root = sound(&key, root.try_into().ok())?;
        Ok(Some(KnownCheckpoint { size, root, note }))
    }
}

fn peer_key(participant: &ParticipantId) -> Vec<u8> {
    Key::of("p/").participant(participant).done()
}

fn epoch_key() -> Vec<u8> {
    Key::of("pe/").done()
}

fn checkpoint_key(participant: &ParticipantId) -> Vec<u8> {
    Key::of("pc/").participant(participant).done()
}

#[derive(Clone, PartialEq, Message)]
struct EpochRow {
    #[prost(uint64, tag = "1")]
    epoch: u64,
}

#[derive(Clone, PartialEq, Message)]
struct PeerRow {
    #[prost(string, tag = "1")]
    participant: String,
    #[prost(enumeration = "PeerState", tag = "2")]
    state: i32,
    #[prost(bytes = "vec", tag = "3")]
    descriptor: Vec<u8>,
    #[prost(int64, tag = "4")]
    joined_ms: i64,
    #[prost(message, optional, tag = "5")]
    approval: Option<ApprovalRow>,
    #[prost(message, optional, tag = "6")]
    stopped: Option<StoppedRow>,
}

#[derive(Clone, PartialEq, Message)]
struct ApprovalRow {
    #[prost(string, tag = "1")]
    by: String,
    #[prost(int64, tag = "2")]
    at_ms: i64,
    #[prost(string, tag = "3")]
    channel: String,
}

#[derive(Clone, PartialEq, Message)]
struct StoppedRow {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    by: String,
    #[prost(int64, tag = "3")]
    at_ms: i64,
}

#[derive(Clone, PartialEq, Message)]
struct CheckpointRow {
    #[prost(uint64, tag = "1")]
    size: u64,
    #[prost(bytes = "vec", tag = "2")]
    root: Vec<u8>,
    #[prost(string, tag = "3")]
    note: String,
}

impl From<&Peer> for PeerRow {
    fn from(peer: &Peer) -> Self {
        let approval = peer.approval.as_ref();
        Self {
            participant: peer.participant.to_string(),
            state: peer.state.into(),
            descriptor: peer.descriptor.clone(),
            joined_ms: peer.joined.ms(),
            approval: approval.map(|approval| ApprovalRow {
                by: approval.by.clone(),
                at_ms: approval.at.ms(),
                channel: approval.channel.clone(),
            }),
            stopped: peer.stopped.as_ref().map(|stopped| StoppedRow {
                reason: stopped.reason.clone(),
                by: stopped.by.clone(),
                at_ms: stopped.at.ms(),
            }),
        }
    }
}

fn peer(key: &[u8], bytes: &[u8]) -> Result<Peer, StoreError> {
    let row: PeerRow = decoded(key, bytes)?;
    let approval = row.approval.map(|row| {
        let at = moment(key, row.at_ms)?;
        Ok::<_, StoreError>(Approval { by: row.by, at, channel: row.channel })
    });
    let stopped = row.stopped.map(|row| {
        let at = moment(key, row.at_ms)?;
        Ok::<_, StoreError>(Stopped { reason: row.reason, by: row.by, at })
    });
    Ok(Peer {
        participant: sound(key, row.participant.parse().ok())?,
        state: sound(key, PeerState::try_from(row.state).ok())?,
        descriptor: row.descriptor,
        joined: moment(key, row.joined_ms)?,
        approval: approval.transpose()?,
        stopped: stopped.transpose()?,
    })
}
