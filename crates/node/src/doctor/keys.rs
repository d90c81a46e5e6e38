//! Keys: their files, what is held against what the descriptor names, their ends, successions half done.

use selat_record::Timestamp;
use selat_record::pb::{KeyPurpose, KeyStatus};

use super::facts::{KeyFact, KeyFacts};
use super::finding::{Area, Finding, Level};
use super::{Bounds, ending, mends};

/// What a node signs with.
const WORKING: [KeyPurpose; 4] = [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa];

pub(super) fn examine(facts: &KeyFacts, running: bool, bounds: &Bounds, now: Timestamp) -> Vec<Finding> {
    let mut troubles: Vec<_> =
        facts.faults.iter().map(|fault| Finding::critical(Area::Keys, &fault.what, &fault.mend)).collect();
    troubles.extend(custody(facts));
    troubles.extend(facts.keys.iter().filter_map(|key| one(key, &facts.keys, bounds, now)));
    if running {
        troubles.extend(WORKING.into_iter().filter_map(|purpose| signs(&facts.keys, purpose)));
    }
    let held = facts.keys.iter().filter(|key| key.held == Some(true)).count();
    let said = match &facts.not_looked {
        Some(why) => format!("{}: not opened: {why}", facts.custody),
        None => format!("{}: {held} keys held", facts.custody),
    };
    std::iter::once(Finding::ok(Area::Keys, said)).chain(troubles).collect()
}

fn custody(facts: &KeyFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.plain {
        let what = "the key files are not encrypted: whoever reads the disk or its backups has the keys";
        findings.push(Finding::warning(Area::Keys, what, mends::protect()));
    }
    if let Some(first) = facts.roots_here.first() {
        let count = facts.roots_here.len();
        let lie = if count == 1 { "1 root key lies".to_owned() } else { format!("{count} root keys lie") };
        let what = format!("{lie} on the node's disk: whoever has enough of them speaks for the participant");
        let folder = first.parent().unwrap_or(first).display();
        findings.push(Finding::warning(Area::Keys, what, mends::roots_away(&folder)));
    }
    findings
}

/// The one thing about a key that matters most.
fn one(key: &KeyFact, all: &[KeyFact], bounds: &Bounds, now: Timestamp) -> Option<Finding> {
    let (name, missing, here) = (&key.name, key.held == Some(false), key.held == Some(true));
    let ended = key.valid_until.is_some_and(|until| until <= now);
    let found = |level, what: String, mend: String| Some(Finding::of_level(level, Area::Keys, what, mend));
    match key.status {
        Some(KeyStatus::Active) if key.purpose == KeyPurpose::Root => {
            let (level, when) = ending(key.valid_until, bounds, now)?;
            found(level, format!("root key {name} {when}"), mends::DRAFT.into())
        }
        _ if key.purpose == KeyPurpose::Root => None,
        Some(KeyStatus::Active) if missing => {
            let what = format!("{name} is active in the descriptor, and the node does not hold it");
            // Another key does the work: nothing fails, and what peers expect of this one is lost all the same.
            let other = |other: &KeyFact| other.purpose == key.purpose && other.is_active() && other.held == Some(true);
            let level = if all.iter().any(other) { Level::Warning } else { Level::Critical };
            found(level, what, mends::RESTORE.into())
        }
        Some(KeyStatus::Active) => {
            let (level, when) = ending(key.valid_until, bounds, now)?;
            found(level, format!("{name} {when}"), mends::rotate(key.purpose))
        }
        Some(KeyStatus::Pending) if missing => {
            let what = format!("{name} is announced, and the node does not hold it");
            found(Level::Critical, what, mends::abandon(key.purpose))
        }
        Some(KeyStatus::Pending) => {
            let what = format!("{name} is announced and not active yet: a succession is half done");
            found(Level::Warning, what, mends::plan(key.purpose))
        }
        Some(KeyStatus::Retired) if here && ended => {
            let what = format!("{name} has ended, and its secret has not been destroyed");
            found(Level::Warning, what, mends::rotate(key.purpose))
        }
        Some(KeyStatus::Compromised) if here => {
            let what = format!("{name} is compromised, and its secret still lies here");
            found(Level::Warning, what, mends::rotate(key.purpose))
        }
        None | Some(KeyStatus::Unspecified) if here => {
            let what = format!("{name} is held, and no descriptor names it: a succession is half done");
            found(Level::Warning, what, mends::plan(key.purpose))
        }
        _ => None,
    }
}

