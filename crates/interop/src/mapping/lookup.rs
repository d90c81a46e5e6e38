//! Value tables: what the file says on the left, what the record shall say on the right.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

/// Tables that come with the program.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Base {
    /// English short names of ISO 3166-1 to alpha-3 codes.
    IsoNames,
    /// Alpha-2 to alpha-3 codes.
    IsoAlpha2,
    /// Alpha-3 codes as they are: anything else is unmatched.
    IsoAlpha3,
}

impl Base {
    pub const WORDS: [(&'static str, Self); 3] =
        [("iso3166-names", Self::IsoNames), ("iso3166-alpha2", Self::IsoAlpha2), ("iso3166-alpha3", Self::IsoAlpha3)];
}

/// A value table. Case and the amount of white space make no difference.
#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    pub name: String,
    values: HashMap<String, String>,
}

impl Lookup {
    pub fn new(name: String, base: Option<Base>) -> Self {
        let values = base.into_iter().flat_map(|base| {
            rust_iso3166::ALL.iter().map(move |country| match base {
                Base::IsoNames => (fold(country.name), country.alpha3.to_owned()),
                Base::IsoAlpha2 => (fold(country.alpha2), country.alpha3.to_owned()),
                Base::IsoAlpha3 => (fold(country.alpha3), country.alpha3.to_owned()),
            })
        });
        Self { name, values: values.collect() }
    }

    /// Adds a row; one that is there already, or comes from the base, is replaced.
    pub fn insert(&mut self, from: &str, to: String) {
        self.values.insert(fold(from), to);
    }

    /// What the table makes of a value. Empty text on the right means that the value says nothing.
    pub fn get(&self, value: &str) -> Option<&str> {
        self.values.get(&fold(value)).map(String::as_str)
    }

    /// Every value on the right.
    pub fn results(&self) -> impl Iterator<Item = &str> {
        self.values.values().map(String::as_str)
    }
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").nfc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_white_space_make_no_difference() {
        let mut table = Lookup::new("countries".to_owned(), Some(Base::IsoNames));
        table.insert("Burma", "MMR".to_owned());
        table.insert("Unknown", String::new());
        for (name, code) in [
            ("TÜRKIYE", "TUR"),
            ("Tu\u{308}rkiye", "TUR"),
            ("  burma ", "MMR"),
            ("South  Sudan", "SSD"),
            ("Iran (Islamic Republic of)", "IRN"),
            ("unknown", ""),
        ] {
            assert_eq!(table.get(name), Some(code), "{name}");
        }
        assert_eq!(table.get("Atlantis"), None);
    }

    #[test]
    fn the_bases_read_codes() {
        assert_eq!(Lookup::new(String::new(), Some(Base::IsoAlpha2)).get("id"), Some("IDN"));
        assert_eq!(Lookup::new(String::new(), Some(Base::IsoAlpha3)).get("IDN"), Some("IDN"));
        assert_eq!(Lookup::new(String::new(), Some(Base::IsoAlpha3)).get("IDX"), None);
    }
}
