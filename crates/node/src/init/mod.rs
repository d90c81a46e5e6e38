//! Sets up a new node: keys, first descriptor, configuration.
//!
//! ```text
//! DIR/selat.toml                     the configuration
//! DIR/descriptor.selat               version 1, signed by all root keys; what peers are given
//! DIR/keys/                          what the running node needs, see `keys`
//! DIR/root/root-1.key, root-2.key... what only a change of keys needs; to be moved to separate places
//! DIR/data/                          the store, empty
//! ```
//!
//! Promises: the folder appears whole or not at all, by one rename, and survives power loss once `init` has returned;
//! nothing that exists is overwritten; what is written is what `serve` will accept, because it is checked the same way
//! first. Keys that were made in a token are destroyed again when no node comes about. Leaves out: any talk with other
//! nodes.

mod args;
mod config_text;
mod descriptor;
mod scaffold;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use selat_complaint::Complaint;
use selat_keyring::{Custody, Expected, KeyFaults, Keyring, Passphrase, PassphraseSource, Protection as Lock, keyfile};
use selat_record::pb::KeyPurpose;
use selat_record::{ContentId, FederationId, ParticipantId, Timestamp};
use selat_seal::{Entropy, HeldKey, KeyFailure, KeyFile, KeyRing as _, SealError, SecretKey};

pub use args::{InitArgs, run_init};

use crate::calls::words;
use crate::config::{CallerRule, Config, ConfigFaults, ContactConfig, KeysConfig};
use crate::explain;
use crate::keys::{self, CERTIFICATE_TAG, NewKeysError, NodeKeys, OFFICER_CA_CERTIFICATE};
use descriptor::WORKING;
use scaffold::Scaffold;

const CONFIG: &str = "selat.toml";
const DESCRIPTOR: &str = "descriptor.selat";

/// What a new node shall be.
#[derive(Debug, Clone)]
pub struct InitRequest {
    /// The folder to make. Its parent must be there; it must not, or be empty.
    pub dir: PathBuf,
    /// Whose node it is.
    pub participant: ParticipantId,
    /// In which federation.
    pub federation: FederationId,
    /// Name of the unit, for people.
    pub unit: String,
    /// The node's label within the participant.
    pub node: String,
    /// Where it listens for peers.
    pub listen: SocketAddr,
    /// Host name or address under which peers reach it.
    pub advertise_host: String,
    /// Port under which peers reach it; `None`: that of `listen`.
    pub advertise_port: Option<u16>,
    /// The unit's point of contact.
    pub contact: ContactConfig,
    /// The desk's Unix socket; `None`: `desk.sock` in the folder.
    pub desk_socket: Option<PathBuf>,
    /// Group that may open the socket.
    pub desk_group: Option<String>,
    /// Address of the TCP desk, if there shall be one.
    pub desk_listen: Option<SocketAddr>,
    /// Who may call the desk first of all.
    pub caller: CallerRule,
    /// How many root keys are made.
    pub root_keys: u8,
    /// How many of them must sign a descriptor.
    pub root_threshold: u8,
    /// Whether peers may name the participant to others.
    pub may_be_named: bool,
    /// How the node's keys are kept, as the configuration will say.
    pub keys: KeysConfig,
    /// Where to read the passphrase that the node's key files get, if not where the configuration will say.
    pub passphrase: Option<PassphraseSource>,
    /// Where to read the passphrase that the root keys get; `None`: they get none.
    pub root_passphrase: Option<PassphraseSource>,
}

/// What has been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitReport {
    /// The node's folder, absolute.
    pub dir: PathBuf,
    /// Its configuration.
    pub config: PathBuf,
    /// Its first descriptor, to be given to peers.
    pub descriptor: PathBuf,
    /// What the descriptor's content is called; half of each safety phrase.
    pub descriptor_id: ContentId,
    /// The root keys, which must not stay together.
    pub root_keys: Vec<PathBuf>,
    /// How many of them speak for the participant.
    pub root_threshold: u8,
    /// Where the node's keys live, for people.
    pub custody: String,
    /// Whether the root keys are under a passphrase.
    pub roots_protected: bool,
}

