//! SHA-256 over parts, so that nobody has to join them first.

use sha2::{Digest, Sha256};

/// SHA-256 of the parts, one after the other. Parts of varying length must carry their own separators or lengths.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
