//! One participant with its peers, without a network: its chain, the keys that it holds, what each peer holds and has told,
//! and a clock that moves when it is told to.

use std::collections::BTreeMap;
use std::time::Duration;

use selat_record::pb::{self, KeyPurpose, KeyStatus};
use selat_record::{ParticipantId, Timestamp};
use selat_seal::descriptor::{describe_authority, describe_key, sign_with_roots};
use selat_seal::succession::{
    Deed, Goal, History, Plan, PlanError, Readiness, Situation, StepState, check_timely, next_descriptor, plan,
    signing_key,
};
use selat_seal::{AcceptedDescriptor, HeldKey, KeyId, PublicKey, SealError, SecretKey};

use crate::kit::{CREATED_MS, HOUR_MS, Party, moment, participant, uuid_v7};

pub const HOUR: Duration = Duration::from_secs(3600);
pub const OVERLAP: Duration = Duration::from_secs(24 * 3600);
pub const GRACE: Duration = Duration::from_secs(24 * 3600);
pub const WORKING: [KeyPurpose; 4] = [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa];

#[derive(Clone)]
pub struct World {
    pub now: Timestamp,
    /// Each version with the moment at which it was published.
    pub chain: Vec<(AcceptedDescriptor, Timestamp)>,
    pub held: Vec<HeldKey>,
    pub peers: BTreeMap<ParticipantId, u64>,
    pub doubtful: u64,
    made: u8,
    publics: BTreeMap<KeyId, PublicKey>,
}

impl World {
    /// AUS an hour after it began, with two peers that hold its first descriptor.
    pub fn new() -> Self {
        let first = Party::aus().accepted(|_| {});
        let held = WORKING.map(|purpose| HeldKey { id: Party::aus().key(purpose).id(), purpose });
        Self {
            now: moment(CREATED_MS + HOUR_MS),
            chain: vec![(first, moment(CREATED_MS))],
            held: held.to_vec(),
            peers: ["IDN", "MYS"].map(|code| (participant(code), 1)).into(),
            doubtful: 0,
            made: 0,
            publics: BTreeMap::new(),
        }
    }

    pub fn own(&self) -> &AcceptedDescriptor {
        &self.chain.last().unwrap().0
    }

    pub fn history(&self) -> History {
        History::of(self.chain.iter().map(|(version, taken_in)| (version, *taken_in)))
    }

    pub fn readiness(&self) -> Vec<Readiness> {
        let line = |(participant, acknowledged): (&ParticipantId, &u64)| Readiness {
            participant: participant.clone(),
            acknowledged: *acknowledged,
            acknowledged_at: Some(self.now),
            refreshed: Some(self.now),
        };
        self.peers.iter().map(line).collect()
    }

    pub fn plan(&self, goal: Goal) -> Result<Plan, PlanError> {
        let (history, peers) = (self.history(), self.readiness());
        let situation = Situation {
            own: self.own(),
            history: &history,
            held: &self.held,
            peers: &peers,
            overlap: OVERLAP,
            grace: GRACE,
            doubtful: self.doubtful,
            now: self.now,
        };
        plan(&goal, &situation)
    }

    /// The steps of a plan, shortly: "generate done, announce due".
    pub fn steps(&self, goal: Goal) -> String {
        let word = |state: &StepState| match state {
            StepState::Done => "done",
            StepState::Due => "due",
            StepState::Waiting(_) => "waiting",
            StepState::Later => "later",
        };
        let plan = self.plan(goal).unwrap();
        let steps = plan.steps.iter().map(|step| format!("{} {}", deed_word(&step.deed), word(&step.state)));
        steps.collect::<Vec<_>>().join(", ")
    }

