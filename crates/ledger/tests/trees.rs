//! Trees against a second reading of RFC 6962, written here straight from its section 2.1.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stumbles shall fail")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use selat_ledger::{
    EMPTY_ROOT, Growth, Hashes, LEAF_BYTES, LedgerError, PROOF_MAX, SIZE_MAX, check_consistency, check_inclusion,
    leaf_hash, needed_for_consistency, needed_for_inclusion, needed_for_root, needed_to_append, prove_consistency,
    prove_inclusion, root,
};
use selat_seal::sha256;

type Hash = [u8; 32];

/// All sizes up to here are gone through.
const SIZES: usize = 120;

/// RFC 6962, 2.1: the tree hash of a list of entries.
fn tree_hash(leaves: &[[u8; LEAF_BYTES]]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => sha256(&[&[0], leaf]),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            sha256(&[&[1], &tree_hash(left), &tree_hash(right)])
        }
    }
}

/// The largest power of two smaller than `n`.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// RFC 6962, 2.1.1: the audit path of entry `m`.
fn path(m: usize, leaves: &[[u8; LEAF_BYTES]]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, sibling) =
        if m < k { (path(m, left), tree_hash(right)) } else { (path(m - k, right), tree_hash(left)) };
    proof.push(sibling);
    proof
}

/// RFC 6962, 2.1.2: the proof that the first `m` entries begin this list.
fn proof(m: usize, leaves: &[[u8; LEAF_BYTES]]) -> Vec<Hash> {
    subproof(m, leaves, true)
}

fn subproof(m: usize, leaves: &[[u8; LEAF_BYTES]], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![tree_hash(leaves)] };
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, sibling) = if m <= k {
        (subproof(m, left, whole), tree_hash(right))
    } else {
        (subproof(m - k, right, false), tree_hash(left))
    };
    proof.push(sibling);
    proof
}

fn leaves(count: usize) -> Vec<[u8; LEAF_BYTES]> {
    (0..count).map(|n| [n as u8; LEAF_BYTES]).collect()
}

/// All stored hashes of a log, as a store would keep them, and its leaves.
struct Log {
    leaves: Vec<[u8; LEAF_BYTES]>,
    stored: BTreeMap<u64, Hash>,
}

impl Log {
    fn of(count: usize) -> Self {
        let leaves = leaves(count);
        let mut growth = Growth::new(0, BTreeMap::new()).unwrap();
        let stored = leaves.iter().flat_map(|leaf| growth.append(leaf).unwrap()).collect();
        Self { leaves, stored }
    }

    /// Exactly the hashes that were asked for, and no other.
    fn fetch(&self, needed: Vec<u64>) -> Hashes {
        needed.into_iter().map(|index| (index, self.stored[&index])).collect()
    }

    fn root(&self, size: usize) -> Hash {
        tree_hash(&self.leaves[..size])
    }
}

#[test]
fn a_growing_log_has_the_root_of_a_tree_built_from_scratch() {
    let mut growth = Growth::new(0, BTreeMap::new()).unwrap();
    assert_eq!(growth.root(), Ok(EMPTY_ROOT));
    assert_eq!(EMPTY_ROOT, tree_hash(&[]));
    for (n, leaf) in leaves(SIZES).iter().enumerate() {
        growth.append(leaf).unwrap();
        assert_eq!(growth.size(), n as u64 + 1);
        assert_eq!(growth.root(), Ok(tree_hash(&leaves(n + 1))), "size {}", n + 1);
    }
}

