//! The key files of a node: which there are, what they hold, and reading them at start.
//!
//! ```text
//! keys/record.key      signs records            keys/tls-ca.key       issues the node's TLS leaves
//! keys/query.key       signs queries, answers   keys/officer-ca.key   issues officers' certificates
//! keys/log.key         signs checkpoints        keys/officer-ca.pem   the certificate of that authority
//! keys/storage.key     wraps the keys of stored content
//! ```
//!
//! Promises: a key is used only when its file could be read by its owner alone, is whole, and holds a key of this
//! participant for this purpose. All faults come at once. Root keys are not among them: the node never needs them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use selat_complaint::Complaint;
use selat_link::OfficerAuthority;
use selat_record::pb::{self, KeyPurpose};
use selat_record::{FederationId, ParticipantId, Timestamp};
use selat_seal::descriptor::describe_key;
use selat_seal::{Entropy, HeldKey, KeyFailure, KeyFile, KeyId, KeyRing, SecretKey, Signer, armor, keyfile};
use zeroize::Zeroizing;

use crate::explain;

/// Largest key file that is read, in bytes.
const FILE_BYTES_MAX: usize = 16 * 1024;

const RECORD: &str = "record.key";
const QUERY: &str = "query.key";
const LOG: &str = "log.key";
const TLS_CA: &str = "tls-ca.key";
const STORAGE: &str = "storage.key";
const OFFICER_CA: &str = "officer-ca.key";
/// The certificate of the officers' authority.
pub(crate) const OFFICER_CA_CERTIFICATE: &str = "officer-ca.pem";

/// Labels of the two keys that are not in the participant's descriptor and so have no purpose of its list.
const STORAGE_KIND: &str = "STORAGE KEY";
const OFFICER_CA_KIND: &str = "OFFICER AUTHORITY KEY";
/// PEM label of a certificate.
pub(crate) const CERTIFICATE_TAG: &str = "CERTIFICATE";

/// The keys that a running node holds.
pub struct NodeKeys {
    /// Signs records.
    pub record: Signer,
    /// Signs queries and answers.
    pub query: Signer,
    /// Signs checkpoints.
    pub log: Signer,
    /// Key of the participant's TLS authority; its certificate is in the descriptor.
    pub tls_ca: SecretKey,
    /// Issues officers' certificates.
    pub officer_ca: OfficerAuthority,
    /// Wraps the keys of stored content.
    pub storage: Zeroizing<[u8; 32]>,
}

impl NodeKeys {
    /// Reads the folder `keys` of a node of `participant`.
    pub fn load(keys: &Path, participant: &ParticipantId, federation: &FederationId) -> Result<Self, KeyFaults> {
        let mut faults = Vec::new();
        let mut signing = |name, purpose| note(&mut faults, read_signing(&keys.join(name), participant, purpose));
        let record = signing(RECORD, KeyPurpose::Record);
        let query = signing(QUERY, KeyPurpose::Query);
        let log = signing(LOG, KeyPurpose::Log);
        let tls_ca = signing(TLS_CA, KeyPurpose::TlsCa);
        let storage = note(&mut faults, read_seed(&keys.join(STORAGE), STORAGE_KIND));
        let officer_ca = note(&mut faults, read_officer_authority(keys, participant, federation));
        match (record, query, log, tls_ca, storage, officer_ca) {
            (Some(record), Some(query), Some(log), Some(tls_ca), Some(storage), Some(officer_ca)) => Ok(Self {
                record: record.into_signer(),
                query: query.into_signer(),
                log: log.into_signer(),
                tls_ca: tls_ca.secret,
                officer_ca,
                storage,
            }),
            _ => Err(KeyFaults(faults)),
        }
    }
}

/// The working keys of a node that makes none by itself.
pub(crate) struct WorkingKeys(BTreeMap<KeyId, Arc<Signer>>);

impl WorkingKeys {
    pub(crate) fn of(signers: impl IntoIterator<Item = Signer>) -> Self {
        Self(signers.into_iter().map(|signer| (signer.id(), Arc::new(signer))).collect())
    }
}

