//! Tables of rows: named columns, `--columns`, and the width of the terminal.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use selat_complaint::{Complaint, clean};

use crate::explain;

/// Longest cell of a column that is kept whole: a record id.
const SHORT: usize = 36;
/// Blanks beside a cell.
const PADDING: usize = 2;
/// Least room that a column of long text is left with.
const LONG_MIN: usize = 16;

/// Rows under named columns. Every cell is cleaned on its way in.
pub(crate) struct Rows {
    columns: &'static [&'static str],
    shown: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    /// A table of `columns` that shows those `wanted`, in that order, or without a wish all of them.
    pub(crate) fn new(columns: &'static [&'static str], wanted: &[String]) -> Result<Self, Complaint> {
        let shown = if wanted.is_empty() { (0..columns.len()).collect() } else { pick(columns, wanted)? };
        Ok(Self { columns, shown, rows: Vec::new() })
    }

    /// The same, which without a wish shows the `usual` ones.
    pub(crate) fn usually(
        columns: &'static [&'static str],
        usual: &[&str],
        wanted: &[String],
    ) -> Result<Self, Complaint> {
        let usual: Vec<String> = usual.iter().map(|name| (*name).to_owned()).collect();
        Self::new(columns, if wanted.is_empty() { &usual } else { wanted })
    }

    /// Adds a row: one cell per column.
    pub(crate) fn push<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| clean(cell)).collect());
    }

    /// The table within `width` columns of the terminal; without rows nothing.
    pub(crate) fn render(&self, width: u16) -> Option<String> {
        if self.rows.is_empty() {
            return None;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        table.set_header(self.selected(self.columns).map(str::to_uppercase).collect::<Vec<_>>());
        for row in &self.rows {
            table.add_row(self.selected(row).collect::<Vec<_>>());
        }
        self.keep_short_columns_whole(&mut table, width);
        Some(table.trim_fmt())
    }

    /// An id or a date broken over two lines cannot be read or copied: as many columns as there is room for stay whole,
    /// narrow ones before wide ones; the others share what is left.
    fn keep_short_columns_whole(&self, table: &mut Table, width: u16) {
        let longest = |index: &usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(*index)).map(|cell| cell.chars().count());
            cells.max().unwrap_or_default().max(self.columns.get(*index).map_or(0, |name| name.len()))
        };
        let mut columns: Vec<(usize, usize)> = self.shown.iter().map(longest).enumerate().collect();
        columns.sort_by_key(|(_, longest)| *longest);
        let mut room = usize::from(width);
        let mut left = columns.len();
        for (column, longest) in columns {
            left -= 1;
            let fits = longest + PADDING + left * LONG_MIN <= room;
            if longest > SHORT || !fits {
                return;
            }
            room -= longest + PADDING;
            if let Some(column) = table.column_mut(column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }

    fn selected<'a, T: AsRef<str>>(&'a self, cells: &'a [T]) -> impl Iterator<Item = &'a str> {
        self.shown.iter().filter_map(|index| cells.get(*index)).map(AsRef::as_ref)
    }
}

/// The places of the `wanted` columns.
pub(crate) fn pick(columns: &[&str], wanted: &[String]) -> Result<Vec<usize>, Complaint> {
    let place = |name: &String| {
        let found = columns.iter().position(|column| column.eq_ignore_ascii_case(name.trim()));
        found.ok_or_else(|| unknown(columns, name))
    };
    wanted.iter().map(place).collect()
}

fn unknown(columns: &[&str], name: &str) -> Complaint {
    let known = if columns.is_empty() {
        "this command prints no table of rows".to_owned()
    } else {
        format!("the columns are {}", columns.join(", "))
    };
    Complaint::about(&explain::COLUMN_UNKNOWN).problem(format!("no such column: {name}")).cause(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[&str] = &["id", "what"];

    fn rows(wanted: &[&str]) -> Result<Rows, Complaint> {
        let mut rows = Rows::new(COLUMNS, &wanted.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
        rows.push(["1".to_owned(), "a\x1bb".to_owned()]);
        Ok(rows)
    }

    #[test]
    fn columns_come_in_the_order_wished_for() {
        let all = rows(&[]).unwrap().render(80).unwrap();
        let words: Vec<&str> = all.split_whitespace().collect();
        assert_eq!(words, ["ID", "WHAT", "1", "a\u{FFFD}b"]);
        let picked = rows(&["WHAT", "id"]).unwrap().render(80).unwrap();
        assert_eq!(picked.split_whitespace().next(), Some("WHAT"));
    }

    #[test]
    fn dates_stay_whole_while_long_text_has_room() {
        let mut rows = Rows::new(COLUMNS, &[]).unwrap();
        rows.push(["2023-11-14T22:13:20Z".to_owned(), "word ".repeat(20)]);
        let table = rows.render(40).unwrap();
        assert!(table.contains("2023-11-14T22:13:20Z"), "{table}");
        assert!(table.lines().all(|line| line.chars().count() <= 40), "{table}");
        assert!(!rows.render(30).unwrap().contains("2023-11-14T22:13:20Z"));
    }

    #[test]
    fn unknown_column_is_refused_and_the_known_ones_named() {
        let refused = rows(&["colour"]).err().unwrap();
        assert_eq!(refused.code(), "SLT-2209");
        assert!(refused.to_string().contains("the columns are id, what"), "{refused}");
    }

    #[test]
    fn table_keeps_to_the_width_of_the_terminal() {
        let mut rows = Rows::new(COLUMNS, &[]).unwrap();
        rows.push(["1".to_owned(), "word ".repeat(40)]);
        let table = rows.render(40).unwrap();
        assert!(table.lines().all(|line| line.chars().count() <= 40), "{table}");
        assert!(Rows::new(COLUMNS, &[]).unwrap().render(40).is_none());
    }
}
