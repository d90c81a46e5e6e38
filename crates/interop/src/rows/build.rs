//! One row through one `[[record]]` of the mapping: take values, convert them, put them in place, let the record's own
//! rules judge the whole. A value that those rules refuse is treated as the mapping says, like one that does not convert.

use std::collections::BTreeSet;
use std::sync::Arc;

use selat_record::{Fault, Faults, pb};
use serde_json::{Value, json};

use super::joins::{Item, Joined};
use super::tree::{self, Placed, Step};
use super::{KEY_MAX, RowFault, pieces};
use crate::json::draft_from_json;
use crate::mapping::convert::{Convert, Precision, shorten};
use crate::mapping::plan::{
    Condition, FieldPlan, Input, ListPlan, Notes, OnInvalid, PiecesPlan, Plan, RecordPlan, Reference, Test,
};

/// How often values may be left out before the row is refused: each round settles everything that the last one found.
const ROUNDS_MAX: usize = 8;

/// The item that a list is at.
type Current<'r> = Option<(usize, &'r Item)>;

/// One row on its way to a draft.
pub(super) struct Builder<'r> {
    plan: &'r Plan,
    record: &'r RecordPlan,
    cells: &'r [String],
    /// Items of each source of the record.
    items: Vec<Vec<Item>>,
    placed: Vec<Placed>,
    notes: Vec<String>,
    faults: Vec<RowFault>,
    items_made: u32,
}

impl<'r> Builder<'r> {
    /// Finds the record that the row is for, if any, and everything that belongs to the row.
    pub fn new(plan: &'r Plan, cells: &'r [String], joined: &'r [Joined]) -> Option<Self> {
        let joined: Vec<Vec<Item>> = plan
            .joins
            .iter()
            .zip(joined)
            .map(|(join, rows)| cells.get(join.to).map(|key| rows.rows(key)).unwrap_or_default())
            .collect();
        plan.records.iter().find_map(|record| {
            let mut builder = Self {
                plan,
                record,
                cells,
                items: joined.clone(),
                placed: Vec::new(),
                notes: Vec::new(),
                faults: Vec::new(),
                items_made: 0,
            };
            record.pieces.iter().for_each(|pieces| builder.cut(pieces));
            builder.hold(&record.conditions, None).then_some(builder)
        })
    }

    /// The key of the row: the values of the key columns.
    pub fn key(&self) -> Result<String, RowFault> {
        let mut parts = Vec::with_capacity(self.record.key.len());
        for (reference, label) in &self.record.key {
            match self.value(*reference, None) {
                Some(part) => parts.push(part),
                None => return Err(RowFault::new(label.clone(), "", "is part of the key and empty")),
            }
        }
        let key = parts.join(" / ");
        match key.chars().count() {
            1..=KEY_MAX => Ok(key),
            length => {
                let label = self.record.key.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>().join(" + ");
                Err(RowFault::new(
                    label,
                    &key,
                    format!("makes a key of {length} characters, at most {KEY_MAX} are taken"),
                ))
            }
        }
    }

    /// The draft, checked, or all that is wrong with the row.
    pub fn draft(mut self, release_to: Option<&Value>) -> Result<pb::Record, Vec<RowFault>> {
        let record = self.record;
        record.fields.iter().for_each(|field| self.field(field, &[], None));
        record.lists.iter().for_each(|list| self.list(list));
        for _ in 0..ROUNDS_MAX {
            if !self.faults.is_empty() {
                break;
            }
            let (tree, paths) = self.tree(release_to);
            match draft_from_json(&tree).and_then(judge) {
                Ok(draft) => return Ok(draft),
                Err(faults) => self.settle(faults, &paths),
            }
        }
        Err(self.faults)
    }

    fn cut(&mut self, plan: &PiecesPlan) {
        let sources = plan.takes.iter().map(|take| take.source).chain(plan.rest);
        let needed = sources.max().map_or(0, |last| last + 1).max(self.items.len());
        self.items.resize(needed, Vec::new());
        let Some(text) = self.value(plan.from, None).map(str::to_owned) else { return };
        for (source, item) in pieces::cut(plan, &text, &self.plan.file.empty) {
            self.items.get_mut(source).into_iter().for_each(|items| items.push(Arc::clone(&item)));
        }
    }

