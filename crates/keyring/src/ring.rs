//! All keys of a node, wherever each of them lives.
//!
//! Promises: what is wrong is told all at once; a key that was made survives power loss before its id is known to
//! anybody; a key that was destroyed is not read again. The same signer is handed out every time. Signers that were
//! handed out before a key was destroyed keep working until they are dropped.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use selat_record::ParticipantId;
use selat_record::pb::KeyPurpose;
use selat_seal::keyfile::purpose_word;
use selat_seal::{Entropy, HeldKey, KeyFailure, KeyFile, KeyId, SecretKey, Signer, armor};
use zeroize::Zeroizing;

use crate::backup::Content;
use crate::folder::{self, Contents, FileKey};
use crate::token::{Token, TokenKey};
use crate::{Custody, Expected, KeyFault, KeyFaults, NamedSecret, Passphrase, disk, keyfile};

/// The keys of a node, open for use.
pub struct Keyring {
    participant: ParticipantId,
    custody: Custody,
    passphrase: Option<Passphrase>,
    token: Option<Arc<Token>>,
    entropy: Arc<dyn Entropy>,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    keys: BTreeMap<KeyId, Entry>,
    secrets: BTreeMap<NamedSecret, Zeroizing<[u8; 32]>>,
}

struct Entry {
    signer: Arc<Signer>,
    home: Home,
}

/// Where one key lives.
#[derive(Clone)]
enum Home {
    File { name: String, secret: Box<SecretKey> },
    Token { object: Vec<u8> },
}

impl Keyring {
    /// Opens the keys of `participant`, and says of each that is damaged, misplaced, open to others or not there what
    /// is wrong with it. An empty folder is a ring without keys, unless some are expected.
    pub fn open(
        custody: &Custody,
        participant: &ParticipantId,
        expected: &Expected,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, KeyFaults> {
        let mut faults = Vec::new();
        let (contents, passphrase) = folder::read(&custody.folder, participant, &custody.protection, &mut faults);
        let mut state = State::of(contents);
        let token = custody.token.as_ref().and_then(|config| {
            let opened = Token::open(config, participant).and_then(|token| Ok((token.keys(&*entropy)?, token)));
            let (keys, token) = opened.map_err(|fault| faults.push(fault)).ok()?;
            state.keys.extend(keys.into_iter().map(Entry::in_token).map(|entry| (entry.signer.id(), entry)));
            Some(token)
        });
        faults.extend(state.missing(expected, &custody.folder, &faults));
        let custody = custody.clone();
        let participant = participant.clone();
        KeyFaults::unless(faults, Self { participant, custody, passphrase, token, entropy, state: RwLock::new(state) })
    }
}

impl Keyring {
    /// Whose keys they are.
    pub fn participant(&self) -> &ParticipantId {
        &self.participant
    }

    /// Where the keys live, for people: "files", "files, passphrase", "files, credential", "token LABEL".
    pub fn custody(&self) -> String {
        self.custody.words()
    }

    /// The folder of the key files.
    pub fn folder(&self) -> &Path {
        &self.custody.folder
    }

    /// All working keys that are held.
    pub fn held(&self) -> Vec<HeldKey> {
        self.read().keys.values().map(Entry::key).collect()
    }

    /// The key with this id, ready to sign for its purpose. The same handle every time.
    pub fn signer(&self, id: KeyId) -> Option<Arc<Signer>> {
        self.read().keys.get(&id).map(|entry| entry.signer.clone())
    }

    /// Makes a key of this purpose: in the token if there is one, else in a file. When this returns `Ok`, the key
    /// survives power loss.
    pub fn generate(&self, purpose: KeyPurpose) -> Result<KeyId, KeyFailure> {
        if matches!(purpose, KeyPurpose::Unspecified | KeyPurpose::Root) {
            return Err(KeyFailure::new(format!("a node makes no {} keys", purpose_word(purpose))));
        }
        let entry = match &self.token {
            Some(token) => Entry::in_token(token.generate(purpose, &*self.entropy)?),
            None => self.keep(purpose, SecretKey::generate(&*self.entropy))?,
        };
        let id = entry.signer.id();
        self.write().keys.insert(id, entry);
        Ok(id)
    }

    /// Destroys a key where it lives. A key that is not held is destroyed already.
    pub fn destroy(&self, id: KeyId) -> Result<(), KeyFailure> {
        let Some(home) = self.read().keys.get(&id).map(|entry| entry.home.clone()) else { return Ok(()) };
        match (home, &self.token) {
            (Home::File { name, .. }, _) => {
                let path = self.custody.folder.join(name);
                disk::destroy(&path).map_err(|error| {
                    KeyFailure::new(format!("key file {} cannot be destroyed: {error}", path.display()))
                })?;
            }
            (Home::Token { object }, Some(token)) => token.destroy(&object)?,
            (Home::Token { .. }, None) => return Err(KeyFailure::new("the token of this key is not open")),
        }
        self.write().keys.remove(&id);
        Ok(())
    }

