//! Values that more than one command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use selat_record::pb::{Audience, PartialDate, Purpose, RecordKind};
use selat_record::{ParticipantId, RecordId};
use selat_wire::desk::Reason;

/// Longest case reference in characters, as the schema says.
const CASE_MAX: usize = 80;
/// Longest reason for what is done to a peer or a key, in characters, as the schema says.
const WHY_MAX: usize = 200;

/// Why the caller looks or writes. It goes into the node's audit log with the officer's id.
#[derive(Debug, Clone, Args)]
pub struct ReasonArgs {
    /// What it is for
    #[arg(long, value_enum, env = "SELAT_PURPOSE", hide_env_values = true)]
    pub purpose: PurposeName,
    /// Reference of the case, at most 80 characters
    #[arg(long, value_name = "REF", value_parser = case_reference, env = "SELAT_CASE", hide_env_values = true)]
    pub case: String,
}

impl ReasonArgs {
    /// As the desk takes it.
    pub fn to_message(&self) -> Reason {
        reason(self.purpose, &self.case)
    }
}

/// As the desk takes it.
pub(crate) fn reason(purpose: PurposeName, case: &str) -> Reason {
    Reason { purpose: purpose.to_message().into(), case_reference: case.to_owned() }
}

/// Purposes by the names that the command line knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names are those of the schema's Purpose")]
pub enum PurposeName {
    BorderControl,
    Visa,
    LawEnforcement,
    Protection,
    Return,
    Statistics,
}

impl PurposeName {
    /// As the schema has it.
    pub fn to_message(self) -> Purpose {
        match self {
            Self::BorderControl => Purpose::BorderControl,
            Self::Visa => Purpose::Visa,
            Self::LawEnforcement => Purpose::LawEnforcement,
            Self::Protection => Purpose::Protection,
            Self::Return => Purpose::Return,
            Self::Statistics => Purpose::Statistics,
        }
    }
}

/// Kinds of records by the names that the command line knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names are those of the schema's RecordKind")]
pub enum KindName {
    Person,
    TravelDocument,
    Incident,
    Conveyance,
    Network,
    Route,
    Bulletin,
    VisaAlert,
    Verdict,
}

impl KindName {
    /// As the schema has it.
    pub fn to_message(self) -> RecordKind {
        match self {
            Self::Person => RecordKind::Person,
            Self::TravelDocument => RecordKind::TravelDocument,
            Self::Incident => RecordKind::Incident,
            Self::Conveyance => RecordKind::Conveyance,
            Self::Network => RecordKind::Network,
            Self::Route => RecordKind::Route,
            Self::Bulletin => RecordKind::Bulletin,
            Self::VisaAlert => RecordKind::VisaAlert,
            Self::Verdict => RecordKind::Verdict,
        }
    }

    /// Ascending, each once, as requests want them.
    pub(crate) fn to_messages(kinds: &[Self]) -> Vec<i32> {
        let mut numbers: Vec<i32> = kinds.iter().map(|kind| kind.to_message().into()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

/// A further file of an import, by the name that the mapping gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// As in the mapping.
    pub name: String,
    /// Where it lies.
    pub file: PathBuf,
}

pub(super) fn join(text: &str) -> Result<Join, String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok(Join { name: name.to_owned(), file: PathBuf::from(file) })
        }
        _ => Err("is not NAME=FILE".to_owned()),
    }
}

pub(super) fn case_reference(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > CASE_MAX || text.chars().any(char::is_control) {
        return Err(format!("is not 1 to {CASE_MAX} characters on one line"));
    }
    Ok(text.to_owned())
}

/// Why something about a peer or a key is done, for the audit log.
pub(super) fn why(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > WHY_MAX || text.chars().any(char::is_control) {
        return Err(format!("is not 1 to {WHY_MAX} characters on one line"));
    }
    Ok(text.to_owned())
}

/// In upper case only: taken in any case, a slip such as `--to everyone` would pass for an organisation of that name.
pub(super) fn participant(text: &str) -> Result<ParticipantId, String> {
    text.parse().map_err(|_| "is not a participant in upper case, as AUS or UNHCR".to_owned())
}

/// Participants, `all` or `nobody`.
pub(super) fn audience(text: &str) -> Result<Audience, String> {
    selat_interop::release_to(text).map_err(|_| "is neither participants, as IDN,MYS, nor all, nor nobody".to_owned())
}

pub(super) fn record_id(text: &str) -> Result<RecordId, String> {
    text.parse().map_err(|_| "is not a record id (a UUIDv7)".to_owned())
}

/// Years, months or days: 2023, 2023-05, 2023-05-14.
pub(super) fn partial_date(text: &str) -> Result<PartialDate, String> {
    let wrong = || "is not a date: YYYY, YYYY-MM or YYYY-MM-DD".to_owned();
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let is_numbers = text.chars().all(|c| c.is_ascii_digit() || c == '-');
    if !is_numbers || !matches!(lengths.as_slice(), [4] | [4, 2] | [4, 2, 2]) {
        return Err(wrong());
    }
    let numbers: Vec<i8> =
        parts.iter().skip(1).map(|part| part.parse()).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let year: i16 = text.get(..4).and_then(|year| year.parse().ok()).filter(|year| *year > 0).ok_or_else(wrong)?;
    let (month, day) = (numbers.first().copied(), numbers.get(1).copied());
    jiff::civil::Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).map_err(|_| wrong())?;
    let number = |part: Option<i8>| part.and_then(|part| u32::try_from(part).ok()).unwrap_or(0);
    Ok(PartialDate {
        year: u32::try_from(year).map_err(|_| wrong())?,
        month: number(month),
        day: number(day),
        approximate: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_exact_as_they_are_written() {
        let date = |year, month, day| PartialDate { year, month, day, approximate: false };
        for (text, wanted) in [
            ("2023", Some(date(2023, 0, 0))),
            ("2023-05", Some(date(2023, 5, 0))),
            ("2024-02-29", Some(date(2024, 2, 29))),
            ("2023-02-29", None),
            ("2023-13", None),
            ("2023-00", None),
            ("0000", None),
            ("23", None),
            ("2023-5", None),
            ("2023-05-14T00", None),
            ("+023", None),
            ("2023-+1", None),
            ("２０２３", None),
        ] {
            assert_eq!(partial_date(text).ok(), wanted, "{text}");
        }
    }

    #[test]
    fn case_references_are_one_line_of_bounded_length() {
        assert_eq!(case_reference(" V-12 ").as_deref(), Ok("V-12"));
        assert!(case_reference(&"é".repeat(80)).is_ok());
        for bad in ["", "  ", "a\nb", &"x".repeat(81)] {
            assert!(case_reference(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn reasons_are_one_line_of_bounded_length() {
        assert_eq!(why(" laptop stolen ").as_deref(), Ok("laptop stolen"));
        assert!(why(&"é".repeat(200)).is_ok());
        for bad in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert!(why(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn kinds_are_sent_ascending_and_once() {
        let kinds = [KindName::Incident, KindName::Person, KindName::Incident];
        assert_eq!(KindName::to_messages(&kinds), [RecordKind::Person as i32, RecordKind::Incident as i32]);
    }
}
