//! A secret key as a text file. No IO: who writes it sees to the file's mode.
//!
//! ```text
//! -----BEGIN SELAT SECRET KEY-----
//! Participant: AUS
//! Purpose: record
//! Key-Id: <64 hexadecimal digits>
//!
//! <seed in base64>
//! -----END SELAT SECRET KEY-----
//! ```

use selat_record::ParticipantId;
use selat_record::pb::KeyPurpose;
use zeroize::Zeroizing;

use crate::armor::{self, ArmorError};
use crate::{SecretKey, Signer};

const KIND: &str = "SECRET KEY";
const HEADERS: [&str; 3] = ["Participant", "Purpose", "Key-Id"];
const PURPOSES: [(KeyPurpose, &str); 5] = [
    (KeyPurpose::Root, "root"),
    (KeyPurpose::Record, "record"),
    (KeyPurpose::Query, "query"),
    (KeyPurpose::Log, "log"),
    (KeyPurpose::TlsCa, "tls-ca"),
];

/// A secret key and what its owner uses it for.
#[derive(Debug, Clone)]
pub struct KeyFile {
    /// Whose key it is.
    pub participant: ParticipantId,
    /// What it may sign.
    pub purpose: KeyPurpose,
    /// The key.
    pub secret: SecretKey,
}

/// Why a text is not a key file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// Not the text form at all.
    #[error("the key file {0}")]
    Armor(#[from] ArmorError),
    /// A header line with a value that means nothing here.
    #[error("the key file's {0} line is not valid")]
    Header(&'static str),
    /// Not a seed.
    #[error("the key file does not hold 32 bytes of key")]
    Length,
    /// The seed is not the one whose id is written above it.
    #[error("the key file holds another key than its Key-Id line says")]
    OtherKey,
}

impl KeyFile {
    /// The text of the file, wiped when dropped.
    pub fn to_text(&self) -> Zeroizing<String> {
        let [participant, purpose, key_id] = HEADERS;
        let headers = [
            (participant, self.participant.as_str()),
            (purpose, purpose_word(self.purpose)),
            (key_id, &self.secret.id().to_string()),
        ];
        armor::write(KIND, &headers, self.secret.seed())
    }

    /// Reads the text of a file. Wipe `text` afterwards.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let ([participant, purpose, key_id], seed) = armor::read(KIND, HEADERS, text)?;
        let participant = participant.parse().map_err(|_| KeyFileError::Header("Participant"))?;
        let purpose = purpose_from_word(purpose).ok_or(KeyFileError::Header("Purpose"))?;
        let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| KeyFileError::Length)?;
        let secret = SecretKey::from_seed(*seed);
        if secret.id().to_string() != key_id {
            return Err(KeyFileError::OtherKey);
        }
        Ok(Self { participant, purpose, secret })
    }

    /// The key, ready to sign for its purpose.
    pub fn into_signer(self) -> Signer {
        Signer::new(self.purpose, self.secret)
    }
}

/// The purpose as files and commands spell it, for example `tls-ca`.
pub fn purpose_word(purpose: KeyPurpose) -> &'static str {
    PURPOSES.iter().find(|(known, _)| *known == purpose).map_or("unspecified", |(_, word)| word)
}

/// The purpose that a word names.
pub fn purpose_from_word(word: &str) -> Option<KeyPurpose> {
    PURPOSES.iter().find(|(_, known)| *known == word).map(|(purpose, _)| *purpose)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_file(seed: u8) -> KeyFile {
        KeyFile {
            participant: "AUS".parse().unwrap(),
            purpose: KeyPurpose::TlsCa,
            secret: SecretKey::from_seed([seed; 32]),
        }
    }

    #[test]
    fn a_key_file_comes_back_as_it_went() {
        let text = key_file(5).to_text();
        let read = KeyFile::parse(&text).unwrap();
        assert_eq!(read.participant.as_str(), "AUS");
        assert_eq!(read.purpose, KeyPurpose::TlsCa);
        assert_eq!(read.secret.seed(), &[5; 32]);
        assert_eq!(text.lines().nth(2), Some("Purpose: tls-ca"));
    }

    #[test]
    fn a_key_file_that_does_not_agree_with_itself_is_refused() {
        let text = key_file(5).to_text();
        let check = |from: &str, to: &str, expected: KeyFileError| {
            assert_eq!(KeyFile::parse(&text.replace(from, to)).unwrap_err(), expected, "{from}");
        };
        check("BQUF", "BQUG", KeyFileError::OtherKey);
        check("BQUF", "", KeyFileError::Length);
        check("AUS", "aus", KeyFileError::Header("Participant"));
        check("tls-ca", "tls", KeyFileError::Header("Purpose"));
        check("Purpose", "purpose", KeyFileError::Armor(ArmorError::NoHeader("Purpose")));
        check("\n\n", "\n", KeyFileError::Armor(ArmorError::Damaged));
    }
}
