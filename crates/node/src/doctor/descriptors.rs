//! Descriptors: our own and its file, who holds it, and how fresh those of the peers are.

use selat_record::Timestamp;

use super::facts::{DescriptorFacts, Facts, PeerFacts, PeerStanding};
use super::finding::{Area, Finding, Level};
use super::{Bounds, ending, mends, words};

pub(super) fn examine(facts: &Facts, bounds: &Bounds, now: Timestamp) -> Vec<Finding> {
    let own = &facts.descriptor;
    let said = format!("version {} of {} is in force since {}", own.version, facts.participant, own.created);
    let mut findings = vec![Finding::ok(Area::Descriptors, said)];
    if let Some((level, when)) = ending(own.expires, bounds, now) {
        let what = format!("our descriptor {when}; peers stop the exchange with it");
        findings.push(Finding::of_level(level, Area::Descriptors, what, mends::DRAFT));
    }
    findings.extend(file(own));
    for peer in &facts.peers {
        let found: Vec<_> = match peer.standing {
            PeerStanding::Frozen => vec![equivocation(peer)],
            PeerStanding::Approved => {
                let found = [
                    ends(peer, bounds, now),
                    freshness(peer, bounds, now),
                    acknowledged(peer, own, bounds, now),
                    refused(peer),
                ];
                found.into_iter().flatten().collect()
            }
            PeerStanding::Pending | PeerStanding::Suspended => Vec::new(),
        };
        findings.extend(found.into_iter().map(|finding| finding.about(&peer.peer)));
    }
    findings
}

fn file(own: &DescriptorFacts) -> Option<Finding> {
    let what = match &own.in_file {
        Ok(version) if *version == own.version => return None,
        Ok(version) => format!("{} ends with version {version}, and {} is in force", own.file.display(), own.version),
        Err(why) => format!("{} cannot be read: {why}", own.file.display()),
    };
    Some(Finding::warning(Area::Descriptors, what, mends::write_chain(&own.file)))
}

fn equivocation(peer: &PeerFacts) -> Finding {
    let what = format!("{} signed two descriptors under one number and is frozen: {}", peer.peer, peer.standing_reason);
    Finding::critical(Area::Descriptors, what, mends::show(&peer.peer))
}

fn ends(peer: &PeerFacts, bounds: &Bounds, now: Timestamp) -> Option<Finding> {
    let (level, when) = ending(peer.descriptor_expires, bounds, now)?;
    // Its owner renews it, usually in its last days; ours to chase is only what nearly ends.
    if level == Level::Warning {
        return None;
    }
    let ended = peer.descriptor_expires.is_some_and(|expires| expires <= now);
    let level = if ended { Level::Critical } else { Level::Warning };
    let what = format!("descriptor {} of {} {when}", peer.descriptor_version, peer.peer);
    Some(Finding::of_level(level, Area::Descriptors, what, mends::show(&peer.peer)))
}

fn freshness(peer: &PeerFacts, bounds: &Bounds, now: Timestamp) -> Option<Finding> {
    let mend = mends::ping(&peer.peer);
    let Some(refreshed) = peer.refreshed else {
        let what = format!("the descriptor of {} was never confirmed to be its newest", peer.peer);
        return Some(Finding::warning(Area::Descriptors, what, mend));
    };
    let age = now.since(refreshed);
    let what = format!("the descriptor of {} was last confirmed {} ago", peer.peer, words(age));
    match age {
        age if age >= bounds.stale_stop => {
            let what = format!("{what}: nothing new is disclosed to it");
            Some(Finding::critical(Area::Descriptors, what, mend))
        }
        age if age >= bounds.stale_warn => Some(Finding::warning(Area::Descriptors, what, mend)),
        _ => None,
    }
}

/// Right after a new version everybody is behind; a peer that stays so misses our keys.
fn acknowledged(peer: &PeerFacts, own: &DescriptorFacts, bounds: &Bounds, now: Timestamp) -> Option<Finding> {
    if peer.acknowledged >= own.version || now.since(own.created) < bounds.stale_warn {
        return None;
    }
    let held = match peer.acknowledged {
        0 => "none of our descriptors".to_owned(),
        version => format!("version {version} of our descriptor"),
    };
    let what = format!("{} is known to hold {held}, and version {} is in force", peer.peer, own.version);
    Some(Finding::warning(Area::Descriptors, what, mends::ACKS))
}

