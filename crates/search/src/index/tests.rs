//! The index as its callers see it, and against a search that looks at every record.

use std::cell::Cell;
use std::cmp::Reverse;
use std::future::ready;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use selat_record::pb;

use super::*;
use crate::fixture::{Made, date, id, incident, participant, person, vessel};
use crate::walk::SLICE_LEN;

fn find() -> pb::Find {
    pb::Find { limit: 200, ..Default::default() }
}

fn named(name: &str) -> Criteria {
    Criteria::of(&pb::Find { name: name.into(), ..find() }).unwrap()
}

fn index_of(made: &[Made]) -> Index {
    let index = Index::new(1000);
    made.iter().for_each(|made| index.put(made.entry()).unwrap());
    index
}

fn numbers(found: &Found) -> Vec<(RecordId, u32)> {
    found.hits.iter().map(|hit| (hit.record_id, hit.score)).collect()
}

fn somebody(number: u32, name: &str) -> Made {
    Made::of(number, person(&[name], "", None, ""))
}

#[test]
fn hits_come_best_first_and_then_by_content_id() {
    let index = index_of(&[
        somebody(4, "Siti Contoh"),
        somebody(1, "Contoh Siti"),
        somebody(3, "Siti binti Contoh"),
        somebody(2, "SITI CONTOH"),
        somebody(5, "Budi Contoh"),
    ]);
    let found = index.find(&named("siti contoh"), |_| true, 10);
    assert_eq!(numbers(&found), [(id(4), 1000), (id(2), 1000), (id(1), 950), (id(3), 800)]);
    assert!(!found.truncated);
}

#[test]
fn names_are_found_in_any_script() {
    for (held, asked) in [
        ("毛泽东", "Ze Dong Mao"),
        ("محمد", "مُحَمَّد"),
        ("ராஜா", "RAJA"),
        ("Nguyễn Văn Đặng", "nguyen dang van"),
        ("Ёлкин", "Elkin"),
    ] {
        let index = index_of(&[somebody(1, held), somebody(2, "Siti Contoh")]);
        let found = index.find(&named(asked), |_| true, 10);
        assert_eq!(found.hits.iter().map(|hit| hit.record_id).collect::<Vec<_>>(), [id(1)], "{asked}");
    }
}

#[test]
fn hit_tells_what_was_found() {
    let made = somebody(1, "Siti Contoh");
    let found = index_of(std::slice::from_ref(&made)).find(&named("Siti Contoh"), |_| true, 1);
    let expected = FoundHit {
        record_id: id(1),
        originator: participant("AUS"),
        content_id: made.content_id(),
        kind: RecordKind::Person,
        score: 1000,
        reasons: vec![Reason { field: "name", how: "exact" }],
    };
    assert_eq!(found.hits, [expected]);
}

#[test]
fn what_is_not_allowed_neither_displaces_nor_truncates() {
    let hidden = |number| Made { hidden_from: Some("MMR"), ..somebody(number, "Siti Contoh") };
    let index = index_of(&[hidden(1), hidden(2), hidden(3), somebody(4, "Siti binti Contoh")]);
    let alone = index_of(&[somebody(4, "Siti binti Contoh")]);
    let open = |entry: &Entry| entry.protection().is_none();
    for limit in [1, 2, 10] {
        let found = index.find(&named("siti contoh"), open, limit);
        assert_eq!(found, alone.find(&named("siti contoh"), |_| true, limit), "limit {limit}");
        assert_eq!(numbers(&found), [(id(4), 800)]);
    }
    assert!(index.find(&named("siti contoh"), |_| true, 3).truncated);
}

#[test]
fn limit_is_told_only_when_it_cuts() {
    let index = index_of(&[somebody(1, "Ani"), somebody(2, "Ani")]);
    for (limit, hits, truncated) in [(0, 0, true), (1, 1, true), (2, 2, false), (3, 2, false)] {
        let found = index.find(&named("Ani"), |_| true, limit);
        assert_eq!((found.hits.len(), found.truncated), (hits, truncated), "limit {limit}");
    }
}

