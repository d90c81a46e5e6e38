//! From `[[record.field]]` and `[[record.list.field]]` sections to plans. Which keys a field may have follows from the
//! kind of value that the schema wants there.

use std::ops::Range;

use prost_reflect::MessageDescriptor;
use serde_json::Value;

use super::compile::{self, Context};
use super::compile_record::{OVERFLOW, Scope, conditions};
use super::convert::{Case, Convert, DatePlan, Exactness, Precision, TextPlan};
use super::pattern::Pattern;
use super::plan::{FieldPlan, Input, OnInvalid, Reference};
use super::section::{At, Section};
use super::template::Template;
use crate::json::read;
use crate::json::schema::{self, Entry, Form};

/// Longest text that `max` may allow.
const TEXT_MAX: u32 = 20_000;

/// The message whose fields are being set, and the names that may be used.
pub(super) struct Target<'s> {
    pub message: MessageDescriptor,
    pub scope: &'s Scope,
}

/// A path that the schema knows.
pub(super) struct KnownPath {
    pub steps: Vec<String>,
    pub append: bool,
    pub entry: &'static Entry,
}

/// One field.
pub(super) fn field<'t>(section: Section<'t>, target: &Target, context: &mut Context<'_, 't>) -> Option<FieldPlan> {
    let to = section.needed_text("to", "\"incident.place.name\"", context.faults);
    let path = to.as_ref().and_then(|to| path(to, &target.message, context));
    let Some(path) = path else {
        // Without its target it cannot be said which of the other keys are right.
        return None;
    };
    let input = input(&section, &path, target.scope, context);
    let texts = section.texts("pattern", context.faults).unwrap_or_default();
    let patterns = texts.iter().filter_map(|text| single_slot(text, context)).collect();
    let is_constant = matches!(input, Some((Input::Constant(_), _)));
    let convert = convert(&section, &path, is_constant, target.scope, context);
    let conditions = conditions(&section, target.scope, context);
    let on_invalid = on_invalid(&section, &path, target.scope, context);
    section.finish(context.faults);
    let (input, label) = input?;
    Some(FieldPlan {
        to: path.steps,
        append: path.append,
        input,
        label,
        patterns,
        convert: convert?,
        conditions,
        on_invalid,
    })
}

/// Follows a path through the schema.
pub(super) fn path(to: &At<String>, message: &MessageDescriptor, context: &mut Context) -> Option<KnownPath> {
    let known = follow(&to.value, message);
    if let Err(problem) = &known {
        context.faults.push(to.span.clone(), problem.clone(), "see the manual for the names of the fields");
    }
    known.ok()
}

fn follow(to: &str, message: &MessageDescriptor) -> Result<KnownPath, String> {
    let (bare, append) = to.strip_suffix("[]").map_or((to, false), |bare| (bare, true));
    let steps: Vec<String> = bare.split('.').map(str::to_owned).collect();
    let mut message = message.clone();
    let mut found: Option<&'static Entry> = None;
    for step in &steps {
        if let Some(entry) = found {
            message = match (&entry.form, entry.is_many()) {
                (Form::Group(inner), false) => inner.clone(),
                (_, true) => return Err(format!("{} is a list: fill it with [[record.list]]", entry.name)),
                _ => return Err(format!("{} is a single value and has no fields", entry.name)),
            };
        }
        found = Some(schema::entry(&message, step)?);
    }
    let entry = found.ok_or_else(|| "a path is empty".to_owned())?;
    if entry.is_many() != append {
        let mend =
            if append { "is no list: take [] away" } else { "is a list: write [] after it, or use [[record.list]]" };
        return Err(format!("{} {mend}", entry.name));
    }
    Ok(KnownPath { steps, append, entry })
}

/// What a name refers to, or a fault.
pub(super) fn reference(name: &At<String>, scope: &Scope, context: &mut Context) -> Option<Reference> {
    let found = scope.look_up(name, context);
    found
        .map_err(|problem| {
            context.faults.push(name.span.clone(), format!("{:?} {problem}", name.value), "correct the name")
        })
        .ok()
}

/// A pattern, or a fault.
pub(super) fn pattern(text: &At<String>, context: &mut Context) -> Option<Pattern> {
    let mend = "see the manual for how patterns are written";
    Pattern::parse(&text.value)
        .map_err(|problem| context.faults.push(text.span.clone(), format!("the pattern {problem}"), mend))
        .ok()
}

