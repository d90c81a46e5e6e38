//! A story of durable writes, broken at each of its commits: by a failure, and by a failure after applying. After a
//! restart nothing acknowledged is missing, nothing is there twice, the trees hold, and the story told again ends where
//! the unbroken one ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use selat_exchange::{ExchangeError, ImportResult, ImportRow, Limits};
use selat_record::pb::LogEntryKind;
use selat_record::{ContentId, RecordId};
use selat_store::{Engine, Fault, FaultEngine, MemoryEngine};

use crate::kit::{Conditions as _, Federation, Node, Party, by_name, id, officer, operator, person, reason};

/// AUS, of whom the story is told, as what is in its store; IDN, its peer, who holds three versions for it; MYS, who
/// waits for its approval.
struct World {
    federation: Federation,
    memory: Arc<dyn Engine>,
    idn: Node,
    mys: Node,
}

/// What AUS was told had been done.
#[derive(Default, Debug)]
struct Acknowledged {
    imported: Option<RecordId>,
    amended: Option<RecordId>,
    approved: bool,
    backlog_ran: bool,
    taken: u64,
    answers: Vec<ContentId>,
}

/// What is left at the end, without what differs from one run to the next.
#[derive(Debug, PartialEq, Eq)]
struct State {
    own: Vec<Vec<u32>>,
    of_idn: Vec<Vec<u32>>,
    to_idn: Vec<(LogEntryKind, u32)>,
    to_mys: Vec<(LogEntryKind, u32)>,
    held_of_idn: u64,
    approved: Vec<String>,
    counted: (u64, u64),
}

impl World {
    async fn new() -> Self {
        let federation = Federation::new();
        let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
        let aus = federation.open(Party::new("AUS"), memory.clone(), Limits::default()).await.unwrap();
        let (idn, mys) = (federation.node("IDN").await, federation.node("MYS").await);
        for (one, other) in [(&aus, &idn), (&idn, &aus), (&mys, &aus)] {
            one.join(&operator(), other.descriptor().as_ref().clone()).await.unwrap();
            one.approve_by_phone(other.id()).await;
        }
        aus.join(&operator(), mys.descriptor().as_ref().clone()).await.unwrap();
        let first = idn.hold(person("Siti Contoh")).await;
        idn.change(first.record, 1, person("Siti C.").because("typing error").draft()).await.unwrap();
        idn.hold(person("Wati Contoh")).await;
        Self { federation, memory, idn, mys }
    }

    async fn aus(&self, engine: Arc<dyn Engine>) -> Node {
        self.federation.open(Party::new("AUS"), engine, Limits::default()).await.unwrap()
    }

    /// The story, up to its end or to the first failure; each step may find itself done already.
    async fn story(&self, aus: &Node, done: &mut Acknowledged) -> Result<(), ExchangeError> {
        let draft = person("Budi Contoh");
        let row = ImportRow { row: 1, source: "list".into(), source_key: "a".into(), draft, valid_days: 0 };
        let results = aus.import(&officer(), &reason(), vec![row]).await?;
        let (ImportResult::New { record, .. } | ImportResult::Unchanged { record }) = results[0] else {
            panic!("{results:?}")
        };
        done.imported = Some(record);
        match aus.change(record, 1, person("Budi C.").because("typing error").draft()).await {
            Ok(_) | Err(ExchangeError::VersionConflict { current: 2, .. }) => done.amended = Some(record),
            Err(error) => return Err(error),
        }
        aus.approve(&operator(), self.mys.id(), &aus.words_for(self.mys.id()), "telephone").await?;
        done.approved = true;
        aus.release_backlog(self.mys.id()).await?;
        done.backlog_ran = true;
        done.taken = aus.follow(&self.idn).await.map_err(own)?.held.max(done.taken);
        let query = self.idn.query(aus.id(), by_name("Budi"));
        let answer = aus.asked_by(&self.idn, &query).await;
        let (answer, _) = answer.map_err(|error| match error {
            selat_exchange::AnswerError::Own(error) => error,
            other => panic!("{other:?}"),
        })?;
        done.answers.push(selat_seal::content_id(&answer));
        Ok(())
    }

    /// All that was acknowledged is there.
    async fn check_kept(&self, aus: &Node, done: &Acknowledged) {
        for (record, version) in [(done.imported, 1), (done.amended, 2)] {
            let Some(record) = record else { continue };
            aus.get(&officer(), &reason(), record, version).await.unwrap();
            assert!(aus.released(self.idn.id()).await.iter().any(|entry| entry.record_version == version), "{done:?}");
        }
        assert!(aus.book().approved_peer(self.mys.id()).is_ok() || !done.approved, "{done:?}");
        assert!(!aus.released(self.mys.id()).await.is_empty() || !done.backlog_ran, "{done:?}");
        assert!(aus.held_of(self.idn.id()).await.unwrap() >= done.taken, "{done:?}");
        let released = aus.released(self.idn.id()).await;
        for answer in &done.answers {
            assert!(released.iter().any(|entry| entry.content_id == answer.as_bytes()), "{done:?}");
        }
    }

