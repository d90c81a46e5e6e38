//! Who comes in at the peer listener of MYS, which has approved AUS and IDN.

use rcgen::{ExtendedKeyUsagePurpose, SanType};
use rustls::{HandshakeKind, NamedGroup};
use selat_link::{
    CertificateFault, HandshakeFault, Limits, LiveLeaf, LiveRoots, PeerListener, PeerSetup, Roots, TrustedPeer,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    Called, Caller, Country, DAY, HOUR, Scene, Served, Tickets, YEAR, dns, loopback, trusting, valid,
};

const UNKNOWN_CA: &str = "received fatal alert: UnknownCA";

#[tokio::test]
async fn honest_peer_comes_in_under_its_own_name() {
    let mut scene = Scene::new().await;
    let called = scene.call(&scene.aus.leaf(&scene.clock)).await;
    assert_eq!(called, Called::Echoed { key_exchange: NamedGroup::X25519MLKEM768, kind: HandshakeKind::Full });
    let identity = scene.served.callers.recv().await.unwrap();
    assert_eq!(identity.name, scene.aus.node());
    assert!(identity.remote.ip().is_loopback());
    assert_eq!(scene.served.listener.handshakes().summary().accepted, 1);
}

#[tokio::test]
async fn authority_of_one_peer_cannot_speak_for_another() {
    let scene = Scene::new().await;
    let called = scene.call(&scene.aus.forge_for(&["node1.idn.demo.internal"], &scene.clock)).await;
    assert!(!called.is_echoed());
    let host = "node1.idn.demo.internal".to_owned();
    assert_eq!(scene.served.certificate_refusal(), CertificateFault::UnknownIssuer { host });
}

#[tokio::test]
async fn certificate_with_other_than_one_dns_name_is_refused() {
    let scene = Scene::new().await;
    let uri = || SanType::URI("spiffe://node1.aus.demo.internal".try_into().unwrap());
    let (own, other) = ("node1.aus.demo.internal", "node1.idn.demo.internal");
    let one_of_each = dns(&[own]).into_iter().chain([uri()]).collect::<Vec<_>>();
    for (names, found) in
        [(dns(&[own, other]), 2), (dns(&[own, own]), 2), (one_of_each, 2), (vec![uri()], 1), (vec![], 0)]
    {
        let leaf = scene.aus.forge(&scene.clock, |params| params.subject_alt_names = names);
        assert!(!scene.call(&leaf).await.is_echoed());
        assert_eq!(scene.served.certificate_refusal(), CertificateFault::NotOneName { found });
    }
}

#[tokio::test]
async fn name_out_of_shape_is_refused() {
    let scene = Scene::new().await;
    for name in ["aus.demo.internal", "x.node1.aus.demo.internal", "*.aus.demo.internal", "NODE1.aus.demo.internal"] {
        assert!(!scene.call(&scene.aus.forge_for(&[name], &scene.clock)).await.is_echoed(), "{name}");
        assert!(matches!(scene.served.certificate_refusal(), CertificateFault::Name(_)), "{name}");
    }
}

#[tokio::test]
async fn name_of_another_federation_is_refused() {
    let scene = Scene::new().await;
    assert!(!scene.call(&scene.aus.forge_for(&["node1.aus.other.internal"], &scene.clock)).await.is_echoed());
    assert!(matches!(scene.served.certificate_refusal(), CertificateFault::OtherFederation { .. }));
}

#[tokio::test]
async fn participant_that_is_not_approved_is_refused() {
    let scene = Scene::new().await;
    let tha = Country::new("THA", &scene.clock);
    assert!(!scene.call(&tha.leaf(&scene.clock)).await.is_echoed());
    let (host, participant) = ("node1.tha.demo.internal".to_owned(), tha.id);
    assert_eq!(scene.served.certificate_refusal(), CertificateFault::UnknownParticipant { host, participant });
}

