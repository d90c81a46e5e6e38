//! The kit of the suites that use the program as people do: processes, signals, files, standard output.
//!
//! Promises: everything a scene makes lies in one throw-away folder, and no process outlives its scene; a step that does
//! not go as a suite says stops the suite with the command, its output and the node's log. Leaves out a federation within
//! one process: that is `rehearsal`'s.

#![allow(clippy::panic, reason = "a test that stumbles shall fail, and say where")]

pub mod hostile;

mod load;
mod made_up;
mod node;
mod program;
mod scene;
mod turning;
mod wait;

pub use load::{Account, Load};
pub use made_up::{INCIDENTS_MAP, incident, incidents, person};
pub use node::Node;
pub use program::{Output, Program, Started, run};
pub use scene::{Scene, WHY, phrase};
pub use turning::{everybody_knows, key_in_use};
pub use wait::until;

/// The root of the repository.
pub fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
