//! What a followed peer sends: verified as a whole against its signed checkpoint, then committed entry by entry with
//! the records that it brings. A record that cannot be accepted goes to quarantine with its reason; the log goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message as _;
use selat_ledger::{Checkpoint, Leaf, LedgerError, LogId};
use selat_record::pb::{self, AuditAction};
use selat_record::{ContentId, ParticipantId, Payload, Record, Timestamp};
use selat_seal::AcceptedDescriptor;
use selat_store::Batch;
use selat_store::repositories::{KnownCheckpoint, Quarantined, Source};

use crate::accounts::{Act, leaf_matches};
use crate::contents::{Content, Opened, Reader};
use crate::ingest::Stored;
use crate::port::CallError;
use crate::refresh::RefreshError;
use crate::{Book, Exchange, ExchangeError, doubt};

/// Most bytes of an opening.
const OPENING_BYTES_MAX: usize = 16 * 1024;

/// Reasons for quarantine that an honest peer can give: content that ran out on the way, versions that crossed, payloads
/// and keys that are newer than what we know, a mistaken audience. All others are faults.
const HONEST_CODES: [&str; 10] = [
    "WITHHELD",
    "EXPIRED",
    "OUT_OF_ORDER",
    "WRONG_TYPE",
    "UNKNOWN_KEY",
    "KEY_PENDING",
    "KEY_NOT_VALID",
    "KEY_COMPROMISED",
    "UNKNOWN_KIND",
    "NOT_FOR_US",
];
/// Entries of one peer in quarantine from which on further ones are faults, and their content is not kept.
const QUARANTINE_MAX: u64 = 1000;
/// Largest envelope that is kept in quarantine: that of a record, with its signature and type.
const QUARANTINED_BYTES_MAX: usize = <pb::Record as Payload>::MAX_BYTES + 1024;
/// Most entries in a segment, as the protocol says.
const SEGMENT_ENTRIES_MAX: usize = 256;

/// Consecutive log entries as they came in; nothing in here has been checked.
#[derive(Debug, Clone)]
pub struct InSegment {
    /// Index of the first entry.
    pub first_index: u64,
    /// The entries.
    pub entries: Vec<InEntry>,
    /// Signed note for the size after the last entry.
    pub checkpoint: String,
}

/// One entry as it came in.
#[derive(Debug, Clone)]
pub struct InEntry {
    /// 42 bytes if it is well-formed.
    pub leaf: Vec<u8>,
    /// 32 bytes if it is well-formed.
    pub nonce: Vec<u8>,
    /// Encoded opening.
    pub opening: Vec<u8>,
    /// The envelope, for a release whose content is still given.
    pub envelope: Option<pb::Envelope>,
}

/// What a segment brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Entries now held of the peer's log.
    pub held: u64,
    /// Records accepted.
    pub accepted: u64,
    /// Records quarantined.
    pub quarantined: u64,
}

/// Why a whole segment is refused. Each is a fault of the peer.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// Gap or repetition.
    #[error("the segment begins at entry {got}, {expected} was due")]
    OutOfStep {
        /// Entries held.
        expected: u64,
        /// First index of the segment.
        got: u64,
    },
    /// Sizes and shapes.
    #[error("entry {index}: {what}")]
    Malformed {
        /// Index in the log.
        index: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The checkpoint's signature or form.
    #[error("checkpoint: {0}")]
    Checkpoint(#[source] selat_ledger::LedgerError),
    /// The checkpoint is of another tree.
    #[error("the checkpoint does not match the entries")]
    RootMismatch,
    /// A record is dated later than our clock allows. Which clock is wrong nobody knows yet: nothing is lost, the peer is
    /// asked again later.
    #[error("a record is dated ahead of our clock: compare the clocks")]
    AheadOfClock,
    /// A key of the peer that we do not know, which it may have published since. Nothing is lost, it is asked again later.
    #[error(
        "signed with a key that is newer than the descriptor that we hold, and the peer cannot be asked for its next"
    )]
    NewerKeys,
    /// This node's own trouble, not the peer's.
    #[error(transparent)]
    Own(#[from] ExchangeError),
}

/// What becomes of a segment that was signed with a key that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnknownKeys {
    /// Nothing, until the peer has been asked for its newest descriptor.
    Wait,
    /// It is judged by what is known.
    Judge,
}

