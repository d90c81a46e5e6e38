//! What the tests of every home of keys need.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use secrecy::SecretString;
use selat_keyring::{Custody, Expected, KeyFaults, Keyring, Passphrase};
use selat_record::ParticipantId;
use selat_record::pb::KeyPurpose;
use selat_seal::{Entropy, HeldKey};

/// The purposes that a node makes keys for.
pub const PURPOSES: [KeyPurpose; 4] = [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa];

/// A place for keys that holds none yet.
pub struct Home {
    /// Opens it.
    pub custody: Custody,
    /// Does not: another passphrase or PIN. `None` where there is nothing to get wrong.
    pub wrong: Option<Custody>,
    /// Damages one key of it.
    pub damage: Box<dyn Fn(HeldKey)>,
    /// What is not to be seen anywhere: passphrase, PIN.
    pub secrets: Vec<String>,
    /// How it is told to people.
    pub words: &'static str,
    /// Signing leaves the process.
    pub blocks: bool,
}

impl Home {
    /// Opens it, expecting nothing.
    pub fn open(&self) -> Keyring {
        self.try_open(&Expected::default()).unwrap()
    }

    /// Opens it, if all is well.
    pub fn try_open(&self, expected: &Expected) -> Result<Keyring, KeyFaults> {
        open(&self.custody, expected)
    }
}

/// Opens keys of Australia.
pub fn open(custody: &Custody, expected: &Expected) -> Result<Keyring, KeyFaults> {
    Keyring::open(custody, &australia(), expected, entropy())
}

pub fn australia() -> ParticipantId {
    "AUS".parse().unwrap()
}

pub fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(SecretString::from(text)).unwrap()
}

/// Bytes that no two callers of this process get twice.
pub fn entropy() -> Arc<dyn Entropy> {
    Arc::new(Counted)
}

struct Counted;

static DRAWN: AtomicU64 = AtomicU64::new(0);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let drawn = DRAWN.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&selat_seal::sha256(&[b"drawn", &drawn.to_be_bytes()])[..chunk.len()]);
        }
    }
}
