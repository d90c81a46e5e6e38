//! The keys of a node: its working keys wherever they live, the authority for its officers, and the key of its store.
//!
//! ```text
//! keys/record-1f3a90c2.key    signs records            keys/tls-ca-5be01f77.key    issues the node's TLS leaves
//! keys/query-77a0c3de.key     signs queries, answers   keys/officer-ca.key         issues officers' certificates
//! keys/log-0c44e1b9.key       signs checkpoints        keys/officer-ca.pem         the certificate of that authority
//! keys/storage.key            wraps the keys of stored content
//! ```
//!
//! Promises: a key is used only when it is whole, of this participant, and could be read by its owner alone; all faults
//! come at once. Root keys are not among them: the node never needs them. Leaves out: the files and the token themselves,
//! which are `keyring`'s, and which key signs when, which the descriptor says.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use selat_complaint::{Complaint, Explanation};
use selat_keyring::{
    Custody, Expected, KeyFault, KeyFaults, Keyring, NamedSecret, PassphraseSource, Protection as Lock, TokenConfig,
};
use selat_link::{Authority, OfficerAuthority};
use selat_record::pb::{self, KeyPurpose};
use selat_record::{FederationId, ParticipantId, Timestamp};
use selat_seal::descriptor::{describe_authority, describe_key};
use selat_seal::{Entropy, HeldKey, KeyFailure, KeyId, KeyRing, SecretKey, Signer};
use zeroize::Zeroizing;

use crate::calls::words;
use crate::config::{Config, KeysConfig, NodeConfig, Protection};
use crate::explain;

/// The certificate of the officers' authority.
pub const OFFICER_CA_CERTIFICATE: &str = "officer-ca.pem";
/// PEM label of a certificate.
pub const CERTIFICATE_TAG: &str = "CERTIFICATE";
/// Life of a certificate authority. It is replaced by a new descriptor, not by running out.
pub const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// Largest certificate file that is read, in bytes.
const CERTIFICATE_FILE_MAX: u64 = 16 * 1024;
/// Most faults that one complaint lists.
const FAULTS_SHOWN_MAX: usize = 20;

/// Where the keys of a node with this configuration live.
pub fn custody(config: &Config) -> Custody {
    custody_in(config.node.keys_dir.clone(), &config.keys, &config.node.participant)
}

/// The same with the key files in `folder`.
pub fn custody_in(folder: PathBuf, keys: &KeysConfig, participant: &ParticipantId) -> Custody {
    let protection = match &keys.protection {
        Protection::Plain => Lock::Plain,
        Protection::Passphrase { file: Some(file) } => Lock::Passphrase(PassphraseSource::File(file.clone())),
        Protection::Passphrase { file: None } => Lock::Passphrase(PassphraseSource::Prompt {
            question: format!("passphrase of the key files of {participant}"),
        }),
        Protection::Credential { name } => {
            Lock::Passphrase(PassphraseSource::Credential { name: name.clone(), folder: None })
        }
    };
    let token = keys.token.as_ref().map(|token| TokenConfig {
        module: token.module.clone(),
        label: token.label.clone(),
        pin: PassphraseSource::File(token.pin_file.clone()),
    });
    Custody { folder, protection, token }
}

/// The keys that a running node holds.
pub struct NodeKeys {
    ring: Keyring,
    federation: FederationId,
    entropy: Arc<dyn Entropy>,
    officer_ca: OfficerAuthority,
    storage: Zeroizing<[u8; 32]>,
}

impl NodeKeys {
    /// Opens the keys of the node with this configuration. Waits for disk, token, and a passphrase that is typed.
    pub fn open(config: &Config, entropy: Arc<dyn Entropy>) -> Result<Self, KeyFaults> {
        let NodeConfig { participant, federation, .. } = &config.node;
        let expected = Expected { secrets: NamedSecret::ALL.to_vec(), ..Expected::default() };
        let ring = Keyring::open(&custody(config), participant, &expected, entropy.clone())?;
        let missing = |which: NamedSecret| KeyFault::Missing {
            what: format!("file {}", which.file_name()),
            place: ring.folder().to_owned(),
        };
        let secret = |which| ring.secret(which).ok_or_else(|| missing(which));
        let storage = secret(NamedSecret::Storage)?;
        let officer_ca = open_officer_authority(&ring, &*secret(NamedSecret::OfficerCa)?, participant, federation)?;
        Ok(Self { ring, federation: federation.clone(), entropy, officer_ca, storage })
    }

