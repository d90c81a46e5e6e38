//! What is kept beside each leaf of a release or audit log: the nonce and the opening that the leaf commits to, concealed.

use prost::Message;
use selat_ledger::{Leaf, LogId};
use selat_record::Timestamp;

use super::{Access, decoded, sound};
use crate::batch::{Append, Batch};
use crate::error::StoreError;
use crate::keys;

/// An entry of a log with what its leaf commits to. The commitment has been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened<T> {
    /// Its index.
    pub index: u64,
    /// The leaf.
    pub leaf: Leaf,
    /// The nonce of the commitment.
    pub nonce: [u8; 32],
    /// What the leaf commits to, as committed.
    pub opening: Vec<u8>,
    /// The same, decoded.
    pub message: T,
}

/// An entry to be appended.
pub(super) struct NewEntry<'a> {
    pub(super) log: LogId,
    pub(super) leaf: Leaf,
    pub(super) nonce: &'a [u8; 32],
    pub(super) opening: Vec<u8>,
    /// Keys that get its index.
    pub(super) marks: Vec<Vec<u8>>,
}

/// Appends an entry with its nonce and opening beside it.
pub(super) fn append(access: &Access, batch: &mut Batch, new: NewEntry<'_>) {
    let row = EntryRow { nonce: new.nonce.to_vec(), opening: new.opening };
    let entry = access.vault.conceal(new.log.as_str(), &row.encode_to_vec());
    batch.append(Append { log: new.log, leaf: new.leaf.encode(), entry, marks: new.marks });
}

/// The leaf that commits to an opening of our own making.
pub(super) fn leaf(kind: i32, time_ms: i64, nonce: &[u8; 32], opening: &[u8]) -> Result<Leaf, StoreError> {
    let kind = u8::try_from(kind).ok().filter(|kind| *kind != 0);
    let kind = kind.ok_or(StoreError::Refused { why: "the entry has no kind that fits a leaf" })?;
    let time = Timestamp::from_ms(time_ms).ok_or(StoreError::Refused { why: "the entry's time is out of range" })?;
    Ok(Leaf::commit(kind, time, nonce, opening))
}

/// Entries of a log from an index on.
pub(super) async fn list<T: Message + Default>(
    access: &Access,
    log: &LogId,
    from: u64,
    limit: usize,
) -> Result<Vec<Opened<T>>, StoreError> {
    let mut entries = Vec::new();
    for row in access.logs().entries(log, from, limit).await? {
        let key = keys::log_entry(log, row.index);
        let kept: EntryRow = decoded(&key, &access.vault.reveal(log.as_str(), &row.entry)?)?;
        let leaf = sound(&key, Leaf::decode(&row.leaf).ok())?;
        let nonce = sound(&key, kept.nonce.try_into().ok())?;
        sound(&key, leaf.opens_to(&nonce, &kept.opening).then_some(()))?;
        let message = decoded(&key, &kept.opening)?;
        entries.push(Opened { index: row.index, leaf, nonce, opening: kept.opening, message });
    }
    Ok(entries)
}

#[derive(Clone, PartialEq, Message)]
struct EntryRow {
    #[prost(bytes = "vec", tag = "1")]
    nonce: Vec<u8>,
    /// Kept as it was committed to: another encoding of the same message would not match the leaf.
    #[prost(bytes = "vec", tag = "2")]
    opening: Vec<u8>,
}
