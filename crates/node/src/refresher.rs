//! Compares descriptors with one peer again and again: at start, when its hint says so, and at once when somebody calls for
//! it because one side lacks something. What the peer lacks is pushed, what we lack is pulled.
//!
//! Promises: one comparison at a time; a peer that cannot be compared with is tried again with a growing pause, never less
//! often than it is looked at anyway; pauses are drawn apart, so that a federation does not knock all at once. Leaves out:
//! what a comparison does, which is the exchange's.

use std::sync::Arc;
use std::time::Duration;

use selat_exchange::{Exchange, RefreshError, Refreshed};
use selat_record::{ParticipantId, Timestamp};
use selat_seal::Entropy;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// First pause after a failure; each further failure doubles it.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
/// Longest pause after a failure.
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// Shortest and longest time between two looks at a peer that says how often it wants to be looked at.
const HINT_MIN: Duration = Duration::from_secs(60);
const HINT_MAX: Duration = Duration::from_secs(24 * 3600);
/// How often one is looked at that does not say.
const UNHINTED: Duration = Duration::from_secs(3600);
/// Calls to compare at once are heeded this far apart, and after a failure once until its pause is over: a peer may call for
/// it with every hello.
const CALLS_APART_MS: u64 = 250;

/// What a refresher needs.
pub struct Refresher {
    /// The use-cases.
    pub exchange: Arc<Exchange>,
    /// Draws the pauses apart.
    pub entropy: Arc<dyn Entropy>,
    /// How often to look; `None`: as the peer hints.
    pub period: Option<Duration>,
}

/// Which calls to compare at once are heeded.
struct Calls {
    /// Any at all.
    heeded: bool,
    /// The next one not before this moment of the monotonic clock.
    next_ms: u64,
}

impl Refresher {
    /// Compares with `peer` until `stop`.
    pub async fn run(self, peer: ParticipantId, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.compare_for_ever(&peer) => {}
        }
    }

    async fn compare_for_ever(&self, peer: &ParticipantId) {
        let mut failures = 0;
        // Two nodes that cannot agree call each other with each try, and would do so without end.
        let mut calls = Calls { heeded: true, next_ms: 0 };
        loop {
            let begun = self.exchange.clock().now();
            failures = self.compare(peer, failures).await;
            calls.heeded |= failures == 0;
            while !self.is_due(peer, failures, &mut calls).await && self.is_settled_since(peer, begun) {
                failures = 0;
            }
        }
    }

    /// Waits for a call or for the end of the pause. True if another comparison is due whatever came meanwhile.
    async fn is_due(&self, peer: &ParticipantId, failures: u32, calls: &mut Calls) -> bool {
        let (called, clock) = (self.exchange.refresh_call_of(peer), self.exchange.clock());
        tokio::select! {
            () = clock.sleep(self.pause(peer, failures)) => {
                calls.heeded = true;
                failures == 0
            }
            () = called.notified(), if calls.heeded => {
                clock.sleep(Duration::from_millis(calls.next_ms.saturating_sub(clock.monotonic_ms()))).await;
                *calls = Calls { heeded: failures == 0, next_ms: clock.monotonic_ms().saturating_add(CALLS_APART_MS) };
                true
            }
        }
    }

    /// True when the peer said hello itself after a comparison that failed, and neither side lacked anything.
    fn is_settled_since(&self, peer: &ParticipantId, begun: Timestamp) -> bool {
        let book = self.exchange.book();
        let Ok(entry) = book.peer(peer) else { return false };
        let known = self.exchange.comparison(entry);
        known.acknowledged == self.exchange.descriptor().version() && known.refreshed.is_some_and(|at| at >= begun)
    }

    /// One comparison; how many have failed in a row now.
    async fn compare(&self, peer: &ParticipantId, failures: u32) -> u32 {
        match self.exchange.refresh(peer).await {
            Ok(Refreshed { version, pulled, pushed, .. }) => {
                debug!(%peer, version, pulled, pushed, "descriptors compared");
                0
            }
            Err(error) => {
                tell(peer, &error, failures);
                failures + 1
            }
        }
    }

    fn pause(&self, peer: &ParticipantId, failures: u32) -> Duration {
        let mut drawn = [0; 4];
        self.entropy.fill(&mut drawn);
        spread(pause_after(failures, self.period(peer)), u32::from_be_bytes(drawn))
    }

    fn period(&self, peer: &ParticipantId) -> Duration {
        self.period.unwrap_or_else(|| self.hinted(peer))
    }

    fn hinted(&self, peer: &ParticipantId) -> Duration {
        let book = self.exchange.book();
        let hint = book.peer(peer).map_or(0, |entry| entry.descriptor.message().refresh_hint_s);
        period_of(hint, self.exchange.limits().stale_warn)
    }
}

/// How often to look at a peer with this hint, so that it is not called stale only because it was not looked at.
fn period_of(hint_s: u32, stale_warn: Duration) -> Duration {
    let hinted = if hint_s == 0 { UNHINTED } else { Duration::from_secs(u64::from(hint_s)) };
    hinted.clamp(HINT_MIN, HINT_MAX).min(stale_warn / 2)
}

/// How long to wait when the last `failures` comparisons failed.
fn pause_after(failures: u32, period: Duration) -> Duration {
    match failures.checked_sub(1) {
        None => period,
        Some(doublings) => PAUSE_FIRST.saturating_mul(1 << doublings.min(16)).min(PAUSE_MAX).min(period),
    }
}

/// Up to a tenth less, as drawn.
fn spread(pause: Duration, drawn: u32) -> Duration {
    pause - (pause / 10).mul_f64(f64::from(drawn) / f64::from(u32::MAX))
}

/// A peer that is down is the follower's to tell of. Anything else is told once, not at every try.
fn tell(peer: &ParticipantId, error: &RefreshError, failures_before: u32) {
    match error {
        RefreshError::Call(_) => debug!(%peer, %error, "descriptors not compared"),
        _ if failures_before == 0 => warn!(%peer, %error, "descriptors not compared to the end"),
        _ => debug!(%peer, %error, "descriptors still not compared to the end"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_grows_with_failures_up_to_its_bound_and_never_beyond_the_period() {
        let hour = Duration::from_secs(3600);
        let seconds = |failures, period| pause_after(failures, period).as_secs();
        let grown: Vec<_> = (0..10).map(|failures| seconds(failures, hour)).collect();
        assert_eq!(grown, [3600, 5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(seconds(u32::MAX, hour), 600);
        assert_eq!([seconds(0, hour / 3600), seconds(9, hour / 3600)], [1, 1]);
    }

    #[test]
    fn hint_is_heeded_within_bounds_and_before_the_peer_grows_stale() {
        let period = |hint, hours: u64| period_of(hint, Duration::from_secs(hours * 3600)).as_secs();
        assert_eq!([period(0, 24), period(1, 24), period(600, 24), period(u32::MAX, 72)], [3600, 60, 600, 24 * 3600]);
        assert_eq!([period(604_800, 24), period(604_800, 1), period(0, 1)], [12 * 3600, 1800, 1800]);
    }

    #[test]
    fn pause_is_drawn_up_to_a_tenth_shorter() {
        let pause = Duration::from_secs(100);
        assert_eq!(spread(pause, 0), pause);
        assert_eq!(spread(pause, u32::MAX), pause * 9 / 10);
    }
}
