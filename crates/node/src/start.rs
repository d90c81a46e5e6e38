//! How a node starts, step by step: what everything stands on, then the listeners, then the workers.
//!
//! Promises: nobody is served before the keys that sign are held, the store is open, the index is complete and there is a
//! certificate; every task that is started goes to [`Work`], for one place to await. Leaves out: stopping (`running`).

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use selat_exchange::{Clock, Exchange, Parts};
use selat_link::{
    DeskListener, DeskSetup, DialLimits, Dialer, Limits, LiveLeaf, LiveRoots, NameError, NodeName, Now, OfficerRoots,
    PeerListener, PeerSetup, Roots,
};
use selat_record::pb::KeyPurpose;
use selat_seal::Entropy;
use selat_store::{Engine, Identity, Repositories, StorageKey, Vault};
use selat_wire::convert::{MESSAGE_BYTES_MAX, REQUEST_BYTES_MAX};
use selat_wire::desk::desk_server::DeskServer;
use selat_wire::peer::peer_server::PeerServer;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tracing::error;

use crate::calls::Calls;
use crate::certificates::{Certificates, DeskAuthorities, Issuance};
use crate::config::Config;
use crate::desk::{DeskRpc, DeskSocket};
use crate::door::{Door, Rate};
use crate::keys::NodeKeys;
use crate::metrics::{self, http::MetricsListener};
use crate::officer::Callers;
use crate::own_descriptor;
use crate::peer_rpc::PeerRpc;
use crate::running::{StartError, Surroundings};
use crate::supervisor::{Supervisor, roots_of};
use crate::watch::{Watch, Watched};
use crate::{peer_server, upkeep};

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

/// The tasks of a node and what ends them.
pub(crate) struct Work {
    /// All of them.
    pub tasks: JoinSet<()>,
    /// Tells them to end.
    pub stop: CancellationToken,
}

/// What everything in a node stands on.
pub(crate) struct Foundation {
    pub exchange: Arc<Exchange>,
    pub calls: Arc<Calls>,
    surroundings: Surroundings,
    keys: Arc<NodeKeys>,
    store: Repositories,
    certificates: Arc<Certificates>,
    leaf: Arc<LiveLeaf>,
    roots: Arc<LiveRoots>,
    /// The last version in the file of the own descriptor.
    filed: u64,
}

impl Foundation {
    /// Opens keys and store, loads the use-cases, makes the first certificate.
    pub async fn lay(
        config: &Config,
        surroundings: &Surroundings,
        engine: Arc<dyn Engine>,
    ) -> Result<Self, StartError> {
        let Surroundings { clock, entropy } = surroundings.clone();
        let (participant, federation) = (&config.node.participant, &config.node.federation);
        let keys = Arc::new(open_keys(config, entropy.clone()).await?);
        let own = own_descriptor::load(config)?;
        let vault = Arc::new(Vault::new(&StorageKey::from_bytes(*keys.storage()), entropy.clone()));
        let identity = Identity { federation: federation.clone(), participant: participant.clone() };
        let store = Repositories::open(engine, vault.clone(), &identity).await?;
        upkeep::check_clock(&store, clock.now(), config.exchange.clock_skew_max).await?;

        // Nobody calls or is called before there is a certificate, and which authority issues it the exchange knows.
        let leaf = LiveLeaf::without_leaf();
        let roots = LiveRoots::new(Roots::new(federation.clone()));
        let dialer = Dialer::new(leaf.clone(), roots.clone(), now_of(&clock), DialLimits::default());
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
        let issuance = issuance(config, surroundings)?;
        let certificates = Certificates::first(issuance, leaf.clone(), exchange.clone()).await?;
        roots.swap(roots_of(&exchange, &exchange.book()));
        let (surroundings, filed) = (surroundings.clone(), own.last.version());
        Ok(Self { exchange, calls, surroundings, keys, store, certificates, leaf, roots, filed })
    }

    /// Opens the listener for peers.
    pub async fn serve_peers(&self, config: &Config, work: &mut Work) -> Result<Arc<PeerListener>, StartError> {
        let address = config.peer.listen;
        let (leaf, roots, now) = (self.leaf.clone(), self.roots.clone(), now_of(&self.surroundings.clock));
        let setup = PeerSetup { leaf, roots, now, limits: listener_limits() };
        let mut listener = PeerListener::bind(address, setup).await.map_err(listening(address))?;
        let incoming = listener.incoming().ok_or_else(|| StartError::Server("no connections".into()))?;
        let rate = Rate {
            per_second: at_least_one(config.exchange.peer_requests_per_second),
            burst: at_least_one(config.exchange.peer_burst),
        };
        let peer_rpc = PeerServer::new(PeerRpc::new(self.exchange.clone(), work.stop.child_token()))
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_serving::<PeerServer<PeerRpc>>().await;
        let routes = Routes::new(peer_rpc).add_service(health_service);
        let door = Arc::new(Door::new(self.exchange.clone(), rate));
        work.tasks.spawn(peer_server::serve(incoming, routes, door, work.stop.clone()));
        Ok(Arc::new(listener))
    }

