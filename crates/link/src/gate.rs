//! Judges certificates: a [`Gate`] says who its holder is, adapters put the gate into rustls.
//!
//! Promise: one function per gate decides, inside the handshake and again when the connection is admitted. Certificates
//! that a stranger sends beside its leaf are not looked at: an authority signs leaves directly.

use std::fmt;
use std::hash::Hash;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::verify_tls13_signature;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error as TlsError, PeerMisbehaved, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use selat_record::Timestamp;

use crate::authority::{BACKDATED, NODE_LEAF_LIFE_MAX};
use crate::certificate::{CertificateFault, LeafFacts, timestamp, unix_time};
use crate::name::NodeName;
use crate::roots::LiveRoots;
use crate::tls::{SCHEMES, no_tls12, provider};

/// Who may come in at a listener.
pub trait Gate: fmt::Debug + Send + Sync + 'static {
    /// Who somebody is who came in.
    type Identity: Identity;

    /// Says who shows `leaf`, judged by what is trusted at this moment.
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        remote: SocketAddr,
        now: Timestamp,
    ) -> Result<Self::Identity, CertificateFault>;
}

/// Who is at the other end of a connection.
pub trait Identity: Clone + fmt::Debug + Send + Sync + Unpin + 'static {
    /// What connections are counted and closed by.
    type Key: Clone + Eq + Hash + fmt::Debug + fmt::Display + Send + Unpin + 'static;

    /// The key of this identity.
    fn key(&self) -> Self::Key;
}

/// What the verifier inside a handshake found out, for the code around the handshake.
pub(crate) type Finding<T> = Arc<OnceLock<Result<T, CertificateFault>>>;

/// The fault that a verifier found, if it found one.
pub(crate) fn fault_in<T>(finding: &Finding<T>) -> Option<CertificateFault> {
    finding.get().and_then(|found| found.as_ref().err()).cloned()
}

/// A gate as rustls' verifier of clients, for one handshake.
#[derive(Debug)]
pub(crate) struct ClientJudge<G: Gate> {
    pub(crate) gate: Arc<G>,
    pub(crate) remote: SocketAddr,
    pub(crate) finding: Finding<G::Identity>,
}

