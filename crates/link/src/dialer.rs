//! Calls a node: the one that was meant, or none.
//!
//! The authorities asked are those of the participant dialled, and the name shown must be the very node dialled.
//! Reachability and TLS can be tried apart from each other, so that an operator learns which of them fails.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use selat_record::{ParticipantId, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

use crate::certificate::{CertificateFault, LeafFacts};
use crate::connection::DialedStream;
use crate::gate::{Finding, ServerJudge, fault_in};
use crate::handshake::HandshakeFault;
use crate::leaf::LiveLeaf;
use crate::name::NodeName;
use crate::registry::Connections;
use crate::roots::LiveRoots;
use crate::tls::{H2, Now, client_config};

/// What a node answers with headers is small; the default of 16 MiB invites abuse.
const HEADERS_BYTES_MAX: u32 = 16 * 1024;
/// A silent connection is tried this often, and given up after as long without an answer.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const KEEP_ALIVE_ANSWER: Duration = Duration::from_secs(10);
/// The client's opening of HTTP/2 with an empty SETTINGS frame (RFC 9113, 3.4): any node answers it.
const H2_OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// Where a node is called, and who must answer there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAddress {
    /// The node that must answer.
    pub name: NodeName,
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Bounds of a dialer.
#[derive(Debug, Clone, Copy)]
pub struct DialLimits {
    /// Time for name look-up and TCP connection.
    pub connect: Duration,
    /// Time for the handshake, and in a probe for the first answer after it.
    pub handshake: Duration,
    /// Live connections to one participant.
    pub connections_per_peer_max: usize,
}

impl Default for DialLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), handshake: Duration::from_secs(5), connections_per_peer_max: 8 }
    }
}

/// Calls nodes. Cheap to clone.
#[derive(Clone)]
pub struct Dialer {
    leaf: Arc<LiveLeaf>,
    roots: Arc<LiveRoots>,
    now: Now,
    limits: DialLimits,
    connections: Connections<ParticipantId>,
}

impl Dialer {
    /// Shows `leaf` and trusts `roots`, both as they stand at the moment of each call.
    pub fn new(leaf: Arc<LiveLeaf>, roots: Arc<LiveRoots>, now: Now, limits: DialLimits) -> Self {
        Self { leaf, roots, now, limits, connections: Connections::new(limits.connections_per_peer_max) }
    }

    /// A gRPC channel to a node, connected. It reconnects by itself, with the leaf and the roots of that moment.
    pub async fn channel(&self, address: &PeerAddress) -> Result<PeerChannel, DialError> {
        let (endpoint, fault) = (endpoint(address)?, Arc::default());
        let connector = self.connector(address, &fault);
        match endpoint.connect_with_connector(connector).await {
            Ok(channel) => Ok(PeerChannel { channel, fault }),
            Err(error) => Err(DialError::find(&error).unwrap_or_else(|| DialError::Channel(error.to_string()))),
        }
    }

    /// The same, connected when it is first used.
    pub fn channel_lazy(&self, address: &PeerAddress) -> Result<PeerChannel, DialError> {
        let (endpoint, fault) = (endpoint(address)?, Arc::default());
        let channel = endpoint.connect_with_connector_lazy(self.connector(address, &fault));
        Ok(PeerChannel { channel, fault })
    }

    /// Tries whether something listens at the address, and says where.
    pub async fn probe_tcp(&self, address: &PeerAddress) -> Result<SocketAddr, DialError> {
        let tcp = self.reach(address).await?;
        tcp.peer_addr().map_err(|error| DialError::unreachable(address, &error))
    }

    /// Tries whether the node answers there with a good certificate, and accepts ours.
    pub async fn probe_tls(&self, address: &PeerAddress) -> Result<TlsFacts, DialError> {
        let tcp = self.reach(address).await?;
        let (mut tls, facts) = self.shake_hands(address, tcp).await?;
        // A node refuses our certificate only after the handshake is through for us: wait for its first byte.
        let answer = async {
            tls.write_all(H2_OPENING).await?;
            tls.flush().await?;
            tls.read_u8().await
        };
        match timeout(self.limits.handshake, answer).await {
            Err(_) => Err(DialError::tls(address, HandshakeFault::TimedOut(self.limits.handshake))),
            Ok(Err(error)) => Err(DialError::tls(address, HandshakeFault::of(&error, None))),
            Ok(Ok(_)) => Ok(facts),
        }
    }

