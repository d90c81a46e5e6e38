//! What the schema says about each field, looked up once: its name in JSON and the form of its value.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use selat_record::pb;

use crate::near::nearest;

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(pb::DESCRIPTORS).expect("the schema's own descriptors decode"));

static MESSAGES: LazyLock<HashMap<String, Vec<Entry>>> = LazyLock::new(|| {
    POOL.all_messages().map(|message| (message.full_name().to_owned(), entries_of(&message))).collect()
});

/// Lists that the schema keeps ascending and free of repeats: people and files may give them in any order.
const SETS: [&str; 10] = [
    "selat.v1.Audience.participants",
    "selat.v1.Bulletin.countries",
    "selat.v1.Handling.europol_codes",
    "selat.v1.Handling.purposes",
    "selat.v1.Incident.modes",
    "selat.v1.Network.countries",
    "selat.v1.Person.nationalities",
    "selat.v1.Person.roles",
    "selat.v1.Protection.hidden_from",
    "selat.v1.Protection.kinds",
];

/// A field as JSON shows it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub name: String,
    pub field: FieldDescriptor,
    pub form: Form,
}

impl Entry {
    /// True for a list.
    pub fn is_many(&self) -> bool {
        self.field.is_list()
    }

    /// True for a list that is kept ascending, each value once.
    pub fn is_set(&self) -> bool {
        SETS.contains(&self.field.full_name())
    }
}

/// How the value of a field looks in JSON.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    Text,
    Flag,
    Whole,
    Moment,
    Degrees,
    Bytes,
    Choice(EnumDescriptor),
    Date(MessageDescriptor),
    Tally(MessageDescriptor),
    Audience(MessageDescriptor),
    Group(MessageDescriptor),
}

/// The record message.
pub(crate) fn record() -> MessageDescriptor {
    POOL.get_message_by_name("selat.v1.Record").expect("the schema has a record")
}

/// The fields of a message in the order of the schema.
pub(crate) fn entries(message: &MessageDescriptor) -> &'static [Entry] {
    MESSAGES.get(message.full_name()).map(Vec::as_slice).unwrap_or_default()
}

/// The field with this name in JSON, or what is wrong with the name.
pub(crate) fn entry(message: &MessageDescriptor, name: &str) -> Result<&'static Entry, String> {
    let all = entries(message);
    all.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let guess = nearest(name, all.iter().map(|entry| entry.name.as_str()));
        let hint = guess.map(|guess| format!(", did you mean {guess:?}")).unwrap_or_default();
        format!("{name:?} is not a field of {}{hint}", message.name())
    })
}

/// The value names of an enum, without the unspecified one.
pub(crate) fn choices(of: &EnumDescriptor) -> impl Iterator<Item = (String, i32)> {
    let prefix = of.default_value().name().trim_end_matches("UNSPECIFIED").to_owned();
    let values: Vec<_> = of.values().map(|value| (value.name().to_owned(), value.number())).collect();
    values
        .into_iter()
        .filter(|(_, number)| *number != 0)
        .map(move |(name, number)| (name.trim_start_matches(prefix.as_str()).to_ascii_lowercase(), number))
}

/// The number behind a value name, or what is wrong with it: the allowed names are listed.
pub(crate) fn choice(of: &EnumDescriptor, name: &str) -> Result<i32, String> {
    let known: Vec<(String, i32)> = choices(of).collect();
    match known.iter().find(|(known, _)| known == name) {
        Some((_, number)) => Ok(*number),
        None => {
            let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
            Err(format!("{name:?} is not one of {}", names.join(", ")))
        }
    }
}

fn entries_of(message: &MessageDescriptor) -> Vec<Entry> {
    let taken = |name: &str| message.get_field_by_name(name).is_some();
    message
        .fields()
        .map(|field| {
            let (name, form) = match (field.kind(), field.name()) {
                (Kind::Int64, name) if name.ends_with("_ms") => (moment_name(name, taken), Form::Moment),
                (Kind::Sint32, name) if name.ends_with("_e7") => (strip(name, "_e7"), Form::Degrees),
                (kind, name) => (name.to_owned(), form_of(kind)),
            };
            Entry { name, field, form }
        })
        .collect()
}

fn moment_name(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let bare = strip(name, "_ms");
    if taken(&bare) { format!("{bare}_time") } else { bare }
}

fn strip(name: &str, suffix: &str) -> String {
    name.strip_suffix(suffix).unwrap_or(name).to_owned()
}

fn form_of(kind: Kind) -> Form {
    match kind {
        Kind::String => Form::Text,
        Kind::Bool => Form::Flag,
        Kind::Bytes => Form::Bytes,
        Kind::Enum(of) => Form::Choice(of),
        Kind::Message(of) => match of.full_name() {
            "selat.v1.PartialDate" => Form::Date(of),
            "selat.v1.Tally" => Form::Tally(of),
            "selat.v1.Audience" => Form::Audience(of),
            _ => Form::Group(of),
        },
        _ => Form::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_a_list_of_the_schema() {
        for path in SETS {
            let (message, field) = path.rsplit_once('.').unwrap();
            let message = POOL.get_message_by_name(message).unwrap();
            assert!(message.get_field_by_name(field).unwrap().is_list(), "{path}");
        }
    }

    #[test]
    fn no_two_fields_of_a_message_share_a_name() {
        for entries in MESSAGES.values() {
            for (n, entry) in entries.iter().enumerate() {
                assert!(entries[n + 1..].iter().all(|other| other.name != entry.name), "{}", entry.field.full_name());
            }
        }
    }

    #[test]
    fn every_number_has_a_form() {
        for entry in MESSAGES.values().flatten() {
            let whole = matches!(entry.field.kind(), Kind::Uint32 | Kind::Uint64);
            assert!(!matches!(entry.form, Form::Whole) || whole, "{} has no form", entry.field.full_name());
        }
    }
}
