//! What a record is about: one body of nine, each checked field by field against the bounds that the schema states.

mod conveyance;
mod document;
mod incident;
mod other;
mod person;

pub(crate) use conveyance::identifiers;

use crate::pb::record::Body;
use crate::pb::{self, CoordinatePrecision, RecordKind};
use crate::spot::Spot;
use crate::{RecordId, codes, date, participants};

/// Longest name of a person, place, ship, network or route in characters.
const NAME_MAX: usize = 200;
/// Most countries in a list.
const COUNTRIES_MAX: usize = 64;
/// 90 and 180 degrees in 1e-7 degree.
const LATITUDE_MAX: i32 = 900_000_000;
const LONGITUDE_MAX: i32 = 1_800_000_000;

/// The kind of record that a body makes.
pub fn kind_of(body: &Body) -> RecordKind {
    match body {
        Body::Person(_) => RecordKind::Person,
        Body::TravelDocument(_) => RecordKind::TravelDocument,
        Body::Incident(_) => RecordKind::Incident,
        Body::Conveyance(_) => RecordKind::Conveyance,
        Body::Network(_) => RecordKind::Network,
        Body::Route(_) => RecordKind::Route,
        Body::Bulletin(_) => RecordKind::Bulletin,
        Body::VisaAlert(_) => RecordKind::VisaAlert,
        Body::Verdict(_) => RecordKind::Verdict,
    }
}

/// Notes what is wrong with a body; gives its kind.
pub(crate) fn read(at: &Spot<'_>, body: Option<&Body>) -> Option<RecordKind> {
    let body = at.field("body").required(body)?;
    match body {
        Body::Person(person) => person::check(&at.field("person"), person),
        Body::TravelDocument(document) => document::check(&at.field("travel_document"), document),
        Body::Incident(incident) => incident::check(&at.field("incident"), incident),
        Body::Conveyance(conveyance) => conveyance::check(&at.field("conveyance"), conveyance),
        Body::Network(network) => other::check_network(&at.field("network"), network),
        Body::Route(route) => other::check_route(&at.field("route"), route),
        Body::Bulletin(bulletin) => other::check_bulletin(&at.field("bulletin"), bulletin),
        Body::VisaAlert(alert) => other::check_visa_alert(&at.field("visa_alert"), alert),
        Body::Verdict(verdict) => other::check_verdict(&at.field("verdict"), verdict),
    }
    Some(kind_of(body))
}

/// Notes what is wrong with a link, apart from its kind: a verdict's links have none.
pub(crate) fn check_link(at: &Spot<'_>, link: &pb::Link) {
    participants::read(&at.field("originator"), &link.originator);
    at.field("record_id").noted(RecordId::from_slice(&link.record_id));
    at.field("note").text(&link.note, 0..=200);
}

fn check_place(at: &Spot<'_>, place: &pb::Place) {
    at.field("name").text(&place.name, 0..=NAME_MAX);
    unless_empty(&at.field("country"), &place.country, codes::check_state);
    unless_empty(&at.field("unlocode"), &place.unlocode, codes::check_unlocode);
    if let Some(coordinates) = &place.coordinates {
        let at = at.field("coordinates");
        at.field("latitude_e7").within(coordinates.latitude_e7, -LATITUDE_MAX..=LATITUDE_MAX);
        at.field("longitude_e7").within(coordinates.longitude_e7, -LONGITUDE_MAX..=LONGITUDE_MAX);
        at.field("precision").choice::<CoordinatePrecision>(coordinates.precision);
    }
}

fn check_money(at: &Spot<'_>, money: Option<&pb::Money>) {
    if let Some(money) = money {
        codes::check_currency(&at.field("currency"), &money.currency);
    }
}

fn check_when(at: &Spot<'_>, when: Option<&pb::When>) {
    if let Some(when) = when {
        date::check_when(at, when);
    }
}

fn check_countries(at: &Spot<'_>, countries: &[String]) {
    at.each(countries, 0..=COUNTRIES_MAX, |at, code| codes::check_state(at, code));
    at.ascending(countries);
}

/// For codes that may be left out.
fn unless_empty(at: &Spot<'_>, text: &str, check: fn(&Spot<'_>, &str)) {
    if !text.is_empty() {
        check(at, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spot::faults_of;

    #[test]
    fn record_without_a_body_is_refused() {
        assert_eq!(faults_of(|at| _ = read(at, None)), "it.body: is missing");
    }

    #[test]
    fn place_stays_on_the_globe() {
        let coordinates =
            |latitude_e7, longitude_e7, precision| pb::Coordinates { latitude_e7, longitude_e7, precision };
        for (given, expected) in [
            (coordinates(-900_000_000, 1_800_000_000, 1), ""),
            (coordinates(900_000_001, 0, 1), "it.coordinates.latitude_e7: 900000001 is not -900000000 to 900000000"),
            (coordinates(0, i32::MIN, 1), "it.coordinates.longitude_e7: -2147483648 is not -1800000000 to 1800000000"),
            (coordinates(0, 0, 0), "it.coordinates.precision: is not given"),
        ] {
            let place = pb::Place { coordinates: Some(given), ..Default::default() };
            assert_eq!(faults_of(|at| check_place(at, &place)), expected);
        }
    }

    #[test]
    fn place_is_named_by_codes_or_not_at_all() {
        for (country, unlocode, expected) in [
            ("", "", ""),
            ("IDN", "IDJKT", ""),
            ("XXA", "", "it.country: \"XXA\" is not an ISO 3166-1 alpha-3 code"),
            ("", "ID JKT", "it.unlocode: \"ID JKT\" is not a UN/LOCODE of five characters, as IDJKT"),
        ] {
            let place = pb::Place { country: country.into(), unlocode: unlocode.into(), ..Default::default() };
            assert_eq!(faults_of(|at| check_place(at, &place)), expected);
        }
    }

    #[test]
    fn link_names_a_record_of_a_participant() {
        let link = crate::sample::link();
        assert_eq!(faults_of(|at| check_link(at, &link)), "");
        let nobody = pb::Link { originator: String::new(), record_id: vec![0; 16], ..link };
        assert_eq!(
            faults_of(|at| check_link(at, &nobody)),
            "it.originator: \"\" is not 2 to 12 upper-case letters or digits, as AUS or UNHCR; \
             it.record_id: is not the 16 bytes of a UUIDv7"
        );
    }
}
