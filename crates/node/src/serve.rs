//! `selat serve`: the node as systemd or a person starts it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use selat_complaint::{Complaint, Explanation};
use selat_exchange::ExchangeError;
use selat_store::StoreError;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

use crate::calls::words;
use crate::certificates::RenewalError;
use crate::clock::{OsEntropy, SystemClock};
use crate::config::Config;
use crate::running::{Running, StartError, Surroundings};
use crate::telemetry;
use crate::{explain, keys};

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
    let mut signals = Signals::listen().map_err(|error| unexpected("no signals", &error))?;
    let surroundings = Surroundings { clock: Arc::new(SystemClock::start()), entropy: Arc::new(OsEntropy) };
    let running = tokio::select! {
        // A large store takes its time to open.
        () = signals.told_to_stop() => return Ok(()),
        started = Running::start(&config, surroundings) => started.map_err(|error| complaint_of(&error))?,
    };
    signals.told_to_stop().await;
    running.stop().await.map_err(|error| unexpected("the node did not stop in order", &error))
}

/// What tells the process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn told_to_stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => info!("told to stop by SIGTERM"),
            _ = self.interrupt.recv() => info!("told to stop by SIGINT"),
        }
    }
}

/// A failed start as it is told to the operator.
pub fn complaint_of(error: &StartError) -> Complaint {
    let entry = match error {
        StartError::Keys(faults) => return keys::complaint_of(faults),
        StartError::Exchange(ExchangeError::NoKey(_)) => &explain::NO_KEY_IN_USE,
        StartError::Exchange(ExchangeError::OwnChain(_)) => &explain::OWN_DESCRIPTOR,
        StartError::Certificate(RenewalError::NoKey(_) | RenewalError::NotDescribed) => &explain::NO_KEY_IN_USE,
        StartError::Descriptor(_) => &explain::OWN_DESCRIPTOR,
        StartError::Store(error) => store_entry(error),
        StartError::Exchange(_) => &explain::STORE_DAMAGED,
        StartError::Listen { .. } => &explain::PORT_TAKEN,
        StartError::Socket(_) => &explain::SOCKET_UNOPENED,
        StartError::ClockSetBack { .. } => {
            let mend = "set the clock; if it is right and was ahead before: selat store accept-time --config FILE";
            return told(&explain::CLOCK_SET_BACK, error).mend(mend);
        }
        _ => &explain::NOT_STARTED,
    };
    told(entry, error)
}

fn told(entry: &Explanation, error: &StartError) -> Complaint {
    Complaint::about(entry).problem("the node cannot start").cause(words(error))
}

/// What kind of fault it is when the store does not open.
pub(crate) fn store_entry(error: &StoreError) -> &'static Explanation {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_that_fails_for_keys_or_the_own_chain_has_a_code_of_its_own() {
        let code = |error: StartError| complaint_of(&error).code().to_owned();
        assert_eq!(code(ExchangeError::NoKey("record").into()), "SLT-1108");
        assert_eq!(code(RenewalError::NoKey(ExchangeError::NoKey("tls-ca")).into()), "SLT-1108");
        assert_eq!(code(RenewalError::NotDescribed.into()), "SLT-1108");
        assert_eq!(code(ExchangeError::OwnChain("two versions 2".into()).into()), "SLT-1105");
        assert_eq!(code(RenewalError::Stopping.into()), "SLT-1404");
    }
}
