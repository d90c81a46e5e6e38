//! What a compromised record key of a peer signed, and we first logged since: out of sight, in quarantine, and back once
//! its originator has signed it again.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use selat_exchange::{ExchangeError, IntakeError, Limits, Listing, Receipt};
use selat_record::pb::{self, AuditAction, KeyPurpose};
use selat_record::{RecordId, Timestamp};
use selat_store::repositories::Quarantined;
use selat_store::{Batch, Engine, Fault, FaultEngine, MemoryEngine, Scan};

use crate::kit::{
    Conditions as _, Federation, Lasting, Node, Party, When, forge, officer, operator, person, reason, search, signed,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// IDN has given a record before the theft and one after it; AUS holds both.
struct Theft {
    federation: Federation,
    aus: Node,
    idn: Node,
    before: Receipt,
    after: Receipt,
    since: Timestamp,
}

impl Theft {
    async fn new() -> Self {
        let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
        let before = idn.hold(person("Budi Contoh")).await;
        aus.follow(&idn).await.unwrap();
        federation.clock.turn(HOUR);
        let since = idn.now();
        federation.clock.turn(HOUR);
        let after = idn.hold(person("Siti Contoh")).await;
        aus.follow(&idn).await.unwrap();
        Self { federation, aus, idn, before, after, since }
    }

    /// IDN finds out and says so; AUS hears of it.
    async fn is_found_out(&self) {
        self.idn.replace_key(KeyPurpose::Record, self.since).await;
        self.aus.learns_of(&self.idn).await;
    }
}

/// What an officer meets, whichever way he looks: names of the records that are in sight.
async fn in_sight(node: &Node, names: &[(&'static str, RecordId)]) -> Vec<&'static str> {
    let mut seen = Vec::new();
    for (name, record) in names {
        let found = node.get(&officer(), &reason(), *record, 0).await;
        let told = node.history(&officer(), &reason(), *record).await;
        let hits = hits(node, name).await;
        match (&found, &told, hits) {
            (Ok(_), Ok(_), 1) => seen.push(*name),
            (Err(ExchangeError::RecordNotFound(_)), Err(ExchangeError::RecordNotFound(_)), 0) => {}
            other => panic!("{name} is half in sight: {other:?}"),
        }
    }
    assert_eq!(listed(node, Listing::default()).await, seen.len());
    seen
}

async fn hits(node: &Node, name: &str) -> u32 {
    let own = selat_exchange::Search { include_own: true, peers: Vec::new(), ..search(name) };
    let (outcomes, _) = node.outcomes(own).await;
    let own = outcomes.iter().find(|outcome| outcome.peer == *node.id()).unwrap();
    let selat_exchange::Ending::Answered { hits, .. } = &own.ending else { panic!("{own:?}") };
    u32::try_from(hits.len()).unwrap()
}

async fn listed(node: &Node, listing: Listing) -> usize {
    let mut rows = node.list(&officer(), &reason(), listing).await.unwrap();
    let mut count = 0;
    while let Some(row) = rows.recv().await {
        row.unwrap();
        count += 1;
    }
    count
}

async fn quarantined(node: &Node) -> Vec<(u64, String)> {
    let listed = node.quarantine(&operator(), None, 2000).await.unwrap();
    listed.into_iter().map(|entry| (entry.index, entry.code)).collect()
}

fn compromised(indexes: impl IntoIterator<Item = u64>) -> Vec<(u64, String)> {
    indexes.into_iter().map(|index| (index, "KEY_COMPROMISED".to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn record_logged_since_the_theft_goes_out_of_sight_and_earlier_ones_stay() {
    let theft = Theft::new().await;
    let names = [("Budi", theft.before.record), ("Siti", theft.after.record)];
    assert_eq!(in_sight(&theft.aus, &names).await, ["Budi", "Siti"]);
    theft.is_found_out().await;
    for aus in [theft.aus.clone(), theft.federation.restart(&theft.aus).await] {
        assert_eq!(in_sight(&aus, &names).await, ["Budi"]);
        assert_eq!(listed(&aus, Listing { all_versions: true, ..Listing::default() }).await, 1);
        assert_eq!(quarantined(&aus).await, compromised([1]));
        let status = aus.status(&operator()).await.unwrap();
        assert_eq!((status.peer_records, status.index_lag, status.peers[0].quarantined), (1, 0, 1));
    }
    let told = theft.aus.audited().await;
    let told = told.iter().find(|entry| entry.note.contains("compromised key signed")).unwrap();
    assert_eq!((told.action(), told.actor.as_str()), (AuditAction::Administration, "node"));
    theft.aus.check_trees(&[theft.idn.id()]).await;
    assert_eq!(theft.aus.held_of(theft.idn.id()).await.unwrap(), 2, "the log between us is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn moment_of_the_theft_itself_is_in_doubt() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let first = idn.hold(person("Budi Contoh")).await;
    aus.follow(&idn).await.unwrap();
    let logged = aus.now();
    federation.clock.turn(HOUR);
    let key = idn.replace_key(KeyPurpose::Record, logged.plus(Duration::from_millis(1))).await;
    aus.learns_of(&idn).await;
    aus.get(&officer(), &reason(), first.record, 0).await.unwrap();
    idn.move_compromise(key, logged).await;
    aus.learns_of(&idn).await;
    assert!(aus.get(&officer(), &reason(), first.record, 0).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn version_before_the_theft_is_current_again() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let first = idn.hold(person("Budi Contoh")).await;
    aus.follow(&idn).await.unwrap();
    federation.clock.turn(HOUR);
    let since = idn.now();
    for version in [1, 2] {
        idn.change(first.record, version, person("Wrong Name").because("a thief says so").draft()).await.unwrap();
    }
    aus.follow(&idn).await.unwrap();
    idn.replace_key(KeyPurpose::Record, since).await;
    aus.learns_of(&idn).await;
    let current = aus.get(&officer(), &reason(), first.record, 0).await.unwrap();
    assert_eq!((current.content, current.current), (first.content, true));
    for gone in [2, 3] {
        let found = aus.get(&officer(), &reason(), first.record, gone).await;
        assert!(matches!(found, Err(ExchangeError::VersionNotFound { .. })), "{found:?}");
    }
    assert_eq!((hits(&aus, "Budi").await, hits(&aus, "Wrong").await), (1, 0));
    assert_eq!(quarantined(&aus).await, compromised([1, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_its_originator_signs_again_is_back_in_sight() {
    let theft = Theft::new().await;
    let names = [("Budi", theft.before.record), ("Siti", theft.after.record)];
    theft.is_found_out().await;
    let resigned = theft.idn.resign(&operator(), false, 10).await.unwrap();
    assert_eq!((resigned.records.len(), resigned.more), (2, false));
    let taken = theft.aus.follow(&theft.idn).await.unwrap();
    assert_eq!((taken.accepted, taken.quarantined), (2, 0));
    for aus in [theft.aus.clone(), theft.federation.restart(&theft.aus).await] {
        assert_eq!(in_sight(&aus, &names).await, ["Budi", "Siti"]);
        let status = aus.status(&operator()).await.unwrap();
        assert_eq!((status.peer_records, status.index_lag), (2, 0));
    }
    assert_eq!(theft.aus.versions(theft.idn.id(), theft.before.record).await.len(), 2, "the old version stays");
    assert_eq!(theft.aus.versions(theft.idn.id(), theft.after.record).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn theft_that_began_earlier_takes_more_out_of_sight_and_nothing_is_walked_twice() {
    let theft = Theft::new().await;
    let names = [("Budi", theft.before.record), ("Siti", theft.after.record)];
    let key = theft.idn.replace_key(KeyPurpose::Record, theft.since).await;
    theft.aus.learns_of(&theft.idn).await;
    let commits = theft.aus.bench.commits();
    assert_eq!(theft.aus.doubt(theft.idn.id()).await.unwrap(), 0);
    assert_eq!(theft.aus.bench.commits(), commits, "the same marks are not walked for again");
    theft.idn.move_compromise(key, theft.since.minus(HOUR * 2)).await;
    theft.aus.learns_of(&theft.idn).await;
    assert!(in_sight(&theft.aus, &names).await.is_empty());
    assert_eq!(quarantined(&theft.aus).await, compromised([0, 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_others_and_of_other_keys_stay() {
    let (federation, [aus, idn, mys]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let since = aus.now();
    let own = aus.hold(person("Ana Own")).await;
    let other = mys.hold(person("Citra Other")).await;
    aus.follow(&mys).await.unwrap();
    federation.clock.turn(HOUR);
    idn.replace_key(KeyPurpose::Record, since).await;
    aus.learns_of(&idn).await;
    let newer = idn.hold(person("Dewi Newer")).await;
    aus.follow(&idn).await.unwrap();
    let names = [("Ana", own.record), ("Citra", other.record), ("Dewi", newer.record)];
    assert_eq!(in_sight(&aus, &names).await, ["Ana", "Citra", "Dewi"]);
}

// ---- what still comes in --------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_with_the_stolen_key_and_comes_later_is_quarantined_without_blame() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    for n in 0..9 {
        idn.hold(person(&format!("Person {n}"))).await;
    }
    federation.clock.turn(HOUR);
    idn.replace_key(KeyPurpose::Record, idn.now()).await;
    aus.learns_of(&idn).await;
    // Logged there long before the theft; here only now.
    let taken = aus.follow(&idn).await.unwrap();
    assert_eq!((taken.accepted, taken.quarantined), (0, 9));
    assert_eq!(quarantined(&aus).await, compromised(0..9));
    assert_eq!(aus.conduct().cut_off(idn.id(), aus.now()), None);
    idn.resign(&operator(), false, 10).await.unwrap();
    assert_eq!(aus.follow(&idn).await.unwrap().accepted, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn full_quarantine_of_a_robbed_peer_is_no_fault_of_its_other_entries() {
    let theft = Theft::new().await;
    theft.is_found_out().await;
    let mut batch = Batch::new();
    for index in 1000..2000 {
        let (peer, time) = (theft.idn.id().clone(), theft.aus.now());
        let (code, reason) = ("KEY_COMPROMISED".to_owned(), String::new());
        let entry = Quarantined { peer, index, content_id: None, code, reason, time };
        theft.aus.store.intake.quarantine(&mut batch, &entry, None);
    }
    theft.aus.store.commit(batch).await.unwrap();
    for _ in 0..9 {
        theft.idn.hold(person("Budi Contoh")).await;
    }
    let entries = theft.idn.segment_for(theft.aus.id(), 2).await.unwrap().unwrap();
    let mut segment = crate::kit::arrived(entries);
    segment.entries.iter_mut().for_each(|entry| entry.envelope = None);
    assert_eq!(theft.aus.take(theft.idn.id(), segment).await.unwrap().quarantined, 9);
    assert_eq!(theft.aus.conduct().cut_off(theft.idn.id(), theft.aus.now()), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn segment_verified_before_the_theft_was_known_is_not_taken_after_it() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    idn.hold(person("Budi Contoh")).await;
    let segment = idn.segment(&aus).await;
    let (learning, robbed) = (aus.clone(), idn.clone());
    aus.bench.at_commit(1, When::Before, async move {
        robbed.replace_key(KeyPurpose::Record, robbed.now()).await;
        learning.learns_of(&robbed).await;
    });
    let taken = aus.take(idn.id(), segment).await;
    assert!(matches!(taken, Err(IntakeError::Own(_))), "{taken:?}");
    assert_eq!((aus.held_of(idn.id()).await.unwrap(), aus.follow(&idn).await.unwrap().quarantined), (0, 1));
    assert_eq!(aus.conduct().cut_off(idn.id(), aus.now()), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn record_of_a_key_that_was_replaced_a_moment_ago_is_taken_in_once_the_peer_was_asked() {
    for purpose in [KeyPurpose::Record, KeyPurpose::Log] {
        let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
        // What it pushes does not arrive.
        federation.wire.unplug(aus.id());
        idn.replace_key(purpose, idn.now()).await;
        assert_eq!(aus.holds_of(&idn), 1);
        idn.hold(person("Budi Contoh")).await;
        let taken = aus.follow(&idn).await.unwrap();
        assert_eq!((taken.accepted, taken.quarantined, aus.holds_of(&idn)), (1, 0, 2), "{purpose:?}");
        assert_eq!(aus.conduct().cut_off(idn.id(), aus.now()), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn record_of_a_newer_key_waits_while_the_peer_cannot_be_asked() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    federation.wire.unplug(aus.id());
    idn.replace_key(KeyPurpose::Record, idn.now()).await;
    idn.hold(person("Budi Contoh")).await;
    let segment = idn.segment(&aus).await;
    federation.wire.unplug(idn.id());
    for _ in 0..9 {
        let taken = aus.take(idn.id(), segment.clone()).await;
        assert!(matches!(taken, Err(IntakeError::NewerKeys)), "{taken:?}");
    }
    assert_eq!(aus.held_of(idn.id()).await.unwrap(), 0);
    assert_eq!(aus.conduct().cut_off(idn.id(), aus.now()), None);
    federation.wire.plug(idn.exchange.clone());
    assert_eq!(aus.take(idn.id(), segment).await.unwrap().accepted, 1);
}

// ---- the walk -------------------------------------------------------------------------------------------------------

/// More than one page of the log.
const MANY: u64 = 150;

/// AUS, as what is in its store, with many records of IDN that nobody doubts yet; IDN has published its loss.
async fn many() -> (Federation, Arc<dyn Engine>, Node) {
    let federation = Federation::new();
    let memory: Arc<dyn Engine> = Arc::new(Lasting(Arc::new(MemoryEngine::new())));
    let aus = federation.open(Party::new("AUS"), memory.clone(), Limits::default()).await.unwrap();
    let idn = federation.node("IDN").await;
    for (one, other) in [(&aus, &idn), (&idn, &aus)] {
        one.join(&operator(), other.descriptor().as_ref().clone()).await.unwrap();
        one.approve_by_phone(other.id()).await;
    }
    let since = idn.now();
    for n in 0..MANY {
        idn.hold(person(&format!("Person {n}"))).await;
    }
    aus.follow(&idn).await.unwrap();
    federation.clock.turn(HOUR);
    federation.wire.unplug(aus.id());
    idn.replace_key(KeyPurpose::Record, since).await;
    (federation, memory, idn)
}

async fn check_broken_at(commit: u64, fault: Fault) {
    let (federation, memory, idn) = many().await;
    let faulty = Arc::new(FaultEngine::new(memory.clone(), fault, commit));
    let aus = federation.open(Party::new("AUS"), faulty, Limits::default()).await.unwrap();
    // Whichever write fails, the news is told again and the walk goes on.
    let _ = aus.refresh(idn.id()).await;
    let _ = aus.doubt(idn.id()).await;
    aus.stop().await.unwrap();
    let aus = federation.open(Party::new("AUS"), memory, Limits::default()).await.unwrap();
    aus.learns_of(&idn).await;
    assert_eq!(quarantined(&aus).await, compromised(0..MANY), "commit {commit}, {fault:?}");
    let status = aus.status(&operator()).await.unwrap();
    assert_eq!((status.peer_records, status.index_lag), (0, 0), "commit {commit}, {fault:?}");
    let notes: Vec<_> = aus.audited().await.into_iter().map(|entry| entry.note).collect();
    let taken_out = |note: &String| note.strip_prefix("took ")?.split(' ').next()?.parse::<u64>().ok();
    assert_eq!(notes.iter().filter_map(taken_out).sum::<u64>(), MANY, "each once: commit {commit}, {fault:?}");
    aus.check_trees(&[idn.id()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_that_breaks_at_any_commit_goes_on_and_does_nothing_twice() {
    // The descriptor, the comparison, two pages of records, the end of the log.
    for commit in 1..=5 {
        for fault in [Fault::Fails, Fault::FailsAfterApplying] {
            check_broken_at(commit, fault).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_that_was_broken_off_goes_on_at_the_next_start() {
    let (federation, memory, idn) = many().await;
    let faulty = Arc::new(FaultEngine::new(memory.clone(), Fault::Fails, 4));
    let aus = federation.open(Party::new("AUS"), faulty, Limits::default()).await.unwrap();
    let _ = aus.refresh(idn.id()).await;
    let _ = aus.doubt(idn.id()).await;
    aus.stop().await.unwrap();
    federation.wire.unplug(idn.id());
    let aus = federation.open(Party::new("AUS"), memory, Limits::default()).await.unwrap();
    assert_eq!(quarantined(&aus).await.len() as u64, MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_cannot_be_read_does_not_hold_up_the_walk() {
    let theft = Theft::new().await;
    let contents = Scan { prefix: b"c/".to_vec(), after: None, limit: 9 };
    let contents = theft.aus.store.engine().scan(contents).await.unwrap();
    let more = theft.idn.hold(person("Wati Contoh")).await;
    theft.aus.follow(&theft.idn).await.unwrap();
    let mut batch = Batch::new();
    for ((key, _), (_, other)) in contents.iter().zip(contents.iter().rev()) {
        batch.put(key.clone(), other.clone());
    }
    theft.aus.store.commit(batch).await.unwrap();
    theft.is_found_out().await;
    assert_eq!(quarantined(&theft.aus).await, compromised([2]));
    assert!(theft.aus.get(&officer(), &reason(), more.record, 0).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn thief_who_signs_with_an_earlier_date_is_not_believed() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    federation.clock.turn(HOUR);
    let since = idn.now();
    idn.hold(person("Budi Contoh")).await;
    let honest = idn.segment(&aus).await.entries.remove(0);
    idn.replace_key(KeyPurpose::Record, since).await;
    aus.learns_of(&idn).await;
    let mut record = pb::Record::decode(honest.envelope.as_ref().unwrap().payload.as_slice()).unwrap();
    record.header.as_mut().unwrap().created_ms = since.minus(HOUR).ms();
    let envelope = signed(&idn.party, &record);
    let opening = pb::ReleaseOpening {
        content_id: selat_seal::content_id(&envelope).as_bytes().to_vec(),
        time_ms: since.minus(HOUR).ms(),
        ..forge::opening(&honest)
    };
    let segment = forge::segment(&idn.party, aus.id(), vec![forge::entry(&opening, Some(envelope))]);
    assert_eq!(aus.take(idn.id(), segment).await.unwrap().quarantined, 1);
    assert_eq!(quarantined(&aus).await, compromised([0]));
}