/// Judges a constant by the schema.
pub(super) fn check_constant(path: &KnownPath, value: &Value, span: Range<usize>, context: &mut Context) {
    if let Err(faults) = read::check(path.entry, value, &path.entry.name) {
        for fault in faults {
            context.faults.push(span.clone(), format!("{}: {}", fault.field, fault.problem), "correct the value");
        }
    }
}

/// What to do with items beyond `max_items`.
pub(super) fn on_overflow(section: &Section, scope: &Scope, context: &mut Context) -> OnInvalid {
    let words: Vec<(&'static str, usize)> = OVERFLOW.iter().enumerate().map(|(n, (word, _))| (*word, n)).collect();
    let chosen = section.word("overflow", &words, context.faults).and_then(|n| OVERFLOW.get(n));
    let policy = chosen.map_or(OnInvalid::Error, |(_, policy)| policy.clone());
    needs_notes(&policy, "overflow", section, scope, context);
    policy
}

fn single_slot(text: &At<String>, context: &mut Context) -> Option<Pattern> {
    let pattern = pattern(text, context)?;
    if pattern.slots.len() != 1 {
        let mend = "name the part to keep, as in \"{}, {value}\"; {} takes what is not kept";
        context.faults.push(text.span.clone(), "the pattern of a field keeps exactly one part", mend);
    }
    Some(pattern)
}

fn input<'t>(
    section: &Section<'t>,
    path: &KnownPath,
    scope: &Scope,
    context: &mut Context<'_, 't>,
) -> Option<(Input, String)> {
    let given = [section.has("from"), section.has("template"), section.has("value")];
    if given.into_iter().filter(|given| *given).count() != 1 {
        let mend = "give one of from = \"column\", template = \"...\", value = ...";
        context.faults.push(section.span.clone(), "a field has one source", mend);
    }
    let columns = section.texts("from", context.faults);
    let with = section.has("with").then(|| section.text("with", context.faults)).flatten();
    if let Some(columns) = columns {
        return columns_input(columns, with, scope, context);
    }
    if let Some(template) = section.text("template", context.faults) {
        let mut look_up = |name: &str| {
            let name = At { value: name.to_owned(), span: template.span.clone() };
            scope.look_up(&name, context).map_err(|problem| format!("names {:?}, which {problem}", name.value))
        };
        let filled = Template::parse(&template.value, &mut look_up);
        let mend = "see the manual for how templates are written";
        let filled = filled.map_err(|problem| {
            context.faults.push(template.span.clone(), format!("the template {problem}"), mend);
        });
        return Some((Input::Template(filled.ok()?), template.value));
    }
    let (_, value) = section.rows().find(|(key, _)| key.value == "value")?;
    let json = compile::to_json(value, context.faults);
    check_constant(path, &json, value.span(), context);
    Some((Input::Constant(json), "(value in the mapping)".to_owned()))
}

fn columns_input(
    columns: Vec<At<String>>,
    with: Option<At<String>>,
    scope: &Scope,
    context: &mut Context,
) -> Option<(Input, String)> {
    let label = columns.iter().map(|column| column.value.as_str()).collect::<Vec<_>>().join(" + ");
    let references: Vec<Reference> = columns.iter().filter_map(|column| reference(column, scope, context)).collect();
    match (references.as_slice(), columns.len()) {
        ([one], 1) => Some((Input::Column(*one), label)),
        (all, wanted) if all.len() == wanted && wanted > 1 => {
            Some((Input::Joined { columns: references, with: with.map_or(" ".to_owned(), |with| with.value) }, label))
        }
        _ => None,
    }
}

/// How the text becomes the value that the schema wants. Only keys that fit are asked for, so others are refused.
fn convert(
    section: &Section,
    path: &KnownPath,
    is_constant: bool,
    scope: &Scope,
    context: &mut Context,
) -> Option<Convert> {
    if is_constant {
        return Some(Convert::Text(TextPlan::default()));
    }
    let by_table = matches!(path.entry.form, Form::Text | Form::Choice(_) | Form::Date(_)) && section.has("table");
    if by_table {
        return table(section, path, context);
    }
    match &path.entry.form {
        Form::Text | Form::Choice(_) | Form::Bytes => Some(Convert::Text(text(section, context))),
        Form::Flag => Some(Convert::Flag),
        Form::Degrees => Some(Convert::Degrees { decimal: sign(section, "decimal", context).unwrap_or('.') }),
        Form::Whole => Some(Convert::Whole { thousands: sign(section, "thousands", context) }),
        Form::Tally(_) => Some(Convert::Tally {
            thousands: sign(section, "thousands", context),
            at_least: section.flag("at_least", context.faults).unwrap_or(false),
        }),
        Form::Moment => formats(section, "moment", "\"%Y-%m-%dT%H:%M:%S%:z\"", context).map(Convert::Moment),
        Form::Date(_) => date(section, scope, context).map(Convert::Date),
        Form::Audience(_) | Form::Group(_) => {
            let problem = format!("{} is a group of fields", path.entry.name);
            context.faults.push(section.span_of("to"), problem, "name one of its fields");
            None
        }
    }
}

