//! Questions from and to peers, checked before anything is looked up.
//!
//! Leaves out: whether the clock agrees, whether the question was asked before, and whether the purpose is allowed.

use std::time::Duration;

use prost::Message;

use crate::date::{self, DateSpan};
use crate::payload::Payload;
use crate::pb::{self, Purpose, RecordKind, query::Ask};
use crate::spot::{self, Spot};
use crate::{Faults, RecordId, codes, header, participants};

/// Longest time for which a question may be asked.
pub const LIFETIME_MAX: Duration = Duration::from_secs(600);
/// Most hits that a question may want.
pub const LIMIT_MAX: u32 = 200;
/// Most records that a question may fetch.
pub const FETCH_MAX: usize = 16;

/// Checks a whole question, header included; all faults at once.
pub fn check_query(query: &pb::Query) -> Result<(), Faults> {
    spot::check("", |at| {
        check_header(&at.field("header"), query.header.as_ref());
        at.field("purpose").choice::<Purpose>(query.purpose);
        at.field("case_reference").text(&query.case_reference, 1..=80);
        at.field("officer_pseudonym").text(&query.officer_pseudonym, 1..=64);
        match at.field("ask").required(query.ask.as_ref()) {
            Some(Ask::Find(find)) => check_criteria(&at.field("find"), find),
            Some(Ask::Fetch(fetch)) => check_fetch(&at.field("fetch"), fetch),
            None => {}
        }
        if query.encoded_len() > pb::Query::MAX_BYTES {
            at.field("query").fault(format!("is longer than {} bytes", pb::Query::MAX_BYTES));
        }
        Some(())
    })
}

/// Checks search criteria alone; all faults at once.
pub fn check_find(find: &pb::Find) -> Result<(), Faults> {
    spot::check("find", |at| {
        check_criteria(at, find);
        Some(())
    })
}

/// The days that criteria ask for; `None` if they ask for none.
pub fn days_wanted(find: &pb::Find) -> Option<DateSpan> {
    DateSpan::from_until(find.date_from.as_ref(), find.date_until.as_ref())
}

fn check_header(at: &Spot<'_>, message: Option<&pb::Header>) {
    let Some(message) = at.required(message) else { return };
    participants::read(&at.field("audience"), &message.audience);
    let Some(stamp) = header::read(at, message) else { return };
    let expires = at.field("expires_ms");
    match stamp.expires {
        None => expires.fault("is not given"),
        Some(moment) if moment.since(stamp.created) > LIFETIME_MAX => {
            expires.fault("is more than ten minutes after it was created");
        }
        Some(_) => {}
    }
}

fn check_criteria(at: &Spot<'_>, find: &pb::Find) {
    at.field("kinds").choices::<RecordKind>(&find.kinds, 0..=9);
    at.field("name").text(&find.name, 0..=200);
    at.field("document_number").text(&find.document_number, 0..=40);
    at.field("conveyance_identifier").text(&find.conveyance_identifier, 0..=40);
    if !find.country.is_empty() {
        codes::check_state(&at.field("country"), &find.country);
    }
    let read = |at: Spot<'_>, date: Option<&pb::PartialDate>| date.and_then(|date| date::check(&at, date));
    let from = read(at.field("date_from"), find.date_from.as_ref());
    let until = read(at.field("date_until"), find.date_until.as_ref());
    date::check_order(&at.field("date_until"), from, until);
    at.field("limit").within(find.limit, 1..=LIMIT_MAX);
    if !has_criterion(find) {
        at.fault("needs a name, a document number, a conveyance identifier, a country or a date");
    }
}

/// Kinds alone are no criterion: they would list a peer's holdings.
fn has_criterion(find: &pb::Find) -> bool {
    let words = [&find.name, &find.document_number, &find.conveyance_identifier, &find.country];
    words.iter().any(|word| !word.is_empty()) || find.date_from.is_some() || find.date_until.is_some()
}

