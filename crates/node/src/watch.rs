//! What a running node knows of itself: the facts for the doctor and for the measurements.
//!
//! Promises: looking changes nothing and holds no lock that traffic holds; no more than a few look at once. Who may see
//! what comes of it is for the desk and for the listener of the metrics.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use selat_exchange::{Exchange, ExchangeError, PeerStatus};
use selat_link::PeerListener;
use selat_record::Timestamp;
use selat_seal::KeyRing as _;
use selat_store::Repositories;
use selat_store::repositories::{Peer, PeerState};
use tokio::sync::Semaphore;

use crate::certificates::Certificates;
use crate::config::Config;
use crate::doctor::{
    self, Bounds, CertificateFacts, ClockFacts, Facts, Finding, KeyFacts, Opened, PeerFacts, PeerStanding, StoreFacts,
    examine, gather,
};
use crate::key_files::notes;
use crate::keys::NodeKeys;
use crate::metrics::{self, Counts, http::Source};

/// Readers at once; others wait. Each reads the store once per peer.
const READERS_MAX: usize = 2;

/// Looks at a running node.
pub struct Watch {
    exchange: Arc<Exchange>,
    listener: Arc<PeerListener>,
    certificates: Arc<Certificates>,
    keys: Arc<NodeKeys>,
    store: Repositories,
    config: Arc<Config>,
    started: Timestamp,
    readers: Semaphore,
}

/// What a watch looks at.
pub struct Watched {
    /// The use-cases.
    pub exchange: Arc<Exchange>,
    /// Where peers come in, for what it refused.
    pub listener: Arc<PeerListener>,
    /// Our certificate and its renewal.
    pub certificates: Arc<Certificates>,
    /// Our keys.
    pub keys: Arc<NodeKeys>,
    /// Our store.
    pub store: Repositories,
    /// The configuration in force.
    pub config: Arc<Config>,
    /// When the node started.
    pub started: Timestamp,
}

/// Why nothing could be seen.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The store did not answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

impl From<selat_store::StoreError> for WatchError {
    fn from(error: selat_store::StoreError) -> Self {
        Self::Exchange(error.into())
    }
}

impl Watch {
    /// Looks at these.
    pub fn new(watched: Watched) -> Self {
        let Watched { exchange, listener, certificates, keys, store, config, started } = watched;
        let readers = Semaphore::new(READERS_MAX);
        Self { exchange, listener, certificates, keys, store, config, started, readers }
    }

    /// What needs a person. What ends within `warn` is a warning, within `crit` critical.
    pub async fn findings(&self, warn: Duration, crit: Duration) -> Result<Vec<Finding>, WatchError> {
        let _place = self.readers.acquire().await.map_err(|_| WatchError::Stopping)?;
        let (facts, _) = self.facts().await?;
        Ok(examine(&facts, &bounds(&self.config, warn, crit), self.exchange.clock().now()))
    }

    /// The measurements.
    pub async fn measured(&self) -> Result<String, WatchError> {
        let _place = self.readers.acquire().await.map_err(|_| WatchError::Stopping)?;
        let (facts, counts) = self.facts().await?;
        let now = self.exchange.clock().now();
        let usual = Bounds::default();
        let findings = examine(&facts, &bounds(&self.config, usual.warn, usual.crit), now);
        Ok(metrics::text(&facts, &findings, &counts, now))
    }

    async fn facts(&self) -> Result<(Facts, Counts), WatchError> {
        let status = self.exchange.overview().await?;
        let peers = status.peers.iter().map(peer_facts).collect();
        let high_water = self.store.meta.high_water().await?;
        let files = self.files().await?;
        let certificate = self.certificates.facts();
        let counts = Counts {
            own_records: status.own_records,
            peer_records: status.peer_records,
            audit_log: status.audit_log,
            handshakes_refused: self.listener.handshakes().summary().refused,
        };
        let facts = Facts {
            participant: self.exchange.participant().clone(),
            started: Some(self.started),
            clock: ClockFacts { high_water },
            keys: files.keys,
            certificates: CertificateFacts {
                leaf: Some((certificate.not_before, certificate.not_after)),
                renewal_failure: certificate.last_failure,
                authorities: gather::authorities(&self.exchange.descriptor()),
                officer_authority: Some(self.keys.officer_ca().not_after()),
            },
            descriptor: files.descriptor,
            peers,
            store: StoreFacts { index_lag: status.index_lag, opened: Opened::Yes(status.store_bytes), ..files.store },
            backup: files.backup,
        };
        Ok((facts, counts))
    }

