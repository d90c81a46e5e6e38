//! The JSON form there and back, and what it refuses.

use proptest::prelude::*;
use proptest::test_runner::TestRng;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value as Field};
use serde_json::json;

use super::*;
use schema::{Entry, Form};

fn faults_of(value: Value) -> Vec<String> {
    let faults = draft_from_json(&value).expect_err("must be refused");
    faults.iter().map(|fault| format!("{}: {}", fault.field, fault.problem)).collect()
}

#[test]
fn a_record_reads_as_a_person_would_write_it() {
    let value = json!({
        "evaluation": {"scheme": "admiralty", "reliability": "B", "credibility": "2"},
        "handling": {
            "releasable_to": ["IDN", "MYS"],
            "purposes": ["border_control", "law_enforcement"],
            "tlp": "amber_strict",
            "sensitivity": 2,
        },
        "links": [{"originator": "IDN", "record_id": "018f9f5e-7b1c-7c3d-8e2f-0123456789ab", "kind": "same_as"}],
        "incident": {
            "kind": "landing",
            "when": {"from": "2014-01-19"},
            "place": {
                "name": "a beach",
                "coordinates": {"latitude": 37.2832, "longitude": 27.0, "precision": "locality"},
            },
            "dead": 0,
            "missing": {"number": 3, "at_least": true},
        },
    });
    let record = draft_from_json(&value).unwrap();
    let Some(pb::record::Body::Incident(incident)) = &record.body else { panic!("{record:?}") };
    let coordinates = incident.place.as_ref().unwrap().coordinates.unwrap();
    assert_eq!((coordinates.latitude_e7, coordinates.longitude_e7), (372_832_000, 270_000_000));
    assert_eq!(incident.dead, Some(pb::Tally::default()));
    assert_eq!(to_json(&record), value);
}

#[test]
fn all_faults_are_named_at_once() {
    let faults = faults_of(json!({
        "legal_bassis": "x",
        "handling": {"tlp": "purple", "sensitivity": -1},
        "person": {"names": [{"text": 7}], "birth": "1974-02-30", "roles": "witness"},
    }));
    assert_eq!(
        faults,
        [
            "handling.sensitivity: -1 is not a whole number from 0 up to the largest that the field holds",
            "handling.tlp: \"purple\" is not one of clear, green, amber, amber_strict, red",
            "legal_bassis: \"legal_bassis\" is not a field of Record, did you mean \"legal_basis\"",
            "person.birth: \"1974-02-30\" is not a day of the calendar",
            "person.names[0].text: must be text, not a number",
            "person.roles: must be a list, not text",
        ]
    );
}

#[test]
fn what_is_no_object_is_refused() {
    assert_eq!(faults_of(json!([])), ["record: must be an object of fields, not a list"]);
    assert_eq!(faults_of(json!({"person": 1})), ["person: must be an object of fields, not a number"]);
}

#[test]
fn two_bodies_are_refused() {
    let faults = faults_of(json!({"person": {}, "incident": {}}));
    assert_eq!(faults, ["person: a record has one body, and incident is given too"]);
}

#[test]
fn unspecified_is_no_value() {
    assert_eq!(
        faults_of(json!({"person": {"sex": "unspecified"}})),
        ["person.sex: \"unspecified\" is not one of female, male, x"]
    );
}

#[test]
fn text_comes_in_as_nfc() {
    let record = draft_from_json(&json!({"legal_basis": "Cafe\u{301}"})).unwrap();
    assert_eq!(record.legal_basis, "Café");
}

#[test]
fn sets_are_put_in_order_and_null_is_nothing() {
    let given =
        json!({"person": {"nationalities": ["MYS", "IDN", "MYS"], "roles": ["witness", "suspect"], "sex": null}});
    let sorted = json!({"person": {"nationalities": ["IDN", "MYS"], "roles": ["suspect", "witness"]}});
    assert_eq!(to_json(&draft_from_json(&given).unwrap()), sorted);
}

