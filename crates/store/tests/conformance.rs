//! The contract of [`Engine`], run on every engine, bare and behind a [`FaultEngine`] that passes everything on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a suite fails by panicking")]

mod kit;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kit::{CACHE, Seeded, append, checked_log, log, values};
use selat_ledger::{Leaf, check_consistency, check_inclusion, leaf_hash, prove_consistency, prove_inclusion};
use selat_store::engine::SCAN_MAX;
use selat_store::{
    Batch, Contested, Engine, Fault, FaultEngine, Logs, MemoryEngine, Precondition, Scan, SledEngine, StoreError,
};

/// Runs each case on each engine.
macro_rules! on_every_engine {
    ($($case:ident),* $(,)?) => {
        mod memory {$(
            #[tokio::test]
            async fn $case() {
                super::$case(super::memory()).await;
            }
        )*}

        mod memory_behind_faults {$(
            #[tokio::test]
            async fn $case() {
                super::$case(super::quiet(super::memory())).await;
            }
        )*}

        mod sled {$(
            #[tokio::test]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                super::$case(super::sled(folder.path())).await;
            }
        )*}

        mod sled_behind_faults {$(
            #[tokio::test]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                super::$case(super::quiet(super::sled(folder.path()))).await;
            }
        )*}
    };
}

on_every_engine!(
    what_is_committed_is_read_in_the_order_asked_for,
    a_failed_precondition_names_its_key_and_leaves_nothing,
    a_failed_log_size_names_the_log_and_leaves_nothing,
    preconditions_see_the_state_before_their_own_batch,
    a_key_deleted_and_put_in_one_batch_is_put,
    of_many_batches_that_want_one_key_exactly_one_wins,
    batches_that_share_a_flush_are_judged_one_after_the_other,
    concurrent_appends_get_contiguous_indexes,
    indexes_come_in_the_order_of_the_appends,
    roots_and_proofs_hold_at_every_size,
    growth_foretells_the_root_of_the_next_commit,
    questions_beyond_the_end_of_a_log_are_refused,
    scans_page_through_a_prefix_and_stay_inside_it,
    scans_are_bounded,
    keys_of_the_engine_cannot_be_written,
    a_batch_beyond_the_bound_is_refused,
    random_batches_do_what_a_map_would_do,
    after_stop_reads_go_on_and_commits_are_refused,
    every_fault_leaves_the_engine_as_it_says,
);

fn memory() -> Arc<dyn Engine> {
    Arc::new(MemoryEngine::new())
}

fn sled(folder: &std::path::Path) -> Arc<dyn Engine> {
    Arc::new(kit::open(folder))
}

fn quiet(inner: Arc<dyn Engine>) -> Arc<dyn Engine> {
    Arc::new(FaultEngine::new(inner, Fault::Fails, u64::MAX))
}

fn put(pairs: &[(&str, &str)]) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in pairs {
        batch.put(key.as_bytes().to_vec(), value.as_bytes().to_vec());
    }
    batch
}

fn some(value: &str) -> Option<String> {
    Some(value.to_owned())
}

async fn what_is_committed_is_read_in_the_order_asked_for(engine: Arc<dyn Engine>) {
    engine.commit(put(&[("a", "1"), ("b", "2"), ("a", "3")])).await.unwrap();
    assert_eq!(values(&*engine, &["b", "none", "a", "b"]).await, [some("2"), None, some("3"), some("2")]);
    let mut batch = put(&[("empty", "")]);
    batch.delete(b"a".to_vec());
    batch.delete(b"never there".to_vec());
    engine.commit(batch).await.unwrap();
    assert_eq!(values(&*engine, &["a", "empty"]).await, [None, some("")]);
    assert!(engine.bytes().await > 0);
}

