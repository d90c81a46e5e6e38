//! What the peers said to a question. "no record" and "NO ANSWER" must never look alike: one means that the peer looked
//! and may say that there is nothing, the other that nobody knows.

use selat_complaint::{Complaint, clean};
use selat_record::pb::{Find, Hit};
use selat_wire::desk::{PeerOutcome, PeerOutcomeKind, SearchSummary};
use serde_json::{Value, json};

use super::{SHAPE_VERSION, record, words};
use crate::screen::Tone;

/// Whether a peer answered, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Hit,
    NoRecord,
    None,
}

/// The line of a peer and its tone: `IDN     hit        2 hits          34 ms`.
pub(crate) fn outcome_line(outcome: &PeerOutcome) -> (Tone, String) {
    let (tone, word, what) = match answer(outcome) {
        Answer::Hit => (Tone::Good, "hit", hits_of(outcome)),
        Answer::NoRecord => (Tone::Strong, "no record", words::count(0, "hit")),
        Answer::None => (Tone::Bad, "NO ANSWER", words::spoken(&words::outcome_kind(outcome.kind))),
    };
    let line = format!(
        "{:<6}  {word:<9}  {what:<13}  {:>6} ms  {}",
        clean(&outcome.peer),
        outcome.elapsed_ms,
        clean(&outcome.detail)
    );
    (tone, line.trim_end().to_owned())
}

/// One line per hit.
pub(crate) fn hit_lines(outcome: &PeerOutcome) -> Vec<String> {
    let mut lines: Vec<String> = outcome.hits.iter().map(|hit| hit_line(&outcome.peer, hit)).collect();
    if outcome.truncated {
        lines.push("        more matched than this; narrow the question or raise --limit".to_owned());
    }
    lines
}

/// The last line: how many answered, and that silence is no answer.
pub(crate) fn closing_line(summary: &SearchSummary) -> (Tone, String) {
    let answered = format!("{} of {} answered", summary.answered, words::count(summary.asked as usize, "peer"));
    match summary.asked {
        0 => (Tone::Wary, "no peer was asked".to_owned()),
        _ if summary.complete => (Tone::Good, answered),
        _ => (Tone::Wary, format!("{answered}; the answer may be incomplete")),
    }
}

/// How the question was read, said before it leaves the node.
pub(crate) fn question(find: &Find) -> String {
    let mut parts = Vec::new();
    let kinds: Vec<String> = find.kinds.iter().map(|kind| words::spoken(&words::kind(*kind))).collect();
    let texts = [
        ("name", find.name.clone()),
        ("document number", find.document_number.clone()),
        ("conveyance", find.conveyance_identifier.clone()),
        ("country", find.country.clone()),
        ("from", find.date_from.as_ref().map(words::date).unwrap_or_default()),
        ("until", find.date_until.as_ref().map(words::date).unwrap_or_default()),
        ("kind", kinds.join(" or ")),
    ];
    parts.extend(
        texts.iter().filter(|(_, text)| !text.is_empty()).map(|(label, text)| format!("{label} {}", clean(text))),
    );
    parts.join(", ")
}

/// An outcome as JSON; `type` tells it from the summary in JSON Lines.
pub(crate) fn outcome_json(outcome: &PeerOutcome) -> Result<Value, Complaint> {
    let records: Vec<Value> = outcome.records.iter().map(record::envelope_json).collect::<Result<_, _>>()?;
    Ok(json!({
        "version": SHAPE_VERSION,
        "type": "outcome",
        "peer": outcome.peer,
        "outcome": words::outcome_kind(outcome.kind),
        "answered": answer(outcome) != Answer::None,
        "detail": outcome.detail,
        "hits": outcome.hits.iter().map(hit_json).collect::<Vec<_>>(),
        "truncated": outcome.truncated,
        "records": records,
        "elapsed_ms": outcome.elapsed_ms,
    }))
}

/// The summary as JSON.
pub(crate) fn summary_json(summary: &SearchSummary) -> Value {
    json!({
        "version": SHAPE_VERSION,
        "type": "summary",
        "asked": summary.asked,
        "answered": summary.answered,
        "hits": summary.hits,
        "complete": summary.complete,
    })
}

fn answer(outcome: &PeerOutcome) -> Answer {
    match outcome.kind() {
        PeerOutcomeKind::Hit => Answer::Hit,
        PeerOutcomeKind::NoHit => Answer::NoRecord,
        // What this client does not know is no answer either.
        _ => Answer::None,
    }
}

fn hits_of(outcome: &PeerOutcome) -> String {
    let more = if outcome.truncated { "+" } else { "" };
    words::count(outcome.hits.len(), "hit").replacen(' ', &format!("{more} "), 1)
}

fn hit_line(peer: &str, hit: &Hit) -> String {
    let reasons: Vec<String> =
        hit.reasons.iter().map(|reason| format!("{} {}", clean(&reason.field), clean(&reason.how))).collect();
    let mut line = format!(
        "        {:<15}  {:<36}  {:>3} %  {}",
        words::spoken(&words::kind(hit.kind)),
        reference(hit),
        hit.score / 10,
        reasons.join(", ")
    );
    if !hit.fetchable {
        line.push_str(&format!("; contact the desk of {} and quote the reference", clean(peer)));
    }
    for obligation in &hit.obligations {
        line.push_str(&format!("; {}", words::obligation(obligation)));
    }
    line
}

