//! Codes that stand for states, nationalities, issuers of documents, currencies, scripts, languages and ports.
//!
//! States come from ISO 3166-1, by crate. What ICAO Doc 9303 Part 3, section 5 ("Codes for nationality, place of birth,
//! location of issuing State/authority and other purposes") adds to them stands in a table here, and so do codes that
//! were withdrawn from ISO 3166-1 (listed in ISO 3166-3) but are still printed in documents. `UTO`, the code of
//! specimens, is refused everywhere. Scripts, languages, currencies and ports are checked by shape alone: their lists
//! change faster than releases do.

use crate::spot::Spot;
use crate::text::quoted;

/// True for an ISO 3166-1 alpha-3 code.
pub fn is_state(code: &str) -> bool {
    rust_iso3166::from_alpha3(code).is_some()
}

/// True for what can stand as a nationality: a state, or an ICAO special such as `XXA` (stateless).
pub fn is_nationality(code: &str) -> bool {
    is_state(code) || is_listed(&NATIONALITIES, code) || is_listed(&NATIONALITIES_AND_ISSUERS, code)
}

/// True for what can stand as the issuer of a document, among them `D` (Germany) and withdrawn codes.
pub fn is_issuer(code: &str) -> bool {
    is_state(code)
        || is_listed(&NATIONALITIES_AND_ISSUERS, code)
        || is_listed(&ISSUERS, code)
        || is_listed(&WITHDRAWN_ISSUERS, code)
}

/// The state that a nationality or issuer code belongs to, else the code itself: `D` is `DEU`, `GBN` is `GBR`.
pub fn state_of(code: &str) -> &str {
    match code {
        "D" => "DEU",
        "GBD" | "GBN" | "GBO" | "GBP" | "GBS" => "GBR",
        other => other,
    }
}

/// Only ever the nationality of a person.
const NATIONALITIES: [&str; 4] = [
    "XXA", // stateless (Convention of 1954)
    "XXB", // refugee (Convention of 1951 and Protocol of 1967)
    "XXC", // refugee otherwise
    "XXX", // unspecified
];

/// Nationality and issuer.
const NATIONALITIES_AND_ISSUERS: [&str; 10] = [
    "GBD", // British overseas territories citizen
    "GBN", // British national (overseas)
    "GBO", // British overseas citizen
    "GBP", // British protected person
    "GBS", // British subject
    "RKS", // Kosovo; in use, though not in Doc 9303
    "UNA", // official of a specialised agency of the United Nations
    "UNK", // resident of Kosovo, issued by UNMIK
    "UNO", // official of the United Nations
    "XOM", // Sovereign Military Order of Malta
];

/// Only ever the issuer of a document.
const ISSUERS: [&str; 12] = [
    "D",   // Germany, as its documents print it
    "EUE", // European Union
    "XBA", // African Development Bank
    "XCC", // Caribbean Community
    "XCE", // Council of Europe
    "XCO", // Common Market for Eastern and Southern Africa
    "XDC", // Southern African Development Community
    "XEC", // Economic Community of West African States
    "XES", // Organization of Eastern Caribbean States
    "XIM", // African Export-Import Bank
    "XMP", // Parliamentary Assembly of the Mediterranean
    "XPO", // INTERPOL
];

/// Withdrawn from ISO 3166-1, or never in it, but found in documents.
const WITHDRAWN_ISSUERS: [&str; 11] = [
    "ANT", // Netherlands Antilles
    "BUR", // Burma
    "CSK", // Czechoslovakia
    "NTZ", // Neutral Zone
    "ROM", // Romania before 2002
    "SCG", // Serbia and Montenegro
    "SUN", // Soviet Union
    "TMP", // East Timor
    "YUG", // Yugoslavia
    "ZAR", // Zaire
    "ZIM", // Zimbabwe, as its older documents print it
];

/// Notes a fault unless `code` is a state.
pub(crate) fn check_state(at: &Spot<'_>, code: &str) {
    check(at, code, is_state, "an ISO 3166-1 alpha-3 code");
}

/// Notes a fault unless `code` can be a nationality.
pub(crate) fn check_nationality(at: &Spot<'_>, code: &str) {
    check(at, code, is_nationality, "an ISO 3166-1 alpha-3 code or an ICAO special for a nationality");
}

/// Notes a fault unless `code` can issue documents.
pub(crate) fn check_issuer(at: &Spot<'_>, code: &str) {
    check(at, code, is_issuer, "an ISO 3166-1 alpha-3 code or an ICAO code of an issuer");
}

/// Notes a fault unless `code` has the shape of an ISO 4217 code.
pub(crate) fn check_currency(at: &Spot<'_>, code: &str) {
    let shape = |code: &str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    check(at, code, shape, "an ISO 4217 code (three upper-case letters)");
}

