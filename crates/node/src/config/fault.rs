//! What is wrong with a configuration file, said so that the reader can mend it without looking anything up.
//!
//! Promise: every fault names the file and, where there is one, the line and column, shows the line, and says cause and
//! mend. Text from the file is shown without control characters and at bounded length.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use selat_complaint::{Complaint, Explanation, clean};

use crate::explain;

/// Longest part of a source line that is shown, in characters.
const SHOWN_MAX: usize = 120;
/// Most faults that one complaint lists: more than a screen holds are not read.
const FAULTS_SHOWN_MAX: usize = 20;

/// Where in the file a fault lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters are meant; at least 1.
    pub width: usize,
    /// The line as it may be shown.
    pub source: String,
}

impl Place {
    /// The place of a byte range of `text`. A range over several lines is cut at the end of its first line.
    pub(super) fn of(text: &str, span: Range<usize>) -> Self {
        let start = floor_boundary(text, span.start);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = text.get(line_start..start).unwrap_or_default().chars().count();
        let end = floor_boundary(text, span.end).min(line_start + line.len());
        let width = text.get(start..end).map_or(0, |meant| meant.chars().count());
        let source: String = line.chars().take(SHOWN_MAX).collect();
        Self { line: before.matches('\n').count() + 1, column: column + 1, width: width.max(1), source: clean(&source) }
    }

    fn write_snippet(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.line.to_string().len().max(4);
        writeln!(f, "{:>gutter$} | {}", self.line, self.source)?;
        let shown_at = (self.column - 1).min(SHOWN_MAX);
        let carets = self.width.min(SHOWN_MAX.saturating_sub(shown_at)).max(1);
        writeln!(f, "{:>gutter$} | {}{}", "", " ".repeat(shown_at), "^".repeat(carets))
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// What kind of fault it is.
    pub entry: &'static Explanation,
    /// `None` when the fault is the file itself.
    pub place: Option<Place>,
    /// What is wrong, in half a line.
    pub headline: String,
    /// Why it is wrong.
    pub cause: String,
    /// What to write instead.
    pub mend: String,
}

/// All faults of one file, in the order of their lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults {
    path: PathBuf,
    faults: Vec<ConfigFault>,
}

impl ConfigFaults {
    /// The faults of the file at `path`, sorted by place; `None` when there are none.
    pub(super) fn new(path: &Path, mut faults: Vec<ConfigFault>) -> Option<Self> {
        if faults.is_empty() {
            return None;
        }
        faults.sort_by_key(|fault| fault.place.as_ref().map(|place| (place.line, place.column)));
        Some(Self { path: path.to_owned(), faults })
    }

    /// A fault of the file as a whole.
    pub(super) fn unreadable(path: &Path, cause: impl fmt::Display, mend: impl Into<String>) -> Self {
        let headline = "the configuration cannot be read".to_owned();
        let fault = ConfigFault {
            entry: &explain::CONFIG_UNREADABLE,
            place: None,
            headline,
            cause: cause.to_string(),
            mend: mend.into(),
        };
        Self { path: path.to_owned(), faults: vec![fault] }
    }

    /// The faults in the order of their lines.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigFault> {
        self.faults.iter()
    }

    /// The file that they are in.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display().to_string();
        let path = clean(&path);
        for (n, fault) in self.faults.iter().enumerate() {
            if n > 0 {
                writeln!(f, "\n")?;
            }
            write!(f, "error[{}]: {path}", fault.entry.code)?;
            match &fault.place {
                Some(place) => writeln!(f, ":{}:{}: {}", place.line, place.column, clean(&fault.headline))?,
                None => writeln!(f, ": {}", clean(&fault.headline))?,
            }
            if let Some(place) = &fault.place {
                place.write_snippet(f)?;
            }
            writeln!(f, "cause: {}", clean(&fault.cause))?;
            writeln!(f, "mend:  {}", clean(&fault.mend))?;
            write!(f, "more:  selat explain {}", fault.entry.code)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}

impl From<ConfigFaults> for Complaint {
    /// One fault with its own mend; several with a line each, so that all can be mended before the next try.
    fn from(faults: ConfigFaults) -> Self {
        let path = faults.path.display().to_string();
        let first = faults.faults.first().expect("ConfigFaults is never made empty");
        let about = Complaint::about(first.entry);
        if let [only] = faults.faults.as_slice() {
            let place = only.place.as_ref().map_or(String::new(), |place| format!(":{}:{}", place.line, place.column));
            return about.problem(format!("{path}{place}: {}", only.headline)).cause(&only.cause).mend(&only.mend);
        }
        let shown = faults.iter().take(FAULTS_SHOWN_MAX).map(ConfigFault::in_a_line);
        let told = shown.fold(about.problem(format!("{path} has {} faults", faults.faults.len())), Complaint::cause);
        let hidden = faults.faults.len().saturating_sub(FAULTS_SHOWN_MAX);
        let told = if hidden > 0 { told.cause(format!("and {hidden} more")) } else { told };
        told.mend("mend the lines that the causes name; node-config/selat.toml shows every key")
    }
}

impl ConfigFault {
    fn in_a_line(&self) -> String {
        let Self { headline, cause, mend, .. } = self;
        let place = self.place.as_ref().map_or(String::new(), |at| format!("line {}, column {}: ", at.line, at.column));
        format!("{place}{headline}: {cause}; {mend}")
    }
}

/// The last character boundary at or before `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_counts_characters_and_stays_on_its_line() {
        let text = "é = 1\nname = \"ü\"\nlast";
        let place = Place::of(text, 14..18);
        assert_eq!((place.line, place.column, place.width), (2, 8, 3));
        assert_eq!(place.source, "name = \"ü\"");
        let place = Place::of(text, 7..text.len());
        assert_eq!((place.line, place.column, place.width), (2, 1, 10));
        let place = Place::of(text, text.len()..text.len());
        assert_eq!((place.line, place.column, place.width), (3, 5, 1));
    }

    #[test]
    fn complaint_lists_every_fault_up_to_a_screenful() {
        let fault = |n: usize| ConfigFault {
            entry: &explain::CONFIG_UNREADABLE,
            place: Some(Place::of("a = 1", 0..n.min(1))),
            headline: format!("key {n}"),
            cause: "is odd".into(),
            mend: "drop it".into(),
        };
        let told = |count: usize| {
            let faults = ConfigFaults::new(Path::new("selat.toml"), (1..=count).map(fault).collect()).unwrap();
            Complaint::from(faults).to_string()
        };
        assert!(told(1).contains("selat.toml:1:1: key 1\ncause: is odd\nmend:  drop it\n"), "{}", told(1));
        let two = told(2);
        assert!(
            two.contains("selat.toml has 2 faults\ncause: line 1, column 1: key 1: is odd; drop it\ncause: "),
            "{two}"
        );
        let many = told(FAULTS_SHOWN_MAX + 3);
        assert_eq!(many.matches("cause: ").count(), FAULTS_SHOWN_MAX + 1, "{many}");
        assert!(many.contains("cause: and 3 more\n"), "{many}");
    }

    #[test]
    fn hostile_line_is_shown_short_and_without_control_characters() {
        let text = format!("a = \"\x1b[2J{}\"", "x".repeat(5000));
        let place = Place::of(&text, 4..text.len());
        assert_eq!(place.source.chars().count(), SHOWN_MAX);
        assert!(!place.source.contains('\x1b'));
    }
}
