//! Text in lines that fit the terminal.

/// Narrowest room for text: a narrower terminal breaks the lines itself.
const ROOM_MIN: usize = 24;
/// Widest: longer lines are hard to read.
const ROOM_MAX: usize = 110;

/// `head` padded to `indent` columns, then `text` broken between words so that no line is wider than `width`.
pub(crate) fn hanging(head: &str, indent: usize, text: &str, width: u16) -> Vec<String> {
    let room = usize::from(width).saturating_sub(indent).clamp(ROOM_MIN, ROOM_MAX);
    let lines = filled(text.split_whitespace(), room);
    let heads = std::iter::once(head).chain(std::iter::repeat(""));
    lines.into_iter().zip(heads).map(|(line, head)| format!("{head:<indent$}{line}").trim_end().to_owned()).collect()
}

/// Lines of at most `room` columns, broken between the pieces; one longer than that has a line of its own. At least one.
pub(crate) fn filled<T: AsRef<str>>(pieces: impl IntoIterator<Item = T>, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in pieces {
        let piece = piece.as_ref();
        if !line.is_empty() && line.chars().count() + 1 + piece.chars().count() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(piece);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_hangs_beside_its_head_and_keeps_to_the_width() {
        let lines = hanging("unit", 8, "one two three four five six seven eight", 33);
        assert_eq!(lines, ["unit    one two three four five", "        six seven eight"]);
        assert_eq!(hanging("unit", 8, "", 80), ["unit"]);
    }

    #[test]
    fn word_that_is_too_long_stays_whole_and_narrow_terminals_get_some_room() {
        let long = "x".repeat(64);
        assert_eq!(hanging("id", 4, &long, 40), [format!("id  {long}")]);
        assert_eq!(hanging("", 20, "one two three four", 10).len(), 1);
    }
}