/// A table whose results the schema must allow.
fn table(section: &Section, path: &KnownPath, context: &mut Context) -> Option<Convert> {
    let name = section.text("table", context.faults)?;
    let at = context.table(&name)?;
    let wrong =
        context.tables.get(at).into_iter().flat_map(|table| table.results()).filter(|result| !result.is_empty());
    let mut wrong: Vec<String> = wrong
        .filter_map(|result| read::check(path.entry, &Value::from(result), &path.entry.name).err())
        .map(|faults| faults.to_string())
        .collect();
    wrong.sort();
    for problem in wrong {
        let mend = format!("correct the row of [tables.{}.rows]", name.value);
        context.faults.push(name.span.clone(), format!("the table gives what does not fit: {problem}"), mend);
    }
    Some(Convert::Table(at))
}

fn text(section: &Section, context: &mut Context) -> TextPlan {
    let max = section.whole("max", 1..TEXT_MAX + 1, context.faults).and_then(|max| usize::try_from(max).ok());
    let cut = match max {
        Some(_) => section.word("too_long", &[("error", false), ("cut", true)], context.faults).unwrap_or(false),
        None => false,
    };
    let case = section.word("case", &[("upper", Case::Upper), ("lower", Case::Lower)], context.faults);
    TextPlan { max: max.map(|max| (max, cut)), case }
}

fn sign(section: &Section, key: &'static str, context: &mut Context) -> Option<char> {
    section.byte(key, context.faults).map(char::from)
}

fn formats(section: &Section, key: &'static str, example: &str, context: &mut Context) -> Option<Vec<String>> {
    if !section.has(key) {
        context.faults.push(section.span.clone(), format!("{key} is missing"), format!("add {key} = {example}"));
    }
    let formats = section.texts(key, context.faults)?;
    Some(formats.into_iter().map(|format| format.value).collect())
}

fn date(section: &Section, scope: &Scope, context: &mut Context) -> Option<DatePlan> {
    let formats = formats(section, "date", "\"%Y-%m-%d\"", context)?;
    let approximate = section.flag("approximate", context.faults).unwrap_or(false);
    let always = section.word("precision", &Exactness::WORDS, context.faults);
    let column = section.text("precision_column", context.faults);
    let table = match &column {
        Some(_) => section.text("precision_table", context.faults).and_then(|name| context.table(&name)),
        None => None,
    };
    let precision = match (always, column) {
        (Some(_), Some(column)) => {
            context.faults.push(column.span, "a date has one precision", "take precision or precision_column away");
            return None;
        }
        (Some(always), None) => Precision::Always(always),
        (None, Some(column)) => Precision::Column { column: reference(&column, scope, context)?, table },
        (None, None) => Precision::AsWritten,
    };
    Some(DatePlan { formats, approximate, precision })
}

fn on_invalid(section: &Section, path: &KnownPath, scope: &Scope, context: &mut Context) -> OnInvalid {
    let words = [("error", 0), ("omit", 1), ("note", 2), ("use", 3)];
    let policy = match section.word("on_invalid", &words, context.faults) {
        Some(1) => OnInvalid::Omit,
        Some(2) => OnInvalid::Note,
        Some(3) => instead(section, path, context),
        _ => OnInvalid::Error,
    };
    needs_notes(&policy, "on_invalid", section, scope, context);
    policy
}

fn instead(section: &Section, path: &KnownPath, context: &mut Context) -> OnInvalid {
    let Some((_, value)) = section.rows().find(|(key, _)| key.value == "use") else {
        let mend = "add use = \"the value to use instead\"";
        context.faults.push(section.span_of("on_invalid"), "use is missing", mend);
        return OnInvalid::Error;
    };
    // Asked for, so that it is not refused as unknown.
    section.has("use");
    let json = compile::to_json(value, context.faults);
    check_constant(path, &json, value.span(), context);
    OnInvalid::Use(json)
}

fn needs_notes(policy: &OnInvalid, key: &'static str, section: &Section, scope: &Scope, context: &mut Context) {
    if *policy == OnInvalid::Note && !scope.notes {
        let mend = "add notes = \"<a text field>\" to the [[record]]";
        context.faults.push(section.span_of(key), "the record has no place for notes", mend);
    }
}
