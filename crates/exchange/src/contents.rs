//! What the entries of a peer's segment carry: verified, checked against what the log says of it, or set aside with the
//! reason. Nothing is stored here.

use prost::Message as _;
use selat_ledger::Leaf;
use selat_record::pb::{self, LogEntryKind};
use selat_record::{Audience, ContentId, ParticipantId, Record, Timestamp};
use selat_seal::{At, SealError, Trust, verify};

use crate::ExchangeError;

/// An entry whose leaf and opening hold.
pub(crate) struct Opened {
    pub(crate) leaf: Leaf,
    pub(crate) nonce: [u8; 32],
    pub(crate) opening: pb::ReleaseOpening,
    pub(crate) opening_bytes: Vec<u8>,
    pub(crate) envelope: Option<pb::Envelope>,
}

/// What became of the content of an entry.
pub(crate) enum Content {
    None,
    Accepted { record: Box<Record>, content: ContentId, bytes: Vec<u8> },
    Quarantined { code: &'static str, why: String, envelope: Option<pb::Envelope> },
}

impl Content {
    pub(crate) fn is_ahead_of_clock(&self) -> bool {
        matches!(self, Self::Quarantined { code: "FROM_THE_FUTURE", .. })
    }

    pub(crate) fn is_of_newer_key(&self) -> bool {
        matches!(self, Self::Quarantined { code: "UNKNOWN_KEY" | "KEY_PENDING", .. })
    }
}

/// Why a content goes to quarantine.
type Fault = (&'static str, String);

/// Reads the contents of one peer's segment.
pub(crate) struct Reader {
    pub(crate) trust: Trust,
    pub(crate) peer: ParticipantId,
    pub(crate) own: ParticipantId,
    pub(crate) now: Timestamp,
}

impl Reader {
    /// Away from the async threads: a signature takes tens of microseconds.
    pub(crate) async fn read_all(self, opened: Vec<Opened>) -> Result<Vec<(Opened, Content)>, ExchangeError> {
        let read = move || {
            let read = |entry: Opened| {
                let content = self.read(&entry);
                (entry, content)
            };
            opened.into_iter().map(read).collect()
        };
        // An error means that the process is ending; the segment comes again.
        tokio::task::spawn_blocking(read).await.map_err(|_| ExchangeError::Busy)
    }

    fn read(&self, entry: &Opened) -> Content {
        match entry.opening.kind() {
            LogEntryKind::Release | LogEntryKind::Amendment => {}
            LogEntryKind::Answer => return Content::None,
            // A newer node's recall must not pass unseen.
            kind => {
                let why = format!("this version does not know entries of kind {}", kind.as_str_name());
                return Content::Quarantined { code: "UNKNOWN_KIND", why, envelope: None };
            }
        }
        let Some(envelope) = &entry.envelope else {
            let why = "the peer no longer gives its content".to_owned();
            return Content::Quarantined { code: "WITHHELD", why, envelope: None };
        };
        match self.accept(&entry.opening, envelope) {
            Ok((record, content)) => {
                Content::Accepted { record: Box::new(record), content, bytes: envelope.encode_to_vec() }
            }
            // What was never meant for us is not kept, not even aside.
            Err((code @ "NOT_FOR_US", why)) => Content::Quarantined { code, why, envelope: None },
            Err((code, why)) => Content::Quarantined { code, why, envelope: Some(envelope.clone()) },
        }
    }

    /// Only the originator's own records are accepted from a peer; onward disclosure needs consent that no payload carries
    /// in this version.
    fn accept(&self, opening: &pb::ReleaseOpening, envelope: &pb::Envelope) -> Result<(Record, ContentId), Fault> {
        let at = At { now: self.now, first_logged: self.now };
        let verified = verify::<pb::Record>(&self.trust, envelope, &self.peer, at)
            .map_err(|error: SealError| (error.code(), error.to_string()))?;
        let content = verified.content_id();
        let record = Record::check(verified.into_inner()).map_err(|faults| ("INVALID", faults.to_string()))?;
        let as_opened = opening.record_id == record.id().as_bytes()
            && opening.record_version == record.version()
            && opening.content_id == content.as_bytes()
            && opening.conditions == record.message().handling;
        if !as_opened {
            return Err(("NOT_AS_LOGGED", "the envelope is not what the log entry says".into()));
        }
        if !self.is_for_us(&record) {
            return Err(("NOT_FOR_US", "its conditions do not let us have it".into()));
        }
        if record.valid_until().is_some_and(|until| until <= self.now) {
            return Err(("EXPIRED", "it expired before it arrived".into()));
        }
        Ok((record, content))
    }

    fn is_for_us(&self, record: &Record) -> bool {
        let named = match record.handling().releasable_to() {
            Audience::Nobody => false,
            Audience::Named(names) => names.contains(&self.own),
            Audience::All => record.protection().is_none(),
        };
        named && record.protection().is_none_or(|protection| !protection.hidden_from().contains(&self.own))
    }
}