impl KeyRing for WorkingKeys {
    fn held(&self) -> Vec<HeldKey> {
        self.0.values().map(|signer| HeldKey { id: signer.id(), purpose: signer.purpose() }).collect()
    }

    fn signer(&self, id: KeyId) -> Option<Arc<Signer>> {
        self.0.get(&id).cloned()
    }

    fn generate(&self, _purpose: KeyPurpose) -> Result<KeyId, KeyFailure> {
        Err(KeyFailure::new("this node makes no keys"))
    }

    fn describe(&self, id: KeyId, valid_from: Timestamp) -> Result<pb::Key, KeyFailure> {
        let signer = self.signer(id).ok_or_else(|| KeyFailure::new("no such key is held"))?;
        Ok(describe_key(signer.purpose(), signer.public(), valid_from))
    }

    fn destroy(&self, _id: KeyId) -> Result<(), KeyFailure> {
        Err(KeyFailure::new("this node destroys no keys"))
    }

    fn custody(&self) -> String {
        "files".to_owned()
    }
}

/// Reads the file of a signing key, a root key for example, and checks whose it is and what for.
pub fn read_signing(path: &Path, participant: &ParticipantId, purpose: KeyPurpose) -> Result<KeyFile, KeyFault> {
    let text = read_secret(path)?;
    let file =
        KeyFile::parse(&text).map_err(|error| KeyFault::NotAKey { path: path.to_owned(), cause: error.to_string() })?;
    if file.purpose != purpose || file.participant != *participant {
        let word = keyfile::purpose_word;
        let cause = format!(
            "it holds the {} key of {}, and the {} key of {participant} belongs there",
            word(file.purpose),
            file.participant,
            word(purpose)
        );
        return Err(KeyFault::Misplaced { path: path.to_owned(), cause });
    }
    Ok(file)
}

/// Keys that have just been drawn and are in no file yet.
pub(crate) struct FreshKeys {
    pub record: SecretKey,
    pub query: SecretKey,
    pub log: SecretKey,
    pub tls_ca: SecretKey,
    pub officer_ca: SecretKey,
    storage: Zeroizing<[u8; 32]>,
}

impl FreshKeys {
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let fresh = || SecretKey::generate(entropy);
        let mut storage = Zeroizing::new([0; 32]);
        entropy.fill(storage.as_mut_slice());
        Self { record: fresh(), query: fresh(), log: fresh(), tls_ca: fresh(), officer_ca: fresh(), storage }
    }

    /// Name and text of each secret file.
    pub fn files(&self, participant: &ParticipantId) -> [(&'static str, Zeroizing<String>); 6] {
        let signing = |purpose, secret| signing_text(participant, purpose, secret);
        [
            (RECORD, signing(KeyPurpose::Record, &self.record)),
            (QUERY, signing(KeyPurpose::Query, &self.query)),
            (LOG, signing(KeyPurpose::Log, &self.log)),
            (TLS_CA, signing(KeyPurpose::TlsCa, &self.tls_ca)),
            (STORAGE, Zeroizing::new(armor::armor(STORAGE_KIND, self.storage.as_slice()))),
            (OFFICER_CA, Zeroizing::new(armor::armor(OFFICER_CA_KIND, self.officer_ca.seed()))),
        ]
    }
}

/// The text of the file of a signing key.
pub(crate) fn signing_text(participant: &ParticipantId, purpose: KeyPurpose, secret: &SecretKey) -> Zeroizing<String> {
    KeyFile { participant: participant.clone(), purpose, secret: secret.clone() }.to_text()
}

/// What is wrong with one key file.
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
    /// Its text is not that of a key.
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
}

impl From<&KeyFault> for Complaint {
    fn from(fault: &KeyFault) -> Self {
        let about = |entry| Self::about(entry).problem(fault.to_string());
        match fault {
            KeyFault::Unreadable { source, .. } => about(&explain::KEY_UNREADABLE).cause(source),
            KeyFault::Exposed { path, mode } => {
                let mend = format!("chmod 600 {}; replace the key if somebody may have read it", path.display());
                let cause = format!("its mode is {mode:04o}, and a key file must be 0600 or less");
                about(&explain::KEY_EXPOSED).cause(cause).mend(mend)
            }
            KeyFault::NotAKey { cause, .. } => about(&explain::KEY_NOT_A_KEY).cause(cause),
            KeyFault::Misplaced { cause, .. } => about(&explain::KEY_MISPLACED).cause(cause),
        }
    }
}

