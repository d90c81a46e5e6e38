//! The words of the domain: who takes part, what a record says, under which conditions it travels.
//!
//! Promises: a value of a type in this crate has been checked when it was made; text is Unicode NFC; unknown enum values
//! never get in. Leaves out: IO, the clock, cryptography.

mod body;
mod check_digits;
pub mod codes;
mod content;
pub mod date;
pub mod draft;
pub mod evaluation;
pub mod fault;
pub mod handling;
mod header;
pub mod ids;
mod participants;
pub mod payload;
#[cfg(test)]
mod properties;
pub mod protection;
pub mod query;
pub mod record;
#[cfg(test)]
mod sample;
pub mod searchable;
mod spot;
mod text;
pub mod time;

/// The messages of `proto/selat/v1/payload*.proto`, as prost generates them. Nothing in here has been checked.
#[allow(missing_docs, clippy::all, rustdoc::all, reason = "generated code")]
pub mod pb {
    include!(concat!(env!("OUT_DIR"), "/selat.v1.rs"));

    /// Encoded `FileDescriptorSet` of the payload schemas, for reflection and for the JSON form of records.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}

pub use body::kind_of;
pub use date::DateSpan;
pub use draft::{Draft, Minted};
pub use evaluation::{ActionMinimum, Credibility, Evaluation, Reliability};
pub use fault::{Fault, Faults};
pub use handling::{Audience, Handling, Obligation};
pub use ids::{ContentId, FederationId, OfficerId, ParticipantId, RecordId};
pub use payload::Payload;
pub use pb::{EuropolCode, EvaluationScheme, Onward, ProtectionKind, Purpose, RecordKind, Tlp};
pub use protection::Protection;
pub use record::Record;
pub use searchable::Searchable;
pub use time::Timestamp;
