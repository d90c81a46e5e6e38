//! Networks, routes, bulletins, visa alerts and verdicts.

use super::incident::check_leg;
use super::person::{check_document_reference, check_name};
use super::{NAME_MAX, check_countries, check_link, check_money, check_when, unless_empty};
use crate::pb::{self, BulletinKind, Sex, VerdictKind, VisaAlertKind};
use crate::spot::Spot;
use crate::{codes, date};

/// Notes what is wrong with a network.
pub(super) fn check_network(at: &Spot<'_>, network: &pb::Network) {
    at.field("names").each(&network.names, 1..=32, |at, name| at.text(name, 1..=NAME_MAX));
    at.field("methods").text(&network.methods, 0..=4000);
    check_countries(&at.field("countries"), &network.countries);
    check_when(&at.field("active"), network.active.as_ref());
}

/// Notes what is wrong with a route.
pub(super) fn check_route(at: &Spot<'_>, route: &pb::Route) {
    at.field("name").text(&route.name, 1..=NAME_MAX);
    at.field("legs").each(&route.legs, 1..=32, check_leg);
    check_money(&at.field("usual_fee"), route.usual_fee.as_ref());
    check_when(&at.field("seen"), route.seen.as_ref());
    at.field("remarks").text(&route.remarks, 0..=4000);
}

/// Notes what is wrong with a bulletin.
pub(super) fn check_bulletin(at: &Spot<'_>, bulletin: &pb::Bulletin) {
    at.field("kind").choice::<BulletinKind>(bulletin.kind);
    at.field("title").text(&bulletin.title, 1..=200);
    at.field("text").text(&bulletin.text, 1..=20_000);
    unless_empty(&at.field("language"), &bulletin.language, codes::check_language);
    check_countries(&at.field("countries"), &bulletin.countries);
}

/// Notes what is wrong with a visa alert.
pub(super) fn check_visa_alert(at: &Spot<'_>, alert: &pb::VisaAlert) {
    at.field("kind").choice::<VisaAlertKind>(alert.kind);
    if let Some(applicant) = &alert.applicant {
        check_name(&at.field("applicant"), applicant);
    }
    date::check_optional(&at.field("birth"), alert.birth.as_ref());
    at.field("sex").known::<Sex>(alert.sex);
    unless_empty(&at.field("nationality"), &alert.nationality, codes::check_nationality);
    if let Some(document) = &alert.document {
        check_document_reference(&at.field("document"), document);
    }
    at.field("visa_class").text(&alert.visa_class, 0..=100);
    at.field("grounds").text(&alert.grounds, 0..=1000);
    date::check_optional(&at.field("decided"), alert.decided.as_ref());
}

