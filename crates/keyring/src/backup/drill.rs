//! Trying a backup: restored into a throw-away folder, every key signs, and every signature is verified.

use std::path::Path;
use std::sync::Arc;

use selat_seal::{Entropy, HeldKey, PublicKey, SecretKey};

use super::{Backup, BackupError, Content, Manifest, own_folder};
use crate::{Keyring, NamedSecret, Passphrase, Protection};

/// What every key signs. Nothing that is signed for anybody begins like this.
const MESSAGE: &[u8] = b"selat-keyring-drill-v1\n";

/// How a drill went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillReport {
    /// What the backup says it holds.
    pub manifest: Manifest,
    /// Each working key of the backup, of the token and of the descriptor.
    pub keys: Vec<DrilledKey>,
    /// The secrets that are in no descriptor, and whether each came back.
    pub secrets: Vec<(NamedSecret, bool)>,
    /// The public half of the officers' authority key that came back, to be held against its certificate.
    pub officer_ca: Option<PublicKey>,
}

/// How it went with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrilledKey {
    /// The key.
    pub key: HeldKey,
    /// How it went.
    pub verdict: Verdict,
}

/// How it went with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It came back, signed, and its signature verified. The descriptor names it, if one was given.
    Good,
    /// As good, but the descriptor that was given does not name it: a key that is not published yet, or not any more.
    NotDescribed,
    /// It is in a token and in no backup.
    InToken,
    /// The descriptor names it, and neither the backup nor a token has it.
    Missing,
    /// It came back and did not sign.
    Failed,
}

impl DrillReport {
    /// True when nothing that is needed was missing or failed.
    pub fn passed(&self) -> bool {
        let bad = |drilled: &DrilledKey| matches!(drilled.verdict, Verdict::Missing | Verdict::Failed);
        !self.keys.iter().any(bad) && self.secrets.iter().all(|(_, came_back)| *came_back)
    }
}

impl Backup {
    /// Restores into a throw-away folder below `place`, there under `passphrase`, and signs and verifies with every
    /// key. `described` are the working keys that the node's descriptor names, if it is at hand.
    pub fn drill(
        &self,
        passphrase: &Passphrase,
        place: &Path,
        described: Option<&[HeldKey]>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<DrillReport, BackupError> {
        let folder = own_folder(place, ".drill-")?;
        let ring = self.open_in(folder.path(), Protection::under(passphrase), entropy)?;
        let mut keys: Vec<DrilledKey> = Vec::new();
        for file in &self.manifest.files {
            let Content::Key(key) = file.what else { continue };
            let known = described.is_none_or(|described| described.contains(&key));
            let verdict = match (signs(&ring, key), known) {
                (false, _) => Verdict::Failed,
                (true, true) => Verdict::Good,
                (true, false) => Verdict::NotDescribed,
            };
            keys.push(DrilledKey { key, verdict });
        }
        keys.extend(self.manifest.in_token.iter().map(|key| DrilledKey { key: *key, verdict: Verdict::InToken }));
        for key in described.unwrap_or_default() {
            if !keys.iter().any(|drilled| drilled.key == *key) {
                keys.push(DrilledKey { key: *key, verdict: Verdict::Missing });
            }
        }
        let secrets = NamedSecret::ALL.map(|which| (which, ring.secret(which).is_some())).to_vec();
        let officer_ca = ring.secret(NamedSecret::OfficerCa).map(|seed| SecretKey::from_seed(*seed).public());
        Ok(DrillReport { manifest: self.manifest.clone(), keys, secrets, officer_ca })
    }
}

fn signs(ring: &Keyring, key: HeldKey) -> bool {
    let Some(signer) = ring.signer(key.id) else { return false };
    signer.sign_bytes(MESSAGE).is_ok_and(|signature| signer.public().holds(MESSAGE, &signature))
}
