//! A mapping after it has been checked: columns are numbers, paths are steps, nothing is looked up by name any more.

use serde_json::Value;

use super::convert::Convert;
use super::lookup::Lookup;
use super::pattern::Pattern;
use super::template::Template;

/// The whole mapping.
#[derive(Debug)]
pub(crate) struct Plan {
    pub name: String,
    pub source: String,
    pub valid_days: Option<u32>,
    pub file: FilePlan,
    pub joins: Vec<JoinPlan>,
    pub tables: Vec<Lookup>,
    pub records: Vec<RecordPlan>,
}

/// How a file is laid out, and which of its columns are wanted.
#[derive(Debug)]
pub(crate) struct FilePlan {
    pub format: Format,
    pub encoding: Encoding,
    /// Values that mean "nothing here", as they stand after trimming.
    pub empty: Vec<String>,
    /// Names or positions of the wanted columns; a row holds them in this order.
    pub columns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    Csv { delimiter: u8, quote: u8, header: bool, names: Vec<String> },
    JsonLines { list_separator: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Latin1,
}

/// A further file whose rows are found by a key.
#[derive(Debug)]
pub(crate) struct JoinPlan {
    pub name: String,
    pub file: String,
    pub layout: FilePlan,
    /// Column of the joined file.
    pub key: usize,
    /// Column of the main file.
    pub to: usize,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A wanted column of the main file.
    Column(usize),
    /// A column of a joined row or a slot of a piece. Joins come first among the sources.
    Item { source: usize, slot: usize },
}

/// One kind of record that rows may become.
#[derive(Debug)]
pub(crate) struct RecordPlan {
    pub conditions: Vec<Condition>,
    pub key: Vec<(Reference, String)>,
    pub constants: Value,
    pub notes: Option<Notes>,
    pub pieces: Vec<PiecesPlan>,
    pub fields: Vec<FieldPlan>,
    pub lists: Vec<ListPlan>,
}

/// Where values that were not taken over are written down.
#[derive(Debug)]
pub(crate) struct Notes {
    pub to: Vec<String>,
    pub append: bool,
    pub max: usize,
}

/// Cuts a column into pieces and takes them apart.
#[derive(Debug)]
pub(crate) struct PiecesPlan {
    pub from: Reference,
    pub by: Option<String>,
    pub trim: Vec<char>,
    pub takes: Vec<TakePlan>,
    /// Source that gets what no pattern took.
    pub rest: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct TakePlan {
    pub source: usize,
    pub patterns: Vec<Pattern>,
    /// For each pattern, the place of each of its slots among the slots of the source.
    pub places: Vec<Vec<usize>>,
    pub slots: usize,
    /// The piece also stays in the rest.
    pub keep: bool,
}

/// One value of the record.
#[derive(Debug)]
pub(crate) struct FieldPlan {
    /// Path below the record, or below the item in a list.
    pub to: Vec<String>,
    /// The last step is a list that gets the value.
    pub append: bool,
    pub input: Input,
    /// What to call the input in reports.
    pub label: String,
    pub patterns: Vec<Pattern>,
    pub convert: Convert,
    pub conditions: Vec<Condition>,
    pub on_invalid: OnInvalid,
}

#[derive(Debug)]
pub(crate) enum Input {
    Column(Reference),
    Joined { columns: Vec<Reference>, with: String },
    Template(Template),
    Constant(Value),
}

/// A list of objects: one for each item of a source, or one altogether.
#[derive(Debug)]
pub(crate) struct ListPlan {
    pub to: Vec<String>,
    pub each: Option<usize>,
    pub constants: Vec<(Vec<String>, Value)>,
    pub fields: Vec<FieldPlan>,
    pub require: Vec<String>,
    pub conditions: Vec<Condition>,
    pub max_items: Option<usize>,
    pub overflow: OnInvalid,
}

#[derive(Debug)]
pub(crate) struct Condition {
    pub column: Reference,
    pub test: Test,
    /// True for `skip_when`: it must not hold.
    pub negate: bool,
}

#[derive(Debug)]
pub(crate) enum Test {
    Is(Vec<String>),
    IsNot(Vec<String>),
    Empty(bool),
}

/// What to do with a value that cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OnInvalid {
    /// The row is refused.
    Error,
    /// The value is left out.
    Omit,
    /// The value is left out and written into the notes.
    Note,
    /// This value is used instead.
    Use(Value),
}
