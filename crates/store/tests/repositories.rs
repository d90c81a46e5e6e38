//! The repositories: what goes in comes out, what must not happen conflicts, and nothing about people lies open.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a suite fails by panicking")]

mod kit;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use kit::{at, participant, vault};
use selat_ledger::{Growth, Leaf};
use selat_record::pb::{self, LogEntryKind, RecordKind};
use selat_record::{ContentId, ParticipantId, RecordId};
use selat_store::repositories::{
    Accepted, Approval, Compared, Draft, Equivocation, Head, Imported, KeptDescriptor, KnownCheckpoint, NewVersion,
    Peer, PeerState, Quarantined, Recipient, Removal, Source, Stopped, Version, Walk,
};
use selat_store::{Batch, Engine, Identity, MemoryEngine, Repositories, StoreError};

fn identity(name: &str, federation: &str) -> Identity {
    Identity { federation: federation.parse().unwrap(), participant: participant(name) }
}

async fn open(engine: Arc<dyn Engine>) -> Repositories {
    Repositories::open(engine, vault(1), &identity("AUS", "demo")).await.unwrap()
}

async fn fresh() -> Repositories {
    open(Arc::new(MemoryEngine::new())).await
}

fn record(number: u8) -> RecordId {
    RecordId::mint(at(1_700_000_000_000), [number; 10])
}

fn content(number: u8) -> ContentId {
    ContentId::new([number; 32])
}

fn version(number: u32) -> Version {
    Version {
        version: number,
        content_id: content(number as u8),
        kind: RecordKind::Person,
        first_logged: at(1_000 + i64::from(number)),
        valid_until: (number > 1).then(|| at(9_000)),
        replaces: (number > 1).then(|| content(number as u8 - 1)),
        source: Source::Own,
    }
}

/// Puts a version on top of the head that is there.
async fn put_version(
    all: &Repositories,
    originator: &ParticipantId,
    record: RecordId,
    version: Version,
    envelope: &[u8],
) {
    let mut batch = Batch::new();
    let head = all.records.head(originator, record).await.unwrap();
    let key = match all.records.record_key(originator, record).await.unwrap() {
        Some(key) => key,
        None => all.records.mint_record_key(&mut batch, originator, record),
    };
    let new = NewVersion { originator, record_id: record, version, envelope, key: &key, head: head.as_ref() };
    all.records.put_version(&mut batch, &new);
    all.commit(batch).await.unwrap();
}

fn conflicts<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(result.as_ref().is_err_and(StoreError::is_conflict), "{result:?}");
}

fn damaged<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Damaged { .. })), "{result:?}");
}

