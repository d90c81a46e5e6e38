//! Sets up a new node: keys, first descriptor, configuration.
//!
//! ```text
//! DIR/selat.toml                     the configuration
//! DIR/descriptor.selat               version 1, signed by all root keys; what peers are given
//! DIR/keys/                          what the running node needs, see `keys_on_disk`
//! DIR/root/root-1.key, root-2.key... what only a change of keys needs; to be moved to separate places
//! DIR/data/                          the store, empty
//! ```
//!
//! Promises: the folder appears whole or not at all, by one rename, and survives power loss once `init` has returned;
//! nothing that exists is overwritten; what is written is what `serve` will accept, because it is checked the same way
//! first. Leaves out: any talk with other nodes.

mod args;
mod config_text;
mod descriptor;
mod scaffold;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use selat_complaint::Complaint;
use selat_link::{Authority, AuthorityError, OfficerAuthority};
use selat_record::pb::KeyPurpose;
use selat_record::{ContentId, FederationId, ParticipantId, Timestamp};
use selat_seal::{Entropy, SealError, SecretKey, Signer};

pub use args::{InitArgs, run_init};

use crate::config::{CallerRule, Config, ConfigFaults, ContactConfig};
use crate::explain;
use crate::keys_on_disk::{
    CERTIFICATE_TAG, FreshKeys, OFFICER_CA_CERTIFICATE, officer_signer, signing_text, with_sources,
};
use scaffold::Scaffold;

/// Life of both certificate authorities. They are replaced by a new descriptor, not by running out.
const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

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
    /// A certificate authority could not be made.
    #[error("a certificate authority could not be made")]
    Authority(#[from] AuthorityError),
    /// The descriptor would be refused by every peer.
    #[error("the first descriptor could not be made")]
    Descriptor(#[from] SealError),
}

impl From<InitError> for Complaint {
    fn from(error: InitError) -> Self {
        let problem = error.to_string();
        let about = |entry| Self::about(entry).problem(problem);
        match error {
            InitError::Occupied { .. } => about(&explain::INIT_OCCUPIED).cause("init never overwrites what exists"),
            InitError::Write { source, .. } => about(&explain::INIT_UNWRITABLE).cause(source),
            InitError::Config(faults) => faults.into(),
            InitError::Authority(error) => about(&explain::INIT_AUTHORITY).cause(with_sources(&error)),
            InitError::Descriptor(error) => about(&explain::INIT_DESCRIPTOR).cause(error),
        }
    }
}

/// Makes the node's folder.
pub fn init(request: &InitRequest, now: Timestamp, entropy: &dyn Entropy) -> Result<InitReport, InitError> {
    let dir = std::path::absolute(&request.dir).map_err(|source| write_error(&request.dir, source))?;
    refuse_occupied(&dir)?;
    let text = config_text::write(request);
    let config = Config::parse(&text, &dir.join(CONFIG), &dir).map_err(InitError::Config)?;

    let keys = FreshKeys::generate(entropy);
    let roots: Vec<_> = (0..request.root_keys).map(|_| SecretKey::generate(entropy)).collect();
    let (nodes, officers) = authorities(request, &keys, now, entropy)?;
    let descriptor = descriptor::first(request, &config, &keys, &roots, &nodes, now, entropy)?;

    let scaffold = Scaffold::beside(&dir, entropy)?;
    scaffold.folder("keys")?;
    for (name, text) in keys.files(&request.participant) {
        scaffold.secret(Path::new("keys").join(name), text.as_bytes())?;
    }
    let certificate = pem::encode(&pem::Pem::new(CERTIFICATE_TAG, officers.certificate().to_vec()));
    scaffold.file(Path::new("keys").join(OFFICER_CA_CERTIFICATE), certificate.as_bytes())?;
    scaffold.folder("root")?;
    let root_names: Vec<_> = (1..=roots.len()).map(|n| Path::new("root").join(format!("root-{n}.key"))).collect();
    for (name, secret) in root_names.iter().zip(&roots) {
        scaffold.secret(name, signing_text(&request.participant, KeyPurpose::Root, secret).as_bytes())?;
    }
    scaffold.folder("data")?;
    scaffold.file(DESCRIPTOR, descriptor.text.as_bytes())?;
    scaffold.file(CONFIG, text.as_bytes())?;
    scaffold.put_in_place(&dir)?;

    Ok(InitReport {
        config: dir.join(CONFIG),
        descriptor: dir.join(DESCRIPTOR),
        descriptor_id: descriptor.content_id,
        root_keys: root_names.iter().map(|name| dir.join(name)).collect(),
        root_threshold: request.root_threshold,
        dir,
    })
}

fn authorities(
    request: &InitRequest,
    keys: &FreshKeys,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(Authority, OfficerAuthority), AuthorityError> {
    let names = || (request.participant.clone(), request.federation.clone());
    let (participant, federation) = names();
    let tls_ca = Arc::new(Signer::new(KeyPurpose::TlsCa, keys.tls_ca.clone()));
    let nodes = Authority::create(participant, federation, tls_ca, now, AUTHORITY_LIFE, entropy)?;
    let (participant, federation) = names();
    let officers = OfficerAuthority::create(
        participant,
        federation,
        officer_signer(keys.officer_ca.seed()),
        now,
        AUTHORITY_LIFE,
        entropy,
    )?;
    Ok((nodes, officers))
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
