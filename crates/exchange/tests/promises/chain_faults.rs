//! The story of a turn of the chain, broken at each of its commits: by a failure, and by a failure after applying. What was
//! acknowledged is there after a restart and before it, and the story told again ends where the unbroken one ends.

use std::sync::Arc;

use selat_exchange::{ExchangeError, Limits, RefreshError};
use selat_record::pb::{self, KeyPurpose};
use selat_store::repositories::PeerState;
use selat_store::{Engine, Fault, FaultEngine, MemoryEngine};

use crate::kit::{Federation, Node, Party, by_name, operator, person, renamed};

/// AUS, of whom the story is told, as what is in its store; its peers IDN, who is a version ahead, and MYS, who signed two
/// descriptors 2.
struct World {
    federation: Federation,
    memory: Arc<dyn Engine>,
    idn: Node,
    mys: Node,
    rival: pb::Envelope,
    /// Drafted beforehand, so that it is the same whenever the story is told.
    second: pb::Envelope,
}

/// What AUS was told had been done.
#[derive(Debug, Default)]
struct Acknowledged {
    published: u64,
    taken_in: u64,
    frozen: bool,
}

#[derive(Debug, PartialEq)]
struct State {
    own: Vec<pb::Envelope>,
    of_idn: u64,
    acknowledged: Vec<(String, u64)>,
    mys: PeerState,
    evidence: usize,
}

impl World {
    async fn new() -> Self {
        let federation = Federation::new();
        let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
        let aus = federation.open(Party::new("AUS"), memory.clone(), Limits::default()).await.unwrap();
        let (idn, mys) = (federation.node("IDN").await, federation.node("MYS").await);
        for (one, other) in [(&aus, &idn), (&idn, &aus), (&mys, &aus), (&aus, &mys)] {
            one.join(&operator(), other.descriptor().as_ref().clone()).await.unwrap();
            one.approve_by_phone(other.id()).await;
        }
        idn.publish_next(renamed("Second")).await.unwrap();
        let rival = mys.draft(renamed("Rival"));
        mys.publish_next(renamed("Second")).await.unwrap();
        let second = aus.draft(renamed("Second"));
        Self { federation, memory, idn, mys, rival, second }
    }

    async fn aus(&self, engine: Arc<dyn Engine>) -> Node {
        self.federation.open(Party::new("AUS"), engine, Limits::default()).await.unwrap()
    }

    /// The story, up to its end or to the first failure; each step may find itself done already.
    async fn story(&self, aus: &Node, done: &mut Acknowledged) -> Result<(), ExchangeError> {
        done.published = aus.publish_all(std::slice::from_ref(&self.second)).await?.version;
        let refreshed = aus.refresh(self.idn.id()).await.map_err(own)?;
        done.taken_in = refreshed.version;
        if aus.book().approved_peer(self.mys.id()).is_ok() {
            aus.announced(self.mys.id(), self.mys.descriptor().envelope()).await?;
            aus.announced(self.mys.id(), &self.rival).await?;
        }
        done.frozen = true;
        Ok(())
    }

    async fn check_kept(&self, aus: &Node, done: &Acknowledged) {
        assert!(aus.descriptor().version() >= done.published, "{done:?}");
        assert!(aus.holds_of(&self.idn) >= done.taken_in, "{done:?}");
        assert!(self.state(aus).await.mys == PeerState::Frozen || !done.frozen, "{done:?}");
        // Whoever is known to hold a version holds it.
        for line in aus.acks(&operator()).unwrap() {
            let peer = if line.participant == *self.idn.id() { &self.idn } else { &self.mys };
            assert!(line.acknowledged <= peer.holds_of(aus), "{line:?}");
        }
        aus.check_trees(&[self.idn.id(), self.mys.id()]).await;
    }

