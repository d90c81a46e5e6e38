//! Text from outside made harmless for a terminal.
//!
//! Promise: what comes out holds no control character and nothing that overrides the direction of writing, and says the
//! rest as it was, in every script. Leaves out look-alike letters: they mislead a reader, not a terminal.

use std::fmt::Write as _;

/// `text` as one line that cannot steer a terminal: control characters and what overrides the direction of writing
/// become `U+FFFD`, line breaks and tabs become spaces. Each character stays one, so columns can be counted.
///
/// A control character is replaced alone and what follows it stays visible: taking out a whole escape sequence would
/// let an unfinished one hide the rest of the text.
pub fn clean(text: &str) -> String {
    let harmless = |c| match c {
        c if is_break(c) => ' ',
        c if steers(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(harmless).collect()
}

/// JSON whose strings hold nothing that steers a terminal: such characters are written as `\uXXXX`, which means the same.
/// Line feeds stay: between the values they are the layout, and inside a string JSON does not allow them.
pub fn clean_json(json: &str) -> String {
    let mut harmless = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && (steers(c) || is_break(c)) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(harmless, "\\u{unit:04x}");
            }
        } else {
            harmless.push(c);
        }
    }
    harmless
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn steers(c: char) -> bool {
    // C0, DEL and C1; direction overrides, embeddings and isolates; invisible space and byte order mark; tag characters.
    // The direction marks and joiners that Arabic, Persian and Indic names need are left alone.
    c.is_control()
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200B}' | '\u{FEFF}'
            | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_takes_away_what_steers_a_terminal_and_keeps_every_script() {
        for (from, to) in [
            ("plain", "plain"),
            ("Nguyễn Thị Ánh", "Nguyễn Thị Ánh"),
            ("محمد علي", "محمد علي"),
            ("王伟", "王伟"),
            ("नरेन्द्र\u{200D}", "नरेन्द्र\u{200D}"),
            ("می\u{200C}خواهم", "می\u{200C}خواهم"),
            ("\x1b[31mred\x1b[0m", "\u{FFFD}[31mred\u{FFFD}[0m"),
            ("\x1b]0;title\x07rest", "\u{FFFD}]0;title\u{FFFD}rest"),
            ("\x1b]8;;http://example.org unfinished", "\u{FFFD}]8;;http://example.org unfinished"),
            ("\u{9b}2J\u{9d}x", "\u{FFFD}2J\u{FFFD}x"),
            ("a\u{202E}b\u{2066}c\u{2069}", "a\u{FFFD}b\u{FFFD}c\u{FFFD}"),
            ("one\ntwo\r\nthree\tfour\u{2028}five", "one two  three four five"),
            ("\0\x08\x7f", "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ("\u{FEFF}x\u{E0041}", "\u{FFFD}x\u{FFFD}"),
        ] {
            assert_eq!(clean(from), to, "{from:?}");
        }
    }

    #[test]
    fn json_is_escaped_and_its_layout_stays() {
        let json = "{\n  \"name\": \"a\u{9b}2J\u{202e}\u{e0041}\u{2028}王\"\n}";
        assert_eq!(clean_json(json), "{\n  \"name\": \"a\\u009b2J\\u202e\\udb40\\udc41\\u2028王\"\n}");
    }
}
