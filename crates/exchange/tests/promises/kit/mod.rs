//! A federation without a network: nodes over stores in memory, one clock turned by hand, one seed.

mod asking;
mod bench;
mod chains;
mod clock;
pub mod forge;
mod lasting;
mod party;
mod records;
mod ring;
mod rotating;
mod theft;
mod trees;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use selat_exchange::{
    Exchange, ExchangeError, InEntry, InSegment, IntakeError, Limits, OutSegment, Parts, Receipt, Search, SearchEvent,
    Summary, Taken,
};
use selat_policy::Permitted;
use selat_record::ids::mint_uuid;
use selat_record::{ContentId, Draft, ParticipantId, RecordId, pb};
use selat_seal::Entropy;
use selat_store::repositories::{Identity, Repositories};
use selat_store::{Engine, MemoryEngine, StorageKey, Vault};

pub use asking::{by_id, by_name, message, search};
pub use bench::{Bench, When};
pub use chains::renamed;
pub use clock::{HandClock, Seeded};
pub use lasting::Lasting;
pub use party::{Party, envelope_over, federation, signed};
pub use records::{Conditions, actor, find, id, officer, operator, person, reason};
pub use ring::{Ring, RingFault};
pub use rotating::{goal, signed_by};
pub use wire::{Call, Manners, Wire};

/// What the nodes of one test share.
pub struct Federation {
    pub clock: Arc<HandClock>,
    pub wire: Arc<Wire>,
    entropy: Arc<Seeded>,
}

/// One participant's node, and what a test may see of it.
#[derive(Clone)]
pub struct Node {
    pub exchange: Arc<Exchange>,
    pub party: Arc<Party>,
    /// The engine that the exchange works on.
    pub bench: Arc<Bench>,
    /// Reads what the exchange stored.
    pub store: Repositories,
    /// The keys that it signs with.
    pub ring: Arc<Ring>,
    entropy: Arc<Seeded>,
}

impl std::ops::Deref for Node {
    type Target = Arc<Exchange>;

    fn deref(&self) -> &Self::Target {
        &self.exchange
    }
}

impl Federation {
    pub fn new() -> Self {
        Self { clock: Arc::default(), wire: Arc::default(), entropy: Arc::new(Seeded::new()) }
    }

    /// A federation and its nodes, each the approved peer of each.
    pub async fn of<const N: usize>(codes: [&str; N]) -> (Self, [Node; N]) {
        let federation = Self::new();
        let mut nodes = Vec::new();
        for code in codes {
            nodes.push(federation.node(code).await);
        }
        for one in &nodes {
            for other in nodes.iter().filter(|other| other.party.id != one.party.id) {
                one.join(&operator(), other.descriptor().as_ref().clone()).await.unwrap();
                one.approve_by_phone(&other.party.id).await;
            }
        }
        let nodes = nodes.try_into().unwrap_or_else(|_| unreachable!("one node was made per code"));
        (federation, nodes)
    }

    /// A node with an empty store.
    pub async fn node(&self, code: &str) -> Node {
        self.open(Party::new(code), Arc::new(MemoryEngine::new()), Limits::default()).await.unwrap()
    }

    /// A node with an empty store and this chain in its descriptor file.
    pub async fn node_with_file(&self, code: &str, file: Vec<pb::Envelope>) -> Result<Node, ExchangeError> {
        let party = Party::new(code);
        let ring = Arc::new(Ring::of(&party, self.entropy.clone()));
        let bench = Arc::new(Bench::over(Arc::new(MemoryEngine::new()), self.clock.clone()));
        self.assemble((party, ring, file), bench.clone(), bench, Limits::default()).await
    }

    /// The node that works on what is in `engine`.
    pub async fn open(&self, party: Party, engine: Arc<dyn Engine>, limits: Limits) -> Result<Node, ExchangeError> {
        let bench = Arc::new(Bench::over(engine, self.clock.clone()));
        let ring = Arc::new(Ring::of(&party, self.entropy.clone()));
        let file = vec![party.descriptor(1).envelope().clone()];
        self.assemble((party, ring, file), bench.clone(), bench, limits).await
    }

    /// The same with the keys that an earlier node of the party left.
    pub async fn open_with_ring(
        &self,
        party: Party,
        engine: Arc<dyn Engine>,
        ring: Arc<Ring>,
    ) -> Result<Node, ExchangeError> {
        let bench = Arc::new(Bench::over(engine, self.clock.clone()));
        let file = vec![party.descriptor(1).envelope().clone()];
        self.assemble((party, ring, file), bench.clone(), bench, Limits::default()).await
    }

    /// The same without the bench between: what runs side by side in the exchange does so in the store too.
    pub async fn open_bare(
        &self,
        party: Party,
        engine: Arc<dyn Engine>,
        limits: Limits,
    ) -> Result<Node, ExchangeError> {
        let bench = Arc::new(Bench::over(engine.clone(), self.clock.clone()));
        let ring = Arc::new(Ring::of(&party, self.entropy.clone()));
        let file = vec![party.descriptor(1).envelope().clone()];
        self.assemble((party, ring, file), engine, bench, limits).await
    }

