//! From the text of a mapping to its plan: the file, its joins, the value tables; records are in `compile_record`.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::MAPPING_BYTES_MAX;
use super::compile_record;
use super::fault::{MappingFault, MappingFaults};
use super::lookup::{Base, Lookup};
use super::plan::{Encoding, FilePlan, Format, JoinPlan, Plan};
use super::section::{At, Section};
use crate::near::nearest;

/// Days that a record may be valid at most: a hundred years.
const VALID_DAYS_MAX: u32 = 36_500;
/// Longest name of a mapping or a source in characters.
const NAME_MAX: usize = 80;

/// Checks a mapping. The plan is there only if there is no fault.
pub(super) fn plan(text: &str) -> Result<Plan, Vec<MappingFault>> {
    let mut faults = MappingFaults::new(text);
    if text.len() > MAPPING_BYTES_MAX {
        faults.push(0..0, format!("the mapping is longer than {MAPPING_BYTES_MAX} bytes"), "is this the right file?");
        return faults.into_result(None);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let mend = "see toml.io for how TOML is written";
        faults.push(error.span().unwrap_or(0..0), error.message().trim().replace('\n', ", "), mend);
    }
    // What a broken document still holds would only give faults that follow from the first ones.
    let plan = if errors.is_empty() { document(root.get_ref(), root.span(), &mut faults) } else { None };
    faults.into_result(plan)
}

/// What is known while records are read.
pub(super) struct Context<'f, 't> {
    pub faults: &'f mut MappingFaults<'t>,
    pub tables: Vec<Lookup>,
    pub joins: Vec<JoinPlan>,
    pub file: FilePlan,
    /// Constants of all records, where they stand, and their table for finding single values.
    pub constants: Value,
}

impl Context<'_, '_> {
    /// The place of a wanted column of the main file.
    pub fn column(&mut self, name: &At<String>) -> usize {
        wanted(&mut self.file, name, self.faults)
    }

    /// The place of a table, or a fault.
    pub fn table(&mut self, name: &At<String>) -> Option<usize> {
        let at = self.tables.iter().position(|table| table.name == name.value);
        if at.is_none() {
            let guess = nearest(&name.value, self.tables.iter().map(|table| table.name.as_str()));
            let mend =
                guess.map_or_else(|| format!("add [tables.{}]", name.value), |guess| format!("did you mean {guess:?}"));
            self.faults.push(name.span.clone(), format!("there is no table {:?}", name.value), mend);
        }
        at
    }
}

fn document<'t>(table: &'t DeTable<'t>, span: Range<usize>, faults: &mut MappingFaults<'t>) -> Option<Plan> {
    let root = Section::new(table, span.start..span.start);
    let name = short_text(&root, "name", "\"Incidents of the coast guard\"", faults);
    let source = short_text(&root, "source", "\"coast-guard-incidents\"", faults);
    let valid_days = root.whole("valid_days", 1..VALID_DAYS_MAX + 1, faults);
    let tables = tables(&root, faults);
    let constants = root.table("constants", faults);
    let file = match root.table("file", faults) {
        Some(section) => {
            let file = file_plan(&section, faults);
            section.finish(faults);
            file
        }
        None => {
            faults.push(root.span.clone(), "[file] is missing", "add [file] with format = \"csv\"");
            None
        }
    };
    let mut context = Context { faults, tables, joins: Vec::new(), file: file?, constants: Value::Null };
    joins(&root, &mut context);
    context.constants =
        constants.as_ref().map_or(Value::Object(Map::new()), |section| to_tree(section, context.faults));
    let records = compile_record::records(&root, constants.as_ref(), &mut context);
    root.finish(context.faults);
    let Context { tables, joins, file, .. } = context;
    Some(Plan { name: name?, source: source?, valid_days, file, joins, tables, records })
}

