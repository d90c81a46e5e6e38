//! A record that has been checked from its header to the last field of its body.

use crate::content::{Content, check_size};
use crate::evaluation::Evaluation;
use crate::handling::Handling;
use crate::header::{self, ANYBODY, Stamp};
use crate::ids::{ContentId, FederationId, ParticipantId, RecordId};
use crate::pb::{self, RecordKind};
use crate::protection::Protection;
use crate::spot::{self, Spot};
use crate::{Faults, Timestamp};

/// A record as its originator made it: well-formed, complete, and nothing in it unknown. Says nothing about who signed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    message: pb::Record,
    stamp: Stamp,
    lineage: Lineage,
    content: Content,
}

/// Which record it is, and where among its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lineage {
    id: RecordId,
    replaces: Option<ContentId>,
}

impl Record {
    /// Checks everything, header included; all faults at once.
    pub fn check(message: pb::Record) -> Result<Self, Faults> {
        let (stamp, lineage, content) = spot::check("", |at| {
            let stamp = read_stamp(at, &message);
            let lineage = read_lineage(at, &message);
            let content = Content::read(at, &message);
            Some((stamp?, lineage?, content?))
        })?;
        Ok(Self { message, stamp, lineage, content })
    }

    /// Joins a stamped message with its content that was checked before.
    pub(crate) fn stamped(message: pb::Record, content: Content) -> Result<Self, Faults> {
        let (stamp, lineage) = spot::check("", |at| {
            let stamp = read_stamp(at, &message);
            let lineage = read_lineage(at, &message);
            check_size(at, &message);
            Some((stamp?, lineage?))
        })?;
        Ok(Self { message, stamp, lineage, content })
    }

    /// The same in every version.
    pub fn id(&self) -> RecordId {
        self.lineage.id
    }

    /// 1, 2, 3...
    pub fn version(&self) -> u32 {
        self.message.version
    }

    /// Who made it and signs it.
    pub fn originator(&self) -> &ParticipantId {
        &self.stamp.issuer
    }

    /// The federation that it belongs to.
    pub fn federation(&self) -> &FederationId {
        &self.stamp.federation
    }

    /// The version that this one replaces; `None` in version 1.
    pub fn replaces(&self) -> Option<ContentId> {
        self.lineage.replaces
    }

    /// When this version was made.
    pub fn created(&self) -> Timestamp {
        self.stamp.created
    }

    /// When it expires; `None`: not by itself.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.stamp.expires
    }

    /// How far it can be trusted.
    pub fn evaluation(&self) -> &Evaluation {
        &self.content.evaluation
    }

    /// The conditions under which it travels.
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

    /// What it says.
    pub fn body(&self) -> &pb::record::Body {
        self.message.body.as_ref().expect("a record without a body does not pass its check")
    }

    /// The message that was checked.
    pub fn message(&self) -> &pb::Record {
        &self.message
    }

    /// Gives the message back.
    pub fn into_message(self) -> pb::Record {
        self.message
    }
}

fn read_stamp(at: &Spot<'_>, message: &pb::Record) -> Option<Stamp> {
    let spot = at.field("header");
    let header = spot.required(message.header.as_ref())?;
    if header.audience != ANYBODY {
        spot.field("audience").fault("is not \"*\": who may see a record is said by its handling");
    }
    header::read(&spot, header)
}

fn read_lineage(at: &Spot<'_>, message: &pb::Record) -> Option<Lineage> {
    let id = at.field("record_id").noted(RecordId::from_slice(&message.record_id));
    let replaces = match message.version {
        0 => {
            at.field("version").fault("is not given");
            None
        }
        1 => {
            check_first(at, message);
            Some(None)
        }
        _ => {
            if message.amendment_reason.is_empty() {
                at.field("amendment_reason").fault("is missing");
            }
            at.field("replaces").noted(ContentId::from_slice(&message.replaces)).map(Some)
        }
    };
    Some(Lineage { id: id?, replaces: replaces? })
}

