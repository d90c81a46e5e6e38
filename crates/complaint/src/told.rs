//! A failure as it is told to whoever gave the command: code and what failed, cause, mend, and where to read more.

use std::borrow::Cow;
use std::fmt;

use crate::explanation::is_code;
use crate::{Exit, Explanation, clean};

/// Longest text of a line, in characters.
const LINE_MAX: usize = 600;

/// A failure, ready to be told. Its texts are clean and bounded, wherever they came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    code: Cow<'static, str>,
    exit: Exit,
    problem: String,
    causes: Vec<String>,
    mend: String,
}

impl Complaint {
    /// A fault, told with the title and the first mend of its explanation.
    pub fn about(entry: &Explanation) -> Self {
        Self {
            code: Cow::Borrowed(entry.code),
            exit: entry.exit,
            problem: entry.title.to_owned(),
            causes: Vec::new(),
            mend: entry.mends.first().map(|mend| (*mend).to_owned()).unwrap_or_default(),
        }
    }

    /// A fault that another program found and gave `code` to. `None` when that is no code: then nothing is repeated.
    pub fn relayed(code: &str, exit: Exit, problem: impl Into<String>) -> Option<Self> {
        let code = is_code(code).then(|| Cow::Owned(code.to_owned()))?;
        Some(Self { code, exit, problem: line(&problem.into()), causes: Vec::new(), mend: String::new() })
    }

    /// Says what failed in this case rather than in general.
    pub fn problem(mut self, problem: impl Into<String>) -> Self {
        self.problem = line(&problem.into());
        self
    }

    /// Adds a reason.
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(line(&cause.to_string()));
        self
    }

    /// Says how to mend this case rather than the general one.
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = line(&mend.into());
        self
    }

    /// Lets the command end otherwise than the explanation says.
    pub fn ending(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Problem and causes in one line, to stand as the cause of another complaint.
    pub fn problem_and_causes(&self) -> String {
        let causes = self.causes.join("; ");
        format!("{}: {causes}", self.problem)
    }

    /// Its code, for example `SLT-2101`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.code, self.problem)?;
        for cause in &self.causes {
            writeln!(f, "cause: {cause}")?;
        }
        if !self.mend.is_empty() {
            writeln!(f, "mend:  {}", self.mend)?;
        }
        write!(f, "more:  selat explain {}", self.code)
    }
}

impl std::error::Error for Complaint {}

/// One clean line of bounded length.
fn line(text: &str) -> String {
    let mut line = clean(text);
    if let Some((end, _)) = line.char_indices().nth(LINE_MAX) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_BOAT: Explanation = Explanation {
        code: "SLT-0001",
        title: "no boat",
        text: "The boat is on the other side.",
        mends: &["wait", "swim"],
        exit: Exit::Conflict,
    };

    #[test]
    fn complaint_is_told_with_title_first_mend_and_all_its_causes() {
        let complaint = Complaint::about(&NO_BOAT).cause("it left").cause("nobody rows");
        assert_eq!(
            complaint.to_string(),
            "error[SLT-0001]: no boat\n\
             cause: it left\n\
             cause: nobody rows\n\
             mend:  wait\n\
             more:  selat explain SLT-0001"
        );
        assert_eq!(complaint.problem_and_causes(), "no boat: it left; nobody rows");
        assert_eq!((complaint.exit(), complaint.ending(Exit::Usage).exit()), (Exit::Conflict, Exit::Usage));
    }

    #[test]
    fn complaint_of_another_program_keeps_its_code_if_it_is_one() {
        let told = Complaint::relayed("SLT-0002", Exit::Denied, "no").map(|complaint| complaint.to_string());
        assert_eq!(told.as_deref(), Some("error[SLT-0002]: no\nmore:  selat explain SLT-0002"));
        assert_eq!(Complaint::relayed("SLT-2\x1b[2J", Exit::Denied, "no"), None);
    }

    #[test]
    fn text_from_outside_cannot_start_a_new_line_steer_the_terminal_or_fill_it() {
        let hostile = "a\nerror[X]: b\x1b[2J";
        let complaint = Complaint::about(&NO_BOAT).problem(hostile).cause(hostile).mend(hostile);
        let told = complaint.to_string();
        assert_eq!(told.lines().count(), 4, "{told}");
        assert!(!told.contains('\x1b'), "{told:?}");
        let long = Complaint::about(&NO_BOAT).cause("x".repeat(5000)).to_string();
        assert!(long.len() < 1200, "{}", long.len());
    }
}
