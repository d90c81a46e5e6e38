//! A node from its configuration to its orderly stop.
//!
//! Promises: every task is started here and awaited here; only those that do not end in time are broken off.
//! [`Running::stop`] takes at most [`STOP_MAX`], whatever peers, callers and the disk do. A start that fails breaks off
//! what it had begun.

use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use selat_exchange::{Clock, Exchange, ExchangeError, Parts};
use selat_keyring::KeyFaults;
use selat_link::{
    AuthorityFault, DeskListener, DeskSetup, DialLimits, Dialer, Limits, LiveLeaf, LiveRoots, NameError, NodeName, Now,
    OfficerRoots, PeerListener, PeerSetup, Roots,
};
use selat_record::pb::KeyPurpose;
use selat_seal::Entropy;
use selat_store::{Engine, Identity, Repositories, StorageKey, StoreError, Vault};
use selat_wire::convert::{MESSAGE_BYTES_MAX, REQUEST_BYTES_MAX};
use selat_wire::desk::desk_server::DeskServer;
use selat_wire::peer::peer_server::PeerServer;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tracing::{error, info, warn};

use crate::calls::Calls;
use crate::certificates::{Certificates, Issuance, RenewalError};
use crate::config::Config;
use crate::desk::{DeskRpc, DeskSocket, SocketError};
use crate::door::{Door, Rate};
use crate::keys::NodeKeys;
use crate::metrics::{self, http::MetricsListener};
use crate::officer::Callers;
use crate::own_descriptor::{self, DescriptorError};
use crate::peer_rpc::PeerRpc;
use crate::supervisor::{Supervisor, roots_of};
use crate::watch::{Watch, Watched};
use crate::{peer_server, store_folder, upkeep};