    fn value<'a>(&'a self, reference: Reference, current: Current<'a>) -> Option<&'a str> {
        let found = match reference {
            Reference::Column(column) => self.cells.get(column),
            Reference::Item { source, slot } => match current {
                Some((at, item)) if at == source => item.get(slot),
                _ => self.items.get(source)?.first()?.get(slot),
            },
        };
        found.map(String::as_str).filter(|value| !value.is_empty())
    }

    fn hold(&self, conditions: &[Condition], current: Current) -> bool {
        conditions.iter().all(|condition| {
            let value = self.value(condition.column, current);
            let holds = match &condition.test {
                Test::Is(values) => value.is_some_and(|value| values.iter().any(|known| known == value)),
                Test::IsNot(values) => value.is_none_or(|value| values.iter().all(|known| known != value)),
                Test::Empty(empty) => value.is_none() == *empty,
            };
            holds != condition.negate
        })
    }

    fn field(&mut self, field: &FieldPlan, base: &[Step], current: Current) {
        if !self.hold(&field.conditions, current) {
            return;
        }
        for text in self.texts(field, current) {
            let path = self.path(base, field);
            if self.placed.iter().any(|placed| placed.path == path) {
                return;
            }
            let constant = matches!(field.input, Input::Constant(_));
            match self.converted(field, &text, current) {
                Ok(Some(value)) => self.put(path, value, field, &text, constant),
                Ok(None) => {}
                Err(reason) => self.refuse(path, field, &text, &reason),
            }
        }
    }

    /// The texts that a field gets: one, or one of each item where a list takes single values of repeated items.
    fn texts(&self, field: &FieldPlan, current: Current) -> Vec<String> {
        let value = |reference: &Reference| self.value(*reference, current);
        match &field.input {
            Input::Constant(_) => vec![String::new()],
            Input::Column(Reference::Item { source, slot }) if field.append && current.is_none() => {
                let items = self.items.get(*source).into_iter().flatten();
                items.filter_map(|item| item.get(*slot).filter(|text| !text.is_empty()).cloned()).collect()
            }
            Input::Column(reference) => value(reference).map(str::to_owned).into_iter().collect(),
            Input::Joined { columns, with } => {
                let found: Vec<&str> = columns.iter().filter_map(value).collect();
                if found.is_empty() { Vec::new() } else { vec![found.join(with)] }
            }
            Input::Template(template) => template.fill(&value).into_iter().collect(),
        }
    }

    fn converted(&self, field: &FieldPlan, text: &str, current: Current) -> Result<Option<Value>, String> {
        if let Input::Constant(value) = &field.input {
            return Ok(Some(value.clone()));
        }
        let precision = match &field.convert {
            Convert::Date(plan) => match &plan.precision {
                Precision::Column { column, .. } => self.value(*column, current),
                _ => None,
            },
            _ => None,
        };
        let convert = |text: &str| field.convert.apply(text, &self.plan.tables, precision);
        if field.patterns.is_empty() {
            return convert(text);
        }
        let mut problem = None;
        for pattern in &field.patterns {
            let Some(part) = pattern.take(text).and_then(|taken| taken.first().copied().flatten()) else { continue };
            match convert(part.trim()) {
                Ok(value) => return Ok(value),
                Err(reason) => problem = problem.or(Some(reason)),
            }
        }
        problem.map_or(Ok(None), Err)
    }

    fn path(&mut self, base: &[Step], field: &FieldPlan) -> Vec<Step> {
        let mut path = base.to_vec();
        path.extend(field.to.iter().cloned().map(Step::Key));
        if field.append {
            path.push(Step::Item(self.next_item()));
        }
        path
    }

    fn next_item(&mut self) -> u32 {
        self.items_made += 1;
        self.items_made
    }