#[test]
fn stored_hashes_are_numbered_without_gaps_and_never_rewritten() {
    let mut growth = Growth::new(0, BTreeMap::new()).unwrap();
    let added: Vec<u64> =
        leaves(SIZES).iter().flat_map(|leaf| growth.append(leaf).unwrap()).map(|(index, _)| index).collect();
    assert_eq!(added, (0..added.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_log_goes_on_from_the_hashes_that_it_says_it_needs() {
    let log = Log::of(SIZES);
    for size in 0..SIZES {
        let prefetched: BTreeMap<_, _> =
            needed_to_append(size as u64).into_iter().map(|index| (index, log.stored[&index])).collect();
        let mut growth = Growth::new(size as u64, prefetched.clone()).unwrap();
        assert_eq!(growth.root(), Ok(log.root(size)), "size {size}");
        for leaf in &log.leaves[size..] {
            for (index, hash) in growth.append(leaf).unwrap() {
                assert_eq!(hash, log.stored[&index]);
            }
        }
        assert_eq!(growth.root(), Ok(log.root(SIZES)), "from size {size}");
        for index in prefetched.keys() {
            let mut lacking = prefetched.clone();
            lacking.remove(index);
            assert_eq!(Growth::new(size as u64, lacking).unwrap_err(), LedgerError::MissingHash);
        }
    }
}

#[test]
fn every_inclusion_proof_is_that_of_the_rfc_and_checks() {
    let log = Log::of(SIZES);
    for size in 1..=SIZES {
        let expected_root = log.root(size);
        assert_eq!(root(size as u64, &log.fetch(needed_for_root(size as u64))), Ok(expected_root));
        for index in 0..size {
            let (n, i) = (size as u64, index as u64);
            let hashes = log.fetch(needed_for_inclusion(n, i).unwrap());
            let proof = prove_inclusion(n, i, &hashes).unwrap();
            assert_eq!(proof, path(index, &log.leaves[..size]), "{index} of {size}");
            let leaf = leaf_hash(&log.leaves[index]);
            assert_eq!(check_inclusion(&proof, n, &expected_root, i, &leaf), Ok(()));
        }
    }
}

#[test]
fn every_consistency_proof_is_that_of_the_rfc_and_checks() {
    let log = Log::of(SIZES);
    let roots: Vec<_> = (0..=SIZES).map(|size| log.root(size)).collect();
    for new in 1..=SIZES {
        for old in 1..=new {
            let (m, n) = (old as u64, new as u64);
            let hashes = log.fetch(needed_for_consistency(m, n).unwrap());
            let found = prove_consistency(m, n, &hashes).unwrap();
            assert_eq!(found, proof(old, &log.leaves[..new]), "{old} to {new}");
            assert_eq!(check_consistency(&found, m, &roots[old], n, &roots[new]), Ok(()));
        }
    }
}

#[test]
fn every_log_goes_on_from_the_empty_one() {
    let log = Log::of(5);
    assert_eq!(needed_for_consistency(0, 5), Ok(Vec::new()));
    assert_eq!(prove_consistency(0, 5, &Hashes::default()), Ok(Vec::new()));
    assert_eq!(check_consistency(&[], 0, &EMPTY_ROOT, 5, &log.root(5)), Ok(()));
    assert_eq!(check_consistency(&[], 0, &EMPTY_ROOT, 0, &EMPTY_ROOT), Ok(()));
    let refused = Err(LedgerError::Proof);
    assert_eq!(check_consistency(&[], 0, &log.root(1), 5, &log.root(5)), refused);
    assert_eq!(check_consistency(&[EMPTY_ROOT], 0, &EMPTY_ROOT, 5, &log.root(5)), refused);
    assert_eq!(check_consistency(&[], 0, &EMPTY_ROOT, 0, &log.root(5)), refused);
}

#[test]
fn sizes_and_indexes_out_of_range_are_refused() {
    let out = Err(LedgerError::OutOfRange);
    for size in [SIZE_MAX + 1, u64::MAX] {
        assert_eq!(needed_for_root(size), Vec::<u64>::new());
        assert_eq!(root(size, &Hashes::default()), Err(LedgerError::OutOfRange));
        assert_eq!(needed_for_inclusion(size, 0), Err(LedgerError::OutOfRange));
        assert_eq!(needed_for_consistency(1, size), Err(LedgerError::OutOfRange));
        assert_eq!(check_inclusion(&[], size, &EMPTY_ROOT, 0, &EMPTY_ROOT), out);
        assert_eq!(check_consistency(&[], 1, &EMPTY_ROOT, size, &EMPTY_ROOT), out);
        assert_eq!(Growth::new(size, BTreeMap::new()).unwrap_err(), LedgerError::OutOfRange);
    }
    assert_eq!(needed_for_inclusion(7, 7), Err(LedgerError::OutOfRange));
    assert_eq!(needed_for_inclusion(0, 0), Err(LedgerError::OutOfRange));
    assert_eq!(needed_for_consistency(8, 7), Err(LedgerError::OutOfRange));
    assert_eq!(check_inclusion(&[], 7, &EMPTY_ROOT, u64::MAX, &EMPTY_ROOT), out);
    assert_eq!(check_consistency(&[], u64::MAX, &EMPTY_ROOT, 7, &EMPTY_ROOT), out);
}

#[test]
fn the_largest_log_stays_within_the_longest_proof() {
    let longest = needed_for_inclusion(SIZE_MAX, 0).unwrap();
    assert_eq!(longest.len(), 40);
    assert!(longest.len() <= PROOF_MAX);
    let too_long = vec![EMPTY_ROOT; PROOF_MAX + 1];
    assert_eq!(check_inclusion(&too_long, SIZE_MAX, &EMPTY_ROOT, 0, &EMPTY_ROOT), Err(LedgerError::Proof));
}

#[test]
fn a_full_log_takes_no_more() {
    let prefetched = needed_to_append(SIZE_MAX).into_iter().map(|index| (index, [0; 32])).collect();
    let mut growth = Growth::new(SIZE_MAX, prefetched).unwrap();
    assert_eq!(growth.append(&[0; LEAF_BYTES]), Err(LedgerError::OutOfRange));
    assert_eq!(growth.size(), SIZE_MAX);
}

#[test]
fn a_proof_lacking_a_fetched_hash_is_not_made() {
    assert_eq!(prove_inclusion(7, 3, &Hashes::default()), Err(LedgerError::MissingHash));
    assert_eq!(prove_consistency(3, 7, &Hashes::default()), Err(LedgerError::MissingHash));
    assert_eq!(root(7, &Hashes::default()), Err(LedgerError::MissingHash));
}

/// What may be done to a proof, or to what it is about.
#[derive(Debug, Clone)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Drop(prop::sample::Index),
    Add(prop::sample::Index),
    Root,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<prop::sample::Index>(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        any::<prop::sample::Index>().prop_map(Damage::Drop),
        any::<prop::sample::Index>().prop_map(Damage::Add),
        Just(Damage::Root),
    ]
}

impl Damage {
    fn apply(&self, proof: &mut Vec<Hash>, root: &mut Hash) {
        match self {
            Self::Flip(at, bit) if !proof.is_empty() => {
                let at = at.index(proof.len() * 32);
                proof[at / 32][at % 32] ^= 1 << bit;
            }
            Self::Drop(at) if !proof.is_empty() => {
                proof.remove(at.index(proof.len()));
            }
            Self::Add(at) => proof.insert(at.index(proof.len() + 1), [7; 32]),
            Self::Root | Self::Flip(..) | Self::Drop(_) => root[0] ^= 1,
        }
    }
}

proptest! {
    #[test]
    fn a_damaged_inclusion_proof_is_refused(size in 1..SIZES, index in any::<prop::sample::Index>(), damage in damage()) {
        let index = index.index(size);
        let all = leaves(size);
        let (mut proof, mut root) = (path(index, &all), tree_hash(&all));
        let leaf = leaf_hash(&all[index]);
        damage.apply(&mut proof, &mut root);
        prop_assert!(check_inclusion(&proof, size as u64, &root, index as u64, &leaf).is_err());
    }

    #[test]
    fn a_damaged_consistency_proof_is_refused(old in 1..SIZES, more in 0..SIZES, damage in damage()) {
        let all = leaves(old + more);
        let (mut proof, mut root) = (proof(old, &all), tree_hash(&all));
        let old_root = tree_hash(&all[..old]);
        damage.apply(&mut proof, &mut root);
        prop_assert!(check_consistency(&proof, old as u64, &old_root, all.len() as u64, &root).is_err());
    }

    /// A log that was rewritten anywhere before `old` is not a continuation.
    #[test]
    fn a_rewritten_log_is_not_a_continuation(old in 1..SIZES, more in 0..SIZES, at in any::<prop::sample::Index>()) {
        let honest = leaves(old + more);
        let mut rewritten = honest.clone();
        rewritten[at.index(old)][41] ^= 1;
        let found = proof(old, &rewritten);
        let (old_root, new_root) = (tree_hash(&honest[..old]), tree_hash(&rewritten));
        prop_assert!(check_consistency(&found, old as u64, &old_root, honest.len() as u64, &new_root).is_err());
    }

    #[test]
    fn numbers_from_a_peer_do_no_harm(old in any::<u64>(), new in any::<u64>(), length in 0..50usize) {
        let proof = vec![[1; 32]; length];
        prop_assert!(check_consistency(&proof, old, &[2; 32], new, &[3; 32]).is_err());
        prop_assert!(check_inclusion(&proof, new, &[2; 32], old, &[3; 32]).is_err());
    }

    #[test]
    fn garbage_is_no_checkpoint(note in "(selat/audit/AUS\n)?\\PC{0,60}\n\n?(— AUS )?[A-Za-z0-9+/=]{0,100}\n?") {
        let aus: selat_record::ParticipantId = "AUS".parse().unwrap();
        let key = selat_seal::SecretKey::from_seed([1; 32]).public();
        prop_assert!(selat_ledger::Checkpoint::open(&note, &selat_ledger::LogId::audit(&aus), &aus, &key).is_err());
    }
}
