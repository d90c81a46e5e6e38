//! Records, one's own and those that peers released to us: versions, the head of each, and the envelopes as their
//! originators made them, encrypted under a key per record.

use prost::Message;
use selat_record::pb::RecordKind;
use selat_record::{ContentId, ParticipantId, RecordId, Timestamp};

use super::{Access, content_id, decoded, moment, sound};
use crate::batch::Batch;
use crate::engine::SCAN_MAX;
use crate::error::StoreError;
use crate::keys::{Key, KeyParts};
use crate::vault::RecordKey;

/// Most originators of one record id that are looked at. Honest ids are unique; a hostile peer may copy one.
const OWNERS_MAX: usize = 64;

/// The records that this node holds.
#[derive(Clone)]
pub struct Records(pub(super) Access);

/// The latest version of a record, as far as we hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its version.
    pub version: u32,
    /// Its content.
    pub content_id: ContentId,
    /// What it is about.
    pub kind: RecordKind,
    /// When it ends by itself.
    pub valid_until: Option<Timestamp>,
}

/// A record and its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRecord {
    /// Who made it.
    pub originator: ParticipantId,
    /// Which.
    pub record_id: RecordId,
    /// Its latest version.
    pub head: Head,
}

/// Where a version came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Source {
    /// Made here.
    Own = 1,
    /// Released to us by its originator.
    Peer = 2,
}

/// One version of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub version: u32,
    /// Its content.
    pub content_id: ContentId,
    /// What it is about.
    pub kind: RecordKind,
    /// When it entered our logs: signatures are judged at this moment.
    pub first_logged: Timestamp,
    /// When it ends by itself.
    pub valid_until: Option<Timestamp>,
    /// Content of the version that it replaces.
    pub replaces: Option<ContentId>,
    /// Where it came from.
    pub source: Source,
}

/// A version to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewVersion<'a> {
    /// Who made the record.
    pub originator: &'a ParticipantId,
    /// Which record.
    pub record_id: RecordId,
    /// What is stored about the version.
    pub version: Version,
    /// The envelope, encoded, as its originator made it.
    pub envelope: &'a [u8],
    /// The record's key: minted with its first version here, read for the later ones.
    pub key: &'a RecordKey,
    /// The head that the caller read; `None` when there was none. The batch conflicts if that has changed.
    pub head: Option<&'a Head>,
}

impl Records {
    /// Mints the key of a record and stores it, wrapped. Conflicts if the record has one.
    pub fn mint_record_key(&self, batch: &mut Batch, originator: &ParticipantId, record: RecordId) -> RecordKey {
        let key = self.0.vault.mint_key();
        let at = record_key_key(originator, record);
        batch.require_absent(at.clone());
        batch.put(at, self.0.vault.wrap(originator, record, &key));
        key
    }

    /// The key of a record, if it has one.
    pub async fn record_key(
        &self,
        originator: &ParticipantId,
        record: RecordId,
    ) -> Result<Option<RecordKey>, StoreError> {
        let wrapped = self.0.get(&record_key_key(originator, record)).await?;
        Ok(wrapped.map(|wrapped| self.0.vault.unwrap(originator, record, &wrapped)).transpose()?)
    }

    /// Stores a version. It becomes the head unless the head is a later one. Conflicts if the version is held already, or
    /// the head is not the one that the caller read.
    pub fn put_version(&self, batch: &mut Batch, new: &NewVersion<'_>) {
        let NewVersion { originator, record_id, version, envelope, key, head } = *new;
        let version_at = version_key(originator, record_id, version.version);
        batch.require_absent(version_at.clone());
        batch.put(version_at, version_row(&version));
        let content_at = content_key(originator, record_id, &version.content_id);
        batch.put(content_at, self.0.vault.seal_content(key, &version.content_id, envelope));
        let head_at = head_key(originator, record_id);
        batch.require_unchanged(head_at.clone(), head.map(head_row));
        if head.is_none_or(|head| head.version < version.version) {
            batch.put(head_at, head_row(&version.head()));
        }
        if head.is_none() {
            batch.put(owner_key(record_id, originator), Vec::new());
        }
    }

    /// Demands that the latest version of a record is still the one that was read.
    pub fn require_head(&self, batch: &mut Batch, originator: &ParticipantId, record: RecordId, head: &Head) {
        batch.require_equals(head_key(originator, record), head_row(head));
    }

