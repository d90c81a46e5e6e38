//! Walks a TOML table: each key is asked for by name and type, and a key that nobody asked for is a fault.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::MappingFaults;
use crate::near::nearest;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub value: T,
    pub span: Range<usize>,
}

/// One table of the mapping.
pub(crate) struct Section<'t> {
    table: &'t DeTable<'t>,
    pub span: Range<usize>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'t> Section<'t> {
    pub fn new(table: &'t DeTable<'t>, span: Range<usize>) -> Self {
        Self { table, span, asked: RefCell::default() }
    }

    /// True if the key is there, whatever its type.
    pub fn has(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// Where the key's value stands, else where the table does.
    pub fn span_of(&self, key: &'static str) -> Range<usize> {
        self.value(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    pub fn text(&self, key: &'static str, faults: &mut MappingFaults) -> Option<At<String>> {
        let value = self.value(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(At { value: text.to_owned(), span: value.span() }),
            None => wrong_type(key, "text in quotes", value, faults),
        }
    }

    pub fn needed_text(&self, key: &'static str, example: &str, faults: &mut MappingFaults) -> Option<At<String>> {
        if !self.has(key) {
            faults.push(self.span.clone(), format!("{key} is missing"), format!("add {key} = {example}"));
        }
        self.text(key, faults)
    }

    /// A text or a list of texts.
    pub fn texts(&self, key: &'static str, faults: &mut MappingFaults) -> Option<Vec<At<String>>> {
        let value = self.value(key)?;
        let items: Vec<&Spanned<DeValue>> = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref().as_str() {
                Some(text) => texts.push(At { value: text.to_owned(), span: item.span() }),
                None => return wrong_type(key, "text in quotes, or a list of texts", item, faults),
            }
        }
        Some(texts)
    }

    pub fn flag(&self, key: &'static str, faults: &mut MappingFaults) -> Option<bool> {
        let value = self.value(key)?;
        match value.get_ref().as_bool() {
            Some(flag) => Some(flag),
            None => wrong_type(key, "true or false", value, faults),
        }
    }

    /// A whole number within `range`.
    pub fn whole(&self, key: &'static str, range: Range<u32>, faults: &mut MappingFaults) -> Option<u32> {
        let value = self.value(key)?;
        let number = value.get_ref().as_integer().and_then(|number| number.as_str().parse::<u32>().ok());
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                let wanted = format!("a whole number from {} to {}", range.start, range.end - 1);
                wrong_type(key, &wanted, value, faults)
            }
        }
    }

    /// One character.
    pub fn byte(&self, key: &'static str, faults: &mut MappingFaults) -> Option<u8> {
        let text = self.text(key, faults)?;
        match text.value.as_bytes() {
            [byte] if byte.is_ascii() => Some(*byte),
            _ => {
                faults.push(text.span, format!("{key} must be one ASCII character"), format!("write {key} = \";\""));
                None
            }
        }
    }

    /// One of a few words.
    pub fn word<T: Copy>(
        &self,
        key: &'static str,
        words: &[(&'static str, T)],
        faults: &mut MappingFaults,
    ) -> Option<T> {
        let text = self.text(key, faults)?;
        let known = words.iter().find(|(word, _)| *word == text.value);
        if known.is_none() {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let problem = format!("{key} cannot be {:?}", text.value);
            faults.push(text.span, problem, format!("use one of {}", all.join(", ")));
        }
        known.map(|(_, meaning)| *meaning)
    }

    pub fn table(&self, key: &'static str, faults: &mut MappingFaults) -> Option<Section<'t>> {
        let value = self.value(key)?;
        match value.get_ref().as_table() {
            Some(table) => Some(Section::new(table, value.span())),
            None => wrong_type(key, "a table", value, faults),
        }
    }

    /// A list of tables: `[[key]]` or `key = [{...}]`.
    pub fn tables(&self, key: &'static str, faults: &mut MappingFaults) -> Vec<Section<'t>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            wrong_type::<()>(key, &format!("a list of tables, as [[{key}]]"), value, faults);
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => tables.push(Section::new(table, item.span())),
                None => wrong_type(key, "a list of tables", item, faults).unwrap_or(()),
            }
        }
        tables
    }

    /// Every key with its value, for tables whose keys the author chooses.
    pub fn rows(&self) -> impl Iterator<Item = (At<String>, &'t Spanned<DeValue<'t>>)> {
        self.table.iter().map(|(key, value)| (At { value: key.get_ref().to_string(), span: key.span() }, value))
    }

    /// Refuses what nobody asked for. Called after every key has been.
    pub fn finish(self, faults: &mut MappingFaults) {
        let asked = self.asked.borrow();
        for (key, _) in self.rows().filter(|(key, _)| !asked.contains(key.value.as_str())) {
            let guess = nearest(&key.value, asked.iter().copied());
            let mend = match guess {
                Some(guess) => format!("did you mean {guess}"),
                None => format!("known here are {}", asked.iter().copied().collect::<Vec<_>>().join(", ")),
            };
            faults.push(key.span, format!("{:?} is not a key of this section", key.value), mend);
        }
    }

    fn value(&self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.borrow_mut().insert(key);
        self.table.get(key)
    }
}

fn wrong_type<T>(key: &str, wanted: &str, found: &Spanned<DeValue>, faults: &mut MappingFaults) -> Option<T> {
    let problem = format!("{key} must be {wanted}, not {}", found.get_ref().type_str());
    faults.push(found.span(), problem, format!("give {key} {wanted}"));
    None
}
