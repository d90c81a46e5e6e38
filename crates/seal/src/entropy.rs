//! Where randomness comes in.

/// A source of random bytes fit for keys. The node passes the operating system's; tests pass a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}