async fn a_failed_precondition_names_its_key_and_leaves_nothing(engine: Arc<dyn Engine>) {
    engine.commit(put(&[("here", "1")])).await.unwrap();
    let equals = |key: &str, value: &str| Precondition::Equals { key: key.into(), value: value.into() };
    let absent = |key: &str| Precondition::Absent { key: key.into() };
    for (contested, requires) in [
        ("here", vec![absent("free"), absent("here")]),
        ("here", vec![equals("here", "2")]),
        ("gone", vec![equals("here", "1"), equals("gone", "1")]),
    ] {
        let mut batch = put(&[("new", "1"), ("here", "changed")]);
        batch.delete(b"here".to_vec());
        batch.append(append(&log("AUS"), "entry", &["mark"]));
        batch.requires = requires;
        match engine.commit(batch).await {
            Err(StoreError::Conflict { on: Contested::Key(key) }) => assert_eq!(key, contested.as_bytes()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(values(&*engine, &["here", "new", "mark"]).await, [some("1"), None, None]);
    assert!(checked_log(&engine, &log("AUS")).await.is_empty());
    let mut batch = put(&[("here", "2")]);
    batch.requires = vec![equals("here", "1"), absent("new")];
    engine.commit(batch).await.unwrap();
    assert_eq!(values(&*engine, &["here"]).await, [some("2")]);
}

async fn a_failed_log_size_names_the_log_and_leaves_nothing(engine: Arc<dyn Engine>) {
    let expecting = |size: u64| {
        let mut batch = put(&[("key", &size.to_string())]);
        batch.require_log_size(log("AUS"), size);
        batch.append(append(&log("AUS"), &format!("from {size}"), &[]));
        batch
    };
    engine.commit(expecting(0)).await.unwrap();
    for wrong in [0, 2] {
        match engine.commit(expecting(wrong)).await {
            Err(StoreError::Conflict { on: Contested::Log { log: named, expected, size } }) => {
                assert_eq!((named, expected, size), (log("AUS"), wrong, 1));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(values(&*engine, &["key"]).await, [some("0")]);
    engine.commit(expecting(1)).await.unwrap();
    assert_eq!(checked_log(&engine, &log("AUS")).await, ["from 0", "from 1"]);
}

async fn preconditions_see_the_state_before_their_own_batch(engine: Arc<dyn Engine>) {
    let mut batch = put(&[("key", "new")]);
    batch.require_absent(b"key".to_vec());
    batch.require_log_size(log("AUS"), 0);
    batch.append(append(&log("AUS"), "first", &[]));
    engine.commit(batch).await.unwrap();
    assert_eq!(values(&*engine, &["key"]).await, [some("new")]);
}

async fn a_key_deleted_and_put_in_one_batch_is_put(engine: Arc<dyn Engine>) {
    let mut batch = put(&[("key", "stays")]);
    batch.delete(b"key".to_vec());
    engine.commit(batch).await.unwrap();
    assert_eq!(values(&*engine, &["key"]).await, [some("stays")]);
}

async fn of_many_batches_that_want_one_key_exactly_one_wins(engine: Arc<dyn Engine>) {
    let commits = (0..100).map(|number: u32| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let mut batch = put(&[("prize", &number.to_string())]);
            batch.require_absent(b"prize".to_vec());
            batch.append(append(&log("AUS"), &number.to_string(), &[]));
            let committed = engine.commit(batch).await.map(|_| number);
            assert_ne!(values(&*engine, &["prize"]).await, [None], "whoever lost sees that somebody won");
            committed
        })
    });
    let mut winners = Vec::new();
    for commit in commits.collect::<Vec<_>>() {
        match commit.await.unwrap() {
            Ok(number) => winners.push(number.to_string()),
            Err(error) => assert!(error.is_conflict() && error.left_no_trace(), "{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(values(&*engine, &["prize"]).await, [some(&winners[0])]);
    assert_eq!(checked_log(&engine, &log("AUS")).await, winners);
}

async fn batches_that_share_a_flush_are_judged_one_after_the_other(engine: Arc<dyn Engine>) {
    let steps = (0..50u64).map(|step| {
        let mut batch = put(&[("chain", &(step + 1).to_string())]);
        batch.require_unchanged(b"chain".to_vec(), (step > 0).then(|| step.to_string().into_bytes()));
        batch.require_log_size(log("AUS"), step);
        batch.append(append(&log("AUS"), &step.to_string(), &["last"]));
        batch
    });
    // All are handed over before any is awaited, in order, so that they wait in the queue together.
    let commits: Vec<_> = steps.map(|batch| engine.commit(batch)).collect();
    for (step, committed) in futures_in_order(commits).await.into_iter().enumerate() {
        assert_eq!(committed.unwrap().indexes, [step as u64]);
    }
    assert_eq!(values(&*engine, &["chain"]).await, [some("50")]);
    assert_eq!(engine.read(vec![b"last".to_vec()]).await.unwrap(), [Some(49u64.to_be_bytes().to_vec())]);
    assert_eq!(checked_log(&engine, &log("AUS")).await.len(), 50);
}

/// Polls all futures in order, again and again, until all are done.
async fn futures_in_order<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

async fn concurrent_appends_get_contiguous_indexes(engine: Arc<dyn Engine>) {
    let commits = (0..200).map(|number: u64| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let mut batch = Batch::new();
            let (first, second, other) = (format!("{number}/1"), format!("{number}/2"), format!("{number}/other"));
            batch.append(append(&log("AUS"), &first, &[&first]));
            batch.append(append(&log("IDN"), &other, &[&other]));
            batch.append(append(&log("AUS"), &second, &[&second, "latest"]));
            (number, engine.commit(batch).await.unwrap().indexes)
        })
    });
    let mut placed = BTreeMap::new();
    for commit in commits.collect::<Vec<_>>() {
        let (number, indexes) = commit.await.unwrap();
        assert_eq!(indexes[2], indexes[0] + 1, "appends of one batch stay together");
        placed.insert(("AUS", indexes[0]), format!("{number}/1"));
        placed.insert(("IDN", indexes[1]), format!("{number}/other"));
        placed.insert(("AUS", indexes[2]), format!("{number}/2"));
    }
    for name in ["AUS", "IDN"] {
        for (index, entry) in checked_log(&engine, &log(name)).await.into_iter().enumerate() {
            let index = index as u64;
            assert_eq!(placed.remove(&(name, index)).as_ref(), Some(&entry), "the reply named the right index");
            let mark = engine.read(vec![entry.into_bytes()]).await.unwrap();
            assert_eq!(mark, [Some(index.to_be_bytes().to_vec())]);
        }
    }
    assert!(placed.is_empty());
    assert_eq!(engine.read(vec![b"latest".to_vec()]).await.unwrap(), [Some(399u64.to_be_bytes().to_vec())]);
}

async fn indexes_come_in_the_order_of_the_appends(engine: Arc<dyn Engine>) {
    let mut batch = Batch::new();
    for (name, entry) in [("AUS", "a0"), ("IDN", "i0"), ("AUS", "a1"), ("AUS", "a2"), ("IDN", "i1")] {
        batch.append(append(&log(name), entry, &[]));
    }
    assert_eq!(engine.commit(batch).await.unwrap().indexes, [0, 0, 1, 2, 1]);
    assert_eq!(checked_log(&engine, &log("AUS")).await, ["a0", "a1", "a2"]);
    assert_eq!(checked_log(&engine, &log("IDN")).await, ["i0", "i1"]);
    assert_eq!(engine.commit(Batch::new()).await.unwrap().indexes, [0u64; 0]);
}

async fn roots_and_proofs_hold_at_every_size(engine: Arc<dyn Engine>) {
    let logs = Logs::new(engine.clone());
    let aus = log("AUS");
    let mut roots = vec![logs.root(&aus, 0).await.unwrap()];
    for number in 0..33 {
        let mut batch = Batch::new();
        batch.append(append(&aus, &number.to_string(), &[]));
        engine.commit(batch).await.unwrap();
        roots.push(logs.root(&aus, number + 1).await.unwrap());
    }
    let size = 33;
    for index in 0..size {
        let hashes = logs.hashes_for_inclusion(&aus, size, index).await.unwrap();
        let proof = prove_inclusion(size, index, &hashes).unwrap();
        let hash = leaf_hash(&kit::leaf(&index.to_string()));
        check_inclusion(&proof, size, &roots[33], index, &hash).unwrap();
        let hashes = logs.hashes_for_consistency(&aus, index, size).await.unwrap();
        let proof = prove_consistency(index, size, &hashes).unwrap();
        check_consistency(&proof, index, &roots[index as usize], size, &roots[33]).unwrap();
    }
    assert_eq!(roots.iter().collect::<BTreeSet<_>>().len(), 34);
    assert_eq!(logs.root(&aus, 20).await.unwrap(), roots[20], "old sizes keep their root");
}

async fn growth_foretells_the_root_of_the_next_commit(engine: Arc<dyn Engine>) {
    let logs = Logs::new(engine.clone());
    for round in 0..9u64 {
        let mut growth = logs.growth(&log("AUS")).await.unwrap();
        let mut batch = Batch::new();
        batch.require_log_size(log("AUS"), growth.size());
        for number in 0..round {
            let new = append(&log("AUS"), &format!("{round}/{number}"), &[]);
            growth.append(&new.leaf).unwrap();
            batch.append(new);
        }
        engine.commit(batch).await.unwrap();
        assert_eq!(logs.root(&log("AUS"), growth.size()).await.unwrap(), growth.root().unwrap());
    }
}

async fn questions_beyond_the_end_of_a_log_are_refused(engine: Arc<dyn Engine>) {
    let logs = Logs::new(engine.clone());
    let mut batch = Batch::new();
    batch.append(append(&log("AUS"), "only", &[]));
    engine.commit(batch).await.unwrap();
    let beyond = |error| matches!(error, StoreError::BeyondEnd { .. });
    assert!(beyond(logs.root(&log("AUS"), 2).await.unwrap_err()));
    assert!(beyond(logs.hashes_for_inclusion(&log("AUS"), 2, 0).await.unwrap_err()));
    assert!(beyond(logs.hashes_for_inclusion(&log("AUS"), 1, 1).await.unwrap_err()));
    assert!(beyond(logs.hashes_for_consistency(&log("AUS"), 1, 2).await.unwrap_err()));
    assert!(logs.entries(&log("AUS"), 1, 10).await.unwrap().is_empty());
    assert!(logs.entries(&log("AUS"), u64::MAX, 10).await.unwrap().is_empty());
    assert_eq!(logs.size(&log("IDN")).await.unwrap(), 0);
}

async fn scans_page_through_a_prefix_and_stay_inside_it(engine: Arc<dyn Engine>) {
    let mut batch = Batch::new();
    for key in [&b"o"[..], b"p", b"p\x00", b"p\x7f", b"p\xff", b"p\xff\xff", b"q"] {
        batch.put(key.to_vec(), key.to_vec());
    }
    engine.commit(batch).await.unwrap();
    let scan = async |prefix: &[u8], after: Option<&[u8]>, limit| {
        let scan = Scan { prefix: prefix.to_vec(), after: after.map(<[u8]>::to_vec), limit };
        engine.scan(scan).await.unwrap().into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(scan(b"p", None, 3).await, [&b"p"[..], b"p\x00", b"p\x7f"]);
    assert_eq!(scan(b"p", Some(b"p\x7f"), 3).await, [&b"p\xff"[..], b"p\xff\xff"]);
    assert_eq!(scan(b"p", Some(b"p\x01"), 1).await, [b"p\x7f"], "a key that is not there still marks a place");
    assert_eq!(scan(b"p\xff", None, 9).await, [&b"p\xff"[..], b"p\xff\xff"]);
    assert!(scan(b"p", Some(b"p\xff\xff"), 3).await.is_empty());
    assert!(scan(b"p", Some(b"q"), 3).await.is_empty());
    assert_eq!(scan(b"q", Some(b"a"), 3).await, [b"q"], "a place before the prefix is its beginning");
    assert!(scan(b"r", None, 3).await.is_empty());
    assert!(scan(b"p", None, 0).await.is_empty());
}

async fn scans_are_bounded(engine: Arc<dyn Engine>) {
    let mut batch = Batch::new();
    for number in 0..SCAN_MAX as u32 + 1 {
        batch.put([b"n".as_slice(), &number.to_be_bytes()].concat(), Vec::new());
    }
    engine.commit(batch).await.unwrap();
    assert_eq!(engine.scan(Scan::first(b"n".to_vec(), usize::MAX)).await.unwrap().len(), SCAN_MAX);
}

async fn keys_of_the_engine_cannot_be_written(engine: Arc<dyn Engine>) {
    let refused = async |batch| match engine.commit(batch).await {
        Err(error @ StoreError::Refused { .. }) => assert!(error.left_no_trace()),
        other => panic!("{other:?}"),
    };
    refused(put(&[("log/size/selat/audit/AUS", "12345678")])).await;
    refused(put(&[("engine/format", "x")])).await;
    let mut delete = Batch::new();
    delete.delete(b"log/entry/selat/audit/AUS\0\0\0\0\0\0\0\0\0".to_vec());
    refused(delete).await;
    let mut mark = Batch::new();
    mark.append(append(&log("AUS"), "entry", &["log/size/selat/audit/IDN"]));
    refused(mark).await;
    assert!(checked_log(&engine, &log("AUS")).await.is_empty());
}

async fn a_batch_beyond_the_bound_is_refused(engine: Arc<dyn Engine>) {
    let mut batch = put(&[("small", "1")]);
    batch.put(b"large".to_vec(), vec![0; 16 * 1024 * 1024]);
    assert!(matches!(engine.commit(batch).await, Err(StoreError::Refused { .. })));
    assert_eq!(values(&*engine, &["small"]).await, [None]);
    engine.commit(put(&[("after", "1")])).await.unwrap();
}

async fn random_batches_do_what_a_map_would_do(engine: Arc<dyn Engine>) {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let random = Seeded::new(seed);
    let key = || format!("k{:02}", random.below(20)).into_bytes();
    let mut model = BTreeMap::new();
    for _ in 0..300 {
        let mut batch = Batch::new();
        for _ in 0..random.below(3) {
            let key = key();
            let guess = if random.below(2) == 0 { model.get(&key).cloned() } else { Some(vec![1]) };
            batch.require_unchanged(key, guess);
        }
        (0..random.below(3)).for_each(|_| batch.delete(key()));
        (0..random.below(4)).for_each(|_| batch.put(key(), vec![random.below(4) as u8]));
        let holds = batch.requires.iter().all(|required| match required {
            Precondition::Equals { key, value } => model.get(key) == Some(value),
            Precondition::Absent { key } => !model.contains_key(key),
            Precondition::LogSize { .. } => unreachable!("none was added"),
        });
        if holds {
            batch.deletes.iter().for_each(|key| drop(model.remove(key)));
            model.extend(batch.puts.iter().cloned());
        }
        let result = engine.commit(batch).await;
        assert_eq!(result.is_ok(), holds, "{result:?}");
        let rows = engine.scan(Scan::first(b"k".to_vec(), 100)).await.unwrap();
        assert!(rows.iter().map(|(key, value)| (key, value)).eq(&model), "{rows:?} is not {model:?}");
    }
}

async fn after_stop_reads_go_on_and_commits_are_refused(engine: Arc<dyn Engine>) {
    let waiting = tokio::spawn({
        let engine = engine.clone();
        async move { engine.commit(put(&[("before", "1")])).await }
    });
    waiting.await.unwrap().unwrap();
    engine.stop().await.unwrap();
    engine.stop().await.expect("stopping twice does no harm");
    let refused = engine.commit(put(&[("after", "1")])).await.unwrap_err();
    assert!(matches!(refused, StoreError::Stopped));
    assert_eq!(values(&*engine, &["before", "after"]).await, [some("1"), None]);
}

async fn every_fault_leaves_the_engine_as_it_says(engine: Arc<dyn Engine>) {
    for (round, (fault, applied)) in [(Fault::Fails, false), (Fault::FailsAfterApplying, true)].into_iter().enumerate()
    {
        let faulty = FaultEngine::new(engine.clone(), fault, 2);
        let name = |step: u32| format!("{round}/{step}");
        let step = |step: u32| {
            let mut batch = put(&[(&name(step), "put")]);
            batch.append(append(&log("AUS"), &name(step), &[]));
            faulty.commit(batch)
        };
        step(1).await.unwrap();
        let failed = step(2).await.unwrap_err();
        assert!(matches!(failed, StoreError::Unknown(_)) && !failed.left_no_trace());
        step(3).await.unwrap();
        assert_eq!(faulty.commits(), 3);
        let found = values(&*engine, &[&name(1), &name(2), &name(3)]).await;
        assert_eq!(found, [some("put"), applied.then(|| "put".to_owned()), some("put")]);
        let logged = checked_log(&engine, &log("AUS")).await;
        assert_eq!(logged.contains(&name(2)), applied);
        assert!(logged.ends_with(&[name(3)]));
    }
}

#[tokio::test]
async fn sled_after_a_restart_holds_everything_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let all = || Scan::first(Vec::new(), SCAN_MAX);
    let mut before = sled(folder.path()).scan(all()).await.unwrap();
    for round in 0..4u64 {
        let engine = sled(folder.path());
        assert_eq!(engine.scan(all()).await.unwrap(), before);
        for number in 0..20 {
            let name = format!("{round}/{number}");
            let mut batch = put(&[(&name, "value")]);
            batch.delete(format!("{}/{number}", round.wrapping_sub(2)).into_bytes());
            batch.append(append(&log("AUS"), &name, &["mark"]));
            assert_eq!(engine.commit(batch).await.unwrap().indexes, [round * 20 + number]);
        }
        assert_eq!(checked_log(&engine, &log("AUS")).await.len() as u64, (round + 1) * 20);
        before = engine.scan(all()).await.unwrap();
        engine.stop().await.unwrap();
    }
}

#[tokio::test]
async fn sled_opened_a_second_time_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let engine = kit::open(folder.path());
    match SledEngine::open(folder.path(), CACHE).err() {
        Some(StoreError::InUse { path }) => assert_eq!(path, folder.path()),
        other => panic!("{other:?}"),
    }
    engine.commit(put(&[("still", "works")])).await.unwrap();
}

#[test]
fn the_leaf_of_the_suite_is_one_the_ledger_reads() {
    assert!(Leaf::decode(&kit::leaf("x")).is_ok());
}