#[test]
fn newer_version_takes_the_place_and_an_older_one_does_not() {
    let first = somebody(1, "Siti Contoh");
    let second = Made { version: 2, ..somebody(1, "Ani Contoh") };
    for order in [[&first, &second], [&second, &first]] {
        let index = Index::new(10);
        order.into_iter().for_each(|made| index.put(made.entry()).unwrap());
        assert_eq!(index.len(), 1);
        assert_eq!(index.find(&named("Siti"), |_| true, 10).hits, []);
        assert_eq!(index.find(&named("Contoh"), |_| true, 10).hits[0].content_id, second.content_id());
    }
}

#[test]
fn removed_record_is_found_by_nothing_and_leaves_nothing_behind() {
    let body = person(&["Siti Contoh"], "IDN", Some(date(1990, 5, 6)), "A1");
    let index = index_of(&[Made::of(1, body), Made::of(2, incident("AUS", date(2000, 0, 0), Some(date(2010, 0, 0))))]);
    assert!(index.remove(&participant("AUS"), id(1)));
    assert!(!index.remove(&participant("AUS"), id(1)));
    assert!(index.remove(&participant("AUS"), id(2)));
    assert!(index.is_empty());
    let tables = index.tables.into_inner().unwrap();
    assert_eq!(format!("{:?} {:?}", tables.postings, tables.calendar), {
        format!("{:?} {:?}", Postings::default(), Calendar::default())
    });
    assert!(tables.slots.iter().all(Option::is_none));
}

#[test]
fn record_with_the_same_id_from_another_originator_is_another_record() {
    let forged = Made { originator: "IDN", version: 9, ..somebody(1, "Siti Contoh") };
    let index = index_of(&[somebody(1, "Siti Contoh"), forged]);
    let found = index.find(&named("Siti Contoh"), |_| true, 10);
    let originators: Vec<&str> = found.hits.iter().map(|hit| hit.originator.as_str()).collect();
    assert_eq!(originators, ["AUS", "IDN"]);
    assert!(index.remove(&participant("IDN"), id(1)));
    assert_eq!(index.find(&named("Siti Contoh"), |_| true, 10).hits[0].originator, participant("AUS"));
}

#[test]
fn full_index_refuses_a_new_record_but_takes_a_new_version() {
    let index = Index::new(1);
    index.put(somebody(1, "Siti").entry()).unwrap();
    assert_eq!(index.put(somebody(2, "Ani").entry()), Err(IndexFull { entries_max: 1 }));
    index.put(Made { version: 2, ..somebody(1, "Budi") }.entry()).unwrap();
    assert!(index.remove(&participant("AUS"), id(1)));
    index.put(somebody(2, "Ani").entry()).unwrap();
    assert_eq!(index.find(&named("Ani"), |_| true, 10).hits.len(), 1);
}

#[test]
fn search_looks_only_at_records_that_hold_the_rarest_term() {
    let mut made: Vec<Made> =
        (0..500).map(|number| Made::of(number, incident("AUS", date(1900 + number % 100, 0, 0), None))).collect();
    made.push(Made::of(500, person(&["Siti Contoh"], "AUS", Some(date(1950, 0, 0)), "A1")));
    made.push(Made::of(501, person(&["Siti Aminah"], "AUS", None, "")));
    let index = index_of(&made);
    for (find, most) in [
        (pb::Find { name: "siti contoh".into(), country: "AUS".into(), ..find() }, 1),
        (pb::Find { document_number: "A1".into(), date_from: Some(date(1900, 0, 0)), ..find() }, 1),
        (pb::Find { country: "AUS".into(), kinds: vec![1], ..find() }, 2),
        (pb::Find { date_from: Some(date(1950, 6, 0)), date_until: Some(date(1950, 7, 0)), ..find() }, 11),
        (
            pb::Find {
                country: "AUS".into(),
                date_from: Some(date(1950, 6, 0)),
                date_until: Some(date(1950, 7, 0)),
                ..find()
            },
            11,
        ),
    ] {
        let looked_at = Cell::new(0);
        let count = |_: &Entry| {
            looked_at.set(looked_at.get() + 1);
            true
        };
        assert!(!index.find(&Criteria::of(&find).unwrap(), count, 10).hits.is_empty(), "{find:?}");
        assert!(looked_at.get() <= most, "{} for {find:?}", looked_at.get());
    }
}

