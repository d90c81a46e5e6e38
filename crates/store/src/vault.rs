//! Encryption at rest. Each record's contents are sealed under a key of its own, so that destroying that key makes
//! them unreadable wherever copies lie; everything else that must not lie open is concealed under the node's storage key.
//!
//! Promises: sealed bytes open only under the key, and for the content or label, that they were sealed for; keys are
//! wiped from memory when dropped. AES-256-GCM with random nonces; subkeys by HKDF-SHA-256, one per label, so that no
//! key seals more than a log's worth of entries.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use selat_record::{ContentId, ParticipantId, RecordId};
use selat_seal::Entropy;
use zeroize::{Zeroize, Zeroizing};

/// First byte of everything sealed here: AES-256-GCM, then nonce, ciphertext and tag.
const FORMAT: u8 = 1;

/// The node's storage key, from which all others are derived or by which they are wrapped.
pub struct StorageKey(Zeroizing<[u8; 32]>);

impl StorageKey {
    /// Takes the bytes of a key file.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Makes a new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(random_key(entropy))
    }

    /// The bytes, for the key file.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The key that one record's contents are sealed under, in all its versions.
pub struct RecordKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StorageKey(..)")
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordKey(..)")
    }
}

/// Sealed bytes did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed bytes do not open under this key and label")]
pub struct VaultError;

/// Seals and opens what the store keeps.
pub struct Vault {
    root: hkdf::Prk,
    entropy: Arc<dyn Entropy>,
}

impl Vault {
    /// A vault under this storage key. `entropy` gives nonces and record keys.
    pub fn new(key: &StorageKey, entropy: Arc<dyn Entropy>) -> Self {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"selat-vault-v1").extract(key.as_bytes());
        Self { root, entropy }
    }

    /// Makes the key for a new record.
    pub fn mint_key(&self) -> RecordKey {
        RecordKey(random_key(self.entropy.as_ref()))
    }

    /// Wraps a record's key for storing.
    pub fn wrap(&self, originator: &ParticipantId, record: RecordId, key: &RecordKey) -> Vec<u8> {
        self.seal(&self.subkey("record-key", ""), &wrap_aad(originator, record), key.0.as_slice())
    }

    /// Unwraps the key of that record.
    pub fn unwrap(
        &self,
        originator: &ParticipantId,
        record: RecordId,
        wrapped: &[u8],
    ) -> Result<RecordKey, VaultError> {
        let mut bytes = open(&self.subkey("record-key", ""), &wrap_aad(originator, record), wrapped)?;
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| VaultError)?;
        bytes.zeroize();
        Ok(RecordKey(Zeroizing::new(key)))
    }

    /// Seals content of a record under its key.
    pub fn seal_content(&self, key: &RecordKey, content: &ContentId, bytes: &[u8]) -> Vec<u8> {
        self.seal(&aead_key(&key.0), &content_aad(content), bytes)
    }

    /// Opens the content that has this id.
    pub fn open_content(&self, key: &RecordKey, content: &ContentId, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        open(&aead_key(&key.0), &content_aad(content), sealed)
    }

    /// Seals bytes of the node's own under a label that says what they are.
    pub fn conceal(&self, label: &str, bytes: &[u8]) -> Vec<u8> {
        self.seal(&self.subkey("conceal", label), label.as_bytes(), bytes)
    }

    /// Opens what was concealed under this label.
    pub fn reveal(&self, label: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        open(&self.subkey("conceal", label), label.as_bytes(), sealed)
    }

    /// A keyed hash (HMAC-SHA-256), for keys of rows that would otherwise show personal data.
    pub fn keyed(&self, label: &str, bytes: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.derive("index", label).as_slice());
        let mut digest = [0; 32];
        digest.copy_from_slice(hmac::sign(&key, bytes).as_ref());
        digest
    }

    fn seal(&self, key: &LessSafeKey, aad: &[u8], bytes: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce);
        let mut sealed = bytes.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut sealed)
            .expect("AES-256-GCM seals anything shorter than 64 GiB");
        [[FORMAT].as_slice(), &nonce, &sealed].concat()
    }

    fn subkey(&self, purpose: &str, label: &str) -> LessSafeKey {
        aead_key(&self.derive(purpose, label))
    }

    fn derive(&self, purpose: &str, label: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        let info = [purpose.as_bytes(), b"\0", label.as_bytes()];
        let derived = self.root.expand(&info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(key.as_mut_slice()));
        derived.expect("HKDF-SHA-256 gives up to 8160 bytes");
        key
    }
}

