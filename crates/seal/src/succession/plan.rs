//! Which steps a goal still needs, from the state of things alone.

use std::fmt;
use std::time::Duration;

use selat_record::pb::KeyPurpose;
use selat_record::{ParticipantId, Timestamp};

use super::{Deed, History, Readiness, ends, rotation};
use crate::{AcceptedDescriptor, HeldKey, KeyId, keyfile, sha256};

/// What an operator wants of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// A successor takes over. While an earlier turn of the same purpose has steps left, those; only then another.
    Rotate {
        /// What it signs.
        purpose: KeyPurpose,
        /// At once, because the predecessor is compromised.
        emergency: Option<Emergency>,
    },
    /// A key ends without a successor of its own: another key of its purpose is there.
    Retire {
        /// The key.
        key: KeyId,
    },
    /// A key is compromised, and another key of its purpose is there.
    Revoke {
        /// The key.
        key: KeyId,
        /// From when nothing that it signed is believed.
        since: Timestamp,
    },
    /// A rotation that has been begun is undone.
    Abandon {
        /// What its keys sign.
        purpose: KeyPurpose,
    },
}

/// That the keys which are held may be in other hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emergency {
    /// From when nothing that they signed is believed.
    pub since: Timestamp,
}

/// All that a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'s> {
    /// The own descriptor in force.
    pub own: &'s AcceptedDescriptor,
    /// What the own chain says of its keys.
    pub history: &'s History,
    /// The working keys that the node holds.
    pub held: &'s [HeldKey],
    /// One line per approved peer.
    pub peers: &'s [Readiness],
    /// How long a successor stands announced at least.
    pub overlap: Duration,
    /// How long a retired key may still sign.
    pub grace: Duration,
    /// Own records that a compromised key signed and no other has signed since.
    pub doubtful: u64,
    /// The clock.
    pub now: Timestamp,
}

/// The steps to a goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In their order. None: the goal is reached, or there is nothing to undo.
    pub steps: Vec<Step>,
    /// Some step has been done; otherwise the first would begin a new turn.
    pub under_way: bool,
    /// Digest of the goal and of all that the steps follow from. What is to be applied must still have the same.
    pub state: [u8; 32],
}

impl Plan {
    /// The deeds that are due now.
    pub fn due(&self) -> impl Iterator<Item = &Deed> {
        self.steps.iter().filter(|step| step.state == StepState::Due).map(|step| &step.deed)
    }

    /// True when nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(|step| step.state == StepState::Done)
    }
}

/// One step and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub deed: Deed,
    /// How it stands.
    pub state: StepState,
}

impl Step {
    pub(super) fn new(deed: Deed, state: StepState) -> Self {
        Self { deed, state }
    }
}

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// It has been done.
    Done,
    /// It can be done now.
    Due,
    /// It comes next, when something else has happened.
    Waiting(Wait),
    /// It comes after those before it.
    Later,
}

/// What a step waits for. Displays as what comes after "waits for".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The version that peers have to acknowledge.
    pub version: u64,
    /// The peers that have not, each with the version that it has acknowledged; 0: none.
    pub peers: Vec<(ParticipantId, u64)>,
    /// The moment before which it is not done, if that still lies ahead.
    pub earliest: Option<Timestamp>,
    /// What that moment is.
    pub time: &'static str,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.peers.is_empty() {
            return f.write_str(self.time);
        }
        let peer = |(peer, holds): &(ParticipantId, u64)| match holds {
            0 => format!("{peer} (holds none that it told of)"),
            version => format!("{peer} (holds version {version})"),
        };
        let peers: Vec<_> = self.peers.iter().map(peer).collect();
        write!(f, "{} to acknowledge version {}", peers.join(", "), self.version)
    }
}

/// Why there is no way to a goal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No key of the descriptor has the id.
    #[error("the descriptor in force lists no key {0}")]
    UnknownKey(KeyId),
    /// Nothing would be left to sign with.
    #[error("the node holds no other active {} key: rotate instead, with --emergency after a theft", keyfile::purpose_word(*.0))]
    LastKey(KeyPurpose),
    /// Too few roots would be left.
    #[error("fewer root keys than the threshold of {0} would be left: replace the roots instead")]
    LastRoots(u32),
    /// A key that never was active.
    #[error("key {0} is only announced: abandon its rotation instead")]
    OnlyAnnounced(KeyId),
    /// A compromised key cannot become anything better.
    #[error("key {0} is compromised already")]
    Compromised(KeyId),
    /// The successor signs already.
    #[error("the new {} key has taken over, and a retired key cannot come back: finish the rotation, or begin another", keyfile::purpose_word(*.0))]
    TakenOver(KeyPurpose),
    /// A compromise that is still to come.
    #[error("a key cannot be compromised since {0}, which lies ahead")]
    Ahead(Timestamp),
    /// Roots are not on the node.
    #[error("root keys are not on this node: nothing here can be undone")]
    RootsElsewhere,
    /// Not a purpose.
    #[error("no purpose is named")]
    NoPurpose,
}

/// The steps that are still missing on the way to `goal`, and those that have been done.
pub fn plan(goal: &Goal, situation: &Situation<'_>) -> Result<Plan, PlanError> {
    let steps = match *goal {
        Goal::Rotate { purpose: KeyPurpose::Unspecified, .. } | Goal::Abandon { purpose: KeyPurpose::Unspecified } => {
            return Err(PlanError::NoPurpose);
        }
        Goal::Rotate { purpose: KeyPurpose::Root, .. } => vec![Step::new(Deed::RenewRoots, StepState::Due)],
        Goal::Rotate { purpose, emergency: None } => rotation::planned(purpose, situation),
        Goal::Rotate { purpose, emergency: Some(emergency) } => rotation::emergency(purpose, emergency, situation)?,
        Goal::Retire { key } => ends::retire(key, situation)?,
        Goal::Revoke { key, since } => ends::revoke(key, since, situation)?,
        Goal::Abandon { purpose: KeyPurpose::Root } => return Err(PlanError::RootsElsewhere),
        Goal::Abandon { purpose } => ends::abandon(purpose, situation)?,
    };
    let under_way = steps.iter().any(|step| step.state == StepState::Done);
    let state = digest(goal, &steps, situation);
    Ok(Plan { steps, under_way, state })
}

/// The same for as long as applying the plan would do the same: times and peers count only by what they make due.
fn digest(goal: &Goal, steps: &[Step], situation: &Situation<'_>) -> [u8; 32] {
    let steps: Vec<_> = steps.iter().map(|step| format!("{:?} {}\n", step.deed, state_word(&step.state))).collect();
    let goal = format!("{goal:?}\n");
    let own = situation.own.content_id();
    sha256(&[b"selat-plan-v1\0", own.as_bytes(), goal.as_bytes(), steps.concat().as_bytes()])
}

fn state_word(state: &StepState) -> &'static str {
    match state {
        StepState::Done => "done",
        StepState::Due => "due",
        StepState::Waiting(_) => "waiting",
        StepState::Later => "later",
    }
}
