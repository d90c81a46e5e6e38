//! A token that fails in each way that a token can, without a token.

use std::sync::atomic::{AtomicU64, Ordering};

use selat_seal::{SecretKey, Signer};

use super::*;

/// A token in memory that does what it is told to do wrong.
#[derive(Default)]
struct Fake {
    keys: Vec<(Pair, SecretKey)>,
    logins: usize,
    /// What the next calls end with, the first first.
    failures: Vec<ErrorKind>,
    /// How signatures are spoilt.
    spoil: Option<fn(Vec<u8>) -> Vec<u8>>,
    /// The PIN is refused.
    pin_refused: bool,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Fake>>);

impl Shared {
    fn set(&self, change: impl FnOnce(&mut Fake)) {
        change(&mut self.0.lock().unwrap());
    }

    fn logins(&self) -> usize {
        self.0.lock().unwrap().logins
    }

    /// Puts a key into the token that was not made by us.
    fn put(&self, label: &str, change: impl FnOnce(&mut Pair)) {
        let secret = SecretKey::from_seed([9; 32]);
        let mut pair = pair_of(label, &[1], &secret);
        change(&mut pair);
        self.set(|fake| fake.keys.push((pair, secret)));
    }

    fn open(&self) -> Result<Arc<Token>, KeyFault> {
        Token::over(Box::new(self.clone()), "fake".to_owned(), &"AUS".parse().unwrap())
    }

    /// The first words of what is wrong with a key that somebody put there.
    fn fault_of(label: &str, change: impl FnOnce(&mut Pair)) -> String {
        let shared = Self::default();
        shared.put(label, change);
        shared.open().unwrap().keys(&Counted::default()).unwrap_err().cause()
    }

    fn call<T>(&self, work: impl FnOnce(&mut Fake) -> T) -> Result<T, TokenError> {
        let mut fake = self.0.lock().unwrap();
        if fake.failures.is_empty() {
            return Ok(work(&mut fake));
        }
        let kind = fake.failures.remove(0);
        Err(TokenError { kind, ..TokenError::other("it broke".to_owned()) })
    }
}

impl Device for Shared {
    fn log_in(&mut self) -> Result<Box<dyn Session>, TokenError> {
        let mut fake = self.0.lock().unwrap();
        fake.logins += 1;
        if fake.pin_refused {
            return Err(TokenError { kind: ErrorKind::Pin, ..TokenError::other("the PIN is wrong".to_owned()) });
        }
        Ok(Box::new(self.clone()))
    }
}

impl Session for Shared {
    fn pairs(&mut self, prefix: &str) -> Result<Vec<Pair>, TokenError> {
        let ours = |(pair, _): &(Pair, SecretKey)| pair.label.starts_with(prefix).then(|| pair.clone());
        self.call(|fake| fake.keys.iter().filter_map(ours).collect())
    }

    fn generate(&mut self, label: &str, object: &[u8]) -> Result<Pair, TokenError> {
        let secret = SecretKey::generate(&Counted::default());
        let pair = pair_of(label, object, &secret);
        self.call(|fake| fake.keys.push((pair.clone(), secret)))?;
        Ok(pair)
    }

    fn sign(&mut self, object: &[u8], message: &[u8]) -> Result<Vec<u8>, TokenError> {
        self.call(|fake| {
            let (_, secret) = fake.keys.iter().find(|(pair, _)| pair.object == object).unwrap();
            let signature = secret.sign_bytes(message).to_vec();
            fake.spoil.map_or(signature.clone(), |spoil| spoil(signature))
        })
    }

    fn destroy(&mut self, object: &[u8]) -> Result<(), TokenError> {
        self.call(|fake| fake.keys.retain(|(pair, _)| pair.object != object))
    }
}

fn pair_of(label: &str, object: &[u8], secret: &SecretKey) -> Pair {
    let mut point = WRAPPED.to_vec();
    point.extend_from_slice(secret.public().as_bytes());
    Pair { label: label.to_owned(), object: object.to_vec(), point, extractable: false }
}

#[derive(Default)]
struct Counted(AtomicU64);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed) as u8 + 1);
    }
}

fn fresh(shared: &Shared) -> Signer {
    let (purpose, key) = shared.open().unwrap().generate(KeyPurpose::Log, &Counted::default()).unwrap();
    Signer::new(purpose, key)
}

