//! Facts that a running node and one that is down take from the same places: the configuration, the own descriptor, the
//! files beside the keys, the disk.
//!
//! Promise: looking changes nothing. What cannot be looked at is a fact too, never a panic and never silence. May wait for
//! the disk: not for async threads.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use selat_keyring::KeyFaults;
use selat_link::{check_authority, read_officer_authority};
use selat_record::Timestamp;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_seal::{AcceptedDescriptor, DescribedKey, HeldKey, KeyId};

use super::facts::{DescriptorFacts, DiskFacts, KeyFact, KeyFileFault, PeerFacts, PeerStanding, key_name};
use super::mends;
use crate::config::{Config, Protection};
use crate::keys::OFFICER_CA_CERTIFICATE;
use crate::own_descriptor;

/// Every purpose that a descriptor lists.
const PURPOSES: [KeyPurpose; 5] =
    [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa, KeyPurpose::Root];
/// Most files of a folder that are looked at.
const FILES_MAX: usize = 256;
/// Largest certificate file that is read, in bytes.
const CERTIFICATE_MAX: u64 = 16 * 1024;

/// The keys of the descriptor, and those that are held beside. `held` is `None` when nobody could look.
pub(crate) fn keys(
    own: &AcceptedDescriptor,
    held: Option<&[HeldKey]>,
    in_use: impl Fn(KeyPurpose) -> Option<KeyId>,
) -> Vec<KeyFact> {
    let described = PURPOSES.into_iter().flat_map(|purpose| own.keys(purpose));
    let mut facts: Vec<_> = described
        .map(|key| KeyFact {
            name: key_name(key.purpose(), key.id()),
            purpose: key.purpose(),
            status: Some(key.status()),
            valid_until: key.valid_until(),
            // Root keys belong on no node, so nobody looks for them.
            held: held.filter(|_| key.purpose() != KeyPurpose::Root).map(|held| holds(held, key)),
            in_use: in_use(key.purpose()) == Some(key.id()),
        })
        .collect();
    let unnamed = held.unwrap_or_default().iter().filter(|held| own.key(held.id.as_bytes()).is_none());
    facts.extend(unnamed.map(|key| KeyFact {
        name: key_name(key.purpose, key.id),
        purpose: key.purpose,
        status: None,
        valid_until: None,
        held: Some(true),
        in_use: in_use(key.purpose) == Some(key.id),
    }));
    facts
}

fn holds(held: &[HeldKey], key: &DescribedKey) -> bool {
    held.iter().any(|held| held.id == key.id())
}

/// Name and end of each authority that peers trust now.
pub(crate) fn authorities(own: &AcceptedDescriptor) -> Vec<(String, Timestamp)> {
    let active = own.keys(KeyPurpose::TlsCa).filter(|key| key.status() == KeyStatus::Active);
    let facts = active.filter_map(|key| {
        let certificate = key.certificate().unwrap_or_default();
        let facts = check_authority(certificate, key.public().as_bytes(), own.participant(), own.federation()).ok()?;
        Some((key_name(KeyPurpose::TlsCa, key.id()), facts.not_after))
    });
    facts.collect()
}

/// End of the officers' authority, by the certificate beside the keys.
pub(crate) fn officer_authority(config: &Config) -> Option<Timestamp> {
    let path = config.node.keys_dir.join(OFFICER_CA_CERTIFICATE);
    let size = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?.len();
    let text = (size <= CERTIFICATE_MAX).then(|| fs::read_to_string(&path).ok())??;
    let pem = pem::parse(text).ok()?;
    let facts = read_officer_authority(pem.contents(), &config.node.participant, &config.node.federation).ok()?;
    Some(facts.not_after)
}

/// The own descriptor in force, and its file.
pub(crate) fn descriptor(own: &AcceptedDescriptor, config: &Config) -> DescriptorFacts {
    let in_file = own_descriptor::load(config).map(|file| file.last.version()).map_err(|error| error.to_string());
    DescriptorFacts {
        version: own.version(),
        created: own.created(),
        expires: own.expires(),
        in_file,
        file: config.node.descriptor.clone(),
    }
}

/// What is wrong with the key files as far as their owner and mode tell, for a node that has them open already.
pub(crate) fn exposed_files(config: &Config) -> Vec<KeyFileFault> {
    let folder = &config.node.keys_dir;
    let files = match key_files(folder) {
        Ok(files) => files,
        Err(error) => {
            let what = format!("the folder of the keys {} cannot be read: {error}", folder.display());
            return vec![KeyFileFault { what, mend: mends::RESTORE.to_owned() }];
        }
    };
    let exposed = files.iter().filter_map(|path| {
        let mode = fs::metadata(path).ok()?.permissions().mode() & 0o7777;
        let what = format!("{} is open to others than its owner: its mode is {mode:04o}", path.display());
        (mode & 0o077 != 0).then(|| KeyFileFault { what, mend: format!("chmod 600 {}", path.display()) })
    });
    exposed.collect()
}

/// Faults that opening the keys brought.
pub(crate) fn faults_of(faults: &KeyFaults) -> Vec<KeyFileFault> {
    faults
        .iter()
        .map(|fault| KeyFileFault { what: format!("{fault}: {}", fault.cause()), mend: fault.mend() })
        .collect()
}

/// Whoever reads the disk has the keys.
pub(crate) fn is_plain(config: &Config) -> bool {
    config.keys.protection == Protection::Plain
}

/// Root keys that were left where `selat init` made them.
pub(crate) fn roots_here(config: &Config) -> Vec<PathBuf> {
    let folder = config.node.keys_dir.parent().map(|parent| parent.join("root"));
    folder.and_then(|folder| key_files(&folder).ok()).unwrap_or_default()
}

/// Room on the disk of a folder that may not be there yet.
pub(crate) fn disk(folder: &Path) -> Option<DiskFacts> {
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    let found = statvfs(there).ok()?;
    // The types differ between systems.
    #[allow(clippy::useless_conversion, reason = "the counts are narrower than 64 bits on some systems")]
    let of = |blocks| u64::from(blocks).saturating_mul(u64::from(found.fragment_size()));
    Some(DiskFacts { free: of(found.blocks_available()), total: of(found.blocks()) })
}

/// A peer of which only the descriptor is known yet.
pub(crate) fn peer(standing: PeerStanding, standing_reason: String, descriptor: &AcceptedDescriptor) -> PeerFacts {
    PeerFacts {
        peer: descriptor.participant().clone(),
        standing,
        standing_reason,
        connected: false,
        last_contact: None,
        last_error: None,
        descriptor_fault: None,
        lag: 0,
        quarantined: 0,
        unsent: 0,
        cut_off: None,
        clock_skew_ms: None,
        descriptor_version: descriptor.version(),
        descriptor_created: descriptor.created(),
        descriptor_expires: descriptor.expires(),
        refreshed: None,
        acknowledged: 0,
    }
}

fn key_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<_> = fs::read_dir(folder)?
        .take(FILES_MAX)
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "key"))
        .collect();
    files.sort();
    Ok(files)
}
