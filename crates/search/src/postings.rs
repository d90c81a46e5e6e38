//! Which entries hold a term, and which may lie in a span of days.
//!
//! Promise: lists hold slots, ascending, each once; a term or day that no entry holds any more takes no room.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

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

    /// The entries that hold the term, those after a slot if one is given.
    pub(crate) fn holders(&self, term: &Term, after: Option<Slot>) -> impl Iterator<Item = Slot> {
        self.0.get(term).into_iter().flat_map(move |slots| later(slots, after))
    }
}

/// Spans longer than this are kept apart, so that a look-up need not reach back further than this.
const LONG_DAYS: i32 = 366;
/// Most days whose entries are counted, a good hundred years: counting holds the lock.
const COUNTED_DAYS_MAX: usize = 40_000;

/// Spans of days to slots.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    /// By first day: spans of up to [`LONG_DAYS`].
    short: BTreeMap<Date, BTreeSet<Slot>>,
    /// Every longer span is looked at each time; few records have one.
    long: BTreeSet<Slot>,
}

/// Where in the calendar an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The first day of the span; missing for a long one.
    day: Option<Date>,
    pub(crate) slot: Slot,
}

impl Calendar {
    pub(crate) fn add(&mut self, span: &DateSpan, slot: Slot) {
        if is_long(span) {
            self.long.insert(slot);
        } else {
            self.short.entry(span.earliest()).or_default().insert(slot);
        }
    }

    pub(crate) fn take_out(&mut self, span: &DateSpan, slot: Slot) {
        if is_long(span) {
            self.long.remove(&slot);
        } else if let Some(slots) = self.short.get_mut(&span.earliest()) {
            slots.remove(&slot);
            if slots.is_empty() {
                self.short.remove(&span.earliest());
            }
        }
    }

    /// How many places are near `span`; beyond [`COUNTED_DAYS_MAX`] as many as can be.
    pub(crate) fn count_near(&self, span: &DateSpan) -> usize {
        let mut days = self.short.range(first_near(span)..=span.latest()).map(|(_, slots)| slots.len());
        let counted: usize = days.by_ref().take(COUNTED_DAYS_MAX).sum();
        if days.next().is_some() { usize::MAX } else { counted + self.long.len() }
    }

    /// The entries that may lie in `span`, among them all that do: the short spans by their first day, then the long ones;
    /// those after a place if one is given. An entry with several dates may come more than once.
    pub(crate) fn near(&self, span: &DateSpan, after: Option<Place>) -> impl Iterator<Item = Place> {
        let days = match after {
            None => Some(first_near(span)..=span.latest()),
            Some(Place { day: Some(day), .. }) => Some(day..=span.latest()),
            Some(Place { day: None, .. }) => None,
        };
        let short = days.into_iter().flat_map(|days| self.short.range(days)).map(|(day, slots)| (Some(*day), slots));
        short.chain([(None, &self.long)]).flat_map(move |(day, slots)| {
            let reached = after.filter(|place| place.day == day).map(|place| place.slot);
            later(slots, reached).map(move |slot| Place { day, slot })
        })
    }
}

/// The first day on which a short span can begin that reaches into `span`.
fn first_near(span: &DateSpan) -> Date {
    span.earliest().saturating_sub(LONG_DAYS.days())
}

fn later(slots: &BTreeSet<Slot>, after: Option<Slot>) -> impl Iterator<Item = Slot> {
    slots.range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)).copied()
}

fn is_long(span: &DateSpan) -> bool {
    span.earliest().saturating_add(LONG_DAYS.days()) < span.latest()
}
