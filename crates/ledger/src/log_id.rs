//! Names of logs. The name is also the origin line of the log's checkpoints.

use std::fmt;
use std::str::FromStr;

use selat_record::ParticipantId;

use crate::LedgerError;

/// One log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(String);

impl LogId {
    /// The log of what one participant disclosed to another. Both hold it.
    pub fn release(discloser: &ParticipantId, recipient: &ParticipantId) -> Self {
        Self(format!("selat/release/{discloser}/{recipient}"))
    }

    /// A participant's own audit log.
    pub fn audit(participant: &ParticipantId) -> Self {
        Self(format!("selat/audit/{participant}"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogId {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let participant = |text: &str| text.parse::<ParticipantId>().map_err(|_| LedgerError::LogId);
        match text.split('/').collect::<Vec<_>>().as_slice() {
            ["selat", "release", discloser, recipient] => {
                Ok(Self::release(&participant(discloser)?, &participant(recipient)?))
            }
            ["selat", "audit", owner] => Ok(Self::audit(&participant(owner)?)),
            _ => Err(LedgerError::LogId),
        }
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_logs_come_back_from_their_text() {
        let (aus, idn) = ("AUS".parse().unwrap(), "IDN".parse().unwrap());
        for log in [LogId::release(&aus, &idn), LogId::release(&idn, &aus), LogId::audit(&aus)] {
            assert_eq!(log.as_str().parse(), Ok(log));
        }
        for bad in
            ["", "selat/release/AUS", "selat/audit/aus", "selat/audit/AUS/IDN", "other/audit/AUS", "selat/audit/"]
        {
            assert_eq!(bad.parse::<LogId>(), Err(LedgerError::LogId), "{bad}");
        }
    }
}
