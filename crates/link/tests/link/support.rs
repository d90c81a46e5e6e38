//! A small federation with a clock of its own, forgers, and callers that break the rules.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, PKCS_ED25519,
    SanType, date_time_ymd,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::{ClientConfig, DigitallySignedStruct, HandshakeKind, NamedGroup, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use selat_link::{
    Authority, CertificateFault, DialLimits, Dialer, Gate, HandshakeFault, Leaf, Limits, Listener, LiveLeaf, LiveRoots,
    NodeName, Now, OfficerAuthority, PeerAddress, PeerListener, PeerSetup, Roots, TrustedAuthority, TrustedPeer,
};
use selat_record::pb::KeyPurpose;
use selat_record::{FederationId, ParticipantId, Timestamp};
use selat_seal::{Entropy, SecretKey, Signer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_stream::StreamExt;

pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(24 * 3600);
pub const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A clock that stands still until it is set.
#[derive(Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_767_225_600_000)))
    }

    pub fn time(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(span.as_millis() as i64, Ordering::SeqCst);
    }

    pub fn now(&self) -> Now {
        let clock = self.clone();
        Arc::new(move || clock.time())
    }
}

/// The same bytes in each run, different ones at each call.
#[derive(Default)]
pub struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let drawn = selat_seal::sha256(&[&self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes()]);
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
    }
}

pub fn federation() -> FederationId {
    "demo".parse().unwrap()
}

pub fn participant(code: &str) -> ParticipantId {
    code.parse().unwrap()
}

/// A participant with its authorities.
pub struct Country {
    pub id: ParticipantId,
    pub seed: [u8; 32],
    pub authority: Authority,
    pub officers_seed: [u8; 32],
    pub officers: OfficerAuthority,
    entropy: Counting,
}

impl Country {
    pub fn new(code: &str, clock: &Clock) -> Self {
        Self::with_seed(code, 1, clock)
    }

    /// The same participant with other keys for each `nth`.
    pub fn with_seed(code: &str, nth: u8, clock: &Clock) -> Self {
        let (id, entropy) = (participant(code), Counting::default());
        let seed = selat_seal::sha256(&[code.as_bytes(), &[nth]]);
        let officers_seed = selat_seal::sha256(&[code.as_bytes(), b"officers", &[nth]]);
        let now = clock.time();
        let authority = Authority::create(id.clone(), federation(), signer(&seed), now, YEAR, &entropy).unwrap();
        let officers_key = signer(&officers_seed);
        let officers = OfficerAuthority::create(id.clone(), federation(), officers_key, now, YEAR, &entropy).unwrap();
        Self { id, seed, authority, officers_seed, officers, entropy }
    }

    pub fn node(&self) -> NodeName {
        NodeName::new("node1", self.id.clone(), federation()).unwrap()
    }

    pub fn leaf(&self, clock: &Clock) -> Leaf {
        self.authority.issue(&self.node(), clock.time(), 2 * DAY, &self.entropy).unwrap()
    }

    pub fn officer_leaf(&self, officer: &str, clock: &Clock) -> Leaf {
        let name = format!("{officer}.officer.{}.demo.internal", self.id.to_label()).parse().unwrap();
        self.officers.issue(&name, clock.time(), 7 * DAY, &self.entropy).unwrap()
    }

    /// Anything at all, signed by this participant's node authority.
    pub fn forge(&self, clock: &Clock, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        forge(&self.seed, &format!("{}.demo.internal", self.id.to_label()), clock, change)
    }

    /// A leaf for `names`, signed by this participant's node authority, whatever it may sign.
    pub fn forge_for(&self, names: &[&str], clock: &Clock) -> Leaf {
        self.forge(clock, |params| params.subject_alt_names = dns(names))
    }

    pub fn trusted(&self) -> TrustedPeer {
        self.trusted_from(Timestamp::EPOCH, None)
    }

    /// Trusted within a window.
    pub fn trusted_from(&self, from: Timestamp, until: Option<Timestamp>) -> TrustedPeer {
        TrustedPeer { participant: self.id.clone(), authorities: vec![self.windowed(from, until)] }
    }

