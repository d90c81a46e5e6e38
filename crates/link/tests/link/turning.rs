//! Keys and certificates that turn while connections live, and authorities that vouch for a while only.

use std::sync::Arc;

use selat_link::{Authority, AuthorityError, DialLimits, Dialer, LiveLeaf, LiveRoots, TrustedPeer};
use selat_record::Timestamp;
use selat_record::pb::KeyPurpose;
use selat_seal::{KeyFailure, KeyHandle, PublicKey, SecretKey, Signer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Clock, Counting, Country, DAY, HOUR, Scene, YEAR, federation, participant, trusting};

/// Whether MYS lets AUS in that trusts the authority of AUS from `from` until `until`, in hours from now.
async fn is_let_in(from: i32, until: Option<i32>) -> bool {
    let scene = Scene::new().await;
    let at = |hours: i32| match u32::try_from(hours) {
        Ok(ahead) => scene.clock.time().plus(HOUR * ahead),
        Err(_) => scene.clock.time().minus(HOUR * hours.unsigned_abs()),
    };
    let peer = scene.aus.trusted_from(at(from), until.map(at));
    scene.roots.swap((*scene.roots.load()).clone().with(peer).unwrap());
    scene.call(&scene.aus.leaf(&scene.clock)).await.is_echoed()
}

#[tokio::test]
async fn authority_vouches_from_the_first_moment_of_its_window_to_before_its_end() {
    assert!(is_let_in(0, None).await, "its first moment");
    assert!(!is_let_in(1, None).await, "not yet");
    assert!(is_let_in(-1, Some(1)).await, "within");
    assert!(!is_let_in(-1, Some(0)).await, "its end");
}

#[tokio::test]
async fn window_never_widens_what_the_certificate_says() {
    let scene = Scene::new().await;
    let peer = scene.aus.trusted_from(Timestamp::EPOCH, Some(scene.clock.time().plus(3 * YEAR)));
    scene.roots.swap((*scene.roots.load()).clone().with(peer).unwrap());
    let leaf = scene.aus.leaf(&scene.clock);
    assert!(scene.call(&leaf).await.is_echoed());
    scene.clock.advance(YEAR + HOUR);
    assert!(!scene.call(&leaf).await.is_echoed());
}

#[tokio::test]
async fn predecessor_and_successor_hand_over_without_a_gap() {
    let scene = Scene::new().await;
    let next = Country::with_seed("AUS", 2, &scene.clock);
    let now = scene.clock.time();
    let authorities =
        vec![scene.aus.windowed(Timestamp::EPOCH, Some(now.plus(2 * HOUR))), next.windowed(now.plus(HOUR), None)];
    let peer = TrustedPeer { participant: scene.aus.id.clone(), authorities };
    scene.roots.swap((*scene.roots.load()).clone().with(peer).unwrap());
    let (old, new) = (scene.aus.leaf(&scene.clock), next.leaf(&scene.clock));
    let mut let_in = Vec::new();
    for _ in 0..3 {
        let_in.push((scene.call(&old).await.is_echoed(), scene.call(&new).await.is_echoed()));
        scene.clock.advance(HOUR);
    }
    assert_eq!(let_in, [(true, false), (true, true), (false, true)]);
}

#[tokio::test]
async fn renewal_at_both_ends_leaves_a_live_stream_alone() {
    let scene = Scene::new().await;
    let leaf = LiveLeaf::new(scene.aus.leaf(&scene.clock)).unwrap();
    let roots = LiveRoots::new(trusting(&[&scene.mys]));
    let dialer = Dialer::new(leaf.clone(), roots, scene.clock.now(), DialLimits::default());
    let mut stream = dialer.connect(&scene.as_node_of(&scene.mys)).await.unwrap();
    let mut echoed = Vec::new();
    for round in 0..4_u8 {
        // The first leaves end meanwhile: only handshakes look at them.
        scene.clock.advance(DAY);
        leaf.swap(scene.aus.leaf(&scene.clock)).unwrap();
        scene.leaf.swap(scene.mys.leaf(&scene.clock)).unwrap();
        stream.write_all(&[round]).await.unwrap();
        stream.flush().await.unwrap();
        echoed.push(stream.read_u8().await.unwrap());
    }
    assert_eq!(echoed, [0, 1, 2, 3]);
    assert_eq!(scene.served.listener.connections().count(&scene.aus.id), 1);
    let again = dialer.probe_tls(&scene.as_node_of(&scene.mys)).await.unwrap();
    assert_eq!(again.not_after, scene.mys.leaf(&scene.clock).validity().unwrap().1, "the new leaf is shown");
}