fn open(key: &LessSafeKey, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (format, rest) = sealed.split_first().ok_or(VaultError)?;
    let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(VaultError)?;
    if *format != FORMAT {
        return Err(VaultError);
    }
    let mut bytes = body.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key.open_in_place(nonce, Aad::from(aad), &mut bytes).map_err(|_| VaultError)?.len();
    bytes.truncate(length);
    Ok(bytes)
}

fn aead_key(bytes: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("AES-256 takes any 32 bytes"))
}

fn random_key(entropy: &dyn Entropy) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    entropy.fill(key.as_mut_slice());
    key
}

fn content_aad(content: &ContentId) -> Vec<u8> {
    [b"selat-content-v1\0".as_slice(), content.as_bytes()].concat()
}

fn wrap_aad(originator: &ParticipantId, record: RecordId) -> Vec<u8> {
    [b"selat-record-key-v1\0".as_slice(), originator.as_str().as_bytes(), b"\0", record.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Bytes that count up.
    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    fn vault(key: u8) -> Vault {
        Vault::new(&StorageKey::from_bytes([key; 32]), Arc::new(Counting(AtomicU8::new(key))))
    }

    fn aus() -> ParticipantId {
        "AUS".parse().unwrap()
    }

    fn record(last: u8) -> RecordId {
        RecordId::mint(selat_record::Timestamp::EPOCH, [last; 10])
    }

    fn content(byte: u8) -> ContentId {
        ContentId::new([byte; 32])
    }

    #[test]
    fn content_opens_under_its_key_and_id_only() {
        let vault = vault(1);
        let (key, other) = (vault.mint_key(), vault.mint_key());
        let sealed = vault.seal_content(&key, &content(1), b"text");
        assert_eq!(vault.open_content(&key, &content(1), &sealed), Ok(b"text".to_vec()));
        assert_eq!(vault.open_content(&other, &content(1), &sealed), Err(VaultError));
        assert_eq!(vault.open_content(&key, &content(2), &sealed), Err(VaultError));
    }

    #[test]
    fn a_record_key_unwraps_for_its_record_under_its_storage_key_only() {
        let key = vault(1).mint_key();
        let wrapped = vault(1).wrap(&aus(), record(1), &key);
        assert_eq!(vault(1).unwrap(&aus(), record(1), &wrapped).unwrap().0, key.0);
        let check = |vault: Vault, originator: &str, record: RecordId| {
            assert_eq!(vault.unwrap(&originator.parse().unwrap(), record, &wrapped).unwrap_err(), VaultError);
        };
        check(vault(1), "IDN", record(1));
        check(vault(1), "AUS", record(2));
        check(vault(2), "AUS", record(1));
    }

    #[test]
    fn what_is_concealed_is_revealed_under_its_label_and_key_only() {
        let sealed = vault(1).conceal("label", b"text");
        assert_eq!(vault(1).reveal("label", &sealed), Ok(b"text".to_vec()));
        assert_eq!(vault(1).reveal("labem", &sealed), Err(VaultError));
        assert_eq!(vault(2).reveal("label", &sealed), Err(VaultError));
    }

    #[test]
    fn any_flipped_bit_or_missing_byte_keeps_it_shut() {
        let sealed = vault(1).conceal("label", b"text");
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(vault(1).reveal("label", &flipped), Err(VaultError), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(vault(1).reveal("label", &sealed[..length]), Err(VaultError), "{length} bytes");
        }
    }

    #[test]
    fn the_same_bytes_are_sealed_differently_each_time() {
        let vault = vault(1);
        assert_ne!(vault.conceal("label", b"text"), vault.conceal("label", b"text"));
    }

    #[test]
    fn keyed_hashes_depend_on_key_label_and_bytes() {
        let base = vault(1).keyed("label", b"text");
        assert_eq!(base, vault(1).keyed("label", b"text"));
        assert_ne!(base, vault(2).keyed("label", b"text"));
        assert_ne!(base, vault(1).keyed("labem", b"text"));
        assert_ne!(base, vault(1).keyed("label", b"texs"));
        assert_ne!(vault(1).keyed("ab", b"c"), vault(1).keyed("a", b"bc"));
    }

    #[test]
    fn keys_do_not_show_in_debug_output() {
        let key = StorageKey::from_bytes([0xab; 32]);
        assert_eq!(format!("{key:?} {:?}", RecordKey(Zeroizing::new([0xab; 32]))), "StorageKey(..) RecordKey(..)");
    }
}
