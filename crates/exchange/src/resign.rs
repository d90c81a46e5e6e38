//! After one of our own record keys was compromised: what it signed is signed again, as the next version with the same
//! words, by the key in use.
//!
//! No peer takes in anything more that the old key signed, not even what we logged long before the theft and what a peer
//! that was away, or that joins later, has never seen. So every record whose current version it signed is signed again.
//! Promises: who may receive a record does not change; a record is signed again once, however often this is run; records
//! that have expired are left alone.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use futures::future::join_all;
use selat_policy::{DeskAct, may};
use selat_record::pb::{self, KeyPurpose};
use selat_record::{Draft, RecordId, Timestamp};
use selat_seal::KeyId;
use selat_store::repositories::HeldRecord;
use tracing::warn;

use crate::ingest::{Admission, Receipt, as_draft};
use crate::onboard::is_of_one_record;
use crate::{Actor, Exchange, ExchangeError};

/// Most records in one reply.
pub const RESIGNED_MAX: usize = 1000;
/// Heads that are looked at in one step.
const PAGE: usize = 128;
/// Records that are signed side by side, so that the appender makes them durable together.
const SIDE_BY_SIDE: usize = 32;
/// What a record that was signed again says of itself.
const SIGNED_AGAIN: &str = "the key that signed it is compromised";

/// An own record whose current version a compromised key signed, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResignedRecord {
    /// The record.
    pub record: RecordId,
    /// The version that the compromised key signed.
    pub version: u32,
    /// When this node first logged it.
    pub first_logged: Timestamp,
    /// The key.
    pub key: KeyId,
    /// The version that the key in use signed; missing if it was only listed, or could not be signed.
    pub new_version: Option<u32>,
}

/// What one call listed or signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resigned {
    /// By record.
    pub records: Vec<ResignedRecord>,
    /// There are more.
    pub more: bool,
}

/// How far the own records have been looked at, for these compromised keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResignCursor {
    keys: BTreeSet<KeyId>,
    /// Up to this record there is nothing left to sign again.
    after: Option<RecordId>,
    /// Nor behind it: whatever is made since is signed by another key.
    done: bool,
}

impl Exchange {
    /// Lists own records that a compromised key signed, or signs up to `limit` of them again. Run it until there are no
    /// more; what was done stays done.
    pub async fn resign(
        self: &Arc<Self>,
        actor: &Actor,
        list_only: bool,
        limit: usize,
    ) -> Result<Resigned, ExchangeError> {
        may(&actor.roles, if list_only { DeskAct::SeeKeys } else { DeskAct::ManageKeys })?;
        let limit = limit.clamp(1, RESIGNED_MAX);
        let keys = self.compromised_record_keys();
        let cursor = self.resigned_up_to(&keys);
        if keys.is_empty() || cursor.done {
            return Ok(Resigned::default());
        }
        let from = cursor.after.filter(|_| !list_only);
        let (mut found, more) = self.signed_by(&keys, from, limit).await?;
        if !list_only {
            self.sign_again(actor, &mut found).await?;
            let after = found.last().map(|(_, record)| record.record).or(from);
            // What could not be signed is met again by a walk from the beginning.
            let done = !more && found.iter().all(|(_, record)| record.new_version.is_some());
            self.note_resigned(ResignCursor { keys, after: after.filter(|_| more || done), done });
        }
        Ok(Resigned { records: found.into_iter().map(|(_, record)| record).collect(), more })
    }

    /// False for an own record that has to be signed again before anybody takes it in.
    pub(crate) fn may_be_taken_in(&self, envelope: &pb::Envelope) -> bool {
        let descriptor = self.descriptor();
        let signer = envelope.signatures.first().and_then(|signature| descriptor.key(&signature.key_id));
        signer.is_some_and(|key| key.compromised_since().is_none())
    }

    /// No key leaves the descriptor once it was called compromised there.
    fn compromised_record_keys(&self) -> BTreeSet<KeyId> {
        let descriptor = self.descriptor();
        let keys = descriptor.keys(KeyPurpose::Record).filter(|key| key.compromised_since().is_some());
        keys.map(|key| key.id()).collect()
    }

