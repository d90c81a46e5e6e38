//! The officer's and operator's commands: all that can be done through a node's desk, and nothing that needs its store.
//!
//! Promises: data goes to standard output and talk to standard error; text from outside never steers the terminal; every
//! failure is told with code, cause and mend, and every command ends with a documented [`Exit`]. Leaves out:
//! decisions (the node's policy), verification (the node hands out only what it has verified), the clock and the dice
//! (arguments).

pub mod cli;
mod commands;
mod connect;
pub mod explain;
mod input;
pub mod key_files;
mod refusal;
pub mod screen;
mod show;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

/// The clock that commands go by.
pub use selat_link::Now as Clock;

/// What the doctor finds.
pub use selat_wire::desk::Finding;

use cli::{Command, DoctorArgs, Globals};
use commands::Session;
use screen::Screen;
use selat_complaint::{Complaint, Exit};
use selat_seal::Entropy;

/// Runs a command to its end and says how it ended. Failures have been told on `screen` by then.
pub async fn run(command: Command, globals: &Globals, screen: &mut Screen, now: &Clock, entropy: &dyn Entropy) -> Exit {
    let result = commands::run(command, globals, screen, now, entropy).await;
    told(result, screen)
}

/// Runs `selat doctor`: asks the node, or takes what `files` finds in its files when no node listens.
pub async fn doctor(
    args: &DoctorArgs,
    globals: &Globals,
    screen: &mut Screen,
    now: &Clock,
    entropy: &dyn Entropy,
    files: impl AsyncFnOnce() -> Vec<Finding>,
) -> Exit {
    let mut session = Session { globals, screen, now, entropy };
    let result = commands::watch::doctor(&mut session, args, files).await;
    told(result, screen)
}

fn told(result: Result<Exit, Complaint>, screen: &mut Screen) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(complaint) => {
            screen.complain(&complaint);
            complaint.exit()
        }
    }
}
