//! Spans and moments as people write them: `30d`, `12h`, `45m`, `900ms`; `2026-11-23T08:00:00Z` or `2026-11-23`.

use std::time::Duration;

use selat_record::Timestamp;

/// Units by the letters that follow the number, each in milliseconds.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
/// Longest span that a warning may look ahead: what ends later is no news.
const AHEAD_MAX: Duration = Duration::from_secs(3_650 * 86_400);

/// A whole number with its unit.
fn span(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let amount: u64 = digits.parse().ok().filter(|_| !digits.starts_with('+'))?;
    let unit = text.get(digits.len()..)?;
    let (_, unit_ms) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    amount.checked_mul(unit_ms).map(Duration::from_millis)
}

/// 100 ms to 60 s: 900ms, 5s, 1m.
pub(super) fn deadline(text: &str) -> Result<Duration, String> {
    let bounds = Duration::from_millis(100)..=Duration::from_secs(60);
    let within = span(text).filter(|span| bounds.contains(span));
    within.ok_or_else(|| "is not a time from 100ms to 60s, written as 900ms or 5s".to_owned())
}

/// A minute to ten years: 30d, 12h, 45m.
pub(super) fn ahead(text: &str) -> Result<Duration, String> {
    let bounds = Duration::from_secs(60)..=AHEAD_MAX;
    let within = span(text).filter(|span| bounds.contains(span));
    within.ok_or_else(|| "is not a time from 1m to 3650d, written as 30d, 12h or 45m".to_owned())
}

/// A moment in RFC 3339, or the beginning of a day in UTC.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let wrong = || "is not a moment as 2026-11-23T08:00:00Z, nor a day as 2026-11-23".to_owned();
    let whole = if text.len() == "2026-11-23".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let moment: jiff::Timestamp = whole.parse().map_err(|_| wrong())?;
    Timestamp::from_ms(moment.as_millisecond()).filter(|moment| *moment > Timestamp::EPOCH).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_have_a_unit_and_bounds() {
        for (text, wanted) in [
            ("100ms", Some(100)),
            ("5s", Some(5000)),
            ("1m", Some(60_000)),
            ("99ms", None),
            ("61s", None),
            ("5", None),
            ("s", None),
            ("-1s", None),
            ("+1s", None),
            ("1S", None),
            ("1 s", None),
            ("99999999999999999999s", None),
            ("999999999999999999m", None),
        ] {
            assert_eq!(deadline(text).ok().map(|time| time.as_millis()), wanted, "{text}");
        }
    }

    #[test]
    fn looking_ahead_takes_days_hours_and_minutes() {
        let day = 86_400;
        for (text, wanted) in [
            ("30d", Some(30 * day)),
            ("12h", Some(day / 2)),
            ("45m", Some(2_700)),
            ("60s", Some(60)),
            ("3650d", Some(3_650 * day)),
            ("3651d", None),
            ("59s", None),
            ("0d", None),
            ("30", None),
            ("30 d", None),
            ("1w", None),
            ("", None),
        ] {
            assert_eq!(ahead(text).ok().map(|time| time.as_secs()), wanted, "{text}");
        }
    }

    #[test]
    fn moments_are_exact_or_the_beginning_of_a_day() {
        for (text, wanted) in [
            ("2023-11-14T22:13:20Z", Some(1_700_000_000_000)),
            ("2023-11-15T05:13:20+07:00", Some(1_700_000_000_000)),
            ("2023-11-14", Some(1_699_920_000_000)),
            ("2023-11-31", None),
            ("2023-11-14T22:13:20", None),
            ("1970-01-01", None),
            ("yesterday", None),
            ("36h", None),
            ("", None),
        ] {
            assert_eq!(moment(text).ok().map(Timestamp::ms), wanted, "{text}");
        }
    }
}
