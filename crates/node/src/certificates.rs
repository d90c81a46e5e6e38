//! The node's certificate: made at start, made anew in good time, put in force without dropping a call.
//!
//! Promises: it is renewed at two thirds of its life at the latest, and at once when another authority key comes into use
//! or the one in use ends earlier; it never outlives the window that the descriptor gives that key. Renewal holds no lock
//! that a handshake or a call waits for. A failure leaves the old certificate in force, is kept for whoever asks, and is
//! tried again. Leaves out: which authority key is in use, which the descriptor and the peers decide.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use selat_exchange::{Clock, Exchange, ExchangeError};
use selat_link::{Authority, AuthorityError, CertificateFault, Leaf, LeafError, LiveLeaf, NodeName};
use selat_record::Timestamp;
use selat_record::pb::KeyPurpose;
use selat_seal::{AcceptedDescriptor, Entropy, KeyId, KeyRing, Signer, sha256};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::calls::words;
use crate::keys::NodeKeys;

/// Pause after a failure.
const RETRY: Duration = Duration::from_secs(120);
/// The clock is looked at this often at least: a machine that slept, or whose clock was set, is noticed.
const LOOK: Duration = Duration::from_secs(600);

/// The authority key in use, as the own descriptor lists it.
pub struct InUse {
    /// Signs certificates.
    pub signer: Arc<Signer>,
    /// The authority's certificate.
    pub certificate: CertificateDer<'static>,
    /// The end of the key's window, if one is fixed.
    pub until: Option<Timestamp>,
}

impl InUse {
    /// What `descriptor` says of the key of `signer`.
    pub fn of(descriptor: &AcceptedDescriptor, signer: Arc<Signer>) -> Result<Self, RenewalError> {
        let described = descriptor.key(signer.id().as_bytes());
        let certificate = described.and_then(|key| key.certificate()).ok_or(RenewalError::NotDescribed)?;
        let until = described.and_then(|key| key.valid_until());
        Ok(Self { certificate: CertificateDer::from(certificate.to_vec()), signer, until })
    }
}

/// Says which authority key is in use at this moment.
pub trait Authorities: Send + Sync + 'static {
    /// The key in use.
    fn in_use(&self) -> Result<InUse, RenewalError>;
}

impl Authorities for Exchange {
    fn in_use(&self) -> Result<InUse, RenewalError> {
        let signer = self.signer(KeyPurpose::TlsCa)?;
        InUse::of(&self.descriptor(), signer)
    }
}

/// The authorities by which officers know the desk. They learn of a successor with their next certificate only, so the oldest
/// authority that still vouches goes on issuing what the desk shows them, until its end.
pub struct DeskAuthorities {
    /// The own descriptor.
    pub exchange: Arc<Exchange>,
    /// The keys that are held; looking one up waits for nothing.
    pub keys: Arc<NodeKeys>,
}

impl Authorities for DeskAuthorities {
    fn in_use(&self) -> Result<InUse, RenewalError> {
        let (descriptor, now) = (self.exchange.descriptor(), self.exchange.clock().now());
        match oldest(&descriptor, |key| self.keys.signer(key), now) {
            Some(signer) => InUse::of(&descriptor, signer),
            None => Authorities::in_use(&*self.exchange),
        }
    }
}

/// The authority key that has vouched for the longest, does so now, and is held.
fn oldest(
    descriptor: &AcceptedDescriptor,
    held: impl Fn(KeyId) -> Option<Arc<Signer>>,
    now: Timestamp,
) -> Option<Arc<Signer>> {
    let vouching = descriptor.authorities(now).filter(|authority| authority.from <= now);
    let mut signers: Vec<_> = vouching.filter_map(|one| Some((one.from, one.key, held(one.key)?))).collect();
    signers.sort_by_key(|(from, key, _)| (*from, *key));
    signers.into_iter().next().map(|(.., signer)| signer)
}

