//! Dates as exact as their source, and the days that they can mean.
//!
//! Leaves out: what "approximate" widens a date by. That is a judgement for whoever compares.

use jiff::civil::Date;

use crate::spot::Spot;
use crate::{Timestamp, pb};

/// The days from the earliest to the latest that a date known only in part can mean, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateSpan {
    earliest: Date,
    latest: Date,
}

impl DateSpan {
    /// The days that a date can mean; `None` if it is no date.
    pub fn of(date: &pb::PartialDate) -> Option<Self> {
        let year = i16::try_from(date.year).ok().filter(|year| *year >= 1)?;
        let month = i8::try_from(date.month).ok()?;
        let day = i8::try_from(date.day).ok()?;
        match (month, day) {
            (0, 0) => Self::between(Date::new(year, 1, 1).ok()?, Date::new(year, 12, 31).ok()?),
            (0, _) => None,
            (_, 0) => {
                let first = Date::new(year, month, 1).ok()?;
                Self::between(first, first.last_of_month())
            }
            _ => {
                let exact = Date::new(year, month, day).ok()?;
                Self::between(exact, exact)
            }
        }
    }

    /// From the earliest day of `from` to the latest of `until`; an end that is missing lies open. `None` if both are
    /// missing, if one is no date, or if they are in the wrong order.
    pub fn from_until(from: Option<&pb::PartialDate>, until: Option<&pb::PartialDate>) -> Option<Self> {
        let earliest = match from {
            Some(date) => Self::of(date)?.earliest,
            None if until.is_none() => return None,
            None => Date::MIN,
        };
        let latest = until.map_or(Some(Date::MAX), |date| Self::of(date).map(|span| span.latest))?;
        Self::between(earliest, latest)
    }

    /// The days of a moment or span; a missing end is the same as its beginning.
    pub fn of_when(when: &pb::When) -> Option<Self> {
        let from = when.from.as_ref()?;
        Self::from_until(Some(from), Some(when.until.as_ref().unwrap_or(from)))
    }

    /// The first day that it can mean.
    pub fn earliest(&self) -> Date {
        self.earliest
    }

    /// The last day that it can mean.
    pub fn latest(&self) -> Date {
        self.latest
    }

    /// True if both can mean the same day.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.earliest <= other.latest && other.earliest <= self.latest
    }

    fn between(earliest: Date, latest: Date) -> Option<Self> {
        (earliest <= latest).then_some(Self { earliest, latest })
    }
}

/// Notes what is wrong with a date; gives the days that it can mean.
pub(crate) fn check(at: &Spot<'_>, date: &pb::PartialDate) -> Option<DateSpan> {
    let span = DateSpan::of(date);
    if span.is_none() {
        at.fault(format!("{} is not a date", spelt(date)));
    }
    span
}

/// [`check`] for a date that may be missing.
pub(crate) fn check_optional(at: &Spot<'_>, date: Option<&pb::PartialDate>) {
    if let Some(date) = date {
        check(at, date);
    }
}

/// Notes what is wrong with a moment or span.
pub(crate) fn check_when(at: &Spot<'_>, when: &pb::When) {
    let from = at.field("from").required(when.from.as_ref()).and_then(|date| check(&at.field("from"), date));
    let until = match &when.until {
        Some(date) => check(&at.field("until"), date),
        None => from,
    };
    check_moment(&at.field("from_ms"), when.from_ms, from);
    check_moment(&at.field("until_ms"), when.until_ms, until);
    check_order(&at.field("until"), from, until);
    if when.from_ms != 0 && when.until_ms != 0 && when.until_ms < when.from_ms {
        at.field("until_ms").fault("ends before it begins");
    }
}

/// Notes a fault if the last day of `until` lies before the first of `from`.
pub(crate) fn check_order(at: &Spot<'_>, from: Option<DateSpan>, until: Option<DateSpan>) {
    if let (Some(from), Some(until)) = (from, until)
        && until.latest < from.earliest
    {
        at.fault("ends before it begins");
    }
}

/// An exact moment lies within the one day that its date holds; 0 is "not given".
fn check_moment(at: &Spot<'_>, ms: i64, day: Option<DateSpan>) {
    if ms == 0 {
        return;
    }
    let Some(moment_day) = Timestamp::from_ms(ms).and_then(utc_day) else {
        at.fault("is not a moment between 1970 and 9999");
        return;
    };
    if day.is_some_and(|day| (day.earliest, day.latest) != (moment_day, moment_day)) {
        at.fault(format!("lies on {moment_day}, which its date does not say"));
    }
}

