//! How a command ends, as a number that scripts can rely on. The one list; `selat help exit-codes` prints it.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All that was asked for was done.
    Ok = 0,
    /// Something that no other code names.
    Unexpected = 1,
    /// The command, a file or an answer to a prompt was wrong, or a prompt was needed and nobody could answer.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// Policy does not allow it.
    Denied = 4,
    /// The node or the peer could not be reached.
    Unreachable = 5,
    /// Part of it was done: a peer gave no answer, a row was refused.
    Partial = 6,
    /// A signature, a digest or a chain did not hold.
    Integrity = 7,
    /// It works, and something needs a person.
    Attention = 8,
    /// Somebody else changed it first, or it is in use.
    Conflict = 9,
}

impl Exit {
    /// Every way to end, by number.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::Unexpected,
        Self::Usage,
        Self::NotFound,
        Self::Denied,
        Self::Unreachable,
        Self::Partial,
        Self::Integrity,
        Self::Attention,
        Self::Conflict,
    ];

    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// One line for the reader of `selat help exit-codes`.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Unexpected => "unexpected error",
            Self::Usage => {
                "wrong usage or input, or a question that nobody was there to answer (no terminal, no --yes)"
            }
            Self::NotFound => "not found (search: only with --fail-empty)",
            Self::Denied => "denied by policy",
            Self::Unreachable => "the node or a peer could not be reached",
            Self::Partial => "partial: not every peer answered, or not every row went in",
            Self::Integrity => "integrity failure: a signature, digest or chain did not hold",
            Self::Attention => "attention needed: a check found something that a person must look at",
            Self::Conflict => "conflict: changed by somebody else meanwhile, in the wrong state, or locked",
        }
    }

    /// The text of `selat help exit-codes`.
    pub fn page() -> String {
        let lines: String = Self::ALL.iter().map(|exit| format!("  {}  {}\n", exit.code(), exit.meaning())).collect();
        format!(
            "Exit codes of every selat command:\n\n{lines}\nWith several causes the first that stopped the command decides.\n"
        )
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_numbered_as_documented() {
        let numbers: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn page_has_a_line_per_code() {
        let page = Exit::page();
        for exit in Exit::ALL {
            assert!(page.contains(&format!("\n  {}  {}\n", exit.code(), exit.meaning())), "{exit:?}");
        }
    }
}