    /// Opens what officers, operators and collectors of measurements reach.
    pub async fn serve_desk(
        &self,
        config: &Config,
        listener: &Arc<PeerListener>,
        work: &mut Work,
    ) -> Result<(), StartError> {
        let started = self.surroundings.clock.now();
        let watch = Arc::new(Watch::new(Watched {
            exchange: self.exchange.clone(),
            listener: listener.clone(),
            certificates: self.certificates.clone(),
            keys: self.keys.clone(),
            store: self.store.clone(),
            config: Arc::new(config.clone()),
            started,
        }));
        serve_metrics(config, watch.clone(), work).await?;
        let desk = DeskRpc {
            exchange: self.exchange.clone(),
            calls: self.calls.clone(),
            callers: Arc::new(Callers::new(&config.desk)),
            listener: listener.clone(),
            certificates: self.certificates.clone(),
            officer_authority_until: self.keys.officer_ca().not_after(),
            watch,
            node: config.node.node.clone(),
            started,
        };
        serve_socket(config, desk.clone(), work).await?;
        match config.desk.listen {
            Some(address) => self.serve_officers(config, address, desk, work).await,
            None => Ok(()),
        }
    }

    /// Opens the desk that officers reach over TLS.
    async fn serve_officers(
        &self,
        config: &Config,
        address: SocketAddr,
        desk: DeskRpc,
        work: &mut Work,
    ) -> Result<(), StartError> {
        let (participant, federation) = (config.node.participant.clone(), config.node.federation.clone());
        let authority = self.keys.officer_ca().certificate().clone();
        let officers = OfficerRoots::new(participant, federation, &[authority])?;
        let authorities = DeskAuthorities { exchange: self.exchange.clone(), keys: self.keys.clone() };
        let (leaf, now) = (LiveLeaf::without_leaf(), now_of(&self.surroundings.clock));
        let issuance = issuance(config, &self.surroundings)?;
        let certificates = Certificates::first(issuance, leaf.clone(), Arc::new(authorities)).await?;
        work.tasks.spawn(certificates.run(self.exchange.trust_changes(), work.stop.clone()));
        let setup = DeskSetup { leaf, officers, now, limits: Limits::default() };
        let mut listener = DeskListener::bind(address, setup).await.map_err(listening(address))?;
        let incoming = listener.incoming().ok_or_else(|| StartError::Server("no connections".into()))?;
        let router = desk_router(desk).await?;
        let ended = work.stop.clone().cancelled_owned();
        work.tasks.spawn(async move {
            report("desk server", router.serve_with_incoming_shutdown(incoming, ended).await);
            listener.stop().await;
        });
        Ok(())
    }

    /// Starts what goes on by itself.
    pub fn start_workers(&self, config: &Config, listener: &Arc<PeerListener>, mut work: Work) -> Work {
        let supervisor = Supervisor {
            exchange: self.exchange.clone(),
            calls: self.calls.clone(),
            roots: self.roots.clone(),
            listener: listener.clone(),
            clock_skew_max: config.exchange.clock_skew_max,
            refresh: config.watch.refresh,
            entropy: self.surroundings.entropy.clone(),
        };
        let (file, stop) = (config.node.descriptor.clone(), &work.stop);
        work.tasks.spawn(supervisor.run(stop.clone()));
        work.tasks.spawn(self.certificates.clone().run(self.exchange.trust_changes(), stop.clone()));
        work.tasks.spawn(own_descriptor::keep(self.exchange.clone(), file, self.filed, stop.clone()));
        work.tasks.spawn(upkeep::run(self.store.clone(), self.surroundings.clock.clone(), stop.clone()));
        work
    }
}

/// Opens the page for collectors, if the configuration names an address.
async fn serve_metrics(config: &Config, watch: Arc<Watch>, work: &mut Work) -> Result<(), StartError> {
    let Some(address) = config.watch.metrics_listen else { return Ok(()) };
    let listener = MetricsListener::bind(address, metrics::http::Bounds::default()).await;
    work.tasks.spawn(listener.map_err(listening(address))?.run(watch, work.stop.clone()));
    Ok(())
}

/// Opens the desk's Unix socket.
async fn serve_socket(config: &Config, desk: DeskRpc, work: &mut Work) -> Result<(), StartError> {
    let callers = Callers::new(&config.desk);
    let socket = DeskSocket::bind(&config.desk.socket, config.desk.socket_group.as_deref()).await?;
    let (incoming, accepting) = socket.accept(callers, work.stop.child_token());
    work.tasks.spawn(accepting);
    let router = desk_router(desk).await?;
    let ended = work.stop.clone().cancelled_owned();
    work.tasks.spawn(async move { report("desk socket", router.serve_with_incoming_shutdown(incoming, ended).await) });
    Ok(())
}

fn now_of(clock: &Arc<dyn Clock>) -> Now {
    let clock = clock.clone();
    Arc::new(move || clock.now())
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

fn issuance(config: &Config, surroundings: &Surroundings) -> Result<Issuance, NameError> {
    let Surroundings { clock, entropy } = surroundings.clone();
    Ok(Issuance { name: node_name(config)?, life: config.tls.leaf_life, clock, entropy })
}

fn node_name(config: &Config) -> Result<NodeName, NameError> {
    NodeName::new(&config.node.node, config.node.participant.clone(), config.node.federation.clone())
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

fn listening(address: SocketAddr) -> impl FnOnce(io::Error) -> StartError {
    move |source| StartError::Listen { address: address.to_string(), source }
}

fn report(what: &str, result: Result<(), tonic::transport::Error>) {
    if let Err(error) = result {
        error!(%error, "{what} ended");
    }
}
