//! The operator turns keys: looks at them, asks for a plan, has done what is due of it.
//!
//! Which steps a goal still needs follows from the state of things alone ([`succession::plan`]). Promises: a plan that no
//! longer holds is not applied; every act is in the audit log before it is done; every step can be run again after a crash
//! and does nothing twice, so a turn that was left half done is finished or undone by asking again; a draft that waits for
//! signatures stays the same. Leaves out: signing descriptors, which roots do away from the node, and publishing them.

mod drafting;
mod view;

use std::mem::discriminant;
use std::sync::Arc;

use selat_policy::{DeskAct, may};
use selat_record::pb::{AuditAction, KeyPurpose};
use selat_record::{Faults, Timestamp};
use selat_seal::succession::{self, Deed, Goal, History, Plan, Readiness, Situation, Step, StepState};
use selat_seal::{AcceptedDescriptor, HeldKey, KeyId, keyfile};
use tracing::info;

use crate::accounts::Act;
use crate::own::off_the_async_threads;
use crate::standing::plain;
use crate::{Actor, Exchange, ExchangeError};

pub use view::{KeyLine, KeysView};

/// Longest reason in characters.
const REASON_MAX: usize = 200;
/// Most deeds that one application does: more keys than a descriptor lists cannot be due.
const DEEDS_MAX: usize = 64;

/// What an operator wants, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyGoal {
    /// What is wanted.
    pub want: Want,
    /// For the audit log: 1 to 200 characters. An orderly rotation needs none, nor does giving one up.
    pub reason: String,
}

/// What an operator wants of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// A successor takes over, with overlap.
    Rotate {
        /// What it signs.
        purpose: KeyPurpose,
    },
    /// A successor takes over at once, because the predecessor may be in other hands.
    Replace {
        /// What it signs.
        purpose: KeyPurpose,
        /// Since when it may be; missing: since now.
        since: Option<Timestamp>,
    },
    /// A key ends without a successor of its own.
    Retire {
        /// The key.
        key: KeyId,
    },
    /// A key may be in other hands, and another of its purpose is there.
    Revoke {
        /// The key.
        key: KeyId,
        /// Since when it may be; missing: since now.
        since: Option<Timestamp>,
    },
    /// A rotation that has been begun is undone.
    Abandon {
        /// What its keys sign.
        purpose: KeyPurpose,
    },
}

/// A plan as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlan {
    /// What it is for, with the moment of a compromise filled in: hand this back to apply it.
    pub goal: KeyGoal,
    /// When it was made.
    pub made: Timestamp,
    /// Its steps, and the digest that says whether it still holds.
    pub plan: Plan,
    /// What the approved peers are known to hold.
    pub peers: Vec<Readiness>,
}

/// What applying a plan did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// How things stand now.
    pub plan: KeyPlan,
    /// What was done, one line each.
    pub done: Vec<String>,
    /// A descriptor to be signed by roots, armoured, if one is due.
    pub draft: Option<String>,
}

impl Exchange {
    /// The keys of this participant: those that its descriptor names, and those that are held beside.
    pub async fn key_status(&self, actor: &Actor) -> Result<KeysView, ExchangeError> {
        may(&actor.roles, DeskAct::SeeKeys)?;
        self.keys_view().await
    }

    /// The steps to a goal, and how each of them stands. Changes nothing.
    pub async fn key_plan(&self, actor: &Actor, goal: KeyGoal) -> Result<KeyPlan, ExchangeError> {
        may(&actor.roles, DeskAct::SeeKeys)?;
        let goal = self.resolved(goal.checked()?).await?;
        self.planned(goal).await
    }

    /// Does what is due of a plan, unless something has changed since it was made: makes and destroys keys, drafts the next
    /// descriptor. What the node does by itself, and what only an operator can do, stays.
    pub async fn key_apply(
        self: &Arc<Self>,
        actor: &Actor,
        goal: KeyGoal,
        state: &[u8],
    ) -> Result<Applied, ExchangeError> {
        may(&actor.roles, DeskAct::ManageKeys)?;
        let goal = goal.checked()?;
        let (exchange, actor, state) = (self.clone(), actor.clone(), state.to_vec());
        self.to_the_end(async move { exchange.apply(&actor, goal, &state).await }).await
    }

