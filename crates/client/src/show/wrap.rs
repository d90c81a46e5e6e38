//! Text in lines that fit the terminal.

/// Narrowest room for text: a narrower terminal breaks the lines itself.
const ROOM_MIN: usize = 24;
/// Widest: longer lines are hard to read.
const ROOM_MAX: usize = 110;

/// `head` padded to `indent` columns, then `text` broken between words so that no line is wider than `width`.
pub(crate) fn hanging(head: &str, indent: usize, text: &str, width: u16) -> Vec<String> {
    let room = usize::from(width).saturating_sub(indent).clamp(ROOM_MIN, ROOM_MAX);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let long = line.chars().count() + 1 + word.chars().count() > room;
        if long && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    let heads = std::iter::once(head).chain(std::iter::repeat(""));
    lines.into_iter().zip(heads).map(|(line, head)| format!("{head:<indent$}{line}").trim_end().to_owned()).collect()
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
