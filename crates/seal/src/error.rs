//! Why an envelope was not accepted.

use selat_record::{Faults, ParticipantId};

use crate::KeyFailure;

/// Why something signed was refused, or could not be signed. [`SealError::code`] names it for logs, quarantine and peers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// More bytes than are ever read.
    #[error("{what} has {size} bytes; at most {max} are read")]
    TooLarge {
        /// "envelope" or "payload".
        what: &'static str,
        /// How many bytes came.
        size: usize,
        /// How many are allowed.
        max: usize,
    },
    /// The envelope's payload type is not the one asked for.
    #[error("payload type is not {expected}")]
    WrongType {
        /// What was asked for.
        expected: &'static str,
    },
    /// Not as many signatures as such an envelope carries.
    #[error("envelope has {have} signatures; {want}")]
    SignatureCount {
        /// What would have been right.
        want: &'static str,
        /// How many came.
        have: usize,
    },
    /// Nobody by that name is trusted.
    #[error("no descriptor of {0} has been accepted")]
    UnknownIssuer(ParticipantId),
    /// None of the issuer's keys has the id.
    #[error("signed with a key that is not in the descriptor of {0}")]
    UnknownKey(ParticipantId),
    /// The key is there for something else.
    #[error("the key's purpose does not cover this payload type")]
    WrongPurpose,
    /// Not active at the moment that counts.
    #[error("the key was not active when this was first logged")]
    KeyNotActive,
    /// The signature does not hold.
    #[error("the signature does not hold")]
    BadSignature,
    /// Fewer root keys signed than the descriptor demands.
    #[error("needs {need} distinct keys, has {have}")]
    Threshold {
        /// The threshold.
        need: usize,
        /// Distinct root keys whose signature holds.
        have: usize,
    },
    /// The key did not sign: its home refused or was not to be reached.
    #[error("the key did not sign: {0}")]
    Key(#[from] KeyFailure),
    /// It is not what its type says.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// There is another encoding of the same value.
    #[error("the payload is not in canonical form")]
    NonCanonical,
    /// The payload names another issuer than the owner of the key.
    #[error("the payload names an issuer other than {0}, whose key signed it")]
    IssuerMismatch(ParticipantId),
    /// The payload belongs to another federation.
    #[error("the payload belongs to another federation")]
    WrongFederation,
    /// Created later than the tolerance for clocks allows.
    #[error("created more than five minutes in the future")]
    FromTheFuture,
    /// A descriptor past its expiry.
    #[error("the descriptor has expired")]
    Expired,
    /// A descriptor that breaks the rules of its fields.
    #[error("descriptor refused: {0}")]
    Descriptor(Faults),
}

impl SealError {
    /// A stable name, for example `NON_CANONICAL`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::WrongType { .. } => "WRONG_TYPE",
            Self::SignatureCount { .. } => "SIGNATURE_COUNT",
            Self::UnknownIssuer(_) => "UNKNOWN_ISSUER",
            Self::UnknownKey(_) => "UNKNOWN_KEY",
            Self::WrongPurpose => "WRONG_PURPOSE",
            Self::KeyNotActive => "KEY_NOT_ACTIVE",
            Self::BadSignature => "BAD_SIGNATURE",
            Self::Threshold { .. } => "THRESHOLD_NOT_MET",
            Self::Key(_) => "KEY_FAILED",
            Self::Malformed(_) => "MALFORMED",
            Self::NonCanonical => "NON_CANONICAL",
            Self::IssuerMismatch(_) => "ISSUER_MISMATCH",
            Self::WrongFederation => "WRONG_FEDERATION",
            Self::FromTheFuture => "FROM_THE_FUTURE",
            Self::Expired => "EXPIRED",
            Self::Descriptor(_) => "BAD_DESCRIPTOR",
        }
    }
}