fn check_first(at: &Spot<'_>, message: &pb::Record) {
    if !message.replaces.is_empty() {
        at.field("replaces").fault("is not empty, but version 1 replaces nothing");
    }
    if !message.amendment_reason.is_empty() {
        at.field("amendment_reason").fault("is not empty, but version 1 amends nothing");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::AudienceKind;
    use crate::sample;

    /// Changes a good record and compares what is found.
    fn check(change: impl FnOnce(&mut pb::Record), expected: &str) {
        let mut message = sample::record();
        change(&mut message);
        let found = Record::check(message).err().map(|faults| faults.to_string()).unwrap_or_default();
        assert_eq!(found, expected);
    }

    #[test]
    fn good_record_tells_what_its_message_says() {
        let record = Record::check(sample::record()).unwrap();
        assert_eq!(record.originator().as_str(), "AUS");
        assert_eq!(record.federation().as_str(), "demo");
        assert_eq!((record.version(), record.replaces(), record.kind()), (1, None, RecordKind::Person));
        assert_eq!(record.id().as_bytes(), sample::record().record_id.as_slice());
        assert_eq!(record.created().ms(), sample::header().created_ms);
        assert_eq!(record.valid_until().map(Timestamp::ms), Some(sample::header().expires_ms));
        assert_eq!(record.into_message(), sample::record());
    }

    #[test]
    fn empty_record_names_all_that_is_missing() {
        check(
            |record| *record = pb::Record::default(),
            "header: is missing; record_id: is not the 16 bytes of a UUIDv7; version: is not given; \
             evaluation: is missing; handling: is missing; body: is missing",
        );
    }

    #[test]
    fn header_is_for_anybody() {
        let audience = |record: &mut pb::Record| record.header.as_mut().unwrap().audience = "IDN".into();
        check(audience, "header.audience: is not \"*\": who may see a record is said by its handling");
    }

    #[test]
    fn first_version_replaces_nothing() {
        check(|r| r.replaces = vec![7; 32], "replaces: is not empty, but version 1 replaces nothing");
        check(|r| r.amendment_reason = "x".into(), "amendment_reason: is not empty, but version 1 amends nothing");
    }

    #[test]
    fn later_version_says_what_it_replaces_and_why() {
        let later = |replaces: usize, reason: &'static str| {
            move |r: &mut pb::Record| {
                (r.version, r.replaces, r.amendment_reason) = (2, vec![7; replaces], reason.into());
            }
        };
        check(later(32, "typing error"), "");
        check(later(31, "typing error"), "replaces: is not 32 bytes");
        check(later(0, ""), "amendment_reason: is missing; replaces: is not 32 bytes");
    }

    #[test]
    fn protected_record_is_never_for_all() {
        let protect = |kind: AudienceKind, participants: &[&str]| {
            let participants = participants.iter().map(|id| (*id).to_owned()).collect();
            move |r: &mut pb::Record| {
                r.protection = Some(pb::Protection { kinds: vec![1], hidden_from: vec!["IDN".into()] });
                r.handling.as_mut().unwrap().releasable_to = Some(pb::Audience { kind: kind.into(), participants });
            }
        };
        check(
            protect(AudienceKind::All, &[]),
            "handling.releasable_to: a protected record names its audience one by one",
        );
        check(protect(AudienceKind::Named, &["NZL"]), "");
        check(protect(AudienceKind::Nobody, &[]), "");
    }

    #[test]
    fn links_and_attachments_are_bounded() {
        let link = sample::link();
        check(|r| r.links = vec![link.clone(); 65], "links: has 65 items, at most 64 are allowed");
        check(|r| r.links = vec![pb::Link { kind: 0, ..link.clone() }], "links[0].kind: is not given");
        check(
            |r| r.attachments = vec![pb::Attachment { digest: vec![1; 31], size_bytes: 0, ..Default::default() }],
            "attachments[0].digest: is not the 32 bytes of a SHA-256 digest; \
             attachments[0].size_bytes: 0 is not 1 to 8388608",
        );
        check(|r| r.legal_basis = "x".repeat(501), "legal_basis: has 501 characters, at most 500 are allowed");
    }

    #[test]
    fn record_larger_than_any_node_reads_is_refused() {
        let long = "名".repeat(200);
        let name = pb::PersonName { text: long.clone(), family: long.clone(), given: long.clone(), ..sample::name() };
        let person = pb::Person { names: vec![name; 64], descriptions: vec![long.repeat(5); 16], ..sample::person() };
        let message = pb::Record {
            body: Some(pb::record::Body::Person(person)),
            links: vec![pb::Link { note: long, ..sample::link() }; 64],
            ..sample::record()
        };
        let faults = Record::check(message).unwrap_err().to_string();
        assert!(faults.starts_with("record: is 20") && faults.ends_with("at most 196608 are allowed"), "{faults}");
    }
}