/// All faults of a folder of keys. Never empty.
#[derive(Debug)]
pub struct KeyFaults(Vec<KeyFault>);

impl KeyFaults {
    /// One complaint per fault.
    pub fn complaints(&self) -> impl Iterator<Item = Complaint> {
        self.0.iter().map(Complaint::from)
    }
}

impl fmt::Display for KeyFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, complaint) in self.complaints().enumerate() {
            let separator = if n == 0 { "" } else { "\n\n" };
            write!(f, "{separator}{complaint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for KeyFaults {}

fn note<T>(faults: &mut Vec<KeyFault>, result: Result<T, KeyFault>) -> Option<T> {
    result.map_err(|fault| faults.push(fault)).ok()
}

fn read_officer_authority(
    keys: &Path,
    participant: &ParticipantId,
    federation: &FederationId,
) -> Result<OfficerAuthority, KeyFault> {
    let seed = read_seed(&keys.join(OFFICER_CA), OFFICER_CA_KIND)?;
    let path = keys.join(OFFICER_CA_CERTIFICATE);
    let not_a_key = |cause: String| KeyFault::NotAKey { path: path.clone(), cause };
    let text = open(&path).and_then(|file| read_text(file, &path))?;
    let pem = pem::parse(text.as_bytes()).map_err(|error| not_a_key(error.to_string()))?;
    if pem.tag() != CERTIFICATE_TAG {
        return Err(not_a_key(format!("it is of kind {:?}, not {CERTIFICATE_TAG}", pem.tag())));
    }
    let certificate = CertificateDer::from(pem.into_contents());
    OfficerAuthority::open(participant.clone(), federation.clone(), officer_signer(&seed), certificate)
        .map_err(|error| not_a_key(with_sources(&error)))
}

/// The officers' authority has no purpose in a descriptor, so its key signs no payload.
pub(crate) fn officer_signer(seed: &[u8; 32]) -> Arc<Signer> {
    Arc::new(Signer::new(KeyPurpose::Unspecified, SecretKey::from_seed(*seed)))
}

fn read_seed(path: &Path, kind: &'static str) -> Result<Zeroizing<[u8; 32]>, KeyFault> {
    let not_a_key = |cause: String| KeyFault::NotAKey { path: path.to_owned(), cause };
    let text = read_secret(path)?;
    let bytes = Zeroizing::new(armor::dearmor(kind, &text).map_err(|error| not_a_key(format!("it {error}")))?);
    let seed = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| not_a_key("it does not hold 32 bytes".to_owned()))?;
    Ok(Zeroizing::new(seed))
}

fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyFault> {
    let file = open(path)?;
    // The mode of the file that is open, not of what may lie at the path by now.
    let mode = file.metadata().map_err(|source| unreadable(path, source))?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFault::Exposed { path: path.to_owned(), mode });
    }
    read_text(file, path)
}

fn open(path: &Path) -> Result<File, KeyFault> {
    // Looked at before it is opened: opening a pipe would wait for a writer.
    let is_file = std::fs::metadata(path).map_err(|source| unreadable(path, source))?.is_file();
    if !is_file {
        return Err(unreadable(path, io::Error::other("it is not a regular file")));
    }
    File::open(path).map_err(|source| unreadable(path, source))
}

fn read_text(file: File, path: &Path) -> Result<Zeroizing<String>, KeyFault> {
    // All the room at once: a string that grows leaves parts of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX + 1));
    let limit = u64::try_from(FILE_BYTES_MAX + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_string(&mut text).map_err(|source| unreadable(path, source))?;
    if text.len() > FILE_BYTES_MAX {
        return Err(unreadable(path, io::Error::other(format!("it is larger than {FILE_BYTES_MAX} bytes"))));
    }
    Ok(text)
}

fn unreadable(path: &Path, source: io::Error) -> KeyFault {
    KeyFault::Unreadable { path: path.to_owned(), source }
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