/// Why there is no new certificate.
#[derive(Debug, thiserror::Error)]
pub enum RenewalError {
    /// No authority key may issue now.
    #[error("no authority key is in use")]
    NoKey(#[from] ExchangeError),
    /// The key in use is not in the descriptor, or has no certificate there.
    #[error("the descriptor does not name the authority key in use")]
    NotDescribed,
    /// The authority did not issue.
    #[error("the authority did not issue a certificate")]
    Authority(#[from] AuthorityError),
    /// What it issued cannot be read.
    #[error("the certificate that was issued cannot be read")]
    Certificate(#[from] CertificateFault),
    /// What it issued cannot be used.
    #[error("the certificate that was issued cannot be used")]
    Leaf(#[from] LeafError),
    /// The process is ending.
    #[error("the node is stopping")]
    Stopping,
}

/// Makes certificates for one node.
#[derive(Clone)]
pub struct Issuance {
    /// Whom they name.
    pub name: NodeName,
    /// How long they live.
    pub life: Duration,
    /// When they begin.
    pub clock: Arc<dyn Clock>,
    /// Their keys.
    pub entropy: Arc<dyn Entropy>,
}

impl Issuance {
    /// A fresh certificate. May wait for the token in which the authority's key is.
    pub fn issue(&self, authority: InUse) -> Result<Issued, RenewalError> {
        let InUse { signer, certificate, until } = authority;
        let (participant, federation) = (self.name.participant().clone(), self.name.federation().clone());
        let opened = Authority::open(participant, federation, signer, certificate)?;
        let authority = match until {
            Some(until) => opened.ending(until),
            None => opened,
        };
        let now = self.clock.now();
        let leaf = authority.issue(&self.name, now, self.life, &*self.entropy)?;
        let (not_before, not_after) = leaf.validity()?;
        let facts = CertificateFacts {
            host: leaf.host()?,
            sha256: sha256(&[leaf.certificate()]),
            not_before,
            not_after,
            renewal: self.renewal(now, not_after, authority.not_after()),
            authority: authority.key_id(),
            authority_until: authority.not_after(),
            last_failure: None,
            certificate: leaf.certificate().to_vec(),
        };
        Ok(Issued { leaf, facts })
    }

    /// Two thirds through its life, and up to a twelfth of it earlier: nodes that started together do not renew together.
    /// One that ends with its authority is not made anew by it: the next would end at the same moment.
    fn renewal(&self, now: Timestamp, not_after: Timestamp, authority_until: Timestamp) -> Timestamp {
        // Certificates have whole seconds.
        if not_after.plus(Duration::from_secs(1)) > authority_until {
            return not_after;
        }
        let life = not_after.since(now);
        let mut drawn = [0; 4];
        self.entropy.fill(&mut drawn);
        let early = (life / 12).mul_f64(f64::from(u32::from_be_bytes(drawn)) / f64::from(u32::MAX));
        now.plus(life * 2 / 3).minus(early)
    }
}

/// A certificate that has just been issued.
pub struct Issued {
    /// With its key.
    pub leaf: Leaf,
    /// What it says.
    pub facts: CertificateFacts,
}

/// The node's certificate as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The node that it names.
    pub host: String,
    /// Its fingerprint.
    pub sha256: [u8; 32],
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// When it is renewed by itself.
    pub renewal: Timestamp,
    /// The authority key that issued it.
    pub authority: KeyId,
    /// Until when that key issues.
    pub authority_until: Timestamp,
    /// Why the latest renewal failed, if it did.
    pub last_failure: Option<String>,
    /// The certificate in DER.
    pub certificate: Vec<u8>,
}

/// The certificate in force and its renewal.
pub struct Certificates {
    issuance: Issuance,
    live: Arc<LiveLeaf>,
    authorities: Arc<dyn Authorities>,
    /// Complete in itself at every moment; held for a copy only.
    facts: Mutex<CertificateFacts>,
    /// One certificate is made at a time.
    making: tokio::sync::Mutex<()>,
}

impl Certificates {
    /// Makes the first certificate, which `live` then shows.
    pub async fn first(
        issuance: Issuance,
        live: Arc<LiveLeaf>,
        authorities: Arc<dyn Authorities>,
    ) -> Result<Arc<Self>, RenewalError> {
        let Issued { leaf, facts } = make(&issuance, &*authorities).await?;
        live.swap(leaf)?;
        let (facts, making) = (Mutex::new(facts), tokio::sync::Mutex::default());
        Ok(Arc::new(Self { issuance, live, authorities, facts, making }))
    }

    /// The certificate in force.
    pub fn facts(&self) -> CertificateFacts {
        self.lock().clone()
    }

    /// Makes a fresh certificate at once and puts it in force from the next handshake on.
    pub async fn renew(&self) -> Result<CertificateFacts, RenewalError> {
        let _alone = self.making.lock().await;
        let made = make(&self.issuance, &*self.authorities).await.and_then(|issued| {
            self.live.swap(issued.leaf)?;
            Ok(issued.facts)
        });
        match made {
            Ok(facts) => {
                *self.lock() = facts.clone();
                info!(name = %facts.host, until = %facts.not_after, "certificate renewed");
                Ok(facts)
            }
            Err(why) => {
                let told = words(&why);
                error!(why = told, "certificate not renewed");
                self.lock().last_failure = Some(told);
                Err(why)
            }
        }
    }

    /// Renews in time, until `stop`. `changes` tells when another authority key may have come into use.
    pub async fn run(self: Arc<Self>, mut changes: tokio::sync::watch::Receiver<u64>, stop: CancellationToken) {
        loop {
            changes.mark_unchanged();
            if self.due_in().is_none() {
                // What failed is kept for `selat cert show` and tried again.
                let _ = stop.run_until_cancelled(self.renew()).await;
            }
            let pause = self.due_in().unwrap_or(RETRY);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.issuance.clock.sleep(pause) => {}
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }

    /// How long to wait before looking again; `None`: it is time.
    fn due_in(&self) -> Option<Duration> {
        let facts = self.facts();
        let now = self.issuance.clock.now();
        let outlives = |until: Option<Timestamp>| until.is_some_and(|until| facts.not_after > until);
        // A key that cannot be told is found out, and said, by the renewal.
        let holds = self
            .authorities
            .in_use()
            .is_ok_and(|in_use| in_use.signer.id() == facts.authority && !outlives(in_use.until));
        (holds && now < facts.renewal).then(|| facts.renewal.since(now).min(LOOK))
    }

    fn lock(&self) -> MutexGuard<'_, CertificateFacts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn make(issuance: &Issuance, authorities: &dyn Authorities) -> Result<Issued, RenewalError> {
    let in_use = authorities.in_use()?;
    if !in_use.signer.blocks() {
        return issuance.issue(in_use);
    }
    let issuance = issuance.clone();
    let made = tokio::task::spawn_blocking(move || issuance.issue(in_use)).await;
    made.map_err(|_| RenewalError::Stopping)?
}

#[cfg(test)]
mod tests;
