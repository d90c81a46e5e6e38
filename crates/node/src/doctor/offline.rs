//! The doctor on the files of a node that is down.
//!
//! Promises: nothing is asked of a person, and nothing is changed that a start of the node would not change in the same
//! way; the more is broken, the less is looked at, and it is said. Leaves out: what only a running node knows, such as
//! whether a peer answers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use selat_keyring::{Expected, KeyFault, KeyFaults, Keyring, NamedSecret, PassphraseError};
use selat_record::Timestamp;
use selat_seal::{AcceptedDescriptor, Entropy, HeldKey, decode_envelope};
use selat_store::repositories::{Compared, Peer};
use selat_store::{Identity, Repositories, SledEngine, StorageKey, StoreError, Vault};

use super::facts::{CertificateFacts, ClockFacts, Facts, KeyFacts, KeyFileFault, Opened, PeerFacts, StoreFacts};
use super::{Area, Finding, examine, gather, mends};
use crate::calls::words;
use crate::config::{Config, ConfigFaults, Protection};
use crate::key_files::notes;
use crate::keys::custody;
use crate::own_descriptor;
use crate::watch::{bounds, standing};

/// Looks at the files of the node with this configuration.
pub async fn look(
    path: &Path,
    (warn, crit): (Duration, Duration),
    now: Timestamp,
    entropy: Arc<dyn Entropy>,
) -> Vec<Finding> {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(faults) => return configuration(&faults),
    };
    let ring = open_ring(&config, entropy.clone());
    let own = match own_descriptor::load(&config) {
        Ok(own) => own.last,
        Err(error) => return without_descriptor(&config, &ring, &error),
    };
    let seen = match &ring {
        Ok(ring) => look_at_store(&config, ring, entropy).await,
        Err(untried) => Seen::untried(&config, untried.words()),
    };
    let held: Option<Vec<HeldKey>> = ring.as_ref().ok().map(Keyring::held);
    let facts = Facts {
        participant: config.node.participant.clone(),
        started: None,
        clock: ClockFacts { high_water: seen.high_water },
        keys: KeyFacts {
            custody: custody(&config).words(),
            plain: gather::is_plain(&config),
            faults: ring.as_ref().err().map(Untried::faults).unwrap_or_default(),
            not_looked: ring.as_ref().err().map(Untried::words),
            keys: gather::keys(&own, held.as_deref(), |_| None),
            roots_here: gather::roots_here(&config),
        },
        certificates: CertificateFacts {
            leaf: None,
            renewal_failure: None,
            authorities: gather::authorities(&own),
            officer_authority: gather::officer_authority(&config),
        },
        descriptor: gather::descriptor(&own, &config),
        peers: seen.peers,
        store: seen.store,
        backup: notes::read(&config.node.data_dir),
    };
    examine(&facts, &bounds(&config, warn, crit), now)
}

fn configuration(faults: &ConfigFaults) -> Vec<Finding> {
    let one = |fault: &crate::config::ConfigFault| {
        let place = fault.place.as_ref().map_or(String::new(), |place| format!(":{}:{}", place.line, place.column));
        let what = format!("{}{place}: {}: {}", faults.path().display(), fault.headline, fault.cause);
        Finding::critical(Area::Configuration, what, &fault.mend)
    };
    faults.iter().map(one).collect()
}

/// Without the own descriptor nobody can say which keys there should be.
fn without_descriptor(
    config: &Config,
    ring: &Result<Keyring, Untried>,
    error: &own_descriptor::DescriptorError,
) -> Vec<Finding> {
    let mut findings = vec![Finding::ok(
        Area::Configuration,
        format!("the configuration of {} has no faults", config.node.participant),
    )];
    let faults = ring.as_ref().err().map(Untried::faults).unwrap_or_default();
    findings.extend(faults.into_iter().map(|fault| Finding::critical(Area::Keys, fault.what, fault.mend)));
    findings.push(Finding::critical(Area::Descriptors, words(error), mends::own_descriptor()));
    findings
}

/// Why the keys were not opened.
enum Untried {
    /// Somebody would have to type.
    Asked,
    /// The service manager hands the passphrase to the service alone.
    HandedOver,
    /// They do not open.
    Faults(KeyFaults),
}

impl Untried {
    fn words(&self) -> String {
        match self {
            Self::Asked => "the passphrase of the key files is asked for only when the node starts".to_owned(),
            Self::HandedOver => "systemd hands the passphrase of the key files to the service alone".to_owned(),
            Self::Faults(_) => "the keys do not open".to_owned(),
        }
    }

