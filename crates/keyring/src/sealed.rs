//! Bytes under a passphrase, as an age file: scrypt and ChaCha20-Poly1305, in text or binary form, so that in an
//! emergency `age -d` opens them too.
//!
//! Promises: what is read is bounded, also in the work that its writer may ask of us; only passphrases open a file.

use std::io::{self, Read, Write as _};
use std::iter;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use zeroize::Zeroizing;

use crate::Passphrase;

/// log2 of scrypt's N when writing: 64 MiB of memory and about a quarter of a second for each guess.
const WORK: u8 = 16;
/// The most that a file may ask when it is read: 256 MiB, what the age program writes.
const WORK_MAX: u8 = 18;
/// First bytes of an age file, as text and as binary.
const BEGIN_TEXT: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const BEGIN_BINARY: &[u8] = b"age-encryption.org/v1";

/// Why sealed bytes were not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The passphrase is another one, or the head of the file was changed: nobody can tell which.
    #[error("is under another passphrase")]
    OtherPassphrase,
    /// Opened with something else than a passphrase.
    #[error("is an age file for recipients, not under a passphrase")]
    NotUnderPassphrase,
    /// It asks for more work than we do for anybody.
    #[error("asks for scrypt work of 2^{0}; at most 2^{WORK_MAX} is done")]
    Work(u8),
    /// Not an age file, or a damaged one.
    #[error("is a damaged age file: {0}")]
    Damaged(String),
    /// Its content is larger than it may be.
    #[error("holds more than {0} bytes")]
    TooLarge(usize),
}

/// True when these bytes begin as an age file does.
pub(crate) fn is_sealed(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(BEGIN_TEXT) || bytes.starts_with(BEGIN_BINARY)
}

/// Puts bytes under a passphrase; text.
pub(crate) fn seal(content: &[u8], passphrase: &Passphrase) -> io::Result<Vec<u8>> {
    let mut recipient = scrypt::Recipient::new(passphrase.secret());
    recipient.set_work_factor(WORK);
    let recipients = iter::once(&recipient as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(&mut sealed, Format::AsciiArmor)?)?;
    writer.write_all(content)?;
    writer.finish()?.finish()?;
    Ok(sealed)
}

/// Takes the bytes out again, up to `bytes_max` of them.
pub(crate) fn open(sealed: &[u8], passphrase: &Passphrase, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(sealed.trim_ascii_start())).map_err(refusal)?;
    if !decryptor.is_scrypt() {
        return Err(OpenError::NotUnderPassphrase);
    }
    let mut identity = scrypt::Identity::new(passphrase.secret());
    identity.set_max_work_factor(WORK_MAX);
    let reader = decryptor.decrypt(iter::once(&identity as &dyn age::Identity)).map_err(refusal)?;
    // All the room at once: a vector that grows leaves parts of the secret behind.
    let mut content = Zeroizing::new(Vec::with_capacity(bytes_max + 1));
    let limit = u64::try_from(bytes_max + 1).unwrap_or(u64::MAX);
    reader.take(limit).read_to_end(&mut content).map_err(|error| OpenError::Damaged(error.to_string()))?;
    if content.len() > bytes_max {
        return Err(OpenError::TooLarge(bytes_max));
    }
    Ok(content)
}

fn refusal(error: DecryptError) -> OpenError {
    match error {
        DecryptError::ExcessiveWork { required, .. } => OpenError::Work(required),
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            OpenError::OtherPassphrase
        }
        other => OpenError::Damaged(other.to_string().lines().next().unwrap_or_default().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(SecretString::from(text)).unwrap()
    }

    fn sealed_with(work: u8, content: &[u8]) -> Vec<u8> {
        let mut recipient = scrypt::Recipient::new(passphrase("tide gull anchor").secret());
        recipient.set_work_factor(work);
        age::encrypt(&recipient, content).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_with_its_passphrase_and_no_other() {
        let sealed = seal(b"content", &passphrase("tide gull anchor")).unwrap();
        assert!(is_sealed(&sealed) && sealed.is_ascii());
        assert_eq!(open(&sealed, &passphrase("tide gull anchor"), 7).unwrap().as_slice(), b"content");
        let refused = |text| open(&sealed, &passphrase(text), 7).unwrap_err();
        assert!(matches!(refused("tide gull anchoR"), OpenError::OtherPassphrase));
        assert!(matches!(open(&sealed, &passphrase("tide gull anchor"), 6), Err(OpenError::TooLarge(6))));
    }

    #[test]
    fn a_binary_file_opens_too() {
        let sealed = sealed_with(10, b"content");
        assert!(is_sealed(&sealed));
        assert_eq!(open(&sealed, &passphrase("tide gull anchor"), 7).unwrap().as_slice(), b"content");
    }

    #[test]
    fn every_damage_is_refused() {
        let sealed = sealed_with(10, b"content");
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(open(&damaged, &passphrase("tide gull anchor"), 7).is_err(), "byte {at}");
            let cut = sealed.get(..at).unwrap();
            assert!(open(cut, &passphrase("tide gull anchor"), 7).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_file_that_asks_for_too_much_work_is_refused_before_any_is_done() {
        let text = String::from_utf8_lossy(&sealed_with(10, b"")).replacen(" 10\n", " 40\n", 1).into_bytes();
        // What follows the head is not text; only the head is looked at here.
        assert!(matches!(open(&text, &passphrase("tide gull anchor"), 7), Err(OpenError::Work(40))));
    }

    #[test]
    fn a_file_for_recipients_is_refused() {
        let identity = age::x25519::Identity::generate();
        let sealed = age::encrypt(&identity.to_public(), b"content").unwrap();
        assert!(matches!(open(&sealed, &passphrase("tide gull anchor"), 7), Err(OpenError::NotUnderPassphrase)));
        assert!(matches!(open(b"text", &passphrase("tide gull anchor"), 7), Err(OpenError::Damaged(_))));
    }
}
