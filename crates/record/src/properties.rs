//! What holds for every record, not only for those that a table thought of.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use prost::Message;

use crate::draft::Draft;
use crate::pb::{self, record::Body};
use crate::{DateSpan, Record, query, sample};

fn any_body() -> impl Strategy<Value = Body> {
    prop_oneof![
        any_person().prop_map(Body::Person),
        any_incident().prop_map(Body::Incident),
        Just(Body::TravelDocument(sample::travel_document())),
        Just(Body::Conveyance(sample::conveyance())),
        Just(Body::Network(sample::network())),
        Just(Body::Route(sample::route())),
        Just(Body::Bulletin(sample::bulletin())),
        Just(Body::VisaAlert(sample::visa_alert())),
        Just(Body::Verdict(sample::verdict())),
    ]
}

/// Letters of several scripts, none of them decomposed.
fn any_text() -> impl Strategy<Value = String> {
    "[A-Za-zÀ-ÖØ-öА-яا-ي一-龠 '-]{1,40}"
}

fn any_date() -> impl Strategy<Value = pb::PartialDate> {
    (1u32..=9999, 1u32..=12, 0u32..=28).prop_map(|(year, month, day)| sample::date(year, month, day))
}

fn any_person() -> impl Strategy<Value = pb::Person> {
    let name = (any_text(), 0..=6).prop_map(|(text, kind)| pb::PersonName { text, kind, ..Default::default() });
    let nationalities = btree_set(prop_oneof!["AUS", "IDN", "THA", "XXA", "XXB"], 0..=4);
    (vec(name, 1..=64), proptest::option::of(any_date()), 0..=3, nationalities, btree_set(1..=5, 1..=5)).prop_map(
        |(names, birth, sex, nationalities, roles)| pb::Person {
            names,
            birth,
            sex,
            nationalities: nationalities.into_iter().collect(),
            roles: roles.into_iter().collect(),
            ..Default::default()
        },
    )
}

fn any_incident() -> impl Strategy<Value = pb::Incident> {
    let number = proptest::option::of((any::<u32>(), any::<bool>()));
    (1..=7, any_date(), -900_000_000..=900_000_000, btree_set(1..=6, 0..=6), number).prop_map(
        |(kind, from, latitude_e7, modes, number)| pb::Incident {
            kind,
            when: Some(pb::When { from: Some(from), ..Default::default() }),
            place: Some(pb::Place {
                coordinates: Some(pb::Coordinates { latitude_e7, longitude_e7: 0, precision: 5 }),
                ..Default::default()
            }),
            modes: modes.into_iter().collect(),
            dead: number.map(|(number, at_least)| pb::Tally { number, at_least }),
            ..Default::default()
        },
    )
}

fn any_draft() -> impl Strategy<Value = pb::Record> {
    let participants = btree_set("[A-Z][A-Z0-9]{1,11}", 1..=20);
    (any_body(), participants, btree_set(1..=6, 1..=6), 1u32..=5, any_text()).prop_map(
        |(body, participants, purposes, sensitivity, caveat)| pb::Record {
            body: Some(body),
            handling: Some(pb::Handling {
                releasable_to: Some(pb::Audience { kind: 2, participants: participants.into_iter().collect() }),
                purposes: purposes.into_iter().collect(),
                sensitivity,
                caveat,
                ..sample::handling()
            }),
            ..sample::draft()
        },
    )
}

proptest! {
    #[test]
    fn good_record_survives_encoding_and_gives_its_conditions_back(draft in any_draft()) {
        let record = Draft::check(draft).unwrap().complete(sample::minted()).unwrap();
        let decoded = pb::Record::decode(record.message().encode_to_vec().as_slice()).unwrap();
        prop_assert_eq!(&Record::check(decoded).unwrap(), &record);
        prop_assert_eq!(Some(record.handling().to_message()), record.message().handling.clone());
    }

    #[test]
    fn spoilt_bytes_are_checked_without_a_panic(
        draft in any_draft(),
        spoils in vec((any::<prop::sample::Index>(), any::<u8>()), 1..=8),
    ) {
        let mut bytes = Draft::check(draft).unwrap().complete(sample::minted()).unwrap().into_message().encode_to_vec();
        for (at, byte) in spoils {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(message) = pb::Record::decode(bytes.as_slice())
            && let Ok(record) = Record::check(message)
        {
            // What passes must also be readable to its end.
            record.searchable();
            prop_assert_eq!(record.handling().to_message(), record.message().handling.clone().unwrap());
        }
    }

    #[test]
    fn random_bytes_are_checked_without_a_panic(bytes in vec(any::<u8>(), 0..=256)) {
        if let Ok(message) = pb::Record::decode(bytes.as_slice()) {
            prop_assert!(Record::check(message.clone()).is_err());
            _ = Draft::check(message);
        }
        if let Ok(message) = pb::Query::decode(bytes.as_slice()) {
            prop_assert!(query::check_query(&message).is_err());
        }
    }

    #[test]
    fn shuffled_purposes_pass_only_when_ascending(purposes in vec(1..=6, 1..=6)) {
        let ascending = purposes.windows(2).all(|pair| pair[0] < pair[1]);
        let handling = Some(pb::Handling { purposes, ..sample::handling() });
        let outcome = Draft::check(pb::Record { handling, ..sample::draft() });
        prop_assert_eq!(outcome.is_ok(), ascending);
    }

    #[test]
    fn date_overlaps_all_that_it_is_a_part_of(date in any_date(), other in any_date()) {
        let whole = DateSpan::of(&pb::PartialDate { month: 0, day: 0, ..date }).unwrap();
        let (span, other) = (DateSpan::of(&date).unwrap(), DateSpan::of(&other).unwrap());
        prop_assert!(span.overlaps(&whole) && whole.overlaps(&span));
        prop_assert!(span.earliest() <= span.latest());
        prop_assert_eq!(span.overlaps(&other), other.overlaps(&span));
    }
}
