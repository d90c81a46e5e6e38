//! What is wrong with a mapping, and where.

use std::fmt;
use std::ops::Range;

/// One fault in a mapping.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MappingFault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong: lower case, no full stop.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for MappingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}; {}", self.line, self.column, self.problem, self.mend)
    }
}

impl std::error::Error for MappingFault {}

/// Collects faults by their place in the text.
#[derive(Debug)]
pub(crate) struct MappingFaults<'t> {
    text: &'t str,
    list: Vec<MappingFault>,
}

impl<'t> MappingFaults<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, list: Vec::new() }
    }

    pub fn push(&mut self, at: Range<usize>, problem: impl Into<String>, mend: impl Into<String>) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.list.push(MappingFault { line, column, problem: problem.into(), mend: mend.into() });
    }

    /// `value` if nothing was found, else all that was, in the order of the text.
    pub fn into_result<T>(mut self, value: Option<T>) -> Result<T, Vec<MappingFault>> {
        self.list.sort();
        self.list.dedup();
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => Err(self.list),
        }
    }
}
