//! How a command says that it failed: code, what, cause, mend, and where to read more; and the long text for each code.
//!
//! Promise: text that came from a file or a peer cannot move the cursor, colour the screen or start a new line.

use std::fmt::{self, Write as _};

/// The classes of failure that scripts can tell apart: the exit code of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Not foreseen.
    Unexpected = 1,
    /// Wrong flags, wrong configuration, or a prompt that cannot be answered.
    Usage = 2,
    /// What was named is not there.
    NotFound = 3,
    /// Policy says no.
    Denied = 4,
    /// The other side cannot be reached.
    Unreachable = 5,
    /// Some peers answered, some did not.
    Partial = 6,
    /// A signature, a chain or a stored value does not hold.
    Integrity = 7,
    /// Nothing failed, but somebody should look.
    Attention = 8,
    /// Somebody else was first, or holds the lock.
    Conflict = 9,
}

/// A failure as it is told to the person who gave the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    code: &'static str,
    exit: Exit,
    headline: String,
    cause: String,
    mend: String,
}

impl Complaint {
    /// `code` is `SLT-nnnn`; the three texts are lower case without a full stop.
    pub fn new(
        code: &'static str,
        exit: Exit,
        headline: impl Into<String>,
        cause: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { code, exit, headline: headline.into(), cause: cause.into(), mend: mend.into() }
    }

    /// For `selat explain`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        self.exit as u8
    }

    /// What failed.
    pub fn headline(&self) -> &str {
        &self.headline
    }

    /// Why.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// What to do about it.
    pub fn mend(&self) -> &str {
        &self.mend
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.code, plain(&self.headline))?;
        writeln!(f, "cause: {}", plain(&self.cause))?;
        writeln!(f, "mend:  {}", plain(&self.mend))?;
        write!(f, "more:  selat explain {}", self.code)
    }
}

impl std::error::Error for Complaint {}

/// `text` with every control character, and every character that turns the writing direction, written as an escape.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            // Writing to a string cannot fail.
            let _ = write!(plain, "{}", c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    plain
}

/// The long text for a code that this crate uses, for `selat explain`.
pub fn explain(code: &str) -> Option<&'static str> {
    EXPLANATIONS.iter().find(|(known, _)| *known == code).map(|(_, text)| *text)
}

/// All codes that this crate explains, ascending.
pub fn codes() -> impl Iterator<Item = &'static str> {
    EXPLANATIONS.iter().map(|(code, _)| *code)
}

const EXPLANATIONS: &[(&str, &str)] = &[
    (
        "SLT-1001",
        "The configuration file cannot be read: it is not there, may not be opened by this user, is not
UTF-8, or is larger than 256 KiB. Name the file with --config. `selat init` writes one;
node-config/selat.toml shows every key.",
    ),
    (
        "SLT-1002",
        "A line of the configuration is not TOML. The usual reasons: a text without double quotes, a quote
that is not closed, a key or a section that stands there twice. While any line is broken, missing
keys are not reported: they may stand on that line.",
    ),
    (
        "SLT-1003",
        "The configuration has a key or section that the node does not know. It is refused, not ignored: a
mistyped key would otherwise leave a default in force that nobody chose. The message lists the keys
known in that place.",
    ),
    (
        "SLT-1004",
        "A key that has no default is not there. The message shows a line to add; node-config/selat.toml
shows it in its place.",
    ),
    (
        "SLT-1005",
        "A value has the wrong TOML type: for example a number in quotes, or a text without them. The message
shows a value of the right type.",
    ),
    (
        "SLT-1006",
        "A value has the right type and cannot be used: a number outside its bounds, an address without a
port, a name with letters that names cannot have. The message says what is allowed.",
    ),
    (
        "SLT-1007",
        "Each value is right and they do not go together: two mappings for one caller, an answer that would
leave after the query has expired, a socket path that becomes too long with its folder. The message
says which to change.",
    ),
    (
        "SLT-1101",
        "A key file cannot be read. The node needs record, query, log, tls-ca, officer-ca and storage (each
.key) and officer-ca.pem in its keys folder ([node] keys_dir). The files must belong to the user
that the node runs as. If a key is lost, restore it from the node's backup of keys; a new storage
key cannot open an old store.",
    ),
    (
        "SLT-1102",
        "A key file may be read or written by its group or by others, so its key may have been copied. The
node does not use it. Set the mode to 0600; if somebody else could have read it, replace the key.",
    ),
    (
        "SLT-1103",
        "A key file does not hold a key: it is cut short, was edited, or is another kind of file. Restore it
from the node's backup of keys.",
    ),
    (
        "SLT-1104",
        "A key file holds a key of another purpose or of another participant than the place it lies in. One
key has one purpose; a node never signs with another's. Put the right file there.",
    ),
    (
        "SLT-1201",
        "The store cannot be opened. Its folder ([node] data_dir) is missing, belongs to another user, or
lies on a full or read-only disk. Nothing was changed.",
    ),
    (
        "SLT-1202",
        "Another process has the store open. One node has one store: stop the other `selat serve`, or give
this one its own data_dir.",
    ),
    (
        "SLT-1203",
        "A stored value does not match its checksum: the disk or another program has changed it. The node
does not go on with it. Keep a copy of the data folder before anything else is tried.",
    ),
    (
        "SLT-1301",
        "`selat init` makes a new folder and never writes into one that holds files: keys that are
overwritten cannot be brought back. Name another folder, or move the old one away yourself.",
    ),
    (
        "SLT-1302",
        "`selat init` could not write the new node. Nothing of it is left behind. Check that the parent
folder is there, that this user may write to it, and that the disk has room.",
    ),
    (
        "SLT-1303",
        "The first descriptor of the node could not be made from what was given. Nothing was written. The
cause names the field.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaint_has_its_four_lines_whatever_its_texts_hold() {
        let complaint = Complaint::new(
            "SLT-1301",
            Exit::Conflict,
            "folder \"a\nb\" is not empty",
            "it holds \x1b[31mfiles",
            "name another",
        );
        let text = complaint.to_string();
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "error[SLT-1301]: folder \"a\\u{a}b\" is not empty",
                "cause: it holds \\u{1b}[31mfiles",
                "mend:  name another",
                "more:  selat explain SLT-1301"
            ]
        );
        assert_eq!(complaint.exit_code(), 9);
    }

    #[test]
    fn codes_are_explained_once_and_in_order() {
        let all: Vec<_> = codes().collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
        assert!(all.iter().all(|code| explain(code).is_some_and(|text| text.len() > 40)));
        assert_eq!(explain("SLT-0000"), None);
    }

    #[test]
    fn every_code_in_the_source_is_explained() {
        let sources = [
            include_str!("config/fault.rs"),
            include_str!("keys_on_disk.rs"),
            include_str!("init/mod.rs"),
            include_str!("init/args.rs"),
        ];
        let mut seen = 0;
        for quoted in sources.iter().flat_map(|source| source.split("\"SLT-").skip(1)) {
            let code = format!("SLT-{}", &quoted[..4]);
            assert!(explain(&code).is_some(), "{code}");
            seen += 1;
        }
        assert!(seen > 10, "only {seen} codes found");
    }
}
