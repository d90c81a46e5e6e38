//! Traffic with each peer.

use std::time::Duration;

use selat_record::Timestamp;

use super::facts::{Facts, PeerFacts, PeerStanding};
use super::finding::{Area, Finding};
use super::{mends, words};

/// A peer from which nothing has come for so long is out of reach: heartbeats come every few seconds.
const SILENT: Duration = Duration::from_secs(15 * 60);
/// Entries that a peer may have told of and we do not hold yet, before it is worth a look.
const LAG: u64 = 1000;

pub(super) fn examine(facts: &Facts, now: Timestamp) -> Vec<Finding> {
    if facts.peers.is_empty() {
        return vec![Finding::ok(Area::Peers, "no peers yet")];
    }
    facts.peers.iter().flat_map(|peer| of(peer, facts.started, now)).collect()
}

fn of(peer: &PeerFacts, started: Option<Timestamp>, now: Timestamp) -> Vec<Finding> {
    let name = &peer.peer;
    let findings = match peer.standing {
        PeerStanding::Pending => vec![Finding::ok(Area::Peers, format!("{name} waits for its phrase to be compared"))],
        PeerStanding::Frozen => {
            let what = format!("{name} is frozen; no traffic until it is removed and met again");
            vec![Finding::critical(Area::Peers, what, mends::show(name))]
        }
        PeerStanding::Suspended => {
            let what = format!("{name} is suspended: {}", peer.standing_reason);
            vec![Finding::warning(Area::Peers, what, mends::resume(name))]
        }
        PeerStanding::Approved => traffic(peer, started, now),
    };
    findings.into_iter().map(|finding| finding.about(name)).collect()
}

fn traffic(peer: &PeerFacts, started: Option<Timestamp>, now: Timestamp) -> Vec<Finding> {
    let name = &peer.peer;
    let mut troubles: Vec<_> = started.and_then(|started| silence(peer, started, now)).into_iter().collect();
    if let Some((until, why)) = &peer.cut_off {
        let what = format!("{name} is cut off until {until}: {why}");
        troubles.push(Finding::warning(Area::Peers, what, mends::show(name)));
    }
    if peer.lag > LAG {
        let what = format!("{} entries of {name} have not come in yet", peer.lag);
        troubles.push(Finding::warning(Area::Peers, what, mends::show(name)));
    }
    if peer.quarantined > 0 {
        let what = format!("{} entries of {name} could not be accepted", peer.quarantined);
        troubles.push(Finding::warning(Area::Peers, what, mends::quarantine(name)));
    }
    if !troubles.is_empty() {
        return troubles;
    }
    let what = if peer.connected { format!("{name} is followed") } else { format!("{name} is approved") };
    vec![Finding::ok(Area::Peers, what)]
}

/// Right after the start nobody has been heard of.
fn silence(peer: &PeerFacts, started: Timestamp, now: Timestamp) -> Option<Finding> {
    let silent = now.since(peer.last_contact.unwrap_or(started).max(started));
    if peer.connected || silent < SILENT {
        return None;
    }
    let why = peer.last_error.as_deref().unwrap_or("it has not been reached");
    let what = format!("nothing has come from {} for {}: {why}", peer.peer, words(silent));
    Some(Finding::warning(Area::Peers, what, mends::ping(&peer.peer)))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::super::testing::{at, healthy};
    use super::*;

    const MINUTE: i64 = 60_000;

    fn check(change: impl FnOnce(&mut PeerFacts), level: Level, words: &str) {
        let mut facts = healthy();
        change(&mut facts.peers[0]);
        let found = examine(&facts, at(0));
        let about = facts.peers[0].peer.clone();
        let found: Vec<_> = found.into_iter().filter(|finding| finding.peer.as_ref() == Some(&about)).collect();
        let good = matches!(found.as_slice(), [only] if only.level == level && only.what.contains(words));
        assert!(good, "{words}: {found:#?}");
    }

    #[test]
    fn peer_is_silent_only_after_a_while_without_a_stream() {
        let silent = |ago: i64, connected: bool| {
            move |peer: &mut PeerFacts| (peer.connected, peer.last_contact) = (connected, Some(at(-ago)))
        };
        check(silent(14 * MINUTE, false), Level::Ok, "approved");
        check(silent(15 * MINUTE, false), Level::Warning, "for 15 min");
        check(silent(15 * MINUTE, true), Level::Ok, "followed");
        let never = |peer: &mut PeerFacts| {
            (peer.connected, peer.last_contact, peer.last_error) = (false, None, Some("refused".into()));
        };
        check(never, Level::Warning, "refused");
    }

    #[test]
    fn node_that_has_just_started_has_heard_of_nobody() {
        let mut facts = healthy();
        facts.started = Some(at(-MINUTE));
        (facts.peers[0].connected, facts.peers[0].last_contact) = (false, None);
        assert!(examine(&facts, at(0)).iter().all(|finding| finding.level == Level::Ok));
    }

    #[test]
    fn lag_quarantine_and_cut_off_are_told() {
        check(|peer| peer.lag = 1000, Level::Ok, "followed");
        check(|peer| peer.lag = 1001, Level::Warning, "1001 entries");
        check(|peer| peer.quarantined = 1, Level::Warning, "could not be accepted");
        check(|peer| peer.cut_off = Some((at(1), "garbage".into())), Level::Warning, "garbage");
    }

    #[test]
    fn standing_decides_before_traffic() {
        let standing = |standing| {
            move |peer: &mut PeerFacts| {
                (peer.standing, peer.connected, peer.last_contact, peer.quarantined) = (standing, false, None, 5);
                peer.standing_reason = "audit".into();
            }
        };
        check(standing(PeerStanding::Pending), Level::Ok, "waits");
        check(standing(PeerStanding::Suspended), Level::Warning, "audit");
        check(standing(PeerStanding::Frozen), Level::Critical, "frozen");
    }

    #[test]
    fn node_without_peers_says_so() {
        let mut facts = healthy();
        facts.peers.clear();
        assert_eq!(examine(&facts, at(0)), [Finding::ok(Area::Peers, "no peers yet")]);
    }
}
