//! What a check found: where, what is wrong, and how to mend it.

use std::fmt;

/// One breach of one rule.
#[derive(Debug)]
pub struct Finding {
    at: String,
    what: String,
    mend: String,
}

impl Finding {
    /// `at` is a path from the root of the repository, with a line where there is one.
    pub fn new(at: impl Into<String>, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { at: at.into(), what: what.into(), mend: mend.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  mend: {}", self.at, self.what, self.mend)
    }
}

/// Fails with all findings at once.
#[track_caller]
pub fn assert_tidy(findings: &[Finding]) {
    assert!(findings.is_empty(), "{} to mend:\n\n{}\n", findings.len(), joined(findings));
}

/// Fails unless there is exactly one finding and it says `what`. For the samples that must be found.
#[track_caller]
pub fn assert_found(findings: &[Finding], what: &str) {
    let found = joined(findings);
    assert!(findings.len() == 1 && found.contains(what), "expected one finding with {what:?}, got:\n{found}");
}

fn joined(findings: &[Finding]) -> String {
    findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
}
