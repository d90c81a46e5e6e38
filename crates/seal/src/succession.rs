//! How one key follows another without anybody being locked out.
//!
//! A turn of a key is a sweep over states: what stands in the own descriptor, what the peers are known to hold of it, which
//! keys are held, what time it is. [`plan`] says from these alone which steps are still missing, so that every step can be
//! done again after a crash and a turn that was left half done is finished or undone by asking again. Promises: planned
//! turns never leave a moment in which what this participant signs is refused by a peer that holds what it is known to
//! hold; a key whose trust has ended is never used again. Leaves out: IO, the clock, and who may turn keys.

mod change;
mod deed;
mod ends;
mod history;
mod plan;
mod rotation;
mod signing;
mod standing;

use selat_record::{ParticipantId, Timestamp};

pub use change::{Change, check_timely, next_descriptor, publish_by};
pub use deed::{Deed, Doer};
pub use history::{History, Milestones};
pub use plan::{Emergency, Goal, Plan, PlanError, Situation, Step, StepState, Wait, plan};
pub use signing::{choose_again_at, signing_key};

/// What an approved peer is known to hold of this participant's descriptors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// The peer.
    pub participant: ParticipantId,
    /// The newest version that it has said it holds, with the right hash; 0: none yet.
    pub acknowledged: u64,
    /// Since when it is known to.
    pub acknowledged_at: Option<Timestamp>,
    /// When its own current version was last confirmed to be the one held here.
    pub refreshed: Option<Timestamp>,
}

impl Readiness {
    fn knows(&self, version: u64) -> bool {
        self.acknowledged >= version
    }
}
