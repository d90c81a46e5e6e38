//! The two RPC services as tonic generates them from `proto/selat/v1/*_service.proto`, and the conversions that stand
//! between their messages and checked types.
//!
//! Promises: what comes out of a conversion has been checked; what carries a record to a peer can only be made from a
//! [`selat_policy::Permitted`]. Leaves out: transport security (`link`) and every decision (`policy`, `exchange`).

pub mod convert;
pub mod refusal;

pub use convert::{BadMessage, Followed, MESSAGE_BYTES_MAX, SEGMENT_ENTRIES_MAX};
pub use refusal::RefusedCall;

/// The service between nodes.
#[allow(missing_docs, clippy::all, rustdoc::all, reason = "generated code")]
pub mod peer {
    include!(concat!(env!("OUT_DIR"), "/peer/selat.v1.rs"));
}

/// The service for officers and operators.
#[allow(missing_docs, clippy::all, rustdoc::all, reason = "generated code")]
pub mod desk {
    include!(concat!(env!("OUT_DIR"), "/desk/selat.v1.rs"));

    /// Encoded `FileDescriptorSet` of this service, for server reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/desk.bin"));
}
