//! Reads the wanted columns of CSV and JSON Lines, row by row, without ever holding more than one row.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::{ByteRecord, ReaderBuilder};
use serde_json::Value;

use super::clean::clean;
use super::{COLUMNS_MAX, ROW_BYTES_MAX, ReadError, RowFault};
use crate::mapping::plan::{Encoding, FilePlan, Format};
use crate::near::nearest;

/// Bytes that the readers take at a time.
const BUFFER_BYTES: usize = 64 * 1024;
/// Beyond this a number with a fraction, or one too long for a whole number, has lost digits.
const EXACT_MAX: f64 = 1e15;
/// The mark with which DOS programs end a text file.
const DOS_END: u8 = 0x1a;

/// A row as it stands in the file.
pub(super) struct RawRow {
    /// Line on which it begins.
    pub number: u64,
    /// The wanted cells, cleaned; empty text where there is nothing.
    pub cells: Result<Vec<String>, Vec<RowFault>>,
}

/// A file of rows.
pub(super) struct RowFile {
    label: String,
    /// Put before the names of columns in faults.
    prefix: String,
    columns: Vec<String>,
    empty: Vec<String>,
    encoding: Encoding,
    reader: Reader,
    meter: Arc<Meter>,
    row: u64,
}

enum Reader {
    /// `width` is what the header says; `positions` are those of the wanted columns.
    Csv {
        reader: Box<csv::Reader<Metered>>,
        positions: Vec<usize>,
        width: Option<usize>,
    },
    JsonLines {
        reader: BufReader<Metered>,
        list_separator: String,
    },
}

impl RowFile {
    pub fn open(label: String, plan: &FilePlan, source: Box<dyn Read + Send>) -> Result<Self, ReadError> {
        let meter = Arc::new(Meter::default());
        let metered = Metered { source, meter: Arc::clone(&meter) };
        let reader = match &plan.format {
            Format::JsonLines { list_separator } => Reader::JsonLines {
                reader: BufReader::with_capacity(BUFFER_BYTES, metered),
                list_separator: list_separator.clone(),
            },
            Format::Csv { delimiter, quote, .. } => Reader::Csv {
                reader: Box::new(
                    ReaderBuilder::new()
                        .delimiter(*delimiter)
                        .quote(*quote)
                        .has_headers(false)
                        .flexible(true)
                        .buffer_capacity(BUFFER_BYTES)
                        .from_reader(metered),
                ),
                positions: Vec::new(),
                width: None,
            },
        };
        let prefix = label.strip_prefix("join ").map(|name| format!("{name}:")).unwrap_or_default();
        let (columns, empty) = (plan.columns.clone(), plan.empty.clone());
        let mut file = Self { label, prefix, columns, empty, encoding: plan.encoding, reader, meter, row: 0 };
        file.find_columns(&plan.format)?;
        Ok(file)
    }

    pub fn label(&self) -> &str {
        &self.label
    }

    pub fn bytes_read(&self) -> u64 {
        self.meter.total.load(Ordering::Relaxed)
    }

    /// The next row; after an error there is none.
    pub fn next(&mut self) -> Option<Result<RawRow, ReadError>> {
        self.meter.since_row.store(0, Ordering::Relaxed);
        match &mut self.reader {
            Reader::JsonLines { .. } => self.next_line(),
            Reader::Csv { .. } => match self.next_record() {
                Ok(record) => record.map(|record| Ok(self.csv_row(&record))),
                Err(error) => Some(Err(error)),
            },
        }
    }

    fn find_columns(&mut self, format: &Format) -> Result<(), ReadError> {
        let Format::Csv { header, names, .. } = format else { return Ok(()) };
        let names = match header {
            false => names.clone(),
            true => self.header()?,
        };
        let last = if *header { names.len() } else { COLUMNS_MAX };
        let found: Vec<Result<usize, String>> =
            self.columns.iter().map(|column| position(column, &names, last)).collect();
        let missing: Vec<String> = found.iter().filter_map(|found| found.as_ref().err().cloned()).collect();
        if !missing.is_empty() {
            return Err(ReadError::Columns { file: self.label.clone(), missing });
        }
        if let Reader::Csv { positions, width, .. } = &mut self.reader {
            *positions = found.into_iter().flatten().collect();
            *width = header.then_some(names.len());
        }
        Ok(())
    }

