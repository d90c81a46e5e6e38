//! What an officer or an import hands in: a record before the node has given it an id, a version and a header.

use crate::content::Content;
use crate::handling::Handling;
use crate::header::ANYBODY;
use crate::ids::{ContentId, FederationId, ParticipantId, RecordId};
use crate::pb::{self, RecordKind};
use crate::protection::Protection;
use crate::record::Record;
use crate::spot::{self, Spot};
use crate::{Faults, Timestamp};

/// A record of which everything but header, ids and versions has been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    message: pb::Record,
    content: Content,
}

/// What the node adds to a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minted {
    /// The federation that the record belongs to.
    pub federation: FederationId,
    /// The participant that makes it.
    pub originator: ParticipantId,
    /// A fresh UUIDv7, unique for the originator.
    pub payload_id: [u8; 16],
    /// A fresh id for a first version, else that of the version before.
    pub record_id: RecordId,
    /// 1, 2, 3...
    pub version: u32,
    /// The version before; `None` for version 1.
    pub replaces: Option<ContentId>,
    /// When it is made.
    pub created: Timestamp,
    /// When it expires; `None`: not by itself.
    pub valid_until: Option<Timestamp>,
    /// Version of the originator's descriptor.
    pub descriptor_version: u64,
}

impl Draft {
    /// Checks what was handed in; all faults at once.
    pub fn check(message: pb::Record) -> Result<Self, Faults> {
        let content = spot::check("", |at| {
            check_unstamped(at, &message);
            Content::read(at, &message)
        })?;
        Ok(Self { message, content })
    }

    /// The conditions under which it shall travel.
    pub fn handling(&self) -> &Handling {
        &self.content.handling
    }

    /// From whom the person in it must be hidden; `None`: not protected.
    pub fn protection(&self) -> Option<&Protection> {
        self.content.protection.as_ref()
    }

    /// What it is about.
    pub fn kind(&self) -> RecordKind {
        self.content.kind
    }

    /// The message that was checked.
    pub fn message(&self) -> &pb::Record {
        &self.message
    }

    /// Makes the record. Refuses an amendment without a reason, and a reason without an amendment.
    pub fn complete(self, minted: Minted) -> Result<Record, Faults> {
        let message = pb::Record {
            header: Some(pb::Header {
                federation: minted.federation.to_string(),
                issuer: minted.originator.to_string(),
                audience: ANYBODY.to_owned(),
                id: minted.payload_id.to_vec(),
                created_ms: minted.created.ms(),
                expires_ms: minted.valid_until.map_or(0, Timestamp::ms),
                descriptor_version: minted.descriptor_version,
            }),
            record_id: minted.record_id.as_bytes().to_vec(),
            version: minted.version,
            replaces: minted.replaces.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
            ..self.message
        };
        Record::stamped(message, self.content)
    }
}

/// A draft that came with a header would pretend to be a record that somebody made before.
fn check_unstamped(at: &Spot<'_>, message: &pb::Record) {
    for (field, stands) in [
        ("header", message.header.is_some()),
        ("record_id", !message.record_id.is_empty()),
        ("version", message.version != 0),
        ("replaces", !message.replaces.is_empty()),
    ] {
        if stands {
            at.field(field).fault("is given, but the node fills it in");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn draft_with_what_the_node_fills_in_is_refused() {
        let faults = Draft::check(pb::Record { version: 2, replaces: vec![1; 32], ..sample::record() }).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["header", "record_id", "version", "replaces"]);
    }

    #[test]
    fn completed_draft_is_the_record_that_a_check_gives() {
        let record = Draft::check(sample::draft()).unwrap().complete(sample::minted()).unwrap();
        assert_eq!(Record::check(record.message().clone()).unwrap(), record);
        assert_eq!(record.message(), &sample::record());
    }

    #[test]
    fn amendment_without_a_reason_is_refused() {
        let second = Minted { version: 2, replaces: Some(ContentId::new([7; 32])), ..sample::minted() };
        let complete = |reason: &str, minted: Minted| {
            let draft = pb::Record { amendment_reason: reason.into(), ..sample::draft() };
            let outcome = Draft::check(draft).unwrap().complete(minted);
            outcome.err().map(|faults| faults.to_string()).unwrap_or_default()
        };
        assert_eq!(complete("typing error", second.clone()), "");
        assert_eq!(complete("", second), "amendment_reason: is missing");
        assert_eq!(
            complete("typing error", sample::minted()),
            "amendment_reason: is not empty, but version 1 amends nothing"
        );
    }

    #[test]
    fn expiry_before_creation_is_refused() {
        let minted = Minted { valid_until: Some(sample::minted().created), ..sample::minted() };
        let faults = Draft::check(sample::draft()).unwrap().complete(minted).unwrap_err();
        assert_eq!(faults.to_string(), "header.expires_ms: is not after it was created");
    }
}