impl Exchange {
    /// How many entries of the peer's release log to this participant are held.
    pub async fn held_of(&self, peer: &ParticipantId) -> Result<u64, ExchangeError> {
        Ok(self.store.logs.size(&self.release_log_from(peer)).await?)
    }

    /// Checks a segment as a whole and makes it durable. On `Err` nothing of it is held, except when the error is this
    /// node's own: then each entry is either held with its record or not at all, and the cursor says which.
    pub async fn take(self: &Arc<Self>, peer: &ParticipantId, segment: InSegment) -> Result<Taken, IntakeError> {
        let mut result = self.take_checked(peer, &segment, UnknownKeys::Wait).await;
        if let Err(IntakeError::NewerKeys) = result {
            // A peer that replaced a key in an emergency signs with the new one before everybody has heard of it.
            result = match self.refresh(peer).await {
                Err(RefreshError::Call(CallError::Unreachable(_) | CallError::Late)) => result,
                Err(RefreshError::Own(error)) => Err(error.into()),
                // What is unknown still is none of its keys.
                Ok(_) | Err(_) => self.take_checked(peer, &segment, UnknownKeys::Judge).await,
            };
        }
        match &result {
            Err(IntakeError::Own(_) | IntakeError::AheadOfClock | IntakeError::NewerKeys) | Ok(_) => {}
            Err(fault) => {
                self.conduct.fault(peer, &fault.to_string(), self.clock.now());
            }
        }
        result
    }

    async fn take_checked(
        &self,
        peer: &ParticipantId,
        segment: &InSegment,
        unknown: UnknownKeys,
    ) -> Result<Taken, IntakeError> {
        let held = self.held_of(peer).await?;
        if segment.first_index != held {
            return Err(IntakeError::OutOfStep { expected: held, got: segment.first_index });
        }
        let opened = self.open_entries(peer, segment)?;
        let book = self.book();
        let checkpoint = match self.check_against_checkpoint(peer, &book, &opened, &segment.checkpoint).await {
            Err(IntakeError::Checkpoint(LedgerError::NotSigned)) if unknown == UnknownKeys::Wait => {
                return Err(IntakeError::NewerKeys);
            }
            checkpoint => checkpoint?,
        };
        let now = self.clock.now();
        let trust = book.trust().clone();
        let reader = Reader { trust, peer: peer.clone(), own: self.participant().clone(), now };
        let contents = reader.read_all(opened).await?;
        if contents.iter().any(|(_, content)| content.is_ahead_of_clock()) {
            return Err(IntakeError::AheadOfClock);
        }
        if unknown == UnknownKeys::Wait && contents.iter().any(|(_, content)| content.is_of_newer_key()) {
            return Err(IntakeError::NewerKeys);
        }
        let pending = Pending::new(self, peer, held, book.epoch);
        self.commit_entries(pending, &checkpoint, contents, now).await
    }

    fn open_entries(&self, peer: &ParticipantId, segment: &InSegment) -> Result<Vec<Opened>, IntakeError> {
        let count = segment.entries.len();
        if count == 0 || count > SEGMENT_ENTRIES_MAX {
            return Err(IntakeError::Malformed { index: segment.first_index, what: "no entries, or too many" });
        }
        let indexes = segment.first_index..;
        indexes.zip(&segment.entries).map(|(index, entry)| self.open_entry(peer, index, entry)).collect()
    }

    fn open_entry(&self, peer: &ParticipantId, index: u64, entry: &InEntry) -> Result<Opened, IntakeError> {
        let malformed = |what| IntakeError::Malformed { index, what };
        if entry.opening.len() > OPENING_BYTES_MAX {
            return Err(malformed("the opening is too large"));
        }
        let leaf = Leaf::decode(&entry.leaf).map_err(|_| malformed("the leaf is malformed"))?;
        let nonce = entry.nonce.as_slice().try_into().map_err(|_| malformed("the nonce is not 32 bytes"))?;
        let opening = pb::ReleaseOpening::decode(entry.opening.as_slice())
            .map_err(|_| malformed("the opening cannot be decoded"))?;
        if opening.encode_to_vec() != entry.opening {
            return Err(malformed("the opening is not canonical"));
        }
        if !leaf_matches(&leaf, &nonce, &entry.opening, &opening) {
            return Err(malformed("the leaf does not commit to the opening"));
        }
        let between_us = opening.discloser == peer.as_str() && opening.recipient == self.participant().as_str();
        if !between_us || opening.federation != self.federation().as_str() {
            return Err(malformed("the opening is of another log"));
        }
        Ok(Opened { leaf, nonce, opening, opening_bytes: entry.opening.clone(), envelope: entry.envelope.clone() })
    }

