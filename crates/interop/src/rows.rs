//! Reads the rows of a file through a mapping, one at a time.
//!
//! Promises: memory is bounded whatever the file holds (joined files are read whole, up to [`JOIN_BYTES_MAX`]); a row
//! that cannot become a draft names column, value and reason and does not stop the others; the same row gives the same
//! draft. Leaves out the record's identity over time: the node keeps that by source and key.

mod build;
mod clean;
mod file;
mod joins;
mod pieces;
mod tree;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use selat_record::pb;
use serde_json::Value;

use crate::mapping::plan::Plan;
use build::Builder;
use file::{RawRow, RowFile};
use joins::Joined;

/// Longest row in bytes: a quote that is never closed must not swallow a file.
pub const ROW_BYTES_MAX: u64 = 1024 * 1024;
/// Most rows of a main file: their keys are remembered, so that a key that comes twice is found.
pub const ROWS_MAX: u64 = 5_000_000;
/// Most columns of a file.
pub const COLUMNS_MAX: usize = 2_000;
/// Most rows of a joined file.
pub const JOIN_ROWS_MAX: u64 = 2_000_000;
/// Most bytes that one joined file may take.
pub const JOIN_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Longest key of a row in characters, as the node takes it.
const KEY_MAX: usize = 200;

/// A row of the main file that the mapping turned into a draft, or did not. A broken row of a joined file comes as a row
/// of its own, before all others, with its columns named `join:column`.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Line of the file on which the row begins, from 1.
    pub number: u64,
    /// What tells this record from the others of its source. Empty if the row does not say.
    pub source_key: String,
    /// The draft, checked; or everything that is wrong with the row.
    pub draft: Result<pb::Record, Vec<RowFault>>,
}

/// One thing wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Column as the mapping calls it; empty if the fault is of the row as a whole.
    pub column: String,
    /// The value, shortened, with control characters escaped.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

impl RowFault {
    /// Makes the value safe to show.
    pub(crate) fn new(column: impl Into<String>, value: &str, reason: impl Into<String>) -> Self {
        Self { column: column.into(), value: clean::shown(value), reason: reason.into() }
    }
}

/// Why reading stopped, or never began.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file could not be opened.
    #[error("{path} cannot be opened")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file could not be read on.
    #[error("{file} cannot be read after row {row}")]
    Io {
        /// `main file` or `join <name>`.
        file: String,
        /// The last row that was read.
        row: u64,
        /// What the system says.
        source: io::Error,
    },
    /// A row does not end.
    #[error("the row of {file} after row {row} is longer than {ROW_BYTES_MAX} bytes: is a quote never closed?")]
    RowTooLong {
        /// `main file` or `join <name>`.
        file: String,
        /// The last row that was read.
        row: u64,
    },
    /// The header lacks columns that the mapping wants.
    #[error("{file} does not have the columns that the mapping wants: {}", .missing.join("; "))]
    Columns {
        /// `main file` or `join <name>`.
        file: String,
        /// Each with what may have been meant.
        missing: Vec<String>,
    },
    /// A bound was reached.
    #[error("{file} has more than {max} {what}")]
    TooMany {
        /// `main file` or `join <name>`.
        file: String,
        /// The bound.
        max: u64,
        /// Rows, bytes or columns.
        what: &'static str,
    },
    /// A joined file was not given.
    #[error("the mapping joins a file as {name}, and none was given")]
    JoinMissing {
        /// The join's name in the mapping.
        name: String,
    },
}

/// The rows of a file, read as they are asked for.
pub struct Rows {
    plan: Arc<Plan>,
    file: RowFile,
    joined: Vec<Joined>,
    /// Rows of joined files that are broken, still to be given out.
    broken: VecDeque<Row>,
    release_to: Option<Value>,
    /// Row of each key, by a hash wide enough that two keys do not share one.
    keys: HashMap<(u64, u64), u64>,
    skipped: u64,
    ended: bool,
}

impl Rows {
    pub(crate) fn open(
        plan: Arc<Plan>,
        main: Box<dyn Read + Send>,
        mut sources: BTreeMap<String, Box<dyn Read + Send>>,
        release_to: Option<pb::Audience>,
    ) -> Result<Self, ReadError> {
        let mut joined = Vec::with_capacity(plan.joins.len());
        let mut broken = VecDeque::new();
        for join in &plan.joins {
            let source = sources.remove(&join.name);
            let source = source.ok_or_else(|| ReadError::JoinMissing { name: join.name.clone() })?;
            joined.push(joins::load(join, source, &mut broken)?);
        }
        let file = RowFile::open("main file".to_owned(), &plan.file, main)?;
        let release_to = release_to.map(crate::release::to_json);
        Ok(Self { plan, file, joined, broken, release_to, keys: HashMap::new(), skipped: 0, ended: false })
    }

    /// Bytes of the main file that have been read so far, for a progress bar.
    pub fn bytes_read(&self) -> u64 {
        self.file.bytes_read()
    }

    /// Rows so far that no `[[record]]` of the mapping is for.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The row as a record; `None` if the mapping does not want it.
    fn row(&mut self, raw: RawRow) -> Option<Row> {
        let number = raw.number;
        let cells = match raw.cells {
            Ok(cells) => cells,
            Err(faults) => return Some(Row { number, source_key: String::new(), draft: Err(faults) }),
        };
        let builder = Builder::new(&self.plan, &cells, &self.joined)?;
        let key = builder.key();
        let draft = match &key {
            Ok(key) => match self.keys.insert(wide_hash(key), number) {
                Some(earlier) => Err(vec![RowFault::new("", key, format!("row {earlier} has the same key"))]),
                None => builder.draft(self.release_to.as_ref()),
            },
            Err(fault) => Err(vec![fault.clone()]),
        };
        Some(Row { number, source_key: key.unwrap_or_default(), draft })
    }
}

impl Iterator for Rows {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.broken.pop_front() {
            return Some(Ok(row));
        }
        while !self.ended {
            if self.keys.len() as u64 >= ROWS_MAX {
                self.ended = true;
                let file = self.file.label().to_owned();
                return Some(Err(ReadError::TooMany { file, max: ROWS_MAX, what: "rows" }));
            }
            match self.file.next() {
                None => self.ended = true,
                Some(Err(error)) => {
                    self.ended = true;
                    return Some(Err(error));
                }
                Some(Ok(raw)) => match self.row(raw) {
                    Some(row) => return Some(Ok(row)),
                    None => self.skipped += 1,
                },
            }
        }
        None
    }
}

fn wide_hash(key: &str) -> (u64, u64) {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, key).hash(&mut hasher);
        hasher.finish()
    };
    (half(0), half(1))
}

#[cfg(test)]
mod tests;
