//! The TCP listener for officers with certificates, and the officer's way to it.
//!
//! Officers' authorities are in no descriptor: only the desks of the participant itself go by them, and peers refuse
//! officers by the shape of their names already.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use selat_record::{FederationId, OfficerId, ParticipantId, Timestamp};

use crate::authority::OFFICER_LEAF_LIFE_MAX;
use crate::certificate::{CertificateFault, LeafFacts};
use crate::dialer::{DialLimits, Dialer};
use crate::gate::{Gate, Identity, check_client};
use crate::leaf::LiveLeaf;
use crate::listener::{Limits, Listener};
use crate::name::OfficerName;
use crate::roots::{AuthorityFault, LiveRoots, OfficerAnchors, Roots, TrustedAuthority, TrustedPeer};
use crate::tls::Now;

/// The listener for officers.
pub type DeskListener = Listener<OfficerGate>;

/// The officer at the other end, as the certificate proved. What the officer may do is for the node's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficerIdentity {
    /// Who it is.
    pub name: OfficerName,
    /// Fingerprint of the certificate shown.
    pub certificate_sha256: [u8; 32],
    /// Until when that certificate is valid.
    pub certificate_until: Timestamp,
    /// Where the officer called from.
    pub remote: SocketAddr,
}

impl OfficerIdentity {
    /// The officer.
    pub fn officer(&self) -> &OfficerId {
        self.name.officer()
    }
}

impl Identity for OfficerIdentity {
    type Key = OfficerId;

    fn key(&self) -> OfficerId {
        self.officer().clone()
    }
}

/// The authorities of one participant's officers.
#[derive(Debug)]
pub struct OfficerRoots {
    participant: ParticipantId,
    federation: FederationId,
    anchors: OfficerAnchors,
}

impl OfficerRoots {
    /// Takes the officers' authorities of `participant`, in DER.
    pub fn new(
        participant: ParticipantId,
        federation: FederationId,
        authorities: &[CertificateDer<'static>],
    ) -> Result<Self, AuthorityFault> {
        let anchors = OfficerAnchors::read(authorities, &participant, &federation)?;
        Ok(Self { participant, federation, anchors })
    }
}

/// What a desk listener is made from.
pub struct DeskSetup {
    /// The certificate that it shows: the node's own.
    pub leaf: Arc<LiveLeaf>,
    /// Whom it lets in.
    pub officers: OfficerRoots,
    /// The clock.
    pub now: Now,
    /// Its bounds.
    pub limits: Limits,
}

impl DeskListener {
    /// Listens at `address` for officers.
    pub async fn bind(address: SocketAddr, setup: DeskSetup) -> io::Result<Self> {
        let DeskSetup { leaf, officers, now, limits } = setup;
        Self::open(address, OfficerGate { officers }, leaf, now, limits).await
    }

    /// Cuts all live connections of `officer`, at once; says how many there were.
    pub fn close_officer(&self, officer: &OfficerId) -> usize {
        self.connections().close(officer)
    }
}

/// Lets in the participant's own officers.
#[derive(Debug)]
pub struct OfficerGate {
    officers: OfficerRoots,
}

impl Gate for OfficerGate {
    type Identity = OfficerIdentity;

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        remote: SocketAddr,
        now: Timestamp,
    ) -> Result<OfficerIdentity, CertificateFault> {
        let OfficerRoots { participant, federation, anchors } = &self.officers;
        let facts = LeafFacts::read(leaf)?;
        let name = facts.officer()?;
        if name.federation() != federation {
            return Err(CertificateFault::OtherFederation { host: facts.host });
        }
        if name.participant() != participant {
            let participant = name.participant().clone();
            return Err(CertificateFault::UnknownParticipant { host: facts.host, participant });
        }
        let store = anchors.valid_at(now);
        if store.is_empty() {
            return Err(CertificateFault::NoValidAuthority { participant: participant.clone() });
        }
        check_client(leaf, &facts, store, now, OFFICER_LEAF_LIFE_MAX)?;
        Ok(OfficerIdentity { name, certificate_sha256: facts.sha256, certificate_until: facts.not_after, remote })
    }
}

/// How an officer reaches the desk of a node of the own participant.
pub struct DeskAccess {
    /// The officer's certificate.
    pub leaf: Arc<LiveLeaf>,
    /// The participant whose desk it is.
    pub participant: ParticipantId,
    /// Its federation.
    pub federation: FederationId,
    /// The participant's node authorities in DER, as in its descriptor.
    pub authorities: Vec<CertificateDer<'static>>,
    /// The clock.
    pub now: Now,
}

impl DeskAccess {
    /// A dialer that trusts this participant's nodes and nobody else.
    pub fn dialer(self, limits: DialLimits) -> Result<Dialer, AuthorityFault> {
        let authorities = self.authorities.into_iter().map(TrustedAuthority::for_its_life).collect();
        let peer = TrustedPeer { participant: self.participant, authorities };
        let roots = LiveRoots::new(Roots::new(self.federation).with(peer)?);
        Ok(Dialer::new(self.leaf, roots, self.now, limits))
    }
}
