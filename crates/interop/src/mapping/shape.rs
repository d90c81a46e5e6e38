//! The small language that patterns and templates share: text, `{slots}` and `[optional parts]`. `{{`, `}}`, `[[` and
//! `]]` stand for the brackets themselves, so optional parts do not stand in one another.

use std::iter::Peekable;
use std::str::Chars;

/// Longest pattern or template in characters.
const SHAPE_MAX: usize = 1_000;

/// A piece of a pattern or template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// Text as it stands.
    Text(String),
    /// What stands between braces.
    Slot(String),
    /// What may be left out as a whole.
    Optional(Vec<Node>),
}

/// Reads a pattern or template.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, String> {
    if text.chars().count() > SHAPE_MAX {
        return Err(format!("is longer than {SHAPE_MAX} characters"));
    }
    let mut chars = text.chars().peekable();
    nodes(&mut chars, false)
}

fn nodes(chars: &mut Peekable<Chars>, optional: bool) -> Result<Vec<Node>, String> {
    let mut nodes = Vec::new();
    let mut text = String::new();
    while let Some(next) = chars.next() {
        let doubled = "{}[]".contains(next) && chars.next_if_eq(&next).is_some();
        match next {
            '{' if !doubled => {
                flush(&mut nodes, &mut text);
                nodes.push(Node::Slot(slot(chars)?));
            }
            '[' if !doubled && optional => return Err("has an optional part inside another".to_owned()),
            '[' if !doubled => {
                flush(&mut nodes, &mut text);
                nodes.push(Node::Optional(self::nodes(chars, true)?));
            }
            ']' if !doubled && optional => {
                flush(&mut nodes, &mut text);
                return Ok(nodes);
            }
            ']' | '}' if !doubled => {
                return Err(format!("has a {next} without its partner (write {next}{next} for the sign itself)"));
            }
            sign => text.push(sign),
        }
    }
    flush(&mut nodes, &mut text);
    if optional { Err("has a [ that is never closed".to_owned()) } else { Ok(nodes) }
}

fn slot(chars: &mut Peekable<Chars>) -> Result<String, String> {
    let mut name = String::new();
    for next in chars.by_ref() {
        match next {
            '}' => return Ok(name),
            '{' => return Err("has a { inside a slot".to_owned()),
            sign => name.push(sign),
        }
    }
    Err("has a { that is never closed".to_owned())
}

fn flush(nodes: &mut Vec<Node>, text: &mut String) {
    if !text.is_empty() {
        nodes.push(Node::Text(std::mem::take(text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_slots_and_optional_parts_are_told_apart() {
        let text = |text: &str| Node::Text(text.to_owned());
        let slot = |name: &str| Node::Slot(name.to_owned());
        assert_eq!(
            parse("No {n}[ ({x})]"),
            Ok(vec![text("No "), slot("n"), Node::Optional(vec![text(" ("), slot("x"), text(")")]),])
        );
        assert_eq!(parse("[[{p}]] {{}} {}"), Ok(vec![text("["), slot("p"), text("] {} "), slot("")]));
    }

    #[test]
    fn what_is_not_closed_or_opened_is_refused() {
        for bad in ["{", "{a", "[a", "a]", "a}", "{a{b}}", "[a[b]]", "[a[b] ]"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse(&"x".repeat(1_001)).is_err());
    }
}
