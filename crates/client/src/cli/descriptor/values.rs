//! Values in the changes of a draft.

use std::ops::RangeInclusive;
use std::time::Duration;

use selat_record::Timestamp;
use selat_seal::Endpoint;

use crate::cli::span::{ahead, moment};

/// Fewest hexadecimal digits that name a key: as many as a key file's name has.
const KEY_DIGITS_MIN: usize = 8;
/// All digits of a key id.
const KEY_DIGITS_MAX: usize = 64;

/// A key of a descriptor by the first digits of its id, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A moment, given outright or as a span from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    At(Timestamp),
    /// So long from now.
    In(Duration),
}

impl Moment {
    /// Which moment it is.
    pub fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::In(span) => now.plus(span),
        }
    }
}

/// When a key or a descriptor ends, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It has no end.
    Never,
    /// Then.
    At(Moment),
}

/// The protocol versions that a node speaks.
pub type Protocol = RangeInclusive<u32>;

pub(crate) fn key_name(text: &str) -> Result<KeyName, String> {
    let digits = (KEY_DIGITS_MIN..=KEY_DIGITS_MAX).contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit());
    let name = digits.then(|| KeyName(text.to_ascii_lowercase()));
    name.ok_or_else(|| format!("is not {KEY_DIGITS_MIN} to {KEY_DIGITS_MAX} hexadecimal digits of a key id"))
}

/// `KEY` or `KEY=WHEN`.
pub(super) fn key_and_end(text: &str) -> Result<(KeyName, Option<Moment>), String> {
    match text.split_once('=') {
        Some((key, when)) => Ok((key_name(key)?, Some(moment_or_span(when)?))),
        None => Ok((key_name(text)?, None)),
    }
}

/// `KEY=SINCE`: a moment outright, because a theft has one.
pub(super) fn key_and_since(text: &str) -> Result<(KeyName, Timestamp), String> {
    let (key, since) = text.split_once('=').ok_or_else(|| "is not KEY=SINCE".to_owned())?;
    Ok((key_name(key)?, moment(since)?))
}

pub(super) fn ending(text: &str) -> Result<Ending, String> {
    if text == "never" { Ok(Ending::Never) } else { moment_or_span(text).map(Ending::At) }
}

/// `NODE=HOST:PORT`; an IPv6 address in brackets.
pub(super) fn endpoint(text: &str) -> Result<Endpoint, String> {
    let wrong = || "is not NODE=HOST:PORT, as node1=selat.example.org:7443".to_owned();
    let (node, address) = text.split_once('=').ok_or_else(wrong)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
    if node.is_empty() || host.is_empty() {
        return Err(wrong());
    }
    Ok(Endpoint { node: node.to_owned(), host: host.to_owned(), port })
}

/// `1` or `1-2`.
pub(super) fn protocol(text: &str) -> Result<Protocol, String> {
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    let range = min.parse().ok().zip(max.parse().ok()).filter(|(min, max): &(u32, u32)| (1..=*max).contains(min));
    range.map(|(min, max)| min..=max).ok_or_else(|| "is not a version or a range of versions, as 1 or 1-2".to_owned())
}

/// Seconds of a span, or 0 for `none`.
pub(super) fn refresh_hint(text: &str) -> Result<u32, String> {
    if text == "none" {
        return Ok(0);
    }
    u32::try_from(ahead(text)?.as_secs()).map_err(|_| "is longer than a descriptor can say".to_owned())
}

/// `yes` or `no`.
pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("is neither yes nor no".to_owned()),
    }
}

fn moment_or_span(text: &str) -> Result<Moment, String> {
    let either = moment(text).map(Moment::At).or_else(|_| ahead(text).map(Moment::In));
    either.map_err(|_| "is neither a moment, as 2026-11-23T08:00:00Z, nor a span from now, as 24h or 90d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef";

    #[test]
    fn key_is_named_by_at_least_eight_digits_in_any_case() {
        assert_eq!(key_name("0123ABCD").unwrap().as_str(), "0123abcd");
        assert!(key_name(&ID.repeat(4)).is_ok());
        for wrong in ["", "0123abc", "0123abcx", &ID.repeat(5), "0123\u{1b}bcd", "root-1.key"] {
            assert!(key_name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn ends_are_moments_or_spans_and_thefts_are_moments() {
        let day = Duration::from_secs(86_400);
        let now = Timestamp::from_ms(1_700_000_000_000).unwrap();
        let end = |text: &str| key_and_end(text).map(|(_, end)| end.map(|end| end.from(now)));
        assert_eq!(end("01234567"), Ok(None));
        assert_eq!(end("01234567=24h"), Ok(Some(now.plus(day))));
        assert_eq!(end("01234567=2023-11-14T22:13:20Z"), Ok(Some(now)));
        assert!(end("01234567=").is_err() && end("01234567=soon").is_err());
        assert!(key_and_since("01234567=2023-11-14").is_ok());
        assert!(key_and_since("01234567=24h").is_err() && key_and_since("01234567").is_err());
        assert_eq!(ending("never"), Ok(Ending::Never));
        assert_eq!(ending("90d"), Ok(Ending::At(Moment::In(90 * day))));
    }

    #[test]
    fn endpoints_name_node_host_and_port() {
        let read = |text: &str| endpoint(text).map(|endpoint| (endpoint.node, endpoint.host, endpoint.port));
        let wanted = |host: &str| Ok(("node1".to_owned(), host.to_owned(), 7443));
        assert_eq!(read("node1=aus.example:7443"), wanted("aus.example"));
        assert_eq!(read("node1=[2001:db8::7]:7443"), wanted("2001:db8::7"));
        for wrong in ["", "aus.example:7443", "node1=aus.example", "node1=:7443", "=h:1", "n=h:0", "n=h:65536"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn small_values_have_one_form() {
        assert_eq!((protocol("1"), protocol("1-2")), (Ok(1..=1), Ok(1..=2)));
        assert!(["0", "2-1", "", "1-", "x"].iter().all(|text| protocol(text).is_err()));
        assert_eq!((refresh_hint("1h"), refresh_hint("none")), (Ok(3600), Ok(0)));
        assert!(refresh_hint("5").is_err());
        assert_eq!((yes_or_no("yes"), yes_or_no("no")), (Ok(true), Ok(false)));
        assert!(yes_or_no("true").is_err());
    }
}