fn refused(peer: &PeerFacts) -> Option<Finding> {
    let why = peer.descriptor_fault.as_ref()?;
    let what = format!("a descriptor of {} was refused: {why}", peer.peer);
    Some(Finding::warning(Area::Descriptors, what, mends::show(&peer.peer)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, healthy};
    use super::*;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    fn check(change: impl FnOnce(&mut Facts), level: Level, words: &str) {
        let mut facts = healthy();
        change(&mut facts);
        let found = examine(&facts, &Bounds::default(), at(0));
        let worst = found.iter().max_by_key(|finding| finding.level).unwrap();
        let troubles = found.iter().filter(|finding| finding.level != Level::Ok).count();
        assert!(worst.level == level && worst.what.contains(words) && troubles < 2, "{words}: {found:#?}");
    }

    #[test]
    fn own_descriptor_and_its_file_are_told() {
        check(|_| {}, Level::Ok, "version 3 of AUS");
        check(|facts| facts.descriptor.expires = Some(at(20 * DAY)), Level::Warning, "our descriptor ends");
        check(|facts| facts.descriptor.expires = Some(at(0)), Level::Critical, "our descriptor ended");
        check(|facts| facts.descriptor.in_file = Ok(2), Level::Warning, "ends with version 2, and 3 is in force");
        check(|facts| facts.descriptor.in_file = Err("gone".into()), Level::Warning, "cannot be read: gone");
    }

    #[test]
    fn freshness_is_judged_at_its_edges() {
        let refreshed = |ago: i64| move |facts: &mut Facts| facts.peers[0].refreshed = Some(at(-ago));
        check(refreshed(24 * HOUR - 1), Level::Ok, "");
        check(refreshed(24 * HOUR), Level::Warning, "last confirmed 24 h ago");
        check(refreshed(72 * HOUR - 1), Level::Warning, "last confirmed");
        check(refreshed(72 * HOUR), Level::Critical, "nothing new is disclosed");
        check(|facts| facts.peers[0].refreshed = None, Level::Warning, "never confirmed");
    }

    #[test]
    fn peers_descriptor_that_ends_is_told_late_and_one_that_has_ended_is_critical() {
        check(|facts| facts.peers[0].descriptor_expires = Some(at(20 * DAY)), Level::Ok, "");
        check(|facts| facts.peers[0].descriptor_expires = Some(at(2 * DAY)), Level::Warning, "ends in");
        check(|facts| facts.peers[0].descriptor_expires = Some(at(-1)), Level::Critical, "ended");
    }

    #[test]
    fn peer_that_stays_behind_is_told_and_one_that_has_just_been_left_behind_is_not() {
        check(|facts| facts.peers[0].acknowledged = 2, Level::Warning, "known to hold version 2");
        check(|facts| facts.peers[0].acknowledged = 0, Level::Warning, "none of our descriptors");
        let fresh = |facts: &mut Facts| {
            facts.peers[0].acknowledged = 2;
            facts.descriptor.created = at(-HOUR);
        };
        check(fresh, Level::Ok, "");
    }

    #[test]
    fn refused_descriptor_of_a_peer_is_told() {
        check(|facts| facts.peers[0].descriptor_fault = Some("skipped 4".into()), Level::Warning, "refused: skipped 4");
    }

    #[test]
    fn equivocation_is_critical_and_a_stopped_peer_is_not_chased() {
        let frozen = |facts: &mut Facts| {
            facts.peers[0].standing = PeerStanding::Frozen;
            facts.peers[0].standing_reason = "two descriptors 4".into();
        };
        check(frozen, Level::Critical, "two descriptors 4");
        for standing in [PeerStanding::Suspended, PeerStanding::Pending] {
            let stopped = |facts: &mut Facts| {
                let peer = &mut facts.peers[0];
                (peer.standing, peer.refreshed, peer.acknowledged) = (standing, None, 0);
            };
            check(stopped, Level::Ok, "");
        }
    }
}
