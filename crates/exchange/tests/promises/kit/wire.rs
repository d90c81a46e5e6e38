//! The way between nodes without a network: a call goes straight to the other exchange, unless the test says how that
//! peer shall behave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use selat_exchange::{CallError, Edition, Exchange, ExchangeError, Greeting, PeerPort};
use selat_record::{ParticipantId, pb};
use selat_seal::AcceptedDescriptor;

type Reply = Result<pb::Envelope, CallError>;
type Conduct = Arc<dyn Fn(pb::Envelope) -> BoxFuture<'static, Reply> + Send + Sync>;

type Said<T> = Result<T, CallError>;
/// Says a part of a chain: of whom, from which version, and what is honest.
type Shows = dyn Fn(&ParticipantId, u64, Vec<pb::Envelope>) -> Said<Vec<pb::Envelope>> + Send + Sync;

/// How a peer behaves when descriptors are compared: each is handed what an honest node would have said, and says what it
/// likes.
pub struct Manners {
    pub hello: Box<dyn Fn(Greeting) -> Said<Greeting> + Send + Sync>,
    pub descriptors: Box<Shows>,
    pub announced: Box<dyn Fn(Edition) -> Said<Edition> + Send + Sync>,
    /// Announcements are lost on their way there.
    pub loses_announcements: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            hello: Box::new(Ok),
            descriptors: Box::new(|_, _, honest| Ok(honest)),
            announced: Box::new(Ok),
            loses_announcements: false,
        }
    }
}

/// A call about descriptors, as the tests count them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Hello(ParticipantId),
    Descriptors(ParticipantId, ParticipantId, u64),
    Announce(ParticipantId),
}

/// Who can be reached, and how they behave.
#[derive(Default)]
pub struct Wire {
    nodes: Mutex<BTreeMap<ParticipantId, Arc<Exchange>>>,
    conduct: Mutex<BTreeMap<ParticipantId, Conduct>>,
    asked: Mutex<Vec<(ParticipantId, pb::Envelope)>>,
    manners: Mutex<BTreeMap<ParticipantId, Arc<Manners>>>,
    calls: Mutex<Vec<Call>>,
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

    /// From now on `peer` has these manners when descriptors are compared.
    pub fn mannered(&self, peer: &ParticipantId, manners: Manners) {
        self.manners.lock().unwrap().insert(peer.clone(), Arc::new(manners));
    }

    /// From now on `peer` is honest again.
    pub fn honest_again(&self, peer: &ParticipantId) {
        self.manners.lock().unwrap().remove(peer);
    }

    /// Every call about descriptors since the last time that this was asked, in order.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn manners_of(&self, peer: &ParticipantId) -> Arc<Manners> {
        self.manners.lock().unwrap().get(peer).cloned().unwrap_or_default()
    }

    fn node(&self, peer: &ParticipantId) -> Result<Arc<Exchange>, CallError> {
        let node = self.nodes.lock().unwrap().get(peer).cloned();
        node.ok_or_else(|| CallError::Unreachable("nobody listens there".into()))
    }

    /// Every question that was sent, in order.
    pub fn asked(&self) -> Vec<(ParticipantId, pb::Envelope)> {
        self.asked.lock().unwrap().clone()
    }

    /// What the node itself answers to a question of `from`.
    pub async fn honest(&self, from: &ParticipantId, to: &ParticipantId, query: &pb::Envelope) -> Reply {
        let node = self.node(to)?;
        let answer = node.answer(from, query, node.clock().monotonic_ms()).await;
        answer.map(selat_policy::Permitted::into_inner).map_err(|error| CallError::Refused(error.to_string()))
    }
}

fn refused(error: ExchangeError) -> CallError {
    CallError::Refused(error.to_string())
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

    async fn hello(&self, peer: &AcceptedDescriptor, greeting: Greeting) -> Result<Greeting, CallError> {
        let to = peer.participant();
        self.wire.calls.lock().unwrap().push(Call::Hello(to.clone()));
        let node = self.wire.node(to)?;
        let honest = node.greeted(&self.from, &greeting).await.map_err(refused)?;
        (self.wire.manners_of(to).hello)(honest)
    }

    async fn descriptors(
        &self,
        peer: &AcceptedDescriptor,
        participant: &ParticipantId,
        from: u64,
    ) -> Result<Vec<pb::Envelope>, CallError> {
        let to = peer.participant();
        self.wire.calls.lock().unwrap().push(Call::Descriptors(to.clone(), participant.clone(), from));
        let node = self.wire.node(to)?;
        let honest = node.descriptors_for(&self.from, participant, from).await.map_err(refused)?;
        (self.wire.manners_of(to).descriptors)(participant, from, honest)
    }

    async fn announce(&self, peer: &AcceptedDescriptor, descriptor: pb::Envelope) -> Result<Edition, CallError> {
        let to = peer.participant();
        self.wire.calls.lock().unwrap().push(Call::Announce(to.clone()));
        let (node, manners) = (self.wire.node(to)?, self.wire.manners_of(to));
        if manners.loses_announcements {
            return Err(CallError::Late);
        }
        (manners.announced)(node.announced(&self.from, &descriptor).await.map_err(refused)?)
    }
}
