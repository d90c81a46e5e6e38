//! Descriptors as people carry them in files.
//!
//! A chain is one block `DESCRIPTOR` per version, ascending without a gap; a single descriptor is a chain of one. A draft
//! is one block `DESCRIPTOR DRAFT`: the same envelope with as many signatures as it has so far, so that nobody takes it for
//! a descriptor that counts. Nothing here says that a signature holds.

use prost::Message;
use selat_record::pb;

use crate::armor::{self, ArmorError};
use crate::{SealError, decode_envelope, envelope};

const DESCRIPTOR: &str = "DESCRIPTOR";
const DRAFT: &str = "DESCRIPTOR DRAFT";
/// Longest chain that is read: four versions a month for twenty years.
const CHAIN_MAX: usize = 1024;
/// Longest text of a chain that is read.
const CHAIN_TEXT_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Why a text is not a chain or a draft.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Not the text form.
    #[error("the file {0}")]
    Armor(#[from] ArmorError),
    /// A block holds something else than a descriptor.
    #[error("block {place} of the file does not hold a descriptor: {source}")]
    Block {
        /// Which block, from 1.
        place: usize,
        /// What is wrong with it.
        #[source]
        source: SealError,
    },
    /// The versions do not follow on one another.
    #[error("the file goes from version {before} to version {after}; a chain ascends one by one")]
    Gap {
        /// A version in the file.
        before: u64,
        /// The one after it.
        after: u64,
    },
}

/// The text of a chain, versions ascending.
pub fn write_chain(versions: &[pb::Envelope]) -> String {
    versions.iter().map(|version| armor::armor(DESCRIPTOR, &version.encode_to_vec())).collect()
}

/// Reads a chain of at least one version. Each still has to be accepted against the one before.
pub fn read_chain(text: &str) -> Result<Vec<pb::Envelope>, FileError> {
    if text.len() > CHAIN_TEXT_MAX_BYTES {
        return Err(ArmorError::TooLarge { size: text.len(), max: CHAIN_TEXT_MAX_BYTES }.into());
    }
    let mut chain = Vec::new();
    let mut last = None;
    for (n, block) in armor::blocks(DESCRIPTOR, text, CHAIN_MAX)?.into_iter().enumerate() {
        let (envelope, version) = read_block(DESCRIPTOR, block, n + 1)?;
        match last {
            Some(before) if version.checked_sub(1) != Some(before) => {
                return Err(FileError::Gap { before, after: version });
            }
            _ => last = Some(version),
        }
        chain.push(envelope);
    }
    Ok(chain)
}

/// The text of a draft.
pub fn write_draft(draft: &pb::Envelope) -> String {
    armor::armor(DRAFT, &draft.encode_to_vec())
}

/// Reads a draft, with no signature or several.
pub fn read_draft(text: &str) -> Result<pb::Envelope, FileError> {
    read_block(DRAFT, text, 1).map(|(envelope, _)| envelope)
}

/// The envelope in a block, and the version that its descriptor bears.
fn read_block(kind: &'static str, block: &str, place: usize) -> Result<(pb::Envelope, u64), FileError> {
    let bytes = armor::dearmor(kind, block)?;
    let read = || {
        let envelope = decode_envelope(&bytes)?;
        let message: pb::Descriptor = read_message(&envelope)?;
        Ok((envelope, message.version))
    };
    read().map_err(|source| FileError::Block { place, source })
}

/// The descriptor in an envelope: its outside is judged, its fields are not.
pub(super) fn read_message(envelope: &pb::Envelope) -> Result<pb::Descriptor, SealError> {
    envelope::check_outside::<pb::Descriptor>(envelope)?;
    envelope::decode_canonical(&envelope.payload)
}
