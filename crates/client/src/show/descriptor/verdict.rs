//! The versions that were verified, each with who signed it.

use selat_complaint::clean;
use selat_seal::AcceptedDescriptor;
use selat_seal::descriptor::Tally;
use serde_json::{Value, json};

use super::signed::{INDENT, count_json, set_lines};
use crate::show::SHAPE_VERSION;
use crate::show::wrap::hanging;

/// Who signed each version, and what holds in the end.
pub(crate) fn lines(steps: &[(AcceptedDescriptor, Tally)], width: u16) -> Vec<String> {
    let mut lines = Vec::new();
    for (version, tally) in steps {
        let (participant, number, made) = (version.participant(), version.version(), version.created());
        lines.push(clean(&format!("{participant}  descriptor {number} holds, made {made}")));
        lines.extend(set_lines(number, tally, width));
    }
    if let Some((last, _)) = steps.last() {
        let expires = last.expires().map_or_else(|| "never".to_owned(), |expires| expires.to_string());
        lines.extend(hanging("content id", INDENT, &last.content_id().to_string(), width));
        lines.extend(hanging("expires", INDENT, &expires, width));
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