    pub fn windowed(&self, from: Timestamp, until: Option<Timestamp>) -> TrustedAuthority {
        TrustedAuthority { certificate: self.authority.certificate().clone(), from, until }
    }
}

/// The key of an authority, from its seed.
pub fn signer(seed: &[u8; 32]) -> Arc<Signer> {
    Arc::new(Signer::new(KeyPurpose::TlsCa, SecretKey::from_seed(*seed)))
}

pub fn dns(names: &[&str]) -> Vec<SanType> {
    names.iter().map(|name| SanType::DnsName((*name).try_into().unwrap())).collect()
}

/// Signs a leaf as the authority with this seed and subject would.
pub fn forge(
    issuer_seed: &[u8; 32],
    issuer_subject: &str,
    clock: &Clock,
    change: impl FnOnce(&mut CertificateParams),
) -> Leaf {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = date_time_ymd(1970, 1, 1) + clock.time().minus(HOUR).since(Timestamp::EPOCH);
    params.not_after = date_time_ymd(1970, 1, 1) + clock.time().plus(DAY).since(Timestamp::EPOCH);
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    change(&mut params);
    let mut issuer = CertificateParams::default();
    issuer.distinguished_name = DistinguishedName::new();
    issuer.distinguished_name.push(DnType::CommonName, issuer_subject);
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let certificate = params.signed_by(&key, &Issuer::from_params(&issuer, key_of(issuer_seed))).unwrap();
    Leaf::from_pem(&format!("{}{}", certificate.pem(), key.serialize_pem())).unwrap()
}

pub fn key_of(seed: &[u8; 32]) -> KeyPair {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
    let document = pair.to_pkcs8().unwrap();
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(document.as_ref()), &PKCS_ED25519).unwrap()
}

/// Makes a leaf valid from `from` to `until`.
pub fn valid(params: &mut CertificateParams, from: Timestamp, until: Timestamp) {
    params.not_before = date_time_ymd(1970, 1, 1) + from.since(Timestamp::EPOCH);
    params.not_after = date_time_ymd(1970, 1, 1) + until.since(Timestamp::EPOCH);
}

/// The roots of a node that has approved these.
pub fn trusting(countries: &[&Country]) -> Roots {
    countries.iter().fold(Roots::new(federation()), |roots, country| roots.with(country.trusted()).unwrap())
}

/// A listener whose server sends back what it gets, and tells who came.
pub struct Served<G: Gate> {
    pub listener: Listener<G>,
    pub callers: mpsc::UnboundedReceiver<G::Identity>,
}

impl<G: Gate> Served<G> {
    pub fn echo(mut listener: Listener<G>) -> Self {
        let mut incoming = listener.incoming().unwrap();
        let (tell, callers) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(connection)) = incoming.next().await {
                let _ = tell.send(connection.identity().clone());
                let (mut from, mut to) = tokio::io::split(connection);
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
            }
        });
        Self { listener, callers }
    }

    /// Why the latest caller was refused.
    pub fn refusal(&self) -> HandshakeFault {
        self.listener.handshakes().summary().recent.last().expect("somebody was refused").fault.clone()
    }

    pub fn certificate_refusal(&self) -> CertificateFault {
        match self.refusal() {
            HandshakeFault::Certificate(fault) => fault,
            other => panic!("refused for another reason: {other:?}"),
        }
    }
}

/// The peer listener of MYS, which has approved AUS and IDN.
pub struct Scene {
    pub clock: Clock,
    pub aus: Country,
    pub idn: Country,
    pub mys: Country,
    pub roots: Arc<LiveRoots>,
    pub leaf: Arc<LiveLeaf>,
    pub served: Served<selat_link::PeerGate>,
}

impl Scene {
    pub async fn new() -> Self {
        Self::with_limits(Limits::default()).await
    }

    pub async fn with_limits(limits: Limits) -> Self {
        let clock = Clock::new();
        let [aus, idn, mys] = ["AUS", "IDN", "MYS"].map(|code| Country::new(code, &clock));
        let roots = LiveRoots::new(trusting(&[&aus, &idn]));
        let leaf = LiveLeaf::new(mys.leaf(&clock)).unwrap();
        let setup = PeerSetup { leaf: leaf.clone(), roots: roots.clone(), now: clock.now(), limits };
        let served = Served::echo(PeerListener::bind(loopback(), setup).await.unwrap());
        Self { clock, aus, idn, mys, roots, leaf, served }
    }

