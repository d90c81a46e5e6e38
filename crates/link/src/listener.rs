//! The accept loop: from a TCP connection of a stranger to a connection whose other end is known.
//!
//! Promises: a stranger gets a bounded time, and all strangers together a bounded number of handshakes, of which one
//! address holds only a part; a refused handshake is counted and its reason kept; what the accept call complains of
//! does not end the listener unless it goes on and on. One task accepts, and owns the handshakes: [`Listener::stop`] ends
//! both and waits for them. Live connections are the server's to end.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::Stream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use crate::connection::Connection;
use crate::gate::{ClientJudge, Finding, Gate, Identity, fault_in};
use crate::handshake::{HandshakeFault, HandshakeLog, RefusedHandshake};
use crate::leaf::LiveLeaf;
use crate::registry::{Connections, Place};
use crate::tls::{H2, Now, server_config};

/// Accepted connections that wait for the server to take them.
const WAITING_MAX: usize = 16;
/// Accept errors in a row after which the listener gives up, about a minute: its stream ends and the node notices.
const ACCEPT_ERRORS_MAX: u32 = 60;
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long, and for how many bytes, a refused caller is listened to so that the alert reaches it: closing a socket with
/// unread bytes resets it, and the reset may overtake the alert.
const PARTING: Duration = Duration::from_millis(500);
const PARTING_BYTES: u64 = 64 * 1024;

/// Bounds of a listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time for a handshake.
    pub handshake: Duration,
    /// Handshakes at a time; further callers wait in the system's queue.
    pub handshakes_max: usize,
    /// Handshakes at a time from one address, or from one /64 network of IPv6; further ones are closed.
    pub handshakes_per_address_max: usize,
    /// Loopback addresses are bounded by `handshakes_max` only: behind them may be a whole federation on one machine, or
    /// a proxy that hides where the callers are.
    pub loopback_is_many: bool,
    /// Live connections of one caller; further ones are closed.
    pub connections_per_caller_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            handshakes_max: 64,
            handshakes_per_address_max: 16,
            loopback_is_many: false,
            connections_per_caller_max: 8,
        }
    }
}

/// A listener that only lets in whom its gate knows.
pub struct Listener<G: Gate> {
    address: SocketAddr,
    door: Arc<Door<G>>,
    incoming: Option<Incoming<G::Identity>>,
    stop: CancellationToken,
    // Dropping the listener stops it too, only without waiting.
    _stop_on_drop: DropGuard,
    tasks: TaskTracker,
}

impl<G: Gate> Listener<G> {
    pub(crate) async fn open(
        address: SocketAddr,
        gate: G,
        leaf: Arc<LiveLeaf>,
        now: Now,
        limits: Limits,
    ) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        let door = Arc::new(Door {
            gate: Arc::new(gate),
            leaf,
            now,
            limits,
            handshakes: Arc::new(Semaphore::new(limits.handshakes_max)),
            addresses: Connections::new(limits.handshakes_per_address_max),
            connections: Connections::new(limits.connections_per_caller_max),
            log: HandshakeLog::default(),
        });
        let (accepted, waiting) = mpsc::channel(WAITING_MAX);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(accept_loop(socket, Arc::clone(&door), accepted, stop.clone()));
        tasks.close();
        let _stop_on_drop = stop.clone().drop_guard();
        Ok(Self { address, door, incoming: Some(Incoming(waiting)), stop, _stop_on_drop, tasks })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The accepted connections, for `serve_with_incoming`; they can be taken once.
    pub fn incoming(&mut self) -> Option<Incoming<G::Identity>> {
        self.incoming.take()
    }

    /// The live connections of each caller.
    pub fn connections(&self) -> &Connections<<G::Identity as Identity>::Key> {
        &self.door.connections
    }

    /// The account of its handshakes.
    pub fn handshakes(&self) -> &HandshakeLog {
        &self.door.log
    }

    /// Stops accepting, breaks off handshakes and waits until both are done. The stream of connections ends.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

/// The accepted connections of a listener. Ends when the listener stops.
pub struct Incoming<I: Identity>(mpsc::Receiver<Connection<I>>);

impl<I: Identity> Stream for Incoming<I> {
    type Item = Result<Connection<I>, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|next| next.map(Ok))
    }
}

type Accepted<G> = mpsc::Sender<Connection<<G as Gate>::Identity>>;

/// What all handshakes of a listener share.
struct Door<G: Gate> {
    gate: Arc<G>,
    leaf: Arc<LiveLeaf>,
    now: Now,
    limits: Limits,
    handshakes: Arc<Semaphore>,
    addresses: Connections<IpAddr>,
    connections: Connections<<G::Identity as Identity>::Key>,
    log: HandshakeLog,
}

async fn accept_loop<G: Gate>(socket: TcpListener, door: Arc<Door<G>>, accepted: Accepted<G>, stop: CancellationToken) {
    let mut handshakes = JoinSet::new();
    let mut errors = 0;
    while let Some(next) = stop.run_until_cancelled(next_caller(&socket, &door)).await {
        while handshakes.try_join_next().is_some() {}
        match next {
            Ok((tcp, remote, permit)) => {
                errors = 0;
                handshakes.spawn(receive(Arc::clone(&door), tcp, remote, accepted.clone(), permit));
            }
            Err(_) if errors == ACCEPT_ERRORS_MAX => {
                error!("listener gives up: accepting goes on failing");
                break;
            }
            Err(error) => {
                errors += 1;
                warn!(%error, "accepting failed");
                // Out of file handles: trying again at once would only spin.
                let pause = ACCEPT_PAUSE_MAX.min(Duration::from_millis(10) * errors);
                stop.run_until_cancelled(sleep(pause)).await;
            }
        }
    }
    handshakes.shutdown().await;
}

