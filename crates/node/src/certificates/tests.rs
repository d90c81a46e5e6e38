//! When a certificate is renewed, by which key, and what becomes of a failure.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use selat_seal::{KeyFailure, KeyHandle, PublicKey, SecretKey};
use tokio::sync::{Notify, watch};

use super::*;
use crate::clock::OsEntropy;

const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Time that moves when it is told to. Sleepers say for how long they go to sleep.
#[derive(Default)]
struct Turned {
    ms: std::sync::atomic::AtomicU64,
    turned: Notify,
    asleep: Notify,
}

impl Turned {
    fn turn(&self, span: Duration) {
        self.ms.fetch_add(u64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
        self.turned.notify_waiters();
    }

    /// Lets the renewal do what is due after `span`, until it sleeps again.
    async fn pass(&self, span: Duration) {
        self.turn(span);
        self.asleep.notified().await;
    }
}

#[async_trait]
impl Clock for Turned {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(1_800_000_000_000).unwrap().plus(Duration::from_millis(self.monotonic_ms()))
    }

    fn monotonic_ms(&self) -> u64 {
        self.ms.load(Ordering::SeqCst)
    }

    async fn sleep(&self, _: Duration) {
        let turned = self.turned.notified();
        let mut turned = std::pin::pin!(turned);
        turned.as_mut().enable();
        self.asleep.notify_one();
        // Any turn ends any sleep: the renewal looks at the clock anew.
        turned.await;
    }
}

/// A key that signs, or fails as a token that was pulled out.
#[derive(Debug)]
struct Key {
    secret: SecretKey,
    public: PublicKey,
    blocks: bool,
    fails: Arc<AtomicU32>,
}

impl KeyHandle for Key {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure> {
        let failing = self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if failing.is_ok() {
            Err(KeyFailure::new("the token is not there"))
        } else {
            Ok(self.secret.sign_bytes(message))
        }
    }

    fn blocks(&self) -> bool {
        self.blocks
    }
}

/// The authorities of a node, of which one is in use.
struct Stage {
    clock: Arc<Turned>,
    fails: Arc<AtomicU32>,
    in_use: Mutex<(Arc<Signer>, CertificateDer<'static>, Option<Timestamp>)>,
    changes: watch::Sender<u64>,
}

impl Authorities for Stage {
    fn in_use(&self) -> Result<InUse, RenewalError> {
        let (signer, certificate, until) = self.in_use.lock().unwrap().clone();
        Ok(InUse { signer, certificate, until })
    }
}

impl Stage {
    fn new() -> Arc<Self> {
        let (clock, fails) = (Arc::<Turned>::default(), Arc::<AtomicU32>::default());
        let in_use = Mutex::new(authority(1, false, &clock, &fails));
        Arc::new(Self { clock, fails, in_use, changes: watch::Sender::new(0) })
    }

    /// Another key comes into use.
    fn take_up(&self, seed: u8, blocks: bool, until: Option<Timestamp>) {
        let (signer, certificate, _) = authority(seed, blocks, &self.clock, &self.fails);
        *self.in_use.lock().unwrap() = (signer, certificate, until);
    }

    async fn certificates(self: &Arc<Self>) -> Arc<Certificates> {
        let issuance = Issuance {
            name: "node1.aus.demo.internal".parse().unwrap(),
            life: 72 * HOUR,
            clock: self.clock.clone(),
            entropy: Arc::new(OsEntropy),
        };
        Certificates::first(issuance, LiveLeaf::without_leaf(), self.clone()).await.unwrap()
    }

