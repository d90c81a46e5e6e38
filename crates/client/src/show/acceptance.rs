//! What people of our side signed when they approved a peer, in words.
//!
//! Leaves out: verification. The node made it and has verified it; here it is only opened.

use prost::Message as _;
use selat_record::{Payload as _, pb};
use serde_json::{Value, json};

use super::words;

/// What was accepted and who signed it, as heads and texts below the approval; nothing before the approval.
pub(crate) fn parts(envelope: &[u8]) -> Vec<(&'static str, String)> {
    let Some(envelope) = opened(envelope) else { return Vec::new() };
    let Some((acceptance, key)) = envelope else {
        return vec![("acceptance", "cannot be read by this client".to_owned())];
    };
    let header = acceptance.header.clone().unwrap_or_default();
    let signed = format!(
        "signed {} by {} with its log key {}",
        words::moment_or_nothing(header.created_ms),
        header.issuer,
        words::short_hex(&key)
    );
    let theirs = format!(
        "of descriptor {} of {}, {}",
        acceptance.descriptor_version,
        header.audience,
        words::hex(&acceptance.descriptor_hash)
    );
    let ours = format!("beside ours, {}", words::hex(&acceptance.own_descriptor_hash));
    vec![("acceptance", signed), ("", theirs), ("", ours)]
}

/// The acceptance as JSON; null before the approval and when it cannot be read.
pub(crate) fn json(envelope: &[u8]) -> Value {
    let Some(Some((acceptance, key))) = opened(envelope) else { return Value::Null };
    let header = acceptance.header.clone().unwrap_or_default();
    json!({
        "issuer": header.issuer,
        "peer": header.audience,
        "at": words::moment(header.created_ms),
        "by": acceptance.approved_by,
        "channel": acceptance.channel,
        "descriptor_version": acceptance.descriptor_version,
        "descriptor": words::hex(&acceptance.descriptor_hash),
        "own_descriptor": words::hex(&acceptance.own_descriptor_hash),
        "key": words::hex(&key),
    })
}

/// The acceptance and the id of the key that signed it. `Some(None)`: there is one, but it cannot be read.
fn opened(envelope: &[u8]) -> Option<Option<(pb::Acceptance, Vec<u8>)>> {
    if envelope.is_empty() {
        return None;
    }
    let read = || {
        let envelope = pb::Envelope::decode(envelope).ok()?;
        let signature = envelope.signatures.into_iter().next()?;
        if envelope.payload_type != pb::Acceptance::TYPE || envelope.payload.len() > pb::Acceptance::MAX_BYTES {
            return None;
        }
        Some((pb::Acceptance::decode(envelope.payload.as_slice()).ok()?, signature.key_id))
    };
    Some(read())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An acceptance of IDN by AUS, encoded as the node keeps it.
    pub(crate) fn signed() -> Vec<u8> {
        let header = pb::Header {
            issuer: "AUS".into(),
            audience: "IDN".into(),
            created_ms: 1_700_000_000_000,
            ..Default::default()
        };
        let acceptance = pb::Acceptance {
            header: Some(header),
            descriptor_version: 3,
            descriptor_hash: vec![0xcd; 32],
            own_descriptor_hash: vec![0xef; 32],
            approved_by: "operator".into(),
            channel: "video call".into(),
        };
        let signature = pb::Signature { key_id: vec![0x1a; 32], sig: vec![0; 64] };
        let payload = acceptance.encode_to_vec();
        let payload_type = pb::Acceptance::TYPE.to_owned();
        pb::Envelope { payload_type, payload, signatures: vec![signature] }.encode_to_vec()
    }

    #[test]
    fn acceptance_says_who_signed_what_and_when() {
        let told: Vec<String> = parts(&signed()).into_iter().map(|(_, text)| text).collect();
        let told = told.join("\n");
        for part in [
            "signed 2023-11-14T22:13:20Z by AUS with its log key 1a1a1a1a",
            "descriptor 3 of IDN, cdcd",
            "ours, efefef",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        let shape = json(&signed());
        assert_eq!((&shape["by"], &shape["channel"]), (&"operator".into(), &"video call".into()));
        assert_eq!(shape["descriptor_version"], 3);
    }

    #[test]
    fn peer_without_acceptance_shows_none_and_a_damaged_one_is_said() {
        assert!(parts(&[]).is_empty());
        assert_eq!(json(&[]), Value::Null);
        assert_eq!(parts(&[0xff, 1]), [("acceptance", "cannot be read by this client".to_owned())]);
        assert_eq!(json(&[0xff, 1]), Value::Null);
    }
}
