//! Ed25519 keys and the federation's one rule for signatures.
//!
//! The rule: S < L; the key A and R in canonical encoding; A free of torsion and not of small order; R not of small order;
//! the cofactorless equation. Two verifiers that both keep it never disagree about a signature, which is not so for
//! Ed25519 at large. What concerns A is checked once, when a [`PublicKey`] is made; the rest in [`PublicKey::holds`].

use std::fmt;

use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::{Entropy, sha256};

/// Why bytes are not a key that anybody may use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not 32 bytes.
    #[error("is {0} bytes; an Ed25519 key is 32")]
    Length(usize),
    /// No point of the curve has this encoding.
    #[error("is not a point of the curve")]
    NotAPoint,
    /// The point has another, shorter encoding.
    #[error("is not the canonical encoding of its point")]
    NotCanonical,
    /// One of the eight points that verify what nobody signed.
    #[error("is a point of small order")]
    SmallOrder,
    /// Verifiers could disagree about this key's signatures.
    #[error("has a torsion component")]
    Torsion,
}

/// A public key that has passed every check of the rule.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Takes the 32 bytes of a key, or says which part of the rule they break.
    pub fn check(raw: &[u8]) -> Result<Self, KeyError> {
        let raw: [u8; 32] = raw.try_into().map_err(|_| KeyError::Length(raw.len()))?;
        let point = CompressedEdwardsY(raw).decompress().ok_or(KeyError::NotAPoint)?;
        if point.compress().to_bytes() != raw {
            return Err(KeyError::NotCanonical);
        }
        if point.is_small_order() {
            return Err(KeyError::SmallOrder);
        }
        if !point.is_torsion_free() {
            return Err(KeyError::Torsion);
        }
        Ok(Self(VerifyingKey::from(point)))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The key's id.
    pub fn id(&self) -> KeyId {
        KeyId::of(self)
    }

    /// True when `signature` is this key's signature of `message` under the rule. The only place where a signature is
    /// judged; callers outside this crate want [`crate::verify`], or the checkpoints of `ledger`.
    pub fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        // verify_strict refuses S >= L and R of small order; it compares R with the encoding that it computes itself, so
        // a non-canonical R never equals.
        Signature::from_slice(signature).is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", Hex(self.as_bytes()))
    }
}

/// SHA-256("selat-key-v1" 0x00 "ed25519" 0x00 public key): names a key, proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// The id of a key.
    pub fn of(key: &PublicKey) -> Self {
        Self(sha256(&[b"selat-key-v1\0", b"ed25519", b"\0", key.as_bytes()]))
    }

    /// Takes the 32 bytes of an id.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A secret key. Its memory is wiped when it goes; it never shows itself in logs.
#[derive(Clone)]
pub struct SecretKey {
    signing: SigningKey,
    public: PublicKey,
}

impl SecretKey {
    /// The key that a seed stands for (RFC 8032).
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        Self::of(SigningKey::from_bytes(&seed))
    }

    /// A fresh key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        entropy.fill(seed.as_mut());
        Self::of(SigningKey::from_bytes(&seed))
    }

    /// The public half is a multiple of the base point, so it needs no check.
    fn of(signing: SigningKey) -> Self {
        let public = PublicKey(signing.verifying_key());
        Self { signing, public }
    }

    /// The seed, for key files and for libraries that want the raw key. Wipe every copy.
    pub fn seed(&self) -> &[u8; 32] {
        self.signing.as_bytes()
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public.clone()
    }

    pub(crate) fn as_public(&self) -> &PublicKey {
        &self.public
    }

    /// The id of the public half.
    pub fn id(&self) -> KeyId {
        self.public.id()
    }

    /// Signs bytes whose beginning already says what they are, as a PAE or a checkpoint does. Payloads are signed by
    /// [`crate::Signer`].
    pub fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.id())
    }
}

