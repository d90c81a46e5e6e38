//! Good messages for tests to spoil. The persons in them are made up.

use std::time::Duration;

use crate::draft::Minted;
use crate::ids::{RecordId, mint_uuid};
use crate::pb::{self, record::Body};
use crate::{Payload, Timestamp};

fn created() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000).unwrap()
}

pub(crate) fn minted() -> Minted {
    Minted {
        federation: "demo".parse().unwrap(),
        originator: "AUS".parse().unwrap(),
        payload_id: *mint_uuid(created(), [1; 10]).as_bytes(),
        record_id: RecordId::mint(created(), [2; 10]),
        version: 1,
        replaces: None,
        created: created(),
        valid_until: Some(created().plus(Duration::from_secs(86_400))),
        descriptor_version: 1,
    }
}

pub(crate) fn header() -> pb::Header {
    record().header().unwrap().clone()
}

pub(crate) fn record() -> pb::Record {
    let minted = minted();
    pb::Record {
        header: Some(pb::Header {
            federation: "demo".into(),
            issuer: "AUS".into(),
            audience: "*".into(),
            id: minted.payload_id.to_vec(),
            created_ms: minted.created.ms(),
            expires_ms: minted.created.ms() + 86_400_000,
            descriptor_version: 1,
        }),
        record_id: minted.record_id.as_bytes().to_vec(),
        version: 1,
        ..draft()
    }
}

pub(crate) fn draft() -> pb::Record {
    pb::Record {
        evaluation: Some(pb::Evaluation { scheme: 1, reliability: "B".into(), credibility: "2".into() }),
        handling: Some(handling()),
        legal_basis: "Smuggling Protocol Art. 10".into(),
        links: vec![link()],
        attachments: vec![pb::Attachment {
            digest: vec![9; 32],
            size_bytes: 1,
            media_type: "image/jpeg".into(),
            title: "photograph".into(),
        }],
        body: Some(Body::Person(person())),
        ..Default::default()
    }
}

pub(crate) fn handling() -> pb::Handling {
    pb::Handling {
        releasable_to: Some(pb::Audience { kind: 2, participants: vec!["IDN".into(), "NZL".into()] }),
        purposes: vec![1, 3],
        onward: 1,
        tlp: 3,
        europol_codes: vec![2],
        sensitivity: 2,
        action_minimum: Some(pb::ActionMinimum { reliability: "C".into(), credibility: "3".into() }),
        obligations: vec![pb::Obligation { kind: 1, days: 0 }, pb::Obligation { kind: 3, days: 30 }],
        hit_only: false,
        caveat: String::new(),
    }
}

pub(crate) fn link() -> pb::Link {
    let record_id = RecordId::mint(created(), [3; 10]).as_bytes().to_vec();
    pb::Link { originator: "NZL".into(), record_id, kind: 6, note: String::new() }
}

pub(crate) fn date(year: u32, month: u32, day: u32) -> pb::PartialDate {
    pb::PartialDate { year, month, day, approximate: false }
}

pub(crate) fn name() -> pb::PersonName {
    pb::PersonName { text: "Budi Contoh".into(), script: "Latn".into(), kind: 1, ..Default::default() }
}

fn passport() -> pb::DocumentReference {
    pb::DocumentReference { r#type: 1, number: "X1234567".into(), issuer: "IDN".into() }
}

pub(crate) fn person() -> pb::Person {
    pb::Person {
        names: vec![
            name(),
            pb::PersonName { text: "بودي".into(), script: "Arab".into(), kind: 2, ..Default::default() },
        ],
        birth: Some(date(1990, 5, 0)),
        place_of_birth: Some(place("MYS", "")),
        sex: 2,
        nationalities: vec!["IDN".into()],
        documents: vec![passport()],
        contacts: vec![pb::ContactIdentifier { kind: 1, value: "+62 000".into() }],
        descriptions: vec!["scar on the left hand".into()],
        roles: vec![1, 2],
    }
}

pub(crate) fn travel_document() -> pb::TravelDocument {
    let holder = pb::Holder { name: Some(name()), birth: Some(date(1990, 0, 0)), sex: 2, nationality: "IDN".into() };
    pb::TravelDocument {
        r#type: 1,
        number: "C01X00T47".into(),
        issuer: "D".into(),
        status: 2,
        issued: Some(date(2020, 1, 0)),
        holder: Some(holder),
        ..Default::default()
    }
}

fn place(country: &str, unlocode: &str) -> pb::Place {
    let coordinates = Some(pb::Coordinates { latitude_e7: -61_000_000, longitude_e7: 1_068_000_000, precision: 3 });
    pb::Place { name: "a harbour".into(), country: country.into(), unlocode: unlocode.into(), coordinates }
}

fn leg() -> pb::RouteLeg {
    pb::RouteLeg { from: Some(place("IDN", "IDJKT")), to: Some(place("AUS", "")), mode: 1 }
}

pub(crate) fn incident() -> pb::Incident {
    pb::Incident {
        kind: 2,
        when: Some(pb::When {
            from: Some(date(2023, 11, 14)),
            until: Some(date(2023, 11, 15)),
            from_ms: 0,
            until_ms: 0,
        }),
        place: Some(place("", "")),
        route_name: "Timor Sea".into(),
        legs: vec![leg()],
        modes: vec![1, 2],
        counts: vec![pb::PeopleCount {
            sex: 1,
            age_group: 1,
            nationality: "XXA".into(),
            number: Some(pb::Tally { number: 4, at_least: true }),
        }],
        rescued: Some(pb::Tally { number: 4, at_least: true }),
        fee: Some(pb::Money { minor_units: 500_000, currency: "USD".into() }),
        ..Default::default()
    }
}

pub(crate) fn conveyance() -> pb::Conveyance {
    pb::Conveyance {
        kind: 1,
        names: vec!["Bintang Contoh".into()],
        flag: "IDN".into(),
        imo: "9074729".into(),
        call_sign: "YBXX1".into(),
        ..Default::default()
    }
}

pub(crate) fn network() -> pb::Network {
    pb::Network {
        names: vec!["Ring of Examples".into()],
        countries: vec!["IDN".into(), "MYS".into()],
        active: Some(pb::When { from: Some(date(2020, 0, 0)), ..Default::default() }),
        ..Default::default()
    }
}

pub(crate) fn route() -> pb::Route {
    let seen = pb::When { from: Some(date(2022, 0, 0)), until: Some(date(2023, 0, 0)), ..Default::default() };
    pb::Route { name: "Timor Sea".into(), legs: vec![leg()], seen: Some(seen), ..Default::default() }
}

pub(crate) fn bulletin() -> pb::Bulletin {
    pb::Bulletin {
        kind: 2,
        title: "Forged stamps".into(),
        text: "Look at the serifs.".into(),
        language: "en".into(),
        countries: vec!["THA".into()],
    }
}

pub(crate) fn visa_alert() -> pb::VisaAlert {
    pb::VisaAlert {
        kind: 1,
        applicant: Some(name()),
        birth: Some(date(1990, 5, 0)),
        nationality: "GBN".into(),
        document: Some(passport()),
        ..Default::default()
    }
}

pub(crate) fn verdict() -> pb::Verdict {
    pb::Verdict {
        kind: 1,
        left: Some(pb::Link { kind: 0, ..link() }),
        right: Some(pb::Link { originator: "IDN".into(), kind: 0, ..link() }),
        decided_by: "p1".into(),
        grounds: "same passport".into(),
    }
}
