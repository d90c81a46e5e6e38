//! The promises that hold wherever keys live. One after the other, because a token is one device, and with as few
//! openings as they need, because a passphrase takes its time.

use std::sync::Arc;

use selat_keyring::{Expected, KeyFault, Keyring, NamedSecret};
use selat_record::pb::KeyPurpose;
use selat_seal::HeldKey;

use crate::kit::{Home, PURPOSES, open};

/// Signatures of each thread when many sign at once.
const ROUNDS: usize = 25;

/// Every promise of a home of keys. The home must be empty.
pub fn keeps_its_promises(home: &Home) {
    let ring = home.open();
    an_empty_home_opens_without_keys(&ring, home);
    keys_are_made_listed_and_sign(&ring, home);
    a_secret_is_made_once(&ring);
    many_threads_sign_and_make_keys_at_once(&ring);
    let ring = keys_and_secrets_survive_a_reopening(ring, home);
    let shown = nothing_shows_a_secret(&ring, home);
    let (gone, left) = a_destroyed_key_is_gone(&ring);
    drop(ring);
    a_wrong_passphrase_or_pin_opens_nothing(home, &left, shown);
    keys_that_are_not_there_are_told_all_at_once(home, gone);
    a_damaged_key_is_told(home, &left);
}

fn an_empty_home_opens_without_keys(ring: &Keyring, home: &Home) {
    assert_eq!(ring.held(), []);
    assert_eq!(ring.custody(), home.words);
    assert_eq!(ring.secret(NamedSecret::Storage), None);
}

fn keys_are_made_listed_and_sign(ring: &Keyring, home: &Home) {
    let mut made: Vec<HeldKey> =
        PURPOSES.iter().map(|purpose| HeldKey { id: ring.generate(*purpose).unwrap(), purpose: *purpose }).collect();
    made.sort();
    assert_eq!(ring.held(), made);
    for key in made {
        let signer = ring.signer(key.id).unwrap();
        assert_eq!((signer.id(), signer.purpose(), signer.blocks()), (key.id, key.purpose, home.blocks));
        check_signs(ring, key);
        assert!(Arc::ptr_eq(&signer, &ring.signer(key.id).unwrap()), "the same handle every time");
    }
    for purpose in [KeyPurpose::Root, KeyPurpose::Unspecified] {
        assert!(ring.generate(purpose).is_err(), "a node makes no {purpose:?} keys");
    }
    assert_eq!(ring.held().len(), PURPOSES.len());
}

fn a_secret_is_made_once(ring: &Keyring) {
    for which in NamedSecret::ALL {
        let made = ring.make_secret(which).unwrap();
        assert!(ring.make_secret(which).is_err(), "a secret is never replaced");
        assert_eq!(ring.secret(which), Some(made));
    }
    assert_ne!(ring.secret(NamedSecret::Storage), ring.secret(NamedSecret::OfficerCa));
}

fn many_threads_sign_and_make_keys_at_once(ring: &Keyring) {
    let before = ring.held();
    std::thread::scope(|scope| {
        for key in before.iter().chain(&before) {
            scope.spawn(|| (0..ROUNDS).for_each(|_| check_signs(ring, *key)));
        }
        for purpose in [KeyPurpose::Query, KeyPurpose::Log] {
            scope.spawn(move || {
                let id = ring.generate(purpose).unwrap();
                check_signs(ring, HeldKey { id, purpose });
            });
        }
    });
    assert_eq!(ring.held().len(), before.len() + 2);
}

fn keys_and_secrets_survive_a_reopening(ring: Keyring, home: &Home) -> Keyring {
    let held = ring.held();
    let signatures = held.iter().map(|key| ring.signer(key.id).unwrap().sign_bytes(b"before").unwrap());
    let signatures: Vec<_> = signatures.collect();
    let secrets = NamedSecret::ALL.map(|which| ring.secret(which));
    drop(ring);
    let again = home.try_open(&Expected { keys: held.clone(), secrets: NamedSecret::ALL.to_vec() }).unwrap();
    assert_eq!(again.held(), held);
    assert_eq!(NamedSecret::ALL.map(|which| again.secret(which)), secrets);
    for (key, signature) in held.into_iter().zip(signatures) {
        check_signs(&again, key);
        assert_eq!(again.signer(key.id).unwrap().sign_bytes(b"before").unwrap(), signature);
    }
    again
}

