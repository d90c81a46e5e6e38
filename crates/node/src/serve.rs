//! `selat serve`: the node as systemd or a person starts it.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use crate::clock::{OsEntropy, SystemClock};
use crate::complaint::{Complaint, Exit};
use crate::config::Config;
use crate::running::{Running, StartError, Surroundings};
use crate::telemetry;

/// Runs the node until it is told to stop (SIGTERM or Ctrl-C).
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  selat serve --config aus/selat.toml\n  systemctl start selat")]
pub struct ServeArgs {
    /// Configuration of the node.
    #[arg(long, value_name = "FILE", env = "SELAT_CONFIG", default_value = "/etc/selat/selat.toml")]
    pub config: PathBuf,
}

/// Runs the node; returns when it has stopped in order.
pub async fn run_serve(args: ServeArgs) -> Result<(), Complaint> {
    let config = Config::load(&args.config)?;
    telemetry::start(&config.log).map_err(|error| unexpected("logging cannot be started", &error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| unexpected("no signals", &error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| unexpected("no signals", &error))?;
    let surroundings = Surroundings { clock: Arc::new(SystemClock::start()), entropy: Arc::new(OsEntropy) };
    let running = Running::start(&config, surroundings).await.map_err(|error| complaint_of(&error))?;
    tokio::select! {
        _ = terminate.recv() => info!("told to stop by SIGTERM"),
        _ = interrupt.recv() => info!("told to stop by SIGINT"),
    }
    running.stop().await.map_err(|error| unexpected("the node did not stop in order", &error))
}

/// A failed start as it is told to the operator.
pub fn complaint_of(error: &StartError) -> Complaint {
    let (code, exit, mend) = match error {
        StartError::Keys(faults) => {
            if let Some(first) = faults.complaints().next() {
                return first;
            }
            ("SLT-1101", Exit::Usage, "restore the key files")
        }
        StartError::Descriptor(_) => {
            ("SLT-1105", Exit::Integrity, "restore the descriptor or the keys that belong to it")
        }
        StartError::Store(error) => store_complaint(error),
        StartError::Exchange(_) => ("SLT-1203", Exit::Integrity, "keep a copy of the data folder, then ask for help"),
        StartError::Listen { .. } => {
            ("SLT-1401", Exit::Conflict, "stop what listens there, or change listen in the configuration")
        }
        StartError::Socket(_) => {
            ("SLT-1402", Exit::Conflict, "stop the other node, or change socket in the configuration")
        }
        StartError::ClockSetBack { .. } => {
            ("SLT-1403", Exit::Attention, "set the clock; the node needs a time service")
        }
        _ => ("SLT-1404", Exit::Unexpected, "look at the cause; selat init makes a sound node"),
    };
    Complaint::new(code, exit, "the node cannot start", crate::calls::words(error), mend)
}

fn store_complaint(error: &selat_store::StoreError) -> (&'static str, Exit, &'static str) {
    use selat_store::StoreError as Store;
    match error {
        Store::InUse { .. } => ("SLT-1202", Exit::Conflict, "stop the other node, or give this one its own data_dir"),
        Store::Damaged { .. } | Store::Sealed(_) | Store::WrongKey | Store::Foreign { .. } | Store::Format { .. } => (
            "SLT-1203",
            Exit::Integrity,
            "keep a copy of the data folder; restore the keys or the store that fit together",
        ),
        _ => ("SLT-1201", Exit::Unexpected, "check that the data folder is there, is this user's and has room"),
    }
}

fn unexpected(what: &str, error: &dyn std::error::Error) -> Complaint {
    Complaint::new("SLT-1404", Exit::Unexpected, what, crate::calls::words(error), "look at the node's log")
}
