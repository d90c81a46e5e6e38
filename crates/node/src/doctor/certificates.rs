//! Certificates: the node's own, the authorities that peers trust, the officers' authority.

use selat_record::Timestamp;

use super::facts::CertificateFacts;
use super::finding::{Area, Finding, Level};
use super::{Bounds, ending, mends, words};

pub(super) fn examine(facts: &CertificateFacts, bounds: &Bounds, now: Timestamp) -> Vec<Finding> {
    let mut troubles: Vec<_> = facts.leaf.and_then(|leaf| own(leaf, now)).into_iter().collect();
    if let Some(why) = &facts.renewal_failure {
        let what = format!("the node's certificate could not be renewed: {why}");
        troubles.push(Finding::warning(Area::Certificates, what, mends::RENEW));
    }
    for (name, until) in &facts.authorities {
        if let Some((level, when)) = ending(Some(*until), bounds, now) {
            let what = format!("the certificate of authority {name} {when}");
            troubles.push(Finding::of_level(level, Area::Certificates, what, mends::ROTATE_TLS_CA));
        }
    }
    troubles.extend(officers(facts.officer_authority, bounds, now));
    if !troubles.is_empty() {
        return troubles;
    }
    let what = match facts.leaf {
        Some((_, until)) => format!("the node's certificate lasts until {until} and is renewed before"),
        None => "the node makes its certificate when it starts".to_owned(),
    };
    vec![Finding::ok(Area::Certificates, what)]
}

/// A leaf is renewed at two thirds of its life: what has less than a quarter left was missed several times.
fn own((from, until): (Timestamp, Timestamp), now: Timestamp) -> Option<Finding> {
    if until <= now {
        let what = format!("the node's certificate ended at {until}: no peer takes a call");
        return Some(Finding::critical(Area::Certificates, what, mends::RENEW));
    }
    let (life, left) = (until.since(from), until.since(now));
    let level = match left {
        left if left * 8 <= life => Level::Critical,
        left if left * 4 <= life => Level::Warning,
        _ => return None,
    };
    let what = format!("the node's certificate ends in {} and should have been renewed", words(left));
    Some(Finding::of_level(level, Area::Certificates, what, mends::RENEW))
}

fn officers(until: Option<Timestamp>, bounds: &Bounds, now: Timestamp) -> Option<Finding> {
    if until.is_none() {
        let what = "the certificate of the officers' authority cannot be read";
        return Some(Finding::critical(Area::Certificates, what, mends::RESTORE));
    }
    let (level, when) = ending(until, bounds, now)?;
    let what = format!("the certificate of the officers' authority {when}, and officers' certificates with it");
    Some(Finding::of_level(level, Area::Certificates, what, mends::officer_authority()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, healthy};
    use super::*;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    fn check(change: impl FnOnce(&mut CertificateFacts), level: Level, words: &str) {
        let mut facts = healthy().certificates;
        change(&mut facts);
        let found = examine(&facts, &Bounds::default(), at(0));
        let good = matches!(found.as_slice(), [only] if only.level == level && only.what.contains(words));
        assert!(good, "{words}: {found:#?}");
    }

    #[test]
    fn leaf_is_judged_by_its_own_life() {
        let leaf = |left: i64| move |facts: &mut CertificateFacts| facts.leaf = Some((at(left - 72 * HOUR), at(left)));
        check(leaf(72 * HOUR), Level::Ok, "renewed before");
        check(leaf(18 * HOUR + 1), Level::Ok, "renewed before");
        check(leaf(18 * HOUR), Level::Warning, "should have been renewed");
        check(leaf(9 * HOUR), Level::Critical, "should have been renewed");
        check(leaf(0), Level::Critical, "no peer takes a call");
        check(|facts| facts.leaf = None, Level::Ok, "when it starts");
    }

    #[test]
    fn failed_renewal_and_ending_authorities_are_told() {
        check(|facts| facts.renewal_failure = Some("no entropy".into()), Level::Warning, "no entropy");
        check(|facts| facts.authorities[0].1 = at(20 * DAY), Level::Warning, "authority tls-ca-44444444");
        check(|facts| facts.authorities[0].1 = at(-1), Level::Critical, "ended");
        check(|facts| facts.officer_authority = Some(at(6 * DAY)), Level::Critical, "officers'");
        check(|facts| facts.officer_authority = None, Level::Critical, "cannot be read");
    }
}
