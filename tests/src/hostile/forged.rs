//! The rogue's release log to the victim, which it signs entry by entry as it likes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use selat_ledger::{Checkpoint, Growth, LEAF_BYTES, Leaf, LogId};
use selat_record::{RecordId, Timestamp, pb};
use selat_seal::Sealed;
use selat_wire::peer::follow_event::Event;
use selat_wire::peer::{FollowEvent, LogEntry, Segment};

use super::Rogue;
use super::rogue::random;

/// Writes records and log entries that are good until a test spoils them.
pub struct Forger {
    rogue: Arc<Rogue>,
    /// Entries that the victim holds.
    pub held: Vec<LogEntry>,
}

impl Forger {
    /// With an empty log.
    pub fn new(rogue: &Arc<Rogue>) -> Self {
        Self { rogue: rogue.clone(), held: Vec::new() }
    }

    /// A good first version of a record, released to all.
    pub fn record(&self, title: &str) -> pb::Record {
        let bulletin = pb::Bulletin {
            kind: pb::BulletinKind::Warning.into(),
            title: title.to_owned(),
            text: "Nothing in here is true.".into(),
            ..Default::default()
        };
        let header = self.rogue.header(Duration::from_secs(24 * 3600));
        pb::Record {
            header: Some(pb::Header { audience: "*".into(), ..header }),
            record_id: RecordId::mint(self.rogue.clock.now(), random()).as_bytes().to_vec(),
            version: 1,
            body: Some(pb::record::Body::Bulletin(bulletin)),
            ..super::stage::conditions()
        }
    }

    /// The record in its envelope.
    pub fn sealed(&self, record: &pb::Record) -> Sealed {
        self.rogue.record.sign(record).expect("the record key signs records")
    }

    /// What the log says of a record.
    pub fn opening(&self, record: &pb::Record, sealed: &Sealed) -> pb::ReleaseOpening {
        pb::ReleaseOpening {
            federation: self.rogue.descriptor.federation().to_string(),
            discloser: self.rogue.participant.to_string(),
            recipient: self.rogue.victim.participant().to_string(),
            kind: pb::LogEntryKind::Release.into(),
            time_ms: self.rogue.clock.now().ms(),
            record_id: record.record_id.clone(),
            record_version: record.version,
            content_id: sealed.content_id.as_bytes().to_vec(),
            conditions: record.handling.clone(),
            ..Default::default()
        }
    }

    /// A log entry that commits to `opening`.
    pub fn entry(&self, opening: &pb::ReleaseOpening, envelope: Option<pb::Envelope>) -> LogEntry {
        let kind = u8::try_from(opening.kind).unwrap_or(u8::MAX);
        let time = Timestamp::from_ms(opening.time_ms).expect("the clock shows a time since 1970");
        self.committed(kind, time, opening.encode_to_vec(), envelope)
    }

    /// A log entry that commits to any bytes.
    pub fn committed(&self, kind: u8, time: Timestamp, opening: Vec<u8>, envelope: Option<pb::Envelope>) -> LogEntry {
        let nonce = [7; 32];
        let leaf = Leaf::commit(kind, time, &nonce, &opening).encode().to_vec();
        LogEntry { leaf, nonce: nonce.to_vec(), opening, envelope }
    }

    /// A good entry that releases `record`.
    pub fn release(&self, record: &pb::Record) -> LogEntry {
        let sealed = self.sealed(record);
        self.entry(&self.opening(record, &sealed), Some(sealed.envelope))
    }

    /// A good entry whose envelope is spoilt.
    pub fn spoilt(&self, title: &str, spoil: impl FnOnce(&mut pb::Envelope)) -> LogEntry {
        let mut entry = self.any(title);
        if let Some(envelope) = entry.envelope.as_mut() {
            spoil(envelope);
        }
        entry
    }

    /// A good entry with a record of its own.
    pub fn any(&self, title: &str) -> LogEntry {
        self.release(&self.record(title))
    }

    /// `entries` after those that the victim holds, under a checkpoint that is right.
    pub fn segment(&self, entries: Vec<LogEntry>) -> Segment {
        let checkpoint = self.checkpoint(&entries);
        let note = checkpoint.sign(&self.rogue.participant, &self.rogue.log).expect("a key in memory signs");
        Segment { first_index: self.next(), entries, checkpoint: note }
    }

    /// The checkpoint over what the victim holds and `entries`. Leaves that are none do not count.
    pub fn checkpoint(&self, entries: &[LogEntry]) -> Checkpoint {
        let mut growth = Growth::new(0, BTreeMap::new()).expect("an empty log can grow");
        for entry in self.held.iter().chain(entries) {
            if let Ok(leaf) = <[u8; LEAF_BYTES]>::try_from(entry.leaf.as_slice()) {
                growth.append(&leaf).expect("the log is small");
            }
        }
        let origin = LogId::release(&self.rogue.participant, self.rogue.victim.participant());
        Checkpoint { origin, size: growth.size(), root: growth.root().expect("the log is small") }
    }

    /// Index of the next entry.
    pub fn next(&self) -> u64 {
        u64::try_from(self.held.len()).unwrap_or(u64::MAX)
    }
}

/// A segment on a follow stream.
pub fn event(segment: Segment) -> FollowEvent {
    FollowEvent { event: Some(Event::Segment(segment)) }
}
