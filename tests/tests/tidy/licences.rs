//! Whether a licence expression (SPDX, or the older form with `/`) can be kept with the licences that the house takes.

use std::collections::VecDeque;

/// What may be linked into the program.
const TAKEN: [&str; 7] = ["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0", "Zlib"];

/// Taken as well, each with its reason. `deny.toml` and CONTRIBUTING.md name the same.
pub const EXCEPTIONS: [(&str, &str); 1] =
    [("Unicode-3.0", "tables of the Unicode Consortium compiled in as data; permissive, asks only to keep its notice")];

/// Whether some choice that the expression leaves is taken whole. What cannot be read is not taken.
pub fn is_taken(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = Words { rest: spaced.split_whitespace().collect() };
    words.any_of() == Some(true) && words.rest.is_empty()
}

/// Reads an expression from left to right. `None`: it does not follow the grammar.
struct Words<'a> {
    rest: VecDeque<&'a str>,
}

impl<'a> Words<'a> {
    fn any_of(&mut self) -> Option<bool> {
        let mut taken = self.all_of()?;
        while self.next_is("OR") {
            taken |= self.all_of()?;
        }
        Some(taken)
    }

    fn all_of(&mut self) -> Option<bool> {
        let mut taken = self.one()?;
        while self.next_is("AND") {
            taken &= self.one()?;
        }
        Some(taken)
    }

    fn one(&mut self) -> Option<bool> {
        if self.next_is("(") {
            let taken = self.any_of()?;
            return self.next_is(")").then_some(taken);
        }
        let licence = self.name()?;
        if self.next_is("WITH") {
            // An exception changes the licence; none is taken by that name.
            return self.name().map(|_| false);
        }
        Some(TAKEN.contains(&licence) || EXCEPTIONS.iter().any(|(name, _)| *name == licence))
    }

    fn name(&mut self) -> Option<&'a str> {
        self.rest.pop_front().filter(|word| !["(", ")", "AND", "OR", "WITH"].contains(word))
    }

    fn next_is(&mut self, word: &str) -> bool {
        let is = self.rest.front() == Some(&word);
        if is {
            self.rest.pop_front();
        }
        is
    }
}

#[test]
fn expressions_are_read_as_their_grammar_says() {
    for expression in [
        "MIT",
        "MIT/Apache-2.0",
        "Apache-2.0 / MIT",
        "GPL-3.0-only OR MIT",
        "Unlicense OR MIT",
        "(MIT OR GPL-3.0-only) AND Unicode-3.0",
        "ISC AND (Apache-2.0 OR ISC) AND BSD-3-Clause",
        "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
        "GPL-3.0-only AND MIT OR ISC",
    ] {
        assert!(is_taken(expression), "{expression}");
    }
    for expression in [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "MIT OR GPL-3.0-only AND",
        "MIT OR",
        "MIT ISC",
        "Apache-2.0 WITH",
        "(MIT",
        "MIT)",
        "Apache-2.0 WITH LLVM-exception",
        "(MIT OR ISC) AND (GPL-3.0-only OR AGPL-3.0-only)",
    ] {
        assert!(!is_taken(expression), "{expression}");
    }
}
