//! The values of a row on their way into a record: each knows its path, its column and what to do if it is refused.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::mapping::plan::OnInvalid;

/// A step of a path: the name of a field, or an item of a list (named by a number of its own, not by its place).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Item(u32),
}

/// A value that belongs into the record.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub path: Vec<Step>,
    pub value: Value,
    pub column: String,
    pub raw: String,
    pub on_invalid: OnInvalid,
    /// It comes from the mapping alone, not from the row.
    pub constant: bool,
}

impl Placed {
    /// The innermost list item that the value stands in.
    pub fn item(&self) -> Option<u32> {
        self.path.iter().rev().find_map(|step| match step {
            Step::Item(item) => Some(*item),
            Step::Key(_) => None,
        })
    }
}

/// Puts all values into the tree; gives the path of each as faults name it, for example `person.names[2].text`.
pub(super) fn render(tree: &mut Value, placed: &[Placed]) -> Vec<String> {
    let mut places: HashMap<u32, usize> = HashMap::new();
    placed.iter().map(|placed| insert(tree, &placed.path, &placed.value, &mut places, String::new())).collect()
}

fn insert(tree: &mut Value, path: &[Step], value: &Value, places: &mut HashMap<u32, usize>, shown: String) -> String {
    match path {
        [] => {
            *tree = value.clone();
            shown
        }
        [Step::Key(key), rest @ ..] => {
            let shown = if shown.is_empty() { key.clone() } else { format!("{shown}.{key}") };
            if !tree.is_object() {
                *tree = Value::Object(Map::new());
            }
            let inner = tree.as_object_mut().map(|object| object.entry(key.as_str()).or_insert(Value::Null));
            insert(inner.expect("it was made an object above"), rest, value, places, shown)
        }
        [Step::Item(item), rest @ ..] => {
            if !tree.is_array() {
                *tree = Value::Array(Vec::new());
            }
            let items = tree.as_array_mut().expect("it was made a list above");
            let at = *places.entry(*item).or_insert_with(|| {
                items.push(Value::Null);
                items.len() - 1
            });
            let inner = items.get_mut(at).expect("an item keeps the place it was given");
            insert(inner, rest, value, places, format!("{shown}[{at}]"))
        }
    }
}

/// The value behind a fault: the one at its path, else one below or above it. A fault of a list as a whole (it is empty,
/// too long) is no single value's.
pub(super) fn behind(fault: &str, paths: &[String]) -> Option<usize> {
    let fault = fault.trim_end_matches("_e7").trim_end_matches("_ms");
    let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    let find = |test: &dyn Fn(&str) -> bool| paths.iter().position(|path| test(path));
    find(&|path| path == fault)
        .or_else(|| find(&|path| within(fault, path)))
        .or_else(|| find(&|path| within(path, fault)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn placed(path: &[Step], value: Value) -> Placed {
        let path = path.to_vec();
        let (column, raw) = (String::new(), String::new());
        Placed { path, value, column, raw, on_invalid: OnInvalid::Error, constant: false }
    }

    #[test]
    fn items_take_their_places_in_the_order_of_their_coming() {
        let key = |key: &str| Step::Key(key.to_owned());
        let values = [
            placed(&[key("person"), key("names"), Step::Item(7), key("text")], json!("a")),
            placed(&[key("person"), key("names"), Step::Item(9), key("text")], json!("b")),
            placed(&[key("person"), key("names"), Step::Item(7), key("kind")], json!("alias")),
            placed(&[key("person"), key("descriptions"), Step::Item(3)], json!("tall")),
        ];
        let mut tree = json!({"person": {"roles": ["witness"]}});
        let paths = render(&mut tree, &values);
        assert_eq!(
            paths,
            ["person.names[0].text", "person.names[1].text", "person.names[0].kind", "person.descriptions[0]"]
        );
        assert_eq!(
            tree,
            json!({"person": {
                "roles": ["witness"],
                "names": [{"text": "a", "kind": "alias"}, {"text": "b"}],
                "descriptions": ["tall"],
            }})
        );
        assert_eq!(behind("person.names[1].text", &paths), Some(1));
        assert_eq!(behind("person.names[1]", &paths), Some(1));
        assert_eq!(behind("person.names[0].text.x", &paths), Some(0));
        assert_eq!(behind("person.birth", &paths), None);
        assert_eq!(behind("person.name", &paths), None);
        assert_eq!(behind("person.names", &paths), None);
    }
}
