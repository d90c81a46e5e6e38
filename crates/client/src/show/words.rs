//! Small things in words: enum values, moments, ids, counts.

use std::time::Duration;

use selat_record::pb;
use selat_record::{RecordId, Timestamp};
use selat_wire::desk;

/// What stands where nothing is known.
pub(crate) const NOTHING: &str = "-";

macro_rules! words_of {
    ($($name:ident: $type:ty, $prefix:literal;)*) => {$(
        #[doc = concat!("The value as JSON has it; `unknown_N` when this client does not know it (", $prefix, "*).")]
        pub(crate) fn $name(value: i32) -> String {
            <$type>::try_from(value)
                .map(|known| known.as_str_name().trim_start_matches($prefix).to_ascii_lowercase())
                .unwrap_or_else(|_| format!("unknown_{value}"))
        }
    )*};
}

words_of! {
    kind: pb::RecordKind, "RECORD_KIND_";
    purpose: pb::Purpose, "PURPOSE_";
    europol_code: pb::EuropolCode, "EUROPOL_CODE_";
    protection: pb::ProtectionKind, "PROTECTION_KIND_";
    document_type: pb::DocumentType, "DOCUMENT_TYPE_";
    document_status: pb::DocumentStatus, "DOCUMENT_STATUS_";
    incident_kind: pb::IncidentKind, "INCIDENT_KIND_";
    visa_alert_kind: pb::VisaAlertKind, "VISA_ALERT_KIND_";
    verdict_kind: pb::VerdictKind, "VERDICT_KIND_";
    peer_state: desk::PeerState, "PEER_STATE_";
    freshness: desk::Freshness, "FRESHNESS_";
    key_purpose: pb::KeyPurpose, "KEY_PURPOSE_";
    key_status: pb::KeyStatus, "KEY_STATUS_";
    key_goal: desk::KeyGoalKind, "KEY_GOAL_KIND_";
    step_state: desk::KeyStepState, "KEY_STEP_STATE_";
    ping_result: desk::PingResult, "PING_RESULT_";
    outcome_kind: desk::PeerOutcomeKind, "PEER_OUTCOME_KIND_";
}

/// A value in words for people: `travel document`.
pub(crate) fn spoken(value: &str) -> String {
    value.replace('_', " ")
}

/// A TLP label as FIRST writes it: `TLP:AMBER+STRICT`.
pub(crate) fn tlp(value: i32) -> String {
    match pb::Tlp::try_from(value) {
        Ok(pb::Tlp::Clear) => "TLP:CLEAR".to_owned(),
        Ok(pb::Tlp::Green) => "TLP:GREEN".to_owned(),
        Ok(pb::Tlp::Amber) => "TLP:AMBER".to_owned(),
        Ok(pb::Tlp::AmberStrict) => "TLP:AMBER+STRICT".to_owned(),
        Ok(pb::Tlp::Red) => "TLP:RED".to_owned(),
        Ok(pb::Tlp::Unspecified) | Err(_) => format!("TLP:unknown-{value}"),
    }
}

/// An obligation as a sentence without its end.
pub(crate) fn obligation(obligation: &pb::Obligation) -> String {
    match obligation.kind() {
        pb::ObligationKind::ConfirmBeforeActing => "confirm with the originator before acting".to_owned(),
        pb::ObligationKind::ContactDeskFirst => "contact the originator's desk first".to_owned(),
        pb::ObligationKind::DeleteAfterDays => format!("delete after {} days", obligation.days),
        pb::ObligationKind::Unspecified => format!("unknown obligation {}", obligation.kind),
    }
}

/// A moment in UTC as RFC 3339; nothing for 0 and for what is no moment.
pub(crate) fn moment(ms: i64) -> Option<String> {
    Timestamp::from_ms(ms).filter(|moment| moment.ms() > 0).map(|moment| moment.to_string())
}

/// [`moment`] for a table.
pub(crate) fn moment_or_nothing(ms: i64) -> String {
    moment(ms).unwrap_or_else(|| NOTHING.to_owned())
}

/// How far a clock is from ours: `+1.2 s`, `-4 min`.
pub(crate) fn offset(ms: i64) -> String {
    let (sign, size) = (if ms < 0 { '-' } else { '+' }, ms.unsigned_abs());
    match size {
        0..100 => "0 s".to_owned(),
        100..60_000 => format!("{sign}{}.{} s", size / 1_000, size % 1_000 / 100),
        60_000..7_200_000 => format!("{sign}{} min", size / 60_000),
        _ => format!("{sign}{} h", size / 3_600_000),
    }
}

/// A span for people, in the largest unit that leaves at least two of it: `47 min`, `36 h`, `30 days`.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The first digits of an id or digest: enough to tell one from the others, and to name it on the command line.
pub(crate) fn short_hex(bytes: &[u8]) -> String {
    hex(bytes.get(..4).unwrap_or(bytes))
}

/// A date as exact as it is known: `1974`, `1974-08`, `1974-08-12`, with `~` before an estimate.
pub(crate) fn date(date: &pb::PartialDate) -> String {
    let mut text = format!("{}{:04}", if date.approximate { "~" } else { "" }, date.year);
    for part in [date.month, date.day].into_iter().take_while(|part| *part > 0) {
        text.push_str(&format!("-{part:02}"));
    }
    text
}

/// A record id; what is none, in hex.
pub(crate) fn record_id(bytes: &[u8]) -> String {
    RecordId::from_slice(bytes).map_or_else(|_| hex(bytes), |id| id.to_string())
}

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `1 hit`, `2 hits`.
pub(crate) fn count(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// Bytes for people: `12.3 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enum_values_are_written_as_in_the_json_form_of_records() {
        assert_eq!(kind(pb::RecordKind::TravelDocument.into()), "travel_document");
        assert_eq!(purpose(pb::Purpose::BorderControl.into()), "border_control");
        assert_eq!(kind(99), "unknown_99");
        assert_eq!(spoken(&kind(pb::RecordKind::VisaAlert.into())), "visa alert");
        assert_eq!(tlp(pb::Tlp::AmberStrict.into()), "TLP:AMBER+STRICT");
        assert_eq!(outcome_kind(desk::PeerOutcomeKind::NoHit.into()), "no_hit");
    }

    #[test]
    fn dates_and_moments_say_no_more_than_is_known() {
        let partial = |year, month, day, approximate| date(&pb::PartialDate { year, month, day, approximate });
        assert_eq!(partial(1974, 0, 0, false), "1974");
        assert_eq!(partial(1974, 8, 0, true), "~1974-08");
        assert_eq!(partial(1974, 8, 12, false), "1974-08-12");
        assert_eq!(moment(0), None);
        assert_eq!(moment(-5), None);
        assert_eq!(moment(1_700_000_000_000).as_deref(), Some("2023-11-14T22:13:20Z"));
    }

    #[test]
    fn spans_and_offsets_are_as_exact_as_a_person_needs() {
        for (ms, text) in
            [(0, "0 s"), (-99, "0 s"), (100, "+0.1 s"), (-1_250, "-1.2 s"), (90_000, "+1 min"), (-7_200_000, "-2 h")]
        {
            assert_eq!(offset(ms), text);
        }
        for (s, text) in [(0, "0 s"), (119, "119 s"), (3_600, "60 min"), (7_200, "2 h"), (172_800, "2 days")] {
            assert_eq!(span(Duration::from_secs(s)), text);
        }
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [(999, "999 B"), (1_000, "1.0 kB"), (12_345_678, "12.3 MB"), (2_000_000_000, "2.0 GB")] {
            assert_eq!(size(bytes), text);
        }
    }
}