    /// A secret that is in no descriptor, if it is there.
    pub fn secret(&self, which: NamedSecret) -> Option<Zeroizing<[u8; 32]>> {
        self.read().secrets.get(&which).cloned()
    }

    /// Draws a secret that is in no descriptor and writes its file. When this returns `Ok` it survives power loss.
    /// Never replaces one that is there.
    pub fn make_secret(&self, which: NamedSecret) -> Result<Zeroizing<[u8; 32]>, KeyFailure> {
        let mut seed = Zeroizing::new([0; 32]);
        self.entropy.fill(seed.as_mut_slice());
        keyfile::write_text(&self.path(which.file_name()), &secret_text(which, &seed), self.passphrase.as_ref())?;
        self.write().secrets.insert(which, seed.clone());
        Ok(seed)
    }

    /// Every secret file of the ring: its name, what it is and its text. What is in a token has none.
    pub(crate) fn texts(&self) -> Vec<(String, Content, Zeroizing<String>)> {
        let state = self.read();
        let keys = state.keys.values().filter_map(|entry| match &entry.home {
            Home::File { name, secret } => {
                let text = self.file_of(entry.signer.purpose(), secret).to_text();
                Some((name.clone(), Content::Key(entry.key()), text))
            }
            Home::Token { .. } => None,
        });
        let secrets = state
            .secrets
            .iter()
            .map(|(which, seed)| (which.file_name().to_owned(), Content::Secret(*which), secret_text(*which, seed)));
        keys.chain(secrets).collect()
    }

    /// The keys that live in the token.
    pub fn in_token(&self) -> Vec<HeldKey> {
        let state = self.read();
        let tokens = state.keys.values().filter(|entry| matches!(entry.home, Home::Token { .. }));
        tokens.map(Entry::key).collect()
    }

    fn keep(&self, purpose: KeyPurpose, secret: SecretKey) -> Result<Entry, KeyFailure> {
        let name = keyfile::name_of(HeldKey { id: secret.id(), purpose });
        keyfile::write(&self.path(&name), &self.file_of(purpose, &secret), self.passphrase.as_ref())?;
        Ok(Entry::in_file(FileKey { purpose, name, secret }))
    }

    fn file_of(&self, purpose: KeyPurpose, secret: &SecretKey) -> KeyFile {
        KeyFile { participant: self.participant.clone(), purpose, secret: secret.clone() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.custody.folder.join(name)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("participant", &self.participant)
            .field("custody", &self.custody())
            .field("held", &self.held())
            .finish()
    }
}

impl State {
    fn of(contents: Contents) -> Self {
        let keys = contents.keys.into_iter().map(|(id, key)| (id, Entry::in_file(key))).collect();
        Self { keys, secrets: contents.secrets }
    }

    /// What is expected and not there. Nothing is called missing while something else keeps us from seeing it.
    fn missing(&self, expected: &Expected, folder: &Path, faults: &[KeyFault]) -> Vec<KeyFault> {
        let blind = |fault: &KeyFault| match fault {
            KeyFault::Passphrase(_) | KeyFault::Locked { .. } | KeyFault::Token { .. } => true,
            other => other.path() == Some(folder),
        };
        if faults.iter().any(blind) {
            return Vec::new();
        }
        let told = |names: &[&str]| {
            let about = |fault: &KeyFault| names.iter().any(|name| fault.path() == Some(&folder.join(name)));
            faults.iter().any(about)
        };
        let missing = |what: String| KeyFault::Missing { what, place: folder.to_owned() };
        let keys = expected.keys.iter().filter(|key| !self.keys.contains_key(&key.id)).filter_map(|key| {
            let word = purpose_word(key.purpose);
            let names = [keyfile::name_of(*key), format!("{word}{}", keyfile::EXTENSION)];
            (!told(&names.each_ref().map(String::as_str))).then(|| missing(format!("{word} key {}", key.id)))
        });
        let secrets = expected.secrets.iter().filter(|which| !self.secrets.contains_key(which));
        let secrets = secrets.map(|which| which.file_name()).filter(|name| !told(&[name]));
        keys.chain(secrets.map(|name| missing(format!("file {name}")))).collect()
    }
}

impl Entry {
    fn in_file(key: FileKey) -> Self {
        let signer = Arc::new(Signer::new(key.purpose, key.secret.clone()));
        Self { signer, home: Home::File { name: key.name, secret: Box::new(key.secret) } }
    }

    fn in_token((purpose, key): (KeyPurpose, TokenKey)) -> Self {
        let object = key.object().to_owned();
        Self { signer: Arc::new(Signer::new(purpose, key)), home: Home::Token { object } }
    }

    fn key(&self) -> HeldKey {
        HeldKey { id: self.signer.id(), purpose: self.signer.purpose() }
    }
}

fn secret_text(which: NamedSecret, seed: &[u8; 32]) -> Zeroizing<String> {
    Zeroizing::new(armor::armor(which.kind(), seed))
}
