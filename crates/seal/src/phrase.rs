//! The pairwise safety phrase of a first contact: both sides read the same twelve words over a second channel.
//!
//! 132 bits of SHA-256, so that nobody can grind a descriptor that gives the same words; fewer words would not do without
//! a commitment. The words are the 2048 of BIP-0039's English list, in its order; nothing else of BIP-0039 is used.

use std::fmt;

use bip39::Language;
use selat_record::ContentId;

use crate::sha256;

/// Words in a phrase.
pub const WORDS: usize = 12;
const BITS_PER_WORD: u32 = 11;

/// Twelve words that two participants share for one pair of descriptors, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SafetyPhrase([u16; WORDS]);

impl SafetyPhrase {
    /// The phrase for two descriptors, the same in either order.
    pub fn between(one: &ContentId, other: &ContentId) -> Self {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        Self::from_digest(&sha256(&[b"selat-safety-v1", low.as_bytes(), high.as_bytes()]))
    }

    /// The words.
    pub fn words(&self) -> [&'static str; WORDS] {
        let list = Language::English.wordlist();
        // Eleven bits each, so each is a place in the list of 2048.
        self.0.map(|place| list.get_word(place.into()))
    }

    /// The same as digits, for two people without a language in common: twelve groups of four, each a place in the list
    /// counted from 0000.
    pub fn digits(&self) -> String {
        self.0.map(|place| format!("{place:04}")).join(" ")
    }

    /// Cuts the first 132 bits into twelve numbers, first bit highest.
    fn from_digest(digest: &[u8; 32]) -> Self {
        let mut bytes = digest.iter();
        let (mut window, mut held) = (0u32, 0u32);
        Self([(); WORDS].map(|()| {
            while held < BITS_PER_WORD {
                let byte = bytes.next().expect("17 of the 32 bytes hold 132 bits");
                window = (window << 8) | u32::from(*byte);
                held += 8;
            }
            held -= BITS_PER_WORD;
            ((window >> held) & 0x7ff) as u16
        }))
    }
}

impl fmt::Display for SafetyPhrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_read_the_same_phrase() {
        let (a, b) = (ContentId::new([1; 32]), ContentId::new([2; 32]));
        assert_eq!(SafetyPhrase::between(&a, &b), SafetyPhrase::between(&b, &a));
        assert_ne!(SafetyPhrase::between(&a, &b), SafetyPhrase::between(&a, &a));
    }

    #[test]
    fn bits_are_cut_from_the_front_eleven_by_eleven() {
        let mut digest = [0; 32];
        digest[0] = 0b1111_1111;
        digest[1] = 0b1110_0000;
        digest[2] = 0b0000_0100;
        let phrase = SafetyPhrase::from_digest(&digest);
        assert_eq!(phrase.0[..3], [2047, 1, 0]);
        assert_eq!(phrase.words()[..3], ["zoo", "ability", "abandon"]);
        assert!(phrase.digits().starts_with("2047 0001 0000 "));
        assert_eq!(phrase.to_string().split(' ').count(), WORDS);
    }

    #[test]
    fn the_last_word_ends_at_bit_132() {
        let mut digest = [0; 32];
        digest[15] = 0b0000_0001;
        digest[16] = 0b1111_1111;
        // Word 12 is bits 121 to 131: seven of byte 15, four of byte 16.
        assert_eq!(SafetyPhrase::from_digest(&digest).0[11], 0b000_0001_1111);
    }
}
