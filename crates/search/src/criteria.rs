//! What is looked for, folded in the same way as what is held.

use selat_matching::{NameKey, Reason, document_key, identifier_key, name_key, names_match};
use selat_record::fault::FaultList;
use selat_record::query::{check_find, days_wanted};
use selat_record::{DateSpan, Faults, RecordKind, pb};

use crate::Entry;
use crate::postings::Term;

/// Score of a record that was found by country or date alone: they are true of many.
const WEAK_SCORE: u32 = 500;
/// Score of a number that is the same.
const NUMBER_SCORE: u32 = 1000;

/// The checked criteria of one question. At least one is given besides the kinds; every one that is given must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Criteria {
    kinds: Vec<RecordKind>,
    name: Option<NameKey>,
    document: Option<String>,
    identifier: Option<String>,
    country: Option<String>,
    dates: Option<DateSpan>,
}

/// How well an entry fits, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fit {
    pub(crate) score: u32,
    pub(crate) reasons: Vec<Reason>,
}

impl Criteria {
    /// Checks and folds the criteria; all faults at once. The limit is checked, but is not one of them.
    pub fn of(find: &pb::Find) -> Result<Self, Faults> {
        check_find(find)?;
        let mut faults = FaultList::default();
        let name = folded(&mut faults, "find.name", &find.name, name_key, NameKey::is_empty);
        let document =
            folded(&mut faults, "find.document_number", &find.document_number, document_key, String::is_empty);
        let asked = &find.conveyance_identifier;
        let identifier = folded(&mut faults, "find.conveyance_identifier", asked, identifier_key, String::is_empty);
        let country = Some(find.country.clone()).filter(|code| !code.is_empty());
        let kinds = find.kinds.iter().filter_map(|number| RecordKind::try_from(*number).ok()).collect();
        faults.into_result(Self { kinds, name, document, identifier, country, dates: days_wanted(find) })
    }

    /// The days that are looked for.
    pub(crate) fn dates(&self) -> Option<&DateSpan> {
        self.dates.as_ref()
    }

    /// The terms that are looked for, in groups: an entry that fits holds at least one term of each group. Empty when dates
    /// alone are asked for.
    pub(crate) fn groups(&self) -> Vec<Vec<Term>> {
        let words = self.name.iter().flat_map(NameKey::words).cloned().map(|word| vec![Term::Word(word)]);
        let document = self.document.iter().cloned().map(|key| vec![Term::Document(key)]);
        let identifier = self.identifier.iter().cloned().map(|key| vec![Term::Identifier(key)]);
        let country = self
            .country
            .iter()
            .map(|code| self.kinds_wanted().iter().map(|kind| Term::Country(*kind, code.clone())).collect::<Vec<_>>());
        words.chain(document).chain(identifier).chain(country).collect()
    }

    fn kinds_wanted(&self) -> &[RecordKind] {
        if self.kinds.is_empty() { &EVERY_KIND } else { &self.kinds }
    }

    /// Whether every criterion holds for `entry`, and how well.
    pub(crate) fn fit(&self, entry: &Entry) -> Option<Fit> {
        if !self.kinds_wanted().contains(&entry.kind()) {
            return None;
        }
        let mut fit = Fit { score: WEAK_SCORE, reasons: Vec::new() };
        self.fit_name(entry, &mut fit)?;
        for (asked, held, reason) in [
            (&self.document, &entry.documents, Reason::DOCUMENT),
            (&self.identifier, &entry.identifiers, Reason::CONVEYANCE),
            (&self.country, &entry.countries, Reason::COUNTRY),
        ] {
            let Some(asked) = asked else { continue };
            held.binary_search(asked).ok()?;
            fit.reasons.push(reason);
        }
        if self.name.is_none() && (self.document.is_some() || self.identifier.is_some()) {
            fit.score = NUMBER_SCORE;
        }
        if let Some(asked) = &self.dates {
            entry.dates.iter().find(|held| held.overlaps(asked))?;
            fit.reasons.push(Reason::DATE);
        }
        Some(fit)
    }

    /// A name that is asked for must match one name held, and how well it does is the score: next to it a number that is the
    /// same says that the record is the right one, not that the name is.
    fn fit_name(&self, entry: &Entry, fit: &mut Fit) -> Option<()> {
        let Some(asked) = &self.name else { return Some(()) };
        let best = entry.names.iter().filter_map(|held| names_match(asked, held)).max()?;
        *fit = Fit { score: best.score(), reasons: vec![best.reason()] };
        Some(())
    }
}

const EVERY_KIND: [RecordKind; 9] = [
    RecordKind::Person,
    RecordKind::TravelDocument,
    RecordKind::Incident,
    RecordKind::Conveyance,
    RecordKind::Network,
    RecordKind::Route,
    RecordKind::Bulletin,
    RecordKind::VisaAlert,
    RecordKind::Verdict,
];

