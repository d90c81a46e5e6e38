//! The node's own account of every access, as openings of its audit log.

use prost::Message;
use selat_ledger::LogId;
use selat_record::pb;

use super::Access;
use super::entries::{self, NewEntry, Opened};
use crate::batch::Batch;
use crate::error::StoreError;

/// The audit log.
#[derive(Clone)]
pub struct Audit(pub(super) Access);

/// One entry of it.
pub type AuditRow = Opened<pb::AuditOpening>;

impl Audit {
    /// The log beneath.
    pub fn log(&self) -> LogId {
        LogId::audit(&self.0.own)
    }

    /// Adds an entry. `nonce` is 32 fresh random bytes.
    pub fn append(&self, batch: &mut Batch, opening: &pb::AuditOpening, nonce: &[u8; 32]) -> Result<(), StoreError> {
        let bytes = opening.encode_to_vec();
        let leaf = entries::leaf(opening.action, opening.time_ms, nonce, &bytes)?;
        entries::append(&self.0, batch, NewEntry { log: self.log(), leaf, nonce, opening: bytes, marks: Vec::new() });
        Ok(())
    }

    /// How many entries there are.
    pub async fn size(&self) -> Result<u64, StoreError> {
        self.0.logs().size(&self.log()).await
    }

    /// Up to `limit` entries from an index on.
    pub async fn list(&self, from: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        entries::list(&self.0, &self.log(), from, limit).await
    }
}
