//! Names of things. Each is a type of its own, so that one never stands where another belongs.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::text::quoted;
use crate::{Faults, Timestamp, codes};

/// Longest participant id in characters.
const PARTICIPANT_MAX: usize = 12;
/// Longest label (federation, node, officer) in characters.
const LABEL_MAX: usize = 32;

/// A participant: a state by its ISO 3166-1 alpha-3 code, or an organisation (`IOM`, `UNHCR`) by 2 to 12 upper-case
/// letters or digits that begin with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantId(String);

impl ParticipantId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id in lower case, as host names carry it.
    pub fn to_label(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// True for an ISO 3166-1 alpha-3 code.
    pub fn is_state(&self) -> bool {
        codes::is_state(&self.0)
    }
}

impl FromStr for ParticipantId {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let shape = (2..=PARTICIPANT_MAX).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if shape {
            Ok(Self(text.to_owned()))
        } else {
            Err(Faults::one(
                "participant",
                format!("{} is not 2 to 12 upper-case letters or digits, as AUS or UNHCR", quoted(text)),
            ))
        }
    }
}

/// The federation that a payload belongs to: a label such as `demo`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FederationId(String);

/// A local officer, operator or system, as the node's configuration names them: a label such as `j-tan`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfficerId(String);

/// True for 1 to 32 lower-case letters, digits and hyphens that begin and end with a letter or digit.
pub fn is_label(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=LABEL_MAX).contains(&text.len())
        && text.starts_with(edge)
        && text.ends_with(edge)
        && text.chars().all(|c| edge(c) || c == '-')
}

macro_rules! label_id {
    ($type:ident, $field:literal) => {
        impl $type {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = Faults;

            fn from_str(text: &str) -> Result<Self, Faults> {
                if is_label(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(Faults::one(
                    $field,
                    format!("{} is not 1 to 32 lower-case letters, digits and hyphens", quoted(text)),
                ))
            }
        }
    };
}

label_id!(FederationId, "federation");
label_id!(OfficerId, "officer");

/// The id of a record, the same in all its versions: a UUIDv7 (RFC 9562).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(Uuid);

impl RecordId {
    /// Makes an id from the moment and ten random bytes.
    pub fn mint(now: Timestamp, random: [u8; 10]) -> Self {
        Self(mint_uuid(now, random))
    }

    /// Takes the 16 bytes of a UUIDv7.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Faults> {
        match Uuid::from_slice(bytes) {
            Ok(uuid) if uuid.get_version_num() == 7 => Ok(Self(uuid)),
            _ => Err(Faults::one("record_id", "is not the 16 bytes of a UUIDv7")),
        }
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl FromStr for RecordId {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        match Uuid::try_parse(text) {
            Ok(uuid) if uuid.get_version_num() == 7 => Ok(Self(uuid)),
            _ => Err(Faults::one("record_id", format!("{} is not a record id (a UUIDv7)", quoted(text)))),
        }
    }
}

/// The bytes of a fresh UUIDv7, for payload headers.
pub fn mint_uuid(now: Timestamp, random: [u8; 10]) -> Uuid {
    let ms = u64::try_from(now.ms()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
}

/// SHA-256 of the signed bytes of an envelope: names its content whoever signed it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId([u8; 32]);

impl ContentId {
    /// Wraps a digest.
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Takes the 32 bytes of a digest.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Faults> {
        let digest = bytes.try_into().map_err(|_| Faults::one("content_id", "is not 32 bytes"))?;
        Ok(Self(digest))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentId({self})")
    }
}

macro_rules! display_as_inner {
    ($($type:ident),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

display_as_inner!(ParticipantId, FederationId, OfficerId, RecordId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn participant_ids_are_upper_case_codes() {
        for good in ["AUS", "IOM", "UNHCR", "D2"] {
            assert!(good.parse::<ParticipantId>().is_ok(), "{good}");
        }
        for bad in ["", "A", "aus", "AUSTRALIA-X", "1OM", "A B", "ABCDEFGHIJKLM", "ÄUS"] {
            assert!(bad.parse::<ParticipantId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn record_id_of_another_uuid_version_is_refused() {
        assert!("6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse::<RecordId>().is_err());
        let minted = RecordId::mint(Timestamp::from_ms(1_700_000_000_000).unwrap(), [7; 10]);
        assert_eq!(minted.to_string().parse::<RecordId>().unwrap(), minted);
    }
}
