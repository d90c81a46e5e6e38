//! Made-up bodies of every common kind.

use fastrand::Rng;
use selat_record::ParticipantId;
use selat_record::pb::{self, record::Body};

use super::conditions::pick;
use super::words::{BOATS, CONCEALMENTS, METHODS, NAMINGS, NETWORKS, Naming, PORTS, Port};

/// A body of any kind; persons and documents are the most common.
pub fn any(rng: &mut Rng, originator: &ParticipantId) -> Body {
    match rng.u8(..20) {
        0..=8 => Body::Person(person(rng)),
        9..=12 => Body::TravelDocument(document(rng)),
        13..=15 => Body::Incident(incident(rng)),
        16 => Body::Conveyance(conveyance(rng)),
        17 => Body::VisaAlert(visa_alert(rng)),
        18 => Body::Bulletin(bulletin(rng, originator)),
        _ => network_or_route(rng),
    }
}

fn person(rng: &mut Rng) -> pb::Person {
    let naming = naming(rng);
    let mut roles = vec![pick(rng, &[pb::PersonRole::Suspect, pb::PersonRole::Facilitator, pb::PersonRole::Victim])];
    if rng.u8(..8) == 0 {
        roles.push(pb::PersonRole::Missing);
    }
    let documents = (rng.u8(..3) > 0).then(|| document_reference(rng, naming));
    pb::Person {
        names: names(rng, naming),
        birth: Some(birth(rng)),
        sex: sex(rng).into(),
        nationalities: vec![pick(rng, naming.nationalities).to_owned()],
        documents: documents.into_iter().collect(),
        roles: roles.into_iter().map(Into::into).collect(),
        ..Default::default()
    }
}

/// The name in its own script, and in Latin letters where that differs.
fn names(rng: &mut Rng, naming: &Naming) -> Vec<pb::PersonName> {
    let given = pick(rng, naming.given);
    let family = pick(rng, naming.family);
    let text = |given: &str, family: &str, family_first| {
        if family_first { format!("{family}{given}") } else { format!("{given} {family}") }
    };
    let name = |kind: pb::NameKind, script: &str, text, family: &str, given: &str| pb::PersonName {
        text,
        script: script.to_owned(),
        kind: kind.into(),
        family: family.to_owned(),
        given: given.to_owned(),
    };
    let own = text(given.0, family.0, naming.family_first);
    let latin = text(given.1, family.1, false);
    let mut names = vec![name(pb::NameKind::Primary, naming.script, own.clone(), family.0, given.0)];
    if latin != own {
        names.push(name(pb::NameKind::Transliteration, "Latn", latin, family.1, given.1));
    }
    names
}

fn naming(rng: &mut Rng) -> &'static Naming {
    rng.choice(&NAMINGS).expect("there are namings")
}

fn document(rng: &mut Rng) -> pb::TravelDocument {
    let naming = naming(rng);
    let status = pick(
        rng,
        &[
            pb::DocumentStatus::Lost,
            pb::DocumentStatus::Lost,
            pb::DocumentStatus::Stolen,
            pb::DocumentStatus::StolenBlank,
            pb::DocumentStatus::Counterfeit,
            pb::DocumentStatus::Altered,
            pb::DocumentStatus::ImpostorUse,
        ],
    );
    let blank = status == pb::DocumentStatus::StolenBlank;
    let holder = (!blank).then(|| pb::Holder {
        name: names(rng, naming).into_iter().next_back(),
        birth: Some(birth(rng)),
        sex: sex(rng).into(),
        nationality: pick(rng, naming.nationalities).to_owned(),
    });
    pb::TravelDocument {
        r#type: pb::DocumentType::Passport.into(),
        number: document_number(rng),
        issuer: pick(rng, naming.nationalities).to_owned(),
        status: status.into(),
        status_since: Some(day(rng, 2022..=2026)),
        holder,
        ..Default::default()
    }
}

fn incident(rng: &mut Rng) -> pb::Incident {
    let from = port(rng);
    let to = port(rng);
    let people = rng.u32(2..60);
    let naming = naming(rng);
    let count = pb::PeopleCount {
        nationality: pick(rng, naming.nationalities).to_owned(),
        number: Some(tally(people)),
        ..Default::default()
    };
    let leg = pb::RouteLeg { from: Some(place(from)), to: Some(place(to)), mode: pb::TransportMode::Sea.into() };
    pb::Incident {
        kind: pick(rng, &[pb::IncidentKind::Interception, pb::IncidentKind::Landing, pb::IncidentKind::Rescue]).into(),
        when: Some(pb::When { from: Some(day(rng, 2023..=2026)), ..Default::default() }),
        place: Some(place(to)),
        route_name: format!("{} to {}", from.name, to.name),
        legs: vec![leg],
        modes: vec![pb::TransportMode::Sea.into()],
        concealment: pick(rng, &CONCEALMENTS).to_owned(),
        counts: vec![count],
        rescued: (rng.u8(..3) == 0).then(|| tally(people)),
        fee: (rng.bool()).then(|| pb::Money { minor_units: rng.u64(50_000..900_000), currency: "USD".into() }),
        source: "patrol report".into(),
        ..Default::default()
    }
}

