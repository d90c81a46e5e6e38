//! Why a use-case did not do what it was asked. Each error has a code of the 3000s, a cause and a mend.

use selat_policy::Refusal;
use selat_record::{ContentId, Faults, ParticipantId, RecordId};
use selat_seal::succession::PlanError;
use selat_seal::{KeyFailure, SealError};
use selat_store::StoreError;

/// What went wrong, in the words of the domain.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The floor says no.
    #[error("refused by rule {0}")]
    Denied(Refusal),
    /// No such record, or not visible here.
    #[error("record {0} is not held here")]
    RecordNotFound(RecordId),
    /// No such version of a record.
    #[error("version {version} of record {record} is not held here")]
    VersionNotFound {
        /// The record.
        record: RecordId,
        /// The version asked for.
        version: u32,
    },
    /// Only the originator amends or releases.
    #[error("record {record} belongs to {originator}: only its originator changes it")]
    NotOriginator {
        /// The record.
        record: RecordId,
        /// Whose it is.
        originator: ParticipantId,
    },
    /// Somebody else was faster.
    #[error("record {record} is at version {current}, not {expected}")]
    VersionConflict {
        /// The record.
        record: RecordId,
        /// Version that the change was made from.
        expected: u32,
        /// Version that is current.
        current: u32,
    },
    /// The draft or the question has faults.
    #[error("{0}")]
    Invalid(Faults),
    /// No descriptor of that participant is here.
    #[error("{0} is not a peer of this node")]
    UnknownPeer(ParticipantId),
    /// The peer's state does not allow it.
    #[error("peer {peer}: {why}")]
    PeerState {
        /// The peer.
        peer: ParticipantId,
        /// What stands in the way.
        why: String,
    },
    /// The two sides do not hold the same two descriptors.
    #[error("the phrase does not match: at least one side holds a wrong descriptor")]
    PhraseMismatch,
    /// A descriptor or envelope did not verify.
    #[error("{0}")]
    Seal(SealError),
    /// The descriptor file cannot be read.
    #[error("the descriptor file cannot be read: {0}")]
    Descriptor(String),
    /// A descriptor is not the next of its chain.
    #[error("{0}")]
    Chain(SealError),
    /// The next own descriptor wants keys in use that are not here.
    #[error("{0}")]
    KeysMissing(String),
    /// The file of the own descriptor and the store are not one chain.
    #[error("the file of the own descriptor and the store do not hold one chain: {0}")]
    OwnChain(String),
    /// There is no way to what is wanted of a key.
    #[error("{0}")]
    Plan(PlanError),
    /// Something changed after the plan was made.
    #[error("things have changed since the plan was made")]
    PlanChanged,
    /// The home of the keys did not make, describe or destroy one.
    #[error("the home of the keys failed: {0}")]
    Key(#[source] KeyFailure),
    /// None of the keys that are held may sign for this purpose.
    #[error("no {0} key that may sign now is held")]
    NoKey(&'static str),
    /// Something stored does not fit together.
    #[error("the store holds something that does not fit: {0}")]
    Inconsistent(String),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// Too many changes at once.
    #[error("the node is busy: other changes came first again and again")]
    Busy,
    /// What is stored under this content id is not what it says.
    #[error("content {0} is not held here")]
    ContentMissing(ContentId),
}

impl ExchangeError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Denied(_) => "SLT-3001",
            Self::RecordNotFound(_) | Self::VersionNotFound { .. } => "SLT-3002",
            Self::NotOriginator { .. } => "SLT-3003",
            Self::VersionConflict { .. } => "SLT-3004",
            Self::Invalid(_) => "SLT-3005",
            Self::UnknownPeer(_) => "SLT-3101",
            Self::PeerState { .. } => "SLT-3102",
            Self::PhraseMismatch => "SLT-3103",
            Self::Seal(_) => "SLT-3104",
            Self::Descriptor(_) => "SLT-3105",
            Self::Chain(_) => "SLT-3107",
            Self::KeysMissing(_) => "SLT-3108",
            Self::OwnChain(_) => "SLT-3109",
            Self::NoKey(_) => "SLT-3110",
            Self::Plan(_) => "SLT-3111",
            Self::PlanChanged => "SLT-3112",
            Self::Key(_) => "SLT-3113",
            Self::Inconsistent(_) | Self::ContentMissing(_) => "SLT-3201",
            Self::Store(_) => "SLT-3202",
            Self::Busy => "SLT-3203",
        }
    }

    /// What the person at the desk can do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::Denied(_) => "ask the operator which role may do this, or change the record's handling".into(),
            Self::RecordNotFound(_) => "selat record list".into(),
            Self::VersionNotFound { record, .. } => format!("selat record history {record}"),
            Self::NotOriginator { originator, .. } => format!("ask the contact desk of {originator} to correct it"),
            Self::VersionConflict { record, .. } => format!("selat record get {record}, then amend that version"),
            Self::Invalid(_) => "correct the fields named above and try again".into(),
            Self::UnknownPeer(_) => "selat peer list".into(),
            Self::PeerState { peer, .. } => format!("selat peer show {peer}"),
            Self::PhraseMismatch => {
                "exchange the descriptor files again and compare the phrase over another channel".into()
            }
            Self::Seal(_) | Self::Descriptor(_) => {
                "ask the other side to send the file of selat peer invite again".into()
            }
            Self::Chain(_) => "selat descriptor show, then draft the next version from the one in force".into(),
            Self::KeysMissing(_) | Self::NoKey(_) | Self::Plan(_) => "selat key status".into(),
            Self::PlanChanged => "look at the plan again, then apply it".into(),
            Self::Key(_) => "selat doctor, then the same command again: what was done stays done".into(),
            Self::OwnChain(_) => "put the descriptor file that this node wrote last back in its place".into(),
            Self::Inconsistent(_) | Self::ContentMissing(_) | Self::Store(_) => {
                "look at the node's log; restart it if the disk is well".into()
            }
            Self::Busy => "try again".into(),
        }
    }
}

impl From<StoreError> for ExchangeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<SealError> for ExchangeError {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

impl From<Faults> for ExchangeError {
    fn from(faults: Faults) -> Self {
        Self::Invalid(faults)
    }
}

impl From<Refusal> for ExchangeError {
    fn from(refusal: Refusal) -> Self {
        Self::Denied(refusal)
    }
}
