//! Working keys in memory: those of the party's first descriptor, and those that are made while a test runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use selat_record::Timestamp;
use selat_record::pb::{self, KeyPurpose};
use selat_seal::descriptor::{describe_authority, describe_key};
use selat_seal::{Entropy, HeldKey, KeyFailure, KeyId, KeyRing, SecretKey, Signer};

use super::{Party, Seeded};

/// The keys of one party. Outlives its node, as a folder of key files does.
pub struct Ring {
    keys: Mutex<BTreeMap<KeyId, Arc<Signer>>>,
    entropy: Arc<Seeded>,
    fault: Mutex<Option<RingFault>>,
}

/// How the home of the keys fails once. To its caller all look the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RingFault {
    /// The next key that is to be made or destroyed is not.
    Fails,
    /// It is, and the caller is not told.
    FailsAfterwards,
}

impl Ring {
    pub fn of(party: &Party, entropy: Arc<Seeded>) -> Self {
        let purposes = [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa];
        let signers = purposes.map(|purpose| Arc::new(Signer::new(purpose, party.key(purpose))));
        let keys = signers.map(|signer| (signer.id(), signer)).into();
        Self { keys: Mutex::new(keys), entropy, fault: Mutex::default() }
    }

    /// Fails the next time that a key is made or destroyed.
    pub fn fail_next(&self, fault: RingFault) {
        *self.fault.lock().unwrap() = Some(fault);
    }

    fn work<T>(&self, work: impl FnOnce() -> T) -> Result<T, KeyFailure> {
        let fault = self.fault.lock().unwrap().take();
        if fault == Some(RingFault::Fails) {
            return Err(KeyFailure::new("the test says so"));
        }
        let done = work();
        if fault.is_some() { Err(KeyFailure::new("the test says so")) } else { Ok(done) }
    }

    /// Takes a key away.
    pub fn take(&self, id: KeyId) -> Arc<Signer> {
        self.keys.lock().unwrap().remove(&id).unwrap()
    }

    pub fn put_back(&self, key: Arc<Signer>) {
        self.keys.lock().unwrap().insert(key.id(), key);
    }
}

impl KeyRing for Ring {
    fn held(&self) -> Vec<HeldKey> {
        let keys = self.keys.lock().unwrap();
        keys.values().map(|signer| HeldKey { id: signer.id(), purpose: signer.purpose() }).collect()
    }

    fn signer(&self, id: KeyId) -> Option<Arc<Signer>> {
        self.keys.lock().unwrap().get(&id).cloned()
    }

    fn generate(&self, purpose: KeyPurpose) -> Result<KeyId, KeyFailure> {
        self.work(|| {
            let signer = Arc::new(Signer::new(purpose, SecretKey::generate(&*self.entropy as &dyn Entropy)));
            self.keys.lock().unwrap().insert(signer.id(), signer.clone());
            signer.id()
        })
    }

    fn describe(&self, id: KeyId, valid_from: Timestamp) -> Result<pb::Key, KeyFailure> {
        let signer = self.signer(id).ok_or_else(|| KeyFailure::new("no such key"))?;
        Ok(match signer.purpose() {
            KeyPurpose::TlsCa => describe_authority(signer.public(), valid_from, b"certificate".to_vec()),
            purpose => describe_key(purpose, signer.public(), valid_from),
        })
    }

    fn destroy(&self, id: KeyId) -> Result<(), KeyFailure> {
        self.work(|| _ = self.keys.lock().unwrap().remove(&id))
    }

    fn custody(&self) -> String {
        "memory".to_owned()
    }
}
