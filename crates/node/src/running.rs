//! A node from its configuration to its orderly stop.
//!
//! Promises: every task is started by `start` and awaited here; only those that do not end in time are broken off.
//! [`Running::stop`] takes at most [`STOP_MAX`], whatever peers, callers and the disk do. A start that fails breaks off
//! what it had begun.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use selat_exchange::{Clock, Exchange, ExchangeError};
use selat_keyring::KeyFaults;
use selat_link::{AuthorityFault, NameError, PeerListener};
use selat_seal::Entropy;
use selat_store::{Engine, StoreError};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::calls::Calls;
use crate::certificates::RenewalError;
use crate::config::Config;
use crate::desk::SocketError;
use crate::own_descriptor::DescriptorError;
use crate::start::{Foundation, Work};
use crate::store_folder;

/// How long calls under way may take to end when the node stops.
const DRAIN: Duration = Duration::from_secs(5);
/// How long they may take once they are broken off; a task that computes hears of it only at its next wait.
const BREAK_OFF: Duration = Duration::from_secs(1);
/// How long the store may take to write what it has taken and to close.
const CLOSE_STORE: Duration = Duration::from_secs(10);
/// A node has stopped after this long, in order or not.
pub const STOP_MAX: Duration = Duration::from_secs(16);

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Keys.
    #[error(transparent)]
    Keys(#[from] KeyFaults),
    /// Own descriptor.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// The node's own certificate.
    #[error("the node's certificate cannot be made")]
    Certificate(#[from] RenewalError),
    /// Officer authority.
    #[error("the officer authority does not hold")]
    OfficerAuthority(#[from] AuthorityFault),
    /// Node name.
    #[error("the node's name cannot stand in a certificate")]
    Name(#[from] NameError),
    /// Store.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// Stored content.
    #[error("what is stored cannot be read")]
    Exchange(#[from] ExchangeError),
    /// Peer or desk port.
    #[error("cannot listen at {address}")]
    Listen {
        /// Where.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Desk socket.
    #[error("the desk's socket cannot be opened")]
    Socket(#[from] SocketError),
    /// The clock shows a time before one that this node has already known.
    #[error("the clock shows {now}, but this node has already known {known}")]
    ClockSetBack {
        /// What the clock shows.
        now: selat_record::Timestamp,
        /// The latest time noted.
        known: selat_record::Timestamp,
    },
    /// A task of the server could not be set up.
    #[error("the server cannot be set up: {0}")]
    Server(String),
}

/// Why a node did not stop in order. It has stopped all the same.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The last writes failed.
    #[error(transparent)]
    Store(#[from] ExchangeError),
    /// The disk hangs.
    #[error("the store did not close within {} seconds; what it had not confirmed may be lost", .0.as_secs())]
    StoreHangs(Duration),
}

/// What time and randomness a node gets.
#[derive(Clone)]
pub struct Surroundings {
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// A node at work.
pub struct Running {
    exchange: Arc<Exchange>,
    calls: Arc<Calls>,
    listener: Arc<PeerListener>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Running {
    /// Starts everything; when this returns, both listeners are open and the index is complete.
    pub async fn start(config: &Config, surroundings: Surroundings) -> Result<Self, StartError> {
        let folder = config.node.data_dir.join("store");
        let engine = store_folder::open(&folder, config.store.cache_bytes(), &*surroundings.clock).await?;
        Self::start_over(config, surroundings, Arc::new(engine)).await
    }

    /// The same over any engine.
    pub async fn start_over(
        config: &Config,
        surroundings: Surroundings,
        engine: Arc<dyn Engine>,
    ) -> Result<Self, StartError> {
        let foundation = Foundation::lay(config, &surroundings, engine).await?;
        let mut work = Work { tasks: JoinSet::new(), stop: CancellationToken::new() };
        let listener = foundation.serve_peers(config, &mut work).await?;
        foundation.serve_desk(config, &listener, &mut work).await?;
        let Work { tasks, stop } = foundation.start_workers(config, &listener, work);
        let (peers, desk) = (listener.local_addr(), config.desk.socket.display());
        info!(participant = %config.node.participant, %peers, %desk, "node started");
        Ok(Self { exchange: foundation.exchange, calls: foundation.calls, listener, stop, tasks })
    }

    /// The use-cases, for whoever runs the node in its own process.
    pub fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// The way to the peers.
    pub fn calls(&self) -> &Arc<Calls> {
        &self.calls
    }

    /// Where peers reach it.
    pub fn peer_address(&self) -> std::net::SocketAddr {
        self.listener.local_addr()
    }

    /// Stops in order, within [`STOP_MAX`]: no new calls, calls under way end, the store is flushed.
    pub async fn stop(mut self) -> Result<(), StopError> {
        self.stop.cancel();
        let drained = timeout(DRAIN, async {
            self.listener.stop().await;
            while self.tasks.join_next().await.is_some() {}
        });
        if drained.await.is_err() {
            warn!("some calls did not end in time and are broken off");
            let broken_off = timeout(BREAK_OFF, self.tasks.shutdown()).await;
            if broken_off.is_err() {
                error!("some calls cannot be broken off and end with the process");
            }
        }
        let closed = within(CLOSE_STORE, self.exchange.stop()).await;
        if let Err(StopError::StoreHangs(_)) = closed {
            // The last owner of the store waits for its writing thread. Nobody is to be the last owner.
            std::mem::forget(self.exchange);
        }
        closed?;
        info!("node stopped");
        Ok(())
    }
}

/// Gives the store `bound` to close.
async fn within(bound: Duration, closing: impl Future<Output = Result<(), ExchangeError>>) -> Result<(), StopError> {
    Ok(timeout(bound, closing).await.map_err(|_| StopError::StoreHangs(bound))??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_stop_end_within_the_whole() {
        assert!(DRAIN + BREAK_OFF + CLOSE_STORE <= STOP_MAX);
    }

    #[tokio::test]
    async fn store_that_hangs_or_fails_is_told_and_not_waited_for() {
        let bound = Duration::from_millis(1);
        let hangs = within(bound, std::future::pending()).await;
        assert!(matches!(hangs, Err(StopError::StoreHangs(told)) if told == bound), "{hangs:?}");
        let failed = async { Err(ExchangeError::from(StoreError::ReadOnly)) };
        let failed = within(CLOSE_STORE, failed).await;
        assert!(matches!(failed, Err(StopError::Store(_))), "{failed:?}");
        assert!(within(CLOSE_STORE, async { Ok(()) }).await.is_ok());
    }
}
