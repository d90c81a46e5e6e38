//! Our clock against what the node has known, and against the peers' clocks.

use std::time::Duration;

use selat_record::Timestamp;

use super::facts::{Facts, PeerFacts, PeerStanding};
use super::finding::{Area, Finding};
use super::{Bounds, mends, words};

/// A message from further in the future is refused by every node, whatever its configuration says.
const REFUSED: Duration = Duration::from_secs(300);

pub(super) fn examine(facts: &Facts, bounds: &Bounds, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![against_high_water(facts.clock.high_water, bounds, now)];
    let approved = facts.peers.iter().filter(|peer| peer.standing == PeerStanding::Approved);
    findings.extend(approved.filter_map(|peer| against_peer(peer, bounds)));
    findings
}

fn against_high_water(known: Option<Timestamp>, bounds: &Bounds, now: Timestamp) -> Finding {
    match known {
        Some(known) if known > now.plus(bounds.clock_skew_max) => {
            let what = format!(
                "the clock shows {now}, {} before a time that the node has already known; it would not start",
                words(known.since(now))
            );
            Finding::critical(Area::Clock, what, mends::CLOCK)
        }
        _ => Finding::ok(Area::Clock, format!("the clock shows {now}, and no later time is known")),
    }
}

fn against_peer(peer: &PeerFacts, bounds: &Bounds) -> Option<Finding> {
    let skew_ms = peer.clock_skew_ms?;
    let apart = Duration::from_millis(skew_ms.unsigned_abs());
    if apart <= bounds.clock_skew_max {
        return None;
    }
    let direction = if skew_ms > 0 { "ahead of" } else { "behind" };
    let what = format!("the clock of {} is {} {direction} ours", peer.peer, words(apart));
    let mend = mends::ping(&peer.peer);
    let finding = if apart > REFUSED {
        Finding::critical(Area::Clock, format!("{what}; messages are refused"), mend)
    } else {
        Finding::warning(Area::Clock, what, mend)
    };
    Some(finding.about(&peer.peer))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::super::testing::{at, healthy};
    use super::*;

    fn worst(facts: &Facts) -> (Level, String) {
        let findings = examine(facts, &Bounds::default(), at(0));
        let worst = findings.into_iter().max_by_key(|finding| finding.level).unwrap();
        (worst.level, worst.what)
    }

    #[test]
    fn clock_behind_what_was_known_is_critical_beyond_the_tolerance() {
        for (known, level) in [(None, Level::Ok), (Some(60_000), Level::Ok), (Some(60_001), Level::Critical)] {
            let mut facts = healthy();
            facts.clock.high_water = known.map(at);
            assert_eq!(worst(&facts).0, level, "{known:?}");
        }
    }

    #[test]
    fn peers_clock_is_judged_in_both_directions() {
        for (skew_ms, level, word) in [
            (60_000, Level::Ok, "no later time"),
            (60_001, Level::Warning, "ahead of"),
            (-60_001, Level::Warning, "behind"),
            (300_001, Level::Critical, "refused"),
            (-300_001, Level::Critical, "refused"),
        ] {
            let mut facts = healthy();
            facts.peers[0].clock_skew_ms = Some(skew_ms);
            let (found, what) = worst(&facts);
            assert!(found == level && what.contains(word), "{skew_ms}: {found:?} {what}");
        }
    }

    #[test]
    fn clock_of_a_peer_without_traffic_is_nobodys_business() {
        let mut facts = healthy();
        facts.peers[0].clock_skew_ms = Some(600_000);
        facts.peers[0].standing = PeerStanding::Suspended;
        assert_eq!(worst(&facts).0, Level::Ok);
    }
}
