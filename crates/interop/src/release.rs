//! The audience that an import gives to its records.

use selat_record::{Faults, ParticipantId, pb};
use serde_json::Value;

/// Reads `all`, `nobody` or participants with commas between: `IDN,MYS`.
pub fn release_to(text: &str) -> Result<pb::Audience, Faults> {
    let of_kind = |kind: pb::AudienceKind| pb::Audience { kind: kind.into(), participants: Vec::new() };
    match text {
        "all" => Ok(of_kind(pb::AudienceKind::All)),
        "nobody" => Ok(of_kind(pb::AudienceKind::Nobody)),
        named => {
            let mut participants = Vec::new();
            for name in named.split(',') {
                participants.push(name.trim().parse::<ParticipantId>()?.to_string());
            }
            participants.sort();
            participants.dedup();
            Ok(pb::Audience { participants, ..of_kind(pb::AudienceKind::Named) })
        }
    }
}

/// The audience as the JSON form has it.
pub(crate) fn to_json(audience: pb::Audience) -> Value {
    let handling = pb::Handling { releasable_to: Some(audience), ..Default::default() };
    let record = crate::to_json(&pb::Record { handling: Some(handling), ..Default::default() });
    record.pointer("/handling/releasable_to").cloned().unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audiences_are_all_nobody_or_named() {
        assert_eq!(to_json(release_to("all").unwrap()), "all");
        assert_eq!(to_json(release_to("nobody").unwrap()), "nobody");
        assert_eq!(to_json(release_to("MYS, IDN,MYS").unwrap()), serde_json::json!(["IDN", "MYS"]));
        for bad in ["", "everyone", "IDN,", "idn"] {
            assert!(release_to(bad).is_err(), "{bad}");
        }
    }
}
