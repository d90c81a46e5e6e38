//! The search index: from names, numbers, countries and dates to records, in memory, derived from the store.
//!
//! Promises: what a caller may not know is left out before anything is ranked, limited or counted; every criterion that
//! is given holds for every hit; the same question on the same records gives the same hits in the same order; the number
//! of entries is bounded; who searches does not keep those who write waiting. The index can be dropped and filled again from the store at any time.
//! Leaves out: where the records come from, who may know what (a predicate comes in), content.

mod best;
mod criteria;
mod entry;
mod index;
mod postings;
mod walk;

pub use criteria::Criteria;
pub use entry::Entry;
pub use index::{Found, FoundHit, Index, IndexFull};

#[cfg(test)]
mod fixture;
