//! Persons, and the names, documents and contacts by which they are known.

use super::{NAME_MAX, check_place, unless_empty};
use crate::pb::{self, ContactKind, DocumentType, NameKind, PersonRole, Sex};
use crate::spot::Spot;
use crate::{codes, date};

/// Longest document number in characters.
pub(super) const DOCUMENT_NUMBER_MAX: usize = 40;

/// Notes what is wrong with a person.
pub(super) fn check(at: &Spot<'_>, person: &pb::Person) {
    at.field("names").each(&person.names, 1..=64, check_name);
    date::check_optional(&at.field("birth"), person.birth.as_ref());
    if let Some(place) = &person.place_of_birth {
        check_place(&at.field("place_of_birth"), place);
    }
    at.field("sex").known::<Sex>(person.sex);
    let nationalities = at.field("nationalities");
    nationalities.each(&person.nationalities, 0..=16, |at, code| codes::check_nationality(at, code));
    nationalities.ascending(&person.nationalities);
    at.field("documents").each(&person.documents, 0..=32, check_document_reference);
    at.field("contacts").each(&person.contacts, 0..=32, check_contact);
    at.field("descriptions").each(&person.descriptions, 0..=16, |at, text| at.text(text, 1..=1000));
    at.field("roles").choices::<PersonRole>(&person.roles, 1..=5);
}

/// Notes what is wrong with a name.
pub(super) fn check_name(at: &Spot<'_>, name: &pb::PersonName) {
    at.field("text").text(&name.text, 1..=NAME_MAX);
    unless_empty(&at.field("script"), &name.script, codes::check_script);
    at.field("kind").known::<NameKind>(name.kind);
    at.field("family").text(&name.family, 0..=NAME_MAX);
    at.field("given").text(&name.given, 0..=NAME_MAX);
}

/// Notes what is wrong with a mention of a document.
pub(super) fn check_document_reference(at: &Spot<'_>, document: &pb::DocumentReference) {
    at.field("type").choice::<DocumentType>(document.r#type);
    at.field("number").text(&document.number, 1..=DOCUMENT_NUMBER_MAX);
    unless_empty(&at.field("issuer"), &document.issuer, codes::check_issuer);
}

fn check_contact(at: &Spot<'_>, contact: &pb::ContactIdentifier) {
    at.field("kind").choice::<ContactKind>(contact.kind);
    at.field("value").text(&contact.value, 1..=200);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::spot::faults_of;

    /// Changes a good person and compares what is found.
    fn check(change: impl FnOnce(&mut pb::Person), expected: &str) {
        let mut person = sample::person();
        change(&mut person);
        assert_eq!(faults_of(|at| super::check(at, &person)), expected);
    }

    #[test]
    fn person_has_names_in_bounds() {
        check(|_| (), "");
        check(|p| p.names.clear(), "it.names: is empty");
        check(|p| p.names = vec![sample::name(); 65], "it.names: has 65 items, at most 64 are allowed");
        check(|p| p.names[1].text.clear(), "it.names[1].text: is empty");
        check(|p| p.names[0].text = "x".repeat(201), "it.names[0].text: has 201 characters, at most 200 are allowed");
        check(|p| p.names[0].given = "x".repeat(201), "it.names[0].given: has 201 characters, at most 200 are allowed");
        check(
            |p| p.names[0].script = "latin".into(),
            "it.names[0].script: \"latin\" is not an ISO 15924 code, as Latn",
        );
        check(|p| p.names[0].kind = 7, "it.names[0].kind: 7 is not a value that the schema lists");
        check(|p| p.names[0].kind = 0, "");
    }

    #[test]
    fn nationalities_are_codes_in_order() {
        let listed = |codes: &[&str]| {
            let codes = codes.iter().map(|code| (*code).to_owned()).collect();
            move |p: &mut pb::Person| p.nationalities = codes
        };
        check(listed(&[]), "");
        check(listed(&["IDN", "XXB"]), "");
        check(listed(&["XXB", "IDN"]), "it.nationalities[1]: is not in ascending order, each once");
        check(listed(&["UTO"]), "it.nationalities[0]: UTO stands for specimens, not for a state");
        check(
            listed(&["D"]),
            "it.nationalities[0]: \"D\" is not an ISO 3166-1 alpha-3 code or an ICAO special for a nationality",
        );
    }

    #[test]
    fn person_plays_at_least_one_role() {
        check(|p| p.roles.clear(), "it.roles: is empty");
        check(|p| p.roles = vec![1, 1], "it.roles[1]: is not in ascending order, each once");
        check(|p| p.roles = vec![6], "it.roles[0]: 6 is not a value that the schema lists");
    }

    #[test]
    fn documents_and_contacts_say_what_they_are() {
        check(|p| p.documents[0].r#type = 0, "it.documents[0].type: is not given");
        check(|p| p.documents[0].issuer = "D".into(), "");
        check(
            |p| p.documents[0].number = "x".repeat(41),
            "it.documents[0].number: has 41 characters, at most 40 are allowed",
        );
        check(|p| p.contacts[0].kind = 0, "it.contacts[0].kind: is not given");
        check(|p| p.contacts[0].value.clear(), "it.contacts[0].value: is empty");
        check(|p| p.descriptions = vec![String::new()], "it.descriptions[0]: is empty");
    }

    #[test]
    fn birth_and_sex_may_be_unknown_but_not_wrong() {
        check(|p| (p.birth, p.sex) = (None, 0), "");
        check(|p| p.birth = Some(sample::date(1990, 2, 30)), "it.birth: 1990-02-30 is not a date");
        check(|p| p.sex = 4, "it.sex: 4 is not a value that the schema lists");
        check(
            |p| p.place_of_birth = Some(pb::Place { country: "idn".into(), ..Default::default() }),
            "it.place_of_birth.country: \"idn\" is not an ISO 3166-1 alpha-3 code",
        );
    }
}
