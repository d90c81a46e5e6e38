//! The signed acceptance of a peer: which two descriptors were compared, by whom, over which channel and when. It is made
//! in the batch that approves the peer, and whoever has both descriptors can compute the phrase again from it.

use selat_record::ids::mint_uuid;
use selat_record::pb;
use selat_seal::AcceptedDescriptor;
use selat_store::Batch;
use selat_store::repositories::{Accepted, Approval, Peer};

use crate::{Exchange, ExchangeError};

impl Exchange {
    /// Signs that `approval` was given for the phrase between `own` and `peer`, and adds it to the batch.
    pub(crate) async fn accept(
        &self,
        batch: &mut Batch,
        (own, peer): (&AcceptedDescriptor, &AcceptedDescriptor),
        approval: &Approval,
    ) -> Result<(), ExchangeError> {
        let id = mint_uuid(approval.at, self.random()).into_bytes();
        let acceptance = pb::Acceptance {
            header: Some(pb::Header {
                federation: self.federation().to_string(),
                issuer: self.participant().to_string(),
                audience: peer.participant().to_string(),
                id: id.to_vec(),
                created_ms: approval.at.ms(),
                expires_ms: 0,
                descriptor_version: own.version(),
            }),
            descriptor_version: peer.version(),
            descriptor_hash: peer.content_id().as_bytes().to_vec(),
            own_descriptor_hash: own.content_id().as_bytes().to_vec(),
            approved_by: approval.by.clone(),
            channel: approval.channel.clone(),
        };
        let sealed = self.sign(&acceptance).await?;
        let accepted = Accepted { envelope: sealed.bytes, at: approval.at };
        self.store.acceptances.add(batch, peer.participant(), &id, &accepted);
        Ok(())
    }

    /// The acceptance under which the peer is, or was, approved: the signed envelope, encoded. `None` until it is.
    pub(crate) async fn acceptance_of(&self, peer: &Peer) -> Result<Option<Vec<u8>>, ExchangeError> {
        if peer.approval.is_none() {
            return Ok(None);
        }
        let last = self.store.acceptances.of(&peer.participant).await?.pop();
        Ok(last.map(|accepted| accepted.envelope))
    }
}