    async fn apply(&self, actor: &Actor, goal: KeyGoal, state: &[u8]) -> Result<Applied, ExchangeError> {
        // No descriptor is published meanwhile, and no other plan applied.
        let _one_at_a_time = self.peer_changes.lock().await;
        self.choose_keys();
        let goal = self.resolved(goal).await?;
        let mut made = self.planned(goal).await?;
        if made.plan.state != state {
            return Err(ExchangeError::PlanChanged);
        }
        let (shown, mut done) = (made.plan.clone(), Vec::new());
        for _ in 0..DEEDS_MAX {
            let due = made.plan.due().find(|deed| is_of_the_ring(deed) && is_left(&shown, deed));
            let Some(deed) = due.cloned() else { break };
            done.push(self.carry_out(actor, &made.goal, &deed).await?);
            made = self.planned(made.goal).await?;
        }
        let due = made.plan.due().find(|deed| deed.publishes() && is_left(&shown, deed)).cloned();
        let draft = match due {
            Some(deed) => Some(self.draft_for(actor, &made.goal, &deed, &mut done).await?),
            None => None,
        };
        if begins(&made.plan) && !begins(&shown) {
            // With its last deed a turn is over; the next is another goal, and only an operator begins it.
            let steps = shown.steps.into_iter().map(|step| Step { state: StepState::Done, ..step }).collect();
            made.plan = Plan { steps, ..made.plan };
        }
        Ok(Applied { plan: made, done, draft })
    }

    /// Makes or destroys a key, accounted for before it is done. Returns what was done, for people.
    async fn carry_out(&self, actor: &Actor, goal: &KeyGoal, deed: &Deed) -> Result<String, ExchangeError> {
        self.account_now(self.act_of(actor, goal, &deed.to_string())).await?;
        let keys = self.own.keys().clone();
        let done = match *deed {
            Deed::Generate { purpose } => {
                let made = off_the_async_threads(move || keys.generate(purpose)).await?;
                format!("made {} key {}", keyfile::purpose_word(purpose), short(made.map_err(ExchangeError::Key)?))
            }
            Deed::Destroy { key } => {
                self.check_not_in_use(key)?;
                off_the_async_threads(move || keys.destroy(key)).await?.map_err(ExchangeError::Key)?;
                format!("destroyed the secret of key {}", short(key))
            }
            _ => return Err(ExchangeError::Inconsistent(format!("{deed}: not done by holding keys"))),
        };
        self.look_at_keys_again().await?;
        info!(officer = %actor.officer, %done, "keys changed");
        Ok(done)
    }

    /// No plan destroys what signs; should one ever, nothing is lost.
    fn check_not_in_use(&self, key: KeyId) -> Result<(), ExchangeError> {
        if crate::own::WORKING.into_iter().any(|purpose| self.in_use(purpose) == Some(key)) {
            return Err(ExchangeError::Inconsistent(format!("key {key} signs now and is not destroyed")));
        }
        Ok(())
    }

    fn act_of(&self, actor: &Actor, goal: &KeyGoal, what: &str) -> Act<'static> {
        let reason = if goal.reason.is_empty() { String::new() } else { format!(": {}", goal.reason) };
        Act::of(actor, AuditAction::Administration, None).note(format!("{} ({what}){reason}", goal.want.words()))
    }

    async fn planned(&self, goal: KeyGoal) -> Result<KeyPlan, ExchangeError> {
        let facts = self.key_facts().await?;
        let plan =
            succession::plan(&goal.want.to_goal(facts.now), &facts.situation(self)).map_err(ExchangeError::Plan)?;
        Ok(KeyPlan { goal, made: facts.now, plan, peers: facts.peers })
    }

    async fn key_facts(&self) -> Result<KeyFacts, ExchangeError> {
        let (state, keys) = (self.own.state(), self.own.keys().clone());
        let chain = state.chain().iter().map(|link| (link.descriptor.as_ref(), link.accepted));
        Ok(KeyFacts {
            own: self.descriptor(),
            history: History::of(chain),
            held: off_the_async_threads(move || keys.held()).await?,
            peers: self.readiness(),
            doubtful: self.left_to_resign().await?,
            now: self.clock.now(),
        })
    }
}

