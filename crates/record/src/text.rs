//! Text from outside: Unicode normal form C, no control characters, bounded.
//!
//! Length is counted in characters (Unicode scalar values), because that is what the schema's bounds mean to the people
//! who fill in forms; bytes are bounded by the size of the payload.

use std::ops::RangeInclusive;

use unicode_normalization::is_nfc;

use crate::spot::Spot;

/// Most characters of a foreign text that a fault repeats.
const QUOTED_MAX: usize = 24;

/// Notes what is wrong with a text that shall have so many characters.
pub(crate) fn check(at: &Spot<'_>, text: &str, characters: RangeInclusive<usize>) {
    let length = text.chars().count();
    if length == 0 && *characters.start() > 0 {
        at.fault("is empty");
    } else if length < *characters.start() {
        at.fault(format!("has {length} characters, at least {} are needed", characters.start()));
    }
    if length > *characters.end() {
        at.fault(format!("has {length} characters, at most {} are allowed", characters.end()));
    }
    if text.chars().any(is_refused_control) {
        at.fault("holds a control character");
    }
    if !is_nfc(text) {
        at.fault("is not in Unicode normal form C");
    }
}

/// A foreign text as a fault repeats it: escaped, and cut so that a fault stays one line.
pub(crate) fn quoted(text: &str) -> String {
    let mut start = text.chars();
    let shown: String = start.by_ref().take(QUOTED_MAX).collect();
    let more = if start.next().is_some() { "..." } else { "" };
    format!("{shown:?}{more}")
}

fn is_refused_control(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spot::faults_of;

    fn verdict(text: &str, characters: RangeInclusive<usize>) -> String {
        faults_of(|at| check(at, text, characters))
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        assert_eq!(verdict("王小明", 1..=3), "");
        assert_eq!(verdict("王小明", 1..=2), "it: has 3 characters, at most 2 are allowed");
        assert_eq!(verdict("", 1..=2), "it: is empty");
        assert_eq!(verdict("", 0..=2), "");
        assert_eq!(verdict("AB", 3..=10), "it: has 2 characters, at least 3 are needed");
    }

    #[test]
    fn control_characters_are_refused_but_line_feed_and_tab() {
        assert_eq!(verdict("a\n\tb", 0..=9), "");
        for bad in ["a\rb", "a\0b", "\u{1b}[31m", "a\u{7f}", "a\u{85}"] {
            assert_eq!(verdict(bad, 0..=9), "it: holds a control character", "{bad:?}");
        }
    }

    #[test]
    fn decomposed_text_is_refused() {
        assert_eq!(verdict("Jos\u{e9}", 0..=9), "");
        assert_eq!(verdict("Jose\u{301}", 0..=9), "it: is not in Unicode normal form C");
    }

    #[test]
    fn quoted_text_is_escaped_and_cut() {
        assert_eq!(quoted("a\u{1b}b"), r#""a\u{1b}b""#);
        assert_eq!(quoted(&"x".repeat(100)), format!("\"{}\"...", "x".repeat(QUOTED_MAX)));
    }
}
