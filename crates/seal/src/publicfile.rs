//! The public half of a key as a text file, to be carried to where a descriptor is drafted.
//!
//! ```text
//! -----BEGIN SELAT PUBLIC KEY-----
//! Participant: AUS
//! Purpose: root
//! Key-Id: <64 hexadecimal digits>
//!
//! <public key in base64>
//! -----END SELAT PUBLIC KEY-----
//! ```
//!
//! Promise: what is read keeps the rule of [`PublicKey`]. Leaves out: whether the key is the participant's, which nothing
//! in the file proves; and the certificate of a TLS authority, which only a descriptor carries.

use selat_record::ParticipantId;
use selat_record::pb::KeyPurpose;

use crate::armor::{self, ArmorError};
use crate::keyfile::{purpose_from_word, purpose_word};
use crate::{KeyError, KeyFile, PublicKey};

const KIND: &str = "PUBLIC KEY";
const END: &str = "-----END SELAT PUBLIC KEY-----";
const HEADERS: [&str; 3] = ["Participant", "Purpose", "Key-Id"];
/// Most keys that are read from one file: as many as a descriptor holds.
const KEYS_MAX: usize = 64;

/// A public key and what its owner uses it for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicFile {
    /// Whose key it is said to be.
    pub participant: ParticipantId,
    /// What it may sign.
    pub purpose: KeyPurpose,
    /// The key.
    pub public: PublicKey,
}

/// Why a text is not a file of public keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicFileError {
    /// Not the text form at all.
    #[error("the public key file {0}")]
    Armor(#[from] ArmorError),
    /// A header line with a value that means nothing here.
    #[error("the public key file's {0} line is not valid")]
    Header(&'static str),
    /// Bytes that are no key.
    #[error("the key in the public key file {0}")]
    Key(#[from] KeyError),
    /// The key is not the one whose id is written above it.
    #[error("the public key file holds another key than its Key-Id line says")]
    OtherKey,
    /// More keys than a descriptor could hold.
    #[error("the public key file holds more than {KEYS_MAX} keys")]
    TooMany,
}

impl PublicFile {
    /// The public half of a secret key file.
    pub fn of(file: &KeyFile) -> Self {
        Self { participant: file.participant.clone(), purpose: file.purpose, public: file.secret.public() }
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let [participant, purpose, key_id] = HEADERS;
        let headers = [
            (participant, self.participant.as_str()),
            (purpose, purpose_word(self.purpose)),
            (key_id, &self.public.id().to_string()),
        ];
        std::mem::take(&mut *armor::write(KIND, &headers, self.public.as_bytes()))
    }

    /// Reads a file with one key or several, one block after the other.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, PublicFileError> {
        let mut keys = Vec::new();
        let mut rest = text.trim();
        loop {
            let end = rest.find(END).map_or(rest.len(), |start| start + END.len());
            let (block, after) = rest.split_at(end);
            if keys.len() == KEYS_MAX {
                return Err(PublicFileError::TooMany);
            }
            keys.push(Self::parse(block)?);
            rest = after.trim_start();
            if rest.is_empty() {
                return Ok(keys);
            }
        }
    }

    fn parse(block: &str) -> Result<Self, PublicFileError> {
        let ([participant, purpose, key_id], raw) = armor::read(KIND, HEADERS, block)?;
        let participant = participant.parse().map_err(|_| PublicFileError::Header("Participant"))?;
        let purpose = purpose_from_word(purpose).ok_or(PublicFileError::Header("Purpose"))?;
        let public = PublicKey::check(&raw)?;
        if public.id().to_string() != key_id {
            return Err(PublicFileError::OtherKey);
        }
        Ok(Self { participant, purpose, public })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretKey;

    fn root(seed: u8) -> PublicFile {
        let secret = SecretKey::from_seed([seed; 32]);
        PublicFile::of(&KeyFile { participant: "AUS".parse().unwrap(), purpose: KeyPurpose::Root, secret })
    }

    #[test]
    fn files_come_back_as_they_went_one_by_one_and_joined() {
        let (one, two) = (root(1), root(2));
        assert_eq!(PublicFile::parse_all(&one.to_text()).unwrap(), std::slice::from_ref(&one));
        let joined = format!("\r\n{}\n{}\n", one.to_text().replace('\n', "\r\n"), two.to_text());
        assert_eq!(PublicFile::parse_all(&joined).unwrap(), [one, two]);
    }

    #[test]
    fn secret_stays_out_of_the_public_file() {
        let secret = SecretKey::from_seed([5; 32]);
        let file = KeyFile { participant: "AUS".parse().unwrap(), purpose: KeyPurpose::Root, secret };
        let secret_line = file.to_text().lines().nth(5).unwrap().to_owned();
        assert!(!PublicFile::of(&file).to_text().contains(&secret_line));
    }

    #[test]
    fn what_is_not_a_file_of_public_keys_is_refused() {
        let good = root(1).to_text();
        let check = |text: &str, expected: PublicFileError| {
            assert_eq!(PublicFile::parse_all(text).unwrap_err(), expected, "{text}");
        };
        check("", PublicFileError::Armor(ArmorError::NoBegin(KIND)));
        check("\u{1b}[2J", PublicFileError::Armor(ArmorError::NoBegin(KIND)));
        check(&good.replace("PUBLIC", "SECRET"), PublicFileError::Armor(ArmorError::NoBegin(KIND)));
        check(&format!("{good}more"), PublicFileError::Armor(ArmorError::NoBegin(KIND)));
        check(&good.replace("AUS", "aus"), PublicFileError::Header("Participant"));
        check(&good.replace("root", "master"), PublicFileError::Header("Purpose"));
        check(&good.repeat(KEYS_MAX + 1), PublicFileError::TooMany);
        let other = root(2).to_text();
        let mixed = good.replace(good.lines().nth(5).unwrap(), other.lines().nth(5).unwrap());
        check(&mixed, PublicFileError::OtherKey);
    }

    #[test]
    fn bytes_that_no_verifier_would_take_are_refused() {
        let headers = [("Participant", "AUS"), ("Purpose", "root"), ("Key-Id", "00")];
        for (raw, expected) in [(vec![2; 32], KeyError::NotAPoint), (vec![1; 31], KeyError::Length(31))] {
            let text = armor::write(KIND, &headers, &raw);
            assert_eq!(PublicFile::parse_all(&text).unwrap_err(), PublicFileError::Key(expected));
        }
    }
}