fn short_text(root: &Section, key: &'static str, example: &str, faults: &mut MappingFaults) -> Option<String> {
    let text = root.needed_text(key, example, faults)?;
    let length = text.value.chars().count();
    if length == 0 || length > NAME_MAX || text.value.chars().any(char::is_control) {
        faults.push(
            text.span,
            format!("{key} must have 1 to {NAME_MAX} characters"),
            format!("write {key} = {example}"),
        );
    }
    Some(text.value)
}

fn tables<'t>(root: &Section<'t>, faults: &mut MappingFaults<'t>) -> Vec<Lookup> {
    let Some(all) = root.table("tables", faults) else { return Vec::new() };
    let mut tables = Vec::new();
    for (name, value) in all.rows() {
        let Some(table) = value.get_ref().as_table() else {
            faults.push(name.span, "a value table is missing here", format!("write [tables.{}.rows]", name.value));
            continue;
        };
        let section = Section::new(table, value.span());
        let base = section.word("base", &Base::WORDS, faults);
        let mut lookup = Lookup::new(name.value, base);
        if let Some(rows) = section.table("rows", faults) {
            for (from, to) in rows.rows() {
                match to.get_ref().as_str() {
                    Some(to) => lookup.insert(&from.value, to.to_owned()),
                    None => faults.push(
                        to.span(),
                        "a row of a table gives text",
                        "write \"in the file\" = \"in the record\"",
                    ),
                }
            }
        }
        section.finish(faults);
        tables.push(lookup);
    }
    tables
}

/// The layout of a file. The caller finishes the section, which may hold more.
fn file_plan(section: &Section, faults: &mut MappingFaults) -> Option<FilePlan> {
    let is_csv = section.word("format", &[("csv", true), ("jsonl", false)], faults);
    if !section.has("format") {
        faults.push(section.span.clone(), "format is missing", "add format = \"csv\" or format = \"jsonl\"");
    }
    let empty = section.texts("empty", faults).unwrap_or_default().into_iter().map(|text| text.value.trim().to_owned());
    let empty = empty.collect();
    let format = match is_csv? {
        true => csv_format(section, faults),
        false => Format::JsonLines {
            list_separator: section.text("list_separator", faults).map_or_else(|| ";".to_owned(), |text| text.value),
        },
    };
    let encodings = [("utf-8", Encoding::Utf8), ("latin-1", Encoding::Latin1)];
    let encoding = match format {
        Format::Csv { .. } => section.word("encoding", &encodings, faults).unwrap_or(Encoding::Utf8),
        Format::JsonLines { .. } => Encoding::Utf8,
    };
    Some(FilePlan { format, encoding, empty, columns: Vec::new() })
}

fn csv_format(section: &Section, faults: &mut MappingFaults) -> Format {
    let header = section.flag("header", faults).unwrap_or(true);
    let names = section.texts("columns", faults).unwrap_or_default();
    if header && !names.is_empty() {
        let mend = "take columns out, or write header = false";
        faults.push(section.span_of("columns"), "a file with a header line names its columns itself", mend);
    }
    Format::Csv {
        delimiter: section.byte("delimiter", faults).unwrap_or(b','),
        quote: section.byte("quote", faults).unwrap_or(b'"'),
        header,
        names: names.into_iter().map(|name| name.value).collect(),
    }
}

fn joins<'t>(root: &Section<'t>, context: &mut Context<'_, 't>) {
    let Some(all) = root.table("joins", context.faults) else { return };
    for (name, value) in all.rows() {
        let Some(table) = value.get_ref().as_table() else {
            context.faults.push(name.span, "a join is missing here", format!("write [joins.{}]", name.value));
            continue;
        };
        if name.value.contains('.') {
            context.faults.push(name.span.clone(), "the name of a join has a full stop", "choose a name without one");
        }
        let section = Section::new(table, value.span());
        let file = section.needed_text("file", "\"aliases.csv\"", context.faults);
        let layout = file_plan(&section, context.faults);
        let key = section.needed_text("key", "\"person id\"", context.faults);
        let to = section.needed_text("to", "\"id\"", context.faults);
        section.finish(context.faults);
        let (Some(file), Some(mut layout), Some(key), Some(to)) = (file, layout, key, to) else { continue };
        let key = wanted(&mut layout, &key, context.faults);
        let to = context.column(&to);
        context.joins.push(JoinPlan { name: name.value, file: file.value, layout, key, to });
    }
}

