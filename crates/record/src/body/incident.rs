//! Irregular movements: when, where, by which way, and how many people.

use super::{NAME_MAX, check_money, check_place, check_when, unless_empty};
use crate::codes;
use crate::pb::{self, AgeGroup, IncidentKind, Sex, TransportMode};
use crate::spot::Spot;

/// Notes what is wrong with an incident.
pub(super) fn check(at: &Spot<'_>, incident: &pb::Incident) {
    at.field("kind").choice::<IncidentKind>(incident.kind);
    check_when(&at.field("when"), incident.when.as_ref());
    if let Some(place) = &incident.place {
        check_place(&at.field("place"), place);
    }
    at.field("route_name").text(&incident.route_name, 0..=NAME_MAX);
    at.field("legs").each(&incident.legs, 0..=16, check_leg);
    at.field("modes").choices::<TransportMode>(&incident.modes, 0..=6);
    at.field("concealment").text(&incident.concealment, 0..=500);
    at.field("counts").each(&incident.counts, 0..=64, check_count);
    check_money(&at.field("fee"), incident.fee.as_ref());
    at.field("method").text(&incident.method, 0..=500);
    at.field("source").text(&incident.source, 0..=1000);
    at.field("summary").text(&incident.summary, 0..=2000);
}

/// Notes what is wrong with a leg of a route.
pub(super) fn check_leg(at: &Spot<'_>, leg: &pb::RouteLeg) {
    for (field, place) in [("from", &leg.from), ("to", &leg.to)] {
        if let Some(place) = place {
            check_place(&at.field(field), place);
        }
    }
    at.field("mode").known::<TransportMode>(leg.mode);
}

fn check_count(at: &Spot<'_>, count: &pb::PeopleCount) {
    at.field("sex").known::<Sex>(count.sex);
    at.field("age_group").known::<AgeGroup>(count.age_group);
    unless_empty(&at.field("nationality"), &count.nationality, codes::check_nationality);
    at.field("number").required(count.number.as_ref());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::spot::faults_of;

    /// Changes a good incident and compares what is found.
    fn check(change: impl FnOnce(&mut pb::Incident), expected: &str) {
        let mut incident = sample::incident();
        change(&mut incident);
        assert_eq!(faults_of(|at| super::check(at, &incident)), expected);
    }

    #[test]
    fn incident_says_its_kind_and_little_else_is_demanded() {
        check(|_| (), "");
        check(|i| *i = pb::Incident { kind: 7, ..Default::default() }, "");
        check(|i| i.kind = 0, "it.kind: is not given");
        check(|i| i.kind = 8, "it.kind: 8 is not a value that the schema lists");
    }

    #[test]
    fn incident_is_checked_to_its_leaves() {
        check(|i| i.when = Some(pb::When::default()), "it.when.from: is missing");
        check(
            |i| i.place.as_mut().unwrap().country = "EU".into(),
            "it.place.country: \"EU\" is not an ISO 3166-1 alpha-3 code",
        );
        check(
            |i| i.legs[0].to.as_mut().unwrap().unlocode = "x".into(),
            "it.legs[0].to.unlocode: \"x\" is not a UN/LOCODE of five characters, as IDJKT",
        );
        check(|i| i.legs[0].mode = 9, "it.legs[0].mode: 9 is not a value that the schema lists");
        check(|i| i.legs = vec![pb::RouteLeg::default(); 17], "it.legs: has 17 items, at most 16 are allowed");
        check(|i| i.modes = vec![2, 1], "it.modes[1]: is not in ascending order, each once");
        check(
            |i| i.fee = Some(pb::Money { minor_units: 1, currency: "usd".into() }),
            "it.fee.currency: \"usd\" is not an ISO 4217 code (three upper-case letters)",
        );
        check(|i| i.summary = "x".repeat(2001), "it.summary: has 2001 characters, at most 2000 are allowed");
    }

    #[test]
    fn count_without_a_number_is_refused_but_zero_is_a_number() {
        let counted = |number| move |i: &mut pb::Incident| i.counts[0].number = number;
        check(counted(Some(pb::Tally::default())), "");
        check(counted(None), "it.counts[0].number: is missing");
        check(|i| i.counts = vec![i.counts[0].clone(); 65], "it.counts: has 65 items, at most 64 are allowed");
        check(|i| i.counts[0].age_group = 3, "it.counts[0].age_group: 3 is not a value that the schema lists");
    }
}