    /// Nothing is in a log twice, and every tree is that of its leaves.
    async fn check_logs(&self, aus: &Node) {
        for peer in [self.idn.id(), self.mys.id()] {
            let released = aus.released(peer).await;
            let distinct: BTreeSet<_> = released.iter().map(|entry| &entry.content_id).collect();
            assert_eq!(distinct.len(), released.len(), "{released:?}");
        }
        aus.check_trees(&[self.idn.id(), self.mys.id()]).await;
    }

    async fn state(&self, aus: &Node) -> State {
        let status = aus.status(&operator()).await.unwrap();
        let releases = async |peer| -> Vec<_> {
            let released = aus.released(peer).await.into_iter();
            released.filter(|e| e.kind() != LogEntryKind::Answer).map(|e| (e.kind(), e.record_version)).collect()
        };
        State {
            own: versions_of(aus, aus).await,
            of_idn: versions_of(aus, &self.idn).await,
            to_idn: releases(self.idn.id()).await,
            to_mys: releases(self.mys.id()).await,
            held_of_idn: aus.held_of(self.idn.id()).await.unwrap(),
            approved: aus.book().approved().map(|peer| peer.row.participant.to_string()).collect(),
            counted: (status.own_records, status.peer_records),
        }
    }
}

async fn versions_of(aus: &Node, originator: &Node) -> Vec<Vec<u32>> {
    let mut versions: Vec<Vec<u32>> = Vec::new();
    for held in aus.store.records.scan_heads_of(originator.id(), None, 100).await.unwrap() {
        let of_record = aus.versions(originator.id(), held.record_id).await;
        versions.push(of_record.into_iter().map(|(version, _)| version).collect());
    }
    // Records made within one millisecond are in an order of chance.
    versions.sort();
    versions
}

fn own(error: selat_exchange::IntakeError) -> ExchangeError {
    match error {
        selat_exchange::IntakeError::Own(error) => error,
        fault => panic!("an honest segment is refused: {fault}"),
    }
}

/// The unbroken story: where it ends, and how many commits it takes.
async fn unbroken() -> (State, u64) {
    let world = World::new().await;
    let counting = Arc::new(FaultEngine::new(world.memory.clone(), Fault::Fails, u64::MAX));
    let aus = world.aus(counting.clone()).await;
    world.story(&aus, &mut Acknowledged::default()).await.unwrap();
    (world.state(&aus).await, counting.commits())
}

async fn check_broken_at(commit: u64, fault: Fault, expected: &State) {
    let world = World::new().await;
    let faulty = Arc::new(FaultEngine::new(world.memory.clone(), fault, commit));
    let mut done = Acknowledged::default();
    let broken = world.story(&world.aus(faulty).await, &mut done).await;
    assert!(broken.is_err(), "commit {commit}: a failed write is never acknowledged");
    let aus = world.aus(world.memory.clone()).await;
    world.check_kept(&aus, &done).await;
    world.check_logs(&aus).await;
    world.story(&aus, &mut done).await.unwrap();
    world.check_kept(&aus, &done).await;
    world.check_logs(&aus).await;
    assert_eq!(world.state(&aus).await, *expected, "commit {commit}, {fault:?}");
    for peer in [&world.idn, &world.mys] {
        assert_eq!(peer.follow(&aus).await.unwrap().quarantined, 0, "commit {commit}, {fault:?}");
        peer.check_trees(&[aus.id()]).await;
        assert_eq!(peer.held_of(aus.id()).await.unwrap(), aus.release_log_size(peer.id()).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_without_a_fault_does_all_that_it_tells() {
    let (state, commits) = unbroken().await;
    let expected = State {
        own: vec![vec![1, 2]],
        of_idn: vec![vec![1], vec![1, 2]],
        to_idn: vec![(LogEntryKind::Release, 1), (LogEntryKind::Amendment, 2)],
        to_mys: vec![(LogEntryKind::Release, 2)],
        held_of_idn: 3,
        approved: vec!["IDN".into(), "MYS".into()],
        counted: (1, 2),
    };
    assert_eq!(state, expected);
    assert_eq!(commits, 7, "import, amendment, approval, backlog, two parts of the segment, answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn story_that_fails_at_any_commit_is_told_to_the_same_end() {
    let (expected, commits) = unbroken().await;
    for commit in 1..=commits {
        check_broken_at(commit, Fault::Fails, &expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_that_fails_after_applying_any_commit_is_told_to_the_same_end() {
    let (expected, commits) = unbroken().await;
    for commit in 1..=commits {
        check_broken_at(commit, Fault::FailsAfterApplying, &expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn record_whose_put_failed_is_not_found_before_a_restart() {
    let world = World::new().await;
    let faulty = Arc::new(FaultEngine::new(world.memory.clone(), Fault::Fails, 1));
    let aus = world.aus(faulty).await;
    let failed = aus.put(&officer(), &reason(), person("Budi Contoh").draft(), 0).await;
    assert!(matches!(failed, Err(ExchangeError::Store(_))), "{failed:?}");
    assert_eq!(aus.answer_to_name(&world.idn, "Budi Contoh").await.hits, []);
    assert_eq!(aus.status(&operator()).await.unwrap().own_records, 0);
    assert_eq!(aus.released(&id("IDN")).await.len(), 1, "the answer, nothing else");
}
