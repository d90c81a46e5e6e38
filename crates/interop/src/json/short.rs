//! The short text forms: partial dates, moments, decimal degrees, ids and digests.

use std::fmt::Write;

use jiff::civil::Date;

/// Ten million: degrees travel as whole numbers of 1e-7.
const E7: f64 = 1e7;
/// Digits that a decimal number may have; more would not fit the arithmetic and no place needs them.
const DIGITS_MAX: usize = 30;

/// A day known in whole or part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partial {
    pub year: u32,
    pub month: u32,
    pub day: u32,
    pub approximate: bool,
}

impl Partial {
    /// Reads `1974-08-12`, `1974-08` or `1974`, each with `~` at the end when it is an estimate.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shape = || format!("{text:?} is not a date such as 1974-08-12, 1974-08, 1974 or 1974~");
        let (bare, approximate) = text.strip_suffix('~').map_or((text, false), |bare| (bare, true));
        let parts: Vec<&str> = bare.split('-').collect();
        let part = |n: usize, width: usize| match parts.get(n) {
            None => Ok(0),
            Some(part) if part.len() == width && part.bytes().all(|b| b.is_ascii_digit()) => {
                part.parse::<u32>().map_err(|_| shape())
            }
            Some(_) => Err(shape()),
        };
        let date = Self { year: part(0, 4)?, month: part(1, 2)?, day: part(2, 2)?, approximate };
        let given = [1, 2, 3].into_iter().zip([date.year, date.month, date.day]).take(parts.len());
        if parts.len() > 3 || given.into_iter().any(|(_, part)| part == 0) {
            return Err(shape());
        }
        if date.exists() { Ok(date) } else { Err(format!("{text:?} is not a day of the calendar")) }
    }

    /// The text, if this is a date that the text can say.
    pub fn format(self) -> Option<String> {
        let mark = if self.approximate { "~" } else { "" };
        self.exists().then(|| match (self.month, self.day) {
            (0, _) => format!("{:04}{mark}", self.year),
            (month, 0) => format!("{:04}-{month:02}{mark}", self.year),
            (month, day) => format!("{:04}-{month:02}-{day:02}{mark}", self.year),
        })
    }

    fn exists(self) -> bool {
        let civil = |number: u32| i8::try_from(number).unwrap_or(-1);
        let year = i16::try_from(self.year).unwrap_or(-1);
        let in_order = self.day == 0 || self.month != 0;
        in_order && year > 0 && Date::new(year, civil(self.month.max(1)), civil(self.day.max(1))).is_ok()
    }
}

/// RFC 3339 text in UTC, to the millisecond where there is one.
pub(crate) fn moment_text(ms: i64) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(moment.to_string())
}

/// Unix milliseconds of RFC 3339 text. Anything finer than a millisecond is refused, not rounded.
pub(crate) fn moment_ms(text: &str) -> Result<i64, String> {
    let moment: jiff::Timestamp =
        text.parse().map_err(|_| format!("{text:?} is not a moment such as 2024-05-17T08:30:00Z"))?;
    if moment.subsec_nanosecond() % 1_000_000 != 0 {
        return Err(format!("{text:?} is finer than a millisecond"));
    }
    Ok(moment.as_millisecond())
}

/// Degrees as a JSON number. The quotient is the float nearest to the decimal, so it prints as that decimal.
pub(crate) fn degrees(e7: i32) -> serde_json::Value {
    serde_json::Value::from(f64::from(e7) / E7)
}