fn check_fetch(at: &Spot<'_>, fetch: &pb::Fetch) {
    at.field("record_ids").each(&fetch.record_ids, 1..=FETCH_MAX, |at, id| _ = at.noted(RecordId::from_slice(id)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn good_find() -> pb::Find {
        pb::Find { name: "Budi Contoh".into(), limit: 20, ..Default::default() }
    }

    fn good_query() -> pb::Query {
        let header = sample::header();
        let header = pb::Header { audience: "IDN".into(), expires_ms: header.created_ms + 600_000, ..header };
        pb::Query {
            header: Some(header),
            purpose: 3,
            case_reference: "C-1".into(),
            officer_pseudonym: "p1".into(),
            ask: Some(Ask::Find(good_find())),
        }
    }

    /// Changes good criteria and compares what is found.
    fn check_criteria(change: impl FnOnce(&mut pb::Find), expected: &str) {
        let mut find = good_find();
        change(&mut find);
        assert_eq!(check_find(&find).err().map(|faults| faults.to_string()).unwrap_or_default(), expected);
    }

    /// Changes a good question and compares what is found.
    fn check(change: impl FnOnce(&mut pb::Query), expected: &str) {
        let mut query = good_query();
        change(&mut query);
        assert_eq!(check_query(&query).err().map(|faults| faults.to_string()).unwrap_or_default(), expected);
    }

    #[test]
    fn criteria_are_bounded_and_at_least_one() {
        let nothing = "find: needs a name, a document number, a conveyance identifier, a country or a date";
        check_criteria(|_| (), "");
        check_criteria(|f| f.name.clear(), nothing);
        check_criteria(|f| (f.name, f.kinds) = (String::new(), vec![1]), nothing);
        check_criteria(|f| (f.name, f.country) = (String::new(), "IDN".into()), "");
        check_criteria(|f| (f.name, f.date_from) = (String::new(), Some(sample::date(1990, 0, 0))), "");
        check_criteria(|f| f.kinds = vec![3, 1], "find.kinds[1]: is not in ascending order, each once");
        check_criteria(|f| f.kinds = vec![10], "find.kinds[0]: 10 is not a value that the schema lists");
        check_criteria(|f| f.name = "x".repeat(201), "find.name: has 201 characters, at most 200 are allowed");
        check_criteria(|f| f.country = "ID".into(), "find.country: \"ID\" is not an ISO 3166-1 alpha-3 code");
        check_criteria(|f| f.limit = 0, "find.limit: 0 is not 1 to 200");
        check_criteria(|f| f.limit = 201, "find.limit: 201 is not 1 to 200");
    }

    #[test]
    fn dates_are_real_and_in_order() {
        let dates = |from, until| move |f: &mut pb::Find| (f.date_from, f.date_until) = (Some(from), Some(until));
        check_criteria(dates(sample::date(1990, 5, 0), sample::date(1990, 0, 0)), "");
        check_criteria(
            dates(sample::date(1990, 5, 0), sample::date(1990, 4, 0)),
            "find.date_until: ends before it begins",
        );
        check_criteria(
            dates(sample::date(1990, 2, 30), sample::date(1991, 0, 0)),
            "find.date_from: 1990-02-30 is not a date",
        );
    }

    #[test]
    fn days_wanted_are_those_of_both_ends() {
        let find = pb::Find { date_from: Some(sample::date(1990, 5, 0)), ..good_find() };
        assert_eq!(days_wanted(&find).map(|days| days.earliest().to_string()), Some("1990-05-01".into()));
        assert_eq!(days_wanted(&good_find()), None);
    }

    #[test]
    fn question_says_who_asks_whom_and_why() {
        check(|_| (), "");
        check(|q| q.header = None, "header: is missing");
        check(|q| q.purpose = 0, "purpose: is not given");
        check(|q| q.case_reference.clear(), "case_reference: is empty");
        check(|q| q.officer_pseudonym = "x".repeat(65), "officer_pseudonym: has 65 characters, at most 64 are allowed");
        check(|q| q.ask = None, "ask: is missing");
        check(
            |q| q.header.as_mut().unwrap().audience = "*".into(),
            "header.audience: \"*\" is not 2 to 12 upper-case letters or digits, as AUS or UNHCR",
        );
    }

    #[test]
    fn question_lives_for_ten_minutes_at_most() {
        let expires = |after_ms: i64| {
            move |q: &mut pb::Query| {
                let header = q.header.as_mut().unwrap();
                header.expires_ms = header.created_ms + after_ms;
            }
        };
        check(expires(600_000), "");
        check(expires(600_001), "header.expires_ms: is more than ten minutes after it was created");
        check(expires(0), "header.expires_ms: is not after it was created");
        check(|q| q.header.as_mut().unwrap().expires_ms = 0, "header.expires_ms: is not given");
    }

    #[test]
    fn fetch_names_one_to_sixteen_records() {
        let fetch = |record_ids| move |q: &mut pb::Query| q.ask = Some(Ask::Fetch(pb::Fetch { record_ids }));
        let id = sample::record().record_id;
        check(fetch(vec![id.clone(); 16]), "");
        check(fetch(vec![]), "fetch.record_ids: is empty");
        check(fetch(vec![id; 17]), "fetch.record_ids: has 17 items, at most 16 are allowed");
        check(fetch(vec![vec![1; 16]]), "fetch.record_ids[0]: is not the 16 bytes of a UUIDv7");
    }
}
