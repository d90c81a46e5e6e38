//! The node's certificate: made at start, made anew at two thirds of its life, put in force without dropping a call.

use std::sync::Arc;
use std::time::Duration;

use selat_exchange::Clock;
use selat_link::{Authority, AuthorityError, Leaf, LiveLeaf, NodeName};
use selat_seal::Entropy;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// Life of a certificate: a stolen one is of use for three days at most.
const LIFE: Duration = Duration::from_secs(3 * 24 * 3600);
/// Made anew after this.
const RENEW_AFTER: Duration = Duration::from_secs(2 * 24 * 3600);
/// Pause after a failure.
const RETRY: Duration = Duration::from_secs(600);

/// Makes the node's certificates.
pub struct Renewal {
    authority: Authority,
    name: NodeName,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Renewal {
    /// Certificates of `authority` for the node `name`.
    pub fn new(authority: Authority, name: NodeName, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { authority, name, clock, entropy }
    }

    /// A fresh certificate.
    pub fn issue(&self) -> Result<Leaf, AuthorityError> {
        self.authority.issue(&self.name, self.clock.now(), LIFE, &*self.entropy)
    }

    /// Renews `live` in time, until `stop`.
    pub async fn run(self, live: Arc<LiveLeaf>, stop: CancellationToken) {
        let mut pause = RENEW_AFTER;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep(pause) => {}
            }
            pause = match self.renew(&live) {
                Ok(()) => RENEW_AFTER,
                Err(why) => {
                    error!(why, "certificate not renewed");
                    RETRY
                }
            };
        }
    }

    fn renew(&self, live: &LiveLeaf) -> Result<(), String> {
        let leaf = self.issue().map_err(|error| error.to_string())?;
        live.swap(leaf).map_err(|error| error.to_string())?;
        info!(name = %self.name, "certificate renewed");
        Ok(())
    }
}