    fn put(&mut self, path: Vec<Step>, value: Value, field: &FieldPlan, text: &str, constant: bool) {
        let (column, on_invalid) = (field.label.clone(), field.on_invalid.clone());
        self.placed.push(Placed { path, value, column, raw: text.to_owned(), on_invalid, constant });
    }

    fn refuse(&mut self, path: Vec<Step>, field: &FieldPlan, text: &str, reason: &str) {
        match &field.on_invalid {
            OnInvalid::Error => self.faults.push(RowFault::new(field.label.clone(), text, reason)),
            OnInvalid::Omit => {}
            OnInvalid::Note => self.note(&field.label, text, reason),
            OnInvalid::Use(value) => self.put(path, value.clone(), field, text, false),
        }
    }

    fn note(&mut self, column: &str, text: &str, reason: &str) {
        let fault = RowFault::new(column, text, reason);
        self.notes.push(format!("{} \"{}\" ({})", fault.column, fault.value, fault.reason));
    }

    fn list(&mut self, list: &ListPlan) {
        let items = list.each.map(|source| self.items.get(source).cloned().unwrap_or_default());
        let count = items.as_ref().map_or(1, Vec::len);
        for at in 0..count {
            let current = list.each.zip(items.as_ref().and_then(|items| items.get(at)));
            let before = self.placed.len();
            if !self.item(list, current) {
                self.placed.truncate(before);
                continue;
            }
            if list.max_items.is_some_and(|max| self.items_at(&list.to) > max) {
                self.placed.truncate(before);
                self.overflow(list, count - at);
                break;
            }
        }
    }

    /// How many items a list of the record has by now, whichever sections made them.
    fn items_at(&self, to: &[String]) -> usize {
        let at = |placed: &Placed| {
            let (path, item) = placed.path.split_at_checked(to.len())?;
            let here = path.iter().zip(to).all(|(step, key)| matches!(step, Step::Key(known) if known == key));
            item.first().filter(|_| here).and_then(|step| match step {
                Step::Item(item) => Some(*item),
                Step::Key(_) => None,
            })
        };
        self.placed.iter().filter_map(at).collect::<BTreeSet<u32>>().len()
    }

    /// Makes one item; false if it would say nothing, or lacks what it must have.
    fn item(&mut self, list: &ListPlan, current: Current) -> bool {
        if !self.hold(&list.conditions, current) {
            return false;
        }
        let mut base: Vec<Step> = list.to.iter().cloned().map(Step::Key).collect();
        base.push(Step::Item(self.next_item()));
        let before = self.placed.len();
        list.fields.iter().for_each(|field| self.field(field, &base, current));
        let own = self.placed.get(before..).unwrap_or_default();
        let has =
            |name: &String| own.iter().any(|placed| placed.path.get(base.len()) == Some(&Step::Key(name.clone())));
        if own.iter().all(|placed| placed.constant) || !list.require.iter().all(has) {
            return false;
        }
        for (to, value) in &list.constants {
            let mut path = base.clone();
            path.extend(to.iter().cloned().map(Step::Key));
            if self.placed.iter().all(|placed| placed.path != path) {
                let (column, raw) = (String::new(), String::new());
                let value = value.clone();
                self.placed.push(Placed { path, value, column, raw, on_invalid: OnInvalid::Error, constant: true });
            }
        }
        true
    }

    fn overflow(&mut self, list: &ListPlan, left: usize) {
        let (to, max) = (list.to.join("."), list.max_items.unwrap_or_default());
        let reason = format!("at most {max} are taken, {left} more are in the file");
        match list.overflow {
            OnInvalid::Note => self.notes.push(format!("{to} ({reason})")),
            OnInvalid::Omit => {}
            OnInvalid::Error | OnInvalid::Use(_) => self.faults.push(RowFault::new(to, "", reason)),
        }
    }

