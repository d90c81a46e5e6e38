//! Why something about a log was refused.

/// What is wrong with a leaf, a proof or a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Not the name of a log.
    #[error("is not the name of a log, as selat/release/AUS/IDN or selat/audit/AUS")]
    LogId,
    /// Not the bytes of a leaf.
    #[error("leaf refused: {0}")]
    Leaf(&'static str),
    /// Larger than any log here may get, or a place beyond its end.
    #[error("the log has no such size or index")]
    OutOfRange,
    /// A stored hash that the operation needs was not handed in.
    #[error("a stored hash is missing")]
    MissingHash,
    /// The proof does not show what it should.
    #[error("the proof does not hold")]
    Proof,
    /// Not a signed note, or not one that holds a checkpoint.
    #[error("not a checkpoint: {0}")]
    Note(&'static str),
    /// A checkpoint of another log.
    #[error("the checkpoint is of another log")]
    OtherLog,
    /// The key that was asked for did not sign.
    #[error("the checkpoint is not signed by the expected key")]
    NotSigned,
    /// The key's signature does not hold.
    #[error("the signature on the checkpoint does not hold")]
    BadSignature,
}