/// A running node signs for every purpose, or that kind of work fails.
fn signs(keys: &[KeyFact], purpose: KeyPurpose) -> Option<Finding> {
    let used = keys.iter().find(|key| key.purpose == purpose && key.in_use);
    match used {
        Some(key) if key.status == Some(KeyStatus::Compromised) => {
            let what = format!("{} is compromised, and the node still signs with it", key.name);
            Some(Finding::critical(Area::Keys, what, mends::rotate(purpose)))
        }
        Some(_) => None,
        None => {
            let what = format!("the node signs with no {} key", mends::word(purpose));
            Some(Finding::critical(Area::Keys, what, mends::STATUS))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::KeyFileFault;
    use super::super::testing::{at, healthy};
    use super::*;

    const DAY: i64 = 86_400_000;

    fn found(facts: &KeyFacts, running: bool) -> Vec<(Level, String)> {
        let findings = examine(facts, running, &Bounds::default(), at(0));
        assert!(findings.iter().all(|finding| finding.mend.is_empty() == (finding.level == Level::Ok)));
        let troubles = findings.into_iter().filter(|finding| finding.level != Level::Ok);
        troubles.map(|finding| (finding.level, finding.what)).collect()
    }

    fn check(change: impl FnOnce(&mut KeyFacts), level: Level, words: &str) {
        let mut facts = healthy().keys;
        change(&mut facts);
        let found = found(&facts, true);
        assert!(matches!(found.as_slice(), [(is, what)] if *is == level && what.contains(words)), "{words}: {found:?}");
    }

    fn second(status: Option<KeyStatus>, held: bool, until: Option<i64>) -> KeyFact {
        KeyFact {
            name: "record-ffffffff".into(),
            purpose: KeyPurpose::Record,
            status,
            valid_until: until.map(at),
            held: Some(held),
            in_use: false,
        }
    }

    #[test]
    fn active_key_that_is_missing_or_ends_is_told() {
        check(|facts| facts.keys[0].held = Some(false), Level::Critical, "does not hold it");
        check(|facts| facts.keys[0].valid_until = Some(at(20 * DAY)), Level::Warning, "ends in 20 d");
        check(|facts| facts.keys[0].valid_until = Some(at(3 * DAY)), Level::Critical, "ends in 3 d");
        check(|facts| facts.keys[0].valid_until = Some(at(-DAY)), Level::Critical, "ended 24 h ago");
        let root = |facts: &mut KeyFacts| {
            let root = facts.keys.iter_mut().find(|key| key.purpose == KeyPurpose::Root).unwrap();
            root.valid_until = Some(at(DAY));
        };
        check(root, Level::Critical, "root key");
    }

    #[test]
    fn lost_key_beside_one_that_does_its_work_is_a_warning() {
        let lost = second(Some(KeyStatus::Active), false, None);
        check(|facts| facts.keys.push(lost), Level::Warning, "does not hold it");
    }

    #[test]
    fn succession_that_is_half_done_is_told_at_each_step() {
        let with = |key: KeyFact| move |facts: &mut KeyFacts| facts.keys.push(key);
        check(with(second(None, true, None)), Level::Warning, "no descriptor names it");
        check(with(second(Some(KeyStatus::Pending), true, None)), Level::Warning, "half done");
        check(with(second(Some(KeyStatus::Pending), false, None)), Level::Critical, "does not hold it");
        check(with(second(Some(KeyStatus::Retired), true, Some(-1))), Level::Warning, "not been destroyed");
        check(with(second(Some(KeyStatus::Compromised), true, None)), Level::Warning, "still lies here");
    }

    #[test]
    fn keys_that_have_gone_as_they_should_are_no_trouble() {
        for key in [
            second(Some(KeyStatus::Retired), true, Some(DAY)),
            second(Some(KeyStatus::Retired), false, Some(-1)),
            second(Some(KeyStatus::Compromised), false, None),
        ] {
            let mut facts = healthy().keys;
            facts.keys.push(key);
            assert_eq!(found(&facts, true), []);
        }
    }

    #[test]
    fn running_node_must_sign_for_every_purpose_and_with_no_stolen_key() {
        check(|facts| facts.keys[1].in_use = false, Level::Critical, "signs with no query key");
        let mut facts = healthy().keys;
        facts.keys[2].status = Some(KeyStatus::Compromised);
        assert!(
            found(&facts, true).iter().any(|(level, what)| *level == Level::Critical && what.contains("still signs"))
        );
        let mut facts = healthy().keys;
        facts.keys.iter_mut().for_each(|key| key.in_use = false);
        assert_eq!(found(&facts, false), [], "a node that is down signs nothing");
    }

    #[test]
    fn custody_is_told_with_what_mends_it() {
        check(|facts| facts.plain = true, Level::Warning, "not encrypted");
        check(|facts| facts.roots_here = vec!["/x/root/root-1.key".into()], Level::Warning, "1 root key lies");
        let fault = KeyFileFault { what: "/k/record-1.key is open to others".into(), mend: "chmod 600".into() };
        check(|facts| facts.faults = vec![fault], Level::Critical, "open to others");
    }

    #[test]
    fn keys_that_could_not_be_looked_at_are_not_called_missing() {
        let mut facts = healthy().keys;
        facts.keys.iter_mut().for_each(|key| key.held = None);
        facts.not_looked = Some("the passphrase is asked for only at start".into());
        assert_eq!(found(&facts, false), []);
    }
}
