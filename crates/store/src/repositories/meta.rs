//! Whose store it is, in which layout, and the latest time it has known.

use prost::Message;
use selat_record::Timestamp;

use super::{Access, Identity, decoded, moment};
use crate::batch::Batch;
use crate::error::StoreError;
use crate::keys::Key;

/// How the repositories lay out their rows. Raised when an older store can no longer be read as it is.
const FORMAT: u32 = 1;

/// Facts about the store as a whole.
#[derive(Clone)]
pub struct Meta(pub(super) Access);

impl Meta {
    /// The latest time that was noted: a clock that shows less has been set back.
    pub async fn high_water(&self) -> Result<Option<Timestamp>, StoreError> {
        let key = high_water_key();
        let row: Option<HighWaterRow> = self.0.row(&key).await?;
        row.map(|row| moment(&key, row.time_ms)).transpose()
    }

    /// Notes the time. The caller sees to it that it only rises, unless an operator takes a lower one on.
    pub fn note_high_water(&self, batch: &mut Batch, now: Timestamp) {
        batch.put(high_water_key(), HighWaterRow { time_ms: now.ms() }.encode_to_vec());
    }

    /// Marks a new store as this participant's, or checks that it is.
    pub(super) async fn claim(&self, identity: &Identity) -> Result<(), StoreError> {
        let key = identity_key();
        let own = self.identity_row(identity);
        let Some(bytes) = self.0.get(&key).await? else {
            let mut batch = Batch::new();
            batch.require_absent(key.clone());
            batch.put(key, own.encode_to_vec());
            return self.0.engine.commit(batch).await.map(drop);
        };
        let found: IdentityRow = decoded(&key, &bytes)?;
        if found.format != own.format {
            return Err(StoreError::Format { found: found.format.to_string(), expected: own.format.to_string() });
        }
        if (&found.participant, &found.federation) != (&own.participant, &own.federation) {
            return Err(StoreError::Foreign { found: found.owner(), expected: own.owner() });
        }
        if found.key_check != own.key_check { Err(StoreError::WrongKey) } else { Ok(()) }
    }

    fn identity_row(&self, identity: &Identity) -> IdentityRow {
        IdentityRow {
            format: FORMAT,
            participant: identity.participant.to_string(),
            federation: identity.federation.to_string(),
            key_check: self.0.vault.keyed("storage-key-check", b"").to_vec(),
        }
    }
}

fn identity_key() -> Vec<u8> {
    Key::of("m/identity").done()
}

fn high_water_key() -> Vec<u8> {
    Key::of("m/high-water").done()
}

#[derive(Clone, PartialEq, Message)]
struct IdentityRow {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(string, tag = "2")]
    participant: String,
    #[prost(string, tag = "3")]
    federation: String,
    /// A keyed hash that only the right storage key gives.
    #[prost(bytes = "vec", tag = "4")]
    key_check: Vec<u8>,
}

impl IdentityRow {
    fn owner(&self) -> String {
        format!("{} in {}", self.participant, self.federation)
    }
}

#[derive(Clone, PartialEq, Message)]
struct HighWaterRow {
    #[prost(int64, tag = "1")]
    time_ms: i64,
}
