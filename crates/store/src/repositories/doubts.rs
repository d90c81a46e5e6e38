//! Versions of records that are no longer believed, because the key that signed them was compromised: taken out of the
//! record, so that whoever reads records never meets them, and listed in quarantine with their envelopes still sealed under
//! the record's key. Beside them, how far each peer's log to us has been walked for such versions.

use prost::Message;
use selat_record::{ParticipantId, RecordId};

use super::records::{head_key, head_row, owner_key, version_key, version_row};
use super::{Access, Head, Version, sound};
use crate::batch::Batch;
use crate::error::StoreError;
use crate::keys::Key;

/// What was taken out, and what is still to be looked at.
#[derive(Clone)]
pub struct Doubts(pub(super) Access);

/// Versions to be taken out of one record.
#[derive(Debug, Clone, Copy)]
pub struct Removal<'a> {
    /// Who made the record.
    pub originator: &'a ParticipantId,
    /// Which record.
    pub record_id: RecordId,
    /// Its head as it was read; the batch conflicts if that has changed.
    pub head: &'a Head,
    /// The versions that go, as they were read.
    pub versions: &'a [Version],
    /// The latest version that stays, if one does.
    pub left: Option<&'a Version>,
}

/// How far a peer's log to us has been walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// Names the compromised keys and moments that were looked for: with others the walk begins again.
    pub marks: [u8; 32],
    /// Index of the next entry.
    pub next: u64,
    /// Everything that was there has been looked at.
    pub done: bool,
}

impl Doubts {
    /// Takes versions out of a record. Its head becomes the latest version that stays; without one the record is not
    /// held any more. Envelopes and the record's key stay: they are evidence, and the next version needs the key.
    pub fn remove(&self, batch: &mut Batch, removal: &Removal<'_>) {
        let Removal { originator, record_id, head, versions, left } = *removal;
        let head_at = head_key(originator, record_id);
        batch.require_equals(head_at.clone(), head_row(head));
        for version in versions {
            let at = version_key(originator, record_id, version.version);
            batch.require_equals(at.clone(), version_row(version));
            batch.delete(at);
        }
        match left {
            Some(left) => batch.put(head_at, head_row(&left.head())),
            None => {
                batch.delete(head_at);
                batch.delete(owner_key(record_id, originator));
            }
        }
    }

    /// How far the peer's log was walked, if it ever was.
    pub async fn walk(&self, peer: &ParticipantId) -> Result<Option<Walk>, StoreError> {
        let key = walk_key(peer);
        let Some(WalkRow { marks, next, done }) = self.0.row(&key).await? else { return Ok(None) };
        Ok(Some(Walk { marks: sound(&key, marks.try_into().ok())?, next, done }))
    }

    /// Notes how far the peer's log was walked; conflicts if somebody walked on since `was` was read.
    pub fn note_walk(&self, batch: &mut Batch, peer: &ParticipantId, was: Option<&Walk>, now: &Walk) {
        let key = walk_key(peer);
        batch.require_unchanged(key.clone(), was.map(|was| WalkRow::from(was).encode_to_vec()));
        batch.put(key, WalkRow::from(now).encode_to_vec());
    }
}

fn walk_key(peer: &ParticipantId) -> Vec<u8> {
    Key::of("du/").participant(peer).done()
}

#[derive(Clone, PartialEq, Message)]
struct WalkRow {
    #[prost(bytes = "vec", tag = "1")]
    marks: Vec<u8>,
    #[prost(uint64, tag = "2")]
    next: u64,
    #[prost(bool, tag = "3")]
    done: bool,
}

impl From<&Walk> for WalkRow {
    fn from(walk: &Walk) -> Self {
        Self { marks: walk.marks.to_vec(), next: walk.next, done: walk.done }
    }
}
