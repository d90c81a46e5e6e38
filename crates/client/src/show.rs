//! How replies look: as text for people and as versioned JSON for programs (shapes in JSON.md). Pure functions from a
//! reply to text or a value; nothing in here prints or asks the node.

mod acceptance;
pub(crate) mod backup;
mod banner;
pub(crate) mod ceremony;
pub(crate) mod certificate;
pub(crate) mod descriptor;
pub(crate) mod doctor;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod peer;
pub(crate) mod plan;
pub(crate) mod record;
pub(crate) mod search;
pub(crate) mod status;
pub(crate) mod table;
pub(crate) mod verdict;
pub(crate) mod words;
pub(crate) mod wrap;

/// Version of the JSON shapes. It rises when a field changes its meaning or goes; new fields may come without.
pub(crate) const SHAPE_VERSION: u32 = 1;
