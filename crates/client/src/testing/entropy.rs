//! Dice that a test can repeat.

use std::sync::atomic::{AtomicU8, Ordering};

use selat_seal::Entropy;

/// Fills with 1, 1, 1... at the first call, with 2, 2, 2... at the next.
#[derive(Debug, Default)]
pub(crate) struct Counted(AtomicU8);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1));
    }
}