#[tokio::test]
async fn stranger_cannot_tell_an_approved_participant_from_another() {
    let scene = Scene::new().await;
    let tha = Country::new("THA", &scene.clock);
    let ended = |params: &mut rcgen::CertificateParams| {
        valid(params, scene.clock.time().minus(2 * DAY), scene.clock.time().minus(DAY));
    };
    for name in ["node1.aus.demo.internal", "node1.nzl.demo.internal"] {
        let fresh = tha.forge_for(&[name], &scene.clock);
        let old = tha.forge(&scene.clock, |params| {
            params.subject_alt_names = dns(&[name]);
            ended(params);
        });
        for leaf in [fresh, old] {
            assert_eq!(scene.call(&leaf).await, Called::Refused(UNKNOWN_CA.to_owned()), "{name}");
        }
    }
}

#[tokio::test]
async fn second_authority_is_believed_as_soon_as_it_is_added() {
    let scene = Scene::new().await;
    let next = Country::with_seed("AUS", 2, &scene.clock);
    assert!(!scene.call(&next.leaf(&scene.clock)).await.is_echoed());
    let both = [&scene.aus, &next].map(|country| country.windowed(selat_record::Timestamp::EPOCH, None)).into();
    let peer = TrustedPeer { participant: scene.aus.id.clone(), authorities: both };
    scene.roots.swap((*scene.roots.load()).clone().with(peer).unwrap());
    assert!(scene.call(&next.leaf(&scene.clock)).await.is_echoed());
    assert!(scene.call(&scene.aus.leaf(&scene.clock)).await.is_echoed());
}

#[tokio::test]
async fn old_authority_is_refused_as_soon_as_it_is_removed() {
    let scene = Scene::new().await;
    let old = scene.aus.leaf(&scene.clock);
    assert!(scene.call(&old).await.is_echoed());
    let next = Country::with_seed("AUS", 2, &scene.clock);
    scene.roots.swap(trusting(&[&next, &scene.idn]));
    assert!(!scene.call(&old).await.is_echoed());
    assert!(matches!(scene.served.certificate_refusal(), CertificateFault::UnknownIssuer { .. }));
    assert!(scene.call(&next.leaf(&scene.clock)).await.is_echoed());
}

#[tokio::test]
async fn trust_lost_during_the_handshake_refuses_the_connection() {
    let scene = Scene::new().await;
    let roots = LiveRoots::new(trusting(&[&scene.aus]));
    let (asked, clock, at_stake) = (AtomicUsize::new(0), scene.clock.clone(), roots.clone());
    // The clock is asked first inside the handshake, then when the connection is admitted.
    let now = Arc::new(move || {
        if asked.fetch_add(1, Ordering::SeqCst) == 1 {
            at_stake.swap(Roots::new(crate::support::federation()));
        }
        clock.time()
    });
    let setup = PeerSetup { leaf: scene.leaf.clone(), roots, now, limits: Limits::default() };
    let served = Served::echo(PeerListener::bind(loopback(), setup).await.unwrap());
    let called = Caller::with(&scene.aus.leaf(&scene.clock)).call(served.listener.local_addr()).await;
    assert!(!called.is_echoed());
    assert!(matches!(served.certificate_refusal(), CertificateFault::UnknownParticipant { .. }));
    assert_eq!(served.listener.connections().count(&scene.aus.id), 0);
}

#[tokio::test]
async fn leaf_past_its_end_is_refused_and_told_so() {
    let scene = Scene::new().await;
    let leaf = scene.aus.leaf(&scene.clock);
    scene.clock.advance(2 * DAY);
    assert!(scene.call(&leaf).await.is_echoed(), "its last moment");
    scene.clock.advance(HOUR);
    let Called::Refused(alert) = scene.call(&leaf).await else { panic!("let in") };
    assert!(alert.contains("CertificateExpired"), "{alert}");
    assert!(matches!(scene.served.certificate_refusal(), CertificateFault::Expired { .. }));
}

#[tokio::test]
async fn leaf_before_its_begin_is_refused() {
    let scene = Scene::new().await;
    let (from, until) = (scene.clock.time().plus(HOUR), scene.clock.time().plus(DAY));
    let leaf = scene.aus.forge(&scene.clock, |params| {
        params.subject_alt_names = dns(&["node1.aus.demo.internal"]);
        valid(params, from, until);
    });
    assert!(!scene.call(&leaf).await.is_echoed());
    let host = "node1.aus.demo.internal".to_owned();
    assert_eq!(scene.served.certificate_refusal(), CertificateFault::NotYetValid { host, not_before: from });
}

