//! How the use-cases reach a peer. `node` implements it over mTLS; tests may implement it over nothing.

use std::time::Duration;

use async_trait::async_trait;
use selat_record::pb;
use selat_seal::AcceptedDescriptor;

/// Why a call brought no reply.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// No connection, or it broke.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The deadline passed.
    #[error("no answer before the deadline")]
    Late,
    /// The peer's node refused the call itself.
    #[error("refused: {0}")]
    Refused(String),
    /// What came is no reply of the protocol: a fault of the peer.
    #[error("it broke the protocol: {0}")]
    Garbled(String),
}

/// Calls to other nodes.
#[async_trait]
pub trait PeerPort: Send + Sync + 'static {
    /// Delivers a query and brings back the answer's envelope, unverified.
    async fn ask(
        &self,
        peer: &AcceptedDescriptor,
        query: pb::Envelope,
        deadline: Duration,
    ) -> Result<pb::Envelope, CallError>;
}