/// Reads decimal degrees into 1e-7 degree without passing through a float; digits beyond the seventh are rounded
/// (half away from zero, a centimetre on the ground).
pub(crate) fn degrees_e7(text: &str) -> Result<i32, String> {
    let problem = || format!("{text:?} is not decimal degrees such as -8.6705");
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, 0),
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| problem())?),
    };
    let (negative, unsigned) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = [whole, fraction].concat();
    let is_number = !digits.is_empty() && digits.len() <= DIGITS_MAX && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number {
        return Err(problem());
    }
    let number: i128 = digits.parse().map_err(|_| problem())?;
    let places = i32::try_from(fraction.len()).map_err(|_| problem())?;
    let shift = 7_i32.saturating_add(exponent).saturating_sub(places);
    let e7 = scaled(number, shift).ok_or_else(problem)?;
    i32::try_from(if negative { -e7 } else { e7 }).map_err(|_| problem())
}

/// `number` times ten to the `shift`, rounded half up; `None` when it is too large.
fn scaled(number: i128, shift: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    match (shift >= 0, power) {
        (true, Some(power)) => number.checked_mul(power),
        (true, None) => (number == 0).then_some(0),
        (false, Some(power)) => Some((number + power / 2) / power),
        (false, None) => Some(0),
    }
}

/// UUID text for the 16 bytes of an id, hexadecimal for all else.
pub(crate) fn bytes_text(bytes: &[u8], is_id: bool) -> String {
    match uuid::Uuid::from_slice(bytes) {
        Ok(id) if is_id => id.to_string(),
        _ => bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
            text
        }),
    }
}

/// The bytes of a UUID or of hexadecimal text.
pub(crate) fn bytes_of(text: &str) -> Result<Vec<u8>, String> {
    if let Ok(id) = uuid::Uuid::try_parse(text) {
        return Ok(id.as_bytes().to_vec());
    }
    let problem = || format!("{text:?} is neither a UUID nor hexadecimal digits");
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return Err(problem());
    }
    let pairs = (0..text.len()).step_by(2).map(|at| text.get(at..at + 2).unwrap_or_default());
    pairs.map(|pair| u8::from_str_radix(pair, 16).map_err(|_| problem())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_dates_come_back_as_written() {
        for text in ["1974-08-12", "1974-08", "1974", "1974~", "1974-08~", "0001-01-01", "9999-12-31", "2024-02-29"] {
            assert_eq!(Partial::parse(text).unwrap().format().as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in
            ["", "~", "74", "1974-8-1", "1974-00", "1974-13", "1974-02-30", "0000", "1974-08-12-01", "+974", "1974~~"]
        {
            assert!(Partial::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn degrees_are_exact_to_the_seventh_place() {
        for (text, e7) in [
            ("37.2832", 372_832_000),
            ("27", 270_000_000),
            ("-8.6705", -86_705_000),
            ("0.0000001", 1),
            ("1e-7", 1),
            ("0.00000004", 0),
            ("0.00000005", 1),
            ("-0.00000005", -1),
            ("22.787960000000002", 227_879_600),
            ("1.8E2", 1_800_000_000),
            (".5", 5_000_000),
            ("0e99", 0),
        ] {
            assert_eq!(degrees_e7(text), Ok(e7), "{text}");
        }
        for text in ["", ".", "-", "1,5", "12°", "NaN", "1e", "999", "1e99", "1e-2147483648x", "١٢"] {
            assert!(degrees_e7(text).is_err(), "{text}");
        }
    }

    #[test]
    fn degrees_print_as_the_decimal_they_are() {
        for e7 in [372_832_000, -86_705_000, 1, -1_799_999_999, 123_456_789, 0] {
            assert_eq!(degrees_e7(&degrees(e7).to_string()), Ok(e7));
        }
        assert_eq!(degrees(372_832_000).to_string(), "37.2832");
    }

    #[test]
    fn moments_are_utc_and_whole_milliseconds() {
        assert_eq!(moment_ms("2014-01-19T12:00:00.250+02:00"), Ok(1_390_125_600_250));
        assert_eq!(moment_text(1_390_125_600_250).unwrap(), "2014-01-19T10:00:00.25Z");
        assert!(moment_ms("2014-01-19").is_err());
        assert!(moment_ms("2014-01-19T12:00:00.0001Z").is_err());
    }
}
