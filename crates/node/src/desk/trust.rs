//! Peers after their approval, and descriptors: the standing of a peer, the own next version, who holds which.

use selat_seal::succession::Readiness;
use selat_wire::desk as wire;
use tonic::{Request, Response};

use super::messages::ms;
use super::service::{DeskRpc, Reply};
use super::{records, refused};

impl DeskRpc {
    pub(super) async fn suspend(&self, request: Request<wire::PeerStandingRequest>) -> Reply<wire::PeerView> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let peer = records::participant(&request.peer)?;
        let entry = self.exchange.suspend(&actor, &peer, &request.reason).await.map_err(refused)?;
        Ok(Response::new(self.view(entry).await?))
    }

    pub(super) async fn resume(&self, request: Request<wire::PeerStandingRequest>) -> Reply<wire::PeerView> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let peer = records::participant(&request.peer)?;
        let entry = self.exchange.resume(&actor, &peer, &request.reason).await.map_err(refused)?;
        Ok(Response::new(self.view(entry).await?))
    }

    pub(super) async fn remove(&self, request: Request<wire::PeerStandingRequest>) -> Reply<wire::PeerRemoveReply> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let peer = records::participant(&request.peer)?;
        self.exchange.remove(&actor, &peer, &request.reason).await.map_err(refused)?;
        Ok(Response::new(wire::PeerRemoveReply { peer: peer.to_string() }))
    }

    pub(super) async fn chain(
        &self,
        request: Request<wire::DescriptorChainRequest>,
    ) -> Reply<wire::DescriptorChainReply> {
        let actor = self.actor(&request)?;
        let peer = records::optional_participant(&request.into_inner().peer)?;
        let descriptors = self.exchange.chain_of(&actor, peer.as_ref()).await.map_err(refused)?;
        let participant = peer.as_ref().unwrap_or(self.exchange.participant()).to_string();
        Ok(Response::new(wire::DescriptorChainReply { participant, descriptors }))
    }

    pub(super) async fn publish(
        &self,
        request: Request<wire::DescriptorPublishRequest>,
    ) -> Reply<wire::DescriptorPublishReply> {
        let actor = self.actor(&request)?;
        let text = request.into_inner().descriptor;
        let published = self.exchange.publish(&actor, &text).await.map_err(refused)?;
        let hash = published.hash.as_bytes().to_vec();
        Ok(Response::new(wire::DescriptorPublishReply { version: published.version, hash }))
    }

    pub(super) fn acks(&self, request: &Request<wire::DescriptorAcksRequest>) -> Reply<wire::DescriptorAcksReply> {
        let peers = self.exchange.acks(&self.actor(request)?).map_err(refused)?;
        let descriptor = self.exchange.descriptor();
        Ok(Response::new(wire::DescriptorAcksReply {
            version: descriptor.version(),
            hash: descriptor.content_id().as_bytes().to_vec(),
            created_ms: descriptor.created().ms(),
            peers: peers.into_iter().map(readiness).collect(),
        }))
    }
}

/// What an approved peer is known to hold.
pub(super) fn readiness(readiness: Readiness) -> wire::PeerReadiness {
    wire::PeerReadiness {
        peer: readiness.participant.to_string(),
        acknowledged_version: readiness.acknowledged,
        acknowledged_ms: ms(readiness.acknowledged_at),
        refreshed_ms: ms(readiness.refreshed),
    }
}