/// Why no node was made. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The folder holds something, or is no folder.
    #[error("{} is there already and is not an empty folder", dir.display())]
    Occupied {
        /// The folder.
        dir: PathBuf,
    },
    /// A file or folder could not be written.
    #[error("{} could not be written", path.display())]
    Write {
        /// What could not be written.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The configuration that was asked for has faults.
    #[error("the configuration that was asked for has faults")]
    Config(#[source] ConfigFaults),
    /// There is no passphrase, or the token cannot be used.
    #[error("the keys cannot be kept as asked for")]
    Custody(#[from] KeyFaults),
    /// A key or certificate authority could not be made.
    #[error(transparent)]
    Keys(#[from] NewKeysError),
    /// The descriptor would be refused by every peer.
    #[error("the first descriptor could not be made")]
    Descriptor(#[from] SealError),
}

impl From<KeyFailure> for InitError {
    fn from(failure: KeyFailure) -> Self {
        Self::Keys(failure.into())
    }
}

impl From<InitError> for Complaint {
    fn from(error: InitError) -> Self {
        let problem = error.to_string();
        let about = |entry| Self::about(entry).problem(problem);
        match error {
            InitError::Occupied { .. } => about(&explain::INIT_OCCUPIED).cause("init never overwrites what exists"),
            InitError::Write { source, .. } => about(&explain::INIT_UNWRITABLE).cause(source),
            InitError::Config(faults) => faults.into(),
            InitError::Custody(faults) => keys::complaint_of(&faults),
            InitError::Keys(NewKeysError::Authority(error)) => about(&explain::INIT_AUTHORITY).cause(words(&error)),
            InitError::Keys(NewKeysError::Key(error)) => about(&explain::INIT_KEY).cause(error),
            InitError::Descriptor(error) => about(&explain::INIT_DESCRIPTOR).cause(error),
        }
    }
}

/// Makes the node's folder. Waits for passphrases that are typed, and for the token.
pub fn init(request: &InitRequest, now: Timestamp, entropy: &Arc<dyn Entropy>) -> Result<InitReport, InitError> {
    let dir = std::path::absolute(&request.dir).map_err(|source| write_error(&request.dir, source))?;
    refuse_occupied(&dir)?;
    let text = config_text::write(request);
    let config = Config::parse(&text, &dir.join(CONFIG), &dir).map_err(InitError::Config)?;
    let (custody, root_lock) = locks(request, &config)?;

    let mut scaffold = Scaffold::beside(&dir, &**entropy)?;
    scaffold.folder("keys")?;
    scaffold.file(CONFIG, text.as_bytes())?;
    let custody = Custody { folder: scaffold.path("keys"), ..custody };
    let ring = Keyring::open(&custody, &request.participant, &Expected::default(), entropy.clone())?;
    // A token may hold keys of another node of this participant.
    let before = ring.held();
    let keys = NodeKeys::create(ring, request.federation.clone(), now, entropy.clone())?;
    let plan = Plan { request, config: &config, dir: &dir, now, entropy: &**entropy };
    let built = plan.build(&keys, root_lock.as_ref(), &mut scaffold);
    built.inspect_err(|_| {
        if !scaffold.is_in_place() {
            give_back(&keys, &before);
        }
    })
}

/// What the new node is made from.
struct Plan<'a> {
    request: &'a InitRequest,
    config: &'a Config,
    dir: &'a Path,
    now: Timestamp,
    entropy: &'a dyn Entropy,
}

impl Plan<'_> {
    fn build(
        &self,
        keys: &NodeKeys,
        root_lock: Option<&Passphrase>,
        scaffold: &mut Scaffold,
    ) -> Result<InitReport, InitError> {
        let working: Result<Vec<_>, _> = WORKING.iter().map(|purpose| keys.generate(*purpose)).collect();
        let roots: Vec<_> = (0..self.request.root_keys).map(|_| SecretKey::generate(self.entropy)).collect();
        let descriptor = self.first_descriptor(keys, &working?, &roots)?;
        let certificate = pem::encode(&pem::Pem::new(CERTIFICATE_TAG, keys.officer_ca().certificate().to_vec()));
        scaffold.file(Path::new("keys").join(OFFICER_CA_CERTIFICATE), certificate.as_bytes())?;
        let root_names = self.write_roots(scaffold, &roots, root_lock)?;
        scaffold.folder("data")?;
        scaffold.file(DESCRIPTOR, descriptor.text.as_bytes())?;
        scaffold.put_in_place(self.dir)?;
        Ok(InitReport {
            dir: self.dir.to_owned(),
            config: self.dir.join(CONFIG),
            descriptor: self.dir.join(DESCRIPTOR),
            descriptor_id: descriptor.content_id,
            root_keys: root_names.iter().map(|name| self.dir.join(name)).collect(),
            root_threshold: self.request.root_threshold,
            custody: keys.custody(),
            roots_protected: root_lock.is_some(),
        })
    }

    fn write_roots(
        &self,
        scaffold: &Scaffold,
        roots: &[SecretKey],
        passphrase: Option<&Passphrase>,
    ) -> Result<Vec<PathBuf>, InitError> {
        scaffold.folder("root")?;
        let mut names = Vec::new();
        for (n, secret) in roots.iter().enumerate() {
            let name = Path::new("root").join(format!("root-{}.key", n + 1));
            let participant = self.request.participant.clone();
            let file = KeyFile { participant, purpose: KeyPurpose::Root, secret: secret.clone() };
            keyfile::write(&scaffold.path(&name), &file, passphrase)?;
            names.push(name);
        }
        Ok(names)
    }
}

/// Where the keys go and under which passphrases. Every passphrase is asked for before anything is made.
fn locks(request: &InitRequest, config: &Config) -> Result<(Custody, Option<Passphrase>), KeyFaults> {
    let mut custody = keys::custody(config);
    if let Lock::Passphrase(source) = &custody.protection {
        let source = request.passphrase.as_ref().unwrap_or(source);
        custody.protection = Lock::under(&source.choose().map_err(selat_keyring::KeyFault::from)?);
    }
    let root = request.root_passphrase.as_ref().map(PassphraseSource::choose).transpose();
    Ok((custody, root.map_err(selat_keyring::KeyFault::from)?))
}

/// Destroys what was made outside the folder, which takes its own files with it. What was there before stays.
fn give_back(keys: &NodeKeys, before: &[HeldKey]) {
    for key in keys.held().into_iter().filter(|key| !before.contains(key)) {
        // The error that led here is the one to tell.
        let _ = keys.destroy(key.id);
    }
}

/// Early and for a clear message only: the rename at the end is what never overwrites.
fn refuse_occupied(dir: &Path) -> Result<(), InitError> {
    let occupied = || Err(InitError::Occupied { dir: dir.to_owned() });
    match std::fs::read_dir(dir) {
        Ok(mut entries) => entries.next().map_or(Ok(()), |_| occupied()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => occupied(),
        Err(source) => Err(write_error(dir, source)),
    }
}

fn write_error(path: &Path, source: io::Error) -> InitError {
    InitError::Write { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
