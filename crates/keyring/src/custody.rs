//! What an operator chose: where the keys are and what protects them. Plain values, nothing is read here.

use std::path::PathBuf;

use selat_seal::HeldKey;

use crate::{Passphrase, PassphraseSource};

/// Where a node's keys live.
#[derive(Debug, Clone)]
pub struct Custody {
    /// The folder of the key files. With a token it still holds the storage key and the key of the officers' authority.
    pub folder: PathBuf,
    /// What protects the files.
    pub protection: Protection,
    /// The token in which working keys are made. Key files that lie in the folder besides are used until they are gone.
    pub token: Option<TokenConfig>,
}

impl Custody {
    /// In plain files in this folder.
    pub fn plain(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), protection: Protection::Plain, token: None }
    }

    /// For people: "files", "files, passphrase", "files, credential", "token LABEL".
    pub fn words(&self) -> String {
        match (&self.token, &self.protection) {
            (Some(token), _) => format!("token {}", token.label),
            (None, Protection::Plain) => "files".to_owned(),
            (None, Protection::Passphrase(PassphraseSource::Credential { .. })) => "files, credential".to_owned(),
            (None, Protection::Passphrase(_)) => "files, passphrase".to_owned(),
        }
    }
}

/// What protects key files besides their mode.
#[derive(Debug, Clone)]
pub enum Protection {
    /// Nothing: the files are text.
    Plain,
    /// A passphrase, which is read once for all files.
    Passphrase(PassphraseSource),
}

impl Protection {
    /// Under a passphrase that is known already.
    pub fn under(passphrase: &Passphrase) -> Self {
        Self::Passphrase(PassphraseSource::Known(passphrase.clone()))
    }
}

/// A PKCS#11 token.
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// The library of the token's maker.
    pub module: PathBuf,
    /// The label that the token was given when it was set up.
    pub label: String,
    /// Where its user PIN is to be read.
    pub pin: PassphraseSource,
}

/// A secret of the node that is in no descriptor. Always in a file, never in a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamedSecret {
    /// Wraps the keys of stored content.
    Storage,
    /// Issues officers' certificates.
    OfficerCa,
}

impl NamedSecret {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Storage, Self::OfficerCa];

    /// The name of its file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Storage => "storage.key",
            Self::OfficerCa => "officer-ca.key",
        }
    }

    /// What the first line of its file says it is.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Storage => "STORAGE KEY",
            Self::OfficerCa => "OFFICER AUTHORITY KEY",
        }
    }
}

/// What must be there when keys are opened. The default expects nothing, as for a node that is just being made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Working keys.
    pub keys: Vec<HeldKey>,
    /// Secrets that are in no descriptor.
    pub secrets: Vec<NamedSecret>,
}
