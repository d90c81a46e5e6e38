//! How a failure is told: four lines with code, cause, mend and where to read more.
//!
//! A failure comes either from the node, as a gRPC status whose trailers carry its code and mend, or from the client
//! itself, as one of the entries of [`crate::explain`].

use std::fmt;

use tonic::Status;

use crate::exit::Exit;
use crate::explain::{self, Explanation};
use crate::screen::clean;

/// Trailer with the node's code of a refusal.
const CODE_TRAILER: &str = "selat-code";
/// Trailer with the node's mend.
const MEND_TRAILER: &str = "selat-mend";
/// Longest text of a line taken from the node, in characters.
const LINE_MAX: usize = 600;

/// A failure, ready to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    code: String,
    exit: Exit,
    problem: String,
    causes: Vec<String>,
    mend: String,
}

impl Complaint {
    /// A fault that the client found, told with the title and the first mend of its explanation.
    pub fn about(entry: &Explanation) -> Self {
        Self {
            code: entry.code.to_owned(),
            exit: entry.exit,
            problem: entry.title.to_owned(),
            causes: Vec::new(),
            mend: entry.mends.first().map(|mend| (*mend).to_owned()).unwrap_or_default(),
        }
    }

    /// The node refused. `doing` says what could not be done: "record X cannot be shown".
    pub fn refused(doing: impl Into<String>, status: &Status) -> Self {
        let exit = Exit::of_refusal(status.code());
        let fallback =
            if exit == Exit::Unreachable { &explain::NODE_UNREACHABLE } else { &explain::REFUSED_WITHOUT_CODE };
        let mut complaint = Self::about(fallback).problem(doing);
        complaint.exit = exit;
        if let Some(code) = trailer(status, CODE_TRAILER).filter(|code| is_code(code)) {
            complaint.code = code;
            complaint.mend = trailer(status, MEND_TRAILER).unwrap_or_default();
        }
        let message = status.message();
        complaint.cause(if message.is_empty() { status.code().description() } else { message })
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

    /// Problem and causes in one line, to stand as the cause of another complaint.
    pub(crate) fn problem_and_cause(&self) -> String {
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

    /// True when there is nobody left to complain to.
    pub fn is_silent(&self) -> bool {
        self.code == explain::READER_GONE.code
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

/// Makes the complaint of a refused call: `.await.map_err(refusal("record X cannot be shown"))`.
pub(crate) fn refusal(doing: impl Into<String>) -> impl FnOnce(Status) -> Complaint {
    move |status| Complaint::refused(doing, &status)
}

fn trailer(status: &Status, name: &str) -> Option<String> {
    status.metadata().get(name).and_then(|value| value.to_str().ok()).map(line)
}

/// True for `SLT-` and four digits: whatever else a node sends as its code is not repeated.
fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix("SLT-").unwrap_or_default();
    digits.len() == 4 && digits.chars().all(|c| c.is_ascii_digit())
}

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
    use tonic::Code;

    use super::*;

    fn status(code: Code, message: &str, trailers: &[(&'static str, &str)]) -> Status {
        let mut status = Status::new(code, message);
        for (name, value) in trailers {
            status.metadata_mut().insert(*name, value.parse().unwrap());
        }
        status
    }

    #[test]
    fn refusal_with_trailers_is_told_in_four_lines() {
        let refused = status(
            Code::PermissionDenied,
            "role auditor may not put records",
            &[("selat-code", "SLT-3107"), ("selat-mend", "sign in as an officer")],
        );
        let complaint = Complaint::refused("the record was not taken", &refused);
        assert_eq!(
            complaint.to_string(),
            "error[SLT-3107]: the record was not taken\n\
             cause: role auditor may not put records\n\
             mend:  sign in as an officer\n\
             more:  selat explain SLT-3107"
        );
        assert_eq!(complaint.exit(), Exit::Denied);
    }

    #[test]
    fn refusal_without_a_usable_code_falls_back_to_the_clients() {
        for trailers in [&[][..], &[("selat-code", "E7")][..], &[("selat-code", "SLT-12345")][..]] {
            let complaint = Complaint::refused("no", &status(Code::Internal, "", trailers));
            assert_eq!((complaint.code(), complaint.exit()), ("SLT-2110", Exit::Unexpected));
            assert!(complaint.to_string().contains("cause: Internal error"), "{complaint}");
        }
        let gone = Complaint::refused("no", &status(Code::Unavailable, "broken pipe", &[]));
        assert_eq!((gone.code(), gone.exit()), ("SLT-2103", Exit::Unreachable));
    }

    #[test]
    fn text_of_the_node_cannot_start_a_new_line_or_steer_the_terminal() {
        let complaint = Complaint::refused("no", &status(Code::Internal, "a\nerror[SLT-0000]: b\x1b[2J", &[]));
        let told = complaint.to_string();
        assert_eq!(told.lines().count(), 4, "{told}");
        assert!(!told.contains('\x1b'), "{told:?}");
        let long = Complaint::about(&explain::NO_CRITERION).cause("x".repeat(5000)).to_string();
        assert!(long.len() < 1200, "{}", long.len());
    }

    #[test]
    fn own_fault_has_title_mend_and_all_its_causes() {
        let told = Complaint::about(&explain::DRAFT_FAULTY).cause("a: is empty").cause("b: is not a date").to_string();
        assert_eq!(
            told,
            "error[SLT-2204]: the draft of a record is not valid\n\
             cause: a: is empty\n\
             cause: b: is not a date\n\
             mend:  mend the fields that the cause names\n\
             more:  selat explain SLT-2204"
        );
    }
}
