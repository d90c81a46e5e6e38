//! Drafts of the next own descriptor that wait for their signatures. Whoever asks for one again gets the same: two that
//! differ under one number must not both be signed.

use prost::Message;
use selat_record::{ContentId, Timestamp};

use super::{Access, decoded, moment, sound};
use crate::batch::Batch;
use crate::engine::SCAN_MAX;
use crate::error::StoreError;
use crate::keys::{Key, KeyParts};

/// The drafts, by the descriptor that they follow on and by what they are for.
#[derive(Clone)]
pub struct Drafts(pub(super) Access);

/// One draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The unsigned envelope, encoded.
    pub envelope: Vec<u8>,
    /// Names what it does. What is to be done may change before it is signed; then it no longer serves.
    pub deed: [u8; 32],
    /// From when a key is called compromised in it, if one is.
    pub since: Option<Timestamp>,
    /// When it was made.
    pub made: Timestamp,
}

impl Drafts {
    /// The draft that follows on `base` for the purpose that `about` names.
    pub async fn get(&self, base: &ContentId, about: &[u8; 32]) -> Result<Option<Draft>, StoreError> {
        let key = draft_key(base, about);
        self.0.get(&key).await?.map(|bytes| draft(&key, &bytes)).transpose()
    }

    /// Keeps a draft in place of the one before, and forgets those that follow on other descriptors.
    pub async fn put(
        &self,
        batch: &mut Batch,
        base: &ContentId,
        about: &[u8; 32],
        draft: &Draft,
    ) -> Result<(), StoreError> {
        for (key, _) in self.0.page(Key::of("kd/").done(), None, SCAN_MAX).await? {
            let mut parts = sound(&key, KeyParts::after("kd/", &key))?;
            if sound(&key, parts.raw::<32>())? != *base.as_bytes() {
                batch.delete(key);
            }
        }
        let row = DraftRow {
            envelope: draft.envelope.clone(),
            deed: draft.deed.to_vec(),
            since_ms: draft.since.map(Timestamp::ms),
            made_ms: draft.made.ms(),
        };
        batch.put(draft_key(base, about), row.encode_to_vec());
        Ok(())
    }
}

fn draft_key(base: &ContentId, about: &[u8; 32]) -> Vec<u8> {
    Key::of("kd/").raw(base.as_bytes()).raw(about).done()
}

#[derive(Clone, PartialEq, Message)]
struct DraftRow {
    #[prost(bytes = "vec", tag = "1")]
    envelope: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    deed: Vec<u8>,
    #[prost(int64, optional, tag = "3")]
    since_ms: Option<i64>,
    #[prost(int64, tag = "4")]
    made_ms: i64,
}

fn draft(key: &[u8], bytes: &[u8]) -> Result<Draft, StoreError> {
    let row: DraftRow = decoded(key, bytes)?;
    Ok(Draft {
        envelope: row.envelope,
        deed: sound(key, row.deed.try_into().ok())?,
        since: row.since_ms.map(|ms| moment(key, ms)).transpose()?,
        made: moment(key, row.made_ms)?,
    })
}
