//! After a peer has called one of its record keys compromised: what that key signed and this node first logged since is
//! taken out of sight and listed in quarantine. Its originator signs it again as the next version, which is taken in like
//! any other.
//!
//! Promises: what was logged before the moment stays; each page of the peer's log is one batch with how far the walk has
//! come, so that it goes on after a crash and does nothing twice; a moment that moves earlier is walked for again.

use std::collections::BTreeMap;
use std::sync::Arc;

use selat_record::pb::{self, AuditAction, KeyPurpose, LogEntryKind};
use selat_record::{ContentId, ParticipantId, RecordId, Timestamp};
use selat_seal::{AcceptedDescriptor, KeyId, sha256};
use selat_store::repositories::{Opened, Quarantined, Removal, Version, Walk};
use selat_store::{Batch, StoreError};
use tracing::{error, info};

use crate::accounts::Act;
use crate::onboard::is_of_one_record;
use crate::{Exchange, ExchangeError};

/// Why such a version is in quarantine.
pub(crate) const CODE: &str = "KEY_COMPROMISED";
/// Entries of a log that are looked at in one step.
const PAGE: usize = 128;
/// How often a page is looked at again because another change came first.
const TRIES_MAX: usize = 8;

/// From when each compromised record key of one peer is not believed.
type Marks = BTreeMap<KeyId, Timestamp>;
/// Versions that go, each with the entry of the log that brought it.
type Suspects = BTreeMap<RecordId, Vec<(u64, Version)>>;

/// What a record is left with.
struct Outcome {
    record: RecordId,
    /// The content to be found from now on; missing if nothing is held any more.
    left: Option<ContentId>,
}