/// More than two slices of incidents in one country.
const MANY: u32 = 9000;

fn index_of_many() -> Index {
    let index = Index::new(MANY as usize + 1);
    (0..MANY).for_each(|number| index.put(landing(number, "AUS").entry()).unwrap());
    index
}

fn landing(number: u32, country: &str) -> Made {
    Made::of(number, incident(country, date(2024, 3, 30), None))
}

/// The outcome of a search that never waits.
fn done<T>(search: impl Future<Output = T>) -> T {
    match pin!(search).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("a search whose go_on is ready does not wait"),
    }
}

fn in_country(country: &str) -> Criteria {
    Criteria::of(&pb::Find { country: country.into(), ..find() }).unwrap()
}

#[test]
fn search_leaves_the_lock_free_while_it_judges_and_asks_before_each_slice() {
    let index = index_of_many();
    let (slices, judged) = (Cell::new(0), Cell::new(0));
    let lock_is_free = || index.tables.try_write().is_ok();
    let go_on = || {
        slices.set(slices.get() + 1);
        ready(lock_is_free() && judged.get() <= (slices.get() - 1) * SLICE_LEN)
    };
    let allowed = |_: &Entry| {
        judged.set(judged.get() + 1);
        lock_is_free()
    };
    let found = done(index.find_while(&in_country("AUS"), allowed, 2, go_on)).unwrap();
    assert_eq!(numbers(&found), [(id(MANY - 1), 500), (id(MANY - 2), 500)]);
    assert!(found.truncated);
    assert_eq!((slices.get(), judged.get()), (3, MANY as usize));
}

#[test]
fn search_that_may_not_go_on_finds_nothing_and_looks_no_further() {
    let index = index_of_many();
    for (slices_allowed, most) in [(0, 0), (1, SLICE_LEN), (2, 2 * SLICE_LEN)] {
        let (slices, judged) = (Cell::new(0), Cell::new(0));
        let go_on = || ready(slices.replace(slices.get() + 1) < slices_allowed);
        let allowed = |_: &Entry| judged.replace(judged.get() + 1) < usize::MAX;
        assert_eq!(done(index.find_while(&in_country("AUS"), allowed, 5, go_on)), None);
        assert_eq!(judged.get(), most);
    }
}

/// What a search finds when `change` is made before its second slice.
fn found_with(index: &Index, limit: usize, change: impl Fn()) -> Found {
    let slices = Cell::new(0);
    let go_on = || {
        if slices.replace(slices.get() + 1) == 1 {
            change();
        }
        ready(true)
    };
    done(index.find_while(&in_country("AUS"), |_| true, limit, go_on)).unwrap()
}

#[test]
fn record_that_moves_during_a_search_is_found_once() {
    let index = index_of_many();
    let last = MANY - 1;
    // The last record gives up its slot, the first takes it with a new version: it was seen, and it comes again.
    let found = found_with(&index, usize::MAX, || {
        assert!(index.remove(&participant("AUS"), id(0)));
        assert!(index.remove(&participant("AUS"), id(last)));
        index.put(Made { version: 2, ..landing(0, "AUS") }.entry()).unwrap();
    });
    let mut ids: Vec<RecordId> = found.hits.iter().map(|hit| hit.record_id).collect();
    ids.sort();
    assert_eq!(ids, (0..last).map(id).collect::<Vec<_>>());
    assert!(!found.truncated);
}

#[test]
fn record_that_changes_during_a_search_is_found_as_it_becomes() {
    let index = index_of_many();
    let last = MANY - 1;
    let found = found_with(&index, 1, || {
        index.put(Made { version: 2, ..landing(last, "AUS") }.entry()).unwrap();
        index.put(Made { version: 2, ..landing(last - 1, "IDN") }.entry()).unwrap();
    });
    assert_eq!(found.hits[0].content_id, Made { version: 2, ..landing(last, "AUS") }.content_id());
    let found = index.find(&in_country("AUS"), |_| true, 2);
    assert_eq!(numbers(&found), [(id(last), 500), (id(last - 2), 500)]);
}