    fn header(&mut self) -> Result<Vec<String>, ReadError> {
        let record = self.next_record()?.unwrap_or_default();
        if record.len() > COLUMNS_MAX {
            let max = u64::try_from(COLUMNS_MAX).unwrap_or(u64::MAX);
            return Err(ReadError::TooMany { file: self.label.clone(), max, what: "columns" });
        }
        let names = record.iter().map(|name| {
            let text = decode(self.encoding, name).unwrap_or_default();
            clean(&text).unwrap_or_default()
        });
        Ok(names.collect())
    }

    /// The next CSV record that is not the mark of a file's end.
    fn next_record(&mut self) -> Result<Option<ByteRecord>, ReadError> {
        let Reader::Csv { reader, .. } = &mut self.reader else { return Ok(None) };
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|error| failure(&self.label, self.row, io_error(error)))? {
            let only = record.get(0).filter(|_| record.len() == 1).map(<[u8]>::trim_ascii);
            self.row = record.position().map_or(self.row, csv::Position::line);
            if only != Some(&[DOS_END]) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    fn csv_row(&self, record: &ByteRecord) -> RawRow {
        let Reader::Csv { positions, width, .. } = &self.reader else {
            return RawRow { number: self.row, cells: Ok(Vec::new()) };
        };
        let needed = positions.iter().map(|position| position + 1).max().unwrap_or(0);
        let found = record.len();
        let wrong = match width {
            Some(width) if found != *width => Some(format!("has {found} columns, the header has {width}")),
            None if found < needed => Some(format!("has {found} columns, the mapping wants column {needed}")),
            _ => None,
        };
        if let Some(reason) = wrong {
            let start = String::from_utf8_lossy(record.get(0).unwrap_or_default());
            return RawRow { number: self.row, cells: Err(vec![RowFault::new(self.prefix.clone(), &start, reason)]) };
        }
        let cells = positions.iter().map(|position| decode(self.encoding, record.get(*position).unwrap_or_default()));
        RawRow { number: self.row, cells: self.cells(cells) }
    }

    fn next_line(&mut self) -> Option<Result<RawRow, ReadError>> {
        let Reader::JsonLines { reader, list_separator } = &mut self.reader else { return None };
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader.by_ref().take(ROW_BYTES_MAX + 1).read_until(b'\n', &mut line);
            match read {
                Ok(0) => return None,
                Ok(_) if line.len() as u64 > ROW_BYTES_MAX => {
                    return Some(Err(ReadError::RowTooLong { file: self.label.clone(), row: self.row }));
                }
                Ok(_) => {}
                Err(error) => return Some(Err(failure(&self.label, self.row, error))),
            }
            self.row += 1;
            self.meter.since_row.store(0, Ordering::Relaxed);
            let text = line.trim_ascii();
            if text.is_empty() || text == [DOS_END] {
                continue;
            }
            let separator = list_separator.clone();
            let cells = match serde_json::from_slice::<Value>(text) {
                Ok(object @ Value::Object(_)) => {
                    self.cells(self.columns.iter().map(|column| json_cell(&object, column, &separator)))
                }
                Ok(_) => Err(self.whole_row(text, "is not a JSON object".to_owned())),
                Err(error) => Err(self.whole_row(text, format!("is not JSON: {error}"))),
            };
            return Some(Ok(RawRow { number: self.row, cells }));
        }
    }

    fn whole_row(&self, text: &[u8], reason: String) -> Vec<RowFault> {
        vec![RowFault::new(self.prefix.clone(), &String::from_utf8_lossy(text), reason)]
    }

