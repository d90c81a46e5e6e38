//! Keeps the manual of mappings true: its reference of fields is what the schema says, word by word, and every mapping in
//! it is accepted.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::Mapping;
use crate::json::schema::{self, Entry, Form};

const BEGIN: &str = "<!-- The fields of the schema: a test compares what follows with it. -->\n";
const END: &str = "<!-- End of the fields. -->";

/// What a mapping never sets.
const STAMPED: [&str; 8] =
    ["header", "record_id", "version", "replaces", "amendment_reason", "verdict", "attachments", "links"];

fn manual() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../node-config/mappings/README.md");
    fs::read_to_string(path).unwrap()
}

/// The comment that stands before a field in the schema, on one line. Degrees are whole numbers there, which is no
/// concern of a mapping.
fn comment(entry: &Entry) -> String {
    if matches!(entry.form, Form::Degrees) {
        return "WGS 84.".to_owned();
    }
    leading_comment(&entry.field)
}

fn leading_comment(field: &FieldDescriptor) -> String {
    let file = field.parent_file().file_descriptor_proto().clone();
    let location = file.source_code_info.into_iter().flat_map(|info| info.location).find(|at| at.path == field.path());
    let text = location.and_then(|location| location.leading_comments).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn kind(entry: &Entry) -> String {
    let one = match &entry.form {
        Form::Text => "text".to_owned(),
        Form::Flag => "true or false".to_owned(),
        Form::Whole => "whole number".to_owned(),
        Form::Moment => "moment".to_owned(),
        Form::Degrees => "decimal degrees".to_owned(),
        Form::Bytes => "id".to_owned(),
        Form::Choice(of) => {
            let names: Vec<String> = schema::choices(of).map(|(name, _)| format!("`{name}`")).collect();
            format!("one of {}", names.join(", "))
        }
        Form::Date(_) => "date".to_owned(),
        Form::Tally(_) => "tally".to_owned(),
        Form::Audience(_) => "audience".to_owned(),
        Form::Group(of) => format!("[{0}](#{1})", of.name(), of.name().to_lowercase()),
    };
    if entry.is_many() { format!("list of: {one}") } else { one }
}

fn section(message: &MessageDescriptor, done: &mut BTreeSet<String>, text: &mut String) {
    if !done.insert(message.full_name().to_owned()) {
        return;
    }
    text.push_str(&format!("\n### {}\n\n| field | holds | |\n|---|---|---|\n", message.name()));
    let entries = schema::entries(message).iter().filter(|entry| !STAMPED.contains(&entry.name.as_str()));
    let entries: Vec<&Entry> = entries.collect();
    for entry in &entries {
        text.push_str(&format!("| `{}` | {} | {} |\n", entry.name, kind(entry), comment(entry)));
    }
    for entry in entries {
        if let (Form::Group(_), Kind::Message(inner)) = (&entry.form, entry.field.kind()) {
            section(&inner, done, text);
        }
    }
}

#[test]
fn the_reference_of_fields_is_the_schema() {
    let mut expected = String::new();
    section(&schema::record(), &mut BTreeSet::new(), &mut expected);
    let manual = manual();
    let found = manual.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(found, _)| found.trim());
    assert!(found == Some(expected.trim()), "the manual must hold, between its marks:\n{expected}");
}

/// The code blocks of a language, with the heading before them.
fn blocks<'m>(manual: &'m str, language: &str) -> Vec<&'m str> {
    let start = format!("```{language}\n");
    manual.split(start.as_str()).skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block)).collect()
}

/// A part of a mapping, put into one that is otherwise right: keys of the top first, then the sections that it lacks.
fn completed(part: &str) -> String {
    let sections = part.find("\n[").map_or(0, |at| if part.starts_with('[') { 0 } else { at + 1 });
    let (top, sections) = part.split_at(sections);
    let mut text = format!("name = \"x\"\nsource = \"x\"\n{top}");
    for (section, lacking) in [("[file]\n", "format = \"csv\"\n"), ("[[record]]\n", "key = [\"id\"]\n")] {
        if !sections.contains(section) {
            text.push_str(section);
            text.push_str(lacking);
        }
    }
    text + sections
}

#[test]
fn every_mapping_in_the_manual_is_accepted() {
    let manual = manual();
    let blocks = blocks(&manual, "toml");
    assert!(blocks.len() > 10);
    for block in blocks {
        let text = if block.contains("\nsource = ") { block.to_owned() } else { completed(block) };
        if let Err(faults) = Mapping::parse(&text) {
            panic!("{faults:#?}\n{text}");
        }
    }
}

#[test]
fn the_worked_example_gives_what_the_manual_says() {
    let manual = manual();
    let (_, example) = manual.split_once("## A worked example").unwrap();
    let mapping = Mapping::parse(blocks(example, "toml")[0]).unwrap();
    let file = blocks(example, "csv")[0].to_owned();
    let rows = mapping.read(std::io::Cursor::new(file), Default::default(), None).unwrap();
    let rows: Vec<_> = rows.map(Result::unwrap).collect();
    let expected: serde_json::Value = serde_json::from_str(blocks(example, "json")[0]).unwrap();
    let first = crate::to_json(rows[0].draft.as_ref().unwrap());
    assert_eq!(first, expected, "{first:#}");
    let mut report = crate::Report::new(Vec::new()).unwrap();
    for row in &rows {
        if let Err(faults) = &row.draft {
            report.add(row.number, faults).unwrap();
        }
    }
    let report = String::from_utf8(report.finish().unwrap()).unwrap();
    assert_eq!(report, blocks(example, "csv")[1]);
}

#[test]
fn every_key_that_a_mapping_may_have_is_in_the_manual() {
    let manual = manual();
    let sources = ["compile.rs", "compile_field.rs", "compile_record.rs"].map(|file| {
        fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/mapping").join(file)).unwrap()
    });
    let asked = ["text(\"", "texts(\"", "flag(\"", "whole(\"", "byte(\"", "word(\"", "table(\"", "tables(\"", "has(\""];
    let mut keys = BTreeSet::from(["moment", "date", "decimal", "thousands", "only_when", "skip_when"]);
    for source in &sources {
        for ask in asked {
            keys.extend(source.split(ask).skip(1).filter_map(|rest| rest.split('"').next()));
        }
    }
    assert!(keys.len() > 40, "{keys:?}");
    for key in keys {
        assert!(manual.contains(&format!("`{key}`")), "the manual does not explain {key}");
    }
}
