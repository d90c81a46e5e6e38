//! `selat serve`: the node as systemd or a person starts it.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use selat_complaint::{Complaint, Explanation};
use selat_store::StoreError;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use crate::calls::words;
use crate::clock::{OsEntropy, SystemClock};
use crate::config::Config;
use crate::explain;
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
    let entry = match error {
        StartError::Keys(faults) => {
            if let Some(first) = faults.complaints().next() {
                return first;
            }
            &explain::KEY_UNREADABLE
        }
        StartError::Descriptor(_) => &explain::OWN_DESCRIPTOR,
        StartError::Store(error) => store_entry(error),
        StartError::Exchange(_) => &explain::STORE_DAMAGED,
        StartError::Listen { .. } => &explain::PORT_TAKEN,
        StartError::Socket(_) => &explain::SOCKET_UNOPENED,
        StartError::ClockSetBack { .. } => &explain::CLOCK_SET_BACK,
        _ => &explain::NOT_STARTED,
    };
    Complaint::about(entry).problem("the node cannot start").cause(words(error))
}

fn store_entry(error: &StoreError) -> &'static Explanation {
    match error {
        StoreError::InUse { .. } => &explain::STORE_IN_USE,
        StoreError::Damaged { .. }
        | StoreError::Sealed(_)
        | StoreError::WrongKey
        | StoreError::Foreign { .. }
        | StoreError::Format { .. } => &explain::STORE_DAMAGED,
        _ => &explain::STORE_CLOSED,
    }
}

fn unexpected(what: &str, error: &dyn std::error::Error) -> Complaint {
    Complaint::about(&explain::NOT_STARTED).problem(what).cause(words(error))
}
