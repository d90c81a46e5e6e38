//! The measurements of made-up facts, and the alerts that go by them.

use super::*;
use crate::doctor::testing::{at, healthy};
use crate::doctor::{Bounds, examine};

const DAY: i64 = 86_400_000;

fn measured(facts: &Facts) -> String {
    let findings = examine(facts, &Bounds::default(), at(0));
    let counts = Counts { own_records: 7, peer_records: 9, audit_log: 4000, handshakes_refused: 2 };
    text(facts, &findings, &counts, at(0))
}

fn check(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
}

#[test]
fn every_measurement_that_alerts_go_by_is_there() {
    let text = measured(&healthy());
    for line in [
        "selat_key_expiry_seconds{purpose=\"record\"} 34560000.0",
        "selat_certificate_expiry_seconds{kind=\"leaf\"} 172800.0",
        "selat_certificate_expiry_seconds{kind=\"authority\"} 77760000.0",
        "selat_certificate_expiry_seconds{kind=\"officer_authority\"} 77760000.0",
        "selat_certificate_renewal_failed 0.0",
        "selat_own_descriptor_version 3.0",
        "selat_descriptor_age_seconds{peer=\"IDN\"} 1728000.0",
        "selat_descriptor_refresh_age_seconds{peer=\"MYS\"} 3600.0",
        "selat_peer_clock_skew_seconds{peer=\"IDN\"} -0.25",
        "selat_peer_connected{peer=\"IDN\"} 1.0",
        "selat_follow_lag_entries{peer=\"IDN\"} 2.0",
        "selat_quarantined_entries{peer=\"IDN\"} 0.0",
        "selat_handshakes_refused_total 2",
        "selat_peers{state=\"approved\"} 2.0",
        "selat_peers{state=\"frozen\"} 0.0",
        "selat_equivocation_alarms 0.0",
        "selat_key_backup_age_seconds 86400.0",
        "selat_key_drill_age_seconds 3600.0",
        "selat_doctor_findings{level=\"critical\"} 0.0",
        "selat_disk_free_bytes 64424509440.0",
        "selat_records{origin=\"own\"} 7.0",
    ] {
        check(&text, line);
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn what_is_not_known_is_left_out() {
    let mut facts = healthy();
    facts.backup = crate::doctor::BackupFacts::default();
    facts.peers[0].clock_skew_ms = None;
    facts.peers[0].refreshed = None;
    facts.keys.keys[0].valid_until = None;
    facts.store.disk = None;
    let text = measured(&facts);
    for absent in ["backup_age", "drill_age", "skew_seconds{peer=\"IDN", "refresh_age_seconds{peer=\"IDN", "disk_"] {
        assert!(!text.contains(absent), "{absent}");
    }
    assert!(!text.contains("selat_key_expiry_seconds{purpose=\"record\"}"), "{text}");
}

#[test]
fn first_to_end_counts_and_what_has_ended_is_negative() {
    let mut facts = healthy();
    facts.certificates.authorities.push(("tls-ca-66666666".into(), at(-DAY)));
    check(&measured(&facts), "selat_certificate_expiry_seconds{kind=\"authority\"} -86400.0");
}

#[test]
fn frozen_peer_is_an_alarm_and_no_traffic_is_measured_of_it() {
    let mut facts = healthy();
    facts.peers[0].standing = PeerStanding::Frozen;
    let text = measured(&facts);
    check(&text, "selat_equivocation_alarms 1.0");
    assert!(!text.contains("peer=\"IDN\""), "{text}");
    assert!(!text.contains("doctor_findings{level=\"critical\"} 0.0"), "{text}");
}

#[test]
fn labels_are_codes_and_words_of_ours_alone() {
    let mut facts = healthy();
    facts.peers[0].last_error = Some("secret\"} 1\n".into());
    facts.peers[0].standing_reason = "a person".into();
    facts.certificates.renewal_failure = Some("a person".into());
    let text = measured(&facts);
    assert!(!text.contains("secret") && !text.contains("person"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let labels = line.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(labels, _)| labels);
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (name, value) = label.split_once('=').unwrap();
            assert!(["purpose", "kind", "peer", "state", "level", "origin", "version"].contains(&name), "{line}");
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            assert!(value.trim_matches('"').chars().all(plain), "{line}");
        }
    }
}

#[test]
fn alert_rules_go_by_measurements_that_there_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/prometheus/selat-rules.yml");
    let rules = std::fs::read_to_string(path).unwrap();
    let mut facts = healthy();
    facts.keys.keys[0].status = Some(selat_record::pb::KeyStatus::Pending);
    let text = measured(&facts);
    let words = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names: std::collections::BTreeSet<_> = words.filter(|word| word.starts_with("selat_")).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(text.lines().any(|line| line.split([' ', '{']).next() == Some(name)), "{name} is not measured");
    }
}