/// What an open ring and all that belongs to it show of themselves.
fn nothing_shows_a_secret(ring: &Keyring, home: &Home) -> String {
    let signers: Vec<_> = ring.held().iter().map(|key| ring.signer(key.id).unwrap()).collect();
    let shown = format!("{ring:?} {signers:?} {:?} {:?}", home.custody, home.wrong);
    let seed = ring.secret(NamedSecret::Storage).unwrap();
    let written = selat_seal::armor::armor("X", seed.as_slice());
    for secret in [format!("{seed:?}"), written.lines().nth(1).unwrap().to_owned()] {
        assert!(!shown.contains(&secret), "{shown}");
    }
    check_hides(home, &shown);
    shown
}

fn a_destroyed_key_is_gone(ring: &Keyring) -> (HeldKey, Vec<HeldKey>) {
    let (gone, left) = ring.held().split_first().map(|(gone, left)| (*gone, left.to_vec())).unwrap();
    ring.destroy(gone.id).unwrap();
    assert_eq!(ring.held(), left);
    assert!(ring.signer(gone.id).is_none());
    ring.destroy(gone.id).expect("what is gone is destroyed already");
    left.iter().for_each(|key| check_signs(ring, *key));
    (gone, left)
}

fn a_wrong_passphrase_or_pin_opens_nothing(home: &Home, held: &[HeldKey], mut shown: String) {
    let Some(wrong) = &home.wrong else { return };
    let faults = open(wrong, &Expected { keys: held.to_vec(), secrets: NamedSecret::ALL.to_vec() }).unwrap_err();
    let each: Vec<_> = faults.iter().collect();
    let [fault @ (KeyFault::Locked { .. } | KeyFault::Token { .. })] = each.as_slice() else {
        panic!("one fault says what the matter is: {each:?}");
    };
    shown.push_str(&format!("{faults} {faults:?} {} {}", fault.cause(), fault.mend()));
    check_hides(home, &shown);
}

fn keys_that_are_not_there_are_told_all_at_once(home: &Home, gone: HeldKey) {
    let never = HeldKey { id: selat_seal::SecretKey::from_seed([1; 32]).id(), purpose: KeyPurpose::Record };
    let expected = Expected { keys: vec![gone, never], secrets: NamedSecret::ALL.to_vec() };
    let faults = home.try_open(&expected).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    for (key, told) in [gone, never].iter().zip(told) {
        assert!(told.contains(&format!("key {}", key.id)), "{told}");
    }
    assert!(faults.iter().all(|fault| fault.mend().contains("selat key restore")));
}

fn a_damaged_key_is_told(home: &Home, held: &[HeldKey]) {
    (home.damage)(held[0]);
    let faults = home.try_open(&Expected { keys: held.to_vec(), secrets: Vec::new() }).unwrap_err();
    let each: Vec<_> = faults.iter().collect();
    let [fault @ (KeyFault::NotAKey { .. } | KeyFault::Token { .. })] = each.as_slice() else {
        panic!("the damage is told once: {each:?}");
    };
    assert!(!fault.cause().is_empty() && !fault.mend().is_empty());
}

fn check_hides(home: &Home, shown: &str) {
    for secret in &home.secrets {
        assert!(!shown.contains(secret.as_str()), "{secret} in {shown}");
    }
}

fn check_signs(ring: &Keyring, key: HeldKey) {
    let signer = ring.signer(key.id).unwrap();
    let signature = signer.sign_bytes(b"a message").unwrap();
    assert!(signer.public().holds(b"a message", &signature));
    assert!(!signer.public().holds(b"another", &signature));
}
