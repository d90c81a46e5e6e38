//! Messages to JSON.

use prost_reflect::{DynamicMessage, ReflectMessage, Value as Field};
use serde_json::{Map, Value, json};

use super::schema::{self, Entry, Form};
use super::short::{self, Partial};

/// The message as an object of the fields that it holds.
pub(super) fn message(message: &DynamicMessage) -> Value {
    let mut object = Map::new();
    for entry in schema::entries(&message.descriptor()) {
        if message.has_field(&entry.field) {
            object.insert(entry.name.clone(), field(entry, &message.get_field(&entry.field)));
        }
    }
    Value::Object(object)
}

fn field(entry: &Entry, value: &Field) -> Value {
    match value {
        Field::List(items) => items.iter().map(|item| single(entry, item)).collect(),
        one => single(entry, one),
    }
}

fn single(entry: &Entry, value: &Field) -> Value {
    match (&entry.form, value) {
        (Form::Choice(of), Field::EnumNumber(number)) => {
            schema::choices(of).find(|(_, known)| known == number).map_or(json!(number), |(name, _)| json!(name))
        }
        (Form::Moment, Field::I64(ms)) => short::moment_text(*ms).map_or(json!(ms), Value::from),
        (Form::Degrees, Field::I32(e7)) => short::degrees(*e7),
        (Form::Bytes, Field::Bytes(bytes)) => short::bytes_text(bytes, entry.field.name().ends_with("id")).into(),
        (Form::Date(_), Field::Message(date)) => date_text(date).map_or_else(|| message(date), Value::from),
        (Form::Tally(_), Field::Message(tally)) => tally_number(tally).map_or_else(|| message(tally), Value::from),
        (Form::Audience(_), Field::Message(audience)) => short_audience(audience).unwrap_or_else(|| message(audience)),
        (_, Field::Message(group)) => message(group),
        (_, Field::String(text)) => json!(text),
        (_, Field::Bool(flag)) => json!(flag),
        (_, Field::U32(number)) => json!(number),
        (_, Field::U64(number)) => json!(number),
        // The schema has no other scalar (a test in `schema` keeps it so); a number of any kind prints as itself.
        (_, other) => json!(other.as_i64().or(other.as_i32().map(i64::from))),
    }
}

fn whole(message: &DynamicMessage, name: &str) -> u32 {
    message.get_field_by_name(name).and_then(|value| value.as_u32()).unwrap_or_default()
}

fn flag(message: &DynamicMessage, name: &str) -> bool {
    message.get_field_by_name(name).and_then(|value| value.as_bool()).unwrap_or_default()
}

fn date_text(date: &DynamicMessage) -> Option<String> {
    let part = |name| whole(date, name);
    Partial { year: part("year"), month: part("month"), day: part("day"), approximate: flag(date, "approximate") }
        .format()
}

fn tally_number(tally: &DynamicMessage) -> Option<u32> {
    (!flag(tally, "at_least")).then(|| whole(tally, "number"))
}

fn short_audience(audience: &DynamicMessage) -> Option<Value> {
    let Value::Object(object) = message(audience) else { return None };
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    match (kind, object.get("participants")) {
        ("all" | "nobody", None) => Some(json!(kind)),
        ("named", Some(participants)) => Some(participants.clone()),
        _ => None,
    }
}
