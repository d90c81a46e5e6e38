//! Names and numbers as they are compared: folded, keyed, matched, with the reason said.
//!
//! Promises: pure, total and linear in the length of the text; whatever script a name is in, it has a key; the same text
//! always has the same key. Leaves out: misspellings, phonetics, weights.

pub mod name;
pub mod number;
pub mod reason;

pub use name::{NameKey, NameMatch, name_key, names_match, normalise};
pub use number::{document_key, identifier_key};
pub use reason::Reason;
