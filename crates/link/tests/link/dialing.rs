//! Whom the dialer believes, and how it says why not.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use selat_link::{
    CertificateFault, DialError, DialLimits, Dialer, HandshakeFault, Leaf, Limits, LiveLeaf, LiveRoots, PeerListener,
    PeerSetup, TrustedPeer,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tonic::codegen::http;
use tower::ServiceExt;

use crate::support::{Clock, Country, DAY, HOUR, Scene, Served, address_of, dns, loopback, trusting, valid};

#[tokio::test]
async fn honest_node_is_believed_and_its_facts_told() {
    let scene = Scene::new().await;
    let dialer = scene.dialer(&scene.aus, &[&scene.mys]);
    let address = scene.as_node_of(&scene.mys);
    assert_eq!(dialer.probe_tcp(&address).await.unwrap(), scene.address());
    let facts = dialer.probe_tls(&address).await.unwrap();
    assert_eq!(facts.name, scene.mys.node());
    assert_eq!(facts.not_after, scene.clock.time().plus(2 * DAY));
    assert_eq!((facts.protocol.as_str(), facts.key_exchange.as_str()), ("TLSv1_3", "X25519MLKEM768"));
    assert_eq!(facts.cipher_suite, "TLS13_AES_256_GCM_SHA384");
}

#[tokio::test]
async fn authority_of_one_peer_cannot_answer_for_another() {
    let scene = Scene::new().await;
    let posing = serve_as(&scene, scene.aus.forge_for(&["node1.idn.demo.internal"], &scene.clock)).await;
    let dialer = scene.dialer(&scene.mys, &[&scene.aus, &scene.idn]);
    let refused = dialer.probe_tls(&address_of(&scene.idn.node(), posing.listener.local_addr())).await;
    let host = "node1.idn.demo.internal".to_owned();
    assert_eq!(fault_of(refused), HandshakeFault::Certificate(CertificateFault::UnknownIssuer { host }));
}

