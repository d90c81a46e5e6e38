//! How peers behave. A peer that sends garbage, too much or wrong signatures is cut off for a while and named in the
//! status; the others never notice. Kept in memory: a restart forgives.
//!
//! Promise: spans are measured on the monotonic clock, so setting the wall clock neither forgives a peer nor keeps it out.
//! The wall-clock times that the methods take only say, for people, when a cut-off ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use selat_record::{ParticipantId, Timestamp};
use tokio::sync::broadcast;
use tracing::warn;

use crate::{Clock, Limits};

/// Cut-offs announced but not yet read by the listener; more than this many at once and the oldest is lost to the
/// announcement, not to [`Conduct::cut_off`].
const ANNOUNCEMENTS_MAX: usize = 64;

/// Why a peer is cut off, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// Nothing of the peer is accepted before, as the wall clock was when this was asked.
    pub until: Timestamp,
    /// What it did last.
    pub reason: String,
}

/// Times are milliseconds on the monotonic clock.
#[derive(Debug, Default)]
struct Faults {
    count: u32,
    first: Option<u64>,
    cut_off: Option<Ban>,
}

#[derive(Debug)]
struct Ban {
    ends: u64,
    reason: String,
}

/// The account of every peer's faults.
pub struct Conduct {
    clock: Arc<dyn Clock>,
    faults: Mutex<BTreeMap<ParticipantId, Faults>>,
    announce: broadcast::Sender<ParticipantId>,
    limits: Limits,
}

impl Conduct {
    /// An account without entries.
    pub fn new(clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self { clock, faults: Mutex::default(), announce: broadcast::channel(ANNOUNCEMENTS_MAX).0, limits }
    }

    /// Peers as they are cut off, for whoever closes their connections.
    pub fn cut_offs(&self) -> broadcast::Receiver<ParticipantId> {
        self.announce.subscribe()
    }

    /// Notes one fault; at the limit the peer is cut off and announced. True if it is cut off now.
    pub fn fault(&self, peer: &ParticipantId, what: &str, now: Timestamp) -> bool {
        let cut = self.note(peer, what);
        if cut {
            let until = now.plus(self.limits.cut_off);
            warn!(%peer, what, %until, "peer at fault and cut off");
            // No receiver means that nothing listens yet: then there is no connection to close either.
            let _ = self.announce.send(peer.clone());
        } else {
            warn!(%peer, what, "peer at fault");
        }
        cut
    }

    fn note(&self, peer: &ParticipantId, what: &str) -> bool {
        let at = self.clock.monotonic_ms();
        let mut all = self.lock();
        let faults = all.entry(peer.clone()).or_default();
        let window_over = faults.first.is_none_or(|first| at.saturating_sub(first) > ms(self.limits.fault_window));
        if window_over {
            faults.first = Some(at);
            faults.count = 0;
        }
        faults.count += 1;
        let cut = faults.count >= self.limits.faults_before_cut_off;
        if cut {
            let ends = at.saturating_add(ms(self.limits.cut_off));
            *faults = Faults { cut_off: Some(Ban { ends, reason: what.to_owned() }), ..Faults::default() };
        }
        cut
    }

    /// Set while nothing of the peer may be accepted.
    pub fn cut_off(&self, peer: &ParticipantId, now: Timestamp) -> Option<CutOff> {
        let at = self.clock.monotonic_ms();
        let all = self.lock();
        let ban = all.get(peer)?.cut_off.as_ref().filter(|ban| ban.ends > at)?;
        let left = Duration::from_millis(ban.ends - at);
        Some(CutOff { until: now.plus(left), reason: ban.reason.clone() })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<ParticipantId, Faults>> {
        // The map is plain counters: a panic elsewhere while it was held leaves it usable.
        self.faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use async_trait::async_trait;

    use super::*;

    /// Two hands, turned apart.
    #[derive(Default)]
    struct TwoHands {
        wall: AtomicU64,
        monotonic: AtomicU64,
    }

    #[async_trait]
    impl Clock for TwoHands {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH.plus(Duration::from_secs(self.wall.load(Ordering::SeqCst)))
        }

        fn monotonic_ms(&self) -> u64 {
            self.monotonic.load(Ordering::SeqCst) * 1000
        }

        async fn sleep(&self, _: Duration) {
            unreachable!("nothing here sleeps")
        }
    }

    fn peer() -> ParticipantId {
        "MYS".parse().unwrap()
    }

    fn conduct(limits: Limits) -> (Conduct, Arc<TwoHands>) {
        let clock = Arc::new(TwoHands { wall: AtomicU64::new(1_000_000), ..TwoHands::default() });
        (Conduct::new(clock.clone(), limits), clock)
    }

    #[test]
    fn peer_is_cut_off_at_the_limit_and_forgiven_after_the_span() {
        let limits = Limits { faults_before_cut_off: 3, cut_off: Duration::from_secs(60), ..Limits::default() };
        let (conduct, clock) = conduct(limits);
        let mut announced = conduct.cut_offs();
        assert!(!conduct.fault(&peer(), "garbage", clock.now()));
        assert!(!conduct.fault(&peer(), "garbage", clock.now()));
        assert_eq!(conduct.cut_off(&peer(), clock.now()), None);
        assert!(conduct.fault(&peer(), "wrong signature", clock.now()));
        clock.monotonic.store(59, Ordering::SeqCst);
        let cut_off = conduct.cut_off(&peer(), clock.now()).unwrap();
        assert_eq!(
            (cut_off.reason.as_str(), cut_off.until),
            ("wrong signature", clock.now().plus(Duration::from_secs(1)))
        );
        clock.monotonic.store(60, Ordering::SeqCst);
        assert_eq!(conduct.cut_off(&peer(), clock.now()), None);
        assert_eq!(announced.try_recv().unwrap(), peer());
    }

    #[test]
    fn wall_clock_that_is_set_neither_forgives_nor_keeps_out() {
        let limits = Limits { faults_before_cut_off: 2, cut_off: Duration::from_secs(60), ..Limits::default() };
        let (conduct, clock) = conduct(limits);
        assert!(!conduct.fault(&peer(), "garbage", clock.now()));
        clock.wall.store(9_000_000, Ordering::SeqCst);
        assert!(conduct.fault(&peer(), "garbage", clock.now()), "a clock set forward does not end the window");
        clock.wall.store(90_000_000, Ordering::SeqCst);
        assert!(conduct.cut_off(&peer(), clock.now()).is_some(), "nor the cut-off");
        clock.wall.store(0, Ordering::SeqCst);
        clock.monotonic.store(60, Ordering::SeqCst);
        assert_eq!(conduct.cut_off(&peer(), clock.now()), None, "a clock set back does not lengthen it");
    }

    #[test]
    fn faults_spread_over_more_than_the_window_never_cut_off() {
        let limits = Limits { faults_before_cut_off: 2, fault_window: Duration::from_secs(10), ..Limits::default() };
        let (conduct, clock) = conduct(limits);
        for n in 0..20 {
            clock.monotonic.store(n * 11, Ordering::SeqCst);
            assert!(!conduct.fault(&peer(), "late", clock.now()));
        }
    }
}
