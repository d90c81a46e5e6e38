//! What every cell goes through: one normal form, nothing invisible, nothing that a terminal would obey.

use unicode_normalization::UnicodeNormalization;

/// Longest value that a report shows, in characters.
const SHOWN_MAX: usize = 80;

/// The text in NFC, without white space at its ends, without characters that have no width and no meaning of their own
/// (byte order marks, zero-width spaces, marks of writing direction). Tabs and no-break spaces become spaces, line ends
/// line feeds. Any other control character is refused, not dropped: the file is not what it seems.
pub(super) fn clean(text: &str) -> Result<String, char> {
    let mut cleaned = String::with_capacity(text.len());
    for sign in text.replace("\r\n", "\n").nfc() {
        match sign {
            '\u{feff}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' => {}
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            '\t' | '\u{a0}' => cleaned.push(' '),
            '\n' => cleaned.push(sign),
            _ if sign.is_control() => return Err(sign),
            _ => cleaned.push(sign),
        }
    }
    let trimmed = cleaned.trim();
    // Taking marks away can bring a letter and its accent together.
    Ok(if trimmed.len() == text.len() { cleaned } else { trimmed.nfc().collect() })
}

/// A value for a report: short, on one line, without control characters.
pub(super) fn shown(value: &str) -> String {
    let mut shown = String::new();
    for (n, sign) in value.chars().enumerate() {
        if n == SHOWN_MAX {
            shown.push('…');
            break;
        }
        match sign {
            _ if sign.is_control() || ('\u{202a}'..='\u{202e}').contains(&sign) => shown.extend(sign.escape_default()),
            _ => shown.push(sign),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_goes() {
        for (text, expected) in [
            ("\u{feff}2018.1", "2018.1"),
            (" -0- ", "-0-"),
            ("Nabeul\u{200e}, Tunisia", "Nabeul, Tunisia"),
            ("e\u{200b}\u{301}", "é"),
            ("a\u{a0}b\tc", "a b c"),
            ("one\r\ntwo", "one\ntwo"),
            ("Tu\u{308}rkiye", "Türkiye"),
        ] {
            assert_eq!(clean(text).as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for text in ["a\u{7}", "\u{0}", "a\u{1b}[31m", "\u{85}"] {
            assert!(clean(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn reports_show_values_on_one_short_line() {
        assert_eq!(shown("a\n\u{1b}b"), "a\\n\\u{1b}b");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), SHOWN_MAX + 1);
    }
}