fn conveyance(rng: &mut Rng) -> pb::Conveyance {
    let harbour = port(rng);
    pb::Conveyance {
        kind: pb::ConveyanceKind::Vessel.into(),
        names: vec![pick(rng, &BOATS).to_owned()],
        flag: harbour.country.to_owned(),
        imo: imo(rng),
        model: pick(rng, &["fishing boat", "wooden trawler", "inflatable boat"]).to_owned(),
        ..Default::default()
    }
}

/// Seven digits with their check digit: the sum of the first six, weighted 7 down to 2, modulo 10.
fn imo(rng: &mut Rng) -> String {
    let number = rng.u32(900_000..999_999);
    let sum: u32 = (2..=7).rev().zip(number.to_string().chars()).map(|(weight, digit)| weight * digit_of(digit)).sum();
    format!("{number}{}", sum % 10)
}

fn digit_of(digit: char) -> u32 {
    digit.to_digit(10).unwrap_or_default()
}

fn visa_alert(rng: &mut Rng) -> pb::VisaAlert {
    let naming = naming(rng);
    pb::VisaAlert {
        kind: pick(rng, &[pb::VisaAlertKind::Refused, pb::VisaAlertKind::Overstay, pb::VisaAlertKind::FraudSuspected])
            .into(),
        applicant: names(rng, naming).into_iter().next(),
        birth: Some(birth(rng)),
        sex: sex(rng).into(),
        nationality: pick(rng, naming.nationalities).to_owned(),
        document: Some(document_reference(rng, naming)),
        visa_class: pick(rng, &["student", "visitor", "work"]).to_owned(),
        decided: Some(day(rng, 2023..=2026)),
        ..Default::default()
    }
}

fn bulletin(rng: &mut Rng, originator: &ParticipantId) -> pb::Bulletin {
    let method = pick(rng, &METHODS);
    pb::Bulletin {
        kind: pb::BulletinKind::DocumentFraud.into(),
        title: format!("Seen at our counters: {method}"),
        text: format!(
            "Officers found {method} in several cases this quarter. Look at the bio page under oblique light."
        ),
        language: "en".into(),
        countries: if originator.is_state() { vec![originator.to_string()] } else { Vec::new() },
    }
}

fn network_or_route(rng: &mut Rng) -> Body {
    let (from, to) = (port(rng), port(rng));
    if rng.bool() {
        let mut countries = vec![from.country.to_owned(), to.country.to_owned()];
        countries.sort();
        countries.dedup();
        return Body::Network(pb::Network {
            names: vec![pick(rng, &NETWORKS).to_owned()],
            methods: format!("moves people by boat from {} to {}", from.name, to.name),
            countries,
            members: Some(pb::Tally { number: rng.u32(3..30), at_least: true }),
            ..Default::default()
        });
    }
    let leg = pb::RouteLeg { from: Some(place(from)), to: Some(place(to)), mode: pb::TransportMode::Sea.into() };
    Body::Route(pb::Route { name: format!("{} to {}", from.name, to.name), legs: vec![leg], ..Default::default() })
}

fn document_reference(rng: &mut Rng, naming: &Naming) -> pb::DocumentReference {
    pb::DocumentReference {
        r#type: pb::DocumentType::Passport.into(),
        number: document_number(rng),
        issuer: pick(rng, naming.nationalities).to_owned(),
    }
}

fn document_number(rng: &mut Rng) -> String {
    format!("{}{:07}", char::from(rng.u8(b'A'..=b'Z')), rng.u32(..10_000_000))
}

fn birth(rng: &mut Rng) -> pb::PartialDate {
    let mut date = day(rng, 1955..=2008);
    match rng.u8(..8) {
        0 => (date.month, date.day) = (0, 0),
        1 => date.day = 0,
        _ => {}
    }
    date
}

fn day(rng: &mut Rng, years: std::ops::RangeInclusive<u32>) -> pb::PartialDate {
    pb::PartialDate { year: rng.u32(years), month: rng.u32(1..=12), day: rng.u32(1..=28), approximate: false }
}

fn sex(rng: &mut Rng) -> pb::Sex {
    pick(rng, &[pb::Sex::Female, pb::Sex::Male, pb::Sex::Male])
}

fn tally(number: u32) -> pb::Tally {
    pb::Tally { number, at_least: false }
}

fn port(rng: &mut Rng) -> &'static Port {
    rng.choice(&PORTS).expect("there are ports")
}

fn place(port: &Port) -> pb::Place {
    pb::Place {
        name: port.name.to_owned(),
        country: port.country.to_owned(),
        unlocode: port.unlocode.to_owned(),
        coordinates: Some(pb::Coordinates {
            latitude_e7: port.latitude_e7,
            longitude_e7: port.longitude_e7,
            precision: pb::CoordinatePrecision::Locality.into(),
        }),
    }
}