    /// The whole tree is rebuilt from its leaves, so an equal root proves inclusion and consistency at once.
    async fn check_against_checkpoint(
        &self,
        peer: &ParticipantId,
        book: &Book,
        opened: &[Opened],
        note: &str,
    ) -> Result<KnownCheckpoint, IntakeError> {
        let log = self.release_log_from(peer);
        let descriptor = &book.approved_peer(peer)?.descriptor;
        let checkpoint = open_checkpoint(note, &log, descriptor, self.clock.now()).map_err(IntakeError::Checkpoint)?;
        let mut growth = self.store.logs.growth(&log).await.map_err(ExchangeError::from)?;
        for entry in opened {
            growth.append(&entry.leaf.encode()).map_err(IntakeError::Checkpoint)?;
        }
        let root = growth.root().map_err(IntakeError::Checkpoint)?;
        if (growth.size(), root) != (checkpoint.size, checkpoint.root) {
            return Err(IntakeError::RootMismatch);
        }
        Ok(KnownCheckpoint { size: checkpoint.size, root, note: note.to_owned() })
    }

    async fn commit_entries(
        &self,
        mut pending: Pending,
        checkpoint: &KnownCheckpoint,
        contents: Vec<(Opened, Content)>,
        now: Timestamp,
    ) -> Result<Taken, IntakeError> {
        let mut taken = Taken { held: pending.first, ..Taken::default() };
        pending.room = self.quarantine_room(&pending.peer, &contents).await?;
        for (opened, content) in contents {
            // Two versions of one record cannot share a batch: the second requires the first to be there.
            if pending.holds(&opened.opening) {
                pending = self.flush(pending, &mut taken).await?;
            }
            self.add_entry(&mut pending, &opened, content, now).await?;
        }
        self.store.peers.put_checkpoint(&mut pending.batch, &pending.peer, checkpoint);
        self.flush(pending, &mut taken).await?;
        Ok(taken)
    }

    async fn add_entry(
        &self,
        pending: &mut Pending,
        opened: &Opened,
        content: Content,
        now: Timestamp,
    ) -> Result<(), ExchangeError> {
        let index = pending.first + pending.count;
        let (leaf, opening) = (opened.leaf, opened.opening_bytes.clone());
        self.store.intake.append(&mut pending.batch, &pending.peer, leaf, &opened.nonce, opening);
        pending.count += 1;
        pending.records.insert(opened.opening.record_id.clone());
        let content = match content {
            Content::Accepted { record, content, bytes } => self.chained(record, content, bytes).await?,
            other => other,
        };
        match content {
            Content::None => {}
            Content::Accepted { record, content, bytes } => {
                let head = self.store.records.head(record.originator(), record.id()).await?;
                let stored = Stored { record: &record, content, envelope: &bytes, source: Source::Peer };
                self.store_version(&mut pending.batch, &stored, head.as_ref(), now).await?;
                let act = Act::of_node(AuditAction::Collection).about(&record, content).with([pending.peer.clone()]);
                self.account(&mut pending.batch, act, now)?;
                pending.accepted.push((*record, content, head.is_none()));
            }
            Content::Quarantined { code, why, envelope } => {
                let quarantined = Quarantined {
                    peer: pending.peer.clone(),
                    index,
                    content_id: ContentId::from_slice(&opened.opening.content_id).ok(),
                    code: code.to_owned(),
                    reason: why,
                    time: now,
                };
                let envelope = envelope.map(|envelope| envelope.encode_to_vec());
                let kept = envelope.filter(|bytes| pending.room > 0 && bytes.len() <= QUARANTINED_BYTES_MAX);
                self.store.intake.quarantine(&mut pending.batch, &quarantined, kept.as_deref());
                if code != doubt::CODE {
                    if pending.room == 0 || !HONEST_CODES.contains(&code) {
                        pending.faults.push(format!("entry {index}: {}", quarantined.reason));
                    }
                    pending.room = pending.room.saturating_sub(1);
                }
                pending.quarantined += 1;
            }
        }
        Ok(())
    }

