//! What needs a person: the judgement behind `selat doctor`, from facts to findings.
//!
//! Promises: every area has at least one finding; a finding that is not [`Level::Ok`] names the command that mends it;
//! nothing of what records say, and no secret, is in one. Pure: facts and `now` come in, findings go out. Leaves out:
//! gathering the facts of a node that runs ([`crate::watch`]), and showing them.

mod backup;
mod certificates;
mod clock;
mod descriptors;
mod facts;
mod finding;
pub(crate) mod gather;
mod keys;
pub mod mends;
pub mod offline;
mod peers;
mod store;
#[cfg(test)]
pub(crate) mod testing;

use std::time::Duration;

use selat_record::Timestamp;

pub use facts::{
    BackupFacts, CertificateFacts, ClockFacts, DescriptorFacts, DiskFacts, Facts, KeyFact, KeyFacts, KeyFileFault,
    Opened, PeerFacts, PeerStanding, StoreFacts, key_name,
};
pub use finding::{Area, Finding, Level};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// From when on something is a warning, or critical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// What ends within this span is a warning.
    pub warn: Duration,
    /// What ends within this span is critical.
    pub crit: Duration,
    /// A peer's descriptor that was not refreshed for so long is a warning...
    pub stale_warn: Duration,
    /// ...and for so long, nothing is disclosed to the peer any more.
    pub stale_stop: Duration,
    /// Clocks further apart are a warning.
    pub clock_skew_max: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            warn: 30 * DAY,
            crit: 7 * DAY,
            stale_warn: DAY,
            stale_stop: 3 * DAY,
            clock_skew_max: Duration::from_secs(60),
        }
    }
}

/// Judges everything, area by area.
pub fn examine(facts: &Facts, bounds: &Bounds, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![configuration(facts)];
    findings.extend(clock::examine(facts, bounds, now));
    findings.extend(keys::examine(&facts.keys, facts.is_running(), bounds, now));
    findings.extend(certificates::examine(&facts.certificates, bounds, now));
    findings.extend(descriptors::examine(facts, bounds, now));
    findings.extend(peers::examine(facts, now));
    findings.extend(store::examine(&facts.store));
    findings.extend(backup::examine(facts, now));
    findings
}

/// A configuration with faults never becomes facts: who reads it tells them.
fn configuration(facts: &Facts) -> Finding {
    let what = match facts.started {
        Some(started) => format!("the node of {} runs since {started}", facts.participant),
        None => format!("the configuration of {} has no faults", facts.participant),
    };
    Finding::ok(Area::Configuration, what)
}

/// How something that ends is judged: `None` while its end is far away or not fixed.
fn ending(until: Option<Timestamp>, bounds: &Bounds, now: Timestamp) -> Option<(Level, String)> {
    let until = until?;
    if until <= now {
        return Some((Level::Critical, format!("ended {} ago, at {until}", words(now.since(until)))));
    }
    let left = until.since(now);
    let level = match left {
        left if left <= bounds.crit => Level::Critical,
        left if left <= bounds.warn => Level::Warning,
        _ => return None,
    };
    Some((level, format!("ends in {}, at {until}", words(left))))
}

/// A span as people say it, in its largest unit.
pub(crate) fn words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{at, healthy};
    use super::*;

    #[test]
    fn healthy_node_has_one_good_finding_per_area_and_peer() {
        let findings = examine(&healthy(), &Bounds::default(), at(0));
        assert!(findings.iter().all(|finding| finding.level == Level::Ok && finding.mend.is_empty()), "{findings:#?}");
        for area in Area::ALL {
            assert!(findings.iter().any(|finding| finding.area == area), "{area:?}");
        }
        assert!(findings.is_sorted_by_key(|finding| finding.area));
    }

    #[test]
    fn node_that_is_down_is_judged_by_its_files_alone() {
        let mut facts = healthy();
        facts.started = None;
        facts.keys.keys.iter_mut().for_each(|key| key.in_use = false);
        facts.peers.iter_mut().for_each(|peer| {
            (peer.connected, peer.last_contact, peer.clock_skew_ms) = (false, None, None);
        });
        let findings = examine(&facts, &Bounds::default(), at(0));
        assert!(findings.iter().all(|finding| finding.level == Level::Ok), "{findings:#?}");
    }

    #[test]
    fn end_is_judged_at_its_edges() {
        let bounds = Bounds::default();
        let level = |until: i64| ending(Some(at(until)), &bounds, at(0)).map(|(level, _)| level);
        let day = 86_400_000;
        assert_eq!(level(31 * day), None);
        assert_eq!(level(30 * day + 1), None);
        assert_eq!(level(30 * day), Some(Level::Warning));
        assert_eq!(level(7 * day + 1), Some(Level::Warning));
        assert_eq!(level(7 * day), Some(Level::Critical));
        assert_eq!(level(0), Some(Level::Critical));
        assert_eq!(level(-1), Some(Level::Critical));
        assert_eq!(ending(None, &bounds, at(0)), None);
    }

    #[test]
    fn span_is_told_in_its_largest_unit() {
        for (seconds, told) in
            [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172_800, "2 d")]
        {
            assert_eq!(words(Duration::from_secs(seconds)), told);
        }
    }
}
