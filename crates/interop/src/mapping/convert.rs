//! Turns the text of a cell into the JSON of a field.

use jiff::fmt::strtime::BrokenDownTime;
use serde_json::{Value, json};

use super::lookup::Lookup;
use crate::json::short::{self, Partial};

/// How a text becomes a value.
#[derive(Debug, Clone)]
pub(crate) enum Convert {
    Text(TextPlan),
    Table(usize),
    Date(DatePlan),
    Moment(Vec<String>),
    Tally { thousands: Option<char>, at_least: bool },
    Whole { thousands: Option<char> },
    Flag,
    Degrees { decimal: char },
}

#[derive(Debug, Clone, Default)]
pub(crate) struct TextPlan {
    /// Most characters, and whether a longer text is cut.
    pub max: Option<(usize, bool)>,
    pub case: Option<Case>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    Upper,
    Lower,
}

#[derive(Debug, Clone)]
pub(crate) struct DatePlan {
    /// Tried in order.
    pub formats: Vec<String>,
    pub approximate: bool,
    pub precision: Precision,
}

/// How exact a date is: as its format, always this much, or as a column of the row says (through a table).
#[derive(Debug, Clone)]
pub(crate) enum Precision {
    AsWritten,
    Always(Exactness),
    Column { column: super::plan::Reference, table: Option<usize> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exactness {
    Day,
    Month,
    Year,
}

impl Exactness {
    pub const WORDS: [(&'static str, Self); 3] = [("day", Self::Day), ("month", Self::Month), ("year", Self::Year)];

    /// The exactness that a word names.
    pub fn of(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, exactness)| *exactness)
    }
}

/// Mark of a text that was cut.
const CUT: char = '…';

impl Convert {
    /// The value, `None` if the text says nothing (a table row with an empty right side), or the reason why not.
    /// `precision` is what the precision column says.
    pub fn apply(&self, text: &str, tables: &[Lookup], precision: Option<&str>) -> Result<Option<Value>, String> {
        match self {
            Self::Text(plan) => plan.apply(text).map(|text| Some(json!(text))),
            Self::Table(at) => by_table(text, tables.get(*at)),
            Self::Date(plan) => plan.apply(text, tables, precision).map(|text| Some(json!(text))),
            Self::Moment(formats) => moment(text, formats).map(Some),
            Self::Tally { thousands, at_least: false } => whole(text, *thousands).map(|number| Some(json!(number))),
            Self::Tally { thousands, at_least: true } => {
                whole(text, *thousands).map(|number| Some(json!({"number": number, "at_least": true})))
            }
            Self::Whole { thousands } => whole(text, *thousands).map(|number| Some(json!(number))),
            Self::Flag => flag(text).map(|flag| Some(json!(flag))),
            Self::Degrees { decimal } => {
                let text = text.replace(*decimal, ".");
                short::degrees_e7(&text).map(|_| Some(json!(text)))
            }
        }
    }
}

impl TextPlan {
    fn apply(&self, text: &str) -> Result<String, String> {
        let text = match self.case {
            None => text.to_owned(),
            Some(Case::Upper) => text.to_uppercase(),
            Some(Case::Lower) => text.to_lowercase(),
        };
        match self.max {
            Some((max, true)) => Ok(shorten(&text, max)),
            Some((max, false)) if text.chars().count() > max => {
                Err(format!("has {} characters, at most {max} are taken", text.chars().count()))
            }
            _ => Ok(text),
        }
    }
}

impl DatePlan {
    fn apply(&self, text: &str, tables: &[Lookup], precision: Option<&str>) -> Result<String, String> {
        let read = self.formats.iter().find_map(|format| partial(format, text));
        let Some(mut date) = read else {
            return Err(format!("does not read as {}", self.formats.join(" or ")));
        };
        match self.exactness(tables, precision)? {
            Some(Exactness::Year) => (date.month, date.day) = (0, 0),
            Some(Exactness::Month) => date.day = 0,
            Some(Exactness::Day) | None => {}
        }
        date.approximate |= self.approximate;
        date.format().ok_or_else(|| "is not a day of the calendar".to_owned())
    }

    fn exactness(&self, tables: &[Lookup], precision: Option<&str>) -> Result<Option<Exactness>, String> {
        let Precision::Column { table, .. } = &self.precision else {
            return Ok(match &self.precision {
                Precision::Always(exactness) => Some(*exactness),
                _ => None,
            });
        };
        let Some(said) = precision else { return Ok(None) };
        let word = match table.and_then(|at| tables.get(at)) {
            Some(table) => table.get(said),
            None => Some(said),
        };
        let exactness = word.and_then(Exactness::of);
        exactness.map(Some).ok_or_else(|| format!("has the precision {said:?}, which is none of day, month, year"))
    }
}

/// At most `max` characters, with a mark at the end if some were cut off.
pub(crate) fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}{CUT}", kept.trim_end())
}

fn by_table(text: &str, table: Option<&Lookup>) -> Result<Option<Value>, String> {
    match table.and_then(|table| table.get(text)) {
        Some("") => Ok(None),
        Some(value) => Ok(Some(json!(value))),
        None => Err(format!("is in no row of the table {}", table.map_or("", |table| &table.name))),
    }
}

/// Reads a text by a format of strptime, as exactly as the format can say. A format that ends in `~` marks an estimate.
fn partial(format: &str, text: &str) -> Option<Partial> {
    let (format, approximate) = format.strip_suffix('~').map_or((format, false), |bare| (bare.trim_end(), true));
    let read = BrokenDownTime::parse(format, text).ok()?;
    let part = |part: Option<i8>| part.and_then(|part| u32::try_from(part).ok()).unwrap_or(0);
    // strptime reads "19" as the year 19: no source means that.
    let year = read.year().and_then(|year| u32::try_from(year).ok()).filter(|year| *year >= 1000)?;
    Some(Partial { year, month: part(read.month()), day: part(read.day()), approximate })
}

