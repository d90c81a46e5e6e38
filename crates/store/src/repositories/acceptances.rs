//! The signed acceptances: that people here compared the safety phrase with a participant, which descriptors they compared
//! and over which channel. They outlive the peer: removing it forgets none of them.

use prost::Message;
use selat_record::{ParticipantId, Timestamp};

use super::{Access, decoded, moment};
use crate::batch::Batch;
use crate::engine::SCAN_MAX;
use crate::error::StoreError;
use crate::keys::Key;

/// The acceptances that this node made.
#[derive(Clone)]
pub struct Acceptances(pub(super) Access);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The signed envelope, encoded.
    pub envelope: Vec<u8>,
    /// When it was made: its signature is judged at this moment.
    pub at: Timestamp,
}

impl Acceptances {
    /// Keeps an acceptance of `peer`. `id` is that of its header, which sorts by time.
    pub fn add(&self, batch: &mut Batch, peer: &ParticipantId, id: &[u8; 16], accepted: &Accepted) {
        let key = Key::of("pa/").participant(peer).raw(id).done();
        batch.require_absent(key.clone());
        batch.put(key, AcceptedRow { envelope: accepted.envelope.clone(), at_ms: accepted.at.ms() }.encode_to_vec());
    }

    /// The acceptances of a participant, oldest first; the first [`SCAN_MAX`].
    pub async fn of(&self, peer: &ParticipantId) -> Result<Vec<Accepted>, StoreError> {
        let rows = self.0.page(Key::of("pa/").participant(peer).done(), None, SCAN_MAX).await?;
        rows.iter().map(|(key, bytes)| accepted(key, bytes)).collect()
    }
}

#[derive(Clone, PartialEq, Message)]
struct AcceptedRow {
    #[prost(bytes = "vec", tag = "1")]
    envelope: Vec<u8>,
    #[prost(int64, tag = "2")]
    at_ms: i64,
}

fn accepted(key: &[u8], bytes: &[u8]) -> Result<Accepted, StoreError> {
    let AcceptedRow { envelope, at_ms } = decoded(key, bytes)?;
    Ok(Accepted { envelope, at: moment(key, at_ms)? })
}
