//! From `[[record]]` sections to plans: conditions, key, constants, pieces, lists. Fields are in `compile_field`.

use std::ops::Range;

use prost_reflect::{Kind, MessageDescriptor};
use serde_json::Value;

use super::compile::{self, Context};
use super::compile_field::{self, Target};
use super::pattern::Pattern;
use super::plan::{Condition, ListPlan, Notes, OnInvalid, PiecesPlan, RecordPlan, Reference, TakePlan, Test};
use super::section::{At, Section};
use crate::json::{draft_from_json, schema};
use crate::near::nearest;

/// Characters that notes take at most, unless the mapping says otherwise.
const NOTES_MAX: u32 = 1_000;
/// Items that `max_items` may allow at most.
const ITEMS_MAX: u32 = 1_000;

/// What a name in front of a full stop may be: a join, or what a pattern takes from a piece.
pub(super) enum Source {
    Join { name: String, at: usize },
    Slots { name: String, slots: Vec<String> },
}

impl Source {
    fn name(&self) -> &str {
        match self {
            Self::Join { name, .. } | Self::Slots { name, .. } => name,
        }
    }
}

/// The names that one record may use.
pub(super) struct Scope {
    sources: Vec<Source>,
    /// The record has a place for notes.
    pub notes: bool,
}

impl Scope {
    /// The place of a source.
    pub fn source(&self, name: &At<String>, context: &mut Context) -> Option<usize> {
        let at = self.sources.iter().position(|source| source.name() == name.value);
        if at.is_none() {
            let guess = nearest(&name.value, self.sources.iter().map(Source::name));
            let mend = guess.map_or_else(
                || "name a join, or what a [[record.pieces.take]] is called in as".to_owned(),
                |guess| format!("did you mean {guess:?}"),
            );
            context.faults.push(name.span.clone(), format!("there are no items called {:?}", name.value), mend);
        }
        at
    }

    /// What a name refers to: `source.slot`, a source with a single slot, or a column of the main file.
    pub fn look_up(&self, name: &At<String>, context: &mut Context) -> Result<Reference, String> {
        let (first, slot) = match name.value.split_once('.') {
            Some((first, slot)) => (first, Some(slot)),
            None => (name.value.as_str(), None),
        };
        let Some(source) = self.sources.iter().position(|source| source.name() == first) else {
            return Ok(Reference::Column(context.column(name)));
        };
        let slot = match (self.sources.get(source), slot) {
            (Some(Source::Join { at, .. }), Some(column)) => {
                let column = At { value: column.to_owned(), span: name.span.clone() };
                context.joins.get_mut(*at).map(|join| compile::wanted(&mut join.layout, &column, context.faults))
            }
            (Some(Source::Slots { slots, .. }), Some(slot)) => slots.iter().position(|known| known == slot),
            (Some(Source::Slots { slots, .. }), None) if slots.len() == 1 => Some(0),
            _ => None,
        };
        slot.map(|slot| Reference::Item { source, slot }).ok_or_else(|| self.unknown_slot(source, first))
    }

    fn unknown_slot(&self, source: usize, name: &str) -> String {
        let slots = match self.sources.get(source) {
            Some(Source::Slots { slots, .. }) => slots.iter().map(|slot| format!("{name}.{slot}")).collect(),
            _ => vec![format!("{name}.<column>")],
        };
        format!("is not one of {}", slots.join(", "))
    }
}

/// All records of a mapping.
pub(super) fn records<'t>(
    root: &Section<'t>,
    constants: Option<&Section<'t>>,
    context: &mut Context<'_, 't>,
) -> Vec<RecordPlan> {
    let sections = root.tables("record", context.faults);
    if sections.is_empty() {
        context.faults.push(root.span.clone(), "there is no [[record]]", "add one for each kind of record");
    }
    let plans = sections.into_iter().filter_map(|section| record(section, constants, context));
    plans.collect()
}

fn record<'t>(section: Section<'t>, shared: Option<&Section<'t>>, context: &mut Context<'_, 't>) -> Option<RecordPlan> {
    let notes = notes(&section, context);
    let mut scope = Scope { sources: Vec::new(), notes: notes.is_some() };
    for (at, join) in context.joins.iter().enumerate() {
        scope.sources.push(Source::Join { name: join.name.clone(), at });
    }
    let pieces: Vec<_> = section.tables("pieces", context.faults);
    let pieces = pieces.into_iter().filter_map(|pieces| self::pieces(pieces, &mut scope, context)).collect();
    let conditions = conditions(&section, &scope, context);
    let key = key(&section, &scope, context);
    let constants = constants(&section, shared, context);
    let target = Target { message: schema::record(), scope: &scope };
    let fields = section.tables("field", context.faults);
    let fields = fields.into_iter().filter_map(|field| compile_field::field(field, &target, context)).collect();
    let lists = section.tables("list", context.faults);
    let lists = lists.into_iter().filter_map(|list| self::list(list, &scope, context)).collect();
    section.finish(context.faults);
    Some(RecordPlan { conditions, key: key?, constants, notes, pieces, fields, lists })
}