    /// Does all that is due for the goal, planning again after each deed, as applying does.
    pub fn apply(&mut self, goal: Goal) -> Vec<&'static str> {
        let mut done = Vec::new();
        for _ in 0..20 {
            let plan = self.plan(goal).unwrap();
            // The end of a turn is not the beginning of the next.
            let Some(deed) = plan.due().next().filter(|_| plan.under_way || done.is_empty()).cloned() else {
                return done;
            };
            self.act(&deed).unwrap();
            done.push(deed_word(&deed));
        }
        panic!("applying {goal:?} does not end: {done:?}");
    }

    pub fn act(&mut self, deed: &Deed) -> Result<(), SealError> {
        match deed {
            Deed::Generate { purpose } => _ = self.generate(*purpose),
            Deed::Destroy { key } => self.held.retain(|held| held.id != *key),
            Deed::Resign { .. } => self.doubtful = 0,
            Deed::Switch { .. } | Deed::RenewRoots => {}
            publishes => {
                let draft = self.draft(publishes)?;
                self.publish(&draft)?;
            }
        }
        Ok(())
    }

    pub fn generate(&mut self, purpose: KeyPurpose) -> KeyId {
        self.made += 1;
        let secret = SecretKey::from_seed([0x80 + self.made; 32]);
        self.publics.insert(secret.id(), secret.public());
        self.held.push(HeldKey { id: secret.id(), purpose });
        secret.id()
    }

    pub fn describe(&self, id: KeyId) -> pb::Key {
        let purpose = self.held.iter().find(|held| held.id == id).unwrap().purpose;
        let public = &self.publics[&id];
        match purpose {
            KeyPurpose::TlsCa => describe_authority(public, self.now, b"another certificate".to_vec()),
            _ => describe_key(purpose, public, self.now),
        }
    }

    pub fn draft(&self, deed: &Deed) -> Result<pb::Descriptor, SealError> {
        let described = deed.enters().map(|id| self.describe(id));
        let changes = deed.changes(described, GRACE, self.now);
        assert!(!changes.is_empty(), "{deed:?} publishes nothing");
        next_descriptor(self.own(), &changes, uuid_v7(9), self.now)
    }

    pub fn publish(&mut self, draft: &pb::Descriptor) -> Result<(), SealError> {
        let envelope = sign_with_roots(draft, &[&Party::aus().root(1), &Party::aus().root(2)]);
        let next = self.own().accept_next(&envelope, self.now)?;
        check_timely(self.own(), &next, self.now)?;
        self.chain.push((next, self.now));
        Ok(())
    }

    /// The peers pull what is there, and say so.
    pub fn sync(&mut self) {
        let version = self.own().version();
        self.peers.values_mut().for_each(|holds| *holds = version);
    }

    pub fn sync_one(&mut self, code: &str) {
        let version = self.own().version();
        self.peers.insert(participant(code), version);
    }

    pub fn pass(&mut self, hours: u32) {
        self.now = self.now.plus(HOUR * hours);
    }

    pub fn signs(&self, purpose: KeyPurpose) -> Option<KeyId> {
        let held = |id: KeyId| self.held.iter().any(|held| held.id == id);
        signing_key(self.own(), purpose, &self.history().introduced(), &self.readiness(), held, self.now)
    }

    pub fn status(&self, id: KeyId) -> Option<KeyStatus> {
        self.own().key(id.as_bytes()).map(|key| key.status())
    }

    /// What signs now is accepted by every peer, whichever version it holds from the one that it told of on.
    pub fn check_nobody_is_locked_out(&self, since: u64) {
        for purpose in WORKING {
            let id = self.signs(purpose).unwrap_or_else(|| panic!("no {purpose:?} key signs"));
            for (peer, told) in &self.peers {
                let from = (*told).max(since);
                for (version, _) in self.chain.iter().filter(|(version, _)| version.version() >= from) {
                    let key = version.key(id.as_bytes());
                    let accepts = key.is_some_and(|key| key.may_sign_at(self.now) && key.verifies(self.now, self.now));
                    assert!(accepts, "{peer} with version {} refuses {purpose:?} key {id}", version.version());
                }
            }
        }
    }
}

pub fn deed_word(deed: &Deed) -> &'static str {
    match deed {
        Deed::Generate { .. } => "generate",
        Deed::Announce { .. } => "announce",
        Deed::TakeOver { .. } => "take over",
        Deed::Replace { .. } => "replace",
        Deed::Retire { .. } => "retire",
        Deed::Compromise { .. } => "compromise",
        Deed::Withdraw { .. } => "withdraw",
        Deed::Switch { .. } => "switch",
        Deed::Destroy { .. } => "destroy",
        Deed::Resign { .. } => "resign",
        Deed::RenewRoots => "renew roots",
    }
}

pub fn rotate(purpose: KeyPurpose) -> Goal {
    Goal::Rotate { purpose, emergency: None }
}
