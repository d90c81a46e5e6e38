//! Signed notes (C2SP signed-note): some lines of text, an empty line, signature lines.
//!
//! ```text
//! <text>
//!
//! — <name> <base64 of key hash (4 bytes) and signature>
//! ```
//! Only Ed25519 (type 1) is read, under the federation's rule for signatures; lines of other keys are passed over, as the
//! specification wants.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use selat_seal::{KeyFailure, PublicKey, Signer, sha256};

use crate::LedgerError;

/// Longest note that is read. A checkpoint with sixteen signatures has less than half.
const NOTE_MAX_BYTES: usize = 4096;
/// Most signature lines.
const SIGNATURES_MAX: usize = 16;
const ED25519: u8 = 1;

/// Signs a text, which must end with a line feed, as `name`, which must hold neither white space nor "+".
pub(crate) fn sign(text: &str, name: &str, key: &Signer) -> Result<String, KeyFailure> {
    let mut signature = key_hash(name, key.public()).to_vec();
    signature.extend(key.sign_bytes(text.as_bytes())?);
    Ok(format!("{text}\n— {name} {}\n", STANDARD.encode(signature)))
}

/// The text of a note, if `key` signed it as `name`.
pub(crate) fn open<'n>(note: &'n str, name: &str, key: &PublicKey) -> Result<&'n str, LedgerError> {
    let (text, signatures) = split(note)?;
    let expected = key_hash(name, key);
    let mut signed = false;
    for line in signatures.lines() {
        let (signer, hash, signature) = read_signature(line)?;
        if signer == name && hash == expected {
            if !key.holds(text.as_bytes(), &signature) {
                return Err(LedgerError::BadSignature);
            }
            signed = true;
        }
    }
    if signed { Ok(text) } else { Err(LedgerError::NotSigned) }
}

/// The first four bytes of SHA-256(name | line feed | type | public key).
fn key_hash(name: &str, key: &PublicKey) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[ED25519], key.as_bytes()]);
    [a, b, c, d]
}

/// Splits a note at its last empty line into text and signature lines.
fn split(note: &str) -> Result<(&str, &str), LedgerError> {
    if note.len() > NOTE_MAX_BYTES {
        return Err(LedgerError::Note("longer than 4096 bytes"));
    }
    if note.chars().any(|c| c.is_control() && c != '\n') {
        return Err(LedgerError::Note("holds control characters"));
    }
    if !note.ends_with('\n') {
        return Err(LedgerError::Note("its last line has no end"));
    }
    let empty = note.rfind("\n\n").ok_or(LedgerError::Note("has no empty line before its signatures"))?;
    let (text, rest) = note.split_at(empty + 1);
    let signatures = rest.strip_prefix('\n').unwrap_or(rest);
    if !(1..=SIGNATURES_MAX).contains(&signatures.lines().count()) {
        return Err(LedgerError::Note("has not 1 to 16 signature lines"));
    }
    Ok((text, signatures))
}

fn read_signature(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), LedgerError> {
    let malformed = LedgerError::Note("a signature line is malformed");
    let named = line.strip_prefix("— ").and_then(|line| line.split_once(' '));
    let (name, encoded) = named.filter(|(name, _)| !name.is_empty()).ok_or(malformed.clone())?;
    let bytes = STANDARD.decode(encoded).map_err(|_| malformed.clone())?;
    let (hash, signature) = bytes.split_first_chunk::<4>().ok_or(malformed)?;
    Ok((name, *hash, signature.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the signed-note documentation (golang.org/x/mod/sumdb/note): key "PeterNeumann".
    #[test]
    fn the_published_example_of_a_signed_note_opens() {
        let raw = STANDARD.decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
        assert_eq!(raw[0], ED25519);
        let key = PublicKey::check(&raw[1..]).unwrap();
        assert_eq!(key_hash("PeterNeumann", &key), [0xc7, 0x4f, 0x20, 0xa3]);
        let text =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let note = format!(
            "{text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
        );
        assert_eq!(open(&note, "PeterNeumann", &key), Ok(text));
    }
}
