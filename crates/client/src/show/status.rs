//! The node on one screen.

use selat_complaint::clean;
use selat_wire::desk::StatusReply;
use serde_json::{Value, json};

use super::{SHAPE_VERSION, peer, words};

/// The node itself, a line each; the table of peers follows elsewhere.
pub(crate) fn lines(status: &StatusReply) -> Vec<String> {
    let mut lines = vec![
        format!("{}/{}  {}  (federation {})", status.participant, status.node, status.unit, status.federation),
        format!("software     {}", status.software),
        format!(
            "time         {}, up since {}",
            words::moment_or_nothing(status.now_ms),
            words::moment_or_nothing(status.started_ms)
        ),
        format!("descriptor   version {}, {}", status.descriptor_version, words::hex(&status.descriptor_hash)),
        format!("certificate  until {}", words::moment_or_nothing(status.leaf_certificate_expires_ms)),
        format!(
            "records      {} own, {} of peers, {} in quarantine",
            status.own_records, status.peer_records, status.quarantined
        ),
        format!("search       {} not yet in the index", words::count(record_count(status.index_lag), "record")),
        format!("audit log    {} entries", status.audit_log_size),
        format!("store        {}", words::size(status.store_bytes)),
    ];
    if status.handshakes_refused > 0 {
        lines.push(format!(
            "refused      {} TLS handshakes, the last: {}",
            status.handshakes_refused, status.last_handshake_refusal
        ));
    }
    lines.iter().map(|line| clean(line)).collect()
}

/// The node as JSON.
pub(crate) fn json(status: &StatusReply) -> Value {
    json!({
        "version": SHAPE_VERSION,
        "federation": status.federation,
        "participant": status.participant,
        "unit": status.unit,
        "node": status.node,
        "software": status.software,
        "now": words::moment(status.now_ms),
        "started": words::moment(status.started_ms),
        "descriptor_version": status.descriptor_version,
        "descriptor": words::hex(&status.descriptor_hash),
        "certificate_until": words::moment(status.leaf_certificate_expires_ms),
        "records": { "own": status.own_records, "peers": status.peer_records, "quarantined": status.quarantined },
        "audit_log_size": status.audit_log_size,
        "index_lag": status.index_lag,
        "store_bytes": status.store_bytes,
        "handshakes_refused": status.handshakes_refused,
        "last_handshake_refusal": status.last_handshake_refusal,
        "peers": status.peers.iter().map(peer::json).collect::<Vec<_>>(),
    })
}

fn record_count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> StatusReply {
        StatusReply {
            federation: "demo".into(),
            participant: "AUS".into(),
            unit: "Border\x1b[2J Intelligence".into(),
            node: "node1".into(),
            now_ms: 1_700_000_000_000,
            own_records: 7,
            handshakes_refused: 2,
            last_handshake_refusal: "unknown authority".into(),
            peers: vec![peer::tests::approved()],
            ..Default::default()
        }
    }

    #[test]
    fn screen_names_the_node_and_cannot_be_steered_by_its_names() {
        let lines = lines(&status());
        assert_eq!(lines[0], "AUS/node1  Border\u{FFFD}[2J Intelligence  (federation demo)");
        assert!(lines.iter().any(|line| line.contains("7 own")), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("unknown authority")), "{lines:?}");
    }

    #[test]
    fn json_has_the_documented_shape() {
        let shape = json(&status());
        assert_eq!(shape["version"], 1);
        assert_eq!(shape["now"], "2023-11-14T22:13:20Z");
        assert_eq!(shape["started"], Value::Null);
        assert_eq!(shape["records"], json!({ "own": 7, "peers": 0, "quarantined": 0 }));
        assert_eq!(shape["peers"][0]["peer"], "IDN");
    }
}
