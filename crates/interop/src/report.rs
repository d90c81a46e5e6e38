//! The report of rows that did not go in: CSV with row, column, value and reason.
//!
//! Promise: no cell begins with a sign that a spreadsheet takes for a formula; such a cell gets `'` in front.

use std::io::Write;

use crate::rows::RowFault;

/// Signs with which a spreadsheet begins to calculate, or that hide one (OWASP ASVS 1.2.10).
const FORMULA_SIGNS: [char; 8] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0'];

/// Writes a report line by line.
pub struct Report<W: Write> {
    csv: csv::Writer<W>,
}

impl<W: Write> Report<W> {
    /// Begins with the header line.
    pub fn new(to: W) -> Result<Self, csv::Error> {
        let mut csv = csv::WriterBuilder::new().from_writer(to);
        csv.write_record(["row", "column", "value", "reason"])?;
        Ok(Self { csv })
    }

    /// One line for each fault of a row.
    pub fn add(&mut self, row: u64, faults: &[RowFault]) -> Result<(), csv::Error> {
        for fault in faults {
            let [column, value, reason] = [&fault.column, &fault.value, &fault.reason].map(|cell| guarded(cell));
            self.csv.write_record([row.to_string(), column, value, reason])?;
        }
        Ok(())
    }

    /// Writes out what is left and gives the writer back.
    pub fn finish(self) -> Result<W, csv::Error> {
        self.csv.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }
}

fn guarded(cell: &str) -> String {
    if cell.starts_with(FORMULA_SIGNS) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let mut report = Report::new(Vec::new()).unwrap();
        for value in ["=1+1", "+1", "-2", "@A1", "\tx", "\rx", "plain, with \"quotes\""] {
            let fault = RowFault { column: "=c".into(), value: value.into(), reason: "is wrong".into() };
            report.add(7, &[fault]).unwrap();
        }
        let text = String::from_utf8(report.finish().unwrap()).unwrap();
        let mut lines = csv::Reader::from_reader(text.as_bytes());
        for record in lines.records() {
            for cell in record.unwrap().iter() {
                assert!(!cell.starts_with(FORMULA_SIGNS), "{cell:?}");
            }
        }
        assert!(text.starts_with("row,column,value,reason\n7,'=c,'=1+1,is wrong\n"), "{text}");
    }
}