/// Folds what is given. A text that folds to nothing would match everything or nothing; it is refused instead.
fn folded<T>(
    faults: &mut FaultList,
    field: &str,
    given: &str,
    key_of: fn(&str) -> T,
    is_empty: fn(&T) -> bool,
) -> Option<T> {
    let key = Some(given).filter(|text| !text.is_empty()).map(key_of)?;
    if is_empty(&key) {
        faults.push(field, "has no letter and no digit");
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Made, date, incident, person, vessel};

    fn find() -> pb::Find {
        pb::Find { limit: 10, ..Default::default() }
    }

    #[track_caller]
    fn check_refused(find: &pb::Find, expected: &str) {
        assert_eq!(Criteria::of(find).unwrap_err().to_string(), expected);
    }

    #[test]
    fn criteria_that_fold_to_nothing_are_refused_all_at_once() {
        check_refused(&pb::Find { name: "!!! \u{202e}".into(), ..find() }, "find.name: has no letter and no digit");
        check_refused(
            &pb::Find { document_number: "--".into(), conveyance_identifier: "/".into(), ..find() },
            "find.document_number: has no letter and no digit; find.conveyance_identifier: has no letter and no digit",
        );
    }

    #[test]
    fn criteria_are_checked_like_those_of_a_question() {
        assert!(Criteria::of(&find()).is_err());
        assert!(Criteria::of(&pb::Find { kinds: vec![1], ..find() }).is_err());
        assert!(Criteria::of(&pb::Find { name: "x".repeat(201), ..find() }).is_err());
        assert!(Criteria::of(&pb::Find { name: "x".repeat(200), ..find() }).is_ok());
    }

    /// Score and reasons of `body` for `find`; empty when it does not fit.
    #[track_caller]
    fn check(find: pb::Find, body: pb::record::Body, expected: &str) {
        let fit = Criteria::of(&find).unwrap().fit(&Made::of(1, body).entry());
        let told = fit.map(|fit| {
            let reasons: Vec<String> = fit.reasons.iter().map(|r| format!("{} {}", r.field, r.how)).collect();
            format!("{} {}", fit.score, reasons.join(", "))
        });
        assert_eq!(told.unwrap_or_default(), expected);
    }

    fn siti() -> pb::record::Body {
        person(&["Siti Contoh", "Ani"], "IDN", Some(date(1990, 5, 0)), "A 123-456")
    }

    #[test]
    fn best_of_several_names_counts() {
        check(pb::Find { name: "ani".into(), ..find() }, siti(), "1000 name exact");
        check(pb::Find { name: "CONTOH, Siti".into(), ..find() }, siti(), "950 name same words");
        check(pb::Find { name: "Siti".into(), ..find() }, siti(), "600 name all words asked");
        check(pb::Find { name: "Siti Ani".into(), ..find() }, siti(), "");
    }

    #[test]
    fn every_criterion_must_hold() {
        let both = |country: &str| pb::Find {
            name: "siti contoh".into(),
            document_number: "a123456".into(),
            country: country.into(),
            date_from: Some(date(1990, 0, 0)),
            ..find()
        };
        check(both("IDN"), siti(), "1000 name exact, document exact, country exact, date overlaps");
        check(both("MYS"), siti(), "");
        check(pb::Find { document_number: "A123457".into(), ..both("IDN") }, siti(), "");
        check(pb::Find { kinds: vec![3, 4], ..both("IDN") }, siti(), "");
        check(pb::Find { date_from: Some(date(1990, 6, 0)), ..both("IDN") }, siti(), "");
    }

    #[test]
    fn numbers_weigh_more_than_country_and_date_and_less_than_a_poor_name() {
        check(pb::Find { document_number: "A123456".into(), ..find() }, siti(), "1000 document exact");
        check(pb::Find { country: "IDN".into(), ..find() }, siti(), "500 country exact");
        let with_name = pb::Find { name: "siti".into(), document_number: "A123456".into(), ..find() };
        check(with_name, siti(), "600 name all words asked, document exact");
        let imo = pb::Find { conveyance_identifier: "IMO 9074729".into(), ..find() };
        check(imo, vessel("Bintang", "PAN", "9074729"), "1000 conveyance exact");
    }

    #[test]
    fn dates_match_when_they_can_be_the_same_day() {
        let landing = incident("AUS", date(2024, 3, 30), Some(date(2024, 4, 2)));
        let when = |from, until| pb::Find { date_from: Some(from), date_until: Some(until), ..find() };
        check(when(date(2024, 4, 2), date(2024, 4, 30)), landing.clone(), "500 date overlaps");
        check(when(date(2024, 4, 3), date(2024, 4, 30)), landing.clone(), "");
        check(pb::Find { date_until: Some(date(2024, 3, 0)), ..find() }, landing.clone(), "500 date overlaps");
        check(pb::Find { date_until: Some(date(2024, 2, 0)), ..find() }, landing, "");
    }
}