fn key(section: &Section, scope: &Scope, context: &mut Context) -> Option<Vec<(Reference, String)>> {
    if !section.has("key") {
        let mend = "add key = [\"id\"]: the columns that tell one record from another";
        context.faults.push(section.span.clone(), "key is missing", mend);
    }
    let names = section.texts("key", context.faults)?;
    let references = names.into_iter().filter_map(|name| {
        let reference = compile_field::reference(&name, scope, context)?;
        Some((reference, name.value))
    });
    Some(references.collect())
}

fn notes(section: &Section, context: &mut Context) -> Option<Notes> {
    let max = section.whole("notes_max", 1..20_001, context.faults).unwrap_or(NOTES_MAX);
    let to = section.text("notes", context.faults)?;
    let path = compile_field::path(&to, &schema::record(), context)?;
    if !matches!(path.entry.form, schema::Form::Text) {
        context.faults.push(to.span, "notes must go into a text", "name a text field, for example incident.summary");
    }
    Some(Notes { to: path.steps, append: path.append, max: usize::try_from(max).unwrap_or(usize::MAX) })
}

/// The constants of the record on top of those of all records, checked by reading them as a draft.
fn constants(section: &Section, shared: Option<&Section>, context: &mut Context) -> Value {
    let own = section.table("constants", context.faults);
    let mut tree = context.constants.clone();
    if let Some(own) = &own {
        let more = compile::to_tree(own, context.faults);
        compile::place(&mut tree, &[], more);
    }
    if let Err(faults) = draft_from_json(&tree) {
        for fault in faults {
            let tables = [own.as_ref(), shared];
            let span = tables.into_iter().flatten().find_map(|table| compile::span_at(table, &fault.field));
            let span = span.unwrap_or_else(|| section.span.clone());
            context.faults.push(
                span,
                format!("{}: {}", fault.field, fault.problem),
                "see the manual for names and values",
            );
        }
    }
    tree
}

fn pieces<'t>(section: Section<'t>, scope: &mut Scope, context: &mut Context<'_, 't>) -> Option<PiecesPlan> {
    let from = section.needed_text("from", "\"Remarks\"", context.faults);
    let by = section.text("by", context.faults).map(|by| by.value).filter(|by| !by.is_empty());
    let trim = section.text("trim", context.faults).map(|trim| trim.value.chars().collect()).unwrap_or_default();
    let rest = section.text("rest", context.faults);
    let takes: Vec<_> = section.tables("take", context.faults);
    let takes = takes.into_iter().filter_map(|section| take(section, scope, context)).collect();
    let rest = rest.and_then(|name| source(name, vec!["text".to_owned()], scope, context));
    section.finish(context.faults);
    let from = compile_field::reference(&from?, scope, context)?;
    Some(PiecesPlan { from, by, trim, takes, rest })
}

fn take(section: Section, scope: &mut Scope, context: &mut Context) -> Option<TakePlan> {
    let name = section.needed_text("as", "\"passport\"", context.faults);
    let keep = section.flag("keep", context.faults).unwrap_or(false);
    if !section.has("patterns") {
        let mend = "add patterns = [\"Passport {number}\"]";
        context.faults.push(section.span.clone(), "patterns is missing", mend);
    }
    let texts = section.texts("patterns", context.faults).unwrap_or_default();
    section.finish(context.faults);
    let patterns: Vec<Pattern> = texts.iter().filter_map(|text| compile_field::pattern(text, context)).collect();
    let mut slots: Vec<String> = Vec::new();
    let mut places = Vec::with_capacity(patterns.len());
    for pattern in &patterns {
        let known = pattern.slots.iter().map(|slot| {
            slots.iter().position(|known| known == slot).unwrap_or_else(|| {
                slots.push(slot.clone());
                slots.len() - 1
            })
        });
        places.push(known.collect());
    }
    let count = slots.len();
    let source = source(name?, slots, scope, context)?;
    Some(TakePlan { source, patterns, places, slots: count, keep })
}

