//! Records in the formats of others: the JSON that people read and write, and files of rows that a mapping turns into
//! drafts.
//!
//! Promises: what goes in is bounded and every fault in it is named, all at once; the same row gives the same draft;
//! nothing of a value is changed silently. Leaves out: the network, the clock, and the signing of what comes out.

pub mod json;
#[cfg(test)]
mod manual;
pub mod mapping;
mod near;
pub mod release;
pub mod report;
pub mod rows;

pub use json::{draft_from_json, to_json};
pub use mapping::{Mapping, MappingFault};
pub use release::release_to;
pub use report::Report;
pub use rows::{ReadError, Row, RowFault, Rows};
