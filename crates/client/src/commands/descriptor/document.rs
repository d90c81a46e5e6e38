//! Files of descriptors and of drafts, read for the commands on them.

use std::path::Path;

use prost::Message as _;
use selat_complaint::{Complaint, Exit};
use selat_record::{FederationId, Timestamp, pb};
use selat_seal::armor::ArmorError;
use selat_seal::descriptor::{FileError, read_chain, read_draft, tally};
use selat_seal::{AcceptedDescriptor, SealError, content_id};

use crate::explain;
use crate::input::{CHAIN_FILE_MAX, text_up_to};
use crate::show::descriptor::View;

const DRAFT_BEGINS: &str = "-----BEGIN SELAT DESCRIPTOR DRAFT-----";

/// What a file holds. Nothing in it is believed.
pub(super) enum Document {
    /// One version or several, ascending.
    Chain(Vec<pb::Envelope>),
    /// A draft.
    Draft(pb::Envelope),
}

impl Document {
    /// Reads a file of either kind.
    pub(super) fn read(path: &Path) -> Result<Self, Complaint> {
        let text = text_up_to(path, CHAIN_FILE_MAX)?;
        let read = if text.trim_start().starts_with(DRAFT_BEGINS) {
            read_draft(&text).map(Self::Draft)
        } else {
            read_chain(&text).map(Self::Chain)
        };
        read.map_err(|error| not_a_descriptor(path, &error))
    }

    /// The draft in a file that must hold one.
    pub(super) fn draft(path: &Path) -> Result<pb::Envelope, Complaint> {
        match Self::read(path)? {
            Self::Draft(draft) => Ok(draft),
            Self::Chain(_) => Err(Complaint::about(&explain::DESCRIPTOR_FILE)
                .problem(format!("{} holds a descriptor, not a draft", path.display()))
                .cause("a descriptor has all its signatures; what is signed is a draft of the next one")
                .mend("selat descriptor draft --from FILE --file DRAFT")),
        }
    }

    /// The chain in a file that must hold one.
    pub(super) fn chain(path: &Path) -> Result<Vec<pb::Envelope>, Complaint> {
        match Self::read(path)? {
            Self::Chain(chain) => Ok(chain),
            Self::Draft(_) => Err(Complaint::about(&explain::DESCRIPTOR_FILE)
                .problem(format!("{} holds a draft, not a descriptor", path.display()))
                .cause("a draft counts with nobody before it has been combined")
                .mend("selat descriptor combine DRAFT... --file FILE")),
        }
    }

    /// Its last version, or the draft, ready to be shown; refused when its fields break a rule.
    pub(super) fn view(&self, path: &Path) -> Result<View, Complaint> {
        let (envelope, draft, earlier) = match self {
            Self::Draft(draft) => (Some(draft), true, 0),
            Self::Chain(chain) => (chain.last(), false, chain.len().saturating_sub(1)),
        };
        let envelope = envelope.ok_or_else(|| refused(path, &SealError::Malformed("the file holds no version")))?;
        let tally = tally(None, envelope).map_err(|error| refused(path, &error))?;
        let message = message(path, envelope)?;
        Ok(View { message, content_id: content_id(envelope), draft, signed: tally.own, earlier })
    }
}

/// The message in an envelope.
pub(super) fn message(path: &Path, envelope: &pb::Envelope) -> Result<pb::Descriptor, Complaint> {
    let decoded = pb::Descriptor::decode(envelope.payload.as_slice());
    decoded.map_err(|_| refused(path, &SealError::Malformed("the payload is not a descriptor")))
}

/// Every version of a chain, each accepted against the one before; the first on the word of its own root keys. Whether
/// the last has expired is not asked.
pub(super) fn walk(path: &Path, now: Timestamp) -> Result<Vec<AcceptedDescriptor>, Complaint> {
    let mut accepted: Vec<AcceptedDescriptor> = Vec::new();
    for envelope in &Document::chain(path)? {
        let next = match accepted.last() {
            None => AcceptedDescriptor::restore(&federation(path, envelope)?, envelope),
            Some(before) => before.accept_next(envelope, now),
        };
        accepted.push(next.map_err(|error| refused(path, &error))?);
    }
    Ok(accepted)
}

/// The last version of a chain that [`walk`] accepts.
pub(super) fn newest(path: &Path, now: Timestamp) -> Result<AcceptedDescriptor, Complaint> {
    let last = walk(path, now)?.pop();
    last.ok_or_else(|| refused(path, &SealError::Malformed("the file holds no version")))
}

/// The federation that an envelope names; there is no other place to learn it from on a machine without a node.
pub(super) fn federation(path: &Path, envelope: &pb::Envelope) -> Result<FederationId, Complaint> {
    let header = message(path, envelope)?.header.unwrap_or_default();
    header.federation.parse().map_err(|_| refused(path, &SealError::WrongFederation))
}

/// The complaint about a descriptor or draft that breaks a rule.
pub(super) fn refused(path: &Path, error: &SealError) -> Complaint {
    let problem = format!("what {} says is refused", path.display());
    let complaint = Complaint::about(&explain::DESCRIPTOR_REFUSED).problem(problem).cause(error);
    match mend_of(error.rule()) {
        Some(mend) => complaint.mend(mend),
        None => complaint,
    }
}

/// What helps against a broken rule, where it is not making the descriptor anew.
fn mend_of(rule: &SealError) -> Option<&'static str> {
    match rule {
        SealError::Threshold { .. } | SealError::ThresholdOfPrevious { .. } => {
            Some("have more holders of root keys sign its draft: selat descriptor sign DRAFT --key KEY --file FILE")
        }
        SealError::VersionSkipped { .. }
        | SealError::RolledBack { .. }
        | SealError::SameVersion { .. }
        | SealError::WrongPrevious { .. } => Some("name the file of the version right before it: --previous FILE"),
        SealError::FromTheFuture => {
            Some("set the clock of this machine; if it is right, that of the machine that drafted")
        }
        SealError::Expired(_) => Some("draft the next version: selat descriptor draft --from FILE --expires 365d"),
        _ => None,
    }
}

fn not_a_descriptor(path: &Path, error: &FileError) -> Complaint {
    let damaged =
        !matches!(error, FileError::Armor(ArmorError::NoBegin(_) | ArmorError::NoEnd(_) | ArmorError::TooLarge { .. }));
    let complaint = Complaint::about(&explain::DESCRIPTOR_FILE)
        .problem(format!("{} does not hold a descriptor", path.display()))
        .cause(error);
    if damaged {
        return complaint.mend("have the file sent again, as an attachment or on a stick").ending(Exit::Integrity);
    }
    complaint
}