/// Makes a name known. It must be new and without a full stop.
fn source(name: At<String>, slots: Vec<String>, scope: &mut Scope, context: &mut Context) -> Option<usize> {
    let taken = scope.sources.iter().any(|source| source.name() == name.value);
    if taken || name.value.contains('.') || name.value.is_empty() {
        let problem = format!("{:?} is taken already, empty, or has a full stop", name.value);
        context.faults.push(name.span, problem, "choose another name");
        return None;
    }
    scope.sources.push(Source::Slots { name: name.value, slots });
    Some(scope.sources.len() - 1)
}

fn list<'t>(section: Section<'t>, scope: &Scope, context: &mut Context<'_, 't>) -> Option<ListPlan> {
    let to = section.needed_text("to", "\"person.names\"", context.faults);
    let each = section.text("each", context.faults).and_then(|name| scope.source(&name, context));
    let require = section.texts("require", context.faults).unwrap_or_default();
    let max_items = section.whole("max_items", 1..ITEMS_MAX + 1, context.faults);
    let overflow = compile_field::on_overflow(&section, scope, context);
    let conditions = conditions(&section, scope, context);
    let fields: Vec<_> = section.tables("field", context.faults);
    let constants = section.table("constants", context.faults);
    section.finish(context.faults);
    let message = to.as_ref().and_then(|to| item_message(to, context));
    let (to, message) = (to?, message?);
    let target = Target { message: message.clone(), scope };
    let fields = fields.into_iter().filter_map(|field| compile_field::field(field, &target, context)).collect();
    let constants = constants.map(|section| item_constants(&section, &message, context)).unwrap_or_default();
    for name in &require {
        if let Err(problem) = schema::entry(&message, &name.value) {
            context.faults.push(name.span.clone(), problem, "name fields of the items");
        }
    }
    Some(ListPlan {
        to: to.value.split('.').map(str::to_owned).collect(),
        each,
        constants,
        fields,
        require: require.into_iter().map(|name| name.value).collect(),
        conditions,
        max_items: max_items.and_then(|max| usize::try_from(max).ok()),
        overflow,
    })
}

/// The message that the items of a list are.
fn item_message(to: &At<String>, context: &mut Context) -> Option<MessageDescriptor> {
    let appended = At { value: format!("{}[]", to.value.trim_end_matches("[]")), span: to.span.clone() };
    let path = compile_field::path(&appended, &schema::record(), context)?;
    match path.entry.field.kind() {
        Kind::Message(message) => Some(message),
        _ => {
            let mend = format!("write [[record.field]] with to = \"{}\"", appended.value);
            context.faults.push(to.span.clone(), format!("{} is a list of single values", to.value), mend);
            None
        }
    }
}

fn item_constants(section: &Section, message: &MessageDescriptor, context: &mut Context) -> Vec<(Vec<String>, Value)> {
    let mut constants = Vec::new();
    for (key, value) in section.rows() {
        let json = compile::to_json(value, context.faults);
        let Some(path) = compile_field::path(&key, message, context) else { continue };
        compile_field::check_constant(&path, &json, value.span(), context);
        constants.push((path.steps, json));
    }
    constants
}

/// What `only_when` and `skip_when` demand.
pub(super) fn conditions(section: &Section, scope: &Scope, context: &mut Context) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (key, negate) in [("only_when", false), ("skip_when", true)] {
        for section in section.tables(key, context.faults) {
            conditions.extend(condition(section, negate, scope, context));
        }
    }
    conditions
}

fn condition(section: Section, negate: bool, scope: &Scope, context: &mut Context) -> Option<Condition> {
    let column = section.needed_text("column", "\"type\"", context.faults);
    let values = |texts: Vec<At<String>>| texts.into_iter().map(|text| text.value).collect();
    let is = section.texts("is", context.faults).map(|texts| Test::Is(values(texts)));
    let is_not = section.texts("is_not", context.faults).map(|texts| Test::IsNot(values(texts)));
    let empty = section.flag("empty", context.faults).map(Test::Empty);
    let span: Range<usize> = section.span.clone();
    section.finish(context.faults);
    let mut tests: Vec<Test> = [is, is_not, empty].into_iter().flatten().collect();
    let (Some(test), true) = (tests.pop(), tests.is_empty()) else {
        let mend = "give one of is = \"...\", is_not = \"...\", empty = true";
        context.faults.push(span, "a condition has one test", mend);
        return None;
    };
    let column = compile_field::reference(&column?, scope, context)?;
    Some(Condition { column, test, negate })
}

/// The policies that a list may have when it has more items than it may.
pub(super) const OVERFLOW: [(&str, OnInvalid); 3] =
    [("error", OnInvalid::Error), ("omit", OnInvalid::Omit), ("note", OnInvalid::Note)];