    /// What lies on the disk, looked at off the async threads.
    async fn files(&self) -> Result<Files, WatchError> {
        let (exchange, keys, config) = (self.exchange.clone(), self.keys.clone(), self.config.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let own = exchange.descriptor();
            let held = keys.held();
            Files {
                keys: KeyFacts {
                    custody: keys.custody(),
                    plain: gather::is_plain(&config),
                    faults: gather::exposed_files(&config),
                    not_looked: None,
                    keys: gather::keys(&own, Some(&held), |purpose| exchange.in_use(purpose)),
                    roots_here: gather::roots_here(&config),
                },
                descriptor: gather::descriptor(&own, &config),
                store: store_folder(&config),
                backup: notes::read(&config.node.data_dir),
            }
        });
        looked.await.map_err(|_| WatchError::Stopping)
    }
}

/// What lies on the disk.
struct Files {
    keys: KeyFacts,
    descriptor: doctor::DescriptorFacts,
    store: StoreFacts,
    backup: doctor::BackupFacts,
}

fn store_folder(config: &Config) -> StoreFacts {
    let folder: PathBuf = config.node.data_dir.join("store");
    StoreFacts { disk: gather::disk(&folder), opened: Opened::NotYet, index_lag: 0, folder }
}

/// The bounds of the configuration and of whoever asks.
pub(crate) fn bounds(config: &Config, warn: Duration, crit: Duration) -> Bounds {
    let (watch, clock_skew_max) = (&config.watch, config.exchange.clock_skew_max);
    Bounds { warn, crit, stale_warn: watch.stale_warn, stale_stop: watch.stale_stop, clock_skew_max }
}

/// How a peer stands, and why.
pub(crate) fn standing(row: &Peer) -> (PeerStanding, String) {
    let standing = match row.state {
        PeerState::Pending => PeerStanding::Pending,
        PeerState::Approved => PeerStanding::Approved,
        PeerState::Frozen => PeerStanding::Frozen,
        PeerState::Suspended => PeerStanding::Suspended,
    };
    (standing, row.stopped.as_ref().map(|stopped| stopped.reason.clone()).unwrap_or_default())
}

fn peer_facts(status: &PeerStatus) -> PeerFacts {
    let PeerStatus { entry, following, held, quarantined, release_log: (made, sent), cut_off, comparison, .. } = status;
    let (standing, reason) = standing(&entry.row);
    // The safety phrase vouches for the descriptor until the first comparison.
    let approved = entry.row.approval.as_ref().map(|approval| approval.at);
    PeerFacts {
        connected: following.connected,
        last_contact: following.last_contact,
        last_error: following.last_error.as_ref().map(|(error, _)| error.clone()),
        descriptor_fault: comparison.last_descriptor_fault.as_ref().map(|(fault, _)| fault.clone()),
        lag: following.size.saturating_sub(*held),
        quarantined: *quarantined,
        unsent: made.saturating_sub(*sent),
        cut_off: cut_off.as_ref().map(|cut_off| (cut_off.until, cut_off.reason.clone())),
        clock_skew_ms: comparison.clock_skew_ms,
        refreshed: comparison.refreshed.max(approved),
        acknowledged: comparison.acknowledged,
        ..gather::peer(standing, reason, &entry.descriptor)
    }
}

#[async_trait]
impl Source for Watch {
    async fn text(&self) -> Result<String, String> {
        self.measured().await.map_err(|error| crate::calls::words(&error))
    }
}