/// Reads a moment; one without an offset is UTC.
fn moment(text: &str, formats: &[String]) -> Result<Value, String> {
    let read = formats.iter().find_map(|format| {
        let read = BrokenDownTime::parse(format, text).ok()?;
        match read.offset() {
            Some(_) => read.to_timestamp().ok(),
            None => jiff::tz::TimeZone::UTC.to_timestamp(read.to_datetime().ok()?).ok(),
        }
    });
    read.map(|moment| json!(moment.to_string())).ok_or_else(|| format!("does not read as {}", formats.join(" or ")))
}

fn whole(text: &str, thousands: Option<char>) -> Result<u32, String> {
    let problem = || "is not a whole number from 0 to 4294967295".to_owned();
    let digits = match thousands {
        Some(separator) if text.contains(separator) => ungrouped(text, separator).ok_or_else(problem)?,
        _ => text.to_owned(),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match digits.strip_prefix('-') {
        Some(rest) if is_digits(rest) => Err("is below zero".to_owned()),
        _ if is_digits(&digits) => digits.parse().map_err(|_| problem()),
        _ => Err(problem()),
    }
}

/// The digits of `1,234,567`; `None` if a group is not three digits long.
fn ungrouped(text: &str, separator: char) -> Option<String> {
    let mut groups = text.split(separator);
    let first = groups.next().filter(|group| (1..=3).contains(&group.len()))?;
    let rest: Vec<&str> = groups.collect();
    rest.iter().all(|group| group.len() == 3).then(|| format!("{first}{}", rest.concat()))
}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "1" => Ok(true),
        "false" | "no" | "n" | "0" => Ok(false),
        _ => Err("is neither true, yes, y, 1 nor false, no, n, 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(convert: &Convert, text: &str, expected: Result<Option<Value>, &str>) {
        assert_eq!(convert.apply(text, &[], None), expected.map_err(str::to_owned), "{text}");
    }

    fn dates(formats: &[&str]) -> Convert {
        let formats = formats.iter().map(|format| (*format).to_owned()).collect();
        Convert::Date(DatePlan { formats, approximate: false, precision: Precision::AsWritten })
    }

    #[test]
    fn date_formats_are_tried_in_order_and_say_how_exact_they_are() {
        let convert = dates(&["%d %b %Y", "%b %Y", "circa %Y ~", "%Y"]);
        check(&convert, "10 Dec 1948", Ok(Some(json!("1948-12-10"))));
        check(&convert, "1 Jan 1961", Ok(Some(json!("1961-01-01"))));
        check(&convert, "Sep 1938", Ok(Some(json!("1938-09"))));
        check(&convert, "circa 1951", Ok(Some(json!("1951~"))));
        check(&convert, "1951", Ok(Some(json!("1951"))));
        check(&convert, "early 1951", Err("does not read as %d %b %Y or %b %Y or circa %Y ~ or %Y"));
        check(&dates(&["%d.%m.%Y"]), "30.02.1999", Err("is not a day of the calendar"));
        check(&dates(&["%Y"]), "-044", Err("does not read as %Y"));
        check(&dates(&["%Y"]), "74", Err("does not read as %Y"));
    }

    #[test]
    fn moments_without_offset_are_utc() {
        let convert = Convert::Moment(vec!["%Y-%m-%d %H:%M".to_owned(), "%Y-%m-%dT%H:%M:%S%:z".to_owned()]);
        check(&convert, "2024-05-17 08:30", Ok(Some(json!("2024-05-17T08:30:00Z"))));
        check(&convert, "2024-05-17T08:30:00+07:00", Ok(Some(json!("2024-05-17T01:30:00Z"))));
        assert!(convert.apply("2024-05-17", &[], None).is_err());
    }

    #[test]
    fn numbers_are_whole_and_grouped_in_threes() {
        let bad = "is not a whole number from 0 to 4294967295";
        let commas = Convert::Whole { thousands: Some(',') };
        check(&commas, "318,000", Ok(Some(json!(318_000))));
        check(&commas, "640", Ok(Some(json!(640))));
        for text in ["31,80", ",318", "3180,000", "1.5", "+1", "4294967296", ""] {
            check(&commas, text, Err(bad));
        }
        check(&commas, "-2", Err("is below zero"));
        check(
            &Convert::Tally { thousands: None, at_least: true },
            "3",
            Ok(Some(json!({"number": 3, "at_least": true}))),
        );
        check(&Convert::Tally { thousands: None, at_least: false }, "1,000", Err(bad));
    }

    #[test]
    fn texts_are_cut_only_when_told() {
        let plan = |cut| Convert::Text(TextPlan { max: Some((5, cut)), case: None });
        check(&plan(true), "abcdef", Ok(Some(json!("abcd…"))));
        check(&plan(true), "abcde", Ok(Some(json!("abcde"))));
        check(&plan(false), "abcdef", Err("has 6 characters, at most 5 are taken"));
        check(&Convert::Text(TextPlan { max: None, case: Some(Case::Upper) }), "é", Ok(Some(json!("É"))));
    }

    #[test]
    fn flags_and_degrees_are_read() {
        check(&Convert::Flag, "Yes", Ok(Some(json!(true))));
        assert!(Convert::Flag.apply("perhaps", &[], None).is_err());
        check(&Convert::Degrees { decimal: ',' }, "12,5", Ok(Some(json!("12.5"))));
        assert!(Convert::Degrees { decimal: '.' }.apply("012 52E", &[], None).is_err());
    }
}
