//! Templates put a text together from columns: `{Location}[, {Country}]`. A part in square brackets is left out when one
//! of its columns is empty; a template whose columns are all empty gives nothing.

use super::plan::Reference;
use super::shape::{self, Node};

/// A template whose columns have been looked up.
#[derive(Debug, Clone)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Column(Reference),
    Optional(Vec<Part>),
}

impl Template {
    /// `look_up` turns the name of a column into a reference.
    pub fn parse(text: &str, look_up: &mut dyn FnMut(&str) -> Result<Reference, String>) -> Result<Self, String> {
        parts(&shape::parse(text)?, look_up).map(Self)
    }

    /// The text for one row; `value` gives the value of a column unless it is empty.
    pub fn fill<'v>(&self, value: &dyn Fn(&Reference) -> Option<&'v str>) -> Option<String> {
        let mut text = String::new();
        let mut any = false;
        for part in &self.0 {
            any |= part.write(value, &mut text);
        }
        let text = text.trim();
        (any && !text.is_empty()).then(|| text.to_owned())
    }
}

impl Part {
    /// Appends; true if a column had a value.
    fn write<'v>(&self, value: &dyn Fn(&Reference) -> Option<&'v str>, text: &mut String) -> bool {
        match self {
            Self::Text(literal) => {
                text.push_str(literal);
                false
            }
            Self::Column(column) => value(column).inspect(|found| text.push_str(found)).is_some(),
            Self::Optional(parts) if parts.iter().all(|part| part.is_full(value)) => {
                parts.iter().fold(false, |any, part| part.write(value, text) | any)
            }
            Self::Optional(_) => false,
        }
    }

    fn is_full<'v>(&self, value: &dyn Fn(&Reference) -> Option<&'v str>) -> bool {
        match self {
            Self::Column(column) => value(column).is_some(),
            Self::Text(_) | Self::Optional(_) => true,
        }
    }
}

fn parts(nodes: &[Node], look_up: &mut dyn FnMut(&str) -> Result<Reference, String>) -> Result<Vec<Part>, String> {
    nodes
        .iter()
        .map(|node| match node {
            Node::Text(text) => Ok(Part::Text(text.clone())),
            Node::Slot(name) => look_up(name).map(Part::Column),
            Node::Optional(nodes) => parts(nodes, look_up).map(Part::Optional),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, columns: &[(&str, &str)]) -> Option<String> {
        let mut look_up = |name: &str| {
            let at = columns.iter().position(|(known, _)| *known == name);
            at.map(Reference::Column).ok_or_else(|| name.to_owned())
        };
        let template = Template::parse(template, &mut look_up).unwrap();
        template.fill(&|reference| match reference {
            Reference::Column(at) => Some(columns[*at].1).filter(|value| !value.is_empty()),
            Reference::Item { .. } => None,
        })
    }

    #[test]
    fn optional_parts_vanish_with_their_columns() {
        let template = "{place}[, {country}][ [[{code}]]]";
        assert_eq!(filled(template, &[("place", "A"), ("country", "B"), ("code", "C")]).unwrap(), "A, B [C]");
        assert_eq!(filled(template, &[("place", "A"), ("country", ""), ("code", "")]).unwrap(), "A");
    }

    #[test]
    fn a_template_of_empty_columns_is_nothing() {
        assert_eq!(filled("Flag: {flag}", &[("flag", "")]), None);
    }
}
