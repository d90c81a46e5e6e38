//! The Rust sources as text: how a file opens, how long it is, and words that have no place in it.
//!
//! Leaves out what needs types: `clippy.toml` bans the same clock calls by their path. Here a waiver cannot hide them.

use std::collections::BTreeSet;

use crate::finding::{Finding, assert_found, assert_tidy};
use crate::tree;

/// Longest file: a stranger reads it in one sitting.
const LINES_MAX: usize = 500;
/// Longest file of tests, which are many small cases.
const TEST_LINES_MAX: usize = 700;

const CLOCK: &str = "crates/node/src/clock.rs";
/// Crates that do no IO, so that they can be tested exhaustively.
const PURE: [&str; 4] = ["crates/record/src/", "crates/policy/src/", "crates/matching/src/", "crates/ledger/src/"];

const WAIVERS: [&str; 4] = ["#[allow(", "#![allow(", "#[expect(", "#![expect("];

/// Where a word is looked for.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    /// Every line.
    Text,
    /// Every line that is not a comment.
    Code,
    /// Code that is not for tests alone.
    Product,
    /// The same, in the crates without IO.
    PureProduct,
}

/// Words that have no place in the sources. Pieces are joined so that this table does not find itself.
struct Ban {
    words: &'static [&'static str],
    within: Within,
    /// The files that may.
    but: &'static [&'static str],
    mend: &'static str,
}

const BANS: [Ban; 8] = [
    Ban {
        words: &[concat!("to", "do!("), concat!("unimple", "mented!("), concat!("db", "g!("), concat!("FIX", "ME")],
        within: Within::Text,
        but: &[],
        mend: "finish it, or leave it out",
    },
    Ban {
        words: &[concat!("#[ign", "ore]")],
        within: Within::Text,
        but: &[],
        mend: "give the reason and how to run it: = \"...\"",
    },
    Ban {
        words: &["clippy::unwrap_used", "clippy::indexing_slicing", "clippy::panic"],
        within: Within::Product,
        but: &[],
        mend: "handle the case, or expect(\"why it cannot happen\")",
    },
    Ban {
        words: &["clippy::disallowed_methods"],
        within: Within::Product,
        but: &[CLOCK],
        mend: "ask the Clock and the Entropy that node passes in",
    },
    Ban {
        words: &[
            "SystemTime::now",
            "Instant::now",
            "Utc::now",
            "Timestamp::now",
            "Zoned::now",
            "Uuid::now_v7",
            "Uuid::new_v4",
            "OsRng",
            "SystemRandom",
            "rand::fill(",
            "getrandom::",
            "Rng::new()",
        ],
        within: Within::Product,
        but: &[CLOCK],
        mend: "time and entropy are arguments: ask the Clock and the Entropy that node passes in",
    },
    Ban {
        words: &[concat!("thread::sl", "eep("), concat!("time::sl", "eep(")],
        within: Within::Code,
        but: &[CLOCK],
        mend: "wait for what shall happen, or let the Clock sleep; nothing in a test sleeps",
    },
    Ban {
        words: &[concat!("verify", "_batch")],
        within: Within::Code,
        but: &[],
        mend: "its verdict depends on the neighbours of a signature: use seal::verify",
    },
    Ban {
        words: &["std::fs", "std::net", "std::env", "std::process", "std::thread", "tokio::"],
        within: Within::PureProduct,
        but: &[],
        mend: "this crate does no IO: take the bytes as an argument",
    },
];

/// One Rust file.
struct Source {
    path: String,
    text: String,
    /// It is only compiled for tests.
    test: bool,
}

#[test]
fn every_source_says_what_it_is_for_and_is_free_of_banned_words() {
    let sources = Source::all();
    assert!(sources.iter().any(|source| source.path == CLOCK), "{CLOCK} is gone: the bans name it");
    assert_tidy(&sources.iter().flat_map(Source::review).collect::<Vec<_>>());
}