const NAMES: [&str; 8] =
    ["Siti Contoh", "Contoh Siti", "siti", "Ani binti Contoh", "毛泽东", "Zé Contoh", "Bintang", "Siti binti Contoh"];
const COUNTRIES: [&str; 3] = ["AUS", "IDN", "MYS"];
const NUMBERS: [&str; 3] = ["A1", "a-1", "B 2"];

fn some_date() -> impl Strategy<Value = pb::PartialDate> {
    (1999..2003_u32, 0..4_u32, 0..3_u32)
        .prop_map(|(year, month, day)| date(year, month, if month == 0 { 0 } else { day }))
}

fn some_body() -> impl Strategy<Value = pb::record::Body> {
    let country = || proptest::sample::select(&COUNTRIES[..]);
    prop_oneof![
        (
            proptest::sample::subsequence(NAMES.to_vec(), 1..3),
            country(),
            proptest::option::of(some_date()),
            proptest::sample::select(&["", "A1", "a-1", "B 2"][..]),
        )
            .prop_map(|(names, country, birth, number)| person(&names, country, birth, number)),
        (proptest::sample::select(&NAMES[..]), country(), proptest::bool::ANY).prop_map(|(name, flag, imo)| vessel(
            name,
            flag,
            if imo { "9074729" } else { "" }
        )),
        (country(), some_date(), 0..3_u32).prop_map(|(country, from, years)| {
            let until = date(from.year + years, 12, 31);
            incident(country, from, Some(until))
        }),
    ]
}

fn some_find() -> impl Strategy<Value = pb::Find> {
    let maybe = |of: &'static [&'static str]| {
        proptest::option::of(proptest::sample::select(of)).prop_map(|text| text.unwrap_or_default().to_owned())
    };
    let parts = (
        proptest::sample::subsequence(vec![1, 3, 4], 0..3),
        maybe(&NAMES),
        maybe(&NUMBERS),
        maybe(&["IMO 9074729", "1"]),
        maybe(&COUNTRIES),
        proptest::option::of(some_date()),
        proptest::option::of(some_date()),
    );
    parts
        .prop_map(|(kinds, name, document_number, conveyance_identifier, country, date_from, date_until)| pb::Find {
            kinds,
            name,
            document_number,
            conveyance_identifier,
            country,
            date_from,
            date_until,
            limit: 10,
        })
        .prop_filter("gives a criterion", |find| Criteria::of(find).is_ok())
}

proptest! {
    /// Whatever was put and removed, the index finds what a look at every record finds, in that order.
    #[test]
    fn index_finds_what_a_look_at_every_record_finds(
        bodies in proptest::collection::vec((some_body(), 0..4_u32), 0..24),
        finds in proptest::collection::vec(some_find(), 1..8),
        limit in 0..6_usize,
    ) {
        let index = Index::new(1000);
        let mut kept = Vec::new();
        for (number, (body, fate)) in (0..).zip(bodies) {
            let made = Made::of(number, body);
            index.put(made.entry()).unwrap();
            match fate {
                0 => prop_assert!(index.remove(&participant("AUS"), id(number))),
                1 => kept.push(Made { hidden_from: Some("MMR"), version: 2, ..made }),
                _ => kept.push(made),
            }
        }
        kept.iter().filter(|made| made.version == 2).for_each(|made| index.put(made.entry()).unwrap());
        let open = |entry: &Entry| entry.protection().is_none();
        for find in finds {
            let criteria = Criteria::of(&find).unwrap();
            let entries = kept.iter().map(Made::entry).filter(open);
            let mut expected: Vec<(Reverse<u32>, ContentId, RecordId)> = entries
                .filter_map(|entry| Some((Reverse(criteria.fit(&entry)?.score), entry.content_id(), entry.record_id())))
                .collect();
            expected.sort();
            let found = index.find(&criteria, open, limit);
            prop_assert_eq!(found.truncated, expected.len() > limit);
            expected.truncate(limit);
            let expected: Vec<_> = expected.into_iter().map(|(Reverse(score), _, id)| (id, score)).collect();
            prop_assert_eq!(numbers(&found), expected, "{:?}", find);
        }
    }
}
