//! Patterns take a text apart: `Passport {number}[ ({issuer})]`. A slot takes at least one character and as few as the
//! rest of the pattern allows; `{name...}` takes as many. `{}` and `{...}` take text that is not kept. A pattern must fit
//! the whole text; upper and lower case differ.
//!
//! Promise: matching takes time proportional to pattern times text, whatever they are.

use super::shape::{self, Node};

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    steps: Vec<Step>,
    /// Names of the slots that are kept, in the order of the pattern.
    pub slots: Vec<String>,
}

#[derive(Debug, Clone)]
enum Step {
    Text(String),
    Open(usize),
    Close(usize),
    Any,
    /// Try the first step, then the second.
    Fork(usize, usize),
}

/// One way through the pattern that has not been tried yet.
struct Way {
    step: usize,
    at: usize,
    marks: Vec<(usize, usize)>,
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pattern = Self { steps: Vec::new(), slots: Vec::new() };
        pattern.add(&shape::parse(text)?)?;
        Ok(pattern)
    }

    /// What the slots took, in the order of `slots`, if the pattern fits. A slot in a part left out took nothing.
    pub fn take<'t>(&self, text: &'t str) -> Option<Vec<Option<&'t str>>> {
        let width = text.len() + 1;
        let mut tried = vec![false; (self.steps.len() + 1) * width];
        let mut ways = vec![Way { step: 0, at: 0, marks: vec![(0, 0); self.slots.len()] }];
        while let Some(mut way) = ways.pop() {
            let seen = tried.get_mut(way.step * width + way.at)?;
            if std::mem::replace(seen, true) {
                continue;
            }
            let rest = text.get(way.at..)?;
            let Some(step) = self.steps.get(way.step) else {
                if rest.is_empty() {
                    return Some(
                        way.marks.iter().map(|(from, to)| text.get(*from..*to).filter(|t| !t.is_empty())).collect(),
                    );
                }
                continue;
            };
            match step {
                Step::Text(expected) if rest.starts_with(expected.as_str()) => way.at += expected.len(),
                Step::Any if !rest.is_empty() => way.at += rest.chars().next().map_or(0, char::len_utf8),
                Step::Text(_) | Step::Any => continue,
                Step::Open(slot) => mark(&mut way, *slot, |mark, at| *mark = (at, at)),
                Step::Close(slot) => mark(&mut way, *slot, |mark, at| mark.1 = at),
                Step::Fork(first, second) => {
                    ways.push(Way { step: *second, at: way.at, marks: way.marks.clone() });
                    way.step = *first;
                    ways.push(way);
                    continue;
                }
            }
            way.step += 1;
            ways.push(way);
        }
        None
    }

    fn add(&mut self, nodes: &[Node]) -> Result<(), String> {
        for node in nodes {
            match node {
                Node::Text(text) => self.steps.push(Step::Text(text.clone())),
                Node::Slot(name) => self.add_slot(name)?,
                Node::Optional(nodes) => {
                    let fork = self.steps.len();
                    self.steps.push(Step::Fork(fork + 1, fork + 1));
                    self.add(nodes)?;
                    let after = self.steps.len();
                    if let Some(step) = self.steps.get_mut(fork) {
                        *step = Step::Fork(fork + 1, after);
                    }
                }
            }
        }
        Ok(())
    }

    /// Open, one character, then as few or as many more as the rest allows, close.
    fn add_slot(&mut self, name: &str) -> Result<(), String> {
        let (name, greedy) = name.strip_suffix("...").map_or((name, false), |bare| (bare, true));
        let kept = (!name.is_empty()).then_some(self.slots.len());
        if self.slots.iter().any(|known| known == name) {
            return Err(format!("has the slot {{{name}}} twice"));
        }
        if let Some(slot) = kept {
            self.slots.push(name.to_owned());
            self.steps.push(Step::Open(slot));
        }
        let any = self.steps.len();
        self.steps.push(Step::Any);
        self.steps.push(if greedy { Step::Fork(any, any + 2) } else { Step::Fork(any + 2, any) });
        self.steps.extend(kept.map(Step::Close));
        Ok(())
    }
}

fn mark(way: &mut Way, slot: usize, set: impl FnOnce(&mut (usize, usize), usize)) {
    if let Some(mark) = way.marks.get_mut(slot) {
        set(mark, way.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expected: Option<&[(&str, Option<&str>)]>) {
        let pattern = Pattern::parse(pattern).unwrap();
        let taken =
            pattern.take(text).map(|taken| pattern.slots.iter().map(String::as_str).zip(taken).collect::<Vec<_>>());
        assert_eq!(taken.as_deref(), expected, "{text}");
    }

    #[test]
    fn optional_parts_are_taken_when_they_fit() {
        let pattern = "Passport {number}[ ({issuer})][ expires {expires}]";
        check(
            pattern,
            "Passport A 12 (Utopia)",
            Some(&[("number", Some("A 12")), ("issuer", Some("Utopia")), ("expires", None)]),
        );
        check(
            pattern,
            "Passport 7 expires 26 Nov 2019",
            Some(&[("number", Some("7")), ("issuer", None), ("expires", Some("26 Nov 2019"))]),
        );
        check(pattern, "Passport ", None);
        check(pattern, "passport 7", None);
    }

    #[test]
    fn slots_take_little_unless_told_otherwise() {
        check("{family}, {given}", "Doe, Jane, Jr.", Some(&[("family", Some("Doe")), ("given", Some("Jane, Jr."))]));
        check("{...}, {last}", "Town, Province, Utopia", Some(&[("last", Some("Utopia"))]));
        check("{}, {rest}", "Town, Province, Utopia", Some(&[("rest", Some("Province, Utopia"))]));
        check("{head...}, {}", "a, b, c", Some(&[("head", Some("a, b"))]));
        check("{n}", "é", Some(&[("n", Some("é"))]));
    }

    #[test]
    fn a_slot_twice_is_refused() {
        assert!(Pattern::parse("{a} {a...}").is_err());
        assert!(Pattern::parse("{} {}").is_ok());
    }

    #[test]
    fn a_hostile_text_costs_no_more_than_its_length_times_the_pattern() {
        let pattern = Pattern::parse("{a}-{b}-{c}-{d}-{e}-{f...}-[x{g}]-end").unwrap();
        assert_eq!(pattern.take(&"-a".repeat(5_000)), None);
    }
}