impl<G: Gate> ClientCertVerifier for ClientJudge<G> {
    /// Empty, or any scanner could read from it whom we exchange with.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        match self.finding.get_or_init(|| self.gate.judge(leaf, self.remote, timestamp(now))) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(fault) => Err(fault.to_alert()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_possession(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}

/// Judges the server at the other end of one dial: it must be the very node that was dialled.
#[derive(Debug)]
pub(crate) struct ServerJudge {
    pub(crate) expected: NodeName,
    pub(crate) roots: Arc<LiveRoots>,
    pub(crate) finding: Finding<LeafFacts>,
}

impl ServerJudge {
    /// Says whether `leaf` is the dialled node's, judged by the authorities of the participant that was dialled.
    pub(crate) fn judge(&self, leaf: &CertificateDer<'_>, now: Timestamp) -> Result<LeafFacts, CertificateFault> {
        let facts = LeafFacts::read(leaf)?;
        let shown = facts.node()?;
        if shown != self.expected {
            return Err(CertificateFault::WrongName { expected: self.expected.to_string(), shown: shown.to_string() });
        }
        let store = roots_of(&self.roots, &shown, now)?;
        check_server(leaf, &facts, &shown, store, now)?;
        Ok(facts)
    }
}

impl ServerCertVerifier for ServerJudge {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        match self.finding.get_or_init(|| self.judge(leaf, timestamp(now))) {
            Ok(_) => Ok(ServerCertVerified::assertion()),
            Err(fault) => Err(fault.to_alert()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_possession(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}

/// The authorities of the participant that a node's name claims, and of no other.
pub(crate) fn roots_of(roots: &LiveRoots, name: &NodeName, now: Timestamp) -> Result<RootCertStore, CertificateFault> {
    let roots = roots.load();
    if name.federation() != roots.federation() {
        return Err(CertificateFault::OtherFederation { host: name.to_string() });
    }
    let participant = name.participant();
    match roots.of(participant, now) {
        None => Err(CertificateFault::UnknownParticipant { host: name.to_string(), participant: participant.clone() }),
        Some(store) if store.is_empty() => Err(CertificateFault::NoValidAuthority { participant: participant.clone() }),
        Some(store) => Ok(store),
    }
}

/// Checks a client's leaf against one participant's authorities.
pub(crate) fn check_client(
    leaf: &CertificateDer<'_>,
    facts: &LeafFacts,
    store: RootCertStore,
    now: Timestamp,
    life_max: Duration,
) -> Result<(), CertificateFault> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider())
        .build()
        .map_err(|error| CertificateFault::Unfit { host: facts.host.clone(), why: error.to_string() })?;
    check_leaf(facts, now, life_max, |at| verifier.verify_client_cert(leaf, &[], at).map(drop))
}

/// Checks a server's leaf against one participant's authorities.
fn check_server(
    leaf: &CertificateDer<'_>,
    facts: &LeafFacts,
    name: &NodeName,
    store: RootCertStore,
    now: Timestamp,
) -> Result<(), CertificateFault> {
    let unfit = |why: String| CertificateFault::Unfit { host: facts.host.clone(), why };
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider())
        .build()
        .map_err(|error| unfit(error.to_string()))?;
    let host = ServerName::try_from(name.to_string()).map_err(|error| unfit(error.to_string()))?;
    check_leaf(facts, now, NODE_LEAF_LIFE_MAX, |at| verifier.verify_server_cert(leaf, &[], &host, &[], at).map(drop))
}

/// Runs the chain check and names what is wrong. A leaf is only called out of date when its chain would have held in
/// its time: otherwise a self-made, expired leaf would be told apart, and with it whom we know from whom we do not.
fn check_leaf(
    facts: &LeafFacts,
    now: Timestamp,
    life_max: Duration,
    chain_holds: impl Fn(UnixTime) -> Result<(), TlsError>,
) -> Result<(), CertificateFault> {
    let host = || facts.host.clone();
    let genuine = || chain_holds(unix_time(facts.not_before)).is_ok();
    match chain_holds(unix_time(now)).map_err(certificate_error) {
        Ok(()) => {}
        Err(Some(CertificateError::Expired | CertificateError::ExpiredContext { .. })) if genuine() => {
            return Err(CertificateFault::Expired { host: host(), not_after: facts.not_after });
        }
        Err(Some(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. })) if genuine() => {
            return Err(CertificateFault::NotYetValid { host: host(), not_before: facts.not_before });
        }
        Err(Some(other)) if is_unfit(&other) => {
            return Err(CertificateFault::Unfit { host: host(), why: other.to_string() });
        }
        Err(_) => return Err(CertificateFault::UnknownIssuer { host: host() }),
    }
    let life = facts.not_after.since(facts.not_before);
    if life > life_max + BACKDATED {
        return Err(CertificateFault::LivesTooLong { host: host(), days: life.as_secs() / (24 * 3600) });
    }
    Ok(())
}

fn certificate_error(error: TlsError) -> Option<CertificateError> {
    match error {
        TlsError::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}

/// True for faults that are neither of issuer nor of time.
fn is_unfit(error: &CertificateError) -> bool {
    use CertificateError as E;
    !matches!(
        error,
        E::UnknownIssuer
            | E::BadSignature
            | E::UnsupportedSignatureAlgorithmContext { .. }
            | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
            | E::Expired
            | E::ExpiredContext { .. }
            | E::NotValidYet
            | E::NotValidYetContext { .. }
    )
}

/// Checks that the other end holds the leaf's key.
fn verify_possession(
    message: &[u8],
    leaf: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, TlsError> {
    if !SCHEMES.contains(&signed.scheme) {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    verify_tls13_signature(message, leaf, signed, &provider().signature_verification_algorithms)
}
