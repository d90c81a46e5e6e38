//! Walks a parsed TOML document key by key and notes every fault on the way, so that all of them come at once.
//!
//! Promise: a section that was read to its end has named every key in it that nobody asked for. A value is `None`
//! exactly when a fault was noted for it.

use std::cell::RefCell;
use std::ops::Range;

use selat_complaint::Explanation;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::fault::{ConfigFault, Place};
use super::shape::Shape;
use crate::explain;

/// Longest piece of the file that is quoted in a cause, in characters.
const QUOTED_MAX: usize = 60;

/// The text of the file and the faults found in it so far.
pub(super) struct Book<'a> {
    text: &'a str,
    faults: RefCell<Vec<ConfigFault>>,
}

impl<'a> Book<'a> {
    /// No faults yet.
    pub fn new(text: &'a str) -> Self {
        Self { text, faults: RefCell::default() }
    }

    /// The faults in the order in which they were found.
    pub fn into_faults(self) -> Vec<ConfigFault> {
        self.faults.into_inner()
    }

    /// Notes a fault of the bytes in `span`.
    pub fn note(
        &self,
        entry: &'static Explanation,
        span: Range<usize>,
        headline: impl Into<String>,
        cause: impl Into<String>,
        mend: impl Into<String>,
    ) {
        let place = Some(Place::of(self.text, span));
        let fault = ConfigFault { entry, place, headline: headline.into(), cause: cause.into(), mend: mend.into() };
        self.faults.borrow_mut().push(fault);
    }

    /// What stands in the file at `span`, for a cause.
    fn quote(&self, span: Range<usize>) -> String {
        let written = self.text.get(span).unwrap_or_default();
        match written.char_indices().nth(QUOTED_MAX) {
            Some((cut, _)) => format!("{}...", written.get(..cut).unwrap_or_default()),
            None => written.to_owned(),
        }
    }
}

