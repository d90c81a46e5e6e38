//! What stands behind a code: the long text that `selat explain CODE` prints.
//!
//! Promise, kept by whoever writes a table: a code never changes its meaning and is never given to another fault.

use crate::Exit;

/// Width of a page in characters.
const WIDTH: usize = 100;

/// What stands behind one code.
#[derive(Debug, PartialEq, Eq)]
pub struct Explanation {
    /// `SLT-` and four digits.
    pub code: &'static str,
    /// One line: what failed.
    pub title: &'static str,
    /// What it means and how it comes about.
    pub text: &'static str,
    /// What to do, likeliest first. At least one.
    pub mends: &'static [&'static str],
    /// How the command ends.
    pub exit: Exit,
}

impl Explanation {
    /// The page that `selat explain` prints.
    pub fn page(&self) -> String {
        let Self { code, title, mends, exit, .. } = self;
        let mends: String = mends.iter().map(|mend| format!("  - {mend}\n")).collect();
        let text = wrapped(self.text);
        format!("{code}: {title}\n\n{text}\n\nTo mend it:\n{mends}\nExit code: {}\n", exit.code())
    }
}

/// `text` in lines of at most [`WIDTH`] characters, broken between words.
fn wrapped(text: &str) -> String {
    let (mut page, mut column) = (String::new(), 0);
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > 0 {
            let fits = column + 1 + width <= WIDTH;
            page.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 1 } else { 0 };
        }
        page.push_str(word);
        column += width;
    }
    page
}

/// True for `SLT-` and four digits.
pub fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix("SLT-").unwrap_or_default();
    digits.len() == 4 && digits.chars().all(|c| c.is_ascii_digit())
}

/// Writes a crate's table: `NAME = CODE, Exit, title, text, [mends];` for each fault. Makes a constant per name, and
/// `EXPLANATIONS` with all of them.
#[macro_export]
macro_rules! explanations {
    ($($name:ident = $code:literal, $exit:ident, $title:literal, $text:literal, [$($mend:literal),+ $(,)?];)*) => {
        $(pub(crate) const $name: $crate::Explanation = $crate::Explanation {
            code: $code, title: $title, text: $text, mends: &[$($mend),+], exit: $crate::Exit::$exit,
        };)*

        /// Every fault that this crate explains, by code.
        pub const EXPLANATIONS: &[$crate::Explanation] = &[$($name),*];
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    explanations! {
        NO_BOAT = "SLT-0001", Conflict, "no boat", "The boat is on the other side.", ["wait", "swim"];
        NO_OAR = "SLT-0002", Usage, "no oar", "It fell overboard.", ["look for it"];
    }

    #[test]
    fn page_has_title_text_all_mends_and_how_the_command_ends() {
        assert_eq!(
            NO_BOAT.page(),
            "SLT-0001: no boat\n\nThe boat is on the other side.\n\nTo mend it:\n  - wait\n  - swim\n\nExit code: 9\n"
        );
        assert_eq!(EXPLANATIONS, [NO_BOAT, NO_OAR]);
    }

    #[test]
    fn text_is_broken_between_words_and_says_the_same() {
        let text = "one two three ".repeat(40) + &"x".repeat(150);
        let page = wrapped(&text);
        assert_eq!(page.replace('\n', " "), text);
        assert_eq!(page.lines().filter(|line| line.len() > WIDTH).count(), 1, "{page}");
        assert!(page.lines().count() > 5, "{page}");
    }

    #[test]
    fn code_is_slt_and_four_digits() {
        assert!(is_code(NO_OAR.code));
        for no in ["", "E7", "SLT-", "SLT-12", "SLT-12345", "SLT-12a4", "slt-1234", "SLT-１２３４"] {
            assert!(!is_code(no), "{no}");
        }
    }
}
