//! A log that grows: leaf by leaf, with no more in memory than the roots of its complete subtrees.

use std::collections::BTreeMap;

use crate::tree::{self, Hashes, check_size, from_tlog, needed_for_root};
use crate::{LEAF_BYTES, LedgerError, SIZE_MAX};

/// Indexes of the stored hashes that a [`Growth`] starts from.
pub fn needed_to_append(size: u64) -> Vec<u64> {
    // Appending closes subtrees, and the roots of those that are complete make the root of the log.
    needed_for_root(size)
}

/// The growing end of a log.
#[derive(Debug, Clone)]
pub struct Growth {
    size: u64,
    edge: Hashes,
}

impl Growth {
    /// Goes on from a log of `size` leaves, given the stored hashes of [`needed_to_append`]. More of them do no harm.
    pub fn new(size: u64, prefetched: BTreeMap<u64, [u8; 32]>) -> Result<Self, LedgerError> {
        check_size(size)?;
        let needed = needed_to_append(size);
        if needed.iter().any(|index| !prefetched.contains_key(index)) {
            return Err(LedgerError::MissingHash);
        }
        let mut edge = Hashes::new(prefetched);
        edge.retain(&needed);
        Ok(Self { size, edge })
    }

    /// Appends a leaf. Returns the stored hashes that this adds: keep them before the leaf counts as logged.
    pub fn append(&mut self, leaf: &[u8; LEAF_BYTES]) -> Result<Vec<(u64, [u8; 32])>, LedgerError> {
        if self.size >= SIZE_MAX {
            return Err(LedgerError::OutOfRange);
        }
        let hashes = tlog_tiles::stored_hashes(self.size, leaf, &self.edge).map_err(from_tlog)?;
        let first = tlog_tiles::stored_hash_index(0, self.size);
        let added: Vec<_> = (first..).zip(hashes.into_iter().map(|hash| hash.0)).collect();
        for (index, hash) in &added {
            self.edge.insert(*index, *hash);
        }
        self.size += 1;
        self.edge.retain(&needed_to_append(self.size));
        Ok(added)
    }

    /// How many leaves the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over all of them.
    pub fn root(&self) -> Result<[u8; 32], LedgerError> {
        tree::root(self.size, &self.edge)
    }
}
