//! Where a check stands in a message, and the checks that fit any field.
//!
//! A check walks a message with a [`Spot`] in hand and notes faults there; the path is only spelt out when there is
//! one. Promises: every fault is noted, not only the first; a list longer than its bound is not walked beyond it, so
//! that a hostile message cannot buy an endless list of faults.

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;

use crate::fault::FaultList;
use crate::{Faults, text};

/// A field or list item of the message that is being checked.
pub(crate) struct Spot<'a> {
    faults: &'a RefCell<FaultList>,
    parent: Option<&'a Spot<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

/// Runs a check from the path `base` on (empty for a whole message). The check gives `None` only where it noted a fault.
pub(crate) fn check<T>(base: &str, run: impl FnOnce(&Spot<'_>) -> Option<T>) -> Result<T, Faults> {
    let faults = RefCell::new(FaultList::default());
    let value = run(&Spot { faults: &faults, parent: None, step: Step::Field(base) });
    faults.into_inner().into_result(())?;
    Ok(value.expect("a check that gives nothing has noted a fault, and there is none"))
}

impl Spot<'_> {
    /// A field of the message that stands here.
    pub(crate) fn field<'b>(&'b self, name: &'b str) -> Spot<'b> {
        Spot { faults: self.faults, parent: Some(self), step: Step::Field(name) }
    }

    /// Notes a fault here.
    pub(crate) fn fault(&self, problem: impl Into<String>) {
        self.faults.borrow_mut().push(self.to_string(), problem);
    }

    /// Notes each of `faults` here, for parsers that know no path.
    pub(crate) fn noted<T>(&self, outcome: Result<T, Faults>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(faults) => {
                faults.into_iter().for_each(|fault| self.fault(fault.problem));
                None
            }
        }
    }

    /// Notes a fault unless the message is there.
    pub(crate) fn required<'m, T>(&self, message: Option<&'m T>) -> Option<&'m T> {
        if message.is_none() {
            self.fault("is missing");
        }
        message
    }

    /// Notes a fault unless `number` lies in `range`.
    pub(crate) fn within<N: PartialOrd + fmt::Display>(&self, number: N, range: RangeInclusive<N>) {
        if !range.contains(&number) {
            self.fault(format!("{number} is not {} to {}", range.start(), range.end()));
        }
    }

    /// Checks how many items a list has (none, where one is needed, or too many), and each up to the most allowed.
    pub(crate) fn each<T>(&self, items: &[T], count: RangeInclusive<usize>, check: impl Fn(&Spot<'_>, &T)) {
        self.read_each(items, count, |at, item| {
            check(at, item);
            Some(())
        });
    }

    /// [`Spot::each`] that gives what was read of the items; `None` if one of them gave nothing.
    pub(crate) fn read_each<T, R>(
        &self,
        items: &[T],
        count: RangeInclusive<usize>,
        read: impl Fn(&Spot<'_>, &T) -> Option<R>,
    ) -> Option<Vec<R>> {
        if items.len() < *count.start() {
            self.fault("is empty");
        }
        if items.len() > *count.end() {
            self.fault(format!("has {} items, at most {} are allowed", items.len(), count.end()));
        }
        // All are read before the first that gave nothing ends the list: every fault is wanted.
        let all: Vec<Option<R>> =
            items.iter().enumerate().take(*count.end()).map(|(n, item)| read(&self.item(n), item)).collect();
        all.into_iter().collect()
    }

    /// Notes a fault at the first item that does not come after the one before it.
    pub(crate) fn ascending<T: Ord>(&self, items: &[T]) {
        let out_of_order = items.windows(2).position(|pair| matches!(pair, [a, b] if a >= b));
        if let Some(n) = out_of_order {
            self.item(n + 1).fault("is not in ascending order, each once");
        }
    }

    /// A value of an enum that must be given: 0 and values that the schema does not list are faults.
    pub(crate) fn choice<E: TryFrom<i32>>(&self, value: i32) -> Option<E> {
        if value == 0 {
            self.fault("is not given");
            return None;
        }
        self.known(value)
    }

    /// A value of an enum that may stay 0.
    pub(crate) fn known<E: TryFrom<i32>>(&self, value: i32) -> Option<E> {
        let known = E::try_from(value).ok();
        if known.is_none() {
            self.fault(format!("{value} is not a value that the schema lists"));
        }
        known
    }

    /// A list of enum values, each given, ascending, each once. `None` if there was a fault in it.
    pub(crate) fn choices<E: TryFrom<i32>>(&self, values: &[i32], count: RangeInclusive<usize>) -> Option<Vec<E>> {
        self.ascending(values);
        self.read_each(values, count, |at, value| at.choice(*value))
    }

    /// Text of so many characters; see [`text::check`].
    pub(crate) fn text(&self, text: &str, characters: RangeInclusive<usize>) {
        text::check(self, text, characters);
    }

    fn item(&self, n: usize) -> Spot<'_> {
        Spot { faults: self.faults, parent: Some(self), step: Step::Item(n) }
    }
}

impl fmt::Display for Spot<'_> {
    /// The path as in the schema, for example `person.names[2].text`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parent = self.parent.map(ToString::to_string).unwrap_or_default();
        match self.step {
            Step::Item(n) => write!(f, "{parent}[{n}]"),
            Step::Field(name) if parent.is_empty() => f.write_str(name),
            Step::Field(name) => write!(f, "{parent}.{name}"),
        }
    }
}

/// Runs `run` on a spot named `it` and gives what was noted, one `path: problem` per line, for tests of single checks.
#[cfg(test)]
pub(crate) fn faults_of(run: impl FnOnce(&Spot<'_>)) -> String {
    let outcome = check("it", |at| {
        run(at);
        Some(())
    });
    outcome.err().map(|faults| faults.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::{Purpose, Sex};

    #[test]
    fn path_spells_fields_and_items() {
        let found = faults_of(|at| {
            at.field("names").each(&["x", "y"], 0..=2, |at, item| {
                if *item == "y" {
                    at.field("text").fault("is odd");
                }
            });
        });
        assert_eq!(found, "it.names[1].text: is odd");
    }

    #[test]
    fn list_beyond_its_bound_is_one_fault_and_not_walked_further() {
        let found = faults_of(|at| at.each(&[0; 9], 0..=2, |at, _| at.fault("seen")));
        assert_eq!(found, "it: has 9 items, at most 2 are allowed; it[0]: seen; it[1]: seen");
        assert_eq!(faults_of(|at| at.each::<u8>(&[], 1..=2, |_, _| ())), "it: is empty");
    }

    #[test]
    fn ascending_refuses_disorder_and_repeats() {
        for (items, expected) in [
            (vec![], ""),
            (vec![1, 2, 3], ""),
            (vec![1, 3, 2], "it[2]: is not in ascending order, each once"),
            (vec![1, 1, 2], "it[1]: is not in ascending order, each once"),
        ] {
            assert_eq!(faults_of(|at| at.ascending(&items)), expected);
        }
    }

    #[test]
    fn enum_values_that_the_schema_does_not_list_are_refused() {
        assert_eq!(faults_of(|at| _ = at.choice::<Purpose>(0)), "it: is not given");
        assert_eq!(faults_of(|at| _ = at.choice::<Purpose>(99)), "it: 99 is not a value that the schema lists");
        assert_eq!(faults_of(|at| _ = at.known::<Sex>(0)), "");
        assert_eq!(faults_of(|at| _ = at.known::<Sex>(-1)), "it: -1 is not a value that the schema lists");
        assert_eq!(faults_of(|at| _ = at.choices::<Purpose>(&[1, 2], 1..=6)), "");
    }
}