#[tokio::test]
async fn other_node_than_the_dialled_one_is_refused() {
    let scene = Scene::new().await;
    let dialer = scene.dialer(&scene.aus, &[&scene.mys, &scene.idn]);
    let elsewhere = scene.mys.node().to_string().replace("node1", "node2").parse().unwrap();
    for expected in [scene.idn.node(), elsewhere] {
        let refused = dialer.probe_tls(&address_of(&expected, scene.address())).await;
        let Err(DialError::WrongName { expected: told, shown, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!((told, shown), (expected.to_string(), "node1.mys.demo.internal".to_owned()));
    }
}

#[tokio::test]
async fn server_with_two_names_is_refused() {
    let scene = Scene::new().await;
    let leaf = scene.mys.forge_for(&["node1.mys.demo.internal", "node1.idn.demo.internal"], &scene.clock);
    let refused = probe(&scene, &leaf, &[b"h2"]).await;
    assert_eq!(fault_of(refused), HandshakeFault::Certificate(CertificateFault::NotOneName { found: 2 }));
}

#[tokio::test]
async fn server_out_of_date_is_refused_and_the_reason_told() {
    let scene = Scene::new().await;
    let until = scene.clock.time().minus(HOUR);
    let leaf = scene.mys.forge(&scene.clock, |params| {
        params.subject_alt_names = dns(&["node1.mys.demo.internal"]);
        valid(params, scene.clock.time().minus(DAY), until);
    });
    let refused = probe(&scene, &leaf, &[b"h2"]).await;
    let host = "node1.mys.demo.internal".to_owned();
    assert_eq!(fault_of(refused), HandshakeFault::Certificate(CertificateFault::Expired { host, not_after: until }));
}

#[tokio::test]
async fn server_that_does_not_speak_http2_is_refused() {
    let scene = Scene::new().await;
    let refused = probe(&scene, &scene.mys.leaf(&scene.clock), &[]).await;
    assert!(matches!(refused, Err(DialError::NotH2 { .. })), "{refused:?}");
}

#[tokio::test]
async fn officer_certificate_does_not_make_a_server() {
    let scene = Scene::new().await;
    let refused = probe(&scene, &scene.mys.officer_leaf("j-tan", &scene.clock), &[b"h2"]).await;
    assert!(matches!(fault_of(refused), HandshakeFault::Certificate(CertificateFault::Name(_))));
}

#[tokio::test]
async fn participant_that_we_have_not_approved_is_refused() {
    let scene = Scene::new().await;
    let refused = scene.dialer(&scene.aus, &[&scene.idn]).probe_tls(&scene.as_node_of(&scene.mys)).await;
    let fault = HandshakeFault::Certificate(CertificateFault::UnknownParticipant {
        host: "node1.mys.demo.internal".to_owned(),
        participant: scene.mys.id.clone(),
    });
    assert_eq!(fault_of(refused), fault);
}

#[tokio::test]
async fn node_that_has_not_approved_us_is_told_from_one_that_cannot_be_reached() {
    let scene = Scene::new().await;
    let tha = Country::new("THA", &scene.clock);
    let dialer = scene.dialer(&tha, &[&scene.mys]);
    let address = scene.as_node_of(&scene.mys);
    assert!(dialer.probe_tcp(&address).await.is_ok());
    let told = "our certificate is of no participant that it has approved".to_owned();
    assert_eq!(fault_of(dialer.probe_tls(&address).await), HandshakeFault::Refused(told));

    let free = TcpListener::bind(loopback()).await.unwrap().local_addr().unwrap();
    let nobody = address_of(&scene.mys.node(), free);
    assert!(matches!(dialer.probe_tcp(&nobody).await, Err(DialError::Unreachable { .. })));
    assert!(matches!(dialer.probe_tls(&nobody).await, Err(DialError::Unreachable { .. })));
}

#[tokio::test]
async fn node_that_says_nothing_is_given_up() {
    let clock = Clock::new();
    let [aus, mys] = ["AUS", "MYS"].map(|code| Country::new(code, &clock));
    let silent = TcpListener::bind(loopback()).await.unwrap();
    let handshake = Duration::from_millis(50);
    let limits = DialLimits { handshake, ..DialLimits::default() };
    let leaf = LiveLeaf::new(aus.leaf(&clock)).unwrap();
    let dialer = Dialer::new(leaf, LiveRoots::new(trusting(&[&mys])), clock.now(), limits);
    let refused = dialer.probe_tls(&address_of(&mys.node(), silent.local_addr().unwrap())).await;
    assert_eq!(fault_of(refused), HandshakeFault::TimedOut(handshake));
}

#[tokio::test]
async fn authorities_of_the_dialled_are_swapped_live() {
    let scene = Scene::new().await;
    let next = Country::with_seed("MYS", 2, &scene.clock);
    let roots = LiveRoots::new(trusting(&[&scene.mys]));
    let leaf = LiveLeaf::new(scene.aus.leaf(&scene.clock)).unwrap();
    let dialer = Dialer::new(leaf, roots.clone(), scene.clock.now(), DialLimits::default());
    let address = scene.as_node_of(&scene.mys);

    scene.leaf.swap(next.leaf(&scene.clock)).unwrap();
    assert!(dialer.probe_tls(&address).await.is_err());
    let both = [&scene.mys, &next].map(|country| country.windowed(selat_record::Timestamp::EPOCH, None)).into();
    let peer = TrustedPeer { participant: scene.mys.id.clone(), authorities: both };
    roots.swap((*roots.load()).clone().with(peer).unwrap());
    assert!(dialer.probe_tls(&address).await.is_ok());
    scene.leaf.swap(scene.mys.leaf(&scene.clock)).unwrap();
    assert!(dialer.probe_tls(&address).await.is_ok());
    roots.swap(trusting(&[&next]));
    assert!(dialer.probe_tls(&address).await.is_err());
}

#[tokio::test]
async fn closing_a_peer_ends_our_connections_to_it() {
    let scene = Scene::new().await;
    let dialer = scene.dialer(&scene.aus, &[&scene.mys]);
    let mut stream = dialer.connect(&scene.as_node_of(&scene.mys)).await.unwrap();
    // A read is under way when the connection is cut: it must wake.
    let reading = tokio::spawn(async move { stream.read(&mut [0; 1]).await.map_err(|error| error.kind()) });
    tokio::task::yield_now().await;
    assert_eq!(dialer.close_peer(&scene.mys.id), 1);
    assert_eq!(reading.await.unwrap(), Err(std::io::ErrorKind::ConnectionAborted));
}

#[tokio::test]
async fn channel_to_nobody_says_that_it_cannot_be_reached() {
    let scene = Scene::new().await;
    let free = TcpListener::bind(loopback()).await.unwrap().local_addr().unwrap();
    let dialer = scene.dialer(&scene.aus, &[&scene.mys]);
    let refused = dialer.channel(&address_of(&scene.mys.node(), free)).await.err().unwrap();
    assert!(matches!(refused, DialError::Unreachable { .. }), "{refused:?}");
    let lazy = dialer.channel_lazy(&address_of(&scene.mys.node(), free)).unwrap();
    let error = lazy.channel().oneshot(request()).await.err().unwrap();
    assert!(matches!(DialError::find(&error), Some(DialError::Unreachable { .. })), "{error:?}");
}

#[tokio::test]
async fn channel_carries_requests_and_the_server_sees_who_asks() {
    let scene = Scene::new().await;
    let setup = PeerSetup {
        leaf: scene.leaf.clone(),
        roots: scene.roots.clone(),
        now: scene.clock.now(),
        limits: Limits::default(),
    };
    let mut listener = PeerListener::bind(loopback(), setup).await.unwrap();
    let (address, incoming) = (listener.local_addr(), listener.incoming().unwrap());
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let asked = tower::service_fn(move |request: http::Request<tonic::body::Body>| {
        let _ = tell.send(request.extensions().get::<selat_link::PeerIdentity>().cloned());
        async { Ok::<_, std::convert::Infallible>(http::Response::new(tonic::body::Body::empty())) }
    });
    let server = tokio::spawn(tonic::transport::Server::builder().serve_with_incoming(asked, incoming));
    let dialer = scene.dialer(&scene.aus, &[&scene.mys]);
    let channel = dialer.channel(&address_of(&scene.mys.node(), address)).await.unwrap();
    let answer = channel.channel().oneshot(request()).await.unwrap();
    assert_eq!(answer.status(), http::StatusCode::OK);
    assert_eq!(told.recv().await.unwrap().unwrap().name, scene.aus.node());
    assert_eq!(channel.fault(), None);

    listener.stop().await;
    drop((channel, answer));
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn channel_to_a_node_that_refuses_us_keeps_the_reason() {
    let scene = Scene::new().await;
    let tha = Country::new("THA", &scene.clock);
    let dialer = scene.dialer(&tha, &[&scene.mys]);
    let channel = dialer.channel_lazy(&scene.as_node_of(&scene.mys)).unwrap();
    assert!(channel.channel().oneshot(request()).await.is_err());
    assert!(matches!(channel.fault(), Some(HandshakeFault::Refused(_))), "{:?}", channel.fault());
}

fn request() -> http::Request<tonic::body::Body> {
    http::Request::builder().method("POST").uri("/selat.Test/Ask").body(tonic::body::Body::empty()).unwrap()
}

fn fault_of<T: std::fmt::Debug>(refused: Result<T, DialError>) -> HandshakeFault {
    match refused {
        Err(DialError::Tls { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

/// A peer listener that shows `leaf`.
async fn serve_as(scene: &Scene, leaf: Leaf) -> Served<selat_link::PeerGate> {
    let leaf = LiveLeaf::new(leaf).unwrap();
    let setup = PeerSetup { leaf, roots: scene.roots.clone(), now: scene.clock.now(), limits: Limits::default() };
    Served::echo(PeerListener::bind(loopback(), setup).await.unwrap())
}

/// Has AUS call MYS where a server of plain rustls shows `leaf`.
async fn probe(scene: &Scene, leaf: &Leaf, alpn: &[&[u8]]) -> Result<selat_link::TlsFacts, DialError> {
    let socket = TcpListener::bind(loopback()).await.unwrap();
    let address = address_of(&scene.mys.node(), socket.local_addr().unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(plain_server(leaf, alpn)));
    let server = tokio::spawn(async move {
        let (tcp, _) = socket.accept().await.unwrap();
        answer(acceptor, tcp).await
    });
    let probed = scene.dialer(&scene.aus, &[&scene.mys]).probe_tls(&address).await;
    let _ = server.await.unwrap();
    probed
}

async fn answer(acceptor: TlsAcceptor, tcp: TcpStream) -> std::io::Result<()> {
    let mut tls = acceptor.accept(tcp).await?;
    tls.write_all(b"hello").await?;
    tls.shutdown().await
}

fn plain_server(leaf: &Leaf, alpn: &[&[u8]]) -> ServerConfig {
    let blocks = pem::parse_many(leaf.to_pem().as_bytes()).unwrap();
    let certificate = CertificateDer::from(blocks[0].contents().to_vec());
    let key = PrivatePkcs8KeyDer::from(blocks[1].contents().to_vec());
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config
}