/// Notes a fault unless `code` has the shape of a UN/LOCODE: a country's two letters, then three of A-Z and 2-9.
pub(crate) fn check_unlocode(at: &Spot<'_>, code: &str) {
    let shape = |code: &str| {
        code.len() == 5
            && code.bytes().take(2).all(|b| b.is_ascii_uppercase())
            && code.bytes().skip(2).all(|b| b.is_ascii_uppercase() || (b'2'..=b'9').contains(&b))
    };
    check(at, code, shape, "a UN/LOCODE of five characters, as IDJKT");
}

/// Notes a fault unless `code` has the shape of an ISO 15924 code.
pub(crate) fn check_script(at: &Spot<'_>, code: &str) {
    let shape = |code: &str| {
        code.len() == 4
            && code.bytes().take(1).all(|b| b.is_ascii_uppercase())
            && code.bytes().skip(1).all(|b| b.is_ascii_lowercase())
    };
    check(at, code, shape, "an ISO 15924 code, as Latn");
}

/// Notes a fault unless `tag` has the shape of a BCP 47 tag of at most 35 characters (RFC 5646, section 4.4.1).
pub(crate) fn check_language(at: &Spot<'_>, tag: &str) {
    let subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let shape = |tag: &str| {
        let language = tag.split('-').next().unwrap_or_default();
        tag.len() <= 35
            && language.len() >= 2
            && language.bytes().all(|b| b.is_ascii_alphabetic())
            && tag.split('-').all(subtag)
    };
    check(at, tag, shape, "a BCP 47 tag, as en or zh-Hant");
}

fn check(at: &Spot<'_>, code: &str, accepts: impl Fn(&str) -> bool, what: &str) {
    if code.is_empty() {
        at.fault("is empty");
    } else if code == SPECIMEN {
        at.fault("UTO stands for specimens, not for a state");
    } else if !accepts(code) {
        at.fault(format!("{} is not {what}", quoted(code)));
    }
}

/// Utopia, in the specimens of Doc 9303.
const SPECIMEN: &str = "UTO";

fn is_listed(table: &[&str], code: &str) -> bool {
    table.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spot::faults_of;

    #[test]
    fn tables_add_to_iso_3166_and_are_sorted() {
        for table in [&NATIONALITIES[..], &NATIONALITIES_AND_ISSUERS, &ISSUERS, &WITHDRAWN_ISSUERS] {
            assert!(table.is_sorted());
            assert!(table.iter().all(|code| !is_state(code)), "{table:?}");
        }
    }

    #[test]
    fn codes_stand_where_they_belong() {
        for (code, state, nationality, issuer) in [
            ("AUS", true, true, true),
            ("XXA", false, true, false),
            ("GBN", false, true, true),
            ("D", false, false, true),
            ("XPO", false, false, true),
            ("YUG", false, false, true),
            ("UTO", false, false, false),
            ("aus", false, false, false),
            ("AU", false, false, false),
            ("", false, false, false),
        ] {
            assert_eq!((is_state(code), is_nationality(code), is_issuer(code)), (state, nationality, issuer), "{code}");
        }
    }

    #[test]
    fn variants_of_a_state_are_that_state() {
        assert_eq!([state_of("D"), state_of("GBS"), state_of("IDN"), state_of("XXB")], ["DEU", "GBR", "IDN", "XXB"]);
    }

    #[test]
    fn wrong_codes_say_what_was_expected() {
        assert_eq!(faults_of(|at| check_issuer(at, "UTO")), "it: UTO stands for specimens, not for a state");
        assert_eq!(faults_of(|at| check_state(at, "XXA")), "it: \"XXA\" is not an ISO 3166-1 alpha-3 code");
        assert_eq!(faults_of(|at| check_state(at, "")), "it: is empty");
    }

    #[test]
    fn shapes_are_kept() {
        type Check = fn(&Spot<'_>, &str);
        let cases: [(Check, &[&str], &[&str]); 4] = [
            (check_currency, &["AUD", "XXX"], &["aud", "AU", "AUDD", "A1D"]),
            (check_unlocode, &["IDJKT", "US2AB", "FRP99"], &["IDJK", "ID JKT", "IDJK1", "IDJK0", "1DJKT", "idjkt"]),
            (check_script, &["Latn", "Arab"], &["latn", "LATN", "Lat", "Latin", "L4tn"]),
            (check_language, &["en", "zh-Hant", "sr-Latn-RS"], &["e", "en_US", "en-", "1n", "abcdefghi", "en--us"]),
        ];
        for (check, good, bad) in cases {
            good.iter().for_each(|code| assert_eq!(faults_of(|at| check(at, code)), "", "{code}"));
            bad.iter().for_each(|code| assert_ne!(faults_of(|at| check(at, code)), "", "{code}"));
        }
    }
}
