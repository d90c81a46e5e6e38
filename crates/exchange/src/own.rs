//! This participant's own chain of descriptors and the keys that sign for it, both live: a new descriptor or another key
//! takes over while calls are under way.
//!
//! Promises: whoever signs gets the key that is in use at that moment, chosen by what the peers are known to hold; chain and
//! keys change in one moment; a key that waits for a token signs off the async threads. Leaves out: how the chain grows
//! (`publish`).

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use selat_ledger::Checkpoint;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{FederationId, ParticipantId, Payload, Timestamp};
use selat_seal::succession::{Readiness, choose_again_at, signing_key};
use selat_seal::{AcceptedDescriptor, KeyId, KeyRing, SealError, Sealed, Signer, keyfile};
use tokio::sync::watch;
use tracing::{error, info};

use crate::freshness::{Comparisons, ready};
use crate::{Book, Exchange, ExchangeError, PeerEntry};

/// What a participant signs with while it runs.
pub(crate) const WORKING: [KeyPurpose; 4] = [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa];

/// One version of the own descriptor.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) descriptor: Arc<AcceptedDescriptor>,
    /// When this node took it in.
    pub(crate) accepted: Timestamp,
}

/// The own chain with the keys in use.
pub(crate) struct Own {
    keys: Arc<dyn KeyRing>,
    state: RwLock<Arc<State>>,
    changes: watch::Sender<u64>,
}

/// Never changed, only replaced.
#[derive(Clone)]
pub(crate) struct State {
    /// Ascending, never empty.
    chain: Arc<Vec<Link>>,
    last: Arc<AcceptedDescriptor>,
    /// The version of the chain in which each working key became active.
    introduced: Arc<BTreeMap<KeyId, u64>>,
    /// The working keys of the last version that are held.
    held: Arc<BTreeMap<KeyId, Arc<Signer>>>,
    in_use: BTreeMap<KeyPurpose, Arc<Signer>>,
    /// When the clock alone may change the choice of keys.
    until: Option<Timestamp>,
}

impl State {
    pub(crate) fn chain(&self) -> &[Link] {
        &self.chain
    }

    /// The version that bears this number.
    pub(crate) fn version(&self, version: u64) -> Option<&Link> {
        self.chain.iter().find(|link| link.descriptor.version() == version)
    }

    /// With the key of each purpose that signs while the peers are `ready`.
    fn chosen(mut self, ready: &[Readiness], now: Timestamp) -> Self {
        (self.in_use, self.until) = (BTreeMap::new(), None);
        for purpose in WORKING {
            let held = |id: KeyId| self.held.contains_key(&id);
            let id = signing_key(&self.last, purpose, &self.introduced, ready, held, now);
            if let Some(signer) = id.and_then(|id| self.held.get(&id)).cloned() {
                self.in_use.insert(purpose, signer);
            }
            self.until = [self.until, choose_again_at(&self.last, purpose, now)].into_iter().flatten().min();
        }
        self
    }

    fn ids(&self) -> BTreeMap<KeyPurpose, KeyId> {
        self.in_use.iter().map(|(purpose, signer)| (*purpose, signer.id())).collect()
    }
}

impl Own {
    pub(crate) fn state(&self) -> Arc<State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn descriptor(&self) -> Arc<AcceptedDescriptor> {
        self.state().last.clone()
    }

    /// The keys that are held, whether or not the descriptor names them.
    pub(crate) fn keys(&self) -> &Arc<dyn KeyRing> {
        &self.keys
    }

    /// Puts another chain to use, and looks again which of its keys are held. What a key still signed that the new chain
    /// calls compromised would be refused.
    pub(crate) async fn replace(
        &self,
        chain: Vec<Link>,
        ready: &[Readiness],
        now: Timestamp,
    ) -> Result<(), ExchangeError> {
        let state = state_of(chain, self.keys.clone()).await?;
        self.change(|_| state.chosen(ready, now));
        Ok(())
    }

    /// Chooses the keys again.
    pub(crate) fn choose(&self, ready: &[Readiness], now: Timestamp) {
        self.change(|state| state.clone().chosen(ready, now));
    }