impl Exchange {
    /// Takes out of sight what a compromised key of `peer` signed. Safe to run at any time: a walk that was broken off is
    /// continued, one that is done is not repeated. Returns how many versions were taken out.
    pub async fn doubt(&self, peer: &ParticipantId) -> Result<u64, ExchangeError> {
        let _one_at_a_time = self.doubting.lock().await;
        let marks = self.book().peer(peer).map_or_else(|_| Marks::new(), |known| marks_of(&known.descriptor));
        if marks.is_empty() {
            return Ok(0);
        }
        let digest = digest_of(&marks);
        let mut sum = 0;
        let mut conflicts = 0;
        loop {
            let was = self.store.doubts.walk(peer).await?;
            let from = match &was {
                Some(walk) if walk.marks == digest && walk.done => return Ok(sum),
                Some(walk) if walk.marks == digest => walk.next,
                _ => 0,
            };
            match self.doubt_page(peer, &marks, (was.as_ref(), from)).await {
                Ok(out) => (sum, conflicts) = (sum + out, 0),
                // A version came in, or the set of peers changed: what follows from it is looked at again.
                Err(ExchangeError::Store(StoreError::Conflict { .. })) if conflicts < TRIES_MAX => conflicts += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Continues every walk that was broken off. What cannot be walked is told and does not keep the node down.
    pub(crate) async fn doubt_all(&self) {
        let peers: Vec<_> = self.book().all().map(|peer| peer.row.participant.clone()).collect();
        for peer in peers {
            self.doubt_and_tell(&peer).await;
        }
    }

    /// Begins the walk and does not wait for it: a log may be long, and whoever showed us the descriptor waits.
    pub(crate) fn doubt_later(self: &Arc<Self>, peer: &ParticipantId) {
        let (exchange, peer) = (self.clone(), peer.clone());
        self.spawn(async move { exchange.doubt_and_tell(&peer).await });
    }

    pub(crate) async fn doubt_and_tell(&self, peer: &ParticipantId) {
        if let Err(error) = self.doubt(peer).await {
            error!(%peer, %error, "records that a compromised key signed may still be in sight; restart to look again");
        }
    }

    /// One step of the walk, in one batch. How many versions were taken out.
    async fn doubt_page(
        &self,
        peer: &ParticipantId,
        marks: &Marks,
        (was, from): (Option<&Walk>, u64),
    ) -> Result<u64, ExchangeError> {
        let entries = self.store.intake.list(peer, from, PAGE).await?;
        let length = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let (mut suspects, mut sum) = (Suspects::new(), 0);
        for entry in &entries {
            if let Some((record, version)) = self.suspect(peer, entry, marks).await? {
                suspects.entry(record).or_default().push((entry.index, version));
                sum += 1;
            }
        }
        let mut batch = Batch::default();
        let mut outcomes = Vec::with_capacity(suspects.len());
        for (record, versions) in suspects {
            outcomes.extend(self.take_out(&mut batch, peer, record, &versions).await?);
        }
        let walk = Walk { marks: digest_of(marks), next: from + length, done: entries.is_empty() };
        self.store.doubts.note_walk(&mut batch, peer, was, &walk);
        if sum > 0 {
            let act = Act::of_node(AuditAction::Administration).with([peer.clone()]);
            let note = format!("took {sum} versions out of sight that a compromised key signed");
            self.account(&mut batch, act.note(note), self.clock.now())?;
        }
        self.store.commit(batch).await?;
        self.shown_no_more(peer, outcomes).await;
        if sum > 0 {
            info!(%peer, versions = sum, "versions that a compromised key signed are in quarantine");
        }
        Ok(sum)
    }

    /// The version that an entry brought, if it is still held and no longer believed.
    async fn suspect(
        &self,
        peer: &ParticipantId,
        entry: &Opened<pb::ReleaseOpening>,
        marks: &Marks,
    ) -> Result<Option<(RecordId, Version)>, ExchangeError> {
        let opening = &entry.message;
        if !matches!(opening.kind(), LogEntryKind::Release | LogEntryKind::Amendment) {
            return Ok(None);
        }
        let Ok(record) = RecordId::from_slice(&opening.record_id) else { return Ok(None) };
        let version = self.store.records.version(peer, record, opening.record_version).await?;
        let Some(version) = version.filter(|version| version.content_id.as_bytes() == opening.content_id.as_slice())
        else {
            return Ok(None);
        };
        if marks.values().all(|since| version.first_logged < *since) {
            return Ok(None);
        }
        let envelope = match self.envelope(peer, record, version.content_id).await {
            Ok(envelope) => envelope,
            // Nobody can read it either.
            Err(error) if is_of_one_record(&error) => {
                error!(%peer, %record, %error, "a content cannot be read, so its signer is not known");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let signer = envelope.signatures.first().and_then(|signature| KeyId::from_slice(&signature.key_id));
        let since = signer.and_then(|signer| marks.get(&signer));
        Ok(since.is_some_and(|since| *since <= version.first_logged).then_some((record, version)))
    }

    /// Adds to the batch that these versions leave the record for quarantine. `None` if the record is gone already.
    async fn take_out(
        &self,
        batch: &mut Batch,
        peer: &ParticipantId,
        record: RecordId,
        suspects: &[(u64, Version)],
    ) -> Result<Option<Outcome>, ExchangeError> {
        let Some(head) = self.store.records.head(peer, record).await? else { return Ok(None) };
        let versions: Vec<_> = suspects.iter().map(|(_, version)| *version).collect();
        let stays = |version: &Version| versions.iter().all(|gone| gone.version != version.version);
        let held = self.store.records.versions(peer, record).await?;
        let left = held.into_iter().filter(stays).max_by_key(|version| version.version);
        let removal =
            Removal { originator: peer, record_id: record, head: &head, versions: &versions, left: left.as_ref() };
        self.store.doubts.remove(batch, &removal);
        for (index, version) in suspects {
            let quarantined = Quarantined {
                peer: peer.clone(),
                index: *index,
                content_id: Some(version.content_id),
                code: CODE.to_owned(),
                reason: format!("version {} of {record}: the key that signed it is compromised", version.version),
                time: self.clock.now(),
            };
            self.store.intake.quarantine(batch, &quarantined, None);
        }
        Ok(Some(Outcome { record, left: left.map(|version| version.content_id) }))
    }

    /// What follows once the batch is durable: search finds what is left, counts and status show it.
    async fn shown_no_more(&self, peer: &ParticipantId, outcomes: Vec<Outcome>) {
        for Outcome { record, left } in outcomes {
            self.index.remove(peer, record);
            let Some(content) = left else {
                self.counts.remove(false);
                continue;
            };
            match self.load(peer, record, content).await {
                Ok(record) => self.index_record(&record, content),
                Err(error) => error!(%peer, %record, %error, "record cannot be read and is not indexed"),
            }
        }
    }
}

/// No key leaves a descriptor once it was called compromised there.
fn marks_of(descriptor: &AcceptedDescriptor) -> Marks {
    let keys = descriptor.keys(KeyPurpose::Record);
    keys.filter_map(|key| Some((key.id(), key.compromised_since()?))).collect()
}

/// Other keys or other moments give another digest.
fn digest_of(marks: &Marks) -> [u8; 32] {
    let bytes: Vec<u8> =
        marks.iter().flat_map(|(key, since)| [key.as_bytes().as_slice(), &since.ms().to_be_bytes()].concat()).collect();
    sha256(&[b"selat-doubt-v1", &bytes])
}