/// Bytes in lower-case hexadecimal.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use curve25519_dalek::edwards::EdwardsPoint;
    use curve25519_dalek::scalar::Scalar;
    use sha2::{Digest, Sha512};

    fn raw(point: EdwardsPoint) -> [u8; 32] {
        point.compress().to_bytes()
    }

    #[test]
    fn each_part_of_the_key_rule_has_its_own_refusal() {
        let honest = SecretKey::from_seed([7; 32]).public();
        assert_eq!(PublicKey::check(honest.as_bytes()), Ok(honest.clone()));
        assert_eq!(PublicKey::check(&[1; 31]), Err(KeyError::Length(31)));
        assert_eq!(PublicKey::check(&[2; 32]), Err(KeyError::NotAPoint));

        // y = p + 3 fits in 255 bits and means y = 3, a point of the curve.
        let mut above_p = [0xff; 32];
        above_p[0] = 0xf0;
        above_p[31] = 0x7f;
        assert_eq!(PublicKey::check(&above_p), Err(KeyError::NotCanonical));
        // The identity with the sign bit set: minus zero.
        let mut minus_zero = [0; 32];
        minus_zero[0] = 1;
        minus_zero[31] = 0x80;
        assert_eq!(PublicKey::check(&minus_zero), Err(KeyError::NotCanonical));
    }

    #[test]
    fn small_order_and_mixed_order_keys_are_refused() {
        for torsion in EIGHT_TORSION {
            assert_eq!(PublicKey::check(&raw(torsion)), Err(KeyError::SmallOrder));
        }
        for torsion in EIGHT_TORSION.iter().skip(1) {
            assert_eq!(PublicKey::check(&raw(ED25519_BASEPOINT_POINT + torsion)), Err(KeyError::Torsion));
        }
    }

    /// Signs by hand: the nonce point is `scalar * B + added`, all else is honest.
    fn sign_with_nonce(secret: &SecretKey, message: &[u8], nonce: Scalar, added: EdwardsPoint) -> [u8; 64] {
        let encoded = raw(ED25519_BASEPOINT_POINT * nonce + added);
        let challenge = Sha512::new()
            .chain_update(encoded)
            .chain_update(secret.public().as_bytes())
            .chain_update(message)
            .finalize();
        let challenge = Scalar::from_bytes_mod_order_wide(&challenge.into());
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&encoded);
        signature[32..].copy_from_slice((nonce + challenge * secret.signing.to_scalar()).as_bytes());
        signature
    }

    #[test]
    fn a_nonce_point_of_small_order_is_refused_though_the_equation_holds() {
        let secret = SecretKey::from_seed([9; 32]);
        let identity = EIGHT_TORSION[0];
        let by_hand = sign_with_nonce(&secret, b"message", Scalar::from(5u8), identity);
        assert!(secret.public().holds(b"message", &by_hand), "the hand-made signature is a good one");

        let small = sign_with_nonce(&secret, b"message", Scalar::ZERO, identity);
        let lenient = ed25519_dalek::Verifier::verify(&secret.public().0, b"message", &Signature::from_bytes(&small));
        assert!(lenient.is_ok(), "a lenient verifier takes it, or this test shows nothing");
        assert!(!secret.public().holds(b"message", &small));
    }

    #[test]
    fn a_nonce_point_with_torsion_is_refused() {
        let secret = SecretKey::from_seed([9; 32]);
        for torsion in EIGHT_TORSION.iter().skip(1) {
            let signature = sign_with_nonce(&secret, b"message", Scalar::from(5u8), *torsion);
            assert!(!secret.public().holds(b"message", &signature));
        }
    }

    #[test]
    fn a_second_form_of_the_same_signature_is_refused() {
        let secret = SecretKey::from_seed([11; 32]);
        let signature = secret.sign_bytes(b"message");
        assert!(secret.public().holds(b"message", &signature));
        assert!(!secret.public().holds(b"message", &plus_order(signature)));
        assert!(!secret.public().holds(b"massage", &signature));
        assert!(!secret.public().holds(b"message", &signature[..63]));
    }

    /// S + L: the same equation, one more encoding.
    fn plus_order(mut signature: [u8; 64]) -> [u8; 64] {
        let order = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10u8,
        ];
        let mut carry = 0u16;
        for (byte, add) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = (sum & 0xff) as u8;
            carry = sum >> 8;
        }
        signature
    }

    #[test]
    fn a_secret_key_does_not_show_itself() {
        let secret = SecretKey::from_seed([0xab; 32]);
        assert!(!format!("{secret:?}").contains("abab"));
    }
}