    /// The tree of the draft as it stands, and the path of each value in it.
    fn tree(&self, release_to: Option<&Value>) -> (Value, Vec<String>) {
        let mut tree = self.record.constants.clone();
        let paths = tree::render(&mut tree, &self.placed);
        let audience = tree.pointer("/handling/releasable_to").cloned();
        let audience = release_to.cloned().or(audience).unwrap_or_else(|| json!("nobody"));
        let step = |key: &str| Step::Key(key.to_owned());
        let whole = |path: Vec<Step>, value: Value| Placed {
            path,
            value,
            column: String::new(),
            raw: String::new(),
            on_invalid: OnInvalid::Error,
            constant: true,
        };
        tree::render(&mut tree, &[whole(vec![step("handling"), step("releasable_to")], audience)]);
        if let (Some(notes), false) = (&self.record.notes, self.notes.is_empty()) {
            let mut path: Vec<Step> = notes.to.iter().map(|key| step(key)).collect();
            let known = tree.pointer(&format!("/{}", notes.to.join("/")));
            let text = noted(known.and_then(Value::as_str), &self.notes, notes);
            path.extend(notes.append.then_some(Step::Item(0)));
            tree::render(&mut tree, &[whole(path, json!(text))]);
        }
        (tree, paths)
    }

    /// Does with each refused value what the mapping says, or makes it a fault of the row.
    fn settle(&mut self, faults: Faults, paths: &[String]) {
        let mut dropped: Vec<usize> = Vec::new();
        for Fault { field, problem } in faults {
            let reason = format!("{field}: {problem}");
            let found = tree::behind(&field, paths).and_then(|at| Some((at, self.placed.get(at)?.clone())));
            let Some((at, placed)) = found else {
                self.faults.push(RowFault::new("", "", reason));
                continue;
            };
            match placed.on_invalid {
                OnInvalid::Error | OnInvalid::Use(_) => {
                    self.faults.push(RowFault::new(placed.column, &placed.raw, reason))
                }
                OnInvalid::Omit => dropped.push(at),
                OnInvalid::Note => {
                    self.note(&placed.column, &placed.raw, &problem);
                    dropped.push(at);
                }
            }
        }
        self.drop_values(&dropped);
    }

    /// Takes values out, and with them the list items that now say nothing or lack what they must have.
    fn drop_values(&mut self, dropped: &[usize]) {
        let items: Vec<u32> = dropped.iter().filter_map(|at| self.placed.get(*at)).filter_map(Placed::item).collect();
        let mut at = 0;
        self.placed.retain(|_| {
            at += 1;
            !dropped.contains(&(at - 1))
        });
        for item in items {
            let of_item = |placed: &&Placed| placed.item() == Some(item);
            let rest: Vec<&Placed> = self.placed.iter().filter(of_item).collect();
            if !self.is_complete(&rest) {
                self.placed.retain(|placed| placed.item() != Some(item));
            }
        }
    }

    fn is_complete(&self, item: &[&Placed]) -> bool {
        let Some(first) = item.first() else { return false };
        let Some(depth) = first.path.iter().position(|step| matches!(step, Step::Item(_))) else { return true };
        let to: Vec<&Step> = first.path.iter().take(depth).collect();
        let is_of = |list: &&ListPlan| {
            list.to.iter().map(|key| Step::Key(key.clone())).collect::<Vec<_>>().iter().eq(to.iter().copied())
        };
        let has =
            |name: &String| item.iter().any(|placed| placed.path.get(depth + 1) == Some(&Step::Key(name.clone())));
        let complete = self.record.lists.iter().filter(is_of).all(|list| list.require.iter().all(has));
        complete && item.iter().any(|placed| !placed.constant)
    }
}

/// The text with the notes after it, within the bound: rather the text is shortened than the notes.
fn noted(text: Option<&str>, notes: &[String], plan: &Notes) -> String {
    let notes = shorten(&format!("Not taken over: {}", notes.join("; ")), plan.max);
    let room = plan.max.saturating_sub(notes.chars().count() + 1);
    match text.filter(|text| !text.is_empty() && room > 1) {
        Some(text) if !plan.append => format!("{}\n{notes}", shorten(text, room)),
        _ => notes,
    }
}

/// The record's own rules.
fn judge(message: pb::Record) -> Result<pb::Record, Faults> {
    selat_record::Draft::check(message).map(|draft| draft.message().clone())
}
