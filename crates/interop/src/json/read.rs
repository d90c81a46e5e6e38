//! JSON to messages. A fault never stops the walk, so that all of them are found.

use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, ReflectMessage, Value as Field};
use selat_record::{Faults, fault::FaultList};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

use super::schema::{self, Entry, Form};
use super::short::{self, Partial};

/// The message that an object describes; faults carry the path of the field.
pub(super) fn message(of: &MessageDescriptor, value: &Value, path: &str, faults: &mut FaultList) -> DynamicMessage {
    let mut message = DynamicMessage::new(of.clone());
    let Value::Object(object) = value else {
        faults.push(shown(path), wrong_type("an object of fields", value));
        return message;
    };
    for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        match schema::entry(of, name) {
            Ok(entry) => set(&mut message, entry, value, &join(path, name), faults),
            Err(problem) => faults.push(join(path, name), problem),
        }
    }
    complete_days(&mut message);
    message
}

/// Judges one value of a field, or of a list, by itself.
pub(crate) fn check(entry: &Entry, value: &Value, path: &str) -> Result<(), Faults> {
    let mut faults = FaultList::default();
    single(entry, value, path, &mut faults);
    faults.into_result(())
}

fn set(message: &mut DynamicMessage, entry: &Entry, value: &Value, path: &str, faults: &mut FaultList) {
    let other = entry.field.containing_oneof().and_then(|oneof| oneof.fields().find(|field| message.has_field(field)));
    if let Some(other) = other {
        faults.push(path, format!("a record has one body, and {} is given too", other.name()));
        return;
    }
    let read = if entry.is_many() { list(entry, value, path, faults) } else { single(entry, value, path, faults) };
    if let Some(read) = read {
        message.set_field(&entry.field, read);
    }
}

fn list(entry: &Entry, value: &Value, path: &str, faults: &mut FaultList) -> Option<Field> {
    let Value::Array(items) = value else {
        faults.push(path, wrong_type("a list", value));
        return None;
    };
    let read = items.iter().enumerate().map(|(n, item)| single(entry, item, &format!("{path}[{n}]"), faults));
    let mut read: Vec<Field> = read.collect::<Vec<_>>().into_iter().flatten().collect();
    if entry.is_set() {
        read.sort_by_cached_key(|item| (item.as_enum_number(), item.as_str().map(str::to_owned)));
        read.dedup();
    }
    Some(Field::List(read))
}

fn single(entry: &Entry, value: &Value, path: &str, faults: &mut FaultList) -> Option<Field> {
    let read = match (&entry.form, value) {
        (Form::Group(of), Value::Object(_))
        | (Form::Date(of), Value::Object(_))
        | (Form::Tally(of), Value::Object(_))
        | (Form::Audience(of), Value::Object(_)) => Ok(Field::Message(message(of, value, path, faults))),
        (Form::Date(of), Value::String(text)) => Partial::parse(text).map(|date| date_message(of, date)),
        (Form::Tally(of), Value::Number(_)) => Ok(Field::Message(message(of, &number_only(value), path, faults))),
        (Form::Audience(of), Value::String(_) | Value::Array(_)) => {
            Ok(Field::Message(message(of, &long_audience(value), path, faults)))
        }
        (Form::Text, Value::String(text)) => Ok(Field::String(text.nfc().collect())),
        (Form::Flag, Value::Bool(flag)) => Ok(Field::Bool(*flag)),
        (Form::Moment, Value::String(text)) => short::moment_ms(text).map(Field::I64),
        (Form::Degrees, Value::Number(number)) => short::degrees_e7(&number.to_string()).map(Field::I32),
        (Form::Degrees, Value::String(text)) => short::degrees_e7(text).map(Field::I32),
        (Form::Bytes, Value::String(text)) => short::bytes_of(text).map(|bytes| Field::Bytes(bytes.into())),
        (Form::Choice(of), Value::String(name)) => schema::choice(of, name).map(Field::EnumNumber),
        (Form::Whole, Value::Number(number)) => whole(entry, number),
        (form, value) => Err(wrong_type(expected(form), value)),
    };
    read.map_err(|problem| faults.push(path, problem)).ok()
}

fn whole(entry: &Entry, number: &serde_json::Number) -> Result<Field, String> {
    let problem = || format!("{number} is not a whole number from 0 up to the largest that the field holds");
    let value = number.as_u64().ok_or_else(problem)?;
    match entry.field.kind() {
        Kind::Uint64 => Ok(Field::U64(value)),
        _ => u32::try_from(value).map(Field::U32).map_err(|_| problem()),
    }
}

fn date_message(of: &MessageDescriptor, date: Partial) -> Field {
    let mut message = DynamicMessage::new(of.clone());
    for (name, part) in [("year", date.year), ("month", date.month), ("day", date.day)] {
        message.set_field_by_name(name, Field::U32(part));
    }
    message.set_field_by_name("approximate", Field::Bool(date.approximate));
    Field::Message(message)
}

fn number_only(number: &Value) -> Value {
    Value::Object(Map::from_iter([("number".to_owned(), number.clone())]))
}

fn long_audience(short: &Value) -> Value {
    let fields = match short {
        Value::Array(_) => vec![("kind".to_owned(), Value::from("named")), ("participants".to_owned(), short.clone())],
        kind => vec![("kind".to_owned(), kind.clone())],
    };
    Value::Object(Map::from_iter(fields))
}

/// Where only the exact moment is given, the schema wants its UTC day beside it.
fn complete_days(message: &mut DynamicMessage) {
    if message.descriptor().full_name() != "selat.v1.When" {
        return;
    }
    for (day, moment) in [("from", "from_ms"), ("until", "until_ms")] {
        let entry = message.descriptor().get_field_by_name(day);
        let ms = message.get_field_by_name(moment).and_then(|value| value.as_i64()).filter(|ms| *ms != 0);
        let (Some(field), Some(ms)) = (entry, ms) else { continue };
        let (Kind::Message(of), false) = (field.kind(), message.has_field(&field)) else { continue };
        if let Some(date) = short::moment_text(ms).and_then(|text| Partial::parse(text.get(..10)?).ok()) {
            message.set_field(&field, date_message(&of, date));
        }
    }
}

fn expected(form: &Form) -> &'static str {
    match form {
        Form::Text => "text",
        Form::Flag => "true or false",
        Form::Whole => "a whole number",
        Form::Moment => "a moment in text such as \"2024-05-17T08:30:00Z\"",
        Form::Degrees => "decimal degrees",
        Form::Bytes => "a UUID or hexadecimal digits in text",
        Form::Choice(_) => "the name of a value in text",
        Form::Date(_) => "a date in text such as \"1974-08-12\" or \"1974\"",
        Form::Tally(_) => "a whole number, or an object with number and at_least",
        Form::Audience(_) => "\"all\", \"nobody\" or a list of participants",
        Form::Group(_) => "an object of fields",
    }
}

fn wrong_type(expected: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("must be {expected}, not {found}")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "record" } else { path }
}
