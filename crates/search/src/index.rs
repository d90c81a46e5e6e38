//! The index itself: entries in slots, postings beside them, one lock around both.
//!
//! Promise: a candidate that the postings give is always compared with its entry, so postings can cost time but never
//! make a hit.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use selat_matching::Reason;
use selat_record::{ContentId, ParticipantId, RecordId, RecordKind};

use crate::Entry;
use crate::criteria::{Criteria, Fit};
use crate::postings::{Calendar, Postings, Slot, Term};

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
    /// Best first, then by record id and originator.
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
        self.tables.read().unwrap_or_else(PoisonError::into_inner).slots_by_key.len()
    }

    /// True while it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Finds the records that fit, of those that are `allowed`. What is not allowed is put aside before anything is scored,
    /// ranked, limited or counted: it cannot displace or number what is.
    pub fn find(&self, criteria: &Criteria, allowed: impl Fn(&Entry) -> bool, limit: usize) -> Found {
        let candidates = self.tables.read().unwrap_or_else(PoisonError::into_inner).candidates(criteria);
        let open = candidates.into_iter().filter(|entry| allowed(entry));
        let mut fitting: Vec<(Fit, Arc<Entry>)> =
            open.filter_map(|entry| criteria.fit(&entry).map(|fit| (fit, entry))).collect();
        fitting.sort_unstable_by(|left, right| rank(left).cmp(&rank(right)));
        let truncated = fitting.len() > limit;
        fitting.truncate(limit);
        Found { hits: fitting.into_iter().map(|(fit, entry)| hit(fit, &entry)).collect(), truncated }
    }
}

/// No two entries have the same rank: the key of the entry is part of it.
fn rank((fit, entry): &(Fit, Arc<Entry>)) -> (Reverse<u32>, RecordId, &ParticipantId) {
    (Reverse(fit.score), entry.record_id(), entry.originator())
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

    /// Every entry that can fit, from the shortest list that the criteria lead to.
    fn candidates(&self, criteria: &Criteria) -> Vec<Arc<Entry>> {
        let groups = criteria.groups();
        let slots = match groups.iter().min_by_key(|group| self.count(group)) {
            Some(shortest) => self.holders(shortest),
            None => criteria.dates().map(|span| self.calendar.near(span)).unwrap_or_default(),
        };
        slots.into_iter().filter_map(|slot| self.entry(slot).cloned()).collect()
    }

    fn count(&self, group: &[Term]) -> usize {
        group.iter().map(|term| self.postings.count(term)).sum()
    }

    fn holders(&self, group: &[Term]) -> BTreeSet<Slot> {
        group.iter().flat_map(|term| self.postings.holders(term)).collect()
    }
}

#[cfg(test)]
mod tests;