async fn next_caller<G: Gate>(
    socket: &TcpListener,
    door: &Door<G>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(&door.handshakes).acquire_owned().await;
    let permit = permit.expect("the semaphore is never closed");
    let (tcp, remote) = socket.accept().await?;
    Ok((tcp, remote, permit))
}

/// Takes one caller through its handshake and hands the connection on. While the server does not take it, the permit
/// is held, so that a busy server slows accepting down.
async fn receive<G: Gate>(
    door: Arc<Door<G>>,
    tcp: TcpStream,
    remote: SocketAddr,
    accepted: Accepted<G>,
    _permit: OwnedSemaphorePermit,
) {
    let max = door.limits.handshakes_per_address_max;
    let place = door.origin_of(remote.ip()).map(|origin| door.addresses.admit(origin));
    if matches!(place, Some(None)) {
        return door.refuse(remote, HandshakeFault::TooManyHandshakes { max });
    }
    let within = door.limits.handshake;
    let shaken = timeout(within, door.shake_hands(tcp, remote)).await;
    match shaken {
        Err(_) => door.refuse(remote, HandshakeFault::TimedOut(within)),
        Ok(Err((fault, tcp))) => {
            door.refuse(remote, fault);
            part(tcp).await;
        }
        Ok(Ok(connection)) => {
            door.log.accepted();
            // Fails only when the server is gone, and then nobody wants the connection.
            let _ = accepted.send(connection).await;
        }
    }
}

type PlaceOf<G> = Place<<<G as Gate>::Identity as Identity>::Key>;
type Refused = (HandshakeFault, TcpStream);

impl<G: Gate> Door<G> {
    /// Under which address a caller's handshakes are counted; `None` if they are not.
    fn origin_of(&self, caller: IpAddr) -> Option<IpAddr> {
        let caller = caller.to_canonical();
        let counted = !(self.limits.loopback_is_many && caller.is_loopback());
        counted.then(|| network_of(caller))
    }

    async fn shake_hands(&self, tcp: TcpStream, remote: SocketAddr) -> Result<Connection<G::Identity>, Refused> {
        if let Err(error) = tcp.set_nodelay(true) {
            return Err((HandshakeFault::BrokeOff(error.kind()), tcp));
        }
        let finding: Finding<G::Identity> = Arc::default();
        let judge = ClientJudge { gate: Arc::clone(&self.gate), remote, finding: Arc::clone(&finding) };
        let config = server_config(&self.now, Arc::new(judge), &self.leaf);
        let shaken = TlsAcceptor::from(Arc::new(config)).accept(tcp).into_fallible().await;
        let tls = shaken.map_err(|(error, tcp)| (HandshakeFault::of(&error, fault_in(&finding)), tcp))?;
        match self.admit(&tls, &finding, remote) {
            Ok((identity, place)) => Ok(Connection::new(tls, identity, place)),
            Err(fault) => Err((fault, tls.into_inner().0)),
        }
    }

    /// Gives a finished handshake its place among the live connections.
    fn admit(
        &self,
        tls: &TlsStream<TcpStream>,
        finding: &Finding<G::Identity>,
        remote: SocketAddr,
    ) -> Result<(G::Identity, PlaceOf<G>), HandshakeFault> {
        let session = tls.get_ref().1;
        if session.alpn_protocol() != Some(H2) {
            return Err(HandshakeFault::NotH2);
        }
        let Some(Ok(found)) = finding.get() else { return Err(HandshakeFault::NoCertificate) };
        let leaf = session.peer_certificates().and_then(|shown| shown.first()).ok_or(HandshakeFault::NoCertificate)?;
        let too_many = || HandshakeFault::TooManyConnections {
            caller: found.key().to_string(),
            max: self.limits.connections_per_caller_max,
        };
        let place = self.connections.admit(found.key()).ok_or_else(too_many)?;
        // Judged once more now that the connection can be cut: a caller who lost its trust during the handshake is
        // either refused here or found by the one who closes its connections.
        let identity = self.gate.judge(leaf, remote, (self.now)())?;
        Ok((identity, place))
    }

    fn refuse(&self, remote: SocketAddr, fault: HandshakeFault) {
        self.log.refused(RefusedHandshake { at: (self.now)(), remote, fault });
    }
}

/// A host has a whole /64 network of IPv6 to call from: all of it counts as one address.
fn network_of(caller: IpAddr) -> IpAddr {
    match caller {
        IpAddr::V4(_) => caller,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// Ends a refused connection so that what we said last can be read.
async fn part(mut tcp: TcpStream) {
    let parting = async {
        tcp.shutdown().await?;
        tokio::io::copy(&mut (&mut tcp).take(PARTING_BYTES), &mut tokio::io::sink()).await
    };
    // Whether the refused caller still listens makes no difference to us.
    let _ = timeout(PARTING, parting).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_counts_as_one_address_whichever_it_takes_of_its_network() {
        let same = |one: &str, other: &str| network_of(one.parse().unwrap()) == network_of(other.parse().unwrap());
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
