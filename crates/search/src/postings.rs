//! Which entries hold a term, and which may lie in a span of days.
//!
//! Promise: lists hold slots, ascending, each once; a term that no entry holds any more takes no room.

use std::collections::{BTreeSet, HashMap};

use jiff::{ToSpan, civil::Date};
use selat_record::{DateSpan, RecordKind};

/// Place of an entry in the index.
pub(crate) type Slot = u32;

/// Something that an entry can be found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Term {
    /// A word of a name, folded.
    Word(String),
    /// A document number, folded.
    Document(String),
    /// An identifier of a conveyance, folded.
    Identifier(String),
    /// A country in records of one kind.
    Country(RecordKind, String),
}

/// Term to slots.
#[derive(Debug, Default)]
pub(crate) struct Postings(HashMap<Term, BTreeSet<Slot>>);

impl Postings {
    pub(crate) fn add(&mut self, term: Term, slot: Slot) {
        self.0.entry(term).or_default().insert(slot);
    }

    pub(crate) fn take_out(&mut self, term: &Term, slot: Slot) {
        if let Some(slots) = self.0.get_mut(term) {
            slots.remove(&slot);
            if slots.is_empty() {
                self.0.remove(term);
            }
        }
    }

    /// How many entries hold the term.
    pub(crate) fn count(&self, term: &Term) -> usize {
        self.0.get(term).map_or(0, BTreeSet::len)
    }

    /// The entries that hold the term.
    pub(crate) fn holders(&self, term: &Term) -> impl Iterator<Item = Slot> {
        self.0.get(term).into_iter().flatten().copied()
    }
}

/// Spans longer than this are kept apart, so that a look-up need not reach back further than this.
const LONG_DAYS: i32 = 366;

/// Spans of days to slots.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    /// By first day: spans of up to [`LONG_DAYS`].
    short: BTreeSet<(Date, Slot)>,
    /// Every longer span is looked at each time; few records have one.
    long: BTreeSet<Slot>,
}

impl Calendar {
    pub(crate) fn add(&mut self, span: &DateSpan, slot: Slot) {
        if is_long(span) {
            self.long.insert(slot);
        } else {
            self.short.insert((span.earliest(), slot));
        }
    }

    pub(crate) fn take_out(&mut self, span: &DateSpan, slot: Slot) {
        if is_long(span) {
            self.long.remove(&slot);
        } else {
            self.short.remove(&(span.earliest(), slot));
        }
    }

    /// The entries that may lie in `span`, among them all that do.
    pub(crate) fn near(&self, span: &DateSpan) -> BTreeSet<Slot> {
        let first = span.earliest().saturating_sub(LONG_DAYS.days());
        let short = self.short.range((first, Slot::MIN)..=(span.latest(), Slot::MAX));
        short.map(|(_, slot)| *slot).chain(self.long.iter().copied()).collect()
    }
}

fn is_long(span: &DateSpan) -> bool {
    span.earliest().saturating_add(LONG_DAYS.days()) < span.latest()
}
