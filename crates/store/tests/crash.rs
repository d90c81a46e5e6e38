//! Kills a process that writes, again and again, and looks whether what it was told is durable is there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a suite fails by panicking")]

mod kit;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use kit::{Seeded, append, checked_log, log};
use selat_store::{Batch, Engine, Scan};

/// Where the child finds the store, and which round it is.
const FOLDER: &str = "SELAT_CRASH_FOLDER";
const ROUND: &str = "SELAT_CRASH_ROUND";

const ROUNDS: u32 = 12;
const WRITERS: u32 = 8;

#[tokio::test]
async fn every_acknowledged_commit_survives_kill_9() {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let random = Seeded::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for round in 0..ROUNDS {
        let kill_after = 1 + random.below(400) as usize;
        let told = run_and_kill(folder.path(), round, kill_after);
        println!("round {round}: killed after {kill_after} of {} acknowledgements", told.len());
        acknowledged.extend(told);
        check_store(folder.path(), &acknowledged).await;
    }
}

/// Starts a child, kills it once it has acknowledged so many commits, and returns all that it acknowledged before its end:
/// names and log indexes.
fn run_and_kill(folder: &Path, round: u32, kill_after: usize) -> Vec<(String, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "writer_that_gets_killed", "--nocapture"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The pipe goes on to the end of what the child said, so that late acknowledgements count too.
        let Some((name, index)) = parse_ack(&line.unwrap()) else { continue };
        told.push((name, index));
        if told.len() == kill_after {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(!status.success() && told.len() >= kill_after, "the child ended by itself: {status}");
    told
}

fn parse_ack(line: &str) -> Option<(String, u64)> {
    // A line that was cut off by the kill has no end mark, and was not told to anybody.
    let (name, index) = line.split_once("ack ")?.1.strip_suffix(" .")?.split_once(' ')?;
    Some((name.to_owned(), index.parse().ok()?))
}

/// Everything acknowledged is there, at its index; every batch is there as a whole or not at all.
async fn check_store(folder: &Path, acknowledged: &BTreeMap<String, u64>) {
    let engine: Arc<dyn Engine> = Arc::new(kit::open(folder));
    let logged = checked_log(&engine, &log("AUS")).await;
    for (name, index) in acknowledged {
        assert_eq!(logged.get(*index as usize), Some(name), "an acknowledged entry is lost");
    }
    for (index, name) in logged.iter().enumerate() {
        let keys = vec![format!("value/{name}").into_bytes(), format!("mark/{name}").into_bytes()];
        let found = engine.read(keys).await.unwrap();
        let mark = (index as u64).to_be_bytes().to_vec();
        assert_eq!(found, [Some(value_of(name)), Some(mark)], "a batch is there in part");
    }
    let mut after = None;
    let mut count = 0;
    loop {
        let page = engine.scan(Scan { prefix: b"value/".to_vec(), after, limit: 1000 }).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        count += page.len();
    }
    assert_eq!(count, logged.len(), "a batch is there in part");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child process of the test above"]
async fn writer_that_gets_killed() {
    let folder = std::env::var_os(FOLDER).expect("started by the test above");
    let round = std::env::var(ROUND).expect("started by the test above");
    let engine = Arc::new(kit::open(Path::new(&folder)));
    let writers = (0..WRITERS).map(|writer| {
        let (engine, round) = (engine.clone(), round.clone());
        tokio::spawn(async move {
            for number in 0u64.. {
                let name = format!("{round}/{writer}/{number}");
                let mut batch = Batch::new();
                batch.require_absent(format!("value/{name}").into_bytes());
                batch.put(format!("value/{name}").into_bytes(), value_of(&name));
                batch.append(append(&log("AUS"), &name, &[&format!("mark/{name}")]));
                let index = engine.commit(batch).await.unwrap().indexes[0];
                let mut out = std::io::stdout().lock();
                writeln!(out, "\nack {name} {index} .").and_then(|()| out.flush()).unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

/// Values of many sizes, so that they fall on all kinds of places in sled's segments.
fn value_of(name: &str) -> Vec<u8> {
    let number: usize = name.rsplit('/').next().unwrap().parse().unwrap();
    name.bytes().cycle().take(number * 37 % 5000).collect()
}