/// A record id where it can be fetched; else an opaque reference, which must not pass for one.
fn reference(hit: &Hit) -> String {
    if hit.fetchable { words::record_id(&hit.reference) } else { words::hex(&hit.reference) }
}

fn hit_json(hit: &Hit) -> Value {
    json!({
        "kind": words::kind(hit.kind),
        "reference": reference(hit),
        "fetchable": hit.fetchable,
        "score": hit.score,
        "reasons": hit.reasons.iter().map(|reason| json!({ "field": reason.field, "how": reason.how })).collect::<Vec<_>>(),
        "obligations": hit.obligations.iter().map(words::obligation).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use selat_record::pb::{MatchReason, PartialDate, RecordKind};

    use super::*;

    fn outcome(kind: PeerOutcomeKind, detail: &str) -> PeerOutcome {
        PeerOutcome {
            peer: "IDN".into(),
            kind: kind.into(),
            detail: detail.into(),
            elapsed_ms: 34,
            ..Default::default()
        }
    }

    fn hit(fetchable: bool) -> Hit {
        Hit {
            kind: RecordKind::Person.into(),
            reference: vec![0x01, 0x8b, 0xcf, 0xe5, 0x68, 0, 0x77, 7, 0x87, 7, 7, 7, 7, 7, 7, 7],
            fetchable,
            score: 987,
            reasons: vec![MatchReason { field: "name".into(), how: "same words".into() }],
            obligations: vec![],
        }
    }

    #[test]
    fn only_hit_and_no_hit_count_as_answers_and_the_rest_never_looks_like_no_record() {
        use PeerOutcomeKind::*;
        for kind in [Unspecified, Refused, Busy, Unreachable, Late, BadSignature, NotApproved] {
            let (tone, line) = outcome_line(&outcome(kind, ""));
            assert!(line.contains("NO ANSWER") && !line.contains("no record"), "{line}");
            assert_eq!(tone, Tone::Bad);
            assert_eq!(outcome_json(&outcome(kind, "")).unwrap()["answered"], false);
        }
        let (_, none) = outcome_line(&outcome(NoHit, ""));
        assert_eq!(none, "IDN     no record  0 hits             34 ms");
        let (_, late) = outcome_line(&outcome(Late, "no answer within 5 s"));
        assert_eq!(late, "IDN     NO ANSWER  late               34 ms  no answer within 5 s");
        assert_eq!(outcome_line(&PeerOutcome { kind: 77, ..outcome(Hit, "") }).0, Tone::Bad);
    }

    #[test]
    fn hits_name_kind_reference_and_reason() {
        let found =
            PeerOutcome { hits: vec![hit(true), hit(false)], truncated: true, ..outcome(PeerOutcomeKind::Hit, "") };
        assert_eq!(outcome_line(&found).1, "IDN     hit        2+ hits            34 ms");
        let lines = hit_lines(&found);
        assert_eq!(lines[0], "        person           018bcfe5-6800-7707-8707-070707070707   98 %  name same words");
        assert!(lines[1].contains("018bcfe5680077078707070707070707") && lines[1].contains("contact the desk of IDN"));
        assert!(lines[2].contains("more matched"), "{lines:?}");
    }

    #[test]
    fn closing_line_says_when_the_answer_may_be_incomplete() {
        let summary = |asked, answered, complete| SearchSummary { asked, answered, hits: 0, complete };
        assert_eq!(closing_line(&summary(5, 4, false)).1, "4 of 5 peers answered; the answer may be incomplete");
        assert_eq!(closing_line(&summary(5, 5, true)).1, "5 of 5 peers answered");
        assert_eq!(closing_line(&summary(1, 1, true)).1, "1 of 1 peer answered");
        assert_eq!(closing_line(&summary(0, 0, true)).1, "no peer was asked");
    }

    #[test]
    fn json_of_an_outcome_has_the_documented_shape() {
        let found = PeerOutcome { hits: vec![hit(true)], ..outcome(PeerOutcomeKind::Hit, "") };
        assert_eq!(
            outcome_json(&found).unwrap(),
            json!({
                "version": 1, "type": "outcome", "peer": "IDN", "outcome": "hit", "answered": true, "detail": "",
                "hits": [{
                    "kind": "person", "reference": "018bcfe5-6800-7707-8707-070707070707", "fetchable": true, "score": 987,
                    "reasons": [{ "field": "name", "how": "same words" }], "obligations": [],
                }],
                "truncated": false, "records": [], "elapsed_ms": 34,
            })
        );
    }

    #[test]
    fn question_is_told_as_it_was_read() {
        let find = Find {
            kinds: vec![RecordKind::Incident.into()],
            country: "IDN".into(),
            date_from: Some(PartialDate { year: 2023, ..Default::default() }),
            ..Default::default()
        };
        assert_eq!(question(&find), "country IDN, from 2023, kind incident");
    }
}