// ---- records --------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn versions_come_back_as_they_went_and_the_latest_is_the_head() {
    let (all, aus) = (fresh().await, participant("AUS"));
    for number in [1, 2, 3] {
        put_version(&all, &aus, record(1), version(number), format!("envelope {number}").as_bytes()).await;
    }
    assert_eq!(all.records.head(&aus, record(1)).await.unwrap(), Some(version(3).head()));
    assert_eq!(all.records.version(&aus, record(1), 2).await.unwrap(), Some(version(2)));
    assert_eq!(all.records.version(&aus, record(1), 4).await.unwrap(), None);
    assert_eq!(all.records.versions(&aus, record(1)).await.unwrap(), [version(1), version(2), version(3)]);
    for number in [1, 2, 3] {
        let envelope = all.records.envelope(&aus, record(1), &content(number)).await.unwrap();
        assert_eq!(envelope, Some(format!("envelope {number}").into_bytes()));
    }
    assert_eq!(all.records.envelope(&aus, record(1), &content(9)).await.unwrap(), None);
    assert_eq!(all.records.envelope(&aus, record(2), &content(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_version_on_another_head_than_was_read_conflicts() {
    let (all, aus) = (fresh().await, participant("AUS"));
    put_version(&all, &aus, record(1), version(1), b"first").await;
    let key = all.records.record_key(&aus, record(1)).await.unwrap().unwrap();
    let attempt = async |head: Option<&Head>, version: Version| {
        let mut batch = Batch::new();
        let new = NewVersion { originator: &aus, record_id: record(1), version, envelope: b"next", key: &key, head };
        all.records.put_version(&mut batch, &new);
        all.commit(batch).await
    };
    conflicts(attempt(None, version(2)).await);
    conflicts(attempt(Some(&version(2).head()), version(2)).await);
    conflicts(attempt(Some(&version(1).head()), version(1)).await);
    attempt(Some(&version(1).head()), version(2)).await.unwrap();
    conflicts(attempt(Some(&version(1).head()), version(3)).await);
}

#[tokio::test]
async fn an_earlier_version_that_comes_late_does_not_become_the_head() {
    let (all, idn) = (fresh().await, participant("IDN"));
    put_version(&all, &idn, record(1), version(3), b"third").await;
    put_version(&all, &idn, record(1), version(2), b"second").await;
    assert_eq!(all.records.head(&idn, record(1)).await.unwrap(), Some(version(3).head()));
    assert_eq!(all.records.versions(&idn, record(1)).await.unwrap(), [version(2), version(3)]);
}

#[tokio::test]
async fn a_record_has_one_key() {
    let (all, aus) = (fresh().await, participant("AUS"));
    let mint = async || {
        let mut batch = Batch::new();
        all.records.mint_record_key(&mut batch, &aus, record(1));
        all.commit(batch).await
    };
    mint().await.unwrap();
    conflicts(mint().await);
}

#[tokio::test]
async fn a_record_id_used_by_two_originators_is_found_under_both_with_our_own_first() {
    let all = fresh().await;
    for name in ["ABC", "AUS", "IDN"] {
        put_version(&all, &participant(name), record(1), version(1), b"envelope").await;
    }
    put_version(&all, &participant("AUS"), record(1), version(2), b"envelope").await;
    let found = all.records.find(record(1)).await.unwrap();
    let found: Vec<_> = found.iter().map(|held| (held.originator.as_str(), held.head.version)).collect();
    assert_eq!(found, [("AUS", 2), ("ABC", 1), ("IDN", 1)]);
    assert!(all.records.find(record(2)).await.unwrap().is_empty());
}

#[tokio::test]
async fn heads_are_walked_page_by_page() {
    let all = fresh().await;
    for name in ["AUS", "AUS2", "IDN"] {
        for number in 1..=3 {
            put_version(&all, &participant(name), record(number), version(1), b"envelope").await;
        }
    }
    let mut seen = Vec::new();
    loop {
        let after = seen.last().map(|(name, record): &(ParticipantId, RecordId)| (name, *record));
        let page = all.records.scan_heads(after, 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|held| (held.originator, held.record_id)));
    }
    let expected: Vec<_> = ["AUS", "AUS2", "IDN"]
        .iter()
        .flat_map(|name| (1..=3).map(|number| (participant(name), record(number))))
        .collect();
    assert_eq!(seen, expected);
    let of_one = all.records.scan_heads_of(&participant("AUS"), Some(record(1)), 9).await.unwrap();
    assert_eq!(of_one.iter().map(|held| held.record_id).collect::<Vec<_>>(), [record(2), record(3)]);
}

// ---- doubts ---------------------------------------------------------------------------------------------------------

/// Takes these versions of record 1 out, as whoever read `head` would.
async fn take_out(
    all: &Repositories,
    head: &Head,
    versions: &[Version],
    left: Option<&Version>,
) -> Result<(), StoreError> {
    let idn = participant("IDN");
    let mut batch = Batch::new();
    let removal = Removal { originator: &idn, record_id: record(1), head, versions, left };
    all.doubts.remove(&mut batch, &removal);
    all.commit(batch).await.map(drop)
}

#[tokio::test]
async fn a_version_that_is_taken_out_gives_way_to_the_one_before() {
    let (all, idn) = (fresh().await, participant("IDN"));
    for number in [1, 2, 3] {
        put_version(&all, &idn, record(1), version(number), format!("envelope {number}").as_bytes()).await;
    }
    conflicts(take_out(&all, &version(2).head(), &[version(3)], Some(&version(2))).await);
    conflicts(take_out(&all, &version(3).head(), &[version(4)], Some(&version(2))).await);
    take_out(&all, &version(3).head(), &[version(2), version(3)], Some(&version(1))).await.unwrap();
    assert_eq!(all.records.head(&idn, record(1)).await.unwrap(), Some(version(1).head()));
    assert_eq!(all.records.versions(&idn, record(1)).await.unwrap(), [version(1)]);
    assert_eq!(all.records.find(record(1)).await.unwrap().len(), 1);
    let evidence = all.records.envelope(&idn, record(1), &content(3)).await.unwrap();
    assert_eq!(evidence, Some(b"envelope 3".to_vec()));
    put_version(&all, &idn, record(1), version(3), b"again").await;
    assert_eq!(all.records.head(&idn, record(1)).await.unwrap(), Some(version(3).head()));
}

#[tokio::test]
async fn a_record_without_a_version_left_is_not_held_and_can_come_again() {
    let (all, idn) = (fresh().await, participant("IDN"));
    put_version(&all, &idn, record(1), version(1), b"envelope").await;
    take_out(&all, &version(1).head(), &[version(1)], None).await.unwrap();
    assert_eq!(all.records.head(&idn, record(1)).await.unwrap(), None);
    assert!(all.records.find(record(1)).await.unwrap().is_empty());
    assert!(all.records.scan_heads(None, 9).await.unwrap().is_empty());
    put_version(&all, &idn, record(1), version(2), b"next").await;
    assert_eq!(all.records.find(record(1)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_walk_goes_on_from_where_it_was_noted_and_one_walker_at_a_time() {
    let (all, idn) = (fresh().await, participant("IDN"));
    let walk = |next| Walk { marks: [1; 32], next, done: next == 9 };
    let note = async |was: Option<&Walk>, now: &Walk| {
        let mut batch = Batch::new();
        all.doubts.note_walk(&mut batch, &idn, was, now);
        all.commit(batch).await
    };
    assert_eq!(all.doubts.walk(&idn).await.unwrap(), None);
    note(None, &walk(4)).await.unwrap();
    conflicts(note(None, &walk(4)).await);
    conflicts(note(Some(&walk(3)), &walk(9)).await);
    note(Some(&walk(4)), &walk(9)).await.unwrap();
    assert_eq!(all.doubts.walk(&idn).await.unwrap(), Some(walk(9)));
}

// ---- logs -----------------------------------------------------------------------------------------------------------

fn release(record_id: RecordId, version: u32, kind: LogEntryKind) -> pb::ReleaseOpening {
    pb::ReleaseOpening {
        federation: "demo".to_owned(),
        discloser: "AUS".to_owned(),
        recipient: "IDN".to_owned(),
        kind: kind.into(),
        time_ms: 77,
        record_id: record_id.as_bytes().to_vec(),
        record_version: version,
        ..Default::default()
    }
}

#[tokio::test]
async fn releases_are_listed_marked_and_given_once() {
    let all = fresh().await;
    let give = async |peer: &str, opening: pb::ReleaseOpening| {
        let mut batch = Batch::new();
        all.releases.append(&mut batch, &participant(peer), &opening, &[3; 32]).unwrap();
        all.commit(batch).await
    };
    give("IDN", release(record(1), 1, LogEntryKind::Release)).await.unwrap();
    give("IDN", release(record(1), 2, LogEntryKind::Amendment)).await.unwrap();
    give("MYS", release(record(1), 2, LogEntryKind::Release)).await.unwrap();
    give("IDN", release(record(2), 1, LogEntryKind::Release)).await.unwrap();
    conflicts(give("IDN", release(record(1), 2, LogEntryKind::Release)).await);
    // Answers give no record version, so the same may stand in the log twice.
    for _ in 0..2 {
        give("IDN", release(record(1), 2, LogEntryKind::Answer)).await.unwrap();
    }
    let idn = participant("IDN");
    assert_eq!(all.releases.size(&idn).await.unwrap(), 5);
    let listed = all.releases.list(&idn, 1, 2).await.unwrap();
    assert_eq!(listed.iter().map(|entry| entry.index).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(listed[0].message, release(record(1), 2, LogEntryKind::Amendment));
    assert!(listed[0].leaf.opens_to(&[3; 32], &listed[0].opening));
    assert_eq!((listed[0].nonce, listed[0].leaf.time()), ([3; 32], at(77)));
    assert_eq!(all.releases.released(&idn, record(2), 1).await.unwrap(), Some(2));
    assert_eq!(all.releases.released(&idn, record(2), 2).await.unwrap(), None);
    let recipient = |peer: &str, version, index| Recipient { peer: participant(peer), version, index };
    let expected = [recipient("IDN", 1, 0), recipient("IDN", 2, 1), recipient("MYS", 2, 0)];
    assert_eq!(all.releases.recipients(record(1)).await.unwrap(), expected);
}

#[tokio::test]
async fn entries_that_no_leaf_can_hold_are_refused() {
    let all = fresh().await;
    let check = |opening: pb::ReleaseOpening| {
        let mut batch = Batch::new();
        let result = all.releases.append(&mut batch, &participant("IDN"), &opening, &[0; 32]);
        assert!(matches!(result, Err(StoreError::Refused { .. })) && batch.is_empty());
    };
    let good = || release(record(1), 1, LogEntryKind::Release);
    check(pb::ReleaseOpening { kind: 0, ..good() });
    check(pb::ReleaseOpening { kind: 256, ..good() });
    check(pb::ReleaseOpening { time_ms: -1, ..good() });
    check(pb::ReleaseOpening { record_id: vec![1], ..good() });
}

#[tokio::test]
async fn audit_entries_come_back_in_order() {
    let all = fresh().await;
    let opening = |note: &str| pb::AuditOpening {
        action: pb::AuditAction::Consultation.into(),
        time_ms: 5,
        actor: "j-tan".to_owned(),
        note: note.to_owned(),
        ..Default::default()
    };
    let mut batch = Batch::new();
    for note in ["first", "second", "third"] {
        all.audit.append(&mut batch, &opening(note), &[1; 32]).unwrap();
    }
    all.commit(batch).await.unwrap();
    assert_eq!(all.audit.size().await.unwrap(), 3);
    let listed = all.audit.list(1, 10).await.unwrap();
    assert_eq!(listed.iter().map(|entry| &entry.message).collect::<Vec<_>>(), [&opening("second"), &opening("third")]);
}

#[tokio::test]
async fn an_entry_that_its_leaf_does_not_commit_to_is_damage() {
    let all = fresh().await;
    let mut batch = Batch::new();
    let leaf = Leaf::commit(1, at(1), &[1; 32], b"what was committed to");
    all.intake.append(&mut batch, &participant("IDN"), leaf, &[1; 32], b"something else".to_vec());
    all.commit(batch).await.unwrap();
    damaged(all.intake.list(&participant("IDN"), 0, 1).await);
}

#[tokio::test]
async fn a_peers_log_is_kept_as_it_was_made_and_only_from_where_we_stand() {
    let (all, idn) = (fresh().await, participant("IDN"));
    let (nonce, opening) = ([9; 32], prost::Message::encode_to_vec(&release(record(1), 1, LogEntryKind::Release)));
    let leaf = Leaf::commit(1, at(77), &nonce, &opening);
    let take = async |size| {
        let mut batch = Batch::new();
        all.intake.expect_size(&mut batch, &idn, size);
        all.intake.append(&mut batch, &idn, leaf, &nonce, opening.clone());
        all.commit(batch).await
    };
    take(0).await.unwrap();
    conflicts(take(0).await);
    take(1).await.unwrap();
    assert_eq!(all.intake.size(&idn).await.unwrap(), 2);
    let listed = all.intake.list(&idn, 0, 10).await.unwrap();
    assert_eq!((&listed[1].opening, listed[1].leaf, listed[1].nonce), (&opening, leaf, nonce));
    let mut theirs = Growth::new(0, Default::default()).unwrap();
    (0..2).for_each(|_| drop(theirs.append(&leaf.encode()).unwrap()));
    assert_eq!(all.logs.root(&all.intake.log(&idn), 2).await.unwrap(), theirs.root().unwrap());
    assert_eq!(all.intake.log(&idn).as_str(), "selat/release/IDN/AUS");
    assert_eq!(all.releases.log(&idn).as_str(), "selat/release/AUS/IDN");
}

#[tokio::test]
async fn quarantine_lists_counts_and_keeps_the_envelope() {
    let all = fresh().await;
    let entry = |peer: &str, index| Quarantined {
        peer: participant(peer),
        index,
        content_id: (index > 0).then(|| content(1)),
        code: "BAD_SIGNATURE".to_owned(),
        reason: "the signature does not hold".to_owned(),
        time: at(4),
    };
    let mut batch = Batch::new();
    all.intake.quarantine(&mut batch, &entry("MYS", 0), None);
    all.intake.quarantine(&mut batch, &entry("IDN", 300), Some(b"envelope"));
    all.intake.quarantine(&mut batch, &entry("IDN", 2), None);
    all.commit(batch).await.unwrap();
    let everyone = all.intake.quarantined(None, 10).await.unwrap();
    assert_eq!(everyone, [entry("IDN", 2), entry("IDN", 300), entry("MYS", 0)]);
    assert_eq!(all.intake.quarantined(Some(&participant("MYS")), 10).await.unwrap(), [entry("MYS", 0)]);
    assert_eq!(all.intake.quarantined(None, 1).await.unwrap().len(), 1);
    assert_eq!(all.intake.quarantine_count(&participant("IDN")).await.unwrap(), 2);
    assert_eq!(all.intake.quarantine_count(&participant("THA")).await.unwrap(), 0);
    let code = &entry("IDN", 2).code;
    assert_eq!(all.intake.quarantine_count_but(&participant("IDN"), code).await.unwrap(), 0);
    assert_eq!(all.intake.quarantine_count_but(&participant("IDN"), "OTHER").await.unwrap(), 2);
    let envelope = async |index| all.intake.quarantined_envelope(&participant("IDN"), index).await.unwrap();
    assert_eq!((envelope(300).await, envelope(2).await), (Some(b"envelope".to_vec()), None));
}

// ---- peers, sources, seen, meta -------------------------------------------------------------------------------------

#[tokio::test]
async fn peers_are_added_once_and_replaced_only_as_they_were_read() {
    let all = fresh().await;
    let pending = Peer {
        participant: participant("IDN"),
        state: PeerState::Pending,
        descriptor: b"envelope".to_vec(),
        joined: at(1),
        approval: None,
        stopped: None,
    };
    let approval = Approval { by: "operator".to_owned(), at: at(2), channel: "phone".to_owned() };
    let approved = Peer { state: PeerState::Approved, approval: Some(approval), ..pending.clone() };
    let commit = async |change: &dyn Fn(&mut Batch)| {
        let mut batch = Batch::new();
        change(&mut batch);
        all.commit(batch).await
    };
    commit(&|batch| all.peers.add(batch, &pending)).await.unwrap();
    conflicts(commit(&|batch| all.peers.add(batch, &approved)).await);
    assert_eq!(all.peers.get(&participant("IDN")).await.unwrap(), Some(pending.clone()));
    commit(&|batch| all.peers.replace(batch, &pending, &approved)).await.unwrap();
    conflicts(commit(&|batch| all.peers.replace(batch, &pending, &approved)).await);
    assert_eq!(all.peers.all().await.unwrap(), [approved]);
    assert_eq!(all.peers.get(&participant("MYS")).await.unwrap(), None);
    let known = KnownCheckpoint { size: 7, root: [7; 32], note: "note".to_owned() };
    commit(&|batch| all.peers.put_checkpoint(batch, &participant("IDN"), &known)).await.unwrap();
    assert_eq!(all.peers.checkpoint(&participant("IDN")).await.unwrap(), Some(known));
    assert_eq!(all.peers.checkpoint(&participant("MYS")).await.unwrap(), None);
}

#[tokio::test]
async fn a_peer_is_removed_only_as_it_was_read_and_its_acceptances_stay() {
    let all = fresh().await;
    let stopped = Stopped { reason: "unanswered calls".to_owned(), by: "operator".to_owned(), at: at(3) };
    let approved = Peer {
        participant: participant("IDN"),
        state: PeerState::Approved,
        descriptor: b"envelope".to_vec(),
        joined: at(1),
        approval: None,
        stopped: None,
    };
    let suspended = Peer { state: PeerState::Suspended, stopped: Some(stopped), ..approved.clone() };
    let accepted = |n| Accepted { envelope: vec![n], at: at(n.into()) };
    let commit = async |change: &dyn Fn(&mut Batch)| {
        let mut batch = Batch::new();
        change(&mut batch);
        all.commit(batch).await
    };
    commit(&|batch| all.peers.add(batch, &suspended)).await.unwrap();
    for n in [2, 1] {
        commit(&|batch| all.acceptances.add(batch, &participant("IDN"), &[n; 16], &accepted(n))).await.unwrap();
    }
    conflicts(commit(&|batch| all.acceptances.add(batch, &participant("IDN"), &[1; 16], &accepted(9))).await);
    conflicts(commit(&|batch| all.peers.remove(batch, &approved)).await);
    assert_eq!(all.peers.all().await.unwrap(), std::slice::from_ref(&suspended));
    commit(&|batch| all.peers.remove(batch, &suspended)).await.unwrap();
    assert_eq!(all.peers.all().await.unwrap(), []);
    assert_eq!(all.acceptances.of(&participant("IDN")).await.unwrap(), [accepted(1), accepted(2)]);
    assert_eq!(all.acceptances.of(&participant("MYS")).await.unwrap(), []);
}

#[tokio::test]
async fn a_draft_is_given_again_until_another_descriptor_is_in_force() {
    let all = fresh().await;
    let draft = |n: u8| Draft { envelope: vec![n], deed: [n; 32], since: (n > 1).then(|| at(5)), made: at(n.into()) };
    let keep = async |base, about, n| {
        let mut batch = Batch::new();
        all.drafts.put(&mut batch, &content(base), &[about; 32], &draft(n)).await.unwrap();
        all.commit(batch).await.unwrap();
    };
    let kept = async |base, about: u8| all.drafts.get(&content(base), &[about; 32]).await.unwrap();
    keep(1, 7, 1).await;
    keep(1, 8, 2).await;
    assert_eq!((kept(1, 7).await, kept(1, 8).await, kept(2, 7).await), (Some(draft(1)), Some(draft(2)), None));
    keep(1, 7, 3).await;
    assert_eq!(kept(1, 7).await, Some(draft(3)));
    keep(2, 9, 4).await;
    assert_eq!((kept(1, 7).await, kept(1, 8).await, kept(2, 9).await), (None, None, Some(draft(4))));
}

#[tokio::test]
async fn a_batch_decided_by_an_earlier_set_of_peers_conflicts() {
    let all = fresh().await;
    let commit = async |change: &dyn Fn(&mut Batch)| {
        let mut batch = Batch::new();
        change(&mut batch);
        all.commit(batch).await
    };
    for epoch in [0, 1] {
        assert_eq!(all.peers.epoch().await.unwrap(), epoch);
        commit(&|batch| all.peers.require_epoch(batch, epoch)).await.unwrap();
        commit(&|batch| all.peers.advance_epoch(batch, epoch)).await.unwrap();
        conflicts(commit(&|batch| all.peers.require_epoch(batch, epoch)).await);
        conflicts(commit(&|batch| all.peers.advance_epoch(batch, epoch)).await);
    }
}

#[tokio::test]
async fn an_imported_row_is_found_by_source_and_key_and_conflicts_when_it_changed() {
    let all = fresh().await;
    let imported = |n| Imported { record_id: record(1), digest: [n; 32], content_id: ContentId::new([n + 10; 32]) };
    let put = async |was: Option<&Imported>, now: &Imported| {
        let mut batch = Batch::new();
        all.sources.put(&mut batch, "file", "row 1", was, now);
        all.commit(batch).await
    };
    assert_eq!(all.sources.get("file", "row 1").await.unwrap(), None);
    put(None, &imported(1)).await.unwrap();
    conflicts(put(None, &imported(1)).await);
    conflicts(put(Some(&imported(2)), &imported(3)).await);
    put(Some(&imported(1)), &imported(2)).await.unwrap();
    assert_eq!(all.sources.get("file", "row 1").await.unwrap(), Some(imported(2)));
    assert_eq!(all.sources.get("filer", "ow 1").await.unwrap(), None);
}

#[tokio::test]
async fn a_query_is_remembered_once_until_it_has_expired() {
    let (all, idn) = (fresh().await, participant("IDN"));
    let remember = async |query: u16, expires| {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&query.to_be_bytes());
        let mut batch = Batch::new();
        all.seen.remember(&mut batch, &idn, &id, at(expires));
        all.commit(batch).await.map(|_| id)
    };
    for query in 0..600 {
        remember(query, 100).await.unwrap();
    }
    let late = remember(600, 101).await.unwrap();
    conflicts(remember(7, 100).await);
    conflicts(remember(600, 200).await);
    assert!(all.seen.is_seen(&idn, &late).await.unwrap());
    assert!(!all.seen.is_seen(&participant("MYS"), &late).await.unwrap());
    assert_eq!(all.seen.purge(at(100)).await.unwrap(), 0);
    assert_eq!(all.seen.purge(at(101)).await.unwrap(), 600);
    assert!(all.seen.is_seen(&idn, &late).await.unwrap());
    assert!(!all.seen.is_seen(&idn, &[0; 16]).await.unwrap());
    remember(7, 300).await.unwrap();
}

#[tokio::test]
async fn a_store_opens_for_its_participant_federation_and_key_only() {
    let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
    open(engine.clone()).await;
    let attempt = async |key, name, federation| {
        Repositories::open(engine.clone(), vault(key), &identity(name, federation)).await.err()
    };
    assert!(attempt(1, "AUS", "demo").await.is_none());
    match attempt(1, "IDN", "demo").await {
        Some(StoreError::Foreign { found, expected }) => {
            assert_eq!((&*found, &*expected), ("AUS in demo", "IDN in demo"))
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(attempt(1, "AUS", "other").await, Some(StoreError::Foreign { .. })));
    assert!(matches!(attempt(2, "AUS", "demo").await, Some(StoreError::WrongKey)));
}

#[tokio::test]
async fn the_high_water_time_is_kept() {
    let all = fresh().await;
    assert_eq!(all.meta.high_water().await.unwrap(), None);
    let mut batch = Batch::new();
    all.meta.note_high_water(&mut batch, at(42));
    all.commit(batch).await.unwrap();
    assert_eq!(all.meta.high_water().await.unwrap(), Some(at(42)));
}

#[tokio::test]
async fn rows_that_say_the_impossible_are_damage() {
    let (all, aus) = (fresh().await, participant("AUS"));
    put_version(&all, &aus, record(1), version(1), b"envelope").await;
    let head = [b"h/AUS/".as_slice(), record(1).as_bytes()].concat();
    // Field 1 with an unknown wire type; a content id of one byte; a kind that does not exist.
    for row in [&[0x0f][..], &[0x12, 1, 0], &[&[0x12, 32][..], &[1; 32], &[0x18, 99]].concat()] {
        let mut batch = Batch::new();
        batch.put(head.clone(), row.to_vec());
        all.commit(batch).await.unwrap();
        damaged(all.records.head(&aus, record(1)).await);
        damaged(all.records.scan_heads(None, 10).await);
    }
}

#[tokio::test]
async fn content_that_changed_places_does_not_open() {
    let (all, aus) = (fresh().await, participant("AUS"));
    put_version(&all, &aus, record(1), version(1), b"first").await;
    put_version(&all, &aus, record(1), version(2), b"second").await;
    let key = |number: u8| [b"c/AUS/".as_slice(), record(1).as_bytes(), content(number).as_bytes()].concat();
    let sealed = all.engine().read(vec![key(1), key(2)]).await.unwrap();
    let mut batch = Batch::new();
    batch.put(key(2), sealed[0].clone().unwrap());
    all.commit(batch).await.unwrap();
    assert!(matches!(all.records.envelope(&aus, record(1), &content(2)).await, Err(StoreError::Sealed(_))));
}

// ---- descriptors ----------------------------------------------------------------------------------------------------

fn kept(number: u64) -> KeptDescriptor {
    KeptDescriptor { version: number, envelope: vec![number as u8; 3], accepted: at(1_000 + number as i64) }
}

#[tokio::test]
async fn a_chain_comes_back_in_order_and_each_version_is_kept_once() {
    let (all, aus, idn) = (fresh().await, participant("AUS"), participant("IDN"));
    let mut batch = Batch::new();
    for number in [2, 1, 300, 3] {
        all.descriptors.keep(&mut batch, &aus, &kept(number));
    }
    all.descriptors.keep(&mut batch, &idn, &kept(7));
    all.commit(batch).await.unwrap();
    assert_eq!(all.descriptors.chain(&aus, 0, 10).await.unwrap(), [kept(1), kept(2), kept(3), kept(300)]);
    assert_eq!(all.descriptors.chain(&aus, 2, 2).await.unwrap(), [kept(2), kept(3)]);
    assert_eq!(all.descriptors.version(&aus, 300).await.unwrap(), Some(kept(300)));
    assert_eq!(all.descriptors.version(&aus, 4).await.unwrap(), None);
    let mut again = Batch::new();
    all.descriptors.keep(&mut again, &aus, &KeptDescriptor { envelope: vec![9], ..kept(3) });
    assert!(matches!(all.commit(again).await, Err(StoreError::Conflict { .. })));
}

#[tokio::test]
async fn what_is_forgotten_of_a_participant_is_all_but_the_evidence() {
    let (all, aus, idn) = (fresh().await, participant("AUS"), participant("IDN"));
    let compared = Compared { acknowledged: 4, acknowledged_at: Some(at(5)), refreshed: Some(at(6)) };
    let proof = Equivocation {
        participant: idn.clone(),
        version: 2,
        held: vec![1],
        rival: vec![2],
        shown_by: aus.clone(),
        at: at(9),
    };
    let mut batch = Batch::new();
    all.descriptors.keep(&mut batch, &idn, &kept(1));
    all.descriptors.keep(&mut batch, &idn, &kept(2));
    all.descriptors.note(&mut batch, &idn, &compared);
    all.descriptors.note(&mut batch, &aus, &Compared::default());
    all.descriptors.convict(&mut batch, &proof);
    all.commit(batch).await.unwrap();
    assert_eq!(
        all.descriptors.compared().await.unwrap(),
        [(aus.clone(), Compared::default()), (idn.clone(), compared)]
    );
    let mut batch = Batch::new();
    all.descriptors.forget_all(&mut batch, &idn).await.unwrap();
    all.commit(batch).await.unwrap();
    assert_eq!(all.descriptors.chain(&idn, 0, 10).await.unwrap(), []);
    assert_eq!(all.descriptors.compared().await.unwrap(), [(aus, Compared::default())]);
    assert_eq!(all.descriptors.equivocations().await.unwrap(), std::slice::from_ref(&proof));
    let mut again = Batch::new();
    all.descriptors.convict(&mut again, &proof);
    assert!(matches!(all.commit(again).await, Err(StoreError::Conflict { .. })), "the first proof stays");
}

// ---- secrecy --------------------------------------------------------------------------------------------------------

/// A word that stands for whatever tells about a person.
const CANARY: &str = "canary-7f3a91";

#[tokio::test]
async fn what_tells_about_people_lies_encrypted_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let engine: Arc<dyn Engine> = Arc::new(kit::open(folder.path()));
    let all = open(engine.clone()).await;
    put_version(&all, &participant("AUS"), record(1), version(1), CANARY.repeat(20).as_bytes()).await;
    // Large enough for a file of its own.
    put_version(&all, &participant("AUS"), record(2), version(1), CANARY.repeat(20_000).as_bytes()).await;
    let mut batch = Batch::new();
    let opening =
        pb::ReleaseOpening { officer_pseudonym: CANARY.to_owned(), ..release(record(1), 1, LogEntryKind::Release) };
    all.releases.append(&mut batch, &participant("IDN"), &opening, &[1; 32]).unwrap();
    let opening = pb::AuditOpening { action: 1, note: CANARY.to_owned(), ..Default::default() };
    all.audit.append(&mut batch, &opening, &[1; 32]).unwrap();
    let leaf = Leaf::commit(1, at(1), &[1; 32], CANARY.as_bytes());
    all.intake.append(&mut batch, &participant("IDN"), leaf, &[1; 32], CANARY.as_bytes().to_vec());
    let entry = Quarantined {
        peer: participant("IDN"),
        index: 0,
        content_id: None,
        code: "MALFORMED".to_owned(),
        reason: "is not a record".to_owned(),
        time: at(1),
    };
    all.intake.quarantine(&mut batch, &entry, Some(CANARY.as_bytes()));
    let imported = Imported { record_id: record(1), digest: [1; 32], content_id: ContentId::new([2; 32]) };
    all.sources.put(&mut batch, CANARY, CANARY, None, &imported);
    all.commit(batch).await.unwrap();
    all.engine().stop().await.unwrap();
    assert!(!occurs_in(folder.path(), CANARY.as_bytes()));
    // The search would find it: what is not secret is there.
    assert!(occurs_in(folder.path(), b"is not a record"));
}

/// True when a file in this folder, at any depth, contains the bytes.
fn occurs_in(folder: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return occurs_in(&path, bytes);
        }
        fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes)
    })
}