    fn change(&self, change: impl FnOnce(&State) -> State) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let next = change(&state);
        let differs = next.last.content_id() != state.last.content_id() || next.ids() != state.ids();
        tell_of_change(&state, &next);
        *state = Arc::new(next);
        drop(state);
        if differs {
            self.changes.send_modify(|count| *count += 1);
        }
    }
}

fn tell_of_change(before: &State, after: &State) {
    let (was, is) = (before.ids(), after.ids());
    for purpose in WORKING {
        let (was, is) = (was.get(&purpose), is.get(&purpose));
        match is {
            Some(key) if was != is => {
                info!(purpose = keyfile::purpose_word(purpose), %key, "this key signs from now on")
            }
            None if was.is_some() => error!(purpose = keyfile::purpose_word(purpose), "no key is left that may sign"),
            _ => {}
        }
    }
}

/// The own chain put to use beside the peers of a book. An error if of some purpose no key is held that may sign.
pub(crate) async fn open(
    chain: Vec<Link>,
    keys: Arc<dyn KeyRing>,
    (federation, epoch, peers): (&FederationId, u64, BTreeMap<ParticipantId, PeerEntry>),
    comparisons: &Comparisons,
    now: Timestamp,
) -> Result<(Own, Book), ExchangeError> {
    let state = state_of(chain, keys.clone()).await?;
    let book = Book::new(federation, &state.last, epoch, peers);
    let state = state.chosen(&ready(&book, comparisons), now);
    if let Some(missing) = WORKING.into_iter().find(|purpose| !state.in_use.contains_key(purpose)) {
        return Err(ExchangeError::NoKey(keyfile::purpose_word(missing)));
    }
    let own = Own { keys, state: RwLock::new(Arc::new(state)), changes: watch::Sender::new(0) };
    Ok((own, book))
}

async fn state_of(chain: Vec<Link>, keys: Arc<dyn KeyRing>) -> Result<State, ExchangeError> {
    let last = chain.last().ok_or_else(|| ExchangeError::Inconsistent("there is no own descriptor".into()))?;
    let (last, named) = (last.descriptor.clone(), last.descriptor.clone());
    let held = off_the_async_threads(move || {
        let ids = WORKING.into_iter().flat_map(|purpose| named.keys(purpose)).map(|key| key.id());
        ids.filter_map(|id| Some((id, keys.signer(id)?))).collect()
    });
    let (held, introduced) = (Arc::new(held.await?), Arc::new(introduced(&chain)));
    Ok(State { chain: Arc::new(chain), last, introduced, held, in_use: BTreeMap::new(), until: None })
}

/// The version in which each working key became active. A chain that begins later knows only that it was before.
fn introduced(chain: &[Link]) -> BTreeMap<KeyId, u64> {
    let mut introduced = BTreeMap::new();
    for link in chain {
        let keys = WORKING.into_iter().flat_map(|purpose| link.descriptor.keys(purpose));
        for key in keys.filter(|key| key.status() != KeyStatus::Pending) {
            introduced.entry(key.id()).or_insert(link.descriptor.version());
        }
    }
    introduced
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
        let now = self.clock.now();
        if self.own.state().until.is_some_and(|until| until <= now) {
            self.choose_keys();
        }
        let signer = self.own.state().in_use.get(&purpose).cloned();
        signer.ok_or(ExchangeError::NoKey(keyfile::purpose_word(purpose)))
    }

    /// The key that signs for this purpose now.
    pub fn in_use(&self, purpose: KeyPurpose) -> Option<KeyId> {
        self.signer(purpose).ok().map(|signer| signer.id())
    }

    /// Looks again which keys sign: a peer knows more than before, or there is another set of peers, or time has passed.
    pub(crate) fn choose_keys(&self) {
        self.own.choose(&self.readiness(), self.clock.now());
    }

    /// Looks again which keys are held. The caller holds `peer_changes`, so that no other chain is put to use meanwhile.
    pub(crate) async fn look_at_keys_again(&self) -> Result<(), ExchangeError> {
        let chain = self.own.state().chain().to_vec();
        self.own.replace(chain, &self.readiness(), self.clock.now()).await
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
        let blocks = signer.blocks();
        let sign = move || checkpoint.sign(&own, &signer).map_err(SealError::from);
        Ok(if blocks { off_the_async_threads(sign).await? } else { sign() }?)
    }
}

/// An error means that the process is ending.
pub(crate) async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ExchangeError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ExchangeError::Busy)
}
