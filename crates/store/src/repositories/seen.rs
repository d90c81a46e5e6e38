//! Queries that were answered, kept until they expire: a query id is answered once.

use selat_record::{ParticipantId, Timestamp};

use super::{Access, sound};
use crate::batch::Batch;
use crate::error::StoreError;
use crate::keys::{Key, KeyParts};

/// Most queries that one batch forgets.
const PURGE_MAX: usize = 256;

/// The queries that must not be answered again.
#[derive(Clone)]
pub struct Seen(pub(super) Access);

impl Seen {
    /// Remembers a query until it expires. The batch conflicts if it is remembered already.
    pub fn remember(&self, batch: &mut Batch, issuer: &ParticipantId, query: &[u8; 16], expires: Timestamp) {
        let key = query_key(issuer, query);
        batch.require_absent(key.clone());
        batch.put(key, expiry_ms(expires).to_be_bytes().to_vec());
        batch.put(expiry_key(expires, issuer, query), Vec::new());
    }

    /// True for a query that was answered and has not been forgotten.
    pub async fn is_seen(&self, issuer: &ParticipantId, query: &[u8; 16]) -> Result<bool, StoreError> {
        Ok(self.0.get(&query_key(issuer, query)).await?.is_some())
    }

    /// Forgets the queries that expired before `now`; whoever sends one of them again is refused because of its age.
    /// Returns how many.
    pub async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let rows = self.0.page(Key::of("sx/").done(), None, PURGE_MAX).await?;
            let mut batch = Batch::new();
            for (key, _) in &rows {
                let mut parts = sound(key, KeyParts::after("sx/", key))?;
                if sound(key, parts.raw().map(u64::from_be_bytes))? >= expiry_ms(now) {
                    break;
                }
                let issuer = sound(key, parts.participant())?;
                let query = sound(key, parts.raw())?;
                batch.delete(key.clone());
                batch.delete(query_key(&issuer, &query));
                forgotten += 1;
            }
            if batch.is_empty() {
                return Ok(forgotten);
            }
            self.0.engine.commit(batch).await?;
        }
    }
}

fn query_key(issuer: &ParticipantId, query: &[u8; 16]) -> Vec<u8> {
    Key::of("sq/").participant(issuer).raw(query).done()
}

fn expiry_key(expires: Timestamp, issuer: &ParticipantId, query: &[u8; 16]) -> Vec<u8> {
    Key::of("sx/").raw(&expiry_ms(expires).to_be_bytes()).participant(issuer).raw(query).done()
}

/// Timestamps are never negative, so they sort as unsigned numbers.
fn expiry_ms(time: Timestamp) -> u64 {
    time.ms().unsigned_abs()
}
