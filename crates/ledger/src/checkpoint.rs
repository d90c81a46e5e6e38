//! The signed state of a log: C2SP tlog-checkpoint in a signed note.
//!
//! ```text
//! selat/release/AUS/IDN
//! <size in decimal>
//! <root in base64>
//!
//! — AUS <signature>
//! ```
//! Promise: what [`Checkpoint::open`] returns has one text form; extension lines are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use selat_record::ParticipantId;
use selat_seal::{KeyFailure, PublicKey, Signer};

use crate::tree::{EMPTY_ROOT, check_size};
use crate::{LedgerError, LogId, note};

/// How far a log had come, and the root over all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: LogId,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: [u8; 32],
}

impl Checkpoint {
    /// The checkpoint as a note, signed by a participant with its log key.
    pub fn sign(&self, signer: &ParticipantId, key: &Signer) -> Result<String, KeyFailure> {
        let text = format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root));
        note::sign(&text, signer.as_str(), key)
    }

    /// Reads a note: a checkpoint of the log `origin`, signed by `signer` with `key`, the log key in its descriptor.
    pub fn open(note: &str, origin: &LogId, signer: &ParticipantId, key: &PublicKey) -> Result<Self, LedgerError> {
        let text = note::open(note, signer.as_str(), key)?;
        let mut lines = text.lines();
        let (Some(name), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(LedgerError::Note("has not three lines"));
        };
        if name != origin.as_str() {
            return Err(LedgerError::OtherLog);
        }
        let size = read_size(size).ok_or(LedgerError::Note("its size is not a decimal number"))?;
        check_size(size)?;
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        let root = root.ok_or(LedgerError::Note("its root is not 32 bytes in base64"))?;
        if size == 0 && root != EMPTY_ROOT {
            return Err(LedgerError::Note("its root is not that of an empty log"));
        }
        Ok(Self { origin: origin.clone(), size, root })
    }
}

/// A decimal number in its one form: no sign, no leading zero.
fn read_size(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|size| size.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use selat_record::pb::KeyPurpose;
    use selat_seal::SecretKey;

    fn aus() -> ParticipantId {
        "AUS".parse().unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: LogId::release(&aus(), &"IDN".parse().unwrap()), size: 7, root: [5; 32] }
    }

    fn key(seed: u8) -> Signer {
        Signer::new(KeyPurpose::Log, SecretKey::from_seed([seed; 32]))
    }

    /// The checkpoint, signed as this participant with the key of this seed.
    fn signed(name: &str, seed: u8) -> String {
        checkpoint().sign(&name.parse().unwrap(), &key(seed)).unwrap()
    }

    /// What opening gives for a note over any text, signed as it should be.
    fn opened(text: &str) -> Result<Checkpoint, LedgerError> {
        read(&note::sign(text, "AUS", &key(1)).unwrap())
    }

    fn read(note: &str) -> Result<Checkpoint, LedgerError> {
        Checkpoint::open(note, &checkpoint().origin, &aus(), key(1).public())
    }

    #[test]
    fn a_checkpoint_comes_back_as_it_went() {
        let note = signed("AUS", 1);
        assert_eq!(read(&note), Ok(checkpoint()));
        assert!(note.starts_with("selat/release/AUS/IDN\n7\nBQUF"));
    }

    #[test]
    fn lines_of_other_signers_are_passed_over() {
        let note = signed("AUS", 1);
        let other = signed("IDN", 2);
        let line = other.lines().last().unwrap();
        assert_eq!(read(&format!("{note}{line}\n")), Ok(checkpoint()));
        assert_eq!(read(&other), Err(LedgerError::NotSigned));
    }

    #[test]
    fn what_another_key_or_name_signed_is_refused() {
        let other_key = signed("AUS", 2);
        assert_eq!(read(&other_key), Err(LedgerError::NotSigned));
        let other_name = signed("IDN", 1);
        assert_eq!(read(&other_name), Err(LedgerError::NotSigned));
    }

    #[test]
    fn a_changed_checkpoint_is_refused() {
        let note = signed("AUS", 1);
        assert_eq!(read(&note.replace("\n7\n", "\n8\n")), Err(LedgerError::BadSignature));
        let audit = LogId::audit(&aus());
        assert_eq!(Checkpoint::open(&note, &audit, &aus(), key(1).public()), Err(LedgerError::OtherLog));
    }

    #[test]
    fn a_checkpoint_has_one_text_form() {
        let root = STANDARD.encode([5; 32]);
        let check = |text: String, good: bool| assert_eq!(opened(&text).is_ok(), good, "{text}");
        check(format!("selat/release/AUS/IDN\n7\n{root}\n"), true);
        check(format!("selat/release/AUS/IDN\n07\n{root}\n"), false);
        check(format!("selat/release/AUS/IDN\n+7\n{root}\n"), false);
        check(format!("selat/release/AUS/IDN\n{}\n{root}\n", u64::MAX), false);
        check(format!("selat/release/AUS/IDN\n7\n{root}\nextension\n"), false);
        check(format!("selat/release/AUS/IDN\n7\n{}\n", &root[1..]), false);
        check("selat/release/AUS/IDN\n7\n".to_owned(), false);
        check(format!("selat/release/AUS/IDN\n0\n{root}\n"), false);
        check(format!("selat/release/AUS/IDN\n0\n{}\n", STANDARD.encode(EMPTY_ROOT)), true);
    }

    #[test]
    fn a_note_that_is_out_of_shape_is_refused() {
        let note = signed("AUS", 1);
        let line = note.lines().last().unwrap().to_owned() + "\n";
        let check = |note: String| assert!(matches!(read(&note), Err(LedgerError::Note(_))), "{note}");
        check(String::new());
        check(note.trim_end().to_owned());
        check(note.replace("\n\n", "\n"));
        check(note.replace('\n', "\r\n"));
        check(note.replace("— ", "- "));
        check(note.replace("— AUS ", "— "));
        check(format!("{note}{}", line.repeat(16)));
        check(format!("{note}— IDN AAA=\n"));
        check(format!("{}{note}", "x".repeat(4096)));
    }
}
