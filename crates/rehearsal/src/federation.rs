//! N nodes, each made by `init` in a folder of its own, started in this process, onboarded by phrase, joined over real
//! mutual TLS on loopback.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use selat_exchange::{Actor, Exchange, ExchangeError, Reason};
use selat_node::config::{CallerKey, CallerRule, Config, ConfigFaults, ContactConfig, KeysConfig};
use selat_node::init::{InitError, InitRequest, init};
use selat_node::officer::current_uid;
use selat_node::running::{Running, StartError, StopError, Surroundings};
use selat_policy::Role;
use selat_record::pb::Purpose;
use selat_record::{FederationId, ParticipantId};

/// How often a federation looks whether everything has arrived.
const LOOK: Duration = Duration::from_millis(20);
/// After this long without everything having arrived, something is wrong.
const SETTLE_MAX: Duration = Duration::from_secs(120);

/// Why a rehearsal did not come about.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// Folder or port.
    #[error("the machine refused: {0}")]
    Machine(#[from] std::io::Error),
    /// A node could not be made.
    #[error("a node cannot be made")]
    Init(#[from] InitError),
    /// Its configuration does not hold.
    #[error("a configuration does not hold")]
    Config(#[from] ConfigFaults),
    /// A node did not start.
    #[error("a node did not start")]
    Start(#[from] StartError),
    /// A node did not stop in order.
    #[error("a node did not stop in order")]
    Stop(#[from] StopError),
    /// A use-case failed.
    #[error("a use-case failed")]
    Exchange(#[from] ExchangeError),
    /// A name is not one.
    #[error("{0}")]
    Name(#[from] selat_record::Faults),
    /// There is no such member, or it is down.
    #[error("{0} is not running")]
    NotRunning(ParticipantId),
    /// Records did not arrive.
    #[error("not everything arrived within {} s", SETTLE_MAX.as_secs())]
    Unsettled,
}

/// One participant's node.
pub struct Member {
    /// Its folder, as `init` made it.
    pub dir: PathBuf,
    /// Its configuration.
    pub config: Config,
    running: Option<Running>,
}

/// The nodes by participant.
pub struct Federation {
    members: BTreeMap<ParticipantId, Member>,
    surroundings: Surroundings,
}

impl Federation {
    /// Makes and starts a node for each participant, in folders below `dir`. They do not know each other yet.
    pub async fn found(
        dir: &Path,
        federation: &FederationId,
        participants: &[ParticipantId],
        surroundings: Surroundings,
    ) -> Result<Self, RehearsalError> {
        let mut members = BTreeMap::new();
        for participant in participants {
            let dir = dir.join(participant.to_label());
            let config = make(&dir, federation, participant, &surroundings)?;
            members.insert(participant.clone(), Member { dir, config, running: None });
        }
        let mut federation = Self { members, surroundings };
        for participant in participants {
            federation.start(participant).await?;
        }
        Ok(federation)
    }

    /// Starts the node of a member that is down.
    pub async fn start(&mut self, participant: &ParticipantId) -> Result<(), RehearsalError> {
        let surroundings = self.surroundings.clone();
        let member = self.members.get_mut(participant);
        let member = member.ok_or_else(|| RehearsalError::NotRunning(participant.clone()))?;
        if member.running.is_none() {
            member.running = Some(Running::start(&member.config, surroundings).await?);
        }
        Ok(())
    }

    /// Stops the node of a member in order.
    pub async fn stop(&mut self, participant: &ParticipantId) -> Result<(), RehearsalError> {
        let running = self.members.get_mut(participant).and_then(|member| member.running.take());
        match running {
            Some(running) => Ok(running.stop().await?),
            None => Ok(()),
        }
    }

    /// Stops every node in order.
    pub async fn stop_all(&mut self) -> Result<(), RehearsalError> {
        for participant in self.participants() {
            self.stop(&participant).await?;
        }
        Ok(())
    }

    /// Everybody, running or not.
    pub fn participants(&self) -> Vec<ParticipantId> {
        self.members.keys().cloned().collect()
    }

    /// A member's folder and configuration.
    pub fn member(&self, participant: &ParticipantId) -> Option<&Member> {
        self.members.get(participant)
    }

    /// A member's node.
    pub fn node(&self, participant: &ParticipantId) -> Result<&Running, RehearsalError> {
        let running = self.members.get(participant).and_then(|member| member.running.as_ref());
        running.ok_or_else(|| RehearsalError::NotRunning(participant.clone()))
    }

    /// A member's use-cases.
    pub fn exchange(&self, participant: &ParticipantId) -> Result<&Arc<Exchange>, RehearsalError> {
        Ok(self.node(participant)?.exchange())
    }

    /// Onboards each pair: descriptor files, phrase, approval on both sides.
    pub async fn onboard_all(&self) -> Result<(), RehearsalError> {
        let everybody = self.participants();
        for (n, one) in everybody.iter().enumerate() {
            for other in everybody.iter().skip(n + 1) {
                self.onboard(one, other).await?;
            }
        }
        Ok(())
    }

    /// Onboards one pair.
    pub async fn onboard(&self, one: &ParticipantId, other: &ParticipantId) -> Result<(), RehearsalError> {
        self.join(one, other).await?;
        self.join(other, one).await?;
        self.approve(one, other).await?;
        self.approve(other, one).await
    }

    /// `one` takes in the descriptor file of `other`.
    pub async fn join(&self, one: &ParticipantId, other: &ParticipantId) -> Result<(), RehearsalError> {
        let invitation = self.exchange(other)?.invite(&operator()).await?;
        let exchange = self.exchange(one)?;
        let invitation = exchange.read_invitation(&invitation)?;
        exchange.accept_invitation(&operator(), invitation).await?;
        Ok(())
    }

    /// `one` approves `other` after hearing the phrase that `other` reads out.
    pub async fn approve(&self, one: &ParticipantId, other: &ParticipantId) -> Result<(), RehearsalError> {
        let heard = self.exchange(other)?.fingerprint(&operator(), one)?;
        let words: Vec<_> = heard.words().iter().map(|word| (*word).to_owned()).collect();
        self.exchange(one)?.approve(&operator(), other, &words, "rehearsal").await?;
        Ok(())
    }

    /// Waits until every running node holds all that every other running node has logged for it.
    pub async fn settled(&self) -> Result<(), RehearsalError> {
        let clock = &self.surroundings.clock;
        let started_ms = clock.monotonic_ms();
        while self.due().await? > 0 {
            let waited = Duration::from_millis(clock.monotonic_ms().saturating_sub(started_ms));
            if waited > SETTLE_MAX {
                return Err(RehearsalError::Unsettled);
            }
            clock.sleep(LOOK).await;
        }
        Ok(())
    }

    /// Log entries that are made but not yet held by their recipients.
    pub async fn due(&self) -> Result<u64, RehearsalError> {
        let (made, held) = self.progress().await?;
        Ok(made.saturating_sub(held))
    }

    /// Log entries made between running nodes, and how many of them their recipients hold.
    pub async fn progress(&self) -> Result<(u64, u64), RehearsalError> {
        let running: Vec<_> = self.members.iter().filter(|(_, member)| member.running.is_some()).collect();
        let (mut made, mut held) = (0, 0);
        for (from, _) in &running {
            for (to, _) in running.iter().filter(|(to, _)| to != from) {
                made += self.exchange(from)?.release_log_size(to).await?;
                held += self.exchange(to)?.held_of(from).await?;
            }
        }
        Ok((made, held))
    }
}

/// The operator of every node in a rehearsal.
pub fn operator() -> Actor {
    actor("operator", Role::Operator)
}

/// The officer of every node in a rehearsal.
pub fn officer() -> Actor {
    actor("officer", Role::Officer)
}

fn actor(name: &str, role: Role) -> Actor {
    Actor { officer: name.parse().expect("a lower-case word is an officer id"), roles: vec![role] }
}

/// Why an officer in a rehearsal does what he or she does.
pub fn reason() -> Reason {
    Reason::new(Purpose::LawEnforcement.into(), "REHEARSAL-1").expect("purpose and case are given")
}

fn make(
    dir: &Path,
    federation: &FederationId,
    participant: &ParticipantId,
    surroundings: &Surroundings,
) -> Result<Config, RehearsalError> {
    // Nobody else is likely to take a port in the moment between this and the node's start.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let caller = CallerRule {
        who: CallerKey::Uid(current_uid()),
        officer: "demo".parse()?,
        roles: vec![Role::Officer, Role::Operator],
    };
    let request = InitRequest {
        dir: dir.to_owned(),
        participant: participant.clone(),
        federation: federation.clone(),
        unit: format!("Immigration Intelligence Unit of {participant}"),
        node: "node1".into(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        advertise_host: Ipv4Addr::LOCALHOST.to_string(),
        advertise_port: None,
        contact: ContactConfig {
            title: "Duty desk (made up)".into(),
            phone: "+000 000 000".into(),
            email: format!("desk@{}.example", participant.to_label()),
            languages: vec!["en".into()],
            hours: "24/7".into(),
        },
        desk_socket: None,
        desk_group: None,
        desk_listen: None,
        caller,
        root_keys: 3,
        root_threshold: 2,
        may_be_named: true,
        keys: KeysConfig::default(),
        passphrase: None,
        root_passphrase: None,
    };
    let report = init(&request, surroundings.clock.now(), &surroundings.entropy)?;
    Ok(Config::load(&report.config)?)
}