/// What a plan is made from.
struct KeyFacts {
    own: Arc<AcceptedDescriptor>,
    history: History,
    held: Vec<HeldKey>,
    peers: Vec<Readiness>,
    doubtful: u64,
    now: Timestamp,
}

impl KeyFacts {
    fn situation<'s>(&'s self, exchange: &Exchange) -> Situation<'s> {
        Situation {
            own: &self.own,
            history: &self.history,
            held: &self.held,
            peers: &self.peers,
            overlap: exchange.limits.overlap,
            grace: exchange.limits.grace,
            doubtful: self.doubtful,
            now: self.now,
        }
    }
}

impl KeyGoal {
    /// Refuses a goal that needs a reason and has none, and one whose reason is no plain text.
    fn checked(mut self) -> Result<Self, Faults> {
        let needed = !matches!(self.want, Want::Rotate { .. } | Want::Abandon { .. });
        self.reason = self.reason.trim().to_owned();
        if needed || !self.reason.is_empty() {
            self.reason = plain("goal.reason", &self.reason, REASON_MAX)?;
        }
        Ok(self)
    }
}

impl Want {
    /// With the moment of a compromise that is not given yet.
    fn since(self, moment: Timestamp) -> Self {
        match self {
            Self::Replace { purpose, since: None } => Self::Replace { purpose, since: Some(moment) },
            Self::Revoke { key, since: None } => Self::Revoke { key, since: Some(moment) },
            other => other,
        }
    }

    fn to_goal(self, now: Timestamp) -> Goal {
        match self.since(now) {
            Self::Rotate { purpose } => Goal::Rotate { purpose, emergency: None },
            Self::Replace { purpose, since } => {
                let since = since.unwrap_or(now);
                Goal::Rotate { purpose, emergency: Some(succession::Emergency { since }) }
            }
            Self::Retire { key } => Goal::Retire { key },
            Self::Revoke { key, since } => Goal::Revoke { key, since: since.unwrap_or(now) },
            Self::Abandon { purpose } => Goal::Abandon { purpose },
        }
    }

    /// For the audit log.
    fn words(&self) -> String {
        let word = |purpose: &KeyPurpose| keyfile::purpose_word(*purpose);
        match self {
            Self::Rotate { purpose } => format!("rotate {}", word(purpose)),
            Self::Replace { purpose, .. } => format!("rotate {} in an emergency", word(purpose)),
            Self::Retire { key } => format!("retire {key}"),
            Self::Revoke { key, .. } => format!("revoke {key}"),
            Self::Abandon { purpose } => format!("abandon the rotation of {}", word(purpose)),
        }
    }
}

/// Enough of a key's id to know it by, as everywhere on the command line.
fn short(key: KeyId) -> String {
    key.to_string().chars().take(8).collect()
}

/// True if the first step of a turn is still to be done.
fn begins(plan: &Plan) -> bool {
    plan.due().any(|deed| matches!(deed, Deed::Generate { .. }))
}

/// True if the plan that the operator saw wanted such a deed and had not seen it done. Which key it is about may be known
/// only since.
fn is_left(shown: &Plan, deed: &Deed) -> bool {
    let same = |step: &Step| match (&step.deed, deed) {
        (Deed::Destroy { key: one }, Deed::Destroy { key: other }) => one == other,
        (one, other) => discriminant(one) == discriminant(other),
    };
    shown.steps.iter().any(|step| step.state != StepState::Done && same(step))
}

/// True for what is done to the keys that are held.
fn is_of_the_ring(deed: &Deed) -> bool {
    matches!(deed, Deed::Generate { .. } | Deed::Destroy { .. })
}