    async fn state(&self, aus: &Node) -> State {
        let ready = aus.acks(&operator()).unwrap();
        State {
            own: aus.own_chain(0),
            of_idn: aus.holds_of(&self.idn),
            acknowledged: ready.into_iter().map(|line| (line.participant.to_string(), line.acknowledged)).collect(),
            mys: aus.book().peer(self.mys.id()).unwrap().row.state,
            evidence: aus.equivocations(&operator()).await.unwrap().len(),
        }
    }
}

fn own(error: RefreshError) -> ExchangeError {
    match error {
        RefreshError::Own(error) => error,
        other => panic!("an honest peer is refused: {other}"),
    }
}

async fn unbroken() -> (State, u64) {
    let world = World::new().await;
    let counting = Arc::new(FaultEngine::new(world.memory.clone(), Fault::Fails, u64::MAX));
    let aus = world.aus(counting.clone()).await;
    world.story(&aus, &mut Acknowledged::default()).await.unwrap();
    (world.state(&aus).await, counting.commits())
}

async fn check_broken_at(commit: u64, fault: Fault, restarts: bool, expected: &State) {
    let world = World::new().await;
    let faulty = Arc::new(FaultEngine::new(world.memory.clone(), fault, commit));
    let mut done = Acknowledged::default();
    let broken = world.aus(faulty).await;
    let told = world.story(&broken, &mut done).await;
    assert!(told.is_err(), "commit {commit}: a failed write is never acknowledged");
    world.check_kept(&broken, &done).await;
    let aus = if restarts { world.aus(world.memory.clone()).await } else { broken };
    world.check_kept(&aus, &done).await;
    world.story(&aus, &mut done).await.unwrap();
    world.check_kept(&aus, &done).await;
    assert_eq!(world.state(&aus).await, *expected, "commit {commit}, {fault:?}, restarts: {restarts}");
    check_at_work(&world, &aus).await;
}

/// What AUS signs is believed, by the version that is in force.
async fn check_at_work(world: &World, aus: &Node) {
    aus.hold(person("Budi Contoh")).await;
    assert_eq!(world.idn.follow(aus).await.unwrap().quarantined, 0);
    let (answer, _) = aus.asked_by(&world.idn, &world.idn.query(aus.id(), by_name("Budi Contoh"))).await.unwrap();
    assert!(world.idn.believes::<pb::Answer>(aus, &answer));
    assert!(aus.in_use(KeyPurpose::TlsCa).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn turn_of_the_chain_without_a_fault_does_all_that_it_tells() {
    let (state, commits) = unbroken().await;
    assert_eq!((state.own.len(), state.of_idn, state.mys, state.evidence), (2, 2, PeerState::Frozen, 1));
    assert_eq!(state.acknowledged, [("IDN".to_owned(), 2)]);
    assert_eq!(commits, 6, "publication, version of IDN, its ack, version of MYS, its note, the freeze");
}

#[tokio::test(flavor = "multi_thread")]
async fn turn_of_the_chain_that_fails_at_any_commit_is_told_to_the_same_end() {
    let (expected, commits) = unbroken().await;
    for fault in [Fault::Fails, Fault::FailsAfterApplying] {
        for commit in 1..=commits {
            for restarts in [false, true] {
                check_broken_at(commit, fault, restarts, &expected).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_that_is_taken_from_its_file_and_not_kept_is_taken_again() {
    for fault in [Fault::Fails, Fault::FailsAfterApplying] {
        let federation = Federation::new();
        let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
        // The first commit marks the store as its owner's.
        let faulty = Arc::new(FaultEngine::new(memory.clone(), fault, 2));
        let refused = federation.open(Party::new("AUS"), faulty, Limits::default()).await;
        assert!(matches!(refused.err(), Some(ExchangeError::Store(_))), "{fault:?}");
        let aus = federation.open(Party::new("AUS"), memory, Limits::default()).await.unwrap();
        assert_eq!((aus.descriptor().version(), aus.own_chain(0).len()), (1, 1));
        assert_eq!(federation.restart(&aus).await.own_chain(0).len(), 1);
    }
}