    /// The latest version of a record.
    pub async fn head(&self, originator: &ParticipantId, record: RecordId) -> Result<Option<Head>, StoreError> {
        let key = head_key(originator, record);
        self.0.get(&key).await?.map(|bytes| head(&key, &bytes)).transpose()
    }

    /// One version.
    pub async fn version(
        &self,
        originator: &ParticipantId,
        record: RecordId,
        number: u32,
    ) -> Result<Option<Version>, StoreError> {
        let key = version_key(originator, record, number);
        self.0.get(&key).await?.map(|bytes| version(&key, &bytes)).transpose()
    }

    /// All versions that we hold, oldest first; the first [`SCAN_MAX`] of them.
    pub async fn versions(&self, originator: &ParticipantId, record: RecordId) -> Result<Vec<Version>, StoreError> {
        let prefix = Key::of("r/").participant(originator).raw(record.as_bytes()).done();
        let rows = self.0.page(prefix, None, SCAN_MAX).await?;
        rows.iter().map(|(key, bytes)| version(key, bytes)).collect()
    }

    /// The envelope of one version, encoded, as its originator made it.
    pub async fn envelope(
        &self,
        originator: &ParticipantId,
        record: RecordId,
        content: &ContentId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let content_at = content_key(originator, record, content);
        let mut found = self.0.engine.read(vec![content_at, record_key_key(originator, record)]).await?;
        let (wrapped, sealed) = (found.pop().flatten(), found.pop().flatten());
        // Without its key a content is purged, whatever bytes are left of it.
        let (Some(wrapped), Some(sealed)) = (wrapped, sealed) else { return Ok(None) };
        let key = self.0.vault.unwrap(originator, record, &wrapped)?;
        Ok(Some(self.0.vault.open_content(&key, content, &sealed)?))
    }

    /// One page of all records, by originator and id, after the given one. The last page is empty.
    pub async fn scan_heads(
        &self,
        after: Option<(&ParticipantId, RecordId)>,
        limit: usize,
    ) -> Result<Vec<HeldRecord>, StoreError> {
        self.heads_under(Key::of("h/"), after, limit).await
    }

    /// One page of the records of one originator, by id.
    pub async fn scan_heads_of(
        &self,
        originator: &ParticipantId,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<HeldRecord>, StoreError> {
        let after = after.map(|record| (originator, record));
        self.heads_under(Key::of("h/").participant(originator), after, limit).await
    }

    /// Everything held under a record id: our own first, then by originator.
    pub async fn find(&self, record: RecordId) -> Result<Vec<HeldRecord>, StoreError> {
        let prefix = Key::of("i/").raw(record.as_bytes()).done();
        let mut held = Vec::new();
        for (key, _) in self.0.page(prefix, None, OWNERS_MAX).await? {
            let mut parts = sound(&key, KeyParts::after("i/", &key))?;
            let _record = sound(&key, parts.raw::<16>())?;
            let originator = sound(&key, parts.participant())?;
            if let Some(head) = self.head(&originator, record).await? {
                held.push(HeldRecord { originator, record_id: record, head });
            }
        }
        held.sort_by_key(|held| held.originator != self.0.own);
        Ok(held)
    }

    async fn heads_under(
        &self,
        prefix: Key,
        after: Option<(&ParticipantId, RecordId)>,
        limit: usize,
    ) -> Result<Vec<HeldRecord>, StoreError> {
        let after = after.map(|(originator, record)| head_key(originator, record));
        let rows = self.0.page(prefix.done(), after, limit).await?;
        rows.iter().map(|(key, bytes)| held_record(key, bytes)).collect()
    }
}

impl Version {
    /// The head that this version makes.
    pub fn head(&self) -> Head {
        Head { version: self.version, content_id: self.content_id, kind: self.kind, valid_until: self.valid_until }
    }
}

pub(super) fn head_key(originator: &ParticipantId, record: RecordId) -> Vec<u8> {
    Key::of("h/").participant(originator).raw(record.as_bytes()).done()
}

pub(super) fn version_key(originator: &ParticipantId, record: RecordId, version: u32) -> Vec<u8> {
    Key::of("r/").participant(originator).raw(record.as_bytes()).raw(&version.to_be_bytes()).done()
}

fn content_key(originator: &ParticipantId, record: RecordId, content: &ContentId) -> Vec<u8> {
    Key::of("c/").participant(originator).raw(record.as_bytes()).raw(content.as_bytes()).done()
}

fn record_key_key(originator: &ParticipantId, record: RecordId) -> Vec<u8> {
    Key::of("k/").participant(originator).raw(record.as_bytes()).done()
}

pub(super) fn owner_key(record: RecordId, originator: &ParticipantId) -> Vec<u8> {
    Key::of("i/").raw(record.as_bytes()).participant(originator).done()
}

/// A head as its row holds it.
pub(super) fn head_row(head: &Head) -> Vec<u8> {
    HeadRow::from(head).encode_to_vec()
}

/// A version as its row holds it.
pub(super) fn version_row(version: &Version) -> Vec<u8> {
    VersionRow::from(version).encode_to_vec()
}

#[derive(Clone, PartialEq, Message)]
struct HeadRow {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(bytes = "vec", tag = "2")]
    content_id: Vec<u8>,
    #[prost(enumeration = "RecordKind", tag = "3")]
    kind: i32,
    #[prost(int64, optional, tag = "4")]
    valid_until_ms: Option<i64>,
}