impl Source {
    fn all() -> Vec<Self> {
        let paths = tree::files("crates", ".rs").into_iter().chain(tree::files("tests", ".rs"));
        let read = |path: String| (tree::read(&path), path);
        let texts: Vec<(String, String)> = paths.map(read).collect();
        let for_tests: BTreeSet<String> = texts.iter().flat_map(|(text, path)| test_modules(path, text)).collect();
        let is_test = |path: &str| {
            let folders =
                ["tests/", "benches/"].iter().any(|it| path.starts_with(it) || path.contains(&format!("/{it}")));
            let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
            folders || for_tests.iter().any(|it| module == it || module.starts_with(&format!("{it}/")))
        };
        texts.into_iter().map(|(text, path)| Self { test: is_test(&path), path, text }).collect()
    }

    fn review(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !self.text.starts_with("//!") {
            let mend = "begin with //! and what the module is for, promises and leaves out";
            findings.push(Finding::new(&self.path, "does not open with its purpose", mend));
        }
        let (lines, max) = (self.text.lines().count(), if self.test { TEST_LINES_MAX } else { LINES_MAX });
        if lines > max {
            let mend = "split it where it changes its subject";
            findings.push(Finding::new(&self.path, format!("has {lines} lines, more than {max}"), mend));
        }
        findings.extend(self.mute_waivers());
        findings.extend(
            BANS.iter().filter(|ban| !ban.but.contains(&self.path.as_str())).flat_map(|ban| self.breaches(ban)),
        );
        findings
    }

    /// Lints waived without a word about why.
    fn mute_waivers(&self) -> Vec<Finding> {
        let opens = |line: &str| WAIVERS.iter().any(|opening| line.starts_with(opening));
        let mut findings = Vec::new();
        let mut lines = (1..).zip(self.text.lines().map(str::trim));
        while let Some((number, line)) = lines.next() {
            let mut waiver = line.to_owned();
            while opens(&waiver) && !waiver.ends_with(")]") {
                let Some((_, more)) = lines.next() else { break };
                waiver.push_str(more);
            }
            if opens(&waiver) && !waiver.contains("reason = \"") {
                let at = format!("{}:{number}", self.path);
                findings.push(Finding::new(at, "waives a lint without a reason", "add reason = \"...\""));
            }
        }
        findings
    }

    fn breaches(&self, ban: &Ban) -> Vec<Finding> {
        let test_lines =
            if self.test { (1..=self.text.lines().count()).collect() } else { lines_for_tests(&self.text) };
        let pure = PURE.iter().any(|crate_path| self.path.starts_with(crate_path));
        let looked_at = |number: usize, line: &str| match ban.within {
            Within::Text => true,
            Within::Code => !is_comment(line),
            Within::Product => !is_comment(line) && !test_lines.contains(&number),
            Within::PureProduct => pure && !is_comment(line) && !test_lines.contains(&number),
        };
        let lines = (1..).zip(self.text.lines()).filter(|(number, line)| looked_at(*number, line));
        let found =
            lines.filter_map(|(number, line)| Some((number, ban.words.iter().find(|word| line.contains(*word))?)));
        found
            .map(|(number, word)| Finding::new(format!("{}:{number}", self.path), format!("has {word}"), ban.mend))
            .collect()
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// Paths, without `.rs`, of the modules that `text` declares for tests alone.
fn test_modules(path: &str, text: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs");
    let folder = match stem.rsplit_once('/') {
        Some((folder, "lib" | "main" | "mod")) => folder,
        _ => stem,
    };
    let lines = text.lines().zip(text.lines().skip(1));
    let declared = lines.filter(|(before, _)| before.trim() == "#[cfg(test)]");
    let names = declared.filter_map(|(_, line)| line.rsplit_once("mod ")?.1.strip_suffix(';'));
    names.map(|name| format!("{folder}/{name}")).collect()
}

/// Numbers of the lines of `#[cfg(test)]` items in a formatted file. An inline module at the margin reaches to the end:
/// tests come last.
fn lines_for_tests(text: &str) -> BTreeSet<usize> {
    let mut marked = BTreeSet::new();
    let mut within: Option<(usize, bool)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let indent = line.len() - line.trim_start().len();
        if within.is_none() && line.trim() == "#[cfg(test)]" {
            within = Some((indent, false));
        }
        let Some((margin, to_the_end)) = within else { continue };
        marked.insert(number);
        let at_margin = indent == margin && !line.trim().is_empty() && !line.trim_start().starts_with('#');
        if at_margin && margin == 0 && line.starts_with("mod ") && line.ends_with('{') {
            within = Some((margin, true));
        } else if at_margin && !to_the_end && line.ends_with(['}', ';', ',']) {
            within = None;
        }
    }
    marked
}

fn product(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: format!("//! Purpose.\n{text}"), test: false }
}

