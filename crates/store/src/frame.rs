//! The frame around every stored value: a version tag and a checksum over key and value, so that flipped bits and values
//! that ended up under another key are noticed when they are read.
//!
//! `tag (1 byte) | first 8 bytes of SHA-256(key | value) | value`. It finds accidents; whoever can write to the disk can
//! forge it, which is what signatures and encryption are for.

use selat_seal::sha256;

/// This layout of the frame.
const TAG: u8 = 1;

/// Bytes before the value.
const HEAD: usize = 9;

/// The value as it is stored.
pub(crate) fn frame(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(HEAD + value.len());
    framed.push(TAG);
    framed.extend(checksum(key, value));
    framed.extend(value);
    framed
}

/// The value in a frame, if it is what was framed under this key.
pub(crate) fn unframe<'a>(key: &[u8], framed: &'a [u8]) -> Option<&'a [u8]> {
    let (tag, rest) = framed.split_first()?;
    let (sum, value) = rest.split_first_chunk::<8>()?;
    (*tag == TAG && *sum == checksum(key, value)).then_some(value)
}

fn checksum(key: &[u8], value: &[u8]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = sha256(&[key, value]);
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_framed_value_with_any_bit_flipped_is_noticed() {
        let framed = frame(b"key", b"value");
        assert_eq!(unframe(b"key", &framed), Some(b"value".as_slice()));
        for bit in 0..framed.len() * 8 {
            let mut flipped = framed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unframe(b"key", &flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn a_framed_value_under_another_key_or_cut_short_is_noticed() {
        let framed = frame(b"key", b"value");
        assert_eq!(unframe(b"kez", &framed), None);
        for length in 0..framed.len() {
            assert_eq!(unframe(b"key", &framed[..length]), None, "{length} bytes");
        }
    }
}
