//! A peer asks. What is denied and what is absent give equal answers at equal times:
//!
//! - the tick on which the answer leaves is chosen from the query class before any data is read;
//! - audience, protection, expiry and purpose filter the candidates before ranking, limits and counts;
//! - the answer is padded to a size class, and the log entry derives from the answer alone;
//! - work that is not done by its tick is answered `busy`, whatever it would have found.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prost::Message as _;
use selat_policy::{
    AskFacts, Decision, Effect, Label, Permit, Permitted, decide_answer, decide_linked_release, decide_reply, may_know,
};
use selat_record::ids::mint_uuid;
use selat_record::pb::{self, AnswerOutcome, AuditAction, RefusalClass};
use selat_record::query::{LIFETIME_MAX, check_query};
use selat_record::{ContentId, ParticipantId, Record, RecordId, Timestamp};
use selat_seal::{At, FUTURE_TOLERANCE, SealError, Verified, verify};
use selat_search::{Criteria, Entry, Found, FoundHit};
use selat_store::{Batch, StoreError};
use tracing::error;

use crate::accounts::Act;
use crate::{Exchange, ExchangeError};

/// Sizes to which answers are padded, in bytes.
const SIZE_CLASSES: [usize; 7] = [1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 2 << 20];
/// Room left in the largest class for what is not records.
const RECORDS_BYTES_MAX: usize = (2 << 20) - (64 << 10);
/// This part of the ticks of a class is kept for signing and logging the answer: one in five.
const CONCLUDING_SHARE: u32 = 5;
/// How long the answer stays valid.
const ANSWER_LIFE: Duration = Duration::from_secs(10 * 60);

