//! How peers behave. A peer that sends garbage, too much or wrong signatures is cut off for a while and named in the
//! status; the others never notice. Kept in memory: a restart forgives.

use std::collections::BTreeMap;
use std::sync::Mutex;

use selat_record::{ParticipantId, Timestamp};
use tokio::sync::broadcast;
use tracing::warn;

use crate::Limits;

/// Cut-offs announced but not yet read by the listener; more than this many at once and the oldest is lost to the
/// announcement, not to [`Conduct::cut_off`].
const ANNOUNCEMENTS_MAX: usize = 64;

/// Why a peer is cut off, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// Nothing of the peer is accepted before.
    pub until: Timestamp,
    /// What it did last.
    pub reason: String,
}

#[derive(Debug, Default)]
struct Faults {
    count: u32,
    first: Option<Timestamp>,
    cut_off: Option<CutOff>,
}

/// The account of every peer's faults.
#[derive(Debug)]
pub struct Conduct {
    faults: Mutex<BTreeMap<ParticipantId, Faults>>,
    announce: broadcast::Sender<ParticipantId>,
    limits: Limits,
}

impl Conduct {
    /// An account without entries.
    pub fn new(limits: Limits) -> Self {
        Self { faults: Mutex::default(), announce: broadcast::channel(ANNOUNCEMENTS_MAX).0, limits }
    }

    /// Peers as they are cut off, for whoever closes their connections.
    pub fn cut_offs(&self) -> broadcast::Receiver<ParticipantId> {
        self.announce.subscribe()
    }

    /// Notes one fault; at the limit the peer is cut off and announced. True if it is cut off now.
    pub fn fault(&self, peer: &ParticipantId, what: &str, now: Timestamp) -> bool {
        let cut = self.note(peer, what, now);
        warn!(%peer, what, cut_off = cut, "peer at fault");
        if cut {
            // No receiver means that nothing listens yet: then there is no connection to close either.
            let _ = self.announce.send(peer.clone());
        }
        cut
    }

    fn note(&self, peer: &ParticipantId, what: &str, now: Timestamp) -> bool {
        let mut all = self.lock();
        let faults = all.entry(peer.clone()).or_default();
        let window_over = faults.first.is_none_or(|first| now.since(first) > self.limits.fault_window);
        if window_over {
            faults.first = Some(now);
            faults.count = 0;
        }
        faults.count += 1;
        let cut = faults.count >= self.limits.faults_before_cut_off;
        if cut {
            faults.cut_off = Some(CutOff { until: now.plus(self.limits.cut_off), reason: what.to_owned() });
            faults.count = 0;
            faults.first = None;
        }
        cut
    }

    /// Set while nothing of the peer may be accepted.
    pub fn cut_off(&self, peer: &ParticipantId, now: Timestamp) -> Option<CutOff> {
        self.lock().get(peer).and_then(|faults| faults.cut_off.clone()).filter(|cut_off| cut_off.until > now)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<ParticipantId, Faults>> {
        // The map is plain counters: a panic elsewhere while it was held leaves it usable.
        self.faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn peer() -> ParticipantId {
        "MYS".parse().unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(1_000_000 + seconds * 1000).unwrap()
    }

    #[test]
    fn peer_is_cut_off_at_the_limit_and_forgiven_after_the_span() {
        let limits = Limits { faults_before_cut_off: 3, cut_off: Duration::from_secs(60), ..Limits::default() };
        let conduct = Conduct::new(limits);
        let mut announced = conduct.cut_offs();
        assert!(!conduct.fault(&peer(), "garbage", at(0)));
        assert!(!conduct.fault(&peer(), "garbage", at(1)));
        assert_eq!(conduct.cut_off(&peer(), at(1)), None);
        assert!(conduct.fault(&peer(), "wrong signature", at(2)));
        assert_eq!(conduct.cut_off(&peer(), at(61)).unwrap().reason, "wrong signature");
        assert_eq!(conduct.cut_off(&peer(), at(62)), None);
        assert_eq!(announced.try_recv().unwrap(), peer());
    }

    #[test]
    fn faults_spread_over_more_than_the_window_never_cut_off() {
        let limits = Limits { faults_before_cut_off: 2, fault_window: Duration::from_secs(10), ..Limits::default() };
        let conduct = Conduct::new(limits);
        for n in 0..20 {
            assert!(!conduct.fault(&peer(), "late", at(n * 11)));
        }
    }
}