#[tokio::test]
async fn leaf_of_a_peer_whose_clock_is_half_an_hour_ahead_is_accepted() {
    let scene = Scene::new().await;
    let ahead = crate::support::Clock::new();
    ahead.advance(HOUR / 2);
    assert!(scene.call(&scene.aus.leaf(&ahead)).await.is_echoed());
}

#[tokio::test]
async fn leaf_that_lives_longer_than_a_week_is_refused() {
    let scene = Scene::new().await;
    let leaf_for = |life| {
        scene.aus.forge(&scene.clock, |params| {
            params.subject_alt_names = dns(&["node1.aus.demo.internal"]);
            valid(params, scene.clock.time().minus(HOUR), scene.clock.time().plus(life));
        })
    };
    assert!(scene.call(&leaf_for(7 * DAY)).await.is_echoed());
    assert!(!scene.call(&leaf_for(8 * DAY)).await.is_echoed());
    assert!(matches!(scene.served.certificate_refusal(), CertificateFault::LivesTooLong { days: 8, .. }));
}

#[tokio::test]
async fn authority_past_its_end_vouches_for_nobody() {
    let scene = Scene::new().await;
    scene.clock.advance(YEAR + DAY);
    assert!(!scene.call(&scene.aus.forge_for(&["node1.aus.demo.internal"], &scene.clock)).await.is_echoed());
    let participant = scene.aus.id.clone();
    assert_eq!(scene.served.certificate_refusal(), CertificateFault::NoValidAuthority { participant });
}