fn utc_day(moment: Timestamp) -> Option<Date> {
    let moment = jiff::Timestamp::from_millisecond(moment.ms()).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(moment).date())
}

fn spelt(date: &pb::PartialDate) -> String {
    match (date.month, date.day) {
        (0, 0) => format!("year {}", date.year),
        (month, 0) => format!("{:04}-{month:02}", date.year),
        (month, day) => format!("{:04}-{month:02}-{day:02}", date.year),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::date;
    use crate::spot::faults_of;

    #[test]
    fn only_days_of_the_calendar_are_dates() {
        for (year, month, day, expected) in [
            (2024, 2, 29, ""),
            (1, 1, 1, ""),
            (9999, 12, 31, ""),
            (2024, 2, 0, ""),
            (2024, 0, 0, ""),
            (2023, 2, 29, "it: 2023-02-29 is not a date"),
            (1900, 2, 29, "it: 1900-02-29 is not a date"),
            (2024, 4, 31, "it: 2024-04-31 is not a date"),
            (2024, 13, 1, "it: 2024-13-01 is not a date"),
            (2024, 0, 5, "it: 2024-00-05 is not a date"),
            (0, 0, 0, "it: year 0 is not a date"),
            (10_000, 0, 0, "it: year 10000 is not a date"),
            (u32::MAX, u32::MAX, u32::MAX, "it: 4294967295-4294967295-4294967295 is not a date"),
        ] {
            assert_eq!(faults_of(|at| _ = check(at, &date(year, month, day))), expected);
        }
    }

    #[test]
    fn span_of_a_part_of_a_date_is_all_its_days() {
        for (given, earliest, latest) in [
            (date(1980, 0, 0), "1980-01-01", "1980-12-31"),
            (date(1980, 2, 0), "1980-02-01", "1980-02-29"),
            (date(1981, 2, 3), "1981-02-03", "1981-02-03"),
        ] {
            let span = DateSpan::of(&given).unwrap();
            assert_eq!((span.earliest().to_string(), span.latest().to_string()), (earliest.into(), latest.into()));
        }
    }

    #[test]
    fn spans_overlap_when_both_can_be_the_same_day() {
        for (left, right, expected) in [
            (date(1980, 0, 0), date(1980, 5, 6), true),
            (date(1980, 5, 0), date(1980, 6, 0), false),
            (date(1980, 5, 31), date(1980, 5, 0), true),
            (date(1979, 12, 31), date(1980, 0, 0), false),
        ] {
            let (left, right) = (DateSpan::of(&left).unwrap(), DateSpan::of(&right).unwrap());
            assert_eq!((left.overlaps(&right), right.overlaps(&left)), (expected, expected), "{left:?} {right:?}");
        }
    }

    #[test]
    fn open_ends_reach_as_far_as_the_calendar() {
        let birth = DateSpan::of(&date(1980, 5, 6)).unwrap();
        let since = DateSpan::from_until(Some(&date(1980, 5, 0)), None).unwrap();
        let until = DateSpan::from_until(None, Some(&date(1980, 4, 0))).unwrap();
        assert_eq!((since.overlaps(&birth), until.overlaps(&birth)), (true, false));
        assert_eq!(DateSpan::from_until(None, None), None);
        assert_eq!(DateSpan::from_until(Some(&date(1981, 0, 0)), Some(&date(1980, 0, 0))), None);
    }

    #[test]
    fn when_agrees_with_itself() {
        // 2023-11-14T22:13:20Z
        const MOMENT: i64 = 1_700_000_000_000;
        let when = |from, until, from_ms, until_ms| pb::When { from, until, from_ms, until_ms };
        let day = || Some(date(2023, 11, 14));
        for (case, expected) in [
            (when(day(), None, 0, 0), ""),
            (when(day(), None, MOMENT, MOMENT + 1), ""),
            (when(day(), Some(date(2023, 11, 0)), 0, 0), ""),
            (when(None, None, 0, 0), "it.from: is missing"),
            (when(day(), Some(date(2023, 10, 0)), 0, 0), "it.until: ends before it begins"),
            (when(day(), None, MOMENT, MOMENT - 1), "it.until_ms: ends before it begins"),
            (
                when(Some(date(2023, 11, 0)), None, MOMENT, 0),
                "it.from_ms: lies on 2023-11-14, which its date does not say",
            ),
            (when(day(), None, 0, MOMENT + 86_400_000), "it.until_ms: lies on 2023-11-15, which its date does not say"),
            (when(day(), None, -1, 0), "it.from_ms: is not a moment between 1970 and 9999"),
        ] {
            assert_eq!(faults_of(|at| check_when(at, &case)), expected);
        }
    }
}
