//! The way between nodes without a network: a question goes straight to the other exchange, unless the test says how
//! that peer shall behave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use selat_exchange::{CallError, Exchange, PeerPort};
use selat_record::{ParticipantId, pb};
use selat_seal::AcceptedDescriptor;

type Reply = Result<pb::Envelope, CallError>;
type Conduct = Arc<dyn Fn(pb::Envelope) -> BoxFuture<'static, Reply> + Send + Sync>;

/// Who can be reached, and how they behave.
#[derive(Default)]
pub struct Wire {
    nodes: Mutex<BTreeMap<ParticipantId, Arc<Exchange>>>,
    conduct: Mutex<BTreeMap<ParticipantId, Conduct>>,
    asked: Mutex<Vec<(ParticipantId, pb::Envelope)>>,
}

impl Wire {
    pub fn plug(&self, node: Arc<Exchange>) {
        self.nodes.lock().unwrap().insert(node.participant().clone(), node);
    }

    /// Lets go of a node.
    pub fn unplug(&self, node: &ParticipantId) {
        self.nodes.lock().unwrap().remove(node);
    }

    /// From now on `peer` replies in this way.
    pub fn behave<F>(&self, peer: &ParticipantId, conduct: impl Fn(pb::Envelope) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let conduct: Conduct = Arc::new(move |query| Box::pin(conduct(query)));
        self.conduct.lock().unwrap().insert(peer.clone(), conduct);
    }

    /// Every question that was sent, in order.
    pub fn asked(&self) -> Vec<(ParticipantId, pb::Envelope)> {
        self.asked.lock().unwrap().clone()
    }

    /// What the node itself answers to a question of `from`.
    pub async fn honest(&self, from: &ParticipantId, to: &ParticipantId, query: &pb::Envelope) -> Reply {
        let node = self.nodes.lock().unwrap().get(to).cloned();
        let node = node.ok_or_else(|| CallError::Unreachable("nobody listens there".into()))?;
        let answer = node.answer(from, query, node.clock().monotonic_ms()).await;
        answer.map(selat_policy::Permitted::into_inner).map_err(|error| CallError::Refused(error.to_string()))
    }
}

/// The port of one node.
pub struct Port {
    pub from: ParticipantId,
    pub wire: Arc<Wire>,
}

#[async_trait]
impl PeerPort for Port {
    async fn ask(&self, peer: &AcceptedDescriptor, query: pb::Envelope, _deadline: Duration) -> Reply {
        let to = peer.participant();
        self.wire.asked.lock().unwrap().push((to.clone(), query.clone()));
        let conduct = self.wire.conduct.lock().unwrap().get(to).cloned();
        match conduct {
            Some(conduct) => conduct(query).await,
            None => self.wire.honest(&self.from, to, &query).await,
        }
    }
}