#[tokio::test]
async fn revoked_authority_is_cut_at_once_and_its_successor_comes_in() {
    let scene = Scene::new().await;
    let next = Country::with_seed("AUS", 2, &scene.clock);
    let mut stolen = scene.dialer(&scene.aus, &[&scene.mys]).connect(&scene.as_node_of(&scene.mys)).await.unwrap();
    stream_lives(&mut stolen).await;

    scene.roots.swap(trusting(&[&next, &scene.idn]));
    assert_eq!(scene.served.listener.close_peer(&scene.aus.id), 1);
    assert!(stolen.read_u8().await.is_err(), "the live connection is gone");
    assert!(!scene.call(&scene.aus.leaf(&scene.clock)).await.is_echoed());
    assert!(scene.call(&next.leaf(&scene.clock)).await.is_echoed());
}

async fn stream_lives(stream: &mut selat_link::DialedStream) {
    stream.write_all(b"x").await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'x');
}

#[test]
fn leaf_ends_with_the_window_of_its_authority_key() {
    let clock = Clock::new();
    let (aus, entropy) = (Country::new("AUS", &clock), Counting::default());
    let until = clock.time().plus(DAY);
    let authority = Authority::open(
        aus.id.clone(),
        federation(),
        crate::support::signer(&aus.seed),
        aus.authority.certificate().clone(),
    );
    let authority = authority.unwrap().ending(until).ending(until.plus(YEAR));
    let leaf = authority.issue(&aus.node(), clock.time(), 3 * DAY, &entropy).unwrap();
    assert_eq!((authority.not_after(), leaf.validity().unwrap().1), (until, until));
    clock.advance(DAY);
    let late = authority.issue(&aus.node(), clock.time(), DAY, &entropy);
    assert!(matches!(late, Err(AuthorityError::OutOfDate { not_after, .. }) if not_after == until));
}

/// A key in a token that has been pulled out.
#[derive(Debug)]
struct Absent(PublicKey);

impl KeyHandle for Absent {
    fn public(&self) -> &PublicKey {
        &self.0
    }

    fn sign(&self, _: &[u8]) -> Result<[u8; 64], KeyFailure> {
        Err(KeyFailure::new("the token is not there"))
    }

    fn blocks(&self) -> bool {
        true
    }
}

#[test]
fn key_that_does_not_sign_is_named_with_its_reason() {
    let clock = Clock::new();
    let (aus, entropy) = (Country::new("AUS", &clock), Counting::default());
    let key = SecretKey::from_seed(aus.seed).public();
    let signer = || Arc::new(Signer::new(KeyPurpose::TlsCa, Absent(key.clone())));
    let made = Authority::create(participant("AUS"), federation(), signer(), clock.time(), YEAR, &entropy);
    let opened =
        Authority::open(participant("AUS"), federation(), signer(), aus.authority.certificate().clone()).unwrap();
    assert!(opened.blocks());
    let issued = opened.issue(&aus.node(), clock.time(), DAY, &entropy);
    for error in [made.err(), issued.err()] {
        assert!(
            matches!(&error, Some(AuthorityError::Signer(why)) if why.to_string() == "the token is not there"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn end_without_a_leaf_yet_completes_no_handshake() {
    let scene = Scene::new().await;
    let leaf = LiveLeaf::without_leaf();
    let roots = LiveRoots::new(trusting(&[&scene.mys]));
    let dialer = Dialer::new(leaf.clone(), roots, scene.clock.now(), DialLimits::default());
    let address = scene.as_node_of(&scene.mys);
    assert!(dialer.probe_tls(&address).await.is_err());
    assert_eq!(scene.served.refusal(), selat_link::HandshakeFault::NoCertificate);
    leaf.swap(scene.aus.leaf(&scene.clock)).unwrap();
    dialer.probe_tls(&address).await.unwrap();
}
