//! This participant's own descriptor and the keys that sign for it, both live: a new descriptor or another key takes over
//! while calls are under way.
//!
//! Promises: whoever signs gets the key that is in use at that moment; a key that waits for a token does so off the async
//! threads.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use selat_ledger::Checkpoint;
use selat_record::pb::{self, KeyPurpose, KeyStatus};
use selat_record::{FederationId, Payload};
use selat_seal::{AcceptedDescriptor, KeyId, KeyRing, SealError, Sealed, Signer, keyfile};
use tokio::sync::watch;

use crate::{Exchange, ExchangeError};

/// What this participant signs with while it runs. The TLS authority signs certificates, which is the node's business.
const SIGNING: [KeyPurpose; 3] = [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log];

/// The own descriptor with the keys in use.
pub(crate) struct Own {
    state: RwLock<State>,
    changes: watch::Sender<u64>,
}

struct State {
    descriptor: Arc<AcceptedDescriptor>,
    in_use: BTreeMap<KeyPurpose, Arc<Signer>>,
}

impl Own {
    /// Refuses a descriptor that none of the keys held may sign under.
    pub(crate) async fn open(descriptor: AcceptedDescriptor, keys: Arc<dyn KeyRing>) -> Result<Self, ExchangeError> {
        let descriptor = Arc::new(descriptor);
        let in_use = {
            let descriptor = descriptor.clone();
            let chosen = tokio::task::spawn_blocking(move || choose(&descriptor, &*keys));
            chosen.await.map_err(|_| ExchangeError::Busy)??
        };
        Ok(Self { state: RwLock::new(State { descriptor, in_use }), changes: watch::Sender::new(0) })
    }

    pub(crate) fn descriptor(&self) -> Arc<AcceptedDescriptor> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).descriptor.clone()
    }

    fn signer(&self, purpose: KeyPurpose) -> Option<Arc<Signer>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).in_use.get(&purpose).cloned()
    }
}

/// The descriptor in force among the own ones.
pub(crate) fn descriptor_of(
    federation: &FederationId,
    chain: &[pb::Envelope],
) -> Result<AcceptedDescriptor, ExchangeError> {
    let last = chain.last().ok_or_else(|| ExchangeError::Inconsistent("there is no own descriptor".into()))?;
    Ok(AcceptedDescriptor::restore(federation, last)?)
}

fn choose(
    descriptor: &AcceptedDescriptor,
    keys: &dyn KeyRing,
) -> Result<BTreeMap<KeyPurpose, Arc<Signer>>, ExchangeError> {
    let choose = |purpose: KeyPurpose| {
        let active = descriptor.keys(purpose).filter(|key| key.status() == KeyStatus::Active);
        let signer = active.filter_map(|key| keys.signer(key.id())).next();
        Ok((purpose, signer.ok_or(ExchangeError::NoKey(keyfile::purpose_word(purpose)))?))
    };
    SIGNING.into_iter().map(choose).collect()
}

impl Exchange {
    /// This participant's own descriptor, the version in force now.
    pub fn descriptor(&self) -> Arc<AcceptedDescriptor> {
        self.own.descriptor()
    }

    /// Changes whenever the own descriptor or a key in use does. Mark it as seen first, then look: nothing is missed.
    pub fn trust_changes(&self) -> watch::Receiver<u64> {
        self.own.changes.subscribe()
    }

    /// What signs for this purpose now.
    pub fn signer(&self, purpose: KeyPurpose) -> Result<Arc<Signer>, ExchangeError> {
        self.own.signer(purpose).ok_or(ExchangeError::NoKey(keyfile::purpose_word(purpose)))
    }

    /// The key that signs for this purpose now.
    pub fn in_use(&self, purpose: KeyPurpose) -> Option<KeyId> {
        self.own.signer(purpose).map(|signer| signer.id())
    }

    pub(crate) async fn sign<P: Payload + Clone + Send + 'static>(&self, payload: &P) -> Result<Sealed, ExchangeError> {
        let signer = self.signer(P::PURPOSE)?;
        if !signer.blocks() {
            return Ok(signer.sign(payload)?);
        }
        let payload = payload.clone();
        Ok(off_the_async_threads(move || signer.sign(&payload)).await??)
    }

    pub(crate) async fn sign_checkpoint(&self, checkpoint: Checkpoint) -> Result<String, ExchangeError> {
        let (signer, own) = (self.signer(KeyPurpose::Log)?, self.participant().clone());
        let sign = move || checkpoint.sign(&own, &signer).map_err(SealError::from);
        let blocks = self.signer(KeyPurpose::Log)?.blocks();
        Ok(if blocks { off_the_async_threads(sign).await? } else { sign() }?)
    }
}

/// An error means that the process is ending.
async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ExchangeError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ExchangeError::Busy)
}
