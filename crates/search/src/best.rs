//! The best of what fits, as many as were asked for.
//!
//! Promises: memory follows the limit, not what fits; what is kept, its order and whether something was cut do not
//! depend on the order in which it is offered.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use selat_record::ContentId;

use crate::Entry;
use crate::criteria::Fit;

/// Best first. Among equal scores the content id decides: a digest over what was signed tells nothing, while a record id
/// begins with the moment it was minted and would rank a record by its age. No two records have the same one, for the
/// originator and the record id are part of what was signed.
type Rank = (Reverse<u32>, ContentId);

/// Up to `limit` entries that fit.
#[derive(Debug)]
pub(crate) struct Best {
    limit: usize,
    ranked: BTreeMap<Rank, (Fit, Arc<Entry>)>,
    truncated: bool,
}

impl Best {
    pub(crate) fn of(limit: usize) -> Self {
        Self { limit, ranked: BTreeMap::new(), truncated: false }
    }

    /// Takes the entry in if it is among the best; one that is offered again is still one.
    pub(crate) fn offer(&mut self, fit: Fit, entry: Arc<Entry>) {
        let rank = (Reverse(fit.score), entry.content_id());
        let full = self.ranked.len() >= self.limit;
        if full && self.ranked.last_key_value().is_none_or(|(worst, _)| *worst < rank) {
            self.truncated = true;
            return;
        }
        self.ranked.insert(rank, (fit, entry));
        if self.ranked.len() > self.limit {
            self.ranked.pop_last();
            self.truncated = true;
        }
    }

    /// More was offered than the limit allowed to keep.
    pub(crate) fn truncated(&self) -> bool {
        self.truncated
    }

    /// What was kept, best first.
    pub(crate) fn into_ranked(self) -> impl Iterator<Item = (Fit, Arc<Entry>)> {
        self.ranked.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Made, person};

    /// Numbers of the entries kept of those offered, each a number with a score; a greater number has a lesser content id.
    #[track_caller]
    fn check(limit: usize, offered: &[(u32, u32)], expected: &[u32], truncated: bool) {
        let ids: Vec<ContentId> = expected.iter().map(|number| made(*number).content_id()).collect();
        for turned in 0..offered.len() {
            let mut best = Best::of(limit);
            for (number, score) in offered.iter().cycle().skip(turned).take(offered.len()) {
                best.offer(Fit { score: *score, reasons: vec![] }, Arc::new(made(*number).entry()));
            }
            assert_eq!(best.truncated(), truncated, "from {turned}");
            assert_eq!(
                best.into_ranked().map(|(_, entry)| entry.content_id()).collect::<Vec<_>>(),
                ids,
                "from {turned}"
            );
        }
    }

    fn made(number: u32) -> Made {
        Made::of(number, person(&["Siti Contoh"], "", None, ""))
    }

    #[test]
    fn best_are_kept_in_whatever_order_they_come() {
        check(2, &[(1, 500), (2, 900), (3, 700), (4, 500)], &[2, 3], true);
        check(4, &[(1, 500), (2, 900), (3, 700), (4, 500)], &[2, 3, 4, 1], false);
        check(0, &[(1, 500)], &[], true);
    }

    #[test]
    fn among_equals_the_content_id_decides_who_is_kept() {
        check(1, &[(1, 500), (2, 500), (3, 500)], &[3], true);
    }

    #[test]
    fn entry_offered_twice_is_kept_once_and_cuts_nothing() {
        check(2, &[(1, 500), (2, 500), (1, 500), (2, 500)], &[2, 1], false);
        check(1, &[(1, 500), (1, 500)], &[1], false);
    }
}