    /// Draws the keys that every node has besides its working keys, into a ring that has none yet. Of the officers'
    /// authority the certificate still has to be written.
    pub(crate) fn create(
        ring: Keyring,
        federation: FederationId,
        now: Timestamp,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, NewKeysError> {
        let storage = ring.make_secret(NamedSecret::Storage)?;
        let officers = officer_signer(&*ring.make_secret(NamedSecret::OfficerCa)?);
        let participant = ring.participant().clone();
        let officer_ca =
            OfficerAuthority::create(participant, federation.clone(), officers, now, AUTHORITY_LIFE, &*entropy)?;
        Ok(Self { ring, federation, entropy, officer_ca, storage })
    }

    /// Issues officers' certificates.
    pub fn officer_ca(&self) -> &OfficerAuthority {
        &self.officer_ca
    }

    /// Wraps the keys of stored content.
    pub fn storage(&self) -> &[u8; 32] {
        &self.storage
    }

    /// The keys without what belongs to certificates and the store.
    pub fn ring(&self) -> &Keyring {
        &self.ring
    }
}

/// Why new keys could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NewKeysError {
    /// A key.
    #[error("a key could not be made")]
    Key(#[from] KeyFailure),
    /// The officers' authority.
    #[error("the officers' authority could not be made")]
    Authority(#[from] selat_link::AuthorityError),
}

impl KeyRing for NodeKeys {
    fn held(&self) -> Vec<HeldKey> {
        self.ring.held()
    }

    fn signer(&self, id: KeyId) -> Option<Arc<Signer>> {
        self.ring.signer(id)
    }

    fn generate(&self, purpose: KeyPurpose) -> Result<KeyId, KeyFailure> {
        self.ring.generate(purpose)
    }

    /// A TLS authority gets a fresh certificate each time.
    fn describe(&self, id: KeyId, valid_from: Timestamp) -> Result<pb::Key, KeyFailure> {
        let signer = self.ring.signer(id).ok_or_else(|| KeyFailure::new(format!("key {id} is not held")))?;
        if signer.purpose() != KeyPurpose::TlsCa {
            return Ok(describe_key(signer.purpose(), signer.public(), valid_from));
        }
        let (participant, federation) = (self.ring.participant().clone(), self.federation.clone());
        let authority =
            Authority::create(participant, federation, signer.clone(), valid_from, AUTHORITY_LIFE, &*self.entropy);
        let authority = authority.map_err(|error| KeyFailure::new(words(&error)))?;
        Ok(describe_authority(signer.public(), valid_from, authority.certificate().to_vec()))
    }

    fn destroy(&self, id: KeyId) -> Result<(), KeyFailure> {
        self.ring.destroy(id)
    }

    fn custody(&self) -> String {
        self.ring.custody()
    }
}

/// All that is wrong with a node's keys, as one complaint.
pub fn complaint_of(faults: &KeyFaults) -> Complaint {
    let all: Vec<_> = faults.iter().collect();
    let [first, rest @ ..] = all.as_slice() else { return Complaint::about(&explain::KEY_UNREADABLE) };
    let about = Complaint::about(entry_of(first));
    if rest.is_empty() {
        return about.problem(first.to_string()).cause(first.cause()).mend(first.mend());
    }
    let told = all.iter().take(FAULTS_SHOWN_MAX);
    let told = told.fold(about.problem(format!("{} keys cannot be used", all.len())), |told, fault| {
        told.cause(format!("{fault}: {}; {}", fault.cause(), fault.mend()))
    });
    told.mend("do for each what its cause says")
}

fn entry_of(fault: &KeyFault) -> &'static Explanation {
    match fault {
        KeyFault::Unreadable { .. } | KeyFault::Missing { .. } => &explain::KEY_UNREADABLE,
        KeyFault::Exposed { .. } => &explain::KEY_EXPOSED,
        KeyFault::NotAKey { .. } => &explain::KEY_NOT_A_KEY,
        KeyFault::Misplaced { .. } => &explain::KEY_MISPLACED,
        KeyFault::Protection { .. } | KeyFault::Locked { .. } | KeyFault::Passphrase(_) => &explain::KEY_LOCKED,
        KeyFault::Token { .. } => &explain::TOKEN_UNUSABLE,
    }
}

/// The officers' authority has no purpose in a descriptor, so its key signs no payload.
fn officer_signer(seed: &[u8; 32]) -> Arc<Signer> {
    Arc::new(Signer::new(KeyPurpose::Unspecified, SecretKey::from_seed(*seed)))
}

fn open_officer_authority(
    ring: &Keyring,
    seed: &[u8; 32],
    participant: &ParticipantId,
    federation: &FederationId,
) -> Result<OfficerAuthority, KeyFault> {
    let path = ring.folder().join(OFFICER_CA_CERTIFICATE);
    let not_a_key = |cause: String| KeyFault::NotAKey { path: path.clone(), cause };
    let text = read_text(&path).map_err(|source| KeyFault::Unreadable { path: path.clone(), source })?;
    let pem = pem::parse(text.as_bytes()).map_err(|error| not_a_key(error.to_string()))?;
    if pem.tag() != CERTIFICATE_TAG {
        return Err(not_a_key(format!("it is of kind {:?}, not {CERTIFICATE_TAG}", pem.tag())));
    }
    let certificate = CertificateDer::from(pem.into_contents());
    OfficerAuthority::open(participant.clone(), federation.clone(), officer_signer(seed), certificate)
        .map_err(|error| not_a_key(words(&error)))
}

fn read_text(path: &Path) -> std::io::Result<String> {
    // Looked at before it is opened: opening a pipe would wait for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(CERTIFICATE_FILE_MAX).read_to_string(&mut text)?;
    Ok(text)
}
