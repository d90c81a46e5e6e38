//! The shipped mappings on the real files, when they are there: beside the repository, or where `SELAT_SHARED` says.
//! Every row must come in, or be refused for a reason that is true.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a suite of tests: nothing here runs outside them")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use selat_interop::{Mapping, Row, Rows};
use selat_record::pb::{self, record::Body};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A real file; `None`, said aloud, when it is not there.
fn real(path: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("SELAT_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let file = shared.join("data").join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("SKIPPED: {} is not there, so the mapping was not tried on the real file", file.display());
    None
}

fn mapping(name: &str) -> Mapping {
    let text = fs::read_to_string(root().join("node-config/mappings").join(name)).unwrap();
    Mapping::parse(&text).unwrap_or_else(|faults| panic!("{name}: {faults:#?}"))
}

struct Import {
    good: Vec<(Row, pb::Record)>,
    bad: Vec<Row>,
    skipped: u64,
}

fn import(mut rows: Rows) -> Import {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for row in &mut rows {
        let row = row.unwrap();
        match row.draft.clone() {
            Ok(draft) => good.push((row, draft)),
            Err(faults) => {
                assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.reason.is_empty()));
                eprintln!("row {}: {:?}", row.number, faults);
                bad.push(row);
            }
        }
    }
    Import { good, bad, skipped: rows.skipped() }
}

fn incident(draft: &pb::Record) -> &pb::Incident {
    let Some(Body::Incident(incident)) = &draft.body else { panic!("not an incident") };
    incident
}

#[test]
fn every_incident_of_iom_comes_in_or_is_refused_for_a_reason() {
    let Some(file) = real("migrants/iom_europe.csv") else { return };
    let rows = mapping("iom-missing-migrants.toml").open(&file, &BTreeMap::new(), None).unwrap();
    let import = import(rows);
    eprintln!("{} incidents in, {} refused", import.good.len(), import.bad.len());
    assert_eq!((import.good.len() + import.bad.len(), import.skipped), (6_802, 0));
    // The only thing that keeps a row out: counts of people below zero, which the file has in these two columns.
    for fault in import.bad.iter().flat_map(|row| row.draft.as_ref().unwrap_err()) {
        assert!(["No. missing", "No. survivors"].contains(&fault.column.as_str()), "{fault:?}");
        assert!(fault.value.starts_with('-') && fault.reason == "is below zero", "{fault:?}");
    }
    let keys: BTreeSet<&str> = import.good.iter().map(|(row, _)| row.source_key.as_str()).collect();
    assert_eq!(keys.len(), import.good.len());
    let mut without_country = 0;
    for (_, draft) in &import.good {
        let incident = incident(draft);
        let place = incident.place.as_ref().unwrap();
        let named = incident.summary.contains(" Country: ");
        let noted = incident.summary.contains("Not taken over: Country of Incident");
        // A country as a code, or as a note, or none in the file.
        assert!(!place.country.is_empty() || noted || !named, "{incident:?}");
        without_country += usize::from(place.country.is_empty());
        let day = incident.when.unwrap().from.unwrap();
        assert!(day.day > 0 && (2014..=2026).contains(&day.year));
        assert!(place.coordinates.is_some() && incident.kind == pb::IncidentKind::DeathOrDisappearance as i32);
        assert!(!incident.source.is_empty() && draft.source_reference.starts_with("IOM 20"));
    }
    assert!(without_country <= 2, "{without_country} without a country");
}

#[test]
fn an_import_of_iom_is_the_same_every_time() {
    let Some(file) = real("migrants/iom_europe.csv") else { return };
    let read = || mapping("iom-missing-migrants.toml").open(&file, &BTreeMap::new(), None).unwrap();
    assert!(read().zip(read()).take(500).all(|(one, other)| one.unwrap() == other.unwrap()));
}

fn count(import: &Import, is: impl Fn(&Body) -> bool) -> usize {
    import.good.iter().filter(|(_, draft)| draft.body.as_ref().is_some_and(&is)).count()
}

#[test]
fn every_person_vessel_and_aircraft_of_ofac_comes_in_or_is_refused_for_a_reason() {
    let Some(file) = real("sanctions/ofac_sdn.csv") else { return };
    let rows = mapping("ofac-sdn.toml").open(&file, &BTreeMap::new(), None).unwrap();
    let import = import(rows);
    let of_kind =
        |kind: pb::ConveyanceKind| move |body: &Body| matches!(body, Body::Conveyance(c) if c.kind == kind as i32);
    let persons = count(&import, |body| matches!(body, Body::Person(_)));
    let vessels = count(&import, of_kind(pb::ConveyanceKind::Vessel));
    let aircraft = count(&import, of_kind(pb::ConveyanceKind::Aircraft));
    eprintln!("{persons} persons, {vessels} vessels, {aircraft} aircraft in, {} refused", import.bad.len());
    assert_eq!((persons, vessels, aircraft), (4_620, 406, 277));
    assert_eq!((import.bad.len(), import.skipped), (0, 3_673));

    let persons: Vec<&pb::Person> = import
        .good
        .iter()
        .filter_map(|(_, draft)| match &draft.body {
            Some(Body::Person(person)) => Some(person),
            _ => None,
        })
        .collect();
    let sum = |of: fn(&pb::Person) -> usize| persons.iter().map(|person| of(person)).sum::<usize>();
    let births = persons.iter().filter(|person| person.birth.is_some()).count();
    let notes: Vec<&String> = persons
        .iter()
        .flat_map(|person| &person.descriptions)
        .chain(import.good.iter().filter_map(|(_, draft)| match &draft.body {
            Some(Body::Conveyance(conveyance)) => Some(&conveyance.remarks),
            _ => None,
        }))
        .filter(|text| text.contains("Not taken over"))
        .collect();
    eprintln!(
        "{} names, {births} births, {} nationalities, {} documents, {} contacts, {} records with notes",
        sum(|p| p.names.len()),
        sum(|p| p.nationalities.len()),
        sum(|p| p.documents.len()),
        sum(|p| p.contacts.len()),
        notes.len(),
    );
    for note in &notes {
        eprintln!("  {}", note.split("Not taken over").last().unwrap_or_default());
    }
    // 6,272 aliases of individuals in the joined file, one primary name each, and the weak ones of the remarks.
    assert!(sum(|p| p.names.len()) >= 4_620 + 6_272);
    let imo = count(&import, |body| matches!(body, Body::Conveyance(c) if !c.imo.is_empty()));
    assert_eq!(imo, 399, "400 vessels have an IMO number, one of them with five digits");
}
