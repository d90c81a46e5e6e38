//! A secret key wherever it lives: in memory, or in a token that signs for us and never gives it away.

use std::fmt;
use std::sync::Arc;

use selat_record::Timestamp;
use selat_record::pb::{self, KeyPurpose};

use crate::{KeyId, PublicKey, SecretKey, Signer};

/// Signs with one key. Whoever holds one holds the key's power, wherever the key is.
pub trait KeyHandle: Send + Sync + fmt::Debug {
    /// The public half.
    fn public(&self) -> &PublicKey;

    /// Signs bytes whose beginning already says what they are. What comes back has been verified with [`Self::public`]
    /// if it came from outside this process.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure>;

    /// True when signing waits for something outside this process, so that it does not belong on an async thread.
    fn blocks(&self) -> bool {
        false
    }
}

impl KeyHandle for SecretKey {
    fn public(&self) -> &PublicKey {
        self.as_public()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure> {
        Ok(self.sign_bytes(message))
    }
}

/// Why a key did not sign, could not be made or could not be destroyed. Names no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct KeyFailure {
    /// What went wrong, for the operator.
    pub what: String,
}

impl KeyFailure {
    /// A failure in these words.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

/// A working key that the node holds, whether or not its descriptor names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeldKey {
    /// Its id.
    pub id: KeyId,
    /// What it was made for.
    pub purpose: KeyPurpose,
}

/// The working keys of a node: record, query, log, tls-ca. Root keys are never among them.
///
/// Its methods may wait for a disk or a token: call them off the async threads.
pub trait KeyRing: Send + Sync {
    /// All keys that are held.
    fn held(&self) -> Vec<HeldKey>;

    /// The key with this id, ready to sign for its purpose. The same handle every time.
    fn signer(&self, id: KeyId) -> Option<Arc<Signer>>;

    /// Makes a key of this purpose. When this returns, the key survives power loss.
    fn generate(&self, purpose: KeyPurpose) -> Result<KeyId, KeyFailure>;

    /// How a descriptor lists this key: active, from `valid_from` on. For a TLS authority with a certificate.
    fn describe(&self, id: KeyId, valid_from: Timestamp) -> Result<pb::Key, KeyFailure>;

    /// Destroys a key. A key that is not there is destroyed already.
    fn destroy(&self, id: KeyId) -> Result<(), KeyFailure>;

    /// Where the keys live, for people: "files", "files, passphrase", "files, credential", "token LABEL".
    fn custody(&self) -> String;
}
