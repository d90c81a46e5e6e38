//! Why an envelope was not accepted.

use selat_record::{ContentId, Faults, ParticipantId, Timestamp};

use crate::descriptor::KeyRule;
use crate::{KeyFailure, KeyId};

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
    /// The key has only been announced.
    #[error("the key has been announced but is not active yet")]
    KeyPending,
    /// Created before the key was valid, or after.
    #[error("created at {created}, when the key was not valid")]
    OutsideValidity {
        /// What the payload says.
        created: Timestamp,
    },
    /// The key is compromised, and this was not logged before.
    #[error("the key is compromised since {since}, and this was first logged at {first_logged}")]
    KeyCompromised {
        /// From when nothing is accepted.
        since: Timestamp,
        /// When the verifier logged it.
        first_logged: Timestamp,
    },
    /// The signature does not hold.
    #[error("the signature does not hold")]
    BadSignature,
    /// Fewer root keys signed than the descriptor demands.
    #[error("needs the signatures of {need} distinct root keys of its own, has {have}")]
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
    #[error("has expired at {0}")]
    Expired(Timestamp),
    /// A descriptor that breaks the rules of its fields.
    #[error("breaks the rules of its fields: {0}")]
    Fields(Faults),
    /// A descriptor, by its owner and number, and the rule that it breaks.
    #[error("descriptor {version} of {participant}: {rule}")]
    InDescriptor {
        /// Whose descriptor it says it is.
        participant: ParticipantId,
        /// The number that it bears.
        version: u64,
        /// The rule, never another of this kind.
        rule: Box<Self>,
    },
    /// The descriptor of somebody else.
    #[error("does not follow on a descriptor of {0}")]
    OtherParticipant(ParticipantId),
    /// Not the next number but one beyond.
    #[error("skips versions: {held} is held, so only the one after it can be accepted")]
    VersionSkipped {
        /// The version that is held.
        held: u64,
    },
    /// A number that has been.
    #[error("goes back: version {held} is held already")]
    RolledBack {
        /// The version that is held.
        held: u64,
    },
    /// The number of the one that is held.
    #[error("another descriptor with this number is held: {held}")]
    SameVersion {
        /// Content id of the descriptor that is held.
        held: ContentId,
    },
    /// The hash in it is not that of the descriptor before it.
    #[error("does not carry the hash of version {held}, which is {expected}")]
    WrongPrevious {
        /// The version that is held.
        held: u64,
        /// Its content id.
        expected: ContentId,
    },
    /// Older than the one before it.
    #[error("was created at {created}, before version {held} at {after}")]
    CreatedEarlier {
        /// The version that is held.
        held: u64,
        /// When this one was created.
        created: Timestamp,
        /// When that one was.
        after: Timestamp,
    },
    /// Fewer root keys of the version before signed than that version demands.
    #[error("needs the signatures of {need} distinct root keys of version {held}, has {have}")]
    ThresholdOfPrevious {
        /// The version that is held.
        held: u64,
        /// Its threshold.
        need: usize,
        /// Distinct root keys of it whose signature holds.
        have: usize,
    },
    /// A key that may not change in this way.
    #[error("key {key}: {rule}")]
    KeyTransition {
        /// The key.
        key: KeyId,
        /// What it may not.
        rule: KeyRule,
    },
    /// A draft whose retiring key would end before peers can have learnt of it.
    #[error(
        "was drafted too long ago: key {key} ends at {until}, too soon for all peers to learn of it; draft it again"
    )]
    NotTimely {
        /// The key that retires.
        key: KeyId,
        /// Its end.
        until: Timestamp,
    },
    /// Drafts to be combined that do not say the same.
    #[error("the drafts are of different descriptors")]
    DifferentContent,
    /// The clock is behind what has been made already.
    #[error("the clock says {now}, but version {held} was created at {created}")]
    ClockBehind {
        /// What the clock says.
        now: Timestamp,
        /// The version that is held.
        held: u64,
        /// When it was created.
        created: Timestamp,
    },
    /// A change that cannot be made to this descriptor.
    #[error("cannot be drafted: {0}")]
    Change(String),
}

impl SealError {
    /// The rule that was broken, without whose descriptor broke it.
    pub fn rule(&self) -> &Self {
        match self {
            Self::InDescriptor { rule, .. } => rule,
            other => other,
        }
    }

    /// The same, told of this descriptor.
    pub(crate) fn in_descriptor(self, participant: &ParticipantId, version: u64) -> Self {
        match self {
            told @ Self::InDescriptor { .. } => told,
            rule => Self::InDescriptor { participant: participant.clone(), version, rule: Box::new(rule) },
        }
    }

    /// A stable name, for example `NON_CANONICAL`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::WrongType { .. } => "WRONG_TYPE",
            Self::SignatureCount { .. } => "SIGNATURE_COUNT",
            Self::UnknownIssuer(_) => "UNKNOWN_ISSUER",
            Self::UnknownKey(_) => "UNKNOWN_KEY",
            Self::WrongPurpose => "WRONG_PURPOSE",
            Self::KeyPending => "KEY_PENDING",
            Self::OutsideValidity { .. } => "KEY_NOT_VALID",
            Self::KeyCompromised { .. } => "KEY_COMPROMISED",
            Self::BadSignature => "BAD_SIGNATURE",
            Self::Threshold { .. } => "THRESHOLD_NOT_MET",
            Self::Key(_) => "KEY_FAILED",
            Self::Malformed(_) => "MALFORMED",
            Self::NonCanonical => "NON_CANONICAL",
            Self::IssuerMismatch(_) => "ISSUER_MISMATCH",
            Self::WrongFederation => "WRONG_FEDERATION",
            Self::FromTheFuture => "FROM_THE_FUTURE",
            Self::Expired(_) => "EXPIRED",
            Self::Fields(_) => "BAD_DESCRIPTOR",
            Self::InDescriptor { rule, .. } => rule.code(),
            Self::OtherParticipant(_) => "OTHER_PARTICIPANT",
            Self::VersionSkipped { .. } => "VERSION_SKIPPED",
            Self::RolledBack { .. } => "ROLLED_BACK",
            Self::SameVersion { .. } => "SAME_VERSION",
            Self::WrongPrevious { .. } => "WRONG_PREVIOUS",
            Self::CreatedEarlier { .. } => "CREATED_EARLIER",
            Self::ThresholdOfPrevious { .. } => "THRESHOLD_OF_PREVIOUS",
            Self::KeyTransition { rule, .. } => rule.code(),
            Self::NotTimely { .. } => "NOT_TIMELY",
            Self::DifferentContent => "DIFFERENT_CONTENT",
            Self::ClockBehind { .. } => "CLOCK_BEHIND",
            Self::Change(_) => "CHANGE_REFUSED",
        }
    }
}