    /// The record as it is, or why it does not follow on what is held.
    async fn chained(&self, record: Box<Record>, content: ContentId, bytes: Vec<u8>) -> Result<Content, ExchangeError> {
        let head = self.store.records.head(record.originator(), record.id()).await?;
        let fault = match head {
            // A first sight may be of a later version: the audience was widened after version 1.
            None => None,
            Some(head) if record.version() <= head.version => Some(("OUT_OF_ORDER", "this or a later version is held")),
            Some(head) if record.version() == head.version + 1 && record.replaces() != Some(head.content_id) => {
                Some(("BROKEN_CHAIN", "it does not replace the version that is held"))
            }
            Some(_) => None,
        };
        Ok(match fault {
            None => Content::Accepted { record, content, bytes },
            Some((code, why)) => {
                let envelope = pb::Envelope::decode(bytes.as_slice()).ok();
                Content::Quarantined { code, why: why.into(), envelope }
            }
        })
    }

    /// How many entries of the peer may still go to quarantine with their content. Counted only when one has to.
    async fn quarantine_room(
        &self,
        peer: &ParticipantId,
        contents: &[(Opened, Content)],
    ) -> Result<u64, ExchangeError> {
        if !contents.iter().any(|(_, content)| matches!(content, Content::Quarantined { .. })) {
            return Ok(QUARANTINE_MAX);
        }
        // An honest peer whose key was stolen must not be blamed for how much the thief signed.
        Ok(QUARANTINE_MAX.saturating_sub(self.store.intake.quarantine_count_but(peer, doubt::CODE).await?))
    }

    async fn flush(&self, pending: Pending, taken: &mut Taken) -> Result<Pending, ExchangeError> {
        let mut next = Pending::new(self, &pending.peer, pending.first + pending.count, pending.epoch);
        next.room = pending.room;
        self.store.commit(pending.batch).await?;
        taken.held = pending.first + pending.count;
        taken.accepted += u64::try_from(pending.accepted.len()).unwrap_or(u64::MAX);
        taken.quarantined += pending.quarantined;
        for fault in &pending.faults {
            self.conduct.fault(&pending.peer, fault, self.clock.now());
        }
        for (record, content, first) in pending.accepted {
            if first {
                self.counts.add(false);
            }
            self.index_record(&record, content);
        }
        Ok(next)
    }
}

/// A note counts when any log key of the peer signed it that may sign now: its node can be a descriptor ahead of us, or
/// one behind itself.
fn open_checkpoint(
    note: &str,
    log: &LogId,
    peer: &AcceptedDescriptor,
    now: Timestamp,
) -> Result<Checkpoint, LedgerError> {
    let mut outcome = Err(LedgerError::NotSigned);
    for key in peer.log_keys_at(now) {
        match Checkpoint::open(note, log, peer.participant(), key) {
            Ok(checkpoint) => return Ok(checkpoint),
            Err(LedgerError::NotSigned) => {}
            error => outcome = error,
        }
    }
    outcome
}

/// Entries on their way into one batch.
struct Pending {
    peer: ParticipantId,
    first: u64,
    epoch: u64,
    count: u64,
    batch: Batch,
    records: BTreeSet<Vec<u8>>,
    accepted: Vec<(Record, ContentId, bool)>,
    quarantined: u64,
    faults: Vec<String>,
    /// Entries that may still go to quarantine.
    room: u64,
}

impl Pending {
    fn new(exchange: &Exchange, peer: &ParticipantId, first: u64, epoch: u64) -> Self {
        let mut batch = Batch::default();
        exchange.store.intake.expect_size(&mut batch, peer, first);
        // What was verified with the keys of one book is not taken after a peer, or one of its keys, was given up.
        exchange.store.peers.require_epoch(&mut batch, epoch);
        Self {
            peer: peer.clone(),
            first,
            epoch,
            count: 0,
            batch,
            records: BTreeSet::new(),
            accepted: Vec::new(),
            quarantined: 0,
            faults: Vec::new(),
            room: QUARANTINE_MAX,
        }
    }

    fn holds(&self, opening: &pb::ReleaseOpening) -> bool {
        !opening.record_id.is_empty() && self.records.contains(&opening.record_id)
    }
}

impl From<selat_store::StoreError> for IntakeError {
    fn from(error: selat_store::StoreError) -> Self {
        Self::Own(error.into())
    }
}
