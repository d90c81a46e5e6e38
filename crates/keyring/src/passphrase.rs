//! Passphrases and PINs: where they come from, and keeping them out of sight.
//!
//! Promises: they come from a file for its owner alone, an open file descriptor, a credential of the service manager or
//! the terminal; never from an argument or the value of an environment variable. They are wiped when dropped and no
//! `Debug` shows them. What is read is bounded, and is the first line of what is there.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::OnceLock;

use rpassword::{Config, ConfigBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::disk;

/// Fewest characters of a passphrase. Six words of a word list are longer by far.
pub const PASSPHRASE_CHARS_MIN: usize = 12;
/// Longest passphrase or PIN that is read, in bytes.
const BYTES_MAX: usize = 1024;
/// Where the service manager tells a service its folder of credentials.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// A passphrase for key files and backups.
#[derive(Clone)]
pub struct Passphrase(SecretString);

impl Passphrase {
    /// Takes a passphrase, or says why it is none.
    pub fn new(text: SecretString) -> Result<Self, PassphraseError> {
        let chars = text.expose_secret().chars().count();
        if chars < PASSPHRASE_CHARS_MIN {
            return Err(PassphraseError::TooShort);
        }
        Ok(Self(text))
    }

    /// As `age` takes it.
    pub(crate) fn secret(&self) -> SecretString {
        self.0.clone()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// Where a passphrase or PIN is to be read.
#[derive(Debug, Clone)]
pub enum PassphraseSource {
    /// The first line of a file that only its owner may read.
    File(PathBuf),
    /// The first line that can be read from an open file descriptor of this process.
    Descriptor(u32),
    /// The first line of a credential of the service manager.
    Credential {
        /// Its name.
        name: String,
        /// Its folder; `None`: the one that the service manager names in `$CREDENTIALS_DIRECTORY`.
        folder: Option<PathBuf>,
    },
    /// The person at the terminal.
    Prompt {
        /// What to ask, for example "passphrase of the backup".
        question: String,
    },
    /// It has been read already.
    Known(Passphrase),
}

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// It cannot be read where it should be.
    #[error("{from} cannot be read")]
    Unreadable {
        /// Where it should be.
        from: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else may read or write it.
    #[error("{from} is open to others than its owner: its mode is {mode:04o}")]
    Exposed {
        /// Where it is.
        from: String,
        /// Its permission bits.
        mode: u32,
    },
    /// Nothing is there.
    #[error("{from} is empty")]
    Empty {
        /// Where it should be.
        from: String,
    },
    /// More than is read.
    #[error("{from} has a first line of more than {BYTES_MAX} bytes")]
    TooLong {
        /// Where it is.
        from: String,
    },
    /// Not UTF-8.
    #[error("{from} is not text in UTF-8")]
    NotText {
        /// Where it is.
        from: String,
    },
    /// Too easily guessed.
    #[error("the passphrase has fewer than {PASSPHRASE_CHARS_MIN} characters")]
    TooShort,
    /// Typed one way, then another.
    #[error("the two passphrases that were typed differ")]
    Differ,
    /// `$CREDENTIALS_DIRECTORY` is not set, or the name could lead out of it.
    #[error("there is no credential {name:?}: {why}")]
    NoCredential {
        /// The name that was asked for.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
}

impl PassphraseSource {
    /// Reads the passphrase of something that exists.
    pub fn read(&self) -> Result<Passphrase, PassphraseError> {
        match self {
            Self::Known(passphrase) => Ok(passphrase.clone()),
            _ => self.read_line().and_then(Passphrase::new),
        }
    }

    /// Reads the passphrase of something that is about to be made. A person at the terminal types it twice.
    pub fn choose(&self) -> Result<Passphrase, PassphraseError> {
        let first = self.read()?;
        if let Self::Prompt { question } = self {
            let again = Self::Prompt { question: format!("{question}, once more") }.read_line()?;
            if first.0.expose_secret() != again.expose_secret() {
                return Err(PassphraseError::Differ);
            }
        }
        Ok(first)
    }

    /// Where it is, for people.
    pub fn words(&self) -> String {
        match self {
            Self::File(path) => format!("the file {}", path.display()),
            Self::Descriptor(number) => format!("file descriptor {number}"),
            Self::Credential { name, .. } => format!("the credential {name:?}"),
            Self::Prompt { .. } => "what was typed".to_owned(),
            Self::Known(_) => "the passphrase".to_owned(),
        }
    }

    /// Reads the one line. PINs come this way too, and are as short as their token allows.
    pub(crate) fn read_line(&self) -> Result<SecretString, PassphraseError> {
        let unreadable = |source| PassphraseError::Unreadable { from: self.words(), source };
        match self {
            Self::File(path) => {
                let (file, mode) = disk::open_regular(path).map_err(unreadable)?;
                self.refuse_mode(mode, 0o077)?;
                self.first_line(file)
            }
            Self::Descriptor(0) => self.first_line(io::stdin().lock()),
            Self::Descriptor(number) => self.first_line(File::open(format!("/dev/fd/{number}")).map_err(unreadable)?),
            Self::Credential { name, folder } => {
                let (file, mode) = disk::open_regular(&credential(name, folder.as_ref())?).map_err(unreadable)?;
                // The group's bits are the mask of the access list by which a service manager lets the service in.
                self.refuse_mode(mode, 0o007)?;
                self.first_line(file)
            }
            Self::Prompt { question } => self.ask(question, ConfigBuilder::new().build()),
            Self::Known(passphrase) => Ok(passphrase.secret()),
        }
    }

    fn refuse_mode(&self, mode: u32, forbidden: u32) -> Result<(), PassphraseError> {
        if mode & forbidden == 0 {
            return Ok(());
        }
        Err(PassphraseError::Exposed { from: self.words(), mode })
    }

    fn first_line(&self, mut reader: impl Read) -> Result<SecretString, PassphraseError> {
        // All the room at once, and byte by byte: nothing is left in a buffer that nobody wipes.
        let mut line = Zeroizing::new(Vec::with_capacity(BYTES_MAX + 1));
        let mut byte = Zeroizing::new([0; 1]);
        while line.len() <= BYTES_MAX {
            let read = reader.read(byte.as_mut_slice());
            match read {
                Ok(0) => break,
                Ok(_) if *byte == [b'\n'] => break,
                Ok(_) => line.extend_from_slice(byte.as_slice()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(PassphraseError::Unreadable { from: self.words(), source }),
            }
        }
        self.checked(&line)
    }

    fn ask(&self, question: &str, terminal: Config) -> Result<SecretString, PassphraseError> {
        let typed = rpassword::prompt_password_with_config(format!("{question}: "), terminal);
        let typed = typed.map_err(|source| PassphraseError::Unreadable { from: "the terminal".to_owned(), source })?;
        self.checked(Zeroizing::new(typed).as_bytes())
    }

    fn checked(&self, line: &[u8]) -> Result<SecretString, PassphraseError> {
        let from = || self.words();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return Err(PassphraseError::Empty { from: from() });
        }
        if line.len() > BYTES_MAX {
            return Err(PassphraseError::TooLong { from: from() });
        }
        let text = std::str::from_utf8(line).map_err(|_| PassphraseError::NotText { from: from() })?;
        Ok(SecretString::from(text))
    }
}

fn credential(name: &str, folder: Option<&PathBuf>) -> Result<PathBuf, PassphraseError> {
    let no = |why| PassphraseError::NoCredential { name: name.to_owned(), why };
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(no("a name is a file name that does not begin with a dot"));
    }
    let told = || std::env::var_os(CREDENTIALS_DIRECTORY).map(PathBuf::from);
    let folder = folder.cloned().or_else(told).ok_or_else(|| no("$CREDENTIALS_DIRECTORY is not set"))?;
    Ok(folder.join(name))
}

/// The passphrase of several files: asked for when the first of them needs it, and only once.
#[derive(Debug)]
pub struct Lock {
    source: PassphraseSource,
    passphrase: OnceLock<Passphrase>,
}

impl Lock {
    /// A lock whose passphrase is at this place.
    pub fn new(source: PassphraseSource) -> Self {
        Self { source, passphrase: OnceLock::new() }
    }

    /// The passphrase. What failed is tried again by the next call.
    pub fn passphrase(&self) -> Result<&Passphrase, PassphraseError> {
        if let Some(passphrase) = self.passphrase.get() {
            return Ok(passphrase);
        }
        let read = self.source.read()?;
        Ok(self.passphrase.get_or_init(|| read))
    }

    /// Where the passphrase comes from, for people.
    pub fn words(&self) -> String {
        self.source.words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::PermissionsExt as _;

    fn file(content: &[u8], mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        std::fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        file
    }

    fn read(content: &[u8], mode: u32) -> Result<String, String> {
        let file = file(content, mode);
        let read = PassphraseSource::File(file.path().to_owned()).read();
        let told = |error: PassphraseError| error.to_string().replace(&file.path().display().to_string(), "F");
        read.map(|passphrase| passphrase.0.expose_secret().to_owned()).map_err(told)
    }

    #[test]
    fn the_first_line_of_a_file_is_the_passphrase() {
        for text in ["tide gull anchor", "tide gull anchor\n", "tide gull anchor\r\n", "tide gull anchor\nmore"] {
            assert_eq!(read(text.as_bytes(), 0o600).as_deref(), Ok("tide gull anchor"));
        }
        assert_eq!(
            read(b"\xd8\xaf\xd8\xb1\xdb\x8c\xd8\xa7 tide gull\n", 0o400).as_deref(),
            Ok("\u{62f}\u{631}\u{6cc}\u{627} tide gull")
        );
    }

    #[test]
    fn each_way_of_being_no_passphrase_has_its_own_words() {
        let refused = |content: &[u8], mode, words: &str| assert_eq!(read(content, mode), Err(words.to_owned()));
        refused(b"", 0o600, "the file F is empty");
        refused(b"\ntide gull anchor", 0o600, "the file F is empty");
        refused(b"tide gull a", 0o600, "the passphrase has fewer than 12 characters");
        refused(&[b'x'; BYTES_MAX + 1], 0o600, "the file F has a first line of more than 1024 bytes");
        refused(b"tide gull \xff\xff", 0o600, "the file F is not text in UTF-8");
        refused(b"tide gull anchor", 0o640, "the file F is open to others than its owner: its mode is 0640");
        let none = PassphraseSource::File("/nowhere".into()).read().unwrap_err();
        assert_eq!(none.to_string(), "the file /nowhere cannot be read");
    }

    #[test]
    fn a_descriptor_is_read_up_to_the_end_of_the_line() {
        let file = file(b"tide gull anchor\nmore", 0o644);
        let open = File::open(file.path()).unwrap();
        let number = u32::try_from(open.as_raw_fd()).unwrap();
        let read = PassphraseSource::Descriptor(number).read().unwrap();
        assert_eq!(read.0.expose_secret(), "tide gull anchor");
        let closed = PassphraseSource::Descriptor(9_999).read().unwrap_err();
        assert_eq!(closed.to_string(), "file descriptor 9999 cannot be read");
    }

    #[test]
    fn a_credential_lies_in_the_folder_that_the_service_manager_names() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("selat-keys"), "tide gull anchor").unwrap();
        let set = |mode| {
            let mode = Permissions::from_mode(mode);
            std::fs::set_permissions(folder.path().join("selat-keys"), mode).unwrap();
        };
        let read = |name: &str| {
            let folder = Some(folder.path().to_owned());
            PassphraseSource::Credential { name: name.to_owned(), folder }.read()
        };
        set(0o440);
        assert_eq!(read("selat-keys").unwrap().0.expose_secret(), "tide gull anchor");
        set(0o444);
        assert!(matches!(read("selat-keys"), Err(PassphraseError::Exposed { mode: 0o444, .. })));
        for name in ["", "../selat-keys", ".hidden", "a/b"] {
            assert!(matches!(read(name), Err(PassphraseError::NoCredential { .. })), "{name}");
        }
    }

    #[test]
    fn what_is_typed_is_not_shown() {
        let prompt = PassphraseSource::Prompt { question: "passphrase".to_owned() };
        let shown = tempfile::NamedTempFile::new().unwrap();
        let terminal = ConfigBuilder::new()
            .input_data("tide gull anchor\n")
            .output_file_path(shown.path().to_str().unwrap())
            .build();
        let typed = prompt.ask("passphrase", terminal).unwrap();
        assert_eq!(typed.expose_secret(), "tide gull anchor");
        let shown = std::fs::read_to_string(shown.path()).unwrap();
        assert!(shown.contains("passphrase: ") && !shown.contains("gull"), "{shown:?}");
    }

    #[test]
    fn a_lock_reads_its_passphrase_once() {
        let file = file(b"tide gull anchor", 0o600);
        let lock = Lock::new(PassphraseSource::File(file.path().to_owned()));
        assert!(lock.passphrase().is_ok());
        file.close().unwrap();
        assert!(lock.passphrase().is_ok());
        assert!(!format!("{lock:?}").contains("gull"));
    }
}