/// One table of the file, or the place where it would be: then every key is missing.
pub(super) struct Section<'a> {
    book: &'a Book<'a>,
    /// As its header would be written: `peer`, or `desk.caller`; empty for the file itself.
    name: String,
    table: Option<&'a DeTable<'a>>,
    span: Range<usize>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The file as a whole.
    pub fn root(book: &'a Book<'a>, table: &'a DeTable<'a>) -> Self {
        Self { book, name: String::new(), table: Some(table), span: 0..0, known: Vec::new() }
    }

    /// Reads the table `key` with `read`, then names the keys that `read` did not ask for. A table that is not there is
    /// read all the same: its keys may have defaults.
    pub fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'a>) -> Option<T>) -> Option<T> {
        let name = self.full(key);
        let (table, span) = match self.find(key) {
            Some(value) => match value.get_ref().as_table() {
                Some(table) => (Some(table), value.span()),
                None => {
                    let cause = format!("it is of type {}", value.get_ref().type_str());
                    let mend = format!("write [{name}] on a line of its own, and its keys below it");
                    self.book.note(
                        &explain::CONFIG_WRONG_TYPE,
                        value.span(),
                        format!("{name} is not a section"),
                        cause,
                        mend,
                    );
                    return None;
                }
            },
            None => (None, self.book.text.len()..self.book.text.len()),
        };
        let mut section = Section { book: self.book, name, table, span, known: Vec::new() };
        let result = read(&mut section);
        section.name_unknown();
        result
    }

    /// The same for a table that may be left out: `Some(None)` then.
    pub fn part<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.find(key) {
            Some(_) => self.section(key, read).map(Some),
            None => Some(None),
        }
    }

    /// Reads each table of the array `[[key]]`, at most `most` of them.
    pub fn each<T>(
        &mut self,
        key: &'static str,
        most: usize,
        mut read: impl FnMut(&mut Section<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(value) = self.find(key) else { return Some(Vec::new()) };
        let name = self.full(key);
        let tables = value.get_ref().as_array().and_then(tables_of);
        let Some(tables) = tables else {
            let mend = format!("write [[{name}]] on a line of its own, and the keys of one entry below it");
            self.book.note(
                &explain::CONFIG_WRONG_TYPE,
                value.span(),
                format!("{name} is not a list of sections"),
                "each entry has keys of its own",
                mend,
            );
            return None;
        };
        if tables.len() > most {
            let cause = format!("{} are too many", tables.len());
            let headline = format!("{name} has too many entries");
            self.book.note(&explain::CONFIG_BAD_VALUE, value.span(), headline, cause, format!("keep at most {most}"));
            return None;
        }
        let mut all = Vec::new();
        for (table, span) in tables {
            let name = name.clone();
            let mut section = Section { book: self.book, name, table: Some(table), span, known: Vec::new() };
            all.push(read(&mut section));
            section.name_unknown();
        }
        all.into_iter().collect()
    }

    /// A key that must be there.
    pub fn required<T>(&mut self, key: &'static str, shape: &Shape<T>) -> Option<T> {
        match self.find(key) {
            Some(value) => self.read(key, value, shape),
            None => {
                self.missing(key, &shape.wants, shape.example);
                None
            }
        }
    }

    /// A key with a default.
    pub fn or<T>(&mut self, key: &'static str, default: T, shape: &Shape<T>) -> Option<T> {
        match self.find(key) {
            Some(value) => self.read(key, value, shape),
            None => Some(default),
        }
    }

    /// A key that may be left out: `Some(None)` then.
    pub fn optional<T>(&mut self, key: &'static str, shape: &Shape<T>) -> Option<Option<T>> {
        match self.find(key) {
            Some(value) => self.read(key, value, shape).map(Some),
            None => Some(None),
        }
    }

    /// A list of 1 to `most` values, none twice. `None` as `default` means that the key must be there.
    pub fn list<T: PartialEq>(
        &mut self,
        key: &'static str,
        default: Option<Vec<T>>,
        most: usize,
        shape: &Shape<T>,
    ) -> Option<Vec<T>> {
        let Some(value) = self.find(key) else {
            if default.is_none() {
                self.missing(key, &format!("a list of 1 to {most} values"), &format!("[{}]", shape.example));
            }
            return default;
        };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "array", &format!("[{}]", shape.example));
            return None;
        };
        let mut read = Vec::new();
        for item in items.iter() {
            let one = self.read(key, item, shape);
            if one.is_some() && read.contains(&one) {
                self.contradiction_at(key, item.span(), "the same value stands there twice", "name it once");
                return None;
            }
            read.push(one);
        }
        if !(1..=most).contains(&read.len()) {
            let cause = format!("it has {} values, and 1 to {most} are allowed", read.len());
            let headline = format!("{} has too few or too many values", self.full(key));
            let mend = format!("write, for example, {key} = [{}]", shape.example);
            self.book.note(&explain::CONFIG_BAD_VALUE, value.span(), headline, cause, mend);
            return None;
        }
        read.into_iter().collect()
    }

    /// Notes that the value of `key` does not go with the rest; at the section's header when the key is not there.
    pub fn contradiction(&mut self, key: &'static str, cause: impl Into<String>, mend: impl Into<String>) {
        let span = self.find(key).map_or(self.span.clone(), Spanned::span);
        self.contradiction_at(key, span, cause, mend);
    }

    fn contradiction_at(&self, key: &str, span: Range<usize>, cause: impl Into<String>, mend: impl Into<String>) {
        let headline = format!("{} does not go with the rest", self.full(key));
        self.book.note(&explain::CONFIG_CONTRADICTION, span, headline, cause, mend);
    }

    fn find(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table.and_then(|table| table.get(key))
    }

    fn read<T>(&self, key: &str, value: &Spanned<DeValue<'_>>, shape: &Shape<T>) -> Option<T> {
        if value.get_ref().type_str() != shape.kind {
            self.wrong_type(key, value, shape.kind, shape.example);
            return None;
        }
        let read = shape.read(value.get_ref());
        if read.is_none() {
            let cause = format!("{} is not {}", self.book.quote(value.span()), shape.wants);
            let headline = format!("{} cannot be used", self.full(key));
            let mend = format!("write, for example, {}", shape.example);
            self.book.note(&explain::CONFIG_BAD_VALUE, value.span(), headline, cause, mend);
        }
        read
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str, example: &str) {
        let found = value.get_ref().type_str();
        let headline = format!("{} is of the wrong type", self.full(key));
        let cause = format!("{} is of type {found}, not {wanted}", self.book.quote(value.span()));
        self.book.note(
            &explain::CONFIG_WRONG_TYPE,
            value.span(),
            headline,
            cause,
            format!("write, for example, {example}"),
        );
    }

    fn missing(&self, key: &str, wants: &str, example: &str) {
        let section = if self.name.is_empty() { String::new() } else { format!(" below [{}]", self.name) };
        let headline = format!("{} is missing", self.full(key));
        let cause = format!("it has no default; it must be {wants}");
        let mend = format!("add{section}, for example, {key} = {example}");
        self.book.note(&explain::CONFIG_MISSING, self.span.clone(), headline, cause, mend);
    }

    fn name_unknown(&self) {
        for (key, value) in self.table.into_iter().flat_map(DeTable::iter) {
            let written = key.get_ref().as_ref();
            if self.known.contains(&written) {
                continue;
            }
            let what = if value.get_ref().is_table() { "section" } else { "key" };
            let headline = format!("{} is not a {what} of the configuration", self.full(written));
            let cause = format!("known here: {}", self.known.join(", "));
            let mend = match nearest(written, &self.known) {
                Some(near) => format!("if {near} was meant, write {near}; else take it out"),
                None => "take it out".to_owned(),
            };
            self.book.note(&explain::CONFIG_UNKNOWN, key.span(), headline, cause, mend);
        }
    }

    fn full(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// Names the unknown keys of the file itself; sections do it by themselves.
    pub fn finish(self) {
        self.name_unknown();
    }
}

/// The tables in the array with their places; `None` when something else is among them.
fn tables_of<'a>(items: &'a DeArray<'a>) -> Option<Vec<(&'a DeTable<'a>, Range<usize>)>> {
    items.iter().map(|item| item.get_ref().as_table().map(|table| (table, item.span()))).collect()
}

/// The known word that needs the fewest edits, if few enough for a slip of the hand.
fn nearest(written: &str, known: &[&'static str]) -> Option<&'static str> {
    let close = |word: &&str| edits(written, word) <= (word.len() / 3).clamp(1, 3);
    known.iter().copied().filter(close).min_by_key(|word| edits(written, word))
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&last, j) + usize::from(from != to);
            let mut best = replaced.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_counts_a_swap_once() {
        for (a, b, count) in
            [("", "", 0), ("listen", "listen", 0), ("lisetn", "listen", 1), ("lisen", "listen", 1), ("abc", "", 3)]
        {
            assert_eq!(edits(a, b), count, "{a} {b}");
        }
    }

    #[test]
    fn nearest_offers_a_slip_but_no_other_word() {
        assert_eq!(nearest("advertize_host", &["listen", "advertise_host"]), Some("advertise_host"));
        assert_eq!(nearest("colour", &["listen", "advertise_host"]), None);
    }
}