    async fn assemble(
        &self,
        (party, ring, file): (Party, Arc<Ring>, Vec<pb::Envelope>),
        engine: Arc<dyn Engine>,
        bench: Arc<Bench>,
        limits: Limits,
    ) -> Result<Node, ExchangeError> {
        let entropy = self.entropy.clone();
        let vault = Arc::new(Vault::new(&StorageKey::from_bytes([7; 32]), entropy.clone()));
        let identity = Identity { federation: federation(), participant: party.id.clone() };
        let store = Repositories::open(engine, vault.clone(), &identity).await?;
        let exchange = Exchange::open(Parts {
            federation: federation(),
            participant: party.id.clone(),
            own: file,
            keys: ring.clone(),
            store: store.clone(),
            vault,
            clock: self.clock.clone(),
            entropy,
            port: Arc::new(wire::Port { from: party.id.clone(), wire: self.wire.clone() }),
            limits,
        })
        .await?;
        self.wire.plug(exchange.clone());
        Ok(Node { exchange, party: Arc::new(party), bench, store, ring, entropy: self.entropy.clone() })
    }

    /// The node again, with nothing in memory that is not in its store, and the descriptor file it had at first.
    pub async fn restart(&self, node: &Node) -> Node {
        self.restart_with(node, vec![node.party.descriptor(1).envelope().clone()]).await.unwrap()
    }

    /// The same with this chain in its descriptor file.
    pub async fn restart_with(&self, node: &Node, file: Vec<pb::Envelope>) -> Result<Node, ExchangeError> {
        let party = Party::new(node.party.id.as_str());
        let bench = Arc::new(Bench::over(node.bench.clone(), self.clock.clone()));
        self.assemble((party, node.ring.clone(), file), bench.clone(), bench, node.limits().clone()).await
    }
}

impl Node {
    pub fn id(&self) -> &ParticipantId {
        &self.party.id
    }

    /// Approves a pending peer with the right words.
    pub async fn approve_by_phone(&self, peer: &ParticipantId) {
        let words = self.words_for(peer);
        self.exchange.approve(&operator(), peer, &words, "telephone").await.unwrap();
    }

    pub fn words_for(&self, peer: &ParticipantId) -> Vec<String> {
        self.fingerprint(&operator(), peer).unwrap().words().map(str::to_owned).to_vec()
    }

    /// Puts a record in for an officer.
    pub async fn hold(&self, record: pb::Record) -> Receipt {
        self.put(&officer(), &reason(), record.draft(), 0).await.unwrap()
    }

    /// Amends version `from` of a record for an officer.
    pub async fn change(&self, record: RecordId, from: u32, draft: Draft) -> Result<Receipt, ExchangeError> {
        self.amend(&officer(), &reason(), (record, from), draft, 0).await
    }

    /// Takes in all that `other` has for this node, segment by segment.
    pub async fn follow(&self, other: &Self) -> Result<Taken, IntakeError> {
        let mut sum = Taken::default();
        loop {
            let from = self.held_of(other.id()).await?;
            let Some(segment) = other.segment_for(self.id(), from).await? else { return Ok(sum) };
            let taken = self.take(other.id(), arrived(segment)).await?;
            sum.held = taken.held;
            sum.accepted += taken.accepted;
            sum.quarantined += taken.quarantined;
        }
    }

    /// The whole of this node's log to `peer`, as it would arrive there.
    pub async fn segment(&self, peer: &Self) -> InSegment {
        arrived(self.segment_for(peer.id(), 0).await.unwrap().unwrap())
    }

    /// Runs a search to its end.
    pub async fn outcomes(&self, search: Search) -> (Vec<selat_exchange::PeerOutcome>, Summary) {
        let mut events = self.search(&officer(), &reason(), search).await.unwrap();
        let mut outcomes = Vec::new();
        while let Some(event) = events.recv().await {
            match event {
                SearchEvent::Outcome(outcome) => outcomes.push(outcome),
                SearchEvent::Done(summary) => return (outcomes, summary),
            }
        }
        panic!("a search ends with its summary");
    }

    /// The openings of this node's release log to `peer`.
    pub async fn released(&self, peer: &ParticipantId) -> Vec<pb::ReleaseOpening> {
        self.store.releases.list(peer, 0, 1000).await.unwrap().into_iter().map(|row| row.message).collect()
    }

    /// The openings of this node's audit log.
    pub async fn audited(&self) -> Vec<pb::AuditOpening> {
        self.store.audit.list(0, 1000).await.unwrap().into_iter().map(|row| row.message).collect()
    }

    /// The versions that this node holds of a record.
    pub async fn versions(&self, originator: &ParticipantId, record: RecordId) -> Vec<(u32, ContentId)> {
        let rows = self.store.records.versions(originator, record).await.unwrap();
        rows.into_iter().map(|row| (row.version, row.content_id)).collect()
    }

    /// A question of this node to `to`, valid for a minute.
    pub fn query(&self, to: &ParticipantId, ask: pb::query::Ask) -> pb::Query {
        let now = self.clock().now();
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        pb::Query {
            header: Some(pb::Header {
                federation: federation().to_string(),
                issuer: self.id().to_string(),
                audience: to.to_string(),
                id: mint_uuid(now, random).as_bytes().to_vec(),
                created_ms: now.ms(),
                expires_ms: now.plus(Duration::from_secs(60)).ms(),
                descriptor_version: 1,
            }),
            purpose: selat_record::Purpose::BorderControl.into(),
            case_reference: "CASE-7".into(),
            officer_pseudonym: "p1".into(),
            ask: Some(ask),
        }
    }
}

/// A segment as it comes out of the connection.
pub fn arrived(segment: OutSegment) -> InSegment {
    let entries = segment.entries.into_iter().map(|entry| InEntry {
        leaf: entry.leaf,
        nonce: entry.nonce.to_vec(),
        opening: entry.opening,
        envelope: entry.content.map(Permitted::into_inner),
    });
    InSegment { first_index: segment.first_index, entries: entries.collect(), checkpoint: segment.checkpoint }
}
