//! Records: the banner with the conditions under which one may be used, its fields, a row in a list, and JSON.
//!
//! Leaves out: verification. The node has verified every envelope that it hands out; here they are only opened.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message;
use selat_complaint::{Complaint, clean};
use selat_record::{Payload, pb};
use selat_wire::desk::{RecordReceipt, ReleaseOutcome, StoredRecord};
use serde_json::{Map, Value, json};

use super::banner::{self, grade};
use super::table::Rows;
use super::{SHAPE_VERSION, words};
use crate::explain;

/// Fields of the JSON form that the banner and the heading already tell.
const TOLD_ABOVE: [&str; 7] = ["header", "record_id", "version", "replaces", "evaluation", "handling", "protection"];
/// Fields that a draft does not have: the node fills them in.
const NOT_IN_A_DRAFT: [&str; 4] = ["header", "record_id", "version", "replaces"];

/// The record inside an envelope.
pub(crate) fn open(envelope: &pb::Envelope) -> Result<pb::Record, Complaint> {
    let unreadable = |why: String| Complaint::about(&explain::REPLY_UNREADABLE).cause(why);
    if envelope.payload_type != pb::Record::TYPE {
        return Err(unreadable(format!("an envelope holds {:?} where a record is due", envelope.payload_type)));
    }
    if envelope.payload.len() > pb::Record::MAX_BYTES {
        return Err(unreadable(format!("a record has {} bytes, more than any may have", envelope.payload.len())));
    }
    pb::Record::decode(envelope.payload.as_slice()).map_err(|fault| unreadable(fault.to_string()))
}

/// The record that the node holds.
pub(crate) fn open_stored(stored: &StoredRecord) -> Result<pb::Record, Complaint> {
    let missing = || Complaint::about(&explain::REPLY_UNREADABLE).cause("a record came without its envelope");
    open(stored.envelope.as_ref().ok_or_else(missing)?)
}

/// Heading, banner and fields.
pub(crate) fn lines(record: &pb::Record) -> Vec<String> {
    let header = record.header.clone().unwrap_or_default();
    let mut lines = vec![format!(
        "{} {}  version {}  {}",
        words::spoken(&words::kind(kind(record).into())),
        words::record_id(&record.record_id),
        record.version,
        clean(&headline(record))
    )];
    lines.extend(banner::lines(record, &header).iter().map(|line| format!("| {}", clean(line))));
    if let Value::Object(fields) = selat_interop::to_json(record) {
        let told = |name: &str| TOLD_ABOVE.contains(&name);
        fields.iter().filter(|(name, _)| !told(name)).for_each(|(name, value)| field(&mut lines, 0, name, value));
    }
    lines
}

/// Adds the row of a record to a table of [`crate::cli`]'s record columns.
pub(crate) fn push(rows: &mut Rows, stored: &StoredRecord, record: &pb::Record) {
    let header = record.header.clone().unwrap_or_default();
    let handling = record.handling.clone().unwrap_or_default();
    rows.push([
        words::record_id(&record.record_id),
        words::spoken(&words::kind(kind(record).into())),
        header.issuer,
        headline(record),
        words::tlp(handling.tlp),
        record.version.to_string(),
        grade(record),
        words::moment_or_nothing(header.created_ms),
        words::moment_or_nothing(header.expires_ms),
        if stored.released_to.is_empty() { words::NOTHING.to_owned() } else { stored.released_to.join(",") },
        words::hex(&stored.content_id),
    ]);
}

/// A stored record as JSON.
pub(crate) fn stored_json(stored: &StoredRecord, record: &pb::Record) -> Value {
    let header = record.header.clone().unwrap_or_default();
    json!({
        "version": SHAPE_VERSION,
        "record_id": words::record_id(&record.record_id),
        "record_version": record.version,
        "kind": words::kind(kind(record).into()),
        "originator": header.issuer,
        "content_id": words::hex(&stored.content_id),
        "first_logged": words::moment(stored.first_logged_ms),
        "current": stored.current,
        "released_to": stored.released_to,
        "record": selat_interop::to_json(record),
    })
}

/// The record in an envelope as JSON, without the shape's version: it stands inside other shapes.
pub(crate) fn envelope_json(envelope: &pb::Envelope) -> Result<Value, Complaint> {
    open(envelope).map(|record| selat_interop::to_json(&record))
}