/// Streams on one connection.
pub(crate) const STREAMS_MAX: u32 = 32;
/// Header bytes of one call; HTTP/2 libraries default to megabytes.
pub(crate) const HEADERS_MAX: u32 = 16 * 1024;
/// Resets that may wait to be dealt with, against rapid reset.
pub(crate) const RESETS_MAX: usize = 32;
/// A connection is asked for a sign of life after so much silence...
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(20);
/// ...and closed when none comes.
pub(crate) const KEEPALIVE_ANSWER: Duration = Duration::from_secs(10);
/// How long calls under way may take to end when the node stops.
const DRAIN: Duration = Duration::from_secs(5);
/// How long they may take once they are broken off; a task that computes hears of it only at its next wait.
const BREAK_OFF: Duration = Duration::from_secs(1);
/// How long the store may take to write what it has taken and to close.
const CLOSE_STORE: Duration = Duration::from_secs(10);
/// A node has stopped after this long, in order or not.
pub const STOP_MAX: Duration = Duration::from_secs(16);

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Keys.
    #[error(transparent)]
    Keys(#[from] KeyFaults),
    /// Own descriptor.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// The node's own certificate.
    #[error("the node's certificate cannot be made")]
    Certificate(#[from] RenewalError),
    /// Officer authority.
    #[error("the officer authority does not hold")]
    OfficerAuthority(#[from] AuthorityFault),
    /// Node name.
    #[error("the node's name cannot stand in a certificate")]
    Name(#[from] NameError),
    /// Store.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// Stored content.
    #[error("what is stored cannot be read")]
    Exchange(#[from] ExchangeError),
    /// Peer or desk port.
    #[error("cannot listen at {address}")]
    Listen {
        /// Where.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Desk socket.
    #[error("the desk's socket cannot be opened")]
    Socket(#[from] SocketError),
    /// The clock shows a time before one that this node has already known.
    #[error("the clock shows {now}, but this node has already known {known}")]
    ClockSetBack {
        /// What the clock shows.
        now: selat_record::Timestamp,
        /// The latest time noted.
        known: selat_record::Timestamp,
    },
    /// A task of the server could not be set up.
    #[error("the server cannot be set up: {0}")]
    Server(String),
}

/// Why a node did not stop in order. It has stopped all the same.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The last writes failed.
    #[error(transparent)]
    Store(#[from] ExchangeError),
    /// The disk hangs.
    #[error("the store did not close within {} seconds; what it had not confirmed may be lost", .0.as_secs())]
    StoreHangs(Duration),
}

/// What time and randomness a node gets.
#[derive(Clone)]
pub struct Surroundings {
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// A node at work.
pub struct Running {
    exchange: Arc<Exchange>,
    calls: Arc<Calls>,
    listener: Arc<PeerListener>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Running {
    /// Starts everything; when this returns, both listeners are open and the index is complete.
    pub async fn start(config: &Config, surroundings: Surroundings) -> Result<Self, StartError> {
        let folder = config.node.data_dir.join("store");
        let engine = store_folder::open(&folder, config.store.cache_bytes(), &*surroundings.clock).await?;
        Self::start_over(config, surroundings, Arc::new(engine)).await
    }

    /// The same over any engine.
    pub async fn start_over(
        config: &Config,
        surroundings: Surroundings,
        engine: Arc<dyn Engine>,
    ) -> Result<Self, StartError> {
        let Surroundings { clock, entropy } = surroundings;
        let (participant, federation) = (&config.node.participant, &config.node.federation);
        let keys = Arc::new(open_keys(config, entropy.clone()).await?);
        let own = own_descriptor::load(config)?;
        let vault = Arc::new(Vault::new(&StorageKey::from_bytes(*keys.storage()), entropy.clone()));
        let identity = Identity { federation: federation.clone(), participant: participant.clone() };
        let store = Repositories::open(engine, vault.clone(), &identity).await?;
        upkeep::check_clock(&store, clock.now(), config.exchange.clock_skew_max).await?;

        let now: Now = {
            let clock = clock.clone();
            Arc::new(move || clock.now())
        };
        // Nobody calls or is called before there is a certificate, and which authority issues it the exchange knows.
        let leaf = LiveLeaf::without_leaf();
        let roots = LiveRoots::new(Roots::new(federation.clone()));
        let dialer = Dialer::new(leaf.clone(), roots.clone(), now.clone(), DialLimits::default());
        let calls = Arc::new(Calls::new(dialer));
        let parts = Parts {
            participant: participant.clone(),
            federation: federation.clone(),
            own: own.versions,
            keys: keys.clone(),
            store: store.clone(),
            vault,
            clock: clock.clone(),
            entropy: entropy.clone(),
            port: calls.clone(),
            limits: config.limits(),
        };
        let exchange = Exchange::open(parts).await?;
        for purpose in [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log] {
            exchange.signer(purpose)?;
        }
        let issuance = Issuance {
            name: node_name(config)?,
            life: config.tls.leaf_life,
            clock: clock.clone(),
            entropy: entropy.clone(),
        };
        let certificates = Certificates::first(issuance, leaf.clone(), exchange.clone()).await?;
        roots.swap(roots_of(&exchange, &exchange.book()));

        let setup = PeerSetup { leaf: leaf.clone(), roots: roots.clone(), now: now.clone(), limits: listener_limits() };
        let mut listener =
            PeerListener::bind(config.peer.listen, setup).await.map_err(listening(config.peer.listen))?;
        let incoming = listener.incoming().ok_or_else(|| StartError::Server("no connections".into()))?;
        let listener = Arc::new(listener);
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();

        let rate = Rate {
            per_second: at_least_one(config.exchange.peer_requests_per_second),
            burst: at_least_one(config.exchange.peer_burst),
        };
        let peer_rpc = PeerServer::new(PeerRpc::new(exchange.clone(), stop.child_token()))
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_serving::<PeerServer<PeerRpc>>().await;
        let routes = Routes::new(peer_rpc).add_service(health_service);
        let door = Arc::new(Door::new(exchange.clone(), rate));
        tasks.spawn(peer_server::serve(incoming, routes, door, stop.clone()));

        let started = clock.now();
        let watch = Arc::new(Watch::new(Watched {
            exchange: exchange.clone(),
            listener: listener.clone(),
            certificates: certificates.clone(),
            keys: keys.clone(),
            store: store.clone(),
            config: Arc::new(config.clone()),
            started,
        }));
        serve_metrics(config, watch.clone(), &mut tasks, &stop).await?;

        let desk = DeskRpc {
            exchange: exchange.clone(),
            calls: calls.clone(),
            callers: Arc::new(Callers::new(&config.desk)),
            listener: listener.clone(),
            certificates: certificates.clone(),
            officer_authority_until: keys.officer_ca().not_after(),
            watch,
            node: config.node.node.clone(),
            started,
        };
        serve_desk(config, desk, keys.officer_ca(), (leaf, now), &mut tasks, &stop).await?;

        let supervisor = Supervisor {
            exchange: exchange.clone(),
            calls: calls.clone(),
            roots,
            listener: listener.clone(),
            clock_skew_max: config.exchange.clock_skew_max,
            refresh: config.watch.refresh,
            entropy: entropy.clone(),
        };
        tasks.spawn(supervisor.run(stop.clone()));
        tasks.spawn(certificates.clone().run(exchange.trust_changes(), stop.clone()));
        let file = config.node.descriptor.clone();
        tasks.spawn(own_descriptor::keep(exchange.clone(), file, own.last.version(), stop.clone()));
        tasks.spawn(upkeep::run(store, clock, stop.clone()));
        let (peers, desk) = (listener.local_addr(), config.desk.socket.display());
        info!(%participant, %peers, %desk, "node started");
        Ok(Self { exchange, calls, listener, stop, tasks })
    }

    /// The use-cases, for whoever runs the node in its own process.
    pub fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// The way to the peers.
    pub fn calls(&self) -> &Arc<Calls> {
        &self.calls
    }

    /// Where peers reach it.
    pub fn peer_address(&self) -> std::net::SocketAddr {
        self.listener.local_addr()
    }

    /// Stops in order, within [`STOP_MAX`]: no new calls, calls under way end, the store is flushed.
    pub async fn stop(mut self) -> Result<(), StopError> {
        self.stop.cancel();
        let drained = timeout(DRAIN, async {
            self.listener.stop().await;
            while self.tasks.join_next().await.is_some() {}
        });
        if drained.await.is_err() {
            warn!("some calls did not end in time and are broken off");
            let broken_off = timeout(BREAK_OFF, self.tasks.shutdown()).await;
            if broken_off.is_err() {
                error!("some calls cannot be broken off and end with the process");
            }
        }
        let closed = within(CLOSE_STORE, self.exchange.stop()).await;
        if let Err(StopError::StoreHangs(_)) = closed {
            // The last owner of the store waits for its writing thread. Nobody is to be the last owner.
            std::mem::forget(self.exchange);
        }
        closed?;
        info!("node stopped");
        Ok(())
    }
}

/// Gives the store `bound` to close.
async fn within(bound: Duration, closing: impl Future<Output = Result<(), ExchangeError>>) -> Result<(), StopError> {
    Ok(timeout(bound, closing).await.map_err(|_| StopError::StoreHangs(bound))??)
}

/// Opens the page for collectors, if the configuration names an address.
async fn serve_metrics(
    config: &Config,
    watch: Arc<Watch>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Result<(), StartError> {
    let Some(address) = config.watch.metrics_listen else { return Ok(()) };
    let listener = MetricsListener::bind(address, metrics::http::Bounds::default()).await;
    tasks.spawn(listener.map_err(listening(address))?.run(watch, stop.clone()));
    Ok(())
}

/// Opens the desk: the Unix socket always, TLS if the configuration names an address.
async fn serve_desk(
    config: &Config,
    desk: DeskRpc,
    officer_ca: &selat_link::OfficerAuthority,
    (leaf, now): (Arc<LiveLeaf>, Now),
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Result<(), StartError> {
    let callers = Callers::new(&config.desk);
    let socket = DeskSocket::bind(&config.desk.socket, config.desk.socket_group.as_deref()).await?;
    let (incoming, accepting) = socket.accept(callers, stop.child_token());
    tasks.spawn(accepting);
    let router = desk_router(desk.clone()).await?;
    let ended = stop.clone().cancelled_owned();
    tasks.spawn(async move { report("desk socket", router.serve_with_incoming_shutdown(incoming, ended).await) });

    let Some(address) = config.desk.listen else { return Ok(()) };
    let (participant, federation) = (config.node.participant.clone(), config.node.federation.clone());
    let officers = OfficerRoots::new(participant, federation, &[officer_ca.certificate().clone()])?;
    let setup = DeskSetup { leaf, officers, now, limits: Limits::default() };
    let mut listener = DeskListener::bind(address, setup).await.map_err(listening(address))?;
    let incoming = listener.incoming().ok_or_else(|| StartError::Server("no connections".into()))?;
    let router = desk_router(desk).await?;
    let ended = stop.clone().cancelled_owned();
    tasks.spawn(async move {
        report("desk server", router.serve_with_incoming_shutdown(incoming, ended).await);
        listener.stop().await;
    });
    Ok(())
}

async fn desk_router(desk: DeskRpc) -> Result<tonic::transport::server::Router, StartError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<DeskServer<DeskRpc>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(selat_wire::desk::DESCRIPTORS)
        .build_v1()
        .map_err(|error| StartError::Server(error.to_string()))?;
    let desk = DeskServer::new(desk)
        .max_decoding_message_size(desk_message_max())
        .max_encoding_message_size(desk_message_max());
    Ok(server().add_service(desk).add_service(health_service).add_service(reflection))
}

/// An import chunk holds up to 256 records.
const fn desk_message_max() -> usize {
    4 * MESSAGE_BYTES_MAX
}

fn server() -> Server {
    Server::builder()
        .max_concurrent_streams(Some(STREAMS_MAX))
        .http2_max_header_list_size(Some(HEADERS_MAX))
        .http2_max_pending_accept_reset_streams(Some(RESETS_MAX))
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_ANSWER))
}

/// A federation on one machine has all its nodes behind the loopback address; any other address is one caller.
fn listener_limits() -> Limits {
    Limits { loopback_is_many: true, ..Limits::default() }
}

/// Off the async threads: a disk, a token or a person at the terminal takes its time.
async fn open_keys(config: &Config, entropy: Arc<dyn Entropy>) -> Result<NodeKeys, StartError> {
    let config = config.clone();
    let opened = tokio::task::spawn_blocking(move || NodeKeys::open(&config, entropy)).await;
    Ok(opened.map_err(|error| StartError::Server(error.to_string()))??)
}

fn node_name(config: &Config) -> Result<NodeName, NameError> {
    NodeName::new(&config.node.node, config.node.participant.clone(), config.node.federation.clone())
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

fn listening(address: std::net::SocketAddr) -> impl FnOnce(io::Error) -> StartError {
    move |source| StartError::Listen { address: address.to_string(), source }
}

fn report(what: &str, result: Result<(), tonic::transport::Error>) {
    if let Err(error) = result {
        error!(%error, "{what} ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_stop_end_within_the_whole() {
        assert!(DRAIN + BREAK_OFF + CLOSE_STORE <= STOP_MAX);
    }

    #[tokio::test]
    async fn store_that_hangs_or_fails_is_told_and_not_waited_for() {
        let bound = Duration::from_millis(1);
        let hangs = within(bound, std::future::pending()).await;
        assert!(matches!(hangs, Err(StopError::StoreHangs(told)) if told == bound), "{hangs:?}");
        let failed = async { Err(ExchangeError::from(StoreError::ReadOnly)) };
        let failed = within(CLOSE_STORE, failed).await;
        assert!(matches!(failed, Err(StopError::Store(_))), "{failed:?}");
        assert!(within(CLOSE_STORE, async { Ok(()) }).await.is_ok());
    }
}
