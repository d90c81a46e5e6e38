//! Steady work for a federation of processes: records put and released, peers asked, over each node's own desk socket.
//!
//! Promise: every call is counted with how it ended; a call that failed, a release that was refused and a peer that did not
//! answer are kept word for word. Each node has one writer and one asker, each with one call under way at a time and at a steady
//! pace: well below what a small machine can do, because a node that has no time left says so, and rightly. Leaves out what
//! the records say: they are made up.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use selat_interop::draft_from_json;
use selat_node::clock::{Clock as _, SystemClock};
use selat_record::pb;
use selat_wire::desk::desk_client::DeskClient;
use selat_wire::desk::search_event::Event;
use selat_wire::desk::{PeerOutcomeKind, PutRecordRequest, Reason, SearchRequest};
use serde_json::json;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::{Node, person};

/// A call that takes longer has failed.
const CALL_MAX: Duration = Duration::from_secs(20);
/// Between the beginnings of two puts at one node.
const PUT_EVERY: Duration = Duration::from_millis(200);
/// Between the beginnings of two searches at one node.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Work that goes on until it is stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    puts: Arc<AtomicU64>,
    searches: Arc<AtomicU64>,
    workers: Vec<JoinHandle<Account>>,
    clock: SystemClock,
}

/// What the work came to.
#[derive(Debug, Default)]
pub struct Account {
    /// Records put and acknowledged, by originator.
    pub puts: Vec<(String, u64)>,
    /// Releases of these records to peers.
    pub releases: u64,
    /// Federated searches that came to their end.
    pub searches: u64,
    /// Answers of single peers in them.
    pub answers: u64,
    /// Every call, release or answer that did not go as it should, word for word.
    pub faults: Vec<String>,
    /// How long the work went on.
    pub lasted: Duration,
}

impl Load {
    /// Puts every node of `nodes` to work; each of them has all the others as peers.
    pub fn on(nodes: &[&Node]) -> Self {
        let load = Self {
            stop: Arc::default(),
            puts: Arc::default(),
            searches: Arc::default(),
            workers: Vec::new(),
            clock: SystemClock::start(),
        };
        let peers = nodes.len() - 1;
        let workers = nodes.iter().map(|node| {
            let worker = Worker {
                name: node.name.to_owned(),
                socket: node.socket(),
                peers,
                stop: load.stop.clone(),
                puts: load.puts.clone(),
                searches: load.searches.clone(),
            };
            std::thread::spawn(move || worker.run())
        });
        Self { workers: workers.collect(), ..load }
    }

    /// How many records have been put and how many searches have ended so far.
    pub fn done(&self) -> (u64, u64) {
        (self.puts.load(Ordering::Relaxed), self.searches.load(Ordering::Relaxed))
    }

    /// Ends the work and gives the account of it.
    pub fn end(self) -> Account {
        self.stop.store(true, Ordering::Relaxed);
        let mut whole = Account::default();
        for worker in self.workers {
            let part = worker.join().expect("a worker keeps its faults and does not panic");
            whole.puts.extend(part.puts);
            whole.releases += part.releases;
            whole.searches += part.searches;
            whole.answers += part.answers;
            whole.faults.extend(part.faults);
        }
        Account { lasted: Duration::from_millis(self.clock.monotonic_ms()), ..whole }
    }
}

/// The two officers at one node.
struct Worker {
    name: String,
    socket: PathBuf,
    peers: usize,
    stop: Arc<AtomicBool>,
    puts: Arc<AtomicU64>,
    searches: Arc<AtomicU64>,
}

impl Worker {
    fn run(self) -> Account {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("the system has a thread's worth of timers and sockets");
        runtime.block_on(async {
            let desk = match self.desk().await {
                Ok(desk) => desk,
                Err(fault) => return Account { faults: vec![format!("{}: {fault}", self.name)], ..Account::default() },
            };
            let (wrote, asked) = tokio::join!(self.write(desk.clone()), self.ask(desk));
            let faults = wrote.faults.into_iter().chain(asked.faults).collect();
            Account { searches: asked.searches, answers: asked.answers, faults, ..wrote }
        })
    }