    pub fn address(&self) -> SocketAddr {
        self.served.listener.local_addr()
    }

    pub async fn call(&self, leaf: &Leaf) -> Called {
        Caller::with(leaf).call(self.address()).await
    }

    /// A dialer of `country`, which has approved `approved`.
    pub fn dialer(&self, country: &Country, approved: &[&Country]) -> Dialer {
        let leaf = LiveLeaf::new(country.leaf(&self.clock)).unwrap();
        Dialer::new(leaf, LiveRoots::new(trusting(approved)), self.clock.now(), DialLimits::default())
    }

    /// Where this listener is called under the name of `country`'s node.
    pub fn as_node_of(&self, country: &Country) -> PeerAddress {
        address_of(&country.node(), self.address())
    }
}

pub fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub fn address_of(name: &NodeName, socket: SocketAddr) -> PeerAddress {
    PeerAddress { name: name.clone(), host: socket.ip().to_string(), port: socket.port() }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Called {
    /// The server sent our bytes back.
    Echoed { key_exchange: NamedGroup, kind: HandshakeKind },
    /// It did not; this is what it said.
    Refused(String),
}

impl Called {
    pub fn is_echoed(&self) -> bool {
        matches!(self, Self::Echoed { .. })
    }
}

/// A client that believes any server and shows what it is told to show.
pub struct Caller {
    chain: Vec<CertificateDer<'static>>,
    key: Option<PrivateKeyDer<'static>>,
    alpn: Vec<Vec<u8>>,
    resumption: Resumption,
}

impl Caller {
    pub fn with(leaf: &Leaf) -> Self {
        let blocks = pem::parse_many(leaf.to_pem().as_bytes()).unwrap();
        let key = PrivatePkcs8KeyDer::from(blocks[1].contents().to_vec());
        Self { chain: vec![leaf.certificate().clone()], key: Some(key.into()), ..Self::without_certificate() }
    }

    pub fn without_certificate() -> Self {
        Self { chain: Vec::new(), key: None, alpn: vec![b"h2".to_vec()], resumption: Resumption::disabled() }
    }

    pub fn showing_also(mut self, other: &CertificateDer<'static>) -> Self {
        self.chain.push(other.clone());
        self
    }

    pub fn speaking(mut self, alpn: &[&[u8]]) -> Self {
        self.alpn = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        self
    }

    pub fn resuming(mut self, store: Arc<Tickets>) -> Self {
        self.resumption = Resumption::store(store);
        self
    }

    pub async fn call(&self, address: SocketAddr) -> Called {
        let connector = TlsConnector::from(Arc::new(self.config()));
        let name = ServerName::try_from("node1.mys.demo.internal").unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        let mut tls = match connector.connect(name, tcp).into_fallible().await {
            Ok(tls) => tls,
            Err((error, tcp)) => return refused(error, tcp).await,
        };
        let mut answer = [0; 4];
        let echoed = async {
            tls.write_all(b"ping").await?;
            tls.read_exact(&mut answer).await.map(drop)
        };
        if let Err(error) = echoed.await {
            return refused(error, tls.into_inner().0).await;
        }
        let session = tls.get_ref().1;
        Called::Echoed {
            key_exchange: session.negotiated_key_exchange_group().unwrap().name(),
            kind: session.handshake_kind().unwrap(),
        }
    }

    fn config(&self) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(BelievesAll));
        let mut config = match &self.key {
            Some(key) => builder.with_client_auth_cert(self.chain.clone(), key.clone_key()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.clone();
        config.resumption = self.resumption.clone();
        config
    }
}

/// Reads on to the very end: the listener closes only after it has taken down why it refused.
async fn refused(error: std::io::Error, mut tcp: TcpStream) -> Called {
    let _ = tcp.read_to_end(&mut Vec::new()).await;
    Called::Refused(error.to_string())
}

#[derive(Debug)]
struct BelievesAll;

impl ServerCertVerifier for BelievesAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

/// Counts the tickets that servers hand out.
#[derive(Debug, Default)]
pub struct Tickets(AtomicUsize);

impl Tickets {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}
