//! A federation of three within one process, one of whom is malicious: a victim, an honest peer, and a [`Rogue`] that
//! holds the keys of a participant whom the victim approved in good faith, but speaks for itself on the wire.
//!
//! Promises: the victim is a whole node behind its real listeners; the rogue's keys come from `init` and its approval from
//! the twelve words, so that whatever it can do, a compromised peer can. Every [`Stage`] names its rogue differently, so
//! that a line of the process's log belongs to one stage; [`Stage::strike`] fails when anything in the process panicked.

mod clock;
mod feed;
mod followed;
mod forged;
mod log;
mod raw;
mod rogue;
mod script;
mod stage;

pub use clock::TurnedClock;
pub use feed::{Feed, Feeding};
pub use followed::Followed;
pub use forged::{Forger, event};
pub use raw::{framed, grpc};
pub use rogue::{Rogue, signed_with};
pub use script::{Events, Script, Served};
pub use stage::{Stage, ask, eventually, held, put};
