//! Backups of the keys: whether one holds every key, and whether anybody has tried it.

use std::time::Duration;

use selat_record::Timestamp;
use selat_record::pb::KeyPurpose;

use super::facts::Facts;
use super::finding::{Area, Finding, Level};
use super::{DAY, mends, words};

/// Media age; keys that have not changed are written again after this.
const BACKUP_AGE: Duration = DAY.saturating_mul(90);
/// What nobody has restored for so long is not known to be a backup.
const DRILL_AGE: Duration = DAY.saturating_mul(35);

pub(super) fn examine(facts: &Facts, now: Timestamp) -> Vec<Finding> {
    let Some((at, names)) = &facts.backup.backup else {
        let what = "the keys were never backed up: with the disk, the store and every signature are lost";
        return vec![Finding::warning(Area::Backup, what, mends::BACKUP)];
    };
    let mut findings = Vec::new();
    let kept = facts.keys.keys.iter().filter(|key| key.held == Some(true) && key.purpose != KeyPurpose::Root);
    let missing: Vec<_> = kept.map(|key| key.name.as_str()).filter(|name| !names.iter().any(|n| n == name)).collect();
    if !missing.is_empty() && !facts.keys.custody.starts_with("token") {
        let what = format!("made after the last backup of the keys: {}", missing.join(", "));
        findings.push(Finding::warning(Area::Backup, what, mends::BACKUP));
    }
    let (age, drilled) = facts.backup.ages(now);
    findings.extend(too_old("the keys were last backed up", age, BACKUP_AGE, mends::BACKUP));
    match drilled {
        Some(_) => findings.extend(too_old("a backup of the keys was last tried", drilled, DRILL_AGE, mends::DRILL)),
        None => {
            let what = "no backup of the keys was ever tried: nobody knows whether it can be restored";
            findings.push(Finding::warning(Area::Backup, what, mends::DRILL));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(Area::Backup, format!("the keys were backed up at {at} and the backup was tried")));
    }
    findings
}

fn too_old(what: &str, age: Option<Duration>, bound: Duration, mend: &str) -> Option<Finding> {
    let age = age.filter(|age| *age >= bound)?;
    Some(Finding::of_level(Level::Warning, Area::Backup, format!("{what} {} ago", words(age)), mend))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, healthy};
    use super::*;

    const DAY: i64 = 86_400_000;

    fn check(change: impl FnOnce(&mut Facts), words: &[&str]) {
        let mut facts = healthy();
        change(&mut facts);
        let found = examine(&facts, at(0));
        let troubles: Vec<_> = found.iter().filter(|finding| finding.level == Level::Warning).collect();
        assert_eq!(troubles.len(), words.len(), "{found:#?}");
        assert!(troubles.iter().zip(words).all(|(found, words)| found.what.contains(words)), "{found:#?}");
    }

    #[test]
    fn backup_that_was_never_made_or_never_tried_is_told() {
        check(|_| {}, &[]);
        check(|facts| facts.backup.backup = None, &["never backed up"]);
        check(|facts| facts.backup.drill = None, &["ever tried"]);
    }

    #[test]
    fn ages_are_judged_at_their_edges() {
        let backup = |ago: i64| move |facts: &mut Facts| facts.backup.backup.as_mut().unwrap().0 = at(-ago);
        check(backup(90 * DAY - 1), &[]);
        check(backup(90 * DAY), &["last backed up 90 d ago"]);
        check(|facts| facts.backup.drill = Some(at(-35 * DAY)), &["last tried 35 d ago"]);
        check(|facts| facts.backup.drill = Some(at(1 - 35 * DAY)), &[]);
    }

    #[test]
    fn key_that_is_in_no_backup_is_named_unless_it_never_leaves_a_token() {
        let without =
            |facts: &mut Facts| facts.backup.backup.as_mut().unwrap().1.retain(|name| !name.starts_with("query"));
        check(without, &["query-22222222"]);
        check(
            |facts| {
                without(facts);
                facts.keys.custody = "token selat".into();
            },
            &[],
        );
        let not_known = |facts: &mut Facts| {
            without(facts);
            facts.keys.keys.iter_mut().for_each(|key| key.held = None);
        };
        check(not_known, &[]);
    }
}