#[tokio::test]
async fn leaf_for_servers_only_is_refused_as_a_client() {
    let scene = Scene::new().await;
    let leaf = scene.aus.forge(&scene.clock, |params| {
        params.subject_alt_names = dns(&["node1.aus.demo.internal"]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    assert!(!scene.call(&leaf).await.is_echoed());
    assert!(matches!(scene.served.certificate_refusal(), CertificateFault::Unfit { .. }));
}

#[tokio::test]
async fn chain_over_a_further_authority_is_refused() {
    let scene = Scene::new().await;
    let stolen = [9; 32];
    let middle = scene.aus.forge(&scene.clock, |params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "middle");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.subject_alt_names = dns(&["middle.aus.demo.internal"]);
    });
    let leaf = crate::support::forge(&stolen, "middle", &scene.clock, |params| {
        params.subject_alt_names = dns(&["node1.aus.demo.internal"]);
    });
    assert!(!Caller::with(&leaf).showing_also(middle.certificate()).call(scene.address()).await.is_echoed());
    assert!(matches!(scene.served.certificate_refusal(), CertificateFault::UnknownIssuer { .. }));
}

#[tokio::test]
async fn own_authority_sent_along_does_no_harm() {
    let scene = Scene::new().await;
    let caller = Caller::with(&scene.aus.leaf(&scene.clock)).showing_also(scene.aus.authority.certificate());
    assert!(caller.call(scene.address()).await.is_echoed());
}

#[tokio::test]
async fn officer_is_refused_whoever_issued_the_certificate() {
    let scene = Scene::new().await;
    let own = scene.aus.officer_leaf("j-tan", &scene.clock);
    let by_nodes = scene.aus.forge_for(&["j-tan.officer.aus.demo.internal"], &scene.clock);
    for leaf in [own, by_nodes] {
        assert!(!scene.call(&leaf).await.is_echoed());
        assert!(matches!(scene.served.certificate_refusal(), CertificateFault::Name(_)));
    }
}

#[tokio::test]
async fn officers_authority_cannot_issue_for_nodes() {
    let scene = Scene::new().await;
    let leaf = crate::support::forge(&scene.aus.officers_seed, "officer.aus.demo.internal", &scene.clock, |params| {
        params.subject_alt_names = dns(&["node1.aus.demo.internal"])
    });
    assert!(!scene.call(&leaf).await.is_echoed());
    assert!(matches!(scene.served.certificate_refusal(), CertificateFault::UnknownIssuer { .. }));
}

#[tokio::test]
async fn client_without_a_certificate_is_refused() {
    let scene = Scene::new().await;
    assert!(!Caller::without_certificate().call(scene.address()).await.is_echoed());
    assert_eq!(scene.served.refusal(), HandshakeFault::NoCertificate);
}

#[tokio::test]
async fn client_that_does_not_agree_on_http2_is_refused() {
    let scene = Scene::new().await;
    for alpn in [&[][..], &[b"http/1.1".as_slice()]] {
        let caller = Caller::with(&scene.aus.leaf(&scene.clock)).speaking(alpn);
        assert!(!caller.call(scene.address()).await.is_echoed());
        assert_eq!(scene.served.refusal(), HandshakeFault::NotH2);
        assert_eq!(scene.served.listener.connections().count(&scene.aus.id), 0);
    }
}

#[tokio::test]
async fn client_of_tls_1_2_is_refused() {
    let scene = Scene::new().await;
    assert_eq!(send_raw(&scene, &client_hello_of_tls_1_2()).await, [0x15, 3, 3, 0, 2, 2, 70], "alert protocol_version");
    assert_eq!(scene.served.refusal(), HandshakeFault::OldTls);
}

#[tokio::test]
async fn plain_text_is_refused() {
    let scene = Scene::new().await;
    send_raw(&scene, b"GET / HTTP/1.1\r\nHost: node1.mys.demo.internal\r\n\r\n").await;
    assert!(matches!(scene.served.refusal(), HandshakeFault::NotTls(_)));
    assert!(scene.call(&scene.aus.leaf(&scene.clock)).await.is_echoed(), "the listener goes on");
}

#[tokio::test]
async fn session_cannot_be_resumed() {
    let scene = Scene::new().await;
    let tickets = Arc::new(Tickets::default());
    let caller = Caller::with(&scene.aus.leaf(&scene.clock)).resuming(tickets.clone());
    for _ in 0..2 {
        let Called::Echoed { kind, .. } = caller.call(scene.address()).await else { panic!("refused") };
        assert_eq!(kind, HandshakeKind::Full);
    }
    assert_eq!(tickets.count(), 0);
}

#[tokio::test]
async fn renewed_leaf_is_shown_from_the_next_handshake_on() {
    let scene = Scene::new().await;
    let dialer = scene.dialer(&scene.aus, &[&scene.mys]);
    let before = dialer.probe_tls(&scene.as_node_of(&scene.mys)).await.unwrap();
    scene.clock.advance(DAY);
    scene.leaf.swap(scene.mys.leaf(&scene.clock)).unwrap();
    let after = dialer.probe_tls(&scene.as_node_of(&scene.mys)).await.unwrap();
    assert_eq!(after.not_after, before.not_after.plus(DAY));
    assert_ne!(after.certificate_sha256, before.certificate_sha256);
}

#[tokio::test]
async fn leaf_without_its_key_is_not_taken_up() {
    let scene = Scene::new().await;
    let (one, two) = (scene.mys.leaf(&scene.clock).to_pem(), scene.mys.leaf(&scene.clock).to_pem());
    let key_at = |text: &str| text.find("-----BEGIN PRIVATE").unwrap();
    let mixed = format!("{}{}", &one[..key_at(&one)], &two[key_at(&two)..]);
    let mixed = selat_link::Leaf::from_pem(&mixed).unwrap();
    let shown = scene.leaf.leaf().unwrap().certificate().clone();
    assert!(scene.leaf.swap(mixed.clone()).is_err());
    assert!(LiveLeaf::new(mixed).is_err());
    assert_eq!(*scene.leaf.leaf().unwrap().certificate(), shown);
}

/// Sends bytes and returns what comes back until the end.
async fn send_raw(scene: &Scene, bytes: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(scene.address()).await.unwrap();
    tcp.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).await.unwrap();
    answer
}

/// A ClientHello (RFC 5246) with one suite, groups and signatures, and no supported_versions.
fn client_hello_of_tls_1_2() -> Vec<u8> {
    let extensions: &[u8] = &[
        0, 10, 0, 4, 0, 2, 0, 29, // supported_groups: x25519
        0, 13, 0, 4, 0, 2, 8, 7, // signature_algorithms: ed25519
        0, 23, 0, 0, // extended_master_secret
    ];
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0xc0, 0x2b, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut hello = vec![0x16, 3, 1];
    hello.extend((body.len() as u16 + 4).to_be_bytes());
    hello.extend([1, 0]);
    hello.extend((body.len() as u16).to_be_bytes());
    hello.extend(body);
    hello
}