    /// A connection to the node without gRPC on it.
    pub async fn connect(&self, address: &PeerAddress) -> Result<DialedStream, DialError> {
        self.dial(address, &Arc::default()).await
    }

    /// Cuts all live connections to `participant`, at once; says how many there were. Take it out of the roots first.
    pub fn close_peer(&self, participant: &ParticipantId) -> usize {
        self.connections.close(participant)
    }

    fn connector(&self, address: &PeerAddress, fault: &Arc<ArcSwapOption<HandshakeFault>>) -> impl Connector {
        let (dialer, address, fault) = (self.clone(), address.clone(), Arc::clone(fault));
        tower::service_fn(move |_uri| {
            let (dialer, address, fault) = (dialer.clone(), address.clone(), Arc::clone(&fault));
            async move { dialer.dial(&address, &fault).await.map(TokioIo::new) }
        })
    }

    async fn dial(
        &self,
        address: &PeerAddress,
        fault: &Arc<ArcSwapOption<HandshakeFault>>,
    ) -> Result<DialedStream, DialError> {
        let participant = address.name.participant();
        let max = self.limits.connections_per_peer_max;
        let too_many = || HandshakeFault::TooManyConnections { caller: participant.to_string(), max };
        // Taken before the handshake: a participant that loses its trust meanwhile finds the connection cut.
        let place = self.connections.admit(participant.clone());
        let place = place.ok_or_else(|| DialError::tls(address, too_many()))?;
        let tcp = self.reach(address).await?;
        let (tls, _) = self.shake_hands(address, tcp).await?;
        fault.store(None);
        Ok(DialedStream::new(tls, place, Arc::clone(fault)))
    }

    async fn reach(&self, address: &PeerAddress) -> Result<TcpStream, DialError> {
        let connecting = TcpStream::connect((address.host.as_str(), address.port));
        let tcp = match timeout(self.limits.connect, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        let tcp = tcp.map_err(|error| DialError::unreachable(address, &error))?;
        tcp.set_nodelay(true).map_err(|error| DialError::unreachable(address, &error))?;
        Ok(tcp)
    }

    async fn shake_hands(
        &self,
        address: &PeerAddress,
        tcp: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, TlsFacts), DialError> {
        let finding: Finding<LeafFacts> = Arc::default();
        let (roots, expected) = (Arc::clone(&self.roots), address.name.clone());
        let judge = ServerJudge { expected, roots, finding: Arc::clone(&finding) };
        let config = client_config(&self.now, Arc::new(judge), &self.leaf);
        let name = ServerName::try_from(address.name.to_string()).expect("a node name is a DNS name");
        let shaking = TlsConnector::from(Arc::new(config)).connect(name, tcp);
        let tls = match timeout(self.limits.handshake, shaking).await {
            Err(_) => return Err(DialError::tls(address, HandshakeFault::TimedOut(self.limits.handshake))),
            Ok(Err(error)) => return Err(DialError::tls(address, HandshakeFault::of(&error, fault_in(&finding)))),
            Ok(Ok(tls)) => tls,
        };
        let found = finding.get().and_then(|found| found.as_ref().ok());
        let Some(leaf) = found else { return Err(DialError::tls(address, HandshakeFault::NoCertificate)) };
        let facts = TlsFacts::of(&address.name, leaf, &tls);
        if tls.get_ref().1.alpn_protocol() != Some(H2) {
            return Err(DialError::tls(address, HandshakeFault::NotH2));
        }
        Ok((tls, facts))
    }
}

/// A gRPC channel to one node, and what last broke it.
#[derive(Clone)]
pub struct PeerChannel {
    channel: Channel,
    fault: Arc<ArcSwapOption<HandshakeFault>>,
}

impl PeerChannel {
    /// The channel, for a generated client. A clone shares the connection.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Why the latest connection broke: names a refusal of our certificate that gRPC only reports as a broken transport.
    pub fn fault(&self) -> Option<HandshakeFault> {
        self.fault.load().as_deref().cloned()
    }
}

/// What a good handshake with a node showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// The node that answered.
    pub name: NodeName,
    /// Fingerprint of its certificate.
    pub certificate_sha256: [u8; 32],
    /// From when its certificate is valid.
    pub not_before: Timestamp,
    /// Until when its certificate is valid.
    pub not_after: Timestamp,
    /// The version of TLS, as `TLSv1_3`.
    pub protocol: String,
    /// How the keys were agreed on, as `X25519MLKEM768`.
    pub key_exchange: String,
    /// The cipher, as `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
}

