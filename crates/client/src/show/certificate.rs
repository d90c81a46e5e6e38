//! The node's certificate and the authorities behind it, and whether they need a person.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use selat_complaint::clean;
use selat_record::Timestamp;
use selat_wire::desk::CertView;
use serde_json::{Value, json};

use super::verdict::{Bounds, Level, Verdict};
use super::wrap::hanging;
use super::{SHAPE_VERSION, words};

/// Column at which the text of [`lines`] begins.
const INDENT: usize = 13;
/// How late a renewal may be before it is a finding: the node spreads its renewals, and tries again after a failure.
const LATE_MAX: Duration = Duration::from_secs(3_600);
/// A certificate with less than this part of its life left is critical.
const LIFE_LEFT_MIN: u32 = 6;

/// All that is known of the certificate; long text is broken to `width`.
pub(crate) fn lines(view: &CertView, width: u16) -> Vec<String> {
    let moment = words::moment_or_nothing;
    let authority = words::short_hex(&view.authority_key_id);
    let mut parts = vec![
        ("SHA-256", words::hex(&view.sha256)),
        ("valid", format!("{} to {}", moment(view.not_before_ms), moment(view.not_after_ms))),
        ("renewal", format!("{}, by the node itself", moment(view.renewal_ms))),
        ("issued by", format!("tls-ca key {authority}, which issues until {}", moment(view.authority_until_ms))),
        ("officers", format!("their authority ends {}", moment(view.officer_authority_until_ms))),
    ];
    if !view.last_failure.is_empty() {
        parts.push(("trouble", format!("the last renewal failed: {}", view.last_failure)));
    }
    let mut lines = vec![clean(&view.host)];
    lines.extend(parts.iter().flat_map(|(head, text)| hanging(head, INDENT, &clean(text), width)));
    lines
}

/// The certificate as JSON.
pub(crate) fn json(view: &CertView) -> Value {
    json!({
        "version": SHAPE_VERSION,
        "host": view.host,
        "sha256": words::hex(&view.sha256),
        "valid_from": words::moment(view.not_before_ms),
        "valid_until": words::moment(view.not_after_ms),
        "renewal": words::moment(view.renewal_ms),
        "last_failure": view.last_failure,
        "authority_key": words::hex(&view.authority_key_id),
        "authority_until": words::moment(view.authority_until_ms),
        "officer_authority_until": words::moment(view.officer_authority_until_ms),
        "certificate": STANDARD.encode(&view.certificate),
    })
}

/// Whether certificate or authorities need a person. The certificate is judged by its own short life, the authorities by
/// the bounds.
pub(crate) fn verdict(view: &CertView, bounds: Bounds) -> Verdict {
    let mut verdict = Verdict::default();
    let until = Timestamp::from_ms(view.not_after_ms).unwrap_or(Timestamp::EPOCH);
    let renewal = Timestamp::from_ms(view.renewal_ms).unwrap_or(Timestamp::EPOCH);
    let life = until.since(Timestamp::from_ms(view.not_before_ms).unwrap_or(Timestamp::EPOCH));
    let left = until.since(bounds.now);
    if left.is_zero() {
        verdict.found(Level::Critical, format!("the certificate ended {until}"));
    } else if left < life / LIFE_LEFT_MIN {
        verdict.found(Level::Critical, format!("the certificate ends in {} ({until})", words::span(left)));
    } else if bounds.now.since(renewal) > LATE_MAX {
        verdict.found(Level::Warning, format!("the certificate should have been renewed at {renewal}"));
    }
    if !view.last_failure.is_empty() {
        verdict.found(Level::Warning, format!("the last renewal failed: {}", view.last_failure));
    }
    verdict.judge_end("the tls-ca authority", view.authority_until_ms, bounds);
    verdict.judge_end("the officer authority", view.officer_authority_until_ms, bounds);
    verdict
}

/// What is said when all is well.
pub(crate) fn all_well(view: &CertView) -> String {
    format!("certificate until {}", words::moment_or_nothing(view.not_after_ms))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    pub(crate) fn sound() -> CertView {
        CertView {
            host: "node1.aus.trial.selat".into(),
            sha256: vec![0xab; 32],
            not_before_ms: NOW - 24 * HOUR,
            not_after_ms: NOW + 48 * HOUR,
            renewal_ms: NOW + 24 * HOUR,
            authority_key_id: vec![4; 32],
            authority_until_ms: NOW + 900 * DAY,
            certificate: vec![1, 2, 3],
            officer_authority_until_ms: NOW + 800 * DAY,
            ..Default::default()
        }
    }

    fn check(change: impl FnOnce(&mut CertView), wanted: &str) {
        let mut view = sound();
        change(&mut view);
        let day = Duration::from_secs(86_400);
        let bounds = Bounds { now: Timestamp::from_ms(NOW).unwrap(), warn: 30 * day, crit: 7 * day };
        let line = verdict(&view, bounds).line(&all_well(&view));
        assert!(line.starts_with(wanted), "{line}");
    }

    #[test]
    fn certificate_is_judged_by_its_own_life_and_authorities_by_the_bounds() {
        check(|_| {}, "OK - certificate until 2023-11-16T22:13:20Z; first to end: the officer authority");
        check(|view| view.renewal_ms = NOW - HOUR, "OK");
        check(|view| view.renewal_ms = NOW - HOUR - 1, "WARNING - the certificate should have been renewed");
        check(|view| view.last_failure = "no room".into(), "WARNING - the last renewal failed: no room");
        // A sixth of three days.
        let ending_in = |left: i64| {
            move |view: &mut CertView| (view.not_before_ms, view.not_after_ms) = (NOW + left - 72 * HOUR, NOW + left)
        };
        check(ending_in(12 * HOUR), "OK");
        check(ending_in(12 * HOUR - 1), "CRITICAL - the certificate ends in 11 h");
        check(ending_in(0), "CRITICAL - the certificate ended");
        check(|view| view.authority_until_ms = NOW + 20 * DAY, "WARNING - the tls-ca authority ends in 20 days");
        check(|view| view.officer_authority_until_ms = NOW + DAY, "CRITICAL - the officer authority ends in 24 h");
    }

    #[test]
    fn certificate_is_shown_with_renewal_authorities_and_trouble() {
        let told = lines(&CertView { last_failure: "the key\nis gone".into(), ..sound() }, 100).join("\n");
        for part in ["renewal      2023-11-15T22:13:20Z", "issued by    tls-ca key 04040404", "failed: the key is gone"]
        {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert_eq!(json(&sound())["certificate"], "AQID");
    }
}
