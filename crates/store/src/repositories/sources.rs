//! What was imported from where, so that importing the same file again makes nothing twice. Source keys can name people, so
//! rows are found by a keyed hash of them.

use prost::Message;
use selat_record::{ContentId, RecordId};

use super::{Access, content_id, sound};
use crate::batch::Batch;
use crate::error::StoreError;
use crate::keys::Key;

/// The rows that were imported.
#[derive(Clone)]
pub struct Sources(pub(super) Access);

/// What an imported row became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The record.
    pub record_id: RecordId,
    /// Digest of the draft that the row gave: another digest means that the row has changed.
    pub digest: [u8; 32],
    /// The version that the import made last: another head means that the record was changed by hand since.
    pub content_id: ContentId,
}

impl Sources {
    /// What the row with this key in this source became, if it was imported.
    pub async fn get(&self, source: &str, source_key: &str) -> Result<Option<Imported>, StoreError> {
        let key = self.key(source, source_key);
        let Some(row) = self.0.row::<ImportedRow>(&key).await? else { return Ok(None) };
        let record_id = sound(&key, RecordId::from_slice(&row.record_id).ok())?;
        let digest = sound(&key, row.digest.try_into().ok())?;
        Ok(Some(Imported { record_id, digest, content_id: content_id(&key, &row.content_id)? }))
    }

    /// Notes what a row became. `was` is what [`Sources::get`] gave; the batch conflicts if that has changed.
    pub fn put(&self, batch: &mut Batch, source: &str, source_key: &str, was: Option<&Imported>, now: &Imported) {
        let key = self.key(source, source_key);
        batch.require_unchanged(key.clone(), was.map(|was| ImportedRow::from(was).encode_to_vec()));
        batch.put(key, ImportedRow::from(now).encode_to_vec());
    }

    fn key(&self, source: &str, source_key: &str) -> Vec<u8> {
        let named = [source.as_bytes(), b"\0", source_key.as_bytes()].concat();
        Key::of("s/").raw(&self.0.vault.keyed("source", &named)).done()
    }
}

#[derive(Clone, PartialEq, Message)]
struct ImportedRow {
    #[prost(bytes = "vec", tag = "1")]
    record_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    digest: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    content_id: Vec<u8>,
}

impl From<&Imported> for ImportedRow {
    fn from(imported: &Imported) -> Self {
        Self {
            record_id: imported.record_id.as_bytes().to_vec(),
            digest: imported.digest.to_vec(),
            content_id: imported.content_id.as_bytes().to_vec(),
        }
    }
}
