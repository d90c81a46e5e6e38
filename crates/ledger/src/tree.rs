//! Roots and proofs, on hashes that were fetched beforehand.
//!
//! Each `needed_for_*` function names the stored hashes that its operation will read; hand those in as [`Hashes`]. Sizes,
//! indexes and proofs may come from a peer: they are bounded here before any arithmetic is done on them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tlog_tiles::{Error, Hash, HashReader};

use crate::{LEAF_BYTES, LedgerError};

/// Largest log: a million entries a second for twelve days. Keeps all index arithmetic far from overflow.
pub const SIZE_MAX: u64 = 1 << 40;
/// Most hashes that any proof in a log of [`SIZE_MAX`] has.
pub const PROOF_MAX: usize = 42;
/// Root of the empty log: SHA-256 of nothing.
pub const EMPTY_ROOT: [u8; 32] = tlog_tiles::EMPTY_HASH.0;

/// Stored hashes by their index.
#[derive(Debug, Clone, Default)]
pub struct Hashes(BTreeMap<u64, [u8; 32]>);

impl Hashes {
    /// Takes what was fetched.
    pub fn new(fetched: BTreeMap<u64, [u8; 32]>) -> Self {
        Self(fetched)
    }

    pub(crate) fn get(&self, index: u64) -> Option<[u8; 32]> {
        self.0.get(&index).copied()
    }

    pub(crate) fn insert(&mut self, index: u64, hash: [u8; 32]) {
        self.0.insert(index, hash);
    }

    pub(crate) fn retain(&mut self, indexes: &[u64]) {
        self.0.retain(|index, _| indexes.contains(index));
    }
}

impl FromIterator<(u64, [u8; 32])> for Hashes {
    fn from_iter<I: IntoIterator<Item = (u64, [u8; 32])>>(fetched: I) -> Self {
        Self(fetched.into_iter().collect())
    }
}

impl HashReader for Hashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        indexes.iter().map(|index| self.get(*index).map(Hash).ok_or(Error::IndexesNotInTree)).collect()
    }
}

/// The hash of a leaf in the tree: SHA-256(0x00 | leaf).
pub fn leaf_hash(leaf: &[u8; LEAF_BYTES]) -> [u8; 32] {
    tlog_tiles::record_hash(leaf).0
}

/// Indexes of the stored hashes that make the root of a log. Empty for a size that no log has.
pub fn needed_for_root(size: u64) -> Vec<u64> {
    if size > SIZE_MAX { Vec::new() } else { tlog_tiles::sub_tree_index(0, size, Vec::new()) }
}

/// The root of the log's first `size` leaves.
pub fn root(size: u64, hashes: &Hashes) -> Result<[u8; 32], LedgerError> {
    check_size(size)?;
    tlog_tiles::tree_hash(size, hashes).map(|root| root.0).map_err(from_tlog)
}

/// Indexes of the stored hashes that [`prove_inclusion`] reads.
pub fn needed_for_inclusion(size: u64, index: u64) -> Result<Vec<u64>, LedgerError> {
    check_size(size)?;
    Recorder::watch(|recorder| tlog_tiles::prove_record(size, index, recorder))
}

/// Proves that the leaf at `index` is in the log of `size` leaves.
pub fn prove_inclusion(size: u64, index: u64, hashes: &Hashes) -> Result<Vec<[u8; 32]>, LedgerError> {
    check_size(size)?;
    plain(tlog_tiles::prove_record(size, index, hashes))
}

/// Checks that the log with this size and root has a leaf with this hash at `index`.
pub fn check_inclusion(
    proof: &[[u8; 32]],
    size: u64,
    root: &[u8; 32],
    index: u64,
    leaf_hash: &[u8; 32],
) -> Result<(), LedgerError> {
    check_size(size)?;
    let proof = bounded(proof)?;
    tlog_tiles::check_record(&proof, size, Hash(*root), index, Hash(*leaf_hash)).map_err(from_tlog)
}

/// Indexes of the stored hashes that [`prove_consistency`] reads.
pub fn needed_for_consistency(old_size: u64, new_size: u64) -> Result<Vec<u64>, LedgerError> {
    check_size(new_size)?;
    if old_size == 0 {
        return Ok(Vec::new());
    }
    Recorder::watch(|recorder| tlog_tiles::prove_tree(new_size, old_size, recorder))
}

/// Proves that the log of `new_size` leaves begins with the log of `old_size`. Every log begins with the empty one; that
/// needs no hashes.
pub fn prove_consistency(old_size: u64, new_size: u64, hashes: &Hashes) -> Result<Vec<[u8; 32]>, LedgerError> {
    check_size(new_size)?;
    if old_size == 0 {
        return Ok(Vec::new());
    }
    plain(tlog_tiles::prove_tree(new_size, old_size, hashes))
}

/// Checks that the new log begins with the old one. From the empty log on (size 0 and [`EMPTY_ROOT`]) the proof is empty.
pub fn check_consistency(
    proof: &[[u8; 32]],
    old_size: u64,
    old_root: &[u8; 32],
    new_size: u64,
    new_root: &[u8; 32],
) -> Result<(), LedgerError> {
    check_size(new_size)?;
    let proof = bounded(proof)?;
    if old_size == 0 {
        let new_is_possible = new_size > 0 || *new_root == EMPTY_ROOT;
        return if proof.is_empty() && *old_root == EMPTY_ROOT && new_is_possible {
            Ok(())
        } else {
            Err(LedgerError::Proof)
        };
    }
    tlog_tiles::check_tree(&proof, new_size, Hash(*new_root), old_size, Hash(*old_root)).map_err(from_tlog)
}

pub(crate) fn check_size(size: u64) -> Result<(), LedgerError> {
    if size > SIZE_MAX { Err(LedgerError::OutOfRange) } else { Ok(()) }
}

pub(crate) fn from_tlog(error: Error) -> LedgerError {
    match error {
        Error::IndexesNotInTree => LedgerError::MissingHash,
        Error::InvalidInput(_) => LedgerError::OutOfRange,
        _ => LedgerError::Proof,
    }
}

fn bounded(proof: &[[u8; 32]]) -> Result<Vec<Hash>, LedgerError> {
    if proof.len() > PROOF_MAX {
        return Err(LedgerError::Proof);
    }
    Ok(proof.iter().copied().map(Hash).collect())
}

fn plain(proof: Result<Vec<Hash>, Error>) -> Result<Vec<[u8; 32]>, LedgerError> {
    proof.map(|proof| proof.into_iter().map(|hash| hash.0).collect()).map_err(from_tlog)
}

/// Lends any hash that is asked for, and remembers which: which hashes a proof reads does not depend on what they are.
struct Recorder(RefCell<Vec<u64>>);

impl Recorder {
    fn watch<T>(prove: impl FnOnce(&Self) -> Result<T, Error>) -> Result<Vec<u64>, LedgerError> {
        let recorder = Self(RefCell::default());
        prove(&recorder).map_err(from_tlog)?;
        Ok(recorder.0.into_inner())
    }
}

impl HashReader for Recorder {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        self.0.borrow_mut().extend_from_slice(indexes);
        Ok(vec![Hash::default(); indexes.len()])
    }
}
