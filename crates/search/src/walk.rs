//! The way of one search along a list of candidates, slice by slice, so that the tables need not be held from the first
//! candidate to the last.
//!
//! Promises: a slice takes no more than [`SLICE_LEN`] steps; what is in the list from the first slice to the last is in
//! one of them. An entry with several dates may be in more than one.

use selat_record::DateSpan;

use crate::postings::{Calendar, Place, Postings, Slot, Term};

/// Most candidates that are taken at a time.
pub(crate) const SLICE_LEN: usize = 4096;

/// What of a list is still to be walked.
#[derive(Debug)]
pub(crate) enum Walk {
    /// The holders of the terms, from the last term to the first; of the last those after a slot.
    Holders { terms: Vec<Term>, after: Option<Slot> },
    /// The entries near the days, those after a place.
    Near { days: DateSpan, after: Option<Place> },
}

impl Walk {
    /// The holders of any of the terms.
    pub(crate) fn among_holders(terms: Vec<Term>) -> Self {
        Self::Holders { terms, after: None }
    }

    /// The entries that may lie in `days`.
    pub(crate) fn near(days: DateSpan) -> Self {
        Self::Near { days, after: None }
    }

    /// The next slice, and what is still to be walked after it.
    pub(crate) fn slice(self, postings: &Postings, calendar: &Calendar) -> (Vec<Slot>, Option<Self>) {
        match self {
            Self::Holders { terms, after } => slice_of_holders(terms, after, postings),
            Self::Near { days, after } => {
                let places: Vec<Place> = calendar.near(&days, after).take(SLICE_LEN).collect();
                let rest = places.get(SLICE_LEN - 1).map(|last| Self::Near { days, after: Some(*last) });
                (places.iter().map(|place| place.slot).collect(), rest)
            }
        }
    }
}

fn slice_of_holders(mut terms: Vec<Term>, mut after: Option<Slot>, postings: &Postings) -> (Vec<Slot>, Option<Walk>) {
    let mut slice = Vec::new();
    while let Some(term) = terms.last() {
        slice.extend(postings.holders(term, after).take(SLICE_LEN - slice.len()));
        if slice.len() == SLICE_LEN {
            after = slice.last().copied();
            return (slice, Some(Walk::Holders { terms, after }));
        }
        terms.pop();
        after = None;
    }
    (slice, None)
}

#[cfg(test)]
mod tests {
    use selat_record::RecordKind;

    use super::*;
    use crate::fixture::date;

    const LENGTHS: [usize; 7] = [0, 1, SLICE_LEN - 1, SLICE_LEN, SLICE_LEN + 1, 2 * SLICE_LEN, 9000];

    /// All slices of a walk; `meanwhile` happens between one and the next.
    fn slices(
        walk: Walk,
        postings: &mut Postings,
        calendar: &mut Calendar,
        meanwhile: impl Fn(&mut Postings, &mut Calendar),
    ) -> Vec<Vec<Slot>> {
        let (mut slices, mut rest) = (Vec::new(), Some(walk));
        while let Some(walk) = rest {
            let slice;
            (slice, rest) = walk.slice(postings, calendar);
            slices.push(slice);
            meanwhile(postings, calendar);
        }
        slices
    }

    fn term(kind: RecordKind) -> Term {
        Term::Country(kind, "AUS".into())
    }

    fn days(year: u32, until: u32) -> DateSpan {
        DateSpan::from_until(Some(&date(year, 0, 0)), Some(&date(until, 0, 0))).unwrap()
    }

    fn slots(numbers: std::ops::Range<usize>) -> impl Iterator<Item = Slot> {
        numbers.map(|number| Slot::try_from(number).unwrap())
    }

    #[track_caller]
    fn check_whole(slices: &[Vec<Slot>], len: usize) {
        assert!(slices.iter().all(|slice| slice.len() <= SLICE_LEN));
        assert_eq!(slices.len(), len / SLICE_LEN + 1, "a slice that is full may be followed by an empty one");
        let mut seen = slices.concat();
        seen.sort_unstable();
        assert_eq!(seen, slots(0..len).collect::<Vec<_>>());
    }

    #[test]
    fn every_holder_of_every_term_is_in_one_slice() {
        for (first, second) in LENGTHS.iter().flat_map(|first| LENGTHS.map(|second| (*first, second))) {
            let mut postings = Postings::default();
            slots(0..first).for_each(|slot| postings.add(term(RecordKind::Person), slot));
            slots(first..first + second).for_each(|slot| postings.add(term(RecordKind::Incident), slot));
            let walk =
                Walk::among_holders([RecordKind::Person, RecordKind::Route, RecordKind::Incident].map(term).into());
            let slices = slices(walk, &mut postings, &mut Calendar::default(), |_, _| ());
            check_whole(&slices, first + second);
        }
    }

    #[test]
    fn every_entry_near_the_days_is_in_one_slice() {
        for (short, long) in LENGTHS.iter().flat_map(|short| LENGTHS.map(|long| (*short, long))) {
            let mut calendar = Calendar::default();
            let years = [days(2000, 2000), days(2001, 2001), days(2002, 2002)];
            slots(0..short).zip(years.iter().cycle()).for_each(|(slot, year)| calendar.add(year, slot));
            slots(short..short + long).for_each(|slot| calendar.add(&days(1900, 2020), slot));
            let walk = Walk::near(days(2000, 2002));
            let slices = slices(walk, &mut Postings::default(), &mut calendar, |_, _| ());
            check_whole(&slices, short + long);
        }
    }

    #[test]
    fn what_stays_is_walked_although_others_come_and_go() {
        let person = || term(RecordKind::Person);
        let (mut postings, mut calendar) = (Postings::default(), Calendar::default());
        slots(0..9000).for_each(|slot| postings.add(person(), slot));
        slots(0..9000).for_each(|slot| calendar.add(&days(2000, 2000), slot));
        // The first slice ends on a slot that is then given up.
        let meanwhile = |postings: &mut Postings, calendar: &mut Calendar| {
            slots(SLICE_LEN - 10..SLICE_LEN + 10).for_each(|slot| postings.take_out(&person(), slot));
            slots(SLICE_LEN - 10..SLICE_LEN + 10).for_each(|slot| calendar.take_out(&days(2000, 2000), slot));
            slots(9000..9010).for_each(|slot| postings.add(person(), slot));
            slots(9000..9010).for_each(|slot| calendar.add(&days(1999, 1999), slot));
        };
        let staying: Vec<Slot> = slots(0..SLICE_LEN).chain(slots(SLICE_LEN + 10..9000)).collect();
        let near = slices(Walk::near(days(2000, 2000)), &mut postings, &mut calendar, meanwhile).concat();
        assert_eq!(near, staying, "what came before the place that was reached is not gone back for");
        slots(0..9000).for_each(|slot| postings.add(person(), slot));
        slots(9000..9010).for_each(|slot| postings.take_out(&person(), slot));
        let held = slices(Walk::among_holders(vec![person()]), &mut postings, &mut calendar, meanwhile).concat();
        assert_eq!(held, staying.into_iter().chain(slots(9000..9010)).collect::<Vec<_>>());
    }
}
