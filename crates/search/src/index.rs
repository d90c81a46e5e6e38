//! The index itself: entries in slots, postings beside them, one lock around both.
//!
//! Promises: a candidate that the postings give is always compared with its entry, so postings can cost time but never
//! make a hit; no search holds the lock for longer than a slice of candidates takes to be copied, so those who write wait
//! that long at most; a search needs memory for a slice and for the hits it may list.
//!
//! What the work of a search depends on: the length of the shortest list that one of the given criteria leads to, and the
//! entries on it. Not on what of them is allowed: every candidate is both compared and asked about, and only the ranking
//! of what is left differs. A list that holds what the asker may not know therefore costs as much as one that may be known
//! in full, and its length can be read from the time a search takes. Hiding that time is left to the caller, who answers
//! at set times and abandons what is not done by then ([`Index::find_while`]).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use selat_matching::Reason;
use selat_record::{ContentId, ParticipantId, RecordId, RecordKind};

use crate::Entry;
use crate::best::Best;
use crate::criteria::{Criteria, Fit};
use crate::postings::{Calendar, Postings, Slot, Term};
use crate::walk::Walk;

/// The index of a node. Shared by reference; every call takes the lock for a short while.
#[derive(Debug)]
pub struct Index {
    entries_max: usize,
    tables: RwLock<Tables>,
}

/// The index holds as many entries as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the search index is full: it holds {entries_max} entries, as many as the configuration allows")]
pub struct IndexFull {
    /// The bound.
    pub entries_max: usize,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Best first, then by content id, which tells nothing; never by record id, which tells the moment it was minted. The
    /// same order decides which of equal score are listed at all.
    pub hits: Vec<FoundHit>,
    /// More was found than the limit allowed to list.
    pub truncated: bool,
}

/// One record that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundHit {
    /// Which record.
    pub record_id: RecordId,
    /// Who made it.
    pub originator: ParticipantId,
    /// The version that was found.
    pub content_id: ContentId,
    /// What it is about.
    pub kind: RecordKind,
    /// 0 to 1000.
    pub score: u32,
    /// Why it fits: one for each criterion that was given, in the order name, document, conveyance, country, date.
    pub reasons: Vec<Reason>,
}

impl Index {
    /// An empty index for at most `entries_max` entries.
    pub fn new(entries_max: usize) -> Self {
        // A slot is a u32: more could not be numbered.
        let entries_max = entries_max.min(Slot::MAX as usize);
        Self { entries_max, tables: RwLock::default() }
    }