/// The place of a column among the wanted ones of a file. Where the mapping itself names the columns, a name that is
/// not among them is a fault here; where a header line does, the reader finds out.
pub(super) fn wanted(file: &mut FilePlan, name: &At<String>, faults: &mut MappingFaults) -> usize {
    if let Format::Csv { header: false, names, .. } = &file.format {
        let is_position = name.value.parse::<usize>().is_ok_and(|position| position > 0);
        if !is_position && !names.contains(&name.value) {
            let guess = nearest(&name.value, names.iter().map(String::as_str));
            let mend = guess.map_or_else(
                || "give its position from 1, or name all columns with columns = [...]".to_owned(),
                |guess| format!("did you mean {guess:?}"),
            );
            faults.push(name.span.clone(), format!("the file has no column {:?}", name.value), mend);
        }
    }
    let known = file.columns.iter().position(|column| *column == name.value);
    known.unwrap_or_else(|| {
        file.columns.push(name.value.clone());
        file.columns.len() - 1
    })
}

/// A table of constants as the JSON tree that it describes. Keys may be dotted paths, quoted or not.
pub(super) fn to_tree(section: &Section, faults: &mut MappingFaults) -> Value {
    let mut tree = Value::Object(Map::new());
    for (key, value) in section.rows() {
        let value = to_json(value, faults);
        place(&mut tree, &key.value.split('.').collect::<Vec<_>>(), value);
    }
    tree
}

/// Puts a value at a path; tables that are there already are joined with it.
pub(super) fn place(tree: &mut Value, path: &[&str], value: Value) {
    match (path, tree, value) {
        ([], Value::Object(known), Value::Object(more)) => {
            for (key, value) in more {
                place(known.entry(key).or_insert(Value::Null), &[], value);
            }
        }
        ([], known, value) => *known = value,
        ([first, rest @ ..], tree, value) => {
            if !tree.is_object() {
                *tree = Value::Object(Map::new());
            }
            if let Value::Object(object) = tree {
                place(object.entry(*first).or_insert(Value::Null), rest, value);
            }
        }
    }
}

/// A TOML value as JSON.
pub(super) fn to_json(value: &Spanned<DeValue>, faults: &mut MappingFaults) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Array(items) => items.iter().map(|item| to_json(item, faults)).collect(),
        DeValue::Table(table) => to_tree(&Section::new(table, value.span()), faults),
        DeValue::Integer(number) if number.radix() == 10 => match number.as_str().parse::<i64>() {
            Ok(number) => Value::from(number),
            Err(_) => refuse(value, faults),
        },
        DeValue::Float(number) => Value::from(number.as_str()),
        DeValue::Integer(_) | DeValue::Datetime(_) => refuse(value, faults),
    }
}

fn refuse(value: &Spanned<DeValue>, faults: &mut MappingFaults) -> Value {
    let problem = format!("a constant cannot be a {} of this kind", value.get_ref().type_str());
    faults.push(value.span(), problem, "write it as text in quotes");
    Value::Null
}

/// Where the value at a path stands in a table of constants.
pub(super) fn span_at(table: &Section, path: &str) -> Option<Range<usize>> {
    table.rows().find_map(|(key, value)| {
        let rest = path.strip_prefix(key.value.as_str())?;
        match (rest.strip_prefix('.'), value.get_ref().as_table()) {
            (Some(rest), Some(inner)) => span_at(&Section::new(inner, value.span()), rest).or(Some(key.span)),
            (None, _) if !rest.is_empty() && !rest.starts_with('[') => None,
            _ => Some(value.span()),
        }
    })
}
