//! Which authorities may speak for which participant.
//!
//! Promise: the authorities of two participants are never in one pool. Who asks for the roots of `AUS` gets those that
//! stand in the descriptor of `AUS`, so an authority of `AUS` cannot vouch for anybody else.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use selat_record::{FederationId, ParticipantId, Timestamp};
use x509_parser::extensions::{GeneralName, NameConstraints, ParsedExtension};
use x509_parser::oid_registry::{OID_SIG_ED25519, OID_X509_EXT_NAME_CONSTRAINTS};
use x509_parser::prelude::X509Certificate;

use crate::certificate::{CertificateFault, moment, parse};
use crate::name::{node_subtree, officer_subtree};

/// More than a change of authorities ever needs at once.
const AUTHORITIES_MAX: usize = 8;

/// A participant that may connect, with the authorities of its descriptor.
#[derive(Debug, Clone)]
pub struct TrustedPeer {
    /// The participant.
    pub participant: ParticipantId,
    /// Its authorities.
    pub authorities: Vec<TrustedAuthority>,
}

/// An authority and when it vouches: within its certificate's dates and within this window.
#[derive(Debug, Clone)]
pub struct TrustedAuthority {
    /// Its certificate in DER.
    pub certificate: CertificateDer<'static>,
    /// First moment of the window.
    pub from: Timestamp,
    /// First moment after the window; `None`: the certificate alone says.
    pub until: Option<Timestamp>,
}

impl TrustedAuthority {
    /// Vouches as long as its certificate says.
    pub fn for_its_life(certificate: CertificateDer<'static>) -> Self {
        Self { certificate, from: Timestamp::EPOCH, until: None }
    }
}

/// The authorities of each trusted participant.
#[derive(Debug, Clone)]
pub struct Roots {
    federation: FederationId,
    peers: HashMap<ParticipantId, Vec<Anchor>>,
}

impl Roots {
    /// Trusts nobody yet.
    pub fn new(federation: FederationId) -> Self {
        Self { federation, peers: HashMap::new() }
    }

    /// The same with `peer` trusted, in place of what was known of it. A peer with one bad authority is not trusted at all.
    pub fn with(mut self, peer: TrustedPeer) -> Result<Self, AuthorityFault> {
        let anchors = Anchor::read_all(&peer.authorities, &node_subtree(&peer.participant, &self.federation))?;
        self.peers.insert(peer.participant, anchors);
        Ok(self)
    }

    /// The same without `participant`.
    pub fn without(mut self, participant: &ParticipantId) -> Self {
        self.peers.remove(participant);
        self
    }

    /// True when the participant may connect.
    pub fn trusts(&self, participant: &ParticipantId) -> bool {
        self.peers.contains_key(participant)
    }

    /// The federation whose participants these are.
    pub fn federation(&self) -> &FederationId {
        &self.federation
    }

    /// The authorities of `participant`, and of no other, that are valid at `now`. `None`: the participant is not trusted.
    pub(crate) fn of(&self, participant: &ParticipantId, now: Timestamp) -> Option<RootCertStore> {
        self.peers.get(participant).map(|anchors| Anchor::valid_at(anchors, now))
    }
}

/// The roots that new handshakes go by; swapped when a peer is approved, changed or removed.
#[derive(Debug)]
pub struct LiveRoots(ArcSwap<Roots>);

impl LiveRoots {
    /// Starts with `roots`.
    pub fn new(roots: Roots) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(roots)))
    }

    /// What is in force now.
    pub fn load(&self) -> Arc<Roots> {
        self.0.load_full()
    }

    /// Puts other roots in force. Live connections stay until their listener or dialer is told to close them.
    pub fn swap(&self, roots: Roots) {
        self.0.store(Arc::new(roots));
    }
}

/// What a good authority certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityFacts {
    /// Its Ed25519 key.
    pub public_key: [u8; 32],
    /// From when on it vouches.
    pub not_before: Timestamp,
    /// Until when it vouches.
    pub not_after: Timestamp,
}

/// Checks that `certificate` is an authority that holds `public_key` and can only name nodes of `participant`. For the
/// moment at which a descriptor is accepted; `public_key` is the key beside the certificate there.
pub fn check_authority(
    certificate: &[u8],
    public_key: &[u8],
    participant: &ParticipantId,
    federation: &FederationId,
) -> Result<AuthorityFacts, AuthorityFault> {
    let facts = read_authority(certificate, &node_subtree(participant, federation))?;
    if facts.public_key.as_slice() != public_key {
        return Err(AuthorityFault::OtherKey);
    }
    Ok(facts)
}

/// Reads the certificate of the authority for officers of `participant`, which no descriptor names. Whether its key is the
/// one that is held is for the caller to compare.
pub fn read_officer_authority(
    certificate: &[u8],
    participant: &ParticipantId,
    federation: &FederationId,
) -> Result<AuthorityFacts, AuthorityFault> {
    read_authority(certificate, &officer_subtree(participant, federation))
}

/// Why an authority certificate was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityFault {
    /// Not a certificate, or too large.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
    /// No authority, or too many.
    #[error("a participant has 1 to {AUTHORITIES_MAX} authorities, not {0}")]
    Count(usize),
    /// The key is not Ed25519.
    #[error("the authority's key is not Ed25519")]
    NotEd25519,
    /// The key is not the one that the descriptor names.
    #[error("the authority's key is not the key that the descriptor names")]
    OtherKey,
    /// Its signature on itself does not hold.
    #[error("the authority has not signed itself")]
    NotSelfSigned,
    /// May not issue certificates, or may let others do so.
    #[error("the certificate is not an authority for leaves only (CA, path length 0, certificate signing)")]
    NotLeafAuthority,
    /// May name others than the participant's own.
    #[error("the authority is not confined to {subtree} by a critical name constraint")]
    NotConfined {
        /// What it should be confined to.
        subtree: String,
    },
}

