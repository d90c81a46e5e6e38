//! Own records whose key was compromised are signed again: the same words, for the same readers, once.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use selat_exchange::{ImportResult, ImportRow, Limits};
use selat_record::pb::{self, AnswerOutcome, AuditAction, KeyPurpose, LogEntryKind};
use selat_record::{Record, RecordId};
use selat_store::{Engine, Fault, FaultEngine, MemoryEngine};

use crate::kit::{
    Conditions as _, Federation, Lasting, Node, Party, by_id, by_name, officer, operator, person, reason, search,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// AUS, robbed of its record key, with this many records; IDN, its peer.
async fn robbed(records: usize) -> (Federation, [Node; 2], Vec<RecordId>) {
    let (federation, nodes) = Federation::of(["AUS", "IDN"]).await;
    let mut ids = Vec::new();
    for n in 0..records {
        ids.push(nodes[0].hold(person(&format!("Person {n}"))).await.record);
    }
    nodes[0].replace_key(KeyPurpose::Record, nodes[0].now()).await;
    ids.sort();
    (federation, nodes, ids)
}

async fn record(node: &Node, id: RecordId, version: u32) -> Record {
    let held = node.get(&officer(), &reason(), id, version).await.unwrap();
    Record::check(pb::Record::decode(held.envelope.payload.as_slice()).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_listed_while_no_key_is_compromised() {
    let (_, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    let commits = aus.bench.commits();
    for list_only in [true, false] {
        assert!(aus.resign(&operator(), list_only, 10).await.unwrap().records.is_empty());
    }
    assert_eq!(aus.bench.commits(), commits);
}

#[tokio::test(flavor = "multi_thread")]
async fn list_names_record_version_time_and_key_and_changes_nothing() {
    let (federation, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    let first = aus.hold(person("Budi Contoh")).await.record;
    let logged = aus.now();
    let key = aus.in_use(KeyPurpose::Record).unwrap();
    federation.clock.turn(DAY);
    aus.replace_key(KeyPurpose::Record, aus.now()).await;
    aus.hold(person("Of the new key")).await;
    let commits = aus.bench.commits();
    let listed = aus.resign(&operator(), true, 10).await.unwrap();
    let lines: Vec<_> = listed
        .records
        .iter()
        .map(|one| (one.record, one.version, one.first_logged, one.key, one.new_version))
        .collect();
    assert_eq!(lines, [(first, 1, logged, key, None)]);
    assert_eq!((listed.more, aus.bench.commits()), (false, commits));
}

#[tokio::test(flavor = "multi_thread")]
async fn record_signed_again_says_the_same_to_the_same_readers() {
    let (federation, [aus, idn, mys]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let id = aus.hold(person("Budi Contoh").to(&["IDN"]).hidden_from(&["MYS"])).await.record;
    let before = record(&aus, id, 1).await;
    federation.clock.turn(DAY);
    aus.replace_key(KeyPurpose::Record, aus.now()).await;
    let done = aus.resign(&operator(), false, 10).await.unwrap();
    assert_eq!((done.records[0].new_version, done.more), (Some(2), false));
    let after = record(&aus, id, 2).await;
    let words = |record: &Record| pb::Record {
        header: None,
        version: 0,
        replaces: Vec::new(),
        amendment_reason: String::new(),
        ..record.message().clone()
    };
    assert_eq!(words(&after), words(&before));
    assert_eq!((after.valid_until(), after.replaces().is_some()), (before.valid_until(), true));
    assert_eq!(after.message().amendment_reason, "the key that signed it is compromised");
    let released = aus.released(idn.id()).await;
    assert_eq!(
        released.iter().map(pb::ReleaseOpening::kind).collect::<Vec<_>>(),
        [LogEntryKind::Release, LogEntryKind::Amendment]
    );
    assert_eq!(aus.released(mys.id()).await, []);
    let entry = aus.audited().await.into_iter().rfind(|entry| entry.action() == AuditAction::Alteration).unwrap();
    assert_eq!((entry.actor.as_str(), entry.record_version), ("operator-1", 2));
    let (outcomes, _) = aus.outcomes(selat_exchange::Search { include_own: true, ..search("Budi") }).await;
    let own = outcomes.iter().find(|outcome| outcome.peer == *aus.id()).unwrap();
    assert!(matches!(&own.ending, selat_exchange::Ending::Answered { hits, .. } if hits.len() == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_come_to_an_end_and_nothing_is_signed_twice() {
    let (federation, [aus, idn], ids) = robbed(5).await;
    let listed = aus.resign(&operator(), true, 2).await.unwrap();
    assert_eq!((listed.records.len(), listed.more), (2, true));
    let mut signed = Vec::new();
    loop {
        let done = aus.resign(&operator(), false, 2).await.unwrap();
        signed.extend(done.records.iter().map(|one| one.record));
        if !done.more {
            break;
        }
    }
    assert_eq!(signed, ids);
    for aus in [aus.clone(), federation.restart(&aus).await] {
        for list_only in [true, false] {
            let again = aus.resign(&operator(), list_only, 10).await.unwrap();
            assert_eq!((again.records.len(), again.more), (0, false));
        }
    }
    for id in ids {
        assert_eq!(aus.versions(aus.id(), id).await.len(), 2);
    }
    let taken = idn.follow(&aus).await.unwrap();
    assert_eq!((taken.accepted, taken.quarantined), (5, 5), "the old versions come too late");
}

#[tokio::test(flavor = "multi_thread")]
async fn second_theft_begins_from_the_first_record_again() {
    let (_, [aus, _], ids) = robbed(3).await;
    while aus.resign(&operator(), false, 1).await.unwrap().more {}
    aus.replace_key(KeyPurpose::Record, aus.now()).await;
    let again = aus.resign(&operator(), false, 10).await.unwrap();
    assert_eq!(
        again.records.iter().map(|one| (one.record, one.new_version)).collect::<Vec<_>>(),
        [(ids[0], Some(3)), (ids[1], Some(3)), (ids[2], Some(3))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_has_expired_is_left_alone() {
    let (federation, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    let short = aus.put(&officer(), &reason(), person("Budi Contoh").draft(), 1).await.unwrap();
    let long = aus.hold(person("Siti Contoh")).await;
    aus.replace_key(KeyPurpose::Record, aus.now()).await;
    federation.clock.turn(DAY);
    let done = aus.resign(&operator(), false, 10).await.unwrap();
    assert_eq!(done.records.iter().map(|one| one.record).collect::<Vec<_>>(), [long.record]);
    assert_eq!(aus.versions(aus.id(), short.record).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_gives_a_record_only_once_it_is_signed_again() {
    let (_, [aus, idn], ids) = robbed(1).await;
    idn.learns_of(&aus).await;
    assert_eq!(aus.answer_to(&idn, by_name("Person 0")).await.outcome(), AnswerOutcome::Hit);
    assert_eq!(aus.answer_to(&idn, by_id(&ids)).await.outcome(), AnswerOutcome::NoHit);
    aus.resign(&operator(), false, 10).await.unwrap();
    assert_eq!(aus.answer_to(&idn, by_id(&ids)).await.records.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_joins_after_the_theft_gets_what_was_signed_again() {
    let (federation, [aus, _], _) = robbed(3).await;
    aus.resign(&operator(), false, 10).await.unwrap();
    let mys = federation.node("MYS").await;
    for (one, other) in [(&aus, &mys), (&mys, &aus)] {
        one.join(&operator(), other.descriptor().as_ref().clone()).await.unwrap();
        one.approve_by_phone(other.id()).await;
    }
    assert_eq!(aus.release_backlog(mys.id()).await.unwrap(), 3);
    let taken = mys.follow(&aus).await.unwrap();
    assert_eq!((taken.accepted, taken.quarantined), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn import_does_not_take_it_for_a_change_by_hand() {
    let (_, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    let row = |name: &str| ImportRow {
        row: 1,
        source: "list".into(),
        source_key: "a".into(),
        draft: person(name),
        valid_days: 0,
    };
    aus.import(&officer(), &reason(), vec![row("Budi Contoh")]).await.unwrap();
    aus.replace_key(KeyPurpose::Record, aus.now()).await;
    aus.resign(&operator(), false, 10).await.unwrap();
    let same = aus.import(&officer(), &reason(), vec![row("Budi Contoh")]).await.unwrap();
    assert!(matches!(same[0], ImportResult::Unchanged { .. }), "{same:?}");
    let changed = aus.import(&officer(), &reason(), vec![row("Budi C. Contoh")]).await.unwrap();
    let ImportResult::Amended { record, version: 3, .. } = changed[0] else { panic!("{changed:?}") };
    // What a person changed is still his.
    aus.change(record, 3, person("Budi by hand").because("seen in person").draft()).await.unwrap();
    let refused = aus.import(&officer(), &reason(), vec![row("Budi D. Contoh")]).await.unwrap();
    assert!(matches!(refused[0], ImportResult::Rejected(_)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_again_that_breaks_at_any_write_is_finished_by_asking_again() {
    for nth in 1..=3 {
        for fault in [Fault::Fails, Fault::FailsAfterApplying] {
            let federation = Federation::new();
            let memory: Arc<dyn Engine> = Arc::new(Lasting(Arc::new(MemoryEngine::new())));
            let aus = federation.open(Party::new("AUS"), memory.clone(), Limits::default()).await.unwrap();
            for n in 0..3 {
                aus.hold(person(&format!("Person {n}"))).await;
            }
            aus.replace_key(KeyPurpose::Record, aus.now()).await;
            aus.stop().await.unwrap();
            let faulty = Arc::new(FaultEngine::new(memory.clone(), fault, nth));
            let aus = federation.open_with_ring(Party::new("AUS"), faulty, aus.ring.clone()).await.unwrap();
            let broken = aus.resign(&operator(), false, 10).await;
            assert!(broken.is_err(), "commit {nth}, {fault:?}: {broken:?}");
            aus.stop().await.unwrap();
            let aus = federation.open_with_ring(Party::new("AUS"), memory, aus.ring.clone()).await.unwrap();
            aus.resign(&operator(), false, 10).await.unwrap();
            for held in aus.store.records.scan_heads(None, 10).await.unwrap() {
                assert_eq!(held.head.version, 2, "commit {nth}, {fault:?}: once each");
            }
            assert_eq!(aus.status(&operator()).await.unwrap().own_records, 3);
            aus.check_trees(&[]).await;
        }
    }
}