#[test]
fn an_exact_moment_brings_its_utc_day() {
    let given = json!({"incident": {"when": {"from_time": "2014-01-19T01:00:00+02:00"}}});
    let full = json!({"incident": {"when": {"from_time": "2014-01-18T23:00:00Z", "from": "2014-01-18"}}});
    assert_eq!(to_json(&draft_from_json(&given).unwrap()), full);
}

#[test]
fn audiences_are_short() {
    for audience in [json!("all"), json!("nobody"), json!(["AUS", "THA"])] {
        let value = json!({"handling": {"releasable_to": audience}});
        assert_eq!(to_json(&draft_from_json(&value).unwrap()), value);
    }
    assert_eq!(
        faults_of(json!({"handling": {"releasable_to": "everyone"}})),
        ["handling.releasable_to.kind: \"everyone\" is not one of nobody, named, all"]
    );
}

/// Fills a message with values that the schema's types allow, deeper messages ever more rarely.
fn random_message(of: &MessageDescriptor, rng: &mut TestRng, depth: u32) -> DynamicMessage {
    let mut message = DynamicMessage::new(of.clone());
    for entry in schema::entries(of) {
        if rng.random_range(0..2 + depth) > 1 {
            continue;
        }
        let value = if entry.is_many() {
            let count = rng.random_range(0..3);
            let mut items: Vec<Field> = (0..count).map(|_| random_value(entry, rng, depth)).collect();
            if entry.is_set() {
                items.sort_by_cached_key(|item| (item.as_enum_number(), item.as_str().map(str::to_owned)));
                items.dedup();
            }
            Field::List(items)
        } else {
            random_value(entry, rng, depth)
        };
        message.set_field(&entry.field, value);
    }
    message
}

fn random_value(entry: &Entry, rng: &mut TestRng, depth: u32) -> Field {
    match (&entry.form, entry.field.kind()) {
        (Form::Choice(of), _) => {
            let choices: Vec<_> = schema::choices(of).collect();
            Field::EnumNumber(choices[rng.random_range(0..choices.len())].1)
        }
        (Form::Moment, _) => Field::I64(rng.random_range(0..253_402_300_799_999)),
        (Form::Degrees, _) => Field::I32(rng.random_range(-1_800_000_000..=1_800_000_000)),
        (Form::Bytes, _) => {
            let length = [16, 32, 3][rng.random_range(0..3)];
            Field::Bytes((0..length).map(|_| rng.random::<u8>()).collect::<Vec<u8>>().into())
        }
        (Form::Text, _) => Field::String(["A", "Ωmega", "行 1", "é\n"][rng.random_range(0..4)].to_owned()),
        (Form::Flag, _) => Field::Bool(rng.random()),
        (_, Kind::Message(of)) => Field::Message(random_message(&of, rng, depth + 1)),
        (_, Kind::Uint64) => Field::U64(rng.random()),
        _ => Field::U32([0, 1, 7, 12, 31, 1974, u32::MAX][rng.random_range(0..7)]),
    }
}

/// Reading adds the day of a moment that comes without one, which is tested above: here each has it.
fn moments_with_their_days(record: &mut pb::Record) {
    let when = match &mut record.body {
        Some(pb::record::Body::Incident(incident)) => &mut incident.when,
        Some(pb::record::Body::Network(network)) => &mut network.active,
        Some(pb::record::Body::Route(route)) => &mut route.seen,
        _ => return,
    };
    if let Some(when) = when {
        when.from_ms *= i64::from(when.from.is_some());
        when.until_ms *= i64::from(when.until.is_some());
    }
}

proptest! {
    #[test]
    fn json_and_back_is_the_same_record(seed in any::<[u8; 32]>()) {
        let mut rng = TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &seed);
        let dynamic = random_message(&schema::record(), &mut rng, 0);
        let mut record: pb::Record = dynamic.transcode_to().unwrap();
        moments_with_their_days(&mut record);
        let json = to_json(&record);
        let text = serde_json::to_string(&json).unwrap();
        let back = draft_from_json(&serde_json::from_str(&text).unwrap());
        prop_assert_eq!(back.map_err(|faults| faults.to_string()), Ok(record), "{}", text);
    }
}