    /// Starts the renewal and waits until it first sleeps.
    async fn run(self: &Arc<Self>, certificates: &Arc<Certificates>) -> CancellationToken {
        let stop = CancellationToken::new();
        tokio::spawn(certificates.clone().run(self.changes.subscribe(), stop.clone()));
        self.clock.asleep.notified().await;
        stop
    }
}

fn authority(
    seed: u8,
    blocks: bool,
    clock: &Turned,
    fails: &Arc<AtomicU32>,
) -> (Arc<Signer>, CertificateDer<'static>, Option<Timestamp>) {
    let secret = SecretKey::from_seed([seed; 32]);
    let key = Key { public: secret.public(), secret, blocks, fails: fails.clone() };
    let signer = Arc::new(Signer::new(KeyPurpose::TlsCa, key));
    let names = ("AUS".parse().unwrap(), "demo".parse().unwrap());
    let made = Authority::create(names.0, names.1, signer.clone(), clock.now(), YEAR, &OsEntropy);
    (signer, made.unwrap().certificate().clone(), None)
}

#[tokio::test]
async fn certificate_is_renewed_at_two_thirds_of_its_life_and_not_much_before() {
    let stage = Stage::new();
    let certificates = stage.certificates().await;
    let first = certificates.facts();
    assert_eq!(first.not_after, stage.clock.now().plus(72 * HOUR));
    let due = first.renewal.since(stage.clock.now());
    assert!(due <= 48 * HOUR && due >= 42 * HOUR, "{due:?}");

    let stop = stage.run(&certificates).await;
    stage.clock.pass(due - Duration::from_millis(1)).await;
    assert_eq!(certificates.facts(), first);
    stage.clock.pass(Duration::from_millis(1)).await;
    let second = certificates.facts();
    assert_ne!(second.sha256, first.sha256);
    assert_eq!(certificates.live.leaf().unwrap().certificate().to_vec(), second.certificate);
    stop.cancel();
}

#[tokio::test]
async fn nodes_that_start_together_do_not_renew_together() {
    let stage = Stage::new();
    let mut dues = Vec::new();
    for _ in 0..8 {
        dues.push(stage.certificates().await.facts().renewal);
    }
    dues.sort_unstable();
    dues.dedup();
    assert!(dues.len() > 1);
}

#[tokio::test]
async fn other_authority_key_in_use_issues_at_once() {
    let stage = Stage::new();
    let certificates = stage.certificates().await;
    let stop = stage.run(&certificates).await;
    for blocks in [false, true] {
        stage.take_up(7 + u8::from(blocks), blocks, None);
        stage.changes.send_modify(|count| *count += 1);
        stage.clock.asleep.notified().await;
        let facts = certificates.facts();
        assert_eq!(facts.authority, stage.in_use().unwrap().signer.id());
        assert_eq!(certificates.live.leaf().unwrap().certificate().to_vec(), facts.certificate);
    }
    stop.cancel();
}

#[tokio::test]
async fn certificate_that_would_outlive_its_key_is_made_anew_once() {
    let stage = Stage::new();
    let certificates = stage.certificates().await;
    let stop = stage.run(&certificates).await;
    let until = stage.clock.now().plus(24 * HOUR);
    stage.in_use.lock().unwrap().2 = Some(until);
    stage.changes.send_modify(|count| *count += 1);
    stage.clock.asleep.notified().await;
    let shortened = certificates.facts();
    assert_eq!((shortened.not_after, shortened.authority_until), (until, until));
    stage.clock.pass(20 * HOUR).await;
    assert_eq!(certificates.facts(), shortened, "the key could issue nothing that lives for longer");
    stop.cancel();
}

#[tokio::test]
async fn failure_keeps_the_old_certificate_is_told_and_tried_again() {
    let stage = Stage::new();
    let certificates = stage.certificates().await;
    let first = certificates.facts();
    let stop = stage.run(&certificates).await;
    stage.fails.store(1, Ordering::SeqCst);
    stage.clock.pass(48 * HOUR).await;
    let failed = certificates.facts();
    assert_eq!(failed.sha256, first.sha256);
    assert!(failed.last_failure.as_ref().is_some_and(|why| why.contains("the token is not there")), "{failed:?}");

    stage.clock.pass(RETRY).await;
    let renewed = certificates.facts();
    assert_ne!(renewed.sha256, first.sha256);
    assert_eq!(renewed.last_failure, None);
    stop.cancel();
}

#[tokio::test]
async fn operator_gets_a_fresh_certificate_at_once_or_the_reason() {
    let stage = Stage::new();
    let certificates = stage.certificates().await;
    let first = certificates.facts();
    let fresh = certificates.renew().await.unwrap();
    assert_ne!(fresh.sha256, first.sha256);
    stage.fails.store(1, Ordering::SeqCst);
    let refused = certificates.renew().await.unwrap_err();
    assert!(matches!(refused, RenewalError::Authority(AuthorityError::Signer(_))), "{refused:?}");
    assert_eq!(certificates.facts().sha256, fresh.sha256);
}

#[test]
fn desk_shows_the_oldest_authority_that_still_vouches_and_is_held() {
    use crate::testing::{authority as listed, descriptor, now, retired, with_status};
    let later = |seed| {
        let mut key = listed(seed);
        key.valid_from_ms = now().minus(HOUR).ms();
        key
    };
    let id = |seed| SecretKey::from_seed([seed; 32]).id();
    let shown = |keys: &[selat_record::pb::Key], held: &[u8]| {
        let signer = |key: KeyId| {
            let seed = held.iter().find(|seed| id(**seed) == key)?;
            Some(Arc::new(Signer::new(KeyPurpose::TlsCa, SecretKey::from_seed([*seed; 32]))))
        };
        oldest(&descriptor(keys), signer, now()).map(|signer| signer.id())
    };
    let ahead = now().plus(HOUR);
    assert_eq!(shown(&[later(2), listed(1)], &[1, 2]), Some(id(1)), "a successor is not shown while both vouch");
    assert_eq!(shown(&[retired(1, ahead), later(2)], &[1, 2]), Some(id(1)), "until its end");
    assert_eq!(shown(&[retired(1, now()), later(2)], &[1, 2]), Some(id(2)), "its end has come");
    let stolen = with_status(1, selat_record::pb::KeyStatus::Compromised);
    assert_eq!(shown(&[stolen, later(2)], &[1, 2]), Some(id(2)), "it was stolen");
    assert_eq!(shown(&[listed(1), later(2)], &[2]), Some(id(2)), "it is not held");
    assert_eq!(shown(&[listed(1)], &[]), None);
}
