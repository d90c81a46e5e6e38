//! The scene: a victim and an honest peer as whole nodes, and the rogue whom the victim approved.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use selat_exchange::{CutOff, Ending, Exchange, Held, PeerOutcome, PeerStatus, Search, SearchEvent};
use selat_node::clock::{Clock as _, OsEntropy, SystemClock};
use selat_node::config::{CallerKey, CallerRule, Config, ContactConfig, ExchangeConfig, KeysConfig};
use selat_node::init::{InitRequest, init};
use selat_node::officer::current_uid;
use selat_node::running::{Running, Surroundings};
use selat_policy::Role;
use selat_record::pb::{self, record::Body};
use selat_record::{Draft, FederationId, ParticipantId, RecordId};
use selat_rehearsal::federation::{officer, operator, reason};
use selat_seal::{AcceptedDescriptor, Entropy, SafetyPhrase};
use tempfile::TempDir;

use super::{Rogue, TurnedClock, log};

/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(10);
/// Longer than any suite turns the clock.
const NEVER: Duration = Duration::from_secs(365 * 86_400);
/// Looks after which what is waited for will not come.
const LOOKS_MAX: u32 = 2500;

/// Three participants, one of them malicious.
pub struct Stage {
    /// Everybody's clock.
    pub clock: Arc<TurnedClock>,
    /// The malicious one; the victim has approved it.
    pub rogue: Arc<Rogue>,
    victim: Node,
    honest: Node,
    made: AtomicU32,
    _folder: TempDir,
}

struct Node {
    config: Config,
    /// Set but while it is restarted.
    running: Option<Running>,
}

impl Stage {
    /// Sets the scene, with the exchange of both nodes configured as `change` says.
    pub async fn set(change: impl Fn(&mut ExchangeConfig)) -> Self {
        let stage = Self::set_before_approval(change).await;
        stage.approve_rogue().await;
        // The listener hears of an approval a moment after the book.
        eventually("the victim lets the rogue in", async || stage.rogue.knock().await.ok()).await;
        stage
    }

    /// The same, with the rogue known to nobody yet.
    pub async fn set_before_approval(change: impl Fn(&mut ExchangeConfig)) -> Self {
        static STAGES: AtomicU32 = AtomicU32::new(0);
        log::keep();
        let folder = TempDir::new().expect("the machine has room for a folder");
        let clock = Arc::new(TurnedClock::start());
        let victim = Node::start(folder.path(), "AUS", &clock, &change).await;
        let honest = Node::start(folder.path(), "IDN", &clock, &change).await;
        onboard(&victim, &honest.exchange().descriptor()).await;
        onboard(&honest, &victim.exchange().descriptor()).await;
        let name = format!("ROGUE{}", STAGES.fetch_add(1, Ordering::SeqCst));
        let config = make(folder.path(), &name);
        let (victims, honests) = (victim.exchange().descriptor(), honest.exchange().descriptor());
        let rogue = Arc::new(Rogue::take_over(&config, &victims, &honests, clock.clone()));
        Self { clock, rogue, victim, honest, made: AtomicU32::new(0), _folder: folder }
    }

    /// The victim takes in the rogue's descriptor and approves it by the phrase.
    pub async fn approve_rogue(&self) {
        onboard(&self.victim, &self.rogue.descriptor).await;
    }

    /// The honest peer does so too.
    pub async fn approve_rogue_by_honest(&self) {
        onboard(&self.honest, &self.rogue.descriptor).await;
    }

    /// The victim's use-cases.
    pub fn victim(&self) -> &Arc<Exchange> {
        self.victim.exchange()
    }

    /// The honest peer's use-cases.
    pub fn honest(&self) -> &Arc<Exchange> {
        self.honest.exchange()
    }

    /// Where the victim listens for peers.
    pub fn victim_address(&self) -> SocketAddr {
        self.victim.running().peer_address()
    }

    /// Where the victim's officers come in.
    pub fn victim_socket(&self) -> PathBuf {
        self.victim.config.desk.socket.clone()
    }