/// A line of an export: [`stored_json`] with the envelope as signed, in the JSON form of DSSE.
pub(crate) fn export_json(stored: &StoredRecord, record: &pb::Record) -> Value {
    let mut line = stored_json(stored, record);
    let envelope = stored.envelope.clone().unwrap_or_default();
    let signature = |signature: &pb::Signature| json!({ "keyid": words::hex(&signature.key_id), "sig": BASE64.encode(&signature.sig) });
    if let Value::Object(fields) = &mut line {
        let envelope = json!({
            "payloadType": envelope.payload_type,
            "payload": BASE64.encode(&envelope.payload),
            "signatures": envelope.signatures.iter().map(signature).collect::<Vec<_>>(),
        });
        fields.insert("envelope".to_owned(), envelope);
    }
    line
}

/// The record as the draft of a next version.
pub(crate) fn draft_json(record: &pb::Record) -> Value {
    match selat_interop::to_json(record) {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| !NOT_IN_A_DRAFT.contains(&name.as_str()));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// What a write did: the record, then a line per peer.
pub(crate) fn receipt_lines(receipt: &RecordReceipt) -> Vec<String> {
    let id = words::record_id(&receipt.record_id);
    let mut lines = vec![format!("record {id}  version {}  {}", receipt.version, words::hex(&receipt.content_id))];
    lines.extend(receipt.releases.iter().map(|outcome| clean(&release_line(outcome))));
    lines
}

/// What a write did, as JSON.
pub(crate) fn receipt_json(receipt: &RecordReceipt) -> Value {
    let release = |outcome: &ReleaseOutcome| {
        json!({
            "peer": outcome.peer,
            "released": outcome.released,
            "index": outcome.released.then_some(outcome.index),
            "rule": outcome.rule,
            "why": outcome.why,
        })
    };
    json!({
        "version": SHAPE_VERSION,
        "record_id": words::record_id(&receipt.record_id),
        "record_version": receipt.version,
        "content_id": words::hex(&receipt.content_id),
        "releases": receipt.releases.iter().map(release).collect::<Vec<_>>(),
    })
}

/// What kind of record it is.
pub(crate) fn kind(record: &pb::Record) -> pb::RecordKind {
    use pb::record::Body;
    match &record.body {
        None => pb::RecordKind::Unspecified,
        Some(Body::Person(_)) => pb::RecordKind::Person,
        Some(Body::TravelDocument(_)) => pb::RecordKind::TravelDocument,
        Some(Body::Incident(_)) => pb::RecordKind::Incident,
        Some(Body::Conveyance(_)) => pb::RecordKind::Conveyance,
        Some(Body::Network(_)) => pb::RecordKind::Network,
        Some(Body::Route(_)) => pb::RecordKind::Route,
        Some(Body::Bulletin(_)) => pb::RecordKind::Bulletin,
        Some(Body::VisaAlert(_)) => pb::RecordKind::VisaAlert,
        Some(Body::Verdict(_)) => pb::RecordKind::Verdict,
    }
}

/// What a record is about, in a few words.
fn headline(record: &pb::Record) -> String {
    use pb::record::Body;
    let day = |date: &Option<pb::PartialDate>| date.as_ref().map(words::date);
    let first = |names: &[String]| names.first().cloned();
    let parts: Vec<Option<String>> = match &record.body {
        None => vec![],
        Some(Body::Person(person)) => {
            vec![
                person.names.first().map(|name| name.text.clone()),
                day(&person.birth),
                Some(person.nationalities.join("/")),
            ]
        }
        Some(Body::TravelDocument(document)) => {
            let status = words::spoken(&words::document_status(document.status));
            let kind = words::spoken(&words::document_type(document.r#type));
            vec![Some(kind), Some(document.number.clone()), Some(document.issuer.clone()), Some(status)]
        }
        Some(Body::Incident(incident)) => {
            let place = incident.place.clone().unwrap_or_default();
            let from = incident.when.as_ref().and_then(|when| day(&when.from));
            vec![Some(words::spoken(&words::incident_kind(incident.kind))), from, Some(place.name), Some(place.country)]
        }
        Some(Body::Conveyance(found)) => {
            let marks = [&found.imo, &found.mmsi, &found.call_sign, &found.registration, &found.vin];
            vec![
                first(&found.names),
                marks.into_iter().find(|mark| !mark.is_empty()).cloned(),
                Some(found.flag.clone()),
            ]
        }
        Some(Body::Network(network)) => vec![first(&network.names), Some(network.countries.join("/"))],
        Some(Body::Route(route)) => vec![Some(route.name.clone())],
        Some(Body::Bulletin(bulletin)) => vec![Some(bulletin.title.clone())],
        Some(Body::VisaAlert(alert)) => {
            let kind = words::spoken(&words::visa_alert_kind(alert.kind));
            vec![Some(kind), alert.applicant.as_ref().map(|name| name.text.clone()), day(&alert.birth)]
        }
        Some(Body::Verdict(verdict)) => vec![Some(words::verdict_kind(verdict.kind)), Some(verdict.decided_by.clone())],
    };
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn release_line(outcome: &ReleaseOutcome) -> String {
    if outcome.released {
        format!("{:<6}  released      entry {} of the release log", outcome.peer, outcome.index)
    } else {
        format!("{:<6}  NOT released  {} ({})", outcome.peer, outcome.why, outcome.rule)
    }
}

/// A field and all beneath it, indented by its depth.
fn field(lines: &mut Vec<String>, depth: usize, name: &str, value: &Value) {
    let indent = "  ".repeat(depth);
    let label = clean(&words::spoken(name));
    match value {
        Value::Object(fields) => {
            lines.push(format!("{indent}{label}"));
            fields.iter().for_each(|(name, value)| field(lines, depth + 1, name, value));
        }
        Value::Array(values) if values.iter().all(|value| !value.is_object() && !value.is_array()) => {
            let values: Vec<String> = values.iter().map(plain).collect();
            lines.push(format!("{indent}{label}: {}", values.join(", ")));
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(n, value)| field(lines, depth, &format!("{name} {}", n + 1), value));
        }
        single => lines.push(format!("{indent}{label}: {}", plain(single))),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| clean(&value.to_string()), clean)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn person() -> pb::Record {
        pb::Record {
            header: Some(pb::Header {
                federation: "demo".into(),
                issuer: "IDN".into(),
                audience: "*".into(),
                id: id(),
                created_ms: 1_700_000_000_000,
                expires_ms: 1_800_000_000_000,
                descriptor_version: 1,
            }),
            record_id: id(),
            version: 2,
            replaces: vec![9; 32],
            evaluation: Some(pb::Evaluation {
                scheme: pb::EvaluationScheme::Admiralty.into(),
                reliability: "B".into(),
                credibility: "2".into(),
            }),
            handling: Some(pb::Handling {
                releasable_to: Some(pb::Audience {
                    kind: pb::AudienceKind::Named.into(),
                    participants: vec!["AUS".into(), "MYS".into()],
                }),
                purposes: vec![pb::Purpose::LawEnforcement.into()],
                onward: pb::Onward::WithConsent.into(),
                tlp: pb::Tlp::AmberStrict.into(),
                sensitivity: 3,
                obligations: vec![pb::Obligation { kind: pb::ObligationKind::DeleteAfterDays.into(), days: 30 }],
                caveat: "read\nthis".into(),
                ..Default::default()
            }),
            protection: Some(pb::Protection {
                kinds: vec![pb::ProtectionKind::TraffickingVictim.into()],
                hidden_from: vec!["THA".into()],
            }),
            body: Some(pb::record::Body::Person(pb::Person {
                names: vec![pb::PersonName { text: "Siti \x1b[31mRahmah".into(), kind: 1, ..Default::default() }],
                birth: Some(pb::PartialDate { year: 1974, ..Default::default() }),
                nationalities: vec!["IDN".into()],
                roles: vec![pb::PersonRole::Victim.into()],
                ..Default::default()
            })),
            amendment_reason: "corrected".into(),
            ..Default::default()
        }
    }

    pub(crate) fn id() -> Vec<u8> {
        vec![0x01, 0x8b, 0xcf, 0xe5, 0x68, 0, 0x77, 7, 0x87, 7, 7, 7, 7, 7, 7, 7]
    }

    pub(crate) fn stored(record: &pb::Record) -> StoredRecord {
        StoredRecord {
            envelope: Some(pb::Envelope {
                payload_type: pb::Record::TYPE.into(),
                payload: record.encode_to_vec(),
                signatures: vec![pb::Signature { key_id: vec![1; 32], sig: vec![2; 64] }],
            }),
            content_id: vec![0xcd; 32],
            first_logged_ms: 1_700_000_000_000,
            current: true,
            released_to: vec!["AUS".into()],
        }
    }

    #[test]
    fn banner_stands_above_the_fields_and_tells_every_condition() {
        let shown = lines(&person());
        assert_eq!(
            shown[0],
            "person 018bcfe5-6800-7707-8707-070707070707  version 2  Siti \u{FFFD}[31mRahmah, 1974, IDN"
        );
        assert_eq!(
            shown[1..9],
            [
                "| TLP:AMBER+STRICT  from IDN  sensitivity 3 of 5  grade B2",
                "| PROTECTED (trafficking victim): must not be known to THA",
                "| may be read by  AUS, MYS",
                "| for  law enforcement",
                "| onward  only with the originator's signed consent",
                "| valid until  2027-01-15T08:00:00Z",
                "| obligation  delete after 30 days",
                "| caveat  read this",
            ]
        );
        let fields = shown[9..].join("\n");
        assert!(fields.contains("amendment reason: corrected") && fields.contains("birth: 1974"), "{fields}");
        assert!(!fields.contains("handling") && !fields.contains('\x1b'), "{fields:?}");
    }

    #[test]
    fn record_without_handling_is_shown_as_the_originators_alone() {
        let shown = lines(&pb::Record::default()).join("\n");
        assert!(
            shown.contains("may be read by  the originator alone") && shown.contains("not to be passed on"),
            "{shown}"
        );
    }

    #[test]
    fn draft_can_be_read_back_and_has_nothing_that_the_node_fills_in() {
        let draft = draft_json(&person());
        let back = selat_interop::draft_from_json(&draft).unwrap();
        assert_eq!((back.header, back.record_id, back.version, back.replaces), (None, vec![], 0, vec![]));
        assert_eq!(back.body, person().body);
        assert_eq!(back.handling, person().handling);
    }

    #[test]
    fn export_line_holds_the_envelope_as_signed() {
        let record = person();
        let line = export_json(&stored(&record), &record);
        assert_eq!(line["version"], 1);
        assert_eq!(line["record_id"], "018bcfe5-6800-7707-8707-070707070707");
        assert_eq!(line["content_id"], "cd".repeat(32));
        assert_eq!(line["envelope"]["payloadType"], pb::Record::TYPE);
        let payload = BASE64.decode(line["envelope"]["payload"].as_str().unwrap()).unwrap();
        assert_eq!(payload, record.encode_to_vec());
        assert_eq!(line["envelope"]["signatures"][0]["keyid"], "01".repeat(32));
        assert!(stored_json(&stored(&record), &record).get("envelope").is_none());
    }

    #[test]
    fn envelope_of_another_type_or_with_garbage_is_not_shown() {
        let good = stored(&person()).envelope.unwrap();
        for bad in [
            pb::Envelope { payload_type: "application/json".into(), ..good.clone() },
            pb::Envelope { payload: vec![0xff; 40], ..good.clone() },
            pb::Envelope { payload: vec![0; pb::Record::MAX_BYTES + 1], ..good.clone() },
        ] {
            assert_eq!(open(&bad).unwrap_err().code(), "SLT-2401");
        }
        assert_eq!(open(&good).unwrap(), person());
        assert_eq!(open_stored(&StoredRecord::default()).unwrap_err().code(), "SLT-2401");
    }

    #[test]
    fn receipt_tells_released_from_refused_with_the_rule() {
        let receipt = RecordReceipt {
            record_id: id(),
            version: 1,
            content_id: vec![0xcd; 32],
            releases: vec![
                ReleaseOutcome { peer: "MYS".into(), released: true, index: 4, ..Default::default() },
                ReleaseOutcome {
                    peer: "THA".into(),
                    rule: "F-03".into(),
                    why: "is protected".into(),
                    ..Default::default()
                },
            ],
        };
        let lines = receipt_lines(&receipt);
        assert_eq!(lines[1], "MYS     released      entry 4 of the release log");
        assert_eq!(lines[2], "THA     NOT released  is protected (F-03)");
        let shape = receipt_json(&receipt);
        assert_eq!(shape["releases"][0]["index"], 4);
        assert_eq!(shape["releases"][1]["index"], Value::Null);
    }
}
