//! A participant's own certificate authorities, and the leaves they issue.
//!
//! Each participant has a small authority for its nodes, which stands in its descriptor, and one for its officers, which
//! stands in no descriptor. Each can only name what is beneath its own subtree, and no further authority beneath it.
//! An authority signs through a [`Signer`], so its key may live where it cannot be read; keeping it is the caller's
//! business.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ED25519, PublicKeyData, SanType, SerialNumber,
    SignatureAlgorithm, SigningKey, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use selat_record::{FederationId, ParticipantId, Timestamp};
use selat_seal::{Entropy, KeyFailure, KeyId, Signer};
use zeroize::Zeroizing;

use crate::leaf::Leaf;
use crate::name::{NodeName, OfficerName, node_subtree, officer_subtree};
use crate::roots::{AuthorityFacts, AuthorityFault, read_authority};

/// Longest life of a node's leaf: how long a stolen node key can be used after its theft is noticed by nobody.
pub const NODE_LEAF_LIFE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// Longest life of an officer's leaf.
pub const OFFICER_LEAF_LIFE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// Leaves and authorities begin this much earlier, so that a peer whose clock is behind accepts them.
pub(crate) const BACKDATED: Duration = Duration::from_secs(3600);

/// The authority for a participant's nodes.
pub struct Authority {
    federation: FederationId,
    participant: ParticipantId,
    keeper: Keeper,
}

impl Authority {
    /// Makes the authority of `participant` whose key `signer` holds, valid for `life` from `now`. Waits for the signer.
    pub fn create(
        participant: ParticipantId,
        federation: FederationId,
        signer: Arc<Signer>,
        now: Timestamp,
        life: Duration,
        entropy: &dyn Entropy,
    ) -> Result<Self, AuthorityError> {
        let keeper = Keeper::create(node_subtree(&participant, &federation), signer, now, life, entropy)?;
        Ok(Self { federation, participant, keeper })
    }

    /// Takes up an authority that was made earlier.
    pub fn open(
        participant: ParticipantId,
        federation: FederationId,
        signer: Arc<Signer>,
        certificate: CertificateDer<'static>,
    ) -> Result<Self, AuthorityError> {
        let keeper = Keeper::open(node_subtree(&participant, &federation), signer, certificate)?;
        Ok(Self { federation, participant, keeper })
    }

    /// The same, issuing nothing that is valid at or after `until`: peers go by the window of its key in the descriptor,
    /// and a leaf that outlived it would be refused before its time.
    pub fn ending(mut self, until: Timestamp) -> Self {
        self.keeper.not_after = self.keeper.not_after.min(until);
        self
    }

    /// The certificate that goes into the descriptor.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.keeper.certificate
    }

    /// The key that goes into the descriptor beside it.
    pub fn public_key(&self) -> [u8; 32] {
        *self.keeper.signer.public().as_bytes()
    }

    /// The id of that key.
    pub fn key_id(&self) -> KeyId {
        self.keeper.signer.id()
    }

    /// Until when it issues.
    pub fn not_after(&self) -> Timestamp {
        self.keeper.not_after
    }

    /// True when issuing waits for something outside this process, so that it does not belong on an async thread.
    pub fn blocks(&self) -> bool {
        self.keeper.signer.blocks()
    }

    /// Issues a leaf with a fresh key to one of the participant's nodes: for client and server, for at most
    /// [`NODE_LEAF_LIFE_MAX`], and never beyond the authority's own end.
    pub fn issue(
        &self,
        name: &NodeName,
        now: Timestamp,
        life: Duration,
        entropy: &dyn Entropy,
    ) -> Result<Leaf, AuthorityError> {
        if (name.participant(), name.federation()) != (&self.participant, &self.federation) {
            return Err(AuthorityError::NotOurs { host: name.to_string() });
        }
        let purposes = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.keeper.issue(name.to_string(), purposes, now, life.min(NODE_LEAF_LIFE_MAX), entropy)
    }
}

/// The authority for a participant's officers. Only the participant's own desk listeners know it.
pub struct OfficerAuthority {
    federation: FederationId,
    participant: ParticipantId,
    keeper: Keeper,
}

impl OfficerAuthority {
    /// Makes the officers' authority of `participant` whose key `signer` holds, valid for `life` from `now`.
    pub fn create(
        participant: ParticipantId,
        federation: FederationId,
        signer: Arc<Signer>,
        now: Timestamp,
        life: Duration,
        entropy: &dyn Entropy,
    ) -> Result<Self, AuthorityError> {
        let keeper = Keeper::create(officer_subtree(&participant, &federation), signer, now, life, entropy)?;
        Ok(Self { federation, participant, keeper })
    }

    /// Takes up an authority that was made earlier.
    pub fn open(
        participant: ParticipantId,
        federation: FederationId,
        signer: Arc<Signer>,
        certificate: CertificateDer<'static>,
    ) -> Result<Self, AuthorityError> {
        let keeper = Keeper::open(officer_subtree(&participant, &federation), signer, certificate)?;
        Ok(Self { federation, participant, keeper })
    }

    /// The certificate that desk listeners go by.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.keeper.certificate
    }

    /// Until when it issues.
    pub fn not_after(&self) -> Timestamp {
        self.keeper.not_after
    }

    /// Issues a leaf with a fresh key to an officer: for a client only, for at most [`OFFICER_LEAF_LIFE_MAX`].
    pub fn issue(
        &self,
        name: &OfficerName,
        now: Timestamp,
        life: Duration,
        entropy: &dyn Entropy,
    ) -> Result<Leaf, AuthorityError> {
        if (name.participant(), name.federation()) != (&self.participant, &self.federation) {
            return Err(AuthorityError::NotOurs { host: name.to_string() });
        }
        let purposes = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.keeper.issue(name.to_string(), purposes, now, life.min(OFFICER_LEAF_LIFE_MAX), entropy)
    }
}

