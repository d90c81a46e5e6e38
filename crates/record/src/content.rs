//! What a record says, apart from who stamped it when: the part that a draft and a finished record share.

use prost::Message;

use crate::body::{self, check_link};
use crate::evaluation::Evaluation;
use crate::handling::{Audience, Handling};
use crate::payload::Payload;
use crate::pb::{self, LinkKind, RecordKind};
use crate::protection::Protection;
use crate::spot::Spot;

/// Largest attachment in bytes: what a screen can show without streaming.
const ATTACHMENT_MAX: u32 = 8 * 1024 * 1024;

/// The checked conditions of a record and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) evaluation: Evaluation,
    pub(crate) handling: Handling,
    pub(crate) protection: Option<Protection>,
    pub(crate) kind: RecordKind,
}

impl Content {
    /// Reads everything but header, ids and versions, noting what is wrong with it.
    pub(crate) fn read(at: &Spot<'_>, message: &pb::Record) -> Option<Self> {
        let spot = at.field("evaluation");
        let evaluation =
            spot.required(message.evaluation.as_ref()).and_then(|message| Evaluation::read(&spot, message));
        let spot = at.field("handling");
        let handling = spot.required(message.handling.as_ref()).and_then(|message| Handling::read(&spot, message));
        let protection = read_protection(&at.field("protection"), message.protection.as_ref());
        check_circle(at, handling.as_ref(), message.protection.as_ref());
        check_texts(at, message);
        at.field("links").each(&message.links, 0..=64, |at, link| {
            check_link(at, link);
            at.field("kind").choice::<LinkKind>(link.kind);
        });
        at.field("attachments").each(&message.attachments, 0..=16, check_attachment);
        let kind = body::read(at, message.body.as_ref());
        check_size(at, message);
        Some(Self { evaluation: evaluation?, handling: handling?, protection: protection?, kind: kind? })
    }
}

/// Notes a fault if the message is larger than any node reads.
pub(crate) fn check_size(at: &Spot<'_>, message: &pb::Record) {
    let bytes = message.encoded_len();
    if bytes > pb::Record::MAX_BYTES {
        at.field("record").fault(format!("is {bytes} bytes long, at most {} are allowed", pb::Record::MAX_BYTES));
    }
}

/// `Some(None)`: not protected. `None`: there was a fault in it.
fn read_protection(at: &Spot<'_>, message: Option<&pb::Protection>) -> Option<Option<Protection>> {
    match message {
        None => Some(None),
        Some(message) => Protection::read(at, message).map(Some),
    }
}

/// "All" would hand a protected person to whoever joins the federation tomorrow.
fn check_circle(at: &Spot<'_>, handling: Option<&Handling>, protection: Option<&pb::Protection>) {
    let to_all = handling.is_some_and(|handling| *handling.releasable_to() == Audience::All);
    if to_all && protection.is_some() {
        at.field("handling").field("releasable_to").fault("a protected record names its audience one by one");
    }
}

fn check_texts(at: &Spot<'_>, message: &pb::Record) {
    at.field("legal_basis").text(&message.legal_basis, 0..=500);
    at.field("agreement").text(&message.agreement, 0..=120);
    at.field("amendment_reason").text(&message.amendment_reason, 0..=500);
    at.field("source_reference").text(&message.source_reference, 0..=120);
}

fn check_attachment(at: &Spot<'_>, attachment: &pb::Attachment) {
    if attachment.digest.len() != 32 {
        at.field("digest").fault("is not the 32 bytes of a SHA-256 digest");
    }
    at.field("size_bytes").within(attachment.size_bytes, 1..=ATTACHMENT_MAX);
    at.field("media_type").text(&attachment.media_type, 0..=100);
    at.field("title").text(&attachment.title, 0..=200);
}
