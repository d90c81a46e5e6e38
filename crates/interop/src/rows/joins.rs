//! Further files, read whole and kept by their key.

use std::collections::{HashMap, VecDeque};
use std::io::Read;
use std::sync::Arc;

use super::file::RowFile;
use super::{JOIN_BYTES_MAX, JOIN_ROWS_MAX, ReadError, Row};
use crate::mapping::plan::JoinPlan;

/// The wanted cells of one joined row, or the slots of one piece; empty text where there is nothing.
pub(super) type Item = Arc<[String]>;

/// The rows of a joined file by their key, in the order of the file.
pub(super) struct Joined {
    rows: HashMap<String, Vec<Item>>,
}

impl Joined {
    /// The rows with this key.
    pub fn rows(&self, key: &str) -> Vec<Item> {
        self.rows.get(key).cloned().unwrap_or_default()
    }
}

/// Reads a joined file. Broken rows are handed on with their faults; rows without a key belong to nobody.
pub(super) fn load(
    join: &JoinPlan,
    source: Box<dyn Read + Send>,
    broken: &mut VecDeque<Row>,
) -> Result<Joined, ReadError> {
    let mut file = RowFile::open(format!("join {}", join.name), &join.layout, source)?;
    let mut rows: HashMap<String, Vec<Item>> = HashMap::new();
    let too_many = |max, what| ReadError::TooMany { file: format!("join {}", join.name), max, what };
    let mut count = 0;
    while let Some(row) = file.next() {
        let row = row?;
        count += 1;
        if count > JOIN_ROWS_MAX {
            return Err(too_many(JOIN_ROWS_MAX, "rows"));
        }
        if file.bytes_read() > JOIN_BYTES_MAX {
            return Err(too_many(JOIN_BYTES_MAX, "bytes"));
        }
        match row.cells {
            Err(faults) => broken.push_back(Row { number: row.number, source_key: String::new(), draft: Err(faults) }),
            Ok(cells) => {
                if let Some(key) = cells.get(join.key).filter(|key| !key.is_empty()).cloned() {
                    rows.entry(key).or_default().push(cells.into());
                }
            }
        }
    }
    Ok(Joined { rows })
}