    /// Cleans the wanted cells; all that is wrong with them is named.
    fn cells(
        &self,
        cells: impl Iterator<Item = Result<String, (String, &'static str)>>,
    ) -> Result<Vec<String>, Vec<RowFault>> {
        let mut faults = Vec::new();
        let mut cleaned = Vec::with_capacity(self.columns.len());
        for (column, cell) in self.columns.iter().zip(cells) {
            let column = || format!("{}{column}", self.prefix);
            match cell.as_deref().map(clean) {
                Ok(Ok(text)) if self.empty.contains(&text) => cleaned.push(String::new()),
                Ok(Ok(text)) => cleaned.push(text),
                Ok(Err(sign)) => {
                    let reason = format!("holds the control character U+{:04X}", u32::from(sign));
                    faults.push(RowFault::new(column(), cell.as_deref().unwrap_or_default(), reason));
                }
                Err((shown, reason)) => faults.push(RowFault::new(column(), shown, *reason)),
            }
        }
        if faults.is_empty() { Ok(cleaned) } else { Err(faults) }
    }
}

/// Where a wanted column is: by its name, else by its position from 1 to `last`.
fn position(column: &str, names: &[String], last: usize) -> Result<usize, String> {
    let mut found = names.iter().enumerate().filter(|(_, name)| *name == column).map(|(n, _)| n);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(format!("{column:?} is there twice")),
        (Some(at), None) => Ok(at),
        (None, _) => match column.parse::<usize>() {
            Ok(position) if (1..=last).contains(&position) => Ok(position - 1),
            _ => {
                let guess = nearest(column, names.iter().map(String::as_str));
                let hint = guess.map(|guess| format!(" (did you mean {guess:?})")).unwrap_or_default();
                Err(format!("{column:?}{hint}"))
            }
        },
    }
}

fn decode(encoding: Encoding, bytes: &[u8]) -> Result<String, (String, &'static str)> {
    match encoding {
        Encoding::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Encoding::Utf8 => std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| {
            (String::from_utf8_lossy(bytes).into_owned(), "is not UTF-8 (is encoding = \"latin-1\" meant?)")
        }),
    }
}

/// The value at a column of a JSON object: a key, or keys with full stops between for objects in objects.
fn json_cell(object: &Value, column: &str, list_separator: &str) -> Result<String, (String, &'static str)> {
    let found = object.get(column).or_else(|| column.split('.').try_fold(object, |value, key| value.get(key)));
    match found {
        None => Ok(String::new()),
        Some(value) => json_text(value, list_separator).map_err(|reason| (value.to_string(), reason)),
    }
}

fn json_text(value: &Value, list_separator: &str) -> Result<String, &'static str> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(flag) => Ok(flag.to_string()),
        // The digits of a long number are lost when JSON is read; a shortened document number would be another document.
        Value::Number(number) if number.is_f64() && number.as_f64().is_none_or(|number| number.abs() >= EXACT_MAX) => {
            Err("is a number too long to be read exactly: the file must give it as text")
        }
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            let texts: Result<Vec<String>, _> = items.iter().map(|item| json_text(item, list_separator)).collect();
            texts.map(|texts| texts.join(list_separator))
        }
        Value::Array(_) | Value::Object(_) => Err("is not a single value or a list of them"),
    }
}

fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn failure(file: &str, row: u64, error: io::Error) -> ReadError {
    let file = file.to_owned();
    match error.kind() {
        io::ErrorKind::FileTooLarge => ReadError::RowTooLong { file, row },
        _ => ReadError::Io { file, row, source: error },
    }
}

#[derive(Default)]
struct Meter {
    total: AtomicU64,
    since_row: AtomicU64,
}

/// Counts what is read and stops a row that does not end.
struct Metered {
    source: Box<dyn Read + Send>,
    meter: Arc<Meter>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.meter.since_row.load(Ordering::Relaxed) > ROW_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.source.read(buffer)?;
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        self.meter.total.fetch_add(bytes, Ordering::Relaxed);
        self.meter.since_row.fetch_add(bytes, Ordering::Relaxed);
        Ok(read)
    }
}
