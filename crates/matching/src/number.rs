//! Numbers of documents and conveyances: what is left when spacing, punctuation, case and digit shapes are taken away.

use any_ascii::any_ascii_char;

/// A document number as it is compared: letters and digits only, upper case, other scripts' digits as ASCII.
pub fn document_key(number: &str) -> String {
    number.chars().flat_map(|c| any_ascii_char(c).chars()).filter(char::is_ascii_alphanumeric).map(upper).collect()
}

/// An identifier of a conveyance as it is compared: as a document number, and without the "IMO" or "MMSI" that people
/// write before the digits.
pub fn identifier_key(identifier: &str) -> String {
    let key = document_key(identifier);
    for prefix in ["IMO", "MMSI"] {
        if let Some(rest) = key.strip_prefix(prefix)
            && !rest.is_empty()
            && rest.chars().all(|c| c.is_ascii_digit())
        {
            return rest.to_owned();
        }
    }
    key
}

fn upper(c: char) -> char {
    c.to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_numbers_lose_spacing_case_and_digit_shape() {
        for (given, key) in [
            ("a 123-4567", "A1234567"),
            ("A1234567", "A1234567"),
            ("Ａ１２３４５６７", "A1234567"),
            ("٣٤٥", "345"),
            ("А1", "A1"), // a Cyrillic A
            ("P<AUS", "PAUS"),
            ("", ""),
            (" -/.", ""),
        ] {
            assert_eq!(document_key(given), key, "{given:?}");
        }
    }

    #[test]
    fn different_document_numbers_keep_different_keys() {
        assert_ne!(document_key("A1234567"), document_key("A1234576"));
        assert_ne!(document_key("A0"), document_key("AO"));
    }

    #[test]
    fn conveyance_identifiers_lose_the_name_of_their_scheme() {
        for (given, key) in [
            ("IMO 9074729", "9074729"),
            ("imo9074729", "9074729"),
            ("MMSI: 563-012-345", "563012345"),
            ("9V-ABC", "9VABC"),
            ("IMO", "IMO"),
            ("IMOGEN", "IMOGEN"),
            ("MMSI 12A", "MMSI12A"),
        ] {
            assert_eq!(identifier_key(given), key, "{given:?}");
        }
    }
}