    /// How many own records a compromised key signed and no other has signed since, counted up to 1000.
    pub(crate) async fn left_to_resign(&self) -> Result<u64, ExchangeError> {
        let keys = self.compromised_record_keys();
        let cursor = self.resigned_up_to(&keys);
        if keys.is_empty() || cursor.done {
            return Ok(0);
        }
        let (found, _) = self.signed_by(&keys, cursor.after, RESIGNED_MAX).await?;
        if found.is_empty() && cursor.after.is_none() {
            self.note_resigned(ResignCursor { keys, after: None, done: true });
        }
        Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
    }

    fn resigned_up_to(&self, keys: &BTreeSet<KeyId>) -> ResignCursor {
        let cursor = self.resigned.lock().unwrap_or_else(PoisonError::into_inner);
        if cursor.keys == *keys { cursor.clone() } else { ResignCursor::default() }
    }

    fn note_resigned(&self, cursor: ResignCursor) {
        *self.resigned.lock().unwrap_or_else(PoisonError::into_inner) = cursor;
    }

    /// Up to `limit` own records after `after` whose current version one of `keys` signed; and whether there are more.
    async fn signed_by(
        &self,
        keys: &BTreeSet<KeyId>,
        mut after: Option<RecordId>,
        limit: usize,
    ) -> Result<(Vec<(HeldRecord, ResignedRecord)>, bool), ExchangeError> {
        let mut found = Vec::new();
        loop {
            let page = self.store.records.scan_heads_of(self.participant(), after, PAGE).await?;
            let Some(last) = page.last() else { return Ok((found, false)) };
            after = Some(last.record_id);
            for held in page {
                let Some(record) = self.signed_by_one_of(keys, &held).await? else { continue };
                if found.len() == limit {
                    return Ok((found, true));
                }
                found.push((held, record));
            }
        }
    }

    async fn signed_by_one_of(
        &self,
        keys: &BTreeSet<KeyId>,
        held: &HeldRecord,
    ) -> Result<Option<ResignedRecord>, ExchangeError> {
        if held.head.valid_until.is_some_and(|until| until <= self.clock.now()) {
            return Ok(None);
        }
        let (record, version) = (held.record_id, held.head.version);
        let envelope = match self.envelope(&held.originator, record, held.head.content_id).await {
            Err(error) if is_of_one_record(&error) => {
                warn!(%record, %error, "a content cannot be read, so its signer is not known");
                return Ok(None);
            }
            envelope => envelope?,
        };
        let signer = envelope.signatures.first().and_then(|signature| KeyId::from_slice(&signature.key_id));
        let Some(key) = signer.filter(|signer| keys.contains(signer)) else { return Ok(None) };
        let row = self.store.records.version(&held.originator, record, version).await?;
        let row = row.ok_or_else(|| ExchangeError::Inconsistent(format!("record {record} has no rows")))?;
        Ok(Some(ResignedRecord { record, version, first_logged: row.first_logged, key, new_version: None }))
    }

    /// One record that cannot be signed again is logged and does not stop the others.
    async fn sign_again(
        self: &Arc<Self>,
        actor: &Actor,
        found: &mut [(HeldRecord, ResignedRecord)],
    ) -> Result<(), ExchangeError> {
        for chunk in found.chunks_mut(SIDE_BY_SIDE) {
            let done = join_all(chunk.iter().map(|(held, _)| self.sign_one_again(actor, held))).await;
            for ((_, record), done) in chunk.iter_mut().zip(done) {
                match done {
                    Ok(receipt) => record.new_version = Some(receipt.version),
                    // Somebody amended it meanwhile, with the key in use.
                    Err(ExchangeError::VersionConflict { current, .. }) => record.new_version = Some(current),
                    Err(error) if is_of_one_record(&error) || matches!(error, ExchangeError::Seal(_)) => {
                        warn!(record = %record.record, %error, "record not signed again");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    async fn sign_one_again(self: &Arc<Self>, actor: &Actor, held: &HeldRecord) -> Result<Receipt, ExchangeError> {
        let record = self.load(self.participant(), held.record_id, held.head.content_id).await?;
        let mut message = as_draft(record.message().clone());
        message.amendment_reason = SIGNED_AGAIN.into();
        let draft = Draft::check(message)?;
        let valid_until = record.valid_until();
        self.admit(Admission { actor, reason: None, draft, valid_until, replaces: Some(held.clone()), source: None })
            .await
    }
}
