//! The node on one screen.

use selat_complaint::clean;
use selat_wire::desk::StatusReply;
use serde_json::{Value, json};

use super::wrap::hanging;
use super::{SHAPE_VERSION, peer, words};

/// Column at which the text of [`lines`] begins.
const INDENT: usize = 13;

/// The node itself, long text broken to `width`; the table of peers follows elsewhere.
pub(crate) fn lines(status: &StatusReply, width: u16) -> Vec<String> {
    let StatusReply { participant, node, unit, federation, .. } = status;
    let mut lines = vec![clean(&format!("{participant}/{node}  {unit}  (federation {federation})"))];
    lines.extend(parts(status).iter().flat_map(|(head, text)| hanging(head, INDENT, &clean(text), width)));
    lines
}

fn parts(status: &StatusReply) -> Vec<(&'static str, String)> {
    let moment = words::moment_or_nothing;
    let mut parts = vec![
        ("software", status.software.clone()),
        ("time", format!("{}, up since {}", moment(status.now_ms), moment(status.started_ms))),
        ("descriptor", format!("version {}, {}", status.descriptor_version, words::hex(&status.descriptor_hash))),
        ("certificate", format!("until {}", moment(status.leaf_certificate_expires_ms))),
        (
            "records",
            format!(
                "{} own, {} of peers, {} in quarantine",
                status.own_records, status.peer_records, status.quarantined
            ),
        ),
        ("search", format!("{} not yet in the index", words::count(record_count(status.index_lag), "record"))),
        ("audit log", format!("{} entries", status.audit_log_size)),
        ("store", words::size(status.store_bytes)),
    ];
    if status.handshakes_refused > 0 {
        let (refused, last) = (status.handshakes_refused, &status.last_handshake_refusal);
        parts.push(("refused", format!("{refused} TLS handshakes, the last: {last}")));
    }
    parts
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
        let lines = lines(&status(), 80);
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