/// Notes what is wrong with a verdict.
pub(super) fn check_verdict(at: &Spot<'_>, verdict: &pb::Verdict) {
    at.field("kind").choice::<VerdictKind>(verdict.kind);
    for (field, link) in [("left", &verdict.left), ("right", &verdict.right)] {
        let side = at.field(field);
        if let Some(link) = side.required(link.as_ref()) {
            check_link(&side, link);
            if link.kind != 0 {
                side.field("kind").fault("is given, but the verdict says what the two are to each other");
            }
        }
    }
    if let (Some(left), Some(right)) = (&verdict.left, &verdict.right)
        && (&left.originator, &left.record_id) == (&right.originator, &right.record_id)
    {
        at.field("right").fault("is the record on the left");
    }
    at.field("decided_by").text(&verdict.decided_by, 1..=80);
    at.field("grounds").text(&verdict.grounds, 1..=1000);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::spot::faults_of;

    #[test]
    fn network_has_a_name_and_countries_in_order() {
        let check = |change: fn(&mut pb::Network), expected: &str| {
            let mut network = sample::network();
            change(&mut network);
            assert_eq!(faults_of(|at| check_network(at, &network)), expected);
        };
        check(|_| (), "");
        check(|n| n.names.clear(), "it.names: is empty");
        check(|n| n.methods = "x".repeat(4001), "it.methods: has 4001 characters, at most 4000 are allowed");
        check(|n| n.countries.reverse(), "it.countries[1]: is not in ascending order, each once");
        check(|n| n.countries = vec!["XXA".into()], "it.countries[0]: \"XXA\" is not an ISO 3166-1 alpha-3 code");
        check(|n| n.active = Some(pb::When::default()), "it.active.from: is missing");
    }

    #[test]
    fn route_has_a_name_and_legs() {
        let check = |change: fn(&mut pb::Route), expected: &str| {
            let mut route = sample::route();
            change(&mut route);
            assert_eq!(faults_of(|at| check_route(at, &route)), expected);
        };
        check(|_| (), "");
        check(|r| r.name.clear(), "it.name: is empty");
        check(|r| r.legs.clear(), "it.legs: is empty");
        check(|r| r.legs = vec![r.legs[0].clone(); 33], "it.legs: has 33 items, at most 32 are allowed");
        check(|r| r.usual_fee = Some(pb::Money::default()), "it.usual_fee.currency: is empty");
        check(
            |r| r.seen.as_mut().unwrap().until = Some(sample::date(1999, 0, 0)),
            "it.seen.until: ends before it begins",
        );
    }

    #[test]
    fn bulletin_has_something_to_read() {
        let check = |change: fn(&mut pb::Bulletin), expected: &str| {
            let mut bulletin = sample::bulletin();
            change(&mut bulletin);
            assert_eq!(faults_of(|at| check_bulletin(at, &bulletin)), expected);
        };
        check(|_| (), "");
        check(|b| b.kind = 0, "it.kind: is not given");
        check(|b| b.title.clear(), "it.title: is empty");
        check(|b| b.text.clear(), "it.text: is empty");
        check(|b| b.text = "x".repeat(20_001), "it.text: has 20001 characters, at most 20000 are allowed");
        check(
            |b| b.language = "English (UK)".into(),
            "it.language: \"English (UK)\" is not a BCP 47 tag, as en or zh-Hant",
        );
    }

    #[test]
    fn visa_alert_says_its_kind() {
        let check = |change: fn(&mut pb::VisaAlert), expected: &str| {
            let mut alert = sample::visa_alert();
            change(&mut alert);
            assert_eq!(faults_of(|at| check_visa_alert(at, &alert)), expected);
        };
        check(|_| (), "");
        check(|a| a.kind = 0, "it.kind: is not given");
        check(|a| a.applicant.as_mut().unwrap().text.clear(), "it.applicant.text: is empty");
        check(|a| a.document.as_mut().unwrap().number.clear(), "it.document.number: is empty");
        check(|a| a.visa_class = "x".repeat(101), "it.visa_class: has 101 characters, at most 100 are allowed");
        check(|a| a.decided = Some(sample::date(0, 1, 1)), "it.decided: 0000-01-01 is not a date");
    }

    #[test]
    fn verdict_is_on_two_records_by_somebody_with_grounds() {
        let check = |change: fn(&mut pb::Verdict), expected: &str| {
            let mut verdict = sample::verdict();
            change(&mut verdict);
            assert_eq!(faults_of(|at| check_verdict(at, &verdict)), expected);
        };
        check(|_| (), "");
        check(|v| v.kind = 4, "it.kind: 4 is not a value that the schema lists");
        check(|v| v.left = None, "it.left: is missing");
        check(
            |v| v.left.as_mut().unwrap().kind = 1,
            "it.left.kind: is given, but the verdict says what the two are to each other",
        );
        check(|v| v.right = v.left.clone(), "it.right: is the record on the left");
        check(|v| v.right.as_mut().unwrap().record_id.clear(), "it.right.record_id: is not the 16 bytes of a UUIDv7");
        check(|v| v.decided_by.clear(), "it.decided_by: is empty");
        check(|v| v.grounds.clear(), "it.grounds: is empty");
    }
}
