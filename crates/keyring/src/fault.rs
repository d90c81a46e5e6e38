//! What is wrong with keys, each fault with its cause and its mend; all faults of a folder come together.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::PassphraseError;

/// What is wrong with one key file, with what opens it, or with the token.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// Not there, not for this user, not a file, or too large to be a key.
    #[error("key file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else may read or write it.
    #[error("key file {} is open to others than its owner", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It does not hold the text of a key.
    #[error("{} does not hold a key that can be used", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// A good key in the wrong place.
    #[error("{} holds another key than belongs there", path.display())]
    Misplaced {
        /// The file.
        path: PathBuf,
        /// What it holds.
        cause: String,
    },
    /// A key that should be there is not.
    #[error("the {what} is not in {}", place.display())]
    Missing {
        /// Which key.
        what: String,
        /// The folder, or the file, where it belongs.
        place: PathBuf,
    },
    /// The file is under a passphrase and none was given, or the other way round.
    #[error("{} is not protected as it should be", path.display())]
    Protection {
        /// The file.
        path: PathBuf,
        /// How it is, and how it should be.
        cause: String,
    },
    /// The passphrase is another one.
    #[error("{from} does not open {}", listed(paths))]
    Locked {
        /// The files.
        paths: Vec<PathBuf>,
        /// Where the passphrase came from.
        from: String,
    },
    /// There is no passphrase to open the files with.
    #[error("there is no passphrase for the key files")]
    Passphrase(#[source] PassphraseError),
    /// The token is not to be reached, does not let us in, or holds keys that cannot be used.
    #[error("token {label:?} cannot be used")]
    Token {
        /// Its label.
        label: String,
        /// Why.
        cause: String,
        /// What helps.
        mend: String,
    },
}

const RESTORE: &str = "restore it from the backup with selat key restore";

impl KeyFault {
    /// The file that it is about, if it is about one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Unreadable { path, .. }
            | Self::Exposed { path, .. }
            | Self::NotAKey { path, .. }
            | Self::Misplaced { path, .. }
            | Self::Protection { path, .. }
            | Self::Missing { place: path, .. } => Some(path),
            Self::Locked { paths, .. } => paths.first().map(PathBuf::as_path),
            Self::Passphrase(_) | Self::Token { .. } => None,
        }
    }

    /// Why it is wrong, on one line.
    pub fn cause(&self) -> String {
        match self {
            Self::Unreadable { source, .. } => source.to_string(),
            Self::Exposed { mode, .. } => format!("its mode is {mode:04o}, and a key file must be 0600 or less"),
            Self::NotAKey { cause, .. }
            | Self::Misplaced { cause, .. }
            | Self::Protection { cause, .. }
            | Self::Token { cause, .. } => cause.clone(),
            Self::Missing { .. } => "it was not made here, or was lost".to_owned(),
            Self::Locked { .. } => "they are under another passphrase, or have been changed".to_owned(),
            Self::Passphrase(error) => with_sources(error),
        }
    }

    /// What the operator can do.
    pub fn mend(&self) -> String {
        match self {
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "let the node's user read it, or start the node as the user that owns it".to_owned()
            }
            Self::Unreadable { .. } | Self::NotAKey { .. } | Self::Missing { .. } => RESTORE.to_owned(),
            Self::Exposed { path, .. } => {
                format!("chmod 600 {}; replace the key if somebody may have read it", path.display())
            }
            Self::Misplaced { .. } => format!("put it where it belongs; if the right key is lost, {RESTORE}"),
            Self::Protection { .. } => {
                "set protection in [keys] to how the files are, or restore the backup into a fresh folder with \
                 selat key restore, which protects all files as [keys] says"
                    .to_owned()
            }
            Self::Locked { .. } => format!("give the passphrase that they were made with; if it is lost, {RESTORE}"),
            Self::Passphrase(PassphraseError::Exposed { .. }) => {
                "chmod 600 the file; change the passphrase if somebody may have read it".to_owned()
            }
            Self::Passphrase(_) => "see to it that the passphrase can be read where [keys] says".to_owned(),
            Self::Token { mend, .. } => mend.clone(),
        }
    }
}

impl From<PassphraseError> for KeyFault {
    fn from(error: PassphraseError) -> Self {
        Self::Passphrase(error)
    }
}

/// All faults of a folder of keys and of its token. Never empty.
#[derive(Debug)]
pub struct KeyFaults(Vec<KeyFault>);

impl KeyFaults {
    /// `value` if there are no faults, else all of them.
    pub(crate) fn unless<T>(faults: Vec<KeyFault>, value: T) -> Result<T, Self> {
        if faults.is_empty() { Ok(value) } else { Err(Self(faults)) }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &KeyFault> {
        self.0.iter()
    }
}

impl From<KeyFault> for KeyFaults {
    fn from(fault: KeyFault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for KeyFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}: {}", fault.cause())?;
        }
        Ok(())
    }
}

impl std::error::Error for KeyFaults {}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// An error with what is behind it, on one line.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(behind) = source {
        text = format!("{text}: {behind}");
        source = behind.source();
    }
    text
}