    async fn desk(&self) -> Result<DeskClient<Channel>, tonic::transport::Error> {
        let socket = self.socket.clone();
        let connector = tower::service_fn(move |_: Uri| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        // The URI only fills the authority of the requests.
        let endpoint = Endpoint::from_static("http://desk").timeout(CALL_MAX);
        Ok(DeskClient::new(endpoint.connect_with_connector(connector).await?))
    }

    async fn write(&self, mut desk: DeskClient<Channel>) -> Account {
        let mut account = Account::default();
        let mut put = 0;
        let mut pace = Pace::every(PUT_EVERY);
        while !self.stop.load(Ordering::Relaxed) {
            pace.next().await;
            let draft = draft_from_json(&person(&format!("Loaded {} {put}", self.name), json!("all")));
            let draft = draft.expect("the kit's own draft is in order");
            let request = PutRecordRequest { reason: reason(), draft: Some(draft), valid_days: 0 };
            match desk.put_record(request).await {
                Ok(receipt) => {
                    put += 1;
                    self.puts.fetch_add(1, Ordering::Relaxed);
                    let (released, refused): (Vec<_>, Vec<_>) =
                        receipt.into_inner().releases.into_iter().partition(|outcome| outcome.released);
                    account.releases += released.len() as u64;
                    let told = |outcome: selat_wire::desk::ReleaseOutcome| {
                        format!("{} did not release to {}: {} {}", self.name, outcome.peer, outcome.rule, outcome.why)
                    };
                    account.faults.extend(refused.into_iter().map(told));
                }
                Err(status) => account.faults.push(format!("put at {}: {status}", self.name)),
            }
        }
        account.puts.push((self.name.clone(), put));
        account
    }

    async fn ask(&self, mut desk: DeskClient<Channel>) -> Account {
        let mut account = Account::default();
        let mut pace = Pace::every(ASK_EVERY);
        while !self.stop.load(Ordering::Relaxed) {
            pace.next().await;
            let find = pb::Find { name: "Loaded".into(), limit: 5, ..pb::Find::default() };
            let request = SearchRequest { reason: reason(), find: Some(find), ..SearchRequest::default() };
            if let Err(fault) = self.ask_once(&mut desk, request, &mut account).await {
                account.faults.push(format!("search at {}: {fault}", self.name));
            }
        }
        account
    }

    async fn ask_once(
        &self,
        desk: &mut DeskClient<Channel>,
        request: SearchRequest,
        account: &mut Account,
    ) -> Result<(), tonic::Status> {
        let mut events = desk.search(request).await?.into_inner();
        let mut answered = 0;
        while let Some(event) = events.message().await? {
            match event.event {
                Some(Event::Outcome(outcome)) => match outcome.kind() {
                    PeerOutcomeKind::Hit | PeerOutcomeKind::NoHit => answered += 1,
                    other => {
                        let told = format!("{} to {}: {other:?}: {}", outcome.peer, self.name, outcome.detail);
                        account.faults.push(told);
                    }
                },
                Some(Event::Summary(_)) | None => {}
            }
        }
        account.answers += answered as u64;
        account.searches += 1;
        self.searches.fetch_add(1, Ordering::Relaxed);
        if answered != self.peers {
            account.faults.push(format!("{} was answered by {answered} of {} peers", self.name, self.peers));
        }
        Ok(())
    }
}

/// A steady pace. Whoever is late goes on at once and does not catch up.
struct Pace {
    clock: SystemClock,
    period: Duration,
}

impl Pace {
    fn every(period: Duration) -> Self {
        Self { clock: SystemClock::start(), period }
    }

    async fn next(&mut self) {
        let gone = Duration::from_millis(self.clock.monotonic_ms());
        self.clock.sleep(self.period.saturating_sub(gone)).await;
        self.clock = SystemClock::start();
    }
}

fn reason() -> Option<Reason> {
    Some(Reason { purpose: pb::Purpose::LawEnforcement.into(), case_reference: "LOAD-1".into() })
}
