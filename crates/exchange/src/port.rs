//! How the use-cases reach a peer. `node` implements it over mTLS; tests may implement it over nothing.

use std::time::Duration;

use async_trait::async_trait;
use selat_record::{ContentId, ParticipantId, pb};
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

/// Which descriptor of a chain: its number and its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edition {
    /// Its number.
    pub version: u64,
    /// Its content id.
    pub hash: ContentId,
}

impl Edition {
    /// That of a descriptor.
    pub fn of(descriptor: &AcceptedDescriptor) -> Self {
        Self { version: descriptor.version(), hash: descriptor.content_id() }
    }
}

/// What each side says of clocks and descriptors when they say hello. Nothing of it is believed without the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The speaker's clock, in milliseconds since 1970.
    pub now_ms: i64,
    /// The speaker's own descriptor in force.
    pub own: Edition,
    /// What the speaker holds of the other side.
    pub yours: Option<Edition>,
    /// What the speaker holds of other participants that may be named.
    pub held: Vec<(ParticipantId, Edition)>,
}

/// Calls to other nodes. The port sees to their deadlines.
#[async_trait]
pub trait PeerPort: Send + Sync + 'static {
    /// Delivers a query and brings back the answer's envelope, unverified.
    async fn ask(
        &self,
        peer: &AcceptedDescriptor,
        query: pb::Envelope,
        deadline: Duration,
    ) -> Result<pb::Envelope, CallError>;

    /// Says hello and brings back what the peer says.
    async fn hello(&self, peer: &AcceptedDescriptor, greeting: Greeting) -> Result<Greeting, CallError>;

    /// Brings the descriptors of `participant` that the peer holds from a version on, unverified, at most 16.
    async fn descriptors(
        &self,
        peer: &AcceptedDescriptor,
        participant: &ParticipantId,
        from: u64,
    ) -> Result<Vec<pb::Envelope>, CallError>;

    /// Shows the peer the next version of our descriptor and brings back which one it holds now.
    async fn announce(&self, peer: &AcceptedDescriptor, descriptor: pb::Envelope) -> Result<Edition, CallError>;
}
