//! The peers as the use-cases see them: a snapshot that is never changed, only replaced.

use std::collections::BTreeMap;

use selat_record::{FederationId, ParticipantId};
use selat_seal::{AcceptedDescriptor, Trust};
use selat_store::repositories::{Peer, PeerState};

use crate::ExchangeError;

/// One peer: what the store says of it and its checked descriptor.
#[derive(Debug, Clone)]
pub struct PeerEntry {
    /// State, approval, where its descriptor came from.
    pub row: Peer,
    /// Its keys and endpoints.
    pub descriptor: AcceptedDescriptor,
}

impl PeerEntry {
    /// True once both the phrase and the approval are on record here.
    pub fn is_approved(&self) -> bool {
        self.row.state == PeerState::Approved
    }
}

/// All peers at one moment.
#[derive(Debug)]
pub struct Book {
    /// Counts the changes to the set of approved peers; a batch that decided by this book requires it unchanged.
    pub(crate) epoch: u64,
    peers: BTreeMap<ParticipantId, PeerEntry>,
    trust: Trust,
}

impl Book {
    /// Only approved peers, and this participant itself, are trusted to sign anything.
    pub(crate) fn new(
        federation: &FederationId,
        own: &AcceptedDescriptor,
        epoch: u64,
        peers: BTreeMap<ParticipantId, PeerEntry>,
    ) -> Self {
        let trust = peers
            .values()
            .filter(|peer| peer.is_approved())
            .fold(Trust::new(federation.clone()).with(own.clone()), |trust, peer| trust.with(peer.descriptor.clone()));
        Self { epoch, peers, trust }
    }

    /// Whose signatures count.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Every peer, whatever its state, by participant.
    pub fn all(&self) -> impl Iterator<Item = &PeerEntry> {
        self.peers.values()
    }

    /// The peers that both sides approved, as far as this side knows.
    pub fn approved(&self) -> impl Iterator<Item = &PeerEntry> {
        self.peers.values().filter(|peer| peer.is_approved())
    }

    /// The peer, whatever its state.
    pub fn peer(&self, participant: &ParticipantId) -> Result<&PeerEntry, ExchangeError> {
        self.peers.get(participant).ok_or_else(|| ExchangeError::UnknownPeer(participant.clone()))
    }

    /// The peer, if it is approved.
    pub fn approved_peer(&self, participant: &ParticipantId) -> Result<&PeerEntry, ExchangeError> {
        let peer = self.peer(participant)?;
        if peer.is_approved() {
            return Ok(peer);
        }
        Err(ExchangeError::PeerState { peer: participant.clone(), why: "is not approved".into() })
    }

    /// The same peers beside another own descriptor.
    pub(crate) fn again(&self, federation: &FederationId, own: &AcceptedDescriptor, epoch: u64) -> Self {
        Self::new(federation, own, epoch, self.peers.clone())
    }

    pub(crate) fn with(
        &self,
        federation: &FederationId,
        own: &AcceptedDescriptor,
        epoch: u64,
        peer: PeerEntry,
    ) -> Self {
        let mut peers = self.peers.clone();
        peers.insert(peer.row.participant.clone(), peer);
        Self::new(federation, own, epoch, peers)
    }

    pub(crate) fn without(
        &self,
        federation: &FederationId,
        own: &AcceptedDescriptor,
        epoch: u64,
        peer: &ParticipantId,
    ) -> Self {
        let mut peers = self.peers.clone();
        peers.remove(peer);
        Self::new(federation, own, epoch, peers)
    }
}
