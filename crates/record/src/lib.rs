//! The words of the domain: who takes part, what a record says, under which conditions it travels.
//!
//! Promises: a value of a type in this crate has been checked when it was made; text is Unicode NFC; unknown enum values
//! never get in. Leaves out: IO, the clock, cryptography.

pub mod fault;
pub mod ids;
pub mod payload;
pub mod time;

/// The messages of `proto/selat/v1/payload*.proto`, as prost generates them. Nothing in here has been checked.
#[allow(missing_docs, clippy::all, rustdoc::all)]
pub mod pb {
    include!(concat!(env!("OUT_DIR"), "/selat.v1.rs"));

    /// Encoded `FileDescriptorSet` of the payload schemas, for reflection and for the JSON form of records.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}

pub use fault::{Fault, Faults};
pub use ids::{ContentId, FederationId, OfficerId, ParticipantId, RecordId};
pub use payload::Payload;
pub use time::Timestamp;
