//! The listener for peers: only nodes of approved participants come in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use selat_record::{ParticipantId, Timestamp};

use crate::authority::NODE_LEAF_LIFE_MAX;
use crate::certificate::{CertificateFault, LeafFacts};
use crate::gate::{Gate, Identity, check_client, roots_of};
use crate::leaf::LiveLeaf;
use crate::listener::{Limits, Listener};
use crate::name::NodeName;
use crate::roots::LiveRoots;
use crate::tls::Now;

/// The listener for peers.
pub type PeerListener = Listener<PeerGate>;

/// The node at the other end, as its certificate proved. In each request's extensions when tonic serves the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    /// Which node, of which participant.
    pub name: NodeName,
    /// Fingerprint of the certificate that it showed.
    pub certificate_sha256: [u8; 32],
    /// Until when that certificate is valid.
    pub certificate_until: Timestamp,
    /// Where it called from.
    pub remote: SocketAddr,
}

impl PeerIdentity {
    /// The participant.
    pub fn participant(&self) -> &ParticipantId {
        self.name.participant()
    }
}

impl Identity for PeerIdentity {
    type Key = ParticipantId;

    fn key(&self) -> ParticipantId {
        self.participant().clone()
    }
}

/// What a peer listener is made from.
pub struct PeerSetup {
    /// The certificate that it shows.
    pub leaf: Arc<LiveLeaf>,
    /// Whom it lets in.
    pub roots: Arc<LiveRoots>,
    /// The clock.
    pub now: Now,
    /// Its bounds.
    pub limits: Limits,
}

impl PeerListener {
    /// Listens at `address` for peers.
    pub async fn bind(address: SocketAddr, setup: PeerSetup) -> io::Result<Self> {
        let PeerSetup { leaf, roots, now, limits } = setup;
        Self::open(address, PeerGate { roots }, leaf, now, limits).await
    }

    /// Cuts all live connections of `participant`, at once; says how many there were. Take it out of the roots first.
    pub fn close_peer(&self, participant: &ParticipantId) -> usize {
        self.connections().close(participant)
    }
}

/// Lets in the nodes of trusted participants: the participant is read from the leaf, then only that participant's
/// authorities are asked.
#[derive(Debug)]
pub struct PeerGate {
    roots: Arc<LiveRoots>,
}

impl Gate for PeerGate {
    type Identity = PeerIdentity;

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        remote: SocketAddr,
        now: Timestamp,
    ) -> Result<PeerIdentity, CertificateFault> {
        let facts = LeafFacts::read(leaf)?;
        let name = facts.node()?;
        let store = roots_of(&self.roots, &name, now)?;
        check_client(leaf, &facts, store, now, NODE_LEAF_LIFE_MAX)?;
        Ok(PeerIdentity { name, certificate_sha256: facts.sha256, certificate_until: facts.not_after, remote })
    }
}
