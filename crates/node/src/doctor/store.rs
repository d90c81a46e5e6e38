//! The store: whether it opens, whether the index keeps up, whether its disk has room.

use super::facts::{DiskFacts, Opened, StoreFacts};
use super::finding::{Area, Finding};
use super::mends;

const GIB: u64 = 1024 * 1024 * 1024;

pub(super) fn examine(facts: &StoreFacts) -> Vec<Finding> {
    let mut troubles = Vec::new();
    if let Opened::No(why) = &facts.opened {
        let what = format!("the store {} cannot be opened: {why}", facts.folder.display());
        troubles.push(Finding::critical(Area::Store, what, mends::LOG));
    }
    if facts.index_lag > 0 {
        let what = format!("the search index lacks {} records", facts.index_lag);
        troubles.push(Finding::warning(Area::Store, what, mends::RESTART));
    }
    troubles.extend(facts.disk.and_then(|disk| room(disk, facts)));
    if !troubles.is_empty() {
        return troubles;
    }
    let what = match &facts.opened {
        Opened::Yes(bytes) => format!("the store takes {} MiB", bytes.div_ceil(1024 * 1024)),
        Opened::NotTried(why) => format!("the store was not opened: {why}"),
        Opened::NotYet | Opened::No(_) => "there is no store yet: the node makes it at its first start".to_owned(),
    };
    vec![Finding::ok(Area::Store, what)]
}

/// sled cannot be opened on a full disk, so the warning comes early.
fn room(disk: DiskFacts, facts: &StoreFacts) -> Option<Finding> {
    let percent = u128::from(disk.free) * 100 / u128::from(disk.total.max(1));
    let what =
        format!("{percent} % of the disk of {} is free, {} MiB", facts.folder.display(), disk.free / (1024 * 1024));
    let mend = mends::disk(&facts.folder);
    match percent {
        _ if percent < 5 || disk.free < GIB => Some(Finding::critical(Area::Store, what, mend)),
        percent if percent < 20 => Some(Finding::warning(Area::Store, what, mend)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::super::testing::healthy;
    use super::*;

    fn check(change: impl FnOnce(&mut StoreFacts), level: Level, words: &str) {
        let mut facts = healthy().store;
        change(&mut facts);
        let found = examine(&facts);
        let good = matches!(found.as_slice(), [only] if only.level == level && only.what.contains(words));
        assert!(good, "{words}: {found:#?}");
    }

    #[test]
    fn disk_is_judged_by_share_and_by_bytes() {
        let disk = |free, total| move |facts: &mut StoreFacts| facts.disk = Some(DiskFacts { free, total });
        check(disk(20 * GIB, 100 * GIB), Level::Ok, "MiB");
        check(disk(20 * GIB - 1, 100 * GIB), Level::Warning, "19 %");
        check(disk(5 * GIB, 100 * GIB), Level::Warning, "5 %");
        check(disk(5 * GIB - 1, 100 * GIB), Level::Critical, "4 %");
        check(disk(GIB - 1, 2 * GIB), Level::Critical, "49 %");
        check(disk(0, 0), Level::Critical, "0 %");
        check(|facts| facts.disk = None, Level::Ok, "MiB");
    }

    #[test]
    fn store_that_does_not_open_or_is_behind_is_told() {
        check(|facts| facts.opened = Opened::No("flipped bit".into()), Level::Critical, "flipped bit");
        check(|facts| facts.opened = Opened::NotTried("locked".into()), Level::Ok, "not opened: locked");
        check(|facts| facts.opened = Opened::NotYet, Level::Ok, "no store yet");
        check(|facts| facts.index_lag = 3, Level::Warning, "lacks 3 records");
    }
}