impl From<&Head> for HeadRow {
    fn from(head: &Head) -> Self {
        Self {
            version: head.version,
            content_id: head.content_id.as_bytes().to_vec(),
            kind: head.kind.into(),
            valid_until_ms: head.valid_until.map(Timestamp::ms),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct VersionRow {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(bytes = "vec", tag = "2")]
    content_id: Vec<u8>,
    #[prost(enumeration = "RecordKind", tag = "3")]
    kind: i32,
    #[prost(int64, tag = "4")]
    first_logged_ms: i64,
    #[prost(int64, optional, tag = "5")]
    valid_until_ms: Option<i64>,
    #[prost(bytes = "vec", optional, tag = "6")]
    replaces: Option<Vec<u8>>,
    #[prost(enumeration = "Source", tag = "7")]
    source: i32,
}

impl From<&Version> for VersionRow {
    fn from(version: &Version) -> Self {
        Self {
            version: version.version,
            content_id: version.content_id.as_bytes().to_vec(),
            kind: version.kind.into(),
            first_logged_ms: version.first_logged.ms(),
            valid_until_ms: version.valid_until.map(Timestamp::ms),
            replaces: version.replaces.map(|content| content.as_bytes().to_vec()),
            source: version.source.into(),
        }
    }
}

fn head(key: &[u8], bytes: &[u8]) -> Result<Head, StoreError> {
    let row: HeadRow = decoded(key, bytes)?;
    Ok(Head {
        version: row.version,
        content_id: content_id(key, &row.content_id)?,
        kind: record_kind(key, row.kind)?,
        valid_until: row.valid_until_ms.map(|ms| moment(key, ms)).transpose()?,
    })
}

fn version(key: &[u8], bytes: &[u8]) -> Result<Version, StoreError> {
    let row: VersionRow = decoded(key, bytes)?;
    Ok(Version {
        version: row.version,
        content_id: content_id(key, &row.content_id)?,
        kind: record_kind(key, row.kind)?,
        first_logged: moment(key, row.first_logged_ms)?,
        valid_until: row.valid_until_ms.map(|ms| moment(key, ms)).transpose()?,
        replaces: row.replaces.map(|bytes| content_id(key, &bytes)).transpose()?,
        source: sound(key, Source::try_from(row.source).ok())?,
    })
}

fn record_kind(key: &[u8], kind: i32) -> Result<RecordKind, StoreError> {
    sound(key, RecordKind::try_from(kind).ok().filter(|kind| *kind != RecordKind::Unspecified))
}

fn held_record(key: &[u8], bytes: &[u8]) -> Result<HeldRecord, StoreError> {
    let mut parts = sound(key, KeyParts::after("h/", key))?;
    Ok(HeldRecord {
        originator: sound(key, parts.participant())?,
        record_id: sound(key, parts.raw::<16>().and_then(|bytes| RecordId::from_slice(&bytes).ok()))?,
        head: head(key, bytes)?,
    })
}