/// Why an authority could not be made, taken up or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The name belongs to another participant or federation.
    #[error("{host} is not a name that this authority may give")]
    NotOurs {
        /// The name.
        host: String,
    },
    /// The certificate is not a good authority.
    #[error("the authority certificate is not good")]
    Certificate(#[from] AuthorityFault),
    /// The authority has ended, or has not begun.
    #[error("the authority is valid from {not_before} to {not_after} only")]
    OutOfDate {
        /// Its first moment.
        not_before: Timestamp,
        /// Its last moment.
        not_after: Timestamp,
    },
    /// The authority's key did not sign.
    #[error("the authority's key did not sign")]
    Signer(#[from] KeyFailure),
    /// The leaf's fresh key was refused by the cryptographic library.
    #[error("the key cannot be used")]
    Key,
    /// The certificate could not be made.
    #[error("the certificate could not be made")]
    Make(#[from] rcgen::Error),
}

/// An authority's key and certificate.
struct Keeper {
    subtree: String,
    signer: Arc<Signer>,
    certificate: CertificateDer<'static>,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Keeper {
    fn create(
        subtree: String,
        signer: Arc<Signer>,
        now: Timestamp,
        life: Duration,
        entropy: &dyn Entropy,
    ) -> Result<Self, AuthorityError> {
        let mut params = dated(now.minus(BACKDATED), now.plus(life), entropy);
        params.distinguished_name = subject(&subtree);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(subtree.clone())],
            excluded_subtrees: Vec::new(),
        });
        let key = CertificateKey::of(&signer);
        let made = params.self_signed(&key);
        let certificate = key.outcome(made)?.der().clone();
        Self::open(subtree, signer, certificate)
    }

    fn open(
        subtree: String,
        signer: Arc<Signer>,
        certificate: CertificateDer<'static>,
    ) -> Result<Self, AuthorityError> {
        let AuthorityFacts { public_key, not_before, not_after } = read_authority(&certificate, &subtree)?;
        if public_key != *signer.public().as_bytes() {
            return Err(AuthorityFault::OtherKey.into());
        }
        Ok(Self { subtree, signer, certificate, not_before, not_after })
    }

    fn issue(
        &self,
        host: String,
        purposes: Vec<ExtendedKeyUsagePurpose>,
        now: Timestamp,
        life: Duration,
        entropy: &dyn Entropy,
    ) -> Result<Leaf, AuthorityError> {
        let until = now.plus(life).min(self.not_after);
        if now < self.not_before || until <= now {
            return Err(AuthorityError::OutOfDate { not_before: self.not_before, not_after: self.not_after });
        }
        // The subject stays empty: the one alternative name is the only place where identity is read from.
        let mut params = dated(now.minus(BACKDATED), until, entropy);
        params.subject_alt_names = vec![SanType::DnsName(host.try_into()?)];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = purposes;

        let mut seed = Zeroizing::new([0; 32]);
        entropy.fill(seed.as_mut_slice());
        let (key, pkcs8) = ed25519(&seed)?;
        let mut own = CertificateParams::default();
        own.distinguished_name = subject(&self.subtree);
        let issuer = CertificateKey::of(&self.signer);
        let signed = params.signed_by(&key, &Issuer::from_params(&own, &issuer));
        Ok(Leaf::new(issuer.outcome(signed)?.der().clone(), pkcs8))
    }
}

/// A signer as the maker of certificates takes it. Why it did not sign is kept beside, because it would be lost there.
struct CertificateKey<'a> {
    signer: &'a Signer,
    failure: OnceCell<KeyFailure>,
}

impl<'a> CertificateKey<'a> {
    fn of(signer: &'a Signer) -> Self {
        Self { signer, failure: OnceCell::new() }
    }

    fn outcome<T>(&self, made: Result<T, rcgen::Error>) -> Result<T, AuthorityError> {
        match self.failure.get() {
            Some(failure) => Err(failure.clone().into()),
            None => Ok(made?),
        }
    }
}

impl PublicKeyData for CertificateKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.signer.public().as_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

impl SigningKey for CertificateKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.signer.sign_bytes(message).map(|signature| signature.to_vec()).map_err(|failure| {
            self.failure.get_or_init(|| failure);
            rcgen::Error::RemoteKeyError
        })
    }
}

/// The one spelling of an authority's subject: leaves name their issuer by these very bytes.
fn subject(subtree: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, subtree);
    name
}

fn dated(from: Timestamp, until: Timestamp, entropy: &dyn Entropy) -> CertificateParams {
    let epoch = date_time_ymd(1970, 1, 1);
    let mut serial = [0; 16];
    entropy.fill(&mut serial);
    // The first bit clear makes a serial positive, the second set gives all of them one length.
    serial[0] = (serial[0] & 0x3f) | 0x40;
    let mut params = CertificateParams::default();
    params.not_before = epoch + from.since(Timestamp::EPOCH);
    params.not_after = epoch + until.since(Timestamp::EPOCH);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = DistinguishedName::new();
    params
}

fn ed25519(seed: &[u8; 32]) -> Result<(KeyPair, Zeroizing<Vec<u8>>), AuthorityError> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| AuthorityError::Key)?;
    let document = pair.to_pkcs8().map_err(|_| AuthorityError::Key)?;
    let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
    let der = PrivatePkcs8KeyDer::from(pkcs8.as_slice());
    Ok((KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ED25519)?, pkcs8))
}