/// The authorities of one participant's officers, confined to officer names.
#[derive(Debug)]
pub(crate) struct OfficerAnchors(Vec<Anchor>);

impl OfficerAnchors {
    pub(crate) fn read(
        authorities: &[CertificateDer<'static>],
        participant: &ParticipantId,
        federation: &FederationId,
    ) -> Result<Self, AuthorityFault> {
        let authorities: Vec<_> = authorities.iter().cloned().map(TrustedAuthority::for_its_life).collect();
        Anchor::read_all(&authorities, &officer_subtree(participant, federation)).map(Self)
    }

    pub(crate) fn valid_at(&self, now: Timestamp) -> RootCertStore {
        Anchor::valid_at(&self.0, now)
    }
}

/// Reads an authority that is confined to `subtree`.
pub(crate) fn read_authority(der: &[u8], subtree: &str) -> Result<AuthorityFacts, AuthorityFault> {
    let certificate = parse(der)?;
    let public_key = ed25519_key(&certificate)?;
    if !signed_itself(&certificate, &public_key) {
        return Err(AuthorityFault::NotSelfSigned);
    }
    if !issues_leaves_only(&certificate) {
        return Err(AuthorityFault::NotLeafAuthority);
    }
    if !confined_to(&certificate, subtree) {
        return Err(AuthorityFault::NotConfined { subtree: subtree.to_owned() });
    }
    // Handshakes read it with a stricter parser: what that one does not take must not be accepted here either.
    trust_anchor(der)?;
    let validity = certificate.validity();
    Ok(AuthorityFacts {
        public_key,
        not_before: moment(validity.not_before.timestamp()).ok_or(CertificateFault::Unreadable)?,
        not_after: moment(validity.not_after.timestamp()).ok_or(CertificateFault::Unreadable)?,
    })
}

/// An authority in the form that chain building wants. That form has no dates, so they stand beside it.
#[derive(Debug, Clone)]
struct Anchor {
    anchor: TrustAnchor<'static>,
    not_before: Timestamp,
    not_after: Timestamp,
    until: Option<Timestamp>,
}

impl Anchor {
    fn read_all(authorities: &[TrustedAuthority], subtree: &str) -> Result<Vec<Self>, AuthorityFault> {
        if authorities.is_empty() || authorities.len() > AUTHORITIES_MAX {
            return Err(AuthorityFault::Count(authorities.len()));
        }
        authorities.iter().map(|authority| Self::read(authority, subtree)).collect()
    }

    fn read(authority: &TrustedAuthority, subtree: &str) -> Result<Self, AuthorityFault> {
        let TrustedAuthority { certificate, from, until } = authority;
        let AuthorityFacts { not_before, not_after, .. } = read_authority(certificate, subtree)?;
        let not_before = not_before.max(*from);
        Ok(Self { anchor: trust_anchor(certificate)?, not_before, not_after, until: *until })
    }

    fn valid_at(anchors: &[Self], now: Timestamp) -> RootCertStore {
        let valid = anchors.iter().filter(|anchor| anchor.is_valid_at(now));
        RootCertStore { roots: valid.map(|valid| valid.anchor.clone()).collect() }
    }

    fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after && self.until.is_none_or(|until| now < until)
    }
}

fn trust_anchor(der: &[u8]) -> Result<TrustAnchor<'static>, CertificateFault> {
    let mut store = RootCertStore::empty();
    store.add(CertificateDer::from(der)).map_err(|_| CertificateFault::Unreadable)?;
    store.roots.pop().ok_or(CertificateFault::Unreadable)
}

fn ed25519_key(certificate: &X509Certificate<'_>) -> Result<[u8; 32], AuthorityFault> {
    let info = certificate.public_key();
    let ours =
        info.algorithm.algorithm == OID_SIG_ED25519 && certificate.signature_algorithm.algorithm == OID_SIG_ED25519;
    let key = info.subject_public_key.data.as_ref().try_into().ok();
    key.filter(|_| ours).ok_or(AuthorityFault::NotEd25519)
}

fn signed_itself(certificate: &X509Certificate<'_>, public_key: &[u8]) -> bool {
    let signed = certificate.tbs_certificate.as_ref();
    certificate.subject() == certificate.issuer()
        && UnparsedPublicKey::new(&ED25519, public_key).verify(signed, &certificate.signature_value.data).is_ok()
}

fn issues_leaves_only(certificate: &X509Certificate<'_>) -> bool {
    let constraints = certificate.basic_constraints().ok().flatten();
    let usage = certificate.key_usage().ok().flatten();
    constraints.is_some_and(|found| found.value.ca && found.value.path_len_constraint == Some(0))
        && usage.is_some_and(|found| found.value.key_cert_sign())
}

fn confined_to(certificate: &X509Certificate<'_>, subtree: &str) -> bool {
    let extension = certificate.get_extension_unique(&OID_X509_EXT_NAME_CONSTRAINTS).ok().flatten();
    let Some(extension) = extension.filter(|found| found.critical) else { return false };
    let ParsedExtension::NameConstraints(NameConstraints { permitted_subtrees: Some(permitted), .. }) =
        extension.parsed_extension()
    else {
        return false;
    };
    matches!(permitted.as_slice(), [only] if matches!(only.base, GeneralName::DNSName(base) if base == subtree))
}
