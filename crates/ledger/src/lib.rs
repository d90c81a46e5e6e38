//! Append-only logs: what a leaf says, how the tree grows, and what can be proved about it.
//!
//! A log is an RFC 6962 tree over 42-byte leaves. Its state is the *stored hashes* of complete subtrees, numbered as in
//! Crosby and Wallach, "Efficient Data Structures for Tamper-Evident Logging"; they are only ever added. Whoever keeps
//! them asks here which ones an operation needs, fetches those, and hands them in.
//! Promises: a checkpoint that [`Checkpoint::open`] returns was signed by the key that was asked for; a proof that checks
//! holds. Leaves out: IO, the clock, and who may append.

mod checkpoint;
mod error;
mod growth;
mod leaf;
mod log_id;
mod note;
mod tree;

pub use checkpoint::Checkpoint;
pub use error::LedgerError;
pub use growth::{Growth, needed_to_append};
pub use leaf::{LEAF_BYTES, Leaf};
pub use log_id::LogId;
pub use tree::{
    EMPTY_ROOT, Hashes, PROOF_MAX, SIZE_MAX, check_consistency, check_inclusion, leaf_hash, needed_for_consistency,
    needed_for_inclusion, needed_for_root, prove_consistency, prove_inclusion, root,
};
