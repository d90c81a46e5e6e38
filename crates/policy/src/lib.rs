//! May this caller see or do that, and why: pure functions over facts.
//!
//! Promises: every function is total; what no rule permits is refused; a rule that forbids beats every rule that permits;
//! protection beats everything and no argument lifts it. Only a decision makes a [`Permit`], and only a permit makes a
//! [`Permitted`], which is what may leave the node.
//! Leaves out: IO, the clock, quotas, and national rules (they can only take away from what this floor permits).

pub mod floor;
pub mod roles;
pub mod rules;

pub use floor::{
    AskFacts, Decision, Effect, Label, PeerFacts, Permit, Permitted, decide_answer, decide_linked_release,
    decide_release, decide_reply, may_know,
};
pub use roles::{DeskAct, Role, UnknownRole, may};
pub use rules::{Refusal, Rule};
