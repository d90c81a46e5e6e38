//! What a single value may be: its type, its bounds, and how to say so to somebody who wrote something else.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use toml::de::DeValue;

/// Longest path in bytes, as in Linux.
const PATH_MAX: usize = 4096;
/// Longest host name in characters.
const HOST_MAX: usize = 253;

type Reader<T> = Box<dyn Fn(&DeValue<'_>) -> Option<T>>;

/// A test of one value.
pub(super) struct Shape<T> {
    /// The TOML type, as `toml` names it.
    pub kind: &'static str,
    /// What is allowed, as in "it must be ...".
    pub wants: String,
    /// A good value as it would stand in the file.
    pub example: &'static str,
    read: Reader<T>,
}

impl<T> Shape<T> {
    /// The value, if it is one of these.
    pub fn read(&self, value: &DeValue<'_>) -> Option<T> {
        (self.read)(value)
    }
}

/// A string that `read` accepts.
pub(super) fn string<T: 'static>(
    wants: impl Into<String>,
    example: &'static str,
    read: impl Fn(&str) -> Option<T> + 'static,
) -> Shape<T> {
    let read = move |value: &DeValue<'_>| value.as_str().and_then(&read);
    Shape { kind: "string", wants: wants.into(), example, read: Box::new(read) }
}

/// A string that parses as `T`.
pub(super) fn parsed<T: FromStr + 'static>(wants: impl Into<String>, example: &'static str) -> Shape<T> {
    string(wants, example, |text| text.parse().ok())
}

/// A label: the name of a node, an officer, a certificate.
pub(super) fn label(example: &'static str) -> Shape<String> {
    string("1 to 32 lower-case letters, digits and hyphens", example, |text| {
        selat_record::ids::is_label(text).then(|| text.to_owned())
    })
}

/// Text for people on one line, without blanks around it.
pub(super) fn words(characters: RangeInclusive<usize>, example: &'static str) -> Shape<String> {
    let wants =
        format!("{} to {} characters on one line, without blanks around them", characters.start(), characters.end());
    string(wants, example, move |text| {
        let good =
            characters.contains(&text.chars().count()) && text.trim() == text && !text.chars().any(char::is_control);
        good.then(|| text.to_owned())
    })
}

/// A whole number within bounds.
pub(super) fn whole<T: TryFrom<u64> + 'static>(bounds: RangeInclusive<u64>, example: &'static str) -> Shape<T> {
    let wants = format!("a whole number from {} to {}", bounds.start(), bounds.end());
    let read = move |value: &DeValue<'_>| {
        let integer = value.as_integer()?;
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok()?;
        bounds.contains(&number).then(|| T::try_from(number).ok())?
    };
    Shape { kind: "integer", wants, example, read: Box::new(read) }
}

/// A span of time in whole units of `unit`.
pub(super) fn span(unit: Duration, bounds: RangeInclusive<u32>, example: &'static str) -> Shape<Duration> {
    let number = whole::<u32>(u64::from(*bounds.start())..=u64::from(*bounds.end()), example);
    let wants = number.wants.clone();
    Shape { kind: "integer", wants, example, read: Box::new(move |value| number.read(value).map(|n| unit * n)) }
}

/// One of a closed list of words.
pub(super) fn one_of<T: Copy + 'static>(words: &'static [(&'static str, T)], example: &'static str) -> Shape<T> {
    let list: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    string(format!("one of {}", list.join(", ")), example, move |text| {
        words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning)
    })
}

/// An IP address with a port other than 0: a port that the system picks could not be told to anybody.
pub(super) fn socket_address(example: &'static str) -> Shape<SocketAddr> {
    string("an IP address with a port from 1 to 65535", example, |text| {
        text.parse::<SocketAddr>().ok().filter(|address| address.port() != 0)
    })
}

/// A host name or IP address, as it is dialled.
pub(super) fn host(example: &'static str) -> Shape<String> {
    string("a host name or an IP address without a port", example, |text| is_host(text).then(|| text.to_owned()))
}

/// A path; a relative one starts at `base`.
pub(super) fn path(base: PathBuf, example: &'static str) -> Shape<PathBuf> {
    string("a path of 1 to 4096 bytes", example, move |text| {
        let good = (1..=PATH_MAX).contains(&text.len()) && !text.contains('\0');
        good.then(|| base.join(text))
    })
}

/// True for an IP address, or for dot-separated parts of 1 to 63 letters, digits and hyphens.
pub(super) fn is_host(text: &str) -> bool {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let is_part = |part: &str| {
        (1..=63).contains(&part.len())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    // A name whose last part is digits alone is a mistyped IPv4 address.
    let last_is_a_word = text.rsplit('.').next().is_some_and(|last| last.chars().any(|c| !c.is_ascii_digit()));
    text.len() <= HOST_MAX && last_is_a_word && text.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for good in ["localhost", "selat.example.org", "127.0.0.1", "::1", "node-1"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", "a..b", "-a", "a b", "host:7443", "300.1.1.1", "http://x", "ü.example"] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