    /// The rogue's line on the victim's status screen.
    pub async fn rogue_status(&self) -> PeerStatus {
        let status = self.victim().status(&operator()).await.expect("the operator may see the status");
        let mut peers = status.peers.into_iter();
        peers.find(|peer| peer.entry.row.participant == self.rogue.participant).expect("the victim knows the rogue")
    }

    /// Waits until the rogue is cut off for something that has to do with `why`, and is named with it in the log.
    pub async fn cut_off_for(&self, why: &str) -> CutOff {
        let cut_off = eventually(&format!("cut off for {why:?}"), async || {
            self.rogue_status().await.cut_off.filter(|cut_off| cut_off.reason.contains(why))
        })
        .await;
        self.named_in_log(why);
        cut_off
    }

    /// The log names the rogue together with `why`.
    pub fn named_in_log(&self, why: &str) {
        assert!(self.times_in_log(why) > 0, "the log does not name {} with {why:?}", self.rogue.participant);
    }

    /// How often the log names the rogue together with `why`.
    pub fn times_in_log(&self, why: &str) -> usize {
        log::lines_with(&[self.rogue.participant.as_str(), why]).len()
    }

    /// Waits until the status says that following the rogue last failed for `why`.
    pub async fn following_failed_for(&self, why: &str) {
        eventually(&format!("following fails for {why:?}"), async || {
            let error = self.rogue_status().await.following.last_error;
            error.filter(|(error, _)| error.contains(why))
        })
        .await;
    }

    /// A new record of the honest peer arrives at the victim, and the victim answers the honest peer's question.
    pub async fn others_go_on(&self) {
        let title = format!("honest {}", self.made.fetch_add(1, Ordering::SeqCst));
        let record = put(self.honest(), &title).await;
        eventually("the honest peer's new record", async || held(self.victim(), record).await).await;
        // Busy is an answer of a machine that builds and tests at once; in the end it is one to the question.
        eventually("the victim's answer to the honest peer", async || {
            let victim = vec![self.victim().participant().clone()];
            let outcomes = ask(self.honest(), victim, "nobody at all", Duration::from_secs(20)).await;
            outcomes.into_iter().find(|outcome| matches!(outcome.ending, Ending::Answered { .. }))
        })
        .await;
    }

    /// The end: nothing panicked, and the nodes stop in order.
    pub async fn strike(mut self) {
        assert_eq!(log::panics(), Vec::<String>::new(), "something panicked");
        tokio::join!(self.victim.stop(), self.honest.stop());
    }

    /// The victim stops, and starts again on what it had made durable.
    pub async fn restart_victim(&mut self) {
        self.victim.stop().await;
        self.victim.running = Some(run(&self.victim.config, &self.clock).await);
    }
}

impl Node {
    async fn start(
        folder: &Path,
        participant: &str,
        clock: &Arc<TurnedClock>,
        change: &impl Fn(&mut ExchangeConfig),
    ) -> Self {
        let mut config = make(folder, participant);
        // The clock is turned by hours: an honest hello that is under way just then would be taken for one too slow.
        config.watch.refresh = Some(NEVER);
        change(&mut config.exchange);
        let running = Some(run(&config, clock).await);
        Self { config, running }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("a node is down only while it is restarted")
    }

    fn exchange(&self) -> &Arc<Exchange> {
        self.running().exchange()
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await.expect("a node stops in order");
        }
    }
}

/// Looks until there is something to see; only the pauses count, so that a slow machine gets more time.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let clock = SystemClock::start();
    for _ in 0..LOOKS_MAX {
        if let Some(seen) = look().await {
            return seen;
        }
        clock.sleep(LOOK).await;
    }
    panic!("waited in vain: {what}");
}

/// Puts a bulletin for everybody on a node.
pub async fn put(exchange: &Arc<Exchange>, title: &str) -> RecordId {
    let bulletin = pb::Bulletin {
        kind: pb::BulletinKind::Warning.into(),
        title: title.to_owned(),
        text: "Look at the serifs.".into(),
        ..Default::default()
    };
    let record = pb::Record { body: Some(Body::Bulletin(bulletin)), ..conditions() };
    let draft = Draft::check(record).expect("the draft is good");
    let receipt = exchange.put(&officer(), &reason(), draft, 0).await.expect("the node takes it");
    receipt.record
}