    fn faults(&self) -> Vec<KeyFileFault> {
        match self {
            Self::Asked | Self::HandedOver => Vec::new(),
            Self::Faults(faults) => gather::faults_of(faults),
        }
    }
}

fn open_ring(config: &Config, entropy: Arc<dyn Entropy>) -> Result<Keyring, Untried> {
    if config.keys.protection == (Protection::Passphrase { file: None }) {
        return Err(Untried::Asked);
    }
    let expected = Expected { secrets: NamedSecret::ALL.to_vec(), ..Expected::default() };
    let opened = Keyring::open(&custody(config), &config.node.participant, &expected, entropy);
    opened.map_err(|faults| if lacks_credential(&faults) { Untried::HandedOver } else { Untried::Faults(faults) })
}

/// True outside the service when nothing else is wrong with the keys, as far as one can see without the passphrase.
fn lacks_credential(faults: &KeyFaults) -> bool {
    faults.iter().all(|fault| matches!(fault, KeyFault::Passphrase(PassphraseError::NoCredential { .. })))
}

/// What the store told.
struct Seen {
    high_water: Option<Timestamp>,
    peers: Vec<PeerFacts>,
    store: StoreFacts,
}

impl Seen {
    fn untried(config: &Config, why: String) -> Self {
        let folder = config.node.data_dir.join("store");
        let opened = if folder.is_dir() { Opened::NotTried(why) } else { Opened::NotYet };
        Self::of(config, opened)
    }

    fn of(config: &Config, opened: Opened) -> Self {
        let folder = config.node.data_dir.join("store");
        let store = StoreFacts { disk: gather::disk(&folder), opened, index_lag: 0, folder };
        Self { high_water: None, peers: Vec::new(), store }
    }
}

async fn look_at_store(config: &Config, ring: &Keyring, entropy: Arc<dyn Entropy>) -> Seen {
    let folder = config.node.data_dir.join("store");
    if !folder.is_dir() {
        return Seen::of(config, Opened::NotYet);
    }
    match read_store(config, ring, entropy).await {
        Ok(seen) => seen,
        Err(error) => Seen::of(config, Opened::No(words(&error))),
    }
}

async fn read_store(config: &Config, ring: &Keyring, entropy: Arc<dyn Entropy>) -> Result<Seen, StoreError> {
    let (folder, cache_bytes) = (config.node.data_dir.join("store"), config.store.cache_bytes());
    let Some(storage) = ring.secret(NamedSecret::Storage) else {
        return Ok(Seen::of(config, Opened::NotTried("its key is not there".to_owned())));
    };
    let opened = tokio::task::spawn_blocking(move || SledEngine::open(&folder, cache_bytes)).await;
    let Ok(engine) = opened else {
        return Ok(Seen::of(config, Opened::No("opening it broke off".to_owned())));
    };
    let vault = Arc::new(Vault::new(&StorageKey::from_bytes(*storage), entropy));
    let (participant, federation) = (config.node.participant.clone(), config.node.federation.clone());
    let store = Repositories::open(Arc::new(engine?), vault, &Identity { federation, participant }).await?;
    let compared = store.descriptors.compared().await?;
    let mut peers = Vec::new();
    for row in store.peers.all().await? {
        let quarantined = store.intake.quarantine_count(&row.participant).await?;
        let known = compared.iter().find(|(peer, _)| *peer == row.participant).map(|(_, compared)| *compared);
        peers.extend(peer(config, &row, known, quarantined));
    }
    let high_water = store.meta.high_water().await?;
    let bytes = store.engine().bytes().await;
    store.engine().stop().await?;
    Ok(Seen { high_water, peers, ..Seen::of(config, Opened::Yes(bytes)) })
}

/// A descriptor that was accepted once and cannot be read now is damage, which opening the store tells.
fn peer(config: &Config, row: &Peer, compared: Option<Compared>, quarantined: u64) -> Option<PeerFacts> {
    let envelope = decode_envelope(&row.descriptor).ok()?;
    let descriptor = AcceptedDescriptor::restore(&config.node.federation, &envelope).ok()?;
    let (standing, reason) = standing(row);
    let (known, approved) = (compared.unwrap_or_default(), row.approval.as_ref().map(|approval| approval.at));
    Some(PeerFacts {
        quarantined,
        refreshed: known.refreshed.max(approved),
        acknowledged: known.acknowledged,
        ..gather::peer(standing, reason, &descriptor)
    })
}

/// The configuration's socket, for whoever looks for the node first.
pub fn socket_of(path: &Path) -> Option<std::path::PathBuf> {
    Some(Config::load(path).ok()?.desk.socket)
}

#[cfg(test)]
mod tests;
