//! What stands in a log: a kind, a time, and a commitment to an opening that is kept elsewhere.
//!
//! ```text
//! version (1 byte, 1) | kind (1 byte) | time (8 bytes, big endian, ms) | commitment (32 bytes)
//! commitment = SHA-256("selat-leaf-v1" 0x00 | nonce (32 bytes) | opening)
//! ```
//! The tree goes on holding after an opening has been erased, and a leaf tells nothing without its nonce.

use selat_record::Timestamp;
use selat_seal::sha256;

use crate::LedgerError;

/// Bytes of a leaf.
pub const LEAF_BYTES: usize = 42;
const VERSION: u8 = 1;

/// One entry as the tree holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    kind: u8,
    time: Timestamp,
    commitment: [u8; 32],
}

impl Leaf {
    /// Commits to an opening. `kind` is the number of a `LogEntryKind` or an `AuditAction`; `nonce` is random and unlike
    /// any other.
    pub fn commit(kind: u8, time: Timestamp, nonce: &[u8; 32], opening: &[u8]) -> Self {
        Self { kind, time, commitment: commitment(nonce, opening) }
    }

    /// True when this is what the leaf commits to.
    pub fn opens_to(&self, nonce: &[u8; 32], opening: &[u8]) -> bool {
        self.commitment == commitment(nonce, opening)
    }

    /// What kind of entry it is.
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// When it was logged.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The commitment.
    pub fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }

    /// The bytes that the tree is built over.
    pub fn encode(&self) -> [u8; LEAF_BYTES] {
        let mut bytes = [0; LEAF_BYTES];
        let time = self.time.ms().to_be_bytes();
        let parts = [VERSION, self.kind].into_iter().chain(time).chain(self.commitment);
        for (slot, byte) in bytes.iter_mut().zip(parts) {
            *slot = byte;
        }
        bytes
    }

    /// Reads the bytes of a leaf.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let bytes: [u8; LEAF_BYTES] = bytes.try_into().map_err(|_| LedgerError::Leaf("is not 42 bytes"))?;
        let [version, kind, t0, t1, t2, t3, t4, t5, t6, t7, commitment @ ..] = bytes;
        if version != VERSION {
            return Err(LedgerError::Leaf("is of an unknown version"));
        }
        if kind == 0 {
            return Err(LedgerError::Leaf("has no kind"));
        }
        let time = Timestamp::from_ms(i64::from_be_bytes([t0, t1, t2, t3, t4, t5, t6, t7]))
            .ok_or(LedgerError::Leaf("has a time that is not from 1970 to 9999"))?;
        Ok(Self { kind, time, commitment })
    }
}

fn commitment(nonce: &[u8; 32], opening: &[u8]) -> [u8; 32] {
    sha256(&[b"selat-leaf-v1\0", nonce, opening])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf() -> Leaf {
        Leaf::commit(3, Timestamp::from_ms(0x0123_4567_89ab).unwrap(), &[9; 32], b"opening")
    }

    #[test]
    fn a_leaf_has_its_written_layout() {
        let bytes = leaf().encode();
        assert_eq!(bytes[..10], [1, 3, 0, 0, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab]);
        assert_eq!(bytes[10..], sha256(&[b"selat-leaf-v1", &[0], &[9; 32], b"opening"]));
        assert_eq!(Leaf::decode(&bytes), Ok(leaf()));
    }

    #[test]
    fn a_leaf_opens_to_nothing_but_its_opening() {
        assert!(leaf().opens_to(&[9; 32], b"opening"));
        assert!(!leaf().opens_to(&[8; 32], b"opening"));
        assert!(!leaf().opens_to(&[9; 32], b"openinG"));
    }

    #[test]
    fn bytes_that_are_no_leaf_are_refused() {
        let check = |at: usize, byte: u8| {
            let mut bytes = leaf().encode();
            bytes[at] = byte;
            assert!(matches!(Leaf::decode(&bytes), Err(LedgerError::Leaf(_))), "byte {at}");
        };
        check(0, 2);
        check(1, 0);
        check(2, 0xff);
        assert!(Leaf::decode(&leaf().encode()[..41]).is_err());
        assert!(Leaf::decode(&[leaf().encode().as_slice(), &[0]].concat()).is_err());
    }
}