#[test]
fn every_banned_word_is_found_where_it_is_banned_and_only_there() {
    for ban in &BANS {
        for word in ban.words {
            let line = format!("    {word}\n");
            let path =
                if ban.within == Within::PureProduct { "crates/policy/src/floor.rs" } else { "crates/link/src/a.rs" };
            assert_found(&product(path, &line).breaches(ban), &format!("{path}:2: has {word}"));

            let comment = product(path, &format!("// {word}\n")).breaches(ban);
            assert_eq!(comment.len(), usize::from(ban.within == Within::Text), "{word} in a comment");
            let in_tests = product(path, &format!("#[cfg(test)]\nmod tests {{\n{line}}}\n")).breaches(ban);
            let everywhere = matches!(ban.within, Within::Text | Within::Code);
            assert_eq!(in_tests.len(), usize::from(everywhere), "{word} in a test");
        }
    }
}

#[test]
fn clock_may_ask_the_time_and_crates_with_io_may_do_io() {
    assert_tidy(&product(CLOCK, "fn now() { Instant::now(); }\n").review());
    assert_tidy(&product("crates/store/src/a.rs", "use std::fs;\n").review());
}

#[test]
fn file_without_purpose_or_too_long_is_found() {
    let bare = Source { path: "crates/link/src/a.rs".to_owned(), text: "use std::fmt;\n".to_owned(), test: false };
    assert_found(&bare.review(), "does not open with its purpose");
    let lines = |count: usize| "x\n".repeat(count - 1);
    assert_tidy(&product("crates/link/src/a.rs", &lines(LINES_MAX)).review());
    assert_found(&product("crates/link/src/a.rs", &lines(LINES_MAX + 1)).review(), "has 501 lines");
    let tests = |count| Source { test: true, ..product("crates/link/src/a.rs", &lines(count)) };
    assert_tidy(&tests(TEST_LINES_MAX).review());
    assert_found(&tests(TEST_LINES_MAX + 1).review(), "has 701 lines");
}

#[test]
fn waiver_without_a_reason_is_found() {
    let mute = "    #[allow(\n        missing_docs,\n        dead_code\n    )]\n";
    assert_found(&product("crates/link/src/a.rs", mute).review(), "a.rs:2: waives a lint without a reason");
    assert_found(&product("crates/link/src/a.rs", "#![allow(missing_docs)]\n").review(), "waives a lint");
    let told = "#[expect(\n    missing_docs,\n    reason = \"generated\",\n)]\n#[allow(dead_code, reason = \"why\")]\n";
    assert_tidy(&product("crates/link/src/a.rs", told).review());
}

#[test]
fn code_for_tests_is_told_from_the_rest() {
    let text = "a\n#[cfg(test)]\nmod sample;\nb\n#[cfg(test)]\nfn only() {\n    c\n}\nd\n#[cfg(test)]\nmod tests {\n}\n\"}\"\n";
    assert_eq!(lines_for_tests(text).into_iter().collect::<Vec<_>>(), [2, 3, 5, 6, 7, 8, 10, 11, 12, 13]);
    assert_eq!(test_modules("crates/a/src/lib.rs", text), ["crates/a/src/sample"]);
    assert_eq!(test_modules("crates/a/src/b.rs", "#[cfg(test)]\npub(crate) mod c;\n"), ["crates/a/src/b/c"]);
    assert_eq!(test_modules("crates/a/src/b.rs", "mod c;\n"), [""; 0]);
}