    /// Takes an entry in; it replaces an older version of the same record of the same originator. A version that is older
    /// than the one held is left out, so that entries may come in any order.
    pub fn put(&self, entry: Entry) -> Result<(), IndexFull> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let key = (entry.originator().clone(), entry.record_id());
        match tables.held(&key).map(|held| held.version() > entry.version()) {
            Some(true) => return Ok(()),
            Some(false) => _ = tables.take_out(&key),
            None if tables.slots_by_key.len() >= self.entries_max => {
                return Err(IndexFull { entries_max: self.entries_max });
            }
            None => (),
        }
        tables.put(key, Arc::new(entry));
        Ok(())
    }

    /// Forgets a record; false if it was not held.
    pub fn remove(&self, originator: &ParticipantId, record_id: RecordId) -> bool {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.take_out(&(originator.clone(), record_id))
    }

    /// How many entries it holds.
    pub fn len(&self) -> usize {
        self.read().slots_by_key.len()
    }

    /// True while it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Finds the records that fit, of those that are `allowed`. What is not allowed is put aside before anything is ranked,
    /// limited or counted: it cannot displace or number what is.
    pub fn find(&self, criteria: &Criteria, allowed: impl Fn(&Entry) -> bool, limit: usize) -> Found {
        let mut best = Best::of(limit);
        let mut rest = Some(self.read().walk(criteria));
        while let Some(walk) = rest {
            rest = self.judge_slice(walk, criteria, &allowed, &mut best);
        }
        found(best)
    }

    /// As [`Self::find`], for as long as it may `go_on`, which is asked before each slice of candidates: `None` if it was
    /// told to stop, whatever it had found. Nothing is held while it is asked, so it may give way to others.
    ///
    /// Others may write between the slices. A record that they change meanwhile is found as it was, as it became, or not
    /// at all; never twice.
    pub async fn find_while<Word: Future<Output = bool>>(
        &self,
        criteria: &Criteria,
        allowed: impl Fn(&Entry) -> bool,
        limit: usize,
        go_on: impl Fn() -> Word,
    ) -> Option<Found> {
        let mut best = Best::of(limit);
        let mut rest = Some(self.read().walk(criteria));
        while let Some(walk) = rest {
            if !go_on().await {
                return None;
            }
            rest = self.judge_slice(walk, criteria, &allowed, &mut best);
        }
        Some(found(best))
    }

    /// Offers what fits of one slice to the `best`; what is still to be walked after it.
    fn judge_slice(
        &self,
        walk: Walk,
        criteria: &Criteria,
        allowed: &impl Fn(&Entry) -> bool,
        best: &mut Best,
    ) -> Option<Walk> {
        let (slice, rest) = self.read().slice(walk);
        for entry in slice {
            // Neither question spares the other: the work must not tell how much is allowed.
            let (fit, open) = (criteria.fit(&entry), allowed(&entry));
            if let Some(fit) = fit.filter(|_| open) {
                best.offer(fit, entry);
            }
        }
        rest
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn found(best: Best) -> Found {
    let truncated = best.truncated();
    let mut listed = HashSet::new();
    // Two versions of a record are only there when it was changed during the search.
    let once = |hit: &FoundHit| listed.insert((hit.originator.clone(), hit.record_id));
    let hits = best.into_ranked().map(|(fit, entry)| hit(fit, &entry)).filter(once).collect();
    Found { hits, truncated }
}

fn hit(fit: Fit, entry: &Entry) -> FoundHit {
    FoundHit {
        record_id: entry.record_id(),
        originator: entry.originator().clone(),
        content_id: entry.content_id(),
        kind: entry.kind(),
        score: fit.score,
        reasons: fit.reasons,
    }
}

/// A record by its originator and id: an id alone is only as unique as its originator is honest.
type Key = (ParticipantId, RecordId);

#[derive(Debug, Default)]
struct Tables {
    slots: Vec<Option<Arc<Entry>>>,
    free: Vec<Slot>,
    slots_by_key: HashMap<Key, Slot>,
    postings: Postings,
    calendar: Calendar,
}

impl Tables {
    fn entry(&self, slot: Slot) -> Option<&Arc<Entry>> {
        self.slots.get(slot as usize).and_then(Option::as_ref)
    }

    fn held(&self, key: &Key) -> Option<&Arc<Entry>> {
        self.slots_by_key.get(key).and_then(|slot| self.entry(*slot))
    }

    fn put(&mut self, key: Key, entry: Arc<Entry>) {
        let slot = self.free_slot();
        entry.terms().into_iter().for_each(|term| self.postings.add(term, slot));
        entry.dates.iter().for_each(|span| self.calendar.add(span, slot));
        self.slots_by_key.insert(key, slot);
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(entry);
        }
    }

    /// A slot that is free, made if there is none.
    fn free_slot(&mut self) -> Slot {
        self.free.pop().unwrap_or_else(|| {
            let next = Slot::try_from(self.slots.len()).expect("the bound on entries fits a slot number");
            self.slots.push(None);
            next
        })
    }

    fn take_out(&mut self, key: &Key) -> bool {
        let Some(slot) = self.slots_by_key.remove(key) else { return false };
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(Option::take) else { return false };
        entry.terms().iter().for_each(|term| self.postings.take_out(term, slot));
        entry.dates.iter().for_each(|span| self.calendar.take_out(span, slot));
        self.free.push(slot);
        true
    }

    /// The way along the shortest list that the criteria lead to: every entry that can fit is on each of them.
    fn walk(&self, criteria: &Criteria) -> Walk {
        let groups = criteria.groups().into_iter().map(|group| (self.count(&group), Walk::among_holders(group)));
        let days = criteria.dates().map(|days| (self.calendar.count_near(days), Walk::near(*days)));
        let shortest = groups.chain(days).min_by_key(|(count, _)| *count);
        shortest.map_or_else(|| Walk::among_holders(Vec::new()), |(_, walk)| walk)
    }

    fn count(&self, group: &[Term]) -> usize {
        group.iter().map(|term| self.postings.count(term)).sum()
    }

    /// The entries of the next slice, and what is still to be walked after it.
    fn slice(&self, walk: Walk) -> (Vec<Arc<Entry>>, Option<Walk>) {
        let (slots, rest) = walk.slice(&self.postings, &self.calendar);
        (slots.into_iter().filter_map(|slot| self.entry(slot).cloned()).collect(), rest)
    }
}

#[cfg(test)]
mod tests;
