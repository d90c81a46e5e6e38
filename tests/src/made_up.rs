//! Small made-up files: drafts of persons, rows of incidents and of people, and the mappings for them.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// Mapping for [`incidents`]: a row per incident, named by its `id`.
pub const INCIDENTS_MAP: &str = include_str!("made_up/incidents.toml");

/// The draft of a person called `name`, for those in `audience`: participants, `"all"` or `"nobody"`.
pub fn person(name: &str, audience: Value) -> Value {
    json!({
        "evaluation": { "scheme": "admiralty", "reliability": "B", "credibility": "2" },
        "handling": {
            "releasable_to": audience,
            "purposes": ["law_enforcement", "protection"],
            "onward": "none",
            "tlp": "amber",
            "sensitivity": 2,
        },
        "legal_basis": "made up for a test",
        "person": {
            "names": [{ "text": name, "script": "Latn", "kind": "primary" }],
            "birth": "1984-05",
            "roles": ["facilitator"],
        },
    })
}

/// A CSV of `rows` made-up incidents. `change` may replace the row with a number, counted from 1.
pub fn incidents(rows: usize, change: impl Fn(usize) -> Option<String>) -> String {
    let mut text = String::from("id,date,place,country,dead,summary\n");
    for n in 1..=rows {
        let row = change(n).unwrap_or_else(|| incident(n, "as first told"));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{row}");
    }
    text
}

/// The row with number `n`.
pub fn incident(n: usize, summary: &str) -> String {
    let (month, day) = (n % 12 + 1, n % 28 + 1);
    let country = if n.is_multiple_of(2) { "IDN" } else { "MYS" };
    format!("K-{n},2023-{month:02}-{day:02},Made-up Bay {n},{country},{},{summary}", n % 5)
}
