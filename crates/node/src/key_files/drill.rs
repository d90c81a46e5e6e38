//! `selat key drill`: whether a backup would bring the node's keys back.

use std::path::Path;
use std::sync::Arc;

use selat_complaint::Complaint;
use selat_keyring::backup::{Backup, DrillReport};
use selat_link::read_officer_authority;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{FederationId, Timestamp};
use selat_seal::descriptor::read_chain;
use selat_seal::{AcceptedDescriptor, DescribedKey, Entropy, HeldKey};

use super::{DrillArgs, notes, open, told};
use crate::config::Config;
use crate::keys::OFFICER_CA_CERTIFICATE;
use crate::{explain, own_descriptor};

/// Largest descriptor file that is read, in bytes.
const DESCRIPTOR_MAX: u64 = 16 * 1024 * 1024;

/// How a drill went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drilled {
    /// Each key.
    pub report: DrillReport,
    /// What is wrong with the officers' authority that came back, if anything.
    pub officer_authority: Option<String>,
    /// A descriptor was at hand, so that a missing key would show.
    pub against_descriptor: bool,
    /// What did not work besides.
    pub warning: Option<String>,
}

impl Drilled {
    /// True when all that is needed came back.
    pub fn passed(&self) -> bool {
        self.report.passed() && self.officer_authority.is_none()
    }

    /// The complaint about a drill that did not hold.
    pub fn complaint(&self) -> Option<Complaint> {
        if self.passed() {
            return None;
        }
        let told = Complaint::about(&explain::DRILL_FAILED);
        Some(match &self.officer_authority {
            Some(why) => told.cause(format!("the officers' authority: {why}")),
            None => told.cause("a key that is needed did not come back or did not sign"),
        })
    }
}

/// Tries a backup, and notes the time if it held.
pub fn run(args: &DrillArgs, now: Timestamp, entropy: Arc<dyn Entropy>) -> Result<Drilled, Complaint> {
    let config = args.config.as_deref().map(Config::load).transpose()?;
    let described = described(args, config.as_ref(), now)?;
    let (backup, passphrase) = open(&args.backup, args.passphrase_file.as_ref())?;
    let place = std::env::temp_dir();
    let report = backup.drill(&passphrase, &place, described.as_deref(), entropy).map_err(told)?;
    let officer_authority = config.as_ref().and_then(|config| officers(&backup, &report, &config.node.federation));
    let mut drilled = Drilled { report, officer_authority, against_descriptor: described.is_some(), warning: None };
    if let Some(config) = config.filter(|_| drilled.passed()) {
        let noted = notes::note_drill(&config.node.data_dir, now);
        drilled.warning =
            noted.err().map(|error| format!("the time of the drill could not be noted for selat doctor: {error}"));
    }
    Ok(drilled)
}

/// The working keys that must come back: of the file that was named, else of the node's own.
fn described(args: &DrillArgs, config: Option<&Config>, now: Timestamp) -> Result<Option<Vec<HeldKey>>, Complaint> {
    let own = match (&args.descriptor, config) {
        (Some(path), _) => last_of(path)?,
        (None, Some(config)) => match own_descriptor::load(config) {
            Ok(own) => own.last,
            Err(error) => return Err(Complaint::about(&explain::OWN_DESCRIPTOR).cause(crate::calls::words(&error))),
        },
        (None, None) => return Ok(None),
    };
    let working = [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa];
    let keys = working.into_iter().flat_map(|purpose| own.keys(purpose));
    let needed = keys.filter(|key| is_needed(key, now));
    Ok(Some(needed.map(|key| HeldKey { id: key.id(), purpose: key.purpose() }).collect()))
}

/// What has ended or was stolen is destroyed, and belongs in no backup.
fn is_needed(key: &DescribedKey, now: Timestamp) -> bool {
    match key.status() {
        KeyStatus::Active | KeyStatus::Pending => true,
        KeyStatus::Retired => key.valid_until().is_some_and(|until| now < until),
        KeyStatus::Compromised | KeyStatus::Unspecified => false,
    }
}

fn last_of(path: &Path) -> Result<AcceptedDescriptor, Complaint> {
    let unreadable = |cause: String| Complaint::about(&explain::BACKUP_UNREADABLE).cause(cause);
    let size = std::fs::metadata(path).map_err(|error| unreadable(format!("{}: {error}", path.display())))?.len();
    if size > DESCRIPTOR_MAX {
        return Err(unreadable(format!("{} has more than {DESCRIPTOR_MAX} bytes", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(format!("{}: {error}", path.display())))?;
    let refused = |cause: String| Complaint::about(&explain::OWN_DESCRIPTOR).cause(cause);
    let versions = read_chain(&text).map_err(|error| refused(crate::calls::words(&error)))?;
    let last = versions.last().ok_or_else(|| refused(format!("{} holds no descriptor", path.display())))?;
    let federation = federation_of(last).ok_or_else(|| refused(format!("{} names no federation", path.display())))?;
    AcceptedDescriptor::restore(&federation, last).map_err(|error| refused(crate::calls::words(&error)))
}

/// The file is checked against itself: whose keys are in the backup, the drill says.
fn federation_of(envelope: &selat_record::pb::Envelope) -> Option<FederationId> {
    let message = <selat_record::pb::Descriptor as prost::Message>::decode(envelope.payload.as_slice()).ok()?;
    message.header?.federation.parse().ok()
}

/// Whether the officers' authority that came back fits its certificate.
fn officers(backup: &Backup, report: &DrillReport, federation: &FederationId) -> Option<String> {
    let Some(text) = backup.companion(OFFICER_CA_CERTIFICATE) else {
        return Some(format!("{OFFICER_CA_CERTIFICATE} is not in the backup"));
    };
    let pem = match pem::parse(text) {
        Ok(pem) => pem,
        Err(error) => return Some(format!("{OFFICER_CA_CERTIFICATE}: {error}")),
    };
    let facts = match read_officer_authority(pem.contents(), &report.manifest.participant, federation) {
        Ok(facts) => facts,
        Err(fault) => return Some(format!("{OFFICER_CA_CERTIFICATE}: {fault}")),
    };
    let held = report.officer_ca.as_ref().is_some_and(|key| *key.as_bytes() == facts.public_key);
    (!held).then(|| "its key is not the one that its certificate names".to_owned())
}