#[test]
fn a_signature_that_does_not_hold_never_leaves() {
    let shared = Shared::default();
    let signer = fresh(&shared);
    assert!(signer.sign_bytes(b"message").is_ok());
    let spoils: [fn(Vec<u8>) -> Vec<u8>; 3] = [
        |mut signature| {
            signature[3] ^= 1;
            signature
        },
        |signature| signature[..63].to_vec(),
        |_| Vec::new(),
    ];
    for spoil in spoils {
        shared.set(|fake| fake.spoil = Some(spoil));
        let refused = signer.sign_bytes(b"message").unwrap_err();
        assert_eq!(refused.what, "token \"fake\": its signature does not hold");
    }
    assert_eq!(shared.logins(), 1, "a false signature is no reason to log in again");
}

#[test]
fn a_session_that_broke_is_opened_again_once() {
    let shared = Shared::default();
    let signer = fresh(&shared);
    shared.set(|fake| fake.failures = vec![ErrorKind::Lost]);
    assert!(signer.sign_bytes(b"message").is_ok());
    assert_eq!(shared.logins(), 2);
    shared.set(|fake| fake.failures = vec![ErrorKind::Lost; 2]);
    assert_eq!(signer.sign_bytes(b"message").unwrap_err().what, "token \"fake\": it broke");
    assert_eq!(shared.logins(), 3);
    assert!(signer.sign_bytes(b"message").is_ok(), "the next call tries again");
}

#[test]
fn what_would_fail_again_is_not_tried_again() {
    let shared = Shared::default();
    let signer = fresh(&shared);
    shared.set(|fake| fake.failures = vec![ErrorKind::Other]);
    assert!(signer.sign_bytes(b"message").is_err());
    assert_eq!(shared.logins(), 1);
}

#[test]
fn a_pin_that_was_refused_is_not_tried_again() {
    let shared = Shared::default();
    let signer = fresh(&shared);
    shared.set(|fake| (fake.failures, fake.pin_refused) = (vec![ErrorKind::Lost], true));
    for _ in 0..5 {
        assert_eq!(signer.sign_bytes(b"message").unwrap_err().what, "token \"fake\": the PIN is wrong");
    }
    assert_eq!(shared.logins(), 2, "each further try would bring the token nearer to locking itself");
}

#[test]
fn keys_are_taken_with_their_point_wrapped_or_bare() {
    for bare in [false, true] {
        let shared = Shared::default();
        shared.put("selat AUS query", |pair| {
            if bare {
                pair.point.drain(..2);
            }
        });
        let keys = shared.open().unwrap().keys(&Counted::default()).unwrap();
        let [(KeyPurpose::Query, key)] = keys.as_slice() else { panic!("one key: {keys:?}") };
        assert_eq!(key.public(), &SecretKey::from_seed([9; 32]).public());
    }
}

#[test]
fn a_key_that_cannot_be_used_is_told_with_its_label() {
    let check = |found: String, words: &str| assert!(found.contains(words), "{found:?} lacks {words:?}");
    check(Shared::fault_of("selat AUS query", |pair| pair.extractable = true), "\"selat AUS query\" with CKA_ID 01");
    check(Shared::fault_of("selat AUS query", |pair| pair.point = vec![4, 32]), "is 2 bytes; an Ed25519 key is 32");
    check(Shared::fault_of("selat AUS root", |_| ()), "is for no purpose that a node has");
    let other = SecretKey::from_seed([8; 32]);
    let wrong_half = |pair: &mut Pair| *pair = pair_of(&pair.label, &pair.object, &other);
    check(
        Shared::fault_of("selat AUS query", wrong_half),
        "does not sign: token \"fake\": its signature does not hold",
    );
    let others = Shared::default();
    others.put("selat NZL query", |_| ());
    assert_eq!(others.open().unwrap().keys(&Counted::default()).unwrap().len(), 0);
}

#[test]
fn a_destroyed_key_is_not_listed() {
    let shared = Shared::default();
    let token = shared.open().unwrap();
    let (_, key) = token.generate(KeyPurpose::Record, &Counted::default()).unwrap();
    assert_eq!(token.keys(&Counted::default()).unwrap().len(), 1);
    token.destroy(key.object()).unwrap();
    assert_eq!(token.keys(&Counted::default()).unwrap().len(), 0);
}
