//! The banner above a record: the conditions under which it may be read, used and passed on.
//!
//! Promise: where a condition is missing the banner shows the narrowest reading of it.

use selat_record::pb;

use super::words;

/// The conditions that travel with the record, gravest first.
pub(crate) fn lines(record: &pb::Record, header: &pb::Header) -> Vec<String> {
    let handling = record.handling.clone().unwrap_or_default();
    let mut lines = vec![format!(
        "{}  from {}  sensitivity {} of 5  grade {}",
        words::tlp(handling.tlp),
        header.issuer,
        handling.sensitivity,
        grade(record)
    )];
    lines.extend(record.protection.as_ref().map(protected));
    lines.push(format!("may be read by  {}", audience(handling.releasable_to.as_ref())));
    lines.push(format!("for  {}", listed(&handling.purposes, words::purpose)));
    lines.push(format!("onward  {}", onward(handling.onward())));
    lines.push(format!("valid until  {}", words::moment(header.expires_ms).unwrap_or_else(|| "no end set".to_owned())));
    if handling.hit_only {
        lines.push("hit only: a peer learns that there is something, and whom to contact".to_owned());
    }
    if !handling.europol_codes.is_empty() {
        lines.push(format!("Europol codes  {}", listed(&handling.europol_codes, words::europol_code).to_uppercase()));
    }
    if let Some(minimum) = &handling.action_minimum {
        lines.push(format!("act only at  {}{} or better", minimum.reliability, minimum.credibility));
    }
    lines
        .extend(handling.obligations.iter().map(|obligation| format!("obligation  {}", words::obligation(obligation))));
    if !handling.caveat.is_empty() {
        lines.push(format!("caveat  {}", handling.caveat));
    }
    lines
}

fn protected(protection: &pb::Protection) -> String {
    let kinds = listed(&protection.kinds, words::protection);
    let hidden = if protection.hidden_from.is_empty() {
        "everyone whom the originator does not name".to_owned()
    } else {
        protection.hidden_from.join(", ")
    };
    format!("PROTECTED ({kinds}): must not be known to {hidden}")
}

fn audience(audience: Option<&pb::Audience>) -> String {
    let nobody = || "the originator alone".to_owned();
    audience.map_or_else(nobody, |audience| match audience.kind() {
        pb::AudienceKind::All => "every approved peer".to_owned(),
        pb::AudienceKind::Named if !audience.participants.is_empty() => audience.participants.join(", "),
        pb::AudienceKind::Named | pb::AudienceKind::Nobody | pb::AudienceKind::Unspecified => nobody(),
    })
}

fn onward(onward: pb::Onward) -> &'static str {
    match onward {
        pb::Onward::WithConsent => "only with the originator's signed consent",
        pb::Onward::None | pb::Onward::Unspecified => "not to be passed on",
    }
}

fn listed(values: &[i32], word: fn(i32) -> String) -> String {
    values.iter().map(|value| words::spoken(&word(*value))).collect::<Vec<_>>().join(", ")
}

/// Reliability and credibility: `B2`.
pub(crate) fn grade(record: &pb::Record) -> String {
    let evaluation = record.evaluation.clone().unwrap_or_default();
    format!("{}{}", evaluation.reliability, evaluation.credibility)
}
