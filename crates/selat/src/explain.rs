//! `selat explain`: one table for the reader, though each crate keeps the texts of its own codes. Those of this crate
//! are here.

use selat_client::screen::Screen;
use selat_complaint::{Complaint, Explanation};

selat_complaint::explanations! {
    NO_SUCH_CODE = "SLT-2003", NotFound,
        "no such code",
        "The codes that this version explains are those that its own messages show. Another version may have others.",
        ["take the code from the brackets of the message, for example SLT-3103"];
    PAGES_UNWRITTEN = "SLT-2004", Usage,
        "the manual pages cannot be written",
        "`selat man` writes a file per command into a folder that is there already.",
        ["name an existing folder that you may write to"];
    NO_THREADS = "SLT-2005", Unexpected,
        "the system gives the program no threads to run on",
        "Every command runs on a few threads. The system refused them: the user's or the service's limit of tasks is \
         reached, or memory is short.",
        ["look at the limits: ulimit -u, TasksMax= of the service"];
}

/// Every table there is.
const TABLES: [&[Explanation]; 4] = [
    selat_client::explain::EXPLANATIONS,
    selat_node::explain::EXPLANATIONS,
    selat_rehearsal::explain::EXPLANATIONS,
    EXPLANATIONS,
];

/// Prints the long text of a code. Case does not matter.
pub fn run(screen: &mut Screen, code: &str) -> Result<(), Complaint> {
    screen.line(find(code)?.page().trim_end())
}

fn find(code: &str) -> Result<&'static Explanation, Complaint> {
    let code = code.trim();
    let found = TABLES.into_iter().flatten().find(|entry| entry.code.eq_ignore_ascii_case(code));
    let unknown = || Complaint::about(&NO_SUCH_CODE).cause(format!("{code} is not an error code of this version"));
    found.ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use selat_complaint::is_code;

    use super::*;

    fn all() -> impl Iterator<Item = &'static Explanation> {
        TABLES.into_iter().flatten()
    }

    /// Codes that stand in the sources of all crates. Those below 1000 are samples of the tests.
    fn codes_in_sources(folder: &Path, codes: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                codes_in_sources(&path, codes);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(path).unwrap();
                let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                codes.extend(words.filter(|word| is_code(word) && !word.starts_with("SLT-0")).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_code_in_the_sources_is_explained_exactly_once() {
        let mut used = BTreeSet::new();
        codes_in_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut used);
        let outside_the_tables = ["SLT-3001", "SLT-3203"];
        assert!(outside_the_tables.iter().all(|code| used.contains(*code)), "the search finds nothing: {used:?}");
        for code in &used {
            assert_eq!(all().filter(|entry| entry.code == code).count(), 1, "{code}");
        }
        assert!(all().all(|entry| is_code(entry.code) && !entry.code.starts_with("SLT-0")), "a code has another form");
    }

    #[test]
    fn tables_are_in_order_and_say_what_each_fault_needs() {
        for table in TABLES {
            assert!(table.is_sorted_by_key(|entry| entry.code), "{:?}", table.first());
        }
        for Explanation { code, title, text, mends, .. } in all() {
            assert!(!title.ends_with('.') && title.starts_with(|c: char| c.is_lowercase()), "{code}: {title}");
            assert!(text.ends_with('.') && text.len() > 40, "{code}: {text}");
            assert!(!text.contains("  ") && mends.iter().all(|mend| !mend.ends_with('.')), "{code}");
        }
    }

    #[test]
    fn code_is_found_in_every_table_and_any_case() {
        for (given, wanted) in
            [("SLT-2101", "SLT-2101"), ("slt-1001", "SLT-1001"), (" SLT-1601\n", "SLT-1601"), ("SLT-2003", "SLT-2003")]
        {
            assert_eq!(find(given).map(|entry| entry.code), Ok(wanted), "{given}");
        }
        let unknown = find("SLT-3\x1b[2J").unwrap_err();
        assert_eq!(unknown.code(), "SLT-2003");
        assert!(unknown.to_string().contains("cause: SLT-3\u{FFFD}[2J is not"), "{unknown}");
    }
}