/// Why there is no signed answer at all.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The query did not verify: a fault of the peer.
    #[error("the query did not verify: {0}")]
    Unverified(#[source] SealError),
    /// The query is for somebody else: a fault of the peer.
    #[error("the query is not addressed to this participant")]
    Misaddressed,
    /// The peer may not ask.
    #[error(transparent)]
    Own(#[from] ExchangeError),
}

/// What the answer says, before it has a header.
#[derive(Debug, Default)]
struct Reply {
    outcome: AnswerOutcome,
    refusal: RefusalClass,
    hits: Vec<pb::Hit>,
    truncated: bool,
    records: Vec<pb::Envelope>,
    /// For this node's own account; never part of the answer.
    disclosed: Vec<RecordId>,
}

impl Reply {
    fn refused(class: RefusalClass) -> Self {
        Self { outcome: AnswerOutcome::Refused, refusal: class, ..Self::default() }
    }

    fn busy() -> Self {
        Self { outcome: AnswerOutcome::Busy, ..Self::default() }
    }

    fn of_hits(hits: Vec<Permitted<pb::Hit>>, truncated: bool) -> Self {
        let outcome = if hits.is_empty() { AnswerOutcome::NoHit } else { AnswerOutcome::Hit };
        let hits = hits.into_iter().map(Permitted::into_inner).collect();
        Self { outcome, hits, truncated, ..Self::default() }
    }

    fn of_records(records: Vec<Permitted<pb::Envelope>>, truncated: bool) -> Self {
        let outcome = if records.is_empty() { AnswerOutcome::NoHit } else { AnswerOutcome::Hit };
        let records = records.into_iter().map(Permitted::into_inner).collect();
        Self { outcome, records, truncated, ..Self::default() }
    }
}

impl Exchange {
    /// Answers one query of an approved peer that arrived at `arrived_ms` on the monotonic clock. Returns on the grid
    /// tick of the query's class, with the answer logged and durable.
    pub async fn answer(
        &self,
        peer: &ParticipantId,
        envelope: &pb::Envelope,
        arrived_ms: u64,
    ) -> Result<Permitted<pb::Envelope>, AnswerError> {
        self.may_reply(peer)?;
        let query = self.verified_query(peer, envelope)?;
        let timetable = self.timetable(query.get(), arrived_ms);
        let found = self.search_for(peer, query.get(), &timetable).await;
        let reply = tokio::select! {
            biased;
            reply = self.reply_to(peer, &query, found) => reply.unwrap_or_else(|error| own_trouble(peer, &error)),
            () = self.sleep_until(timetable.work_ends_ms) => Reply::busy(),
        };
        // Work that was done in one go does not notice that its time went by: it says as little as work that was cut off.
        let reply = if self.clock.monotonic_ms() > timetable.work_ends_ms { Reply::busy() } else { reply };
        // Whatever the work took, signing begins at the same moment and writes the same time.
        self.sleep_until(timetable.work_ends_ms).await;
        let answer = self.conclude(peer, &query, reply, timetable.leaves).await?;
        self.until_tick(&timetable).await;
        self.wake(peer);
        // Whoever was stopped meanwhile gets nothing any more.
        Ok(self.may_reply(peer)?.over(answer))
    }

    fn may_reply(&self, peer: &ParticipantId) -> Result<Permit, ExchangeError> {
        Ok(decide_reply(&self.facts(&self.book(), peer, self.clock.now())).permit()?)
    }

    fn timetable(&self, query: &pb::Query, arrived_ms: u64) -> Timetable {
        let ticks = match query.ask {
            Some(pb::query::Ask::Fetch(_)) => self.limits.fetch_ticks,
            _ => self.limits.find_ticks,
        };
        let grid_ms = grid_ms(self.limits.answer_grid);
        let leaves_ms = arrived_ms + grid_ms * u64::from(ticks);
        let reserve_ms = grid_ms * u64::from((ticks / CONCLUDING_SHARE).max(1));
        let ahead = Duration::from_millis(leaves_ms.saturating_sub(self.clock.monotonic_ms()));
        Timetable {
            work_ends_ms: leaves_ms.saturating_sub(reserve_ms).max(arrived_ms),
            leaves_ms,
            leaves: self.clock.now().plus(ahead),
            grid_ms,
        }
    }

    async fn sleep_until(&self, moment_ms: u64) {
        self.clock.sleep(Duration::from_millis(moment_ms.saturating_sub(self.clock.monotonic_ms()))).await;
    }

    fn verified_query(
        &self,
        peer: &ParticipantId,
        envelope: &pb::Envelope,
    ) -> Result<Verified<pb::Query>, AnswerError> {
        let now = self.clock.now();
        let at = At { now, first_logged: now };
        let query = verify::<pb::Query>(self.book().trust(), envelope, peer, at).map_err(|error| {
            self.not_verified(peer, "query", &error);
            AnswerError::Unverified(error)
        })?;
        if query.get().header.as_ref().is_none_or(|header| header.audience != self.participant().as_str()) {
            self.conduct.fault(peer, "sent a query that is addressed to another", now);
            return Err(AnswerError::Misaddressed);
        }
        Ok(query)
    }

    /// What the index holds for a `Find`, searched slice by slice, giving way to others in between, and given up when the
    /// time for work ends. Empty for every other query; `None` when time ran out.
    async fn search_for(&self, peer: &ParticipantId, query: &pb::Query, timetable: &Timetable) -> Option<Found> {
        let nothing = Found { hits: Vec::new(), truncated: false };
        let Some(pb::query::Ask::Find(find)) = &query.ask else { return Some(nothing) };
        let Ok(criteria) = Criteria::of(find) else { return Some(nothing) };
        if refusal_of(query, self.clock.now()).is_some() {
            return Some(nothing);
        }
        let (own, now) = (self.participant(), self.clock.now());
        let asker = AskFacts { peer: self.facts(&self.book(), peer, now), purpose: query.purpose() };
        let allowed = |entry: &Entry| may_know(label_of(entry, own), &asker, now);
        let first = AtomicBool::new(true);
        let go_on = || async {
            if !first.swap(false, Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
            self.clock.monotonic_ms() <= timetable.work_ends_ms
        };
        self.index.find_while(&criteria, allowed, limit_of(find), go_on).await
    }

    async fn reply_to(
        &self,
        peer: &ParticipantId,
        query: &Verified<pb::Query>,
        found: Option<Found>,
    ) -> Result<Reply, ExchangeError> {
        let now = self.clock.now();
        if let Some(class) = refusal_of(query.get(), now) {
            return Ok(Reply::refused(class));
        }
        if self.store.seen.is_seen(peer, &query_id(query.get())).await? {
            return Ok(Reply::refused(RefusalClass::Replayed));
        }
        let asker = AskFacts { peer: self.facts(&self.book(), peer, now), purpose: query.get().purpose() };
        match &query.get().ask {
            Some(pb::query::Ask::Find(find)) if Criteria::of(find).is_err() => {
                Ok(Reply::refused(RefusalClass::Malformed))
            }
            Some(pb::query::Ask::Find(_)) => match found {
                Some(found) => self.hits_for(&asker, found, now).await,
                None => Ok(Reply::busy()),
            },
            Some(pb::query::Ask::Fetch(fetch)) => self.fetch_for(&asker, fetch, now).await,
            None => Ok(Reply::refused(RefusalClass::Malformed)),
        }
    }

    /// Each hit is decided once more, on the version that is current in the store: the index may be behind, it must never
    /// leak.
    async fn hits_for(&self, asker: &AskFacts<'_>, found: Found, now: Timestamp) -> Result<Reply, ExchangeError> {
        let mut hits = Vec::with_capacity(found.hits.len());
        let mut disclosed = Vec::with_capacity(found.hits.len());
        for hit in &found.hits {
            let Some((_, record)) = self.current(hit.record_id).await? else { continue };
            if let Decision::Permit(permit) = decide_answer(&record, true, asker, now) {
                let message = self.hit_message(&permit, hit);
                hits.push(permit.over(message));
                disclosed.push(hit.record_id);
            }
        }
        // Among equal scores the reference decides: the order of ids would tell when hit-only records were made.
        hits.sort_by(|a, b| (b.get().score, &a.get().reference).cmp(&(a.get().score, &b.get().reference)));
        Ok(Reply { disclosed, ..Reply::of_hits(hits, found.truncated) })
    }

    fn hit_message(&self, permit: &Permit, hit: &FoundHit) -> pb::Hit {
        let fetchable = permit.effect() == Effect::Full;
        let id = hit.record_id;
        let reference = if fetchable { id.as_bytes().to_vec() } else { self.opaque_reference(id, permit.peer()) };
        let reasons = hit
            .reasons
            .iter()
            .map(|reason| pb::MatchReason { field: reason.field.to_owned(), how: reason.how.to_owned() });
        pb::Hit {
            kind: hit.kind.into(),
            reference,
            fetchable,
            score: hit.score,
            reasons: if fetchable { reasons.collect() } else { Vec::new() },
            obligations: permit.obligations().iter().map(|obligation| obligation.to_message()).collect(),
        }
    }

    /// Stands for a hit-only record towards one peer: stable, and telling nothing, not even when the record was made.
    fn opaque_reference(&self, id: RecordId, peer: &ParticipantId) -> Vec<u8> {
        let whole = self.vault.keyed("hit-reference", &[id.as_bytes(), peer.as_str().as_bytes()].concat());
        whole.into_iter().take(16).collect()
    }

    async fn fetch_for(&self, asker: &AskFacts<'_>, fetch: &pb::Fetch, now: Timestamp) -> Result<Reply, ExchangeError> {
        let mut records = Vec::new();
        let mut disclosed = Vec::new();
        let mut bytes = 0;
        let mut truncated = false;
        for id in &fetch.record_ids {
            let Some((envelope, record)) = self.current(RecordId::from_slice(id)?).await? else { continue };
            let Decision::Permit(permit) = decide_answer(&record, true, asker, now) else { continue };
            if permit.effect() != Effect::Full || !self.may_show_links(&record, asker, now).await? {
                continue;
            }
            // The asker would refuse the whole answer for it.
            if !self.may_be_taken_in(&envelope) {
                continue;
            }
            bytes += envelope.encoded_len();
            if bytes > RECORDS_BYTES_MAX {
                truncated = true;
                break;
            }
            records.push(permit.over(envelope));
            disclosed.push(record.id());
        }
        Ok(Reply { disclosed, ..Reply::of_records(records, truncated) })
    }

    /// Whether the asker may learn of every own record that this one links to.
    async fn may_show_links(
        &self,
        record: &Record,
        asker: &AskFacts<'_>,
        now: Timestamp,
    ) -> Result<bool, ExchangeError> {
        match self.linked(record).await {
            Err(ExchangeError::Invalid(_)) => Ok(false),
            linked => {
                let decision = decide_linked_release(record, &linked?.records, &asker.peer, now);
                Ok(matches!(decision, Decision::Permit(_)))
            }
        }
    }

    /// The current version of an own record. An id that is not held costs the same reads as one that is: how long they take
    /// must not tell the one from the other.
    async fn current(&self, id: RecordId) -> Result<Option<(pb::Envelope, Record)>, ExchangeError> {
        let head = self.store.records.head(self.participant(), id).await?;
        let content = head.map_or(ContentId::new([0; 32]), |head| head.content_id);
        match self.load_with_envelope(self.participant(), id, content).await {
            Err(ExchangeError::ContentMissing(_)) => Ok(None),
            loaded => loaded.map(Some),
        }
    }

    /// Signs the answer and makes it durable in the release log, the audit log and the list of answered queries.
    async fn conclude(
        &self,
        peer: &ParticipantId,
        query: &Verified<pb::Query>,
        reply: Reply,
        leaves: Timestamp,
    ) -> Result<pb::Envelope, ExchangeError> {
        let disclosed = reply.disclosed.clone();
        let replayed = reply.refusal == RefusalClass::Replayed;
        let answer = self.answer_message(peer, query.content_id(), reply, leaves);
        let sealed = self.sign(&answer).await?;
        let mut batch = Batch::default();
        self.account_answer(&mut batch, peer, (query.get(), query.content_id()), sealed.content_id, leaves)?;
        let act = Act::of_peer(peer, query.get(), AuditAction::Disclosure).content(query.content_id());
        let act = act.answered(sealed.content_id, &disclosed);
        let note = format!("{} answered {}", class_name(query.get()), outcome_name(&answer));
        self.account(&mut batch, act.with([peer.clone()]).note(note), leaves)?;
        if !replayed {
            self.store.seen.remember(&mut batch, peer, &query_id(query.get()), remembered_until(query.get(), leaves));
        }
        match self.store.commit(batch).await {
            Ok(_) => {}
            // The same query twice at the same moment: the other one was first.
            Err(StoreError::Conflict { .. }) if !replayed => {
                return Box::pin(self.conclude(peer, query, Reply::refused(RefusalClass::Replayed), leaves)).await;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(sealed.envelope)
    }

    fn answer_message(&self, peer: &ParticipantId, query: ContentId, reply: Reply, now: Timestamp) -> pb::Answer {
        let header = pb::Header {
            federation: self.federation().to_string(),
            issuer: self.participant().to_string(),
            audience: peer.to_string(),
            id: mint_uuid(now, self.random()).as_bytes().to_vec(),
            created_ms: now.ms(),
            expires_ms: now.plus(ANSWER_LIFE).ms(),
            descriptor_version: self.descriptor().version(),
        };
        let mut answer = pb::Answer {
            header: Some(header),
            query: query.as_bytes().to_vec(),
            outcome: reply.outcome.into(),
            refusal: reply.refusal.into(),
            hits: reply.hits,
            truncated: reply.truncated,
            records: reply.records,
            padding: Vec::new(),
        };
        pad(&mut answer);
        answer
    }

    /// Sleeps until the answer is due, or until the next grid tick when it is late.
    async fn until_tick(&self, timetable: &Timetable) {
        let late_ms = self.clock.monotonic_ms().saturating_sub(timetable.leaves_ms);
        let late_ticks = late_ms.div_ceil(timetable.grid_ms);
        self.sleep_until(timetable.leaves_ms + late_ticks * timetable.grid_ms).await;
    }
}

/// When an answer is worked on, signed and sent, fixed by the query's class before any data is read.
struct Timetable {
    /// Work that is not done by then is answered busy; signing begins then, never earlier.
    work_ends_ms: u64,
    /// The tick on which the answer leaves, on the monotonic clock.
    leaves_ms: u64,
    /// The same as wall-clock time: what the answer and its log entries say.
    leaves: Timestamp,
    grid_ms: u64,
}

/// The label of an index entry, for the participant whose index it is.
fn label_of<'a>(entry: &'a Entry, own: &ParticipantId) -> Label<'a> {
    Label {
        handling: entry.handling(),
        protection: entry.protection(),
        valid_until: entry.valid_until(),
        originated_here: entry.originator() == own,
    }
}

fn grid_ms(grid: Duration) -> u64 {
    u64::try_from(grid.as_millis()).unwrap_or(u64::MAX).max(1)
}

fn limit_of(find: &pb::Find) -> usize {
    usize::try_from(find.limit).unwrap_or(1).max(1)
}

/// Why the query is refused before anything held is looked at.
fn refusal_of(query: &pb::Query, now: Timestamp) -> Option<RefusalClass> {
    let header = query.header.as_ref()?;
    if header.expires_ms <= now.ms() {
        return Some(RefusalClass::Expired);
    }
    check_query(query).is_err().then_some(RefusalClass::Malformed)
}

/// The id in the header; verification has seen to it that it is there and has 16 bytes.
fn query_id(query: &pb::Query) -> [u8; 16] {
    query.header.as_ref().and_then(|header| header.id.as_slice().try_into().ok()).unwrap_or_default()
}

/// When the query would be refused for its age or its life alone, whatever expiry it claims.
fn remembered_until(query: &pb::Query, now: Timestamp) -> Timestamp {
    let expires = query.header.as_ref().and_then(|header| Timestamp::from_ms(header.expires_ms));
    expires.unwrap_or(Timestamp::EPOCH).min(now.plus(LIFETIME_MAX + FUTURE_TOLERANCE))
}

/// This node could not do the work. The peer learns no more than from work that took too long: on which record the store
/// stumbled would tell that there is one.
fn own_trouble(peer: &ParticipantId, error: &ExchangeError) -> Reply {
    error!(%peer, %error, "question could not be worked on");
    Reply::busy()
}

fn class_name(query: &pb::Query) -> &'static str {
    match query.ask {
        Some(pb::query::Ask::Fetch(_)) => "fetch",
        _ => "find",
    }
}

fn outcome_name(answer: &pb::Answer) -> &'static str {
    match answer.outcome() {
        AnswerOutcome::Hit => "hit",
        AnswerOutcome::NoHit => "no-hit",
        AnswerOutcome::Busy => "busy",
        AnswerOutcome::Refused | AnswerOutcome::Unspecified => "refused",
    }
}

/// Fills the padding so that the payload has the size of the smallest class that holds it exactly.
fn pad(answer: &mut pb::Answer) {
    let bare = answer.encoded_len();
    for class in SIZE_CLASSES {
        // Tag and length of the padding take 2 to 5 bytes, depending on the length; a few sizes cannot be hit, and
        // then the next class serves.
        for overhead in 2..=5 {
            let Some(length) = class.checked_sub(bare + overhead) else { continue };
            answer.padding = vec![0; length];
            if answer.encoded_len() == class {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padded_answers_have_the_size_of_their_class() {
        for held in (0..70_000).step_by(37) {
            let mut answer = pb::Answer { query: vec![1; held], ..Default::default() };
            pad(&mut answer);
            let size = answer.encoded_len();
            assert!(SIZE_CLASSES.contains(&size), "{held} gives {size}");
        }
    }
}
