//! The files between the steps of a turn: the plan that was looked at, and the draft that roots will sign.

use std::path::{Path, PathBuf};

use prost::Message as _;
use selat_complaint::Complaint;
use selat_record::ParticipantId;
use selat_record::pb::{self, KeyPurpose};
use selat_seal::descriptor::read_draft;
use selat_wire::desk::{KeyApplyRequest, KeyGoal, KeyGoalKind, KeyPlan};
use serde_json::Value;

use crate::explain;
use crate::input::{small_text, write_new};
use crate::show::plan;

/// Writes a plan to a file that is not there yet.
pub(super) fn write(path: &Path, made: &KeyPlan) -> Result<(), Complaint> {
    write_new(path, &format!("{:#}\n", plan::json(made)))
}

/// What to apply, from a plan in a file. Only goal and state count: the node makes the steps itself.
pub(super) fn read(path: &Path) -> Result<KeyApplyRequest, Complaint> {
    let text = small_text(path)?;
    let faulty = |why: String| Complaint::about(&explain::PLAN_FAULTY).cause(format!("{}: {why}", path.display()));
    let value: Value = serde_json::from_str(&text).map_err(|fault| faulty(fault.to_string()))?;
    let state = value.get("state").and_then(Value::as_str).and_then(bytes_of_hex);
    let state = state.filter(|state| !state.is_empty()).ok_or_else(|| faulty("has no state".to_owned()))?;
    let goal =
        value.get("goal").and_then(goal).ok_or_else(|| faulty("has no goal that this client knows".to_owned()))?;
    Ok(KeyApplyRequest { goal: Some(goal), state })
}

fn goal(value: &Value) -> Option<KeyGoal> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let schema_name = |prefix: &str, word: &str| format!("{prefix}{}", word.to_ascii_uppercase());
    let kind = KeyGoalKind::from_str_name(&schema_name("KEY_GOAL_KIND_", text("kind")?))?;
    let purpose = match text("purpose") {
        Some(word) => KeyPurpose::from_str_name(&schema_name("KEY_PURPOSE_", word))?,
        None => KeyPurpose::Unspecified,
    };
    Some(KeyGoal {
        kind: kind.into(),
        purpose: purpose.into(),
        key_id: text("key").map_or(Some(Vec::new()), bytes_of_hex)?,
        emergency: value.get("emergency")?.as_bool()?,
        reason: text("reason")?.to_owned(),
        compromised_since_ms: value.get("compromised_since_ms")?.as_i64()?,
    })
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(high << 4 | low),
        _ => None,
    };
    digits?.chunks(2).map(pair).collect()
}

/// Writes the draft that the node gave and says where it lies: in the file that was wished for, else in
/// PARTICIPANT-VERSION.draft. A file that holds the same draft already stays, with the signatures in it; any other is left
/// alone and told, and nothing is lost: the node gives the same draft again.
pub(super) fn keep_draft(wish: Option<&Path>, text: &str) -> Result<PathBuf, Complaint> {
    let draft = read_draft(text).map_err(|fault| Complaint::about(&explain::REPLY_UNREADABLE).cause(fault))?;
    let message = pb::Descriptor::decode(draft.payload.as_slice());
    let message = message.map_err(|fault| Complaint::about(&explain::REPLY_UNREADABLE).cause(fault))?;
    let issuer = message.header.unwrap_or_default().issuer;
    let issuer: ParticipantId =
        issuer.parse().map_err(|fault| Complaint::about(&explain::REPLY_UNREADABLE).cause(fault))?;
    let usual = || PathBuf::from(format!("{issuer}-{}.draft", message.version));
    let path = wish.map_or_else(usual, Path::to_path_buf);
    if !path.exists() {
        write_new(&path, text)?;
        return Ok(path);
    }
    let held = small_text(&path).ok().and_then(|text| read_draft(&text).ok());
    if held.is_some_and(|held| held.payload == draft.payload) {
        return Ok(path);
    }
    let cause = format!("{} is there already and holds something else", path.display());
    Err(Complaint::about(&explain::DRAFT_IN_THE_WAY).problem("the draft was not written").cause(cause))
}

#[cfg(test)]
mod tests {
    use selat_seal::descriptor::write_draft;

    use super::*;
    use crate::show::plan::tests::{draft_text, half_way};

    fn read_text(text: &str) -> Result<KeyApplyRequest, Complaint> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn plan_comes_back_from_its_file_with_goal_and_state() {
        let folder = tempfile::tempdir().unwrap();
        let goals = [
            KeyGoal { kind: KeyGoalKind::Rotate.into(), purpose: KeyPurpose::TlsCa.into(), ..Default::default() },
            KeyGoal {
                kind: KeyGoalKind::Rotate.into(),
                purpose: KeyPurpose::Record.into(),
                emergency: true,
                reason: "disk \"stolen\"".into(),
                compromised_since_ms: 1_700_000_000_001,
                ..Default::default()
            },
            KeyGoal {
                kind: KeyGoalKind::Revoke.into(),
                key_id: vec![0x0a; 32],
                reason: "r".into(),
                ..Default::default()
            },
            KeyGoal { kind: KeyGoalKind::Abandon.into(), purpose: KeyPurpose::Log.into(), ..Default::default() },
        ];
        for (n, goal) in goals.into_iter().enumerate() {
            let path = folder.path().join(format!("{n}.json"));
            write(&path, &KeyPlan { goal: Some(goal.clone()), ..half_way() }).unwrap();
            let request = read(&path).unwrap();
            assert_eq!((request.goal, request.state), (Some(goal), vec![0xaa; 32]));
        }
    }

    #[test]
    fn file_that_is_no_plan_is_refused_with_its_name() {
        let good = plan::json(&half_way()).to_string();
        for bad in [
            String::new(),
            "{}".to_owned(),
            good.replace("\"rotate\"", "\"turn\""),
            good.replace("\"record\"", "\"records\""),
            good.replace(&"aa".repeat(32), "a"),
            good.replace(&"aa".repeat(32), ""),
            good.replace("false", "0"),
        ] {
            let refused = read_text(&bad).unwrap_err();
            assert_eq!(refused.code(), "SLT-2303", "{bad}");
            assert!(refused.to_string().contains("plan.json"), "{refused}");
        }
    }

    #[test]
    fn draft_takes_the_place_of_no_other_and_is_kept_with_its_signatures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.draft");
        let text = draft_text(2);
        assert_eq!(keep_draft(Some(&path), &text).unwrap(), path);
        let mut signed = read_draft(&text).unwrap();
        signed.signatures.push(pb::Signature { key_id: vec![1; 32], sig: vec![2; 64] });
        std::fs::write(&path, write_draft(&signed)).unwrap();
        assert_eq!(keep_draft(Some(&path), &text).unwrap(), path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), write_draft(&signed));
        for other in [draft_text(3), "notes".to_owned()] {
            std::fs::write(&path, &other).unwrap();
            assert_eq!(keep_draft(Some(&path), &text).unwrap_err().code(), "SLT-2302");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
        }
    }

    #[test]
    fn draft_of_the_node_that_cannot_be_read_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.draft");
        assert_eq!(keep_draft(Some(&path), "no draft").unwrap_err().code(), "SLT-2401");
        assert!(!path.exists());
    }
}