impl TlsFacts {
    fn of(name: &NodeName, leaf: &LeafFacts, tls: &TlsStream<TcpStream>) -> Self {
        let session = tls.get_ref().1;
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        Self {
            name: name.clone(),
            certificate_sha256: leaf.sha256,
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            protocol: or_none(session.protocol_version().map(|version| format!("{version:?}"))),
            key_exchange: or_none(session.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()))),
            cipher_suite: or_none(session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()))),
        }
    }
}

/// Why a node could not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// Nothing answers there, or the host is unknown.
    #[error("{address} cannot be reached: {why}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system said.
        why: String,
    },
    /// Another node answers there.
    #[error("{address} is {shown}, not {expected}")]
    WrongName {
        /// Host and port.
        address: String,
        /// Who was called.
        expected: String,
        /// Who answered.
        shown: String,
    },
    /// Something answers, but not with HTTP/2.
    #[error("{address} does not speak HTTP/2")]
    NotH2 {
        /// Host and port.
        address: String,
    },
    /// Something answers, but no trusted connection came about.
    #[error("no trusted connection to {address}")]
    Tls {
        /// Host and port.
        address: String,
        /// Why.
        #[source]
        fault: HandshakeFault,
    },
    /// The host cannot stand in an address.
    #[error("{0:?} is not a host")]
    Host(String),
    /// gRPC could not make a channel of the connection.
    #[error("no channel: {0}")]
    Channel(String),
}

impl DialError {
    /// Finds the dial error among the causes of another error, such as a gRPC status or transport error.
    pub fn find(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut causes = std::iter::successors(Some(error), |cause| cause.source());
        causes.find_map(|cause| cause.downcast_ref::<Self>()).cloned()
    }

    fn unreachable(address: &PeerAddress, error: &io::Error) -> Self {
        Self::Unreachable { address: socket(address), why: error.to_string() }
    }

    fn tls(address: &PeerAddress, fault: HandshakeFault) -> Self {
        let address = socket(address);
        match fault {
            HandshakeFault::Certificate(CertificateFault::WrongName { expected, shown }) => {
                Self::WrongName { address, expected, shown }
            }
            HandshakeFault::NotH2 => Self::NotH2 { address },
            fault => Self::Tls { address, fault },
        }
    }
}

/// What `connect_with_connector` asks of a connector, under one name.
trait Connector:
    tower::Service<
        tonic::transport::Uri,
        Response = TokioIo<DialedStream>,
        Error = DialError,
        Future: Future<Output = Result<TokioIo<DialedStream>, DialError>> + Send,
    > + Send
    + 'static
{
}

impl<S> Connector for S where
    S: tower::Service<
            tonic::transport::Uri,
            Response = TokioIo<DialedStream>,
            Error = DialError,
            Future: Future<Output = Result<TokioIo<DialedStream>, DialError>> + Send,
        > + Send
        + 'static
{
}

fn endpoint(address: &PeerAddress) -> Result<Endpoint, DialError> {
    // The authority of requests is the node's name; where the bytes go is the connector's business.
    let uri = format!("http://{}:{}", address.name, address.port);
    let endpoint = Endpoint::from_shared(uri).map_err(|_| DialError::Host(address.host.clone()))?;
    Ok(endpoint
        .http2_max_header_list_size(HEADERS_BYTES_MAX)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_ANSWER)
        .keep_alive_while_idle(true))
}

fn socket(address: &PeerAddress) -> String {
    match address.host.contains(':') {
        true => format!("[{}]:{}", address.host, address.port),
        false => format!("{}:{}", address.host, address.port),
    }
}
