//! The versions that were verified, each with who signed it.

use selat_complaint::clean;
use selat_seal::AcceptedDescriptor;
use selat_seal::descriptor::Tally;
use serde_json::{Value, json};

use super::signed::{count_json, count_words};
use crate::show::SHAPE_VERSION;

/// Who signed each version, and what holds in the end.
pub(crate) fn lines(steps: &[(AcceptedDescriptor, Tally)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (version, tally) in steps {
        let head = format!("{}  descriptor {}", version.participant(), version.version());
        lines.push(clean(&format!("{head}, made {}: holds", version.created())));
        if let Some(previous) = &tally.previous {
            let before = version.version().saturating_sub(1);
            lines.push(format!("  signed by root keys of {before}: {}", count_words(previous)));
        }
        lines.push(format!("  signed by its own root keys: {}", count_words(&tally.own)));
    }
    if let Some((last, _)) = steps.last() {
        let expires = last.expires().map_or_else(|| "never".to_owned(), |expires| expires.to_string());
        lines.push(format!("  content id {}", last.content_id()));
        lines.push(format!("  expires {expires}"));
    }
    lines
}

/// The same as JSON.
pub(crate) fn json(steps: &[(AcceptedDescriptor, Tally)]) -> Value {
    let step = |(version, tally): &(AcceptedDescriptor, Tally)| {
        json!({
            "descriptor_version": version.version(),
            "descriptor": version.content_id().to_string(),
            "created": version.created().to_string(),
            "expires": version.expires().map(|expires| expires.to_string()),
            "signed": count_json(&tally.own),
            "signed_by_previous": tally.previous.as_ref().map(count_json),
        })
    };
    json!({
        "version": SHAPE_VERSION,
        "participant": steps.last().map(|(version, _)| version.participant().to_string()),
        "holds": true,
        "versions": steps.iter().map(step).collect::<Vec<_>>(),
    })
}