/// The record as a node holds it.
pub async fn held(exchange: &Exchange, record: RecordId) -> Option<Held> {
    exchange.get(&officer(), &reason(), record, 0).await.ok()
}

/// Asks peers of a node for a name; all of them, if none is named.
pub async fn ask(
    exchange: &Arc<Exchange>,
    peers: Vec<ParticipantId>,
    name: &str,
    deadline: Duration,
) -> Vec<PeerOutcome> {
    let find = pb::Find { name: name.to_owned(), limit: 5, ..Default::default() };
    let search = Search { find, peers, fetch: false, deadline, include_own: false };
    let mut events = exchange.search(&officer(), &reason(), search).await.expect("the officer may ask");
    let mut outcomes = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            SearchEvent::Outcome(outcome) => outcomes.push(outcome),
            SearchEvent::Done(_) => break,
        }
    }
    outcomes
}

/// Evaluation, handling and legal basis of every record in these suites: all may have it.
pub(crate) fn conditions() -> pb::Record {
    pb::Record {
        evaluation: Some(pb::Evaluation {
            scheme: pb::EvaluationScheme::Admiralty.into(),
            reliability: "B".into(),
            credibility: "2".into(),
        }),
        handling: Some(pb::Handling {
            releasable_to: Some(pb::Audience { kind: pb::AudienceKind::All.into(), participants: Vec::new() }),
            purposes: vec![pb::Purpose::LawEnforcement.into()],
            onward: pb::Onward::None.into(),
            tlp: pb::Tlp::Amber.into(),
            sensitivity: 1,
            ..Default::default()
        }),
        legal_basis: "Smuggling Protocol Art. 10".into(),
        ..Default::default()
    }
}

async fn run(config: &Config, clock: &Arc<TurnedClock>) -> Running {
    let surroundings = Surroundings { clock: clock.clone(), entropy: Arc::new(OsEntropy) };
    Running::start(config, surroundings).await.expect("the node starts")
}

async fn onboard(node: &Node, peer: &AcceptedDescriptor) {
    let exchange = node.exchange();
    exchange.join(&operator(), peer.clone()).await.expect("the descriptor is good");
    let phrase = SafetyPhrase::between(&exchange.descriptor().content_id(), &peer.content_id());
    let words: Vec<_> = phrase.words().iter().map(|word| (*word).to_owned()).collect();
    exchange.approve(&operator(), peer.participant(), &words, "telephone").await.expect("the words are right");
}

/// A node's folder and configuration, as an operator makes it.
fn make(folder: &Path, participant: &str) -> Config {
    let participant: ParticipantId = participant.parse().expect("the suites name participants well");
    let federation: FederationId = "hostile".parse().expect("it is a label");
    // Nobody else is likely to take the port in the moment between this and the node's start.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let listen: SocketAddr = free.expect("the machine has a free port");
    let request = InitRequest {
        dir: folder.join(participant.to_label()),
        unit: format!("Unit of {participant}"),
        participant,
        federation,
        node: "node1".into(),
        listen,
        advertise_host: Ipv4Addr::LOCALHOST.to_string(),
        advertise_port: None,
        contact: ContactConfig {
            title: "Duty desk".into(),
            phone: "+000 000 000".into(),
            email: String::new(),
            languages: vec!["en".into()],
            hours: "24/7".into(),
        },
        desk_socket: None,
        desk_group: None,
        desk_listen: None,
        caller: CallerRule {
            who: CallerKey::Uid(current_uid()),
            officer: "demo".parse().expect("it is an officer id"),
            roles: vec![Role::Officer, Role::Operator],
        },
        root_keys: 1,
        root_threshold: 1,
        may_be_named: true,
        keys: KeysConfig::default(),
        passphrase: None,
        root_passphrase: None,
    };
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let report = init(&request, SystemClock::start().now(), &entropy).expect("the folder is new");
    Config::load(&report.config).expect("init writes good configurations")
}
