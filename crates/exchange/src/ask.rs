//! An officer asks the peers. One signed query to each at once, one deadline; outcomes come back as they arrive, and each
//! peer is named with how it ended.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use selat_policy::{DeskAct, may};
use selat_record::ids::mint_uuid;
use selat_record::pb::{self, AnswerOutcome, AuditAction};
use selat_record::query::{FETCH_MAX, check_find};
use selat_record::{Faults, ParticipantId, Record, RecordId, RecordKind};
use selat_seal::{AcceptedDescriptor, At, SealError, verify};
use selat_search::Criteria;
use tokio::sync::mpsc;

use crate::accounts::Act;
use crate::port::CallError;
use crate::{Actor, Exchange, ExchangeError, Freshness, Reason};

/// How long a query stays valid beyond its deadline, for clocks that differ.
const QUERY_LIFE: Duration = Duration::from_secs(5 * 60);
/// Bytes of a hit's reference.
const REFERENCE_BYTES: usize = 16;
/// Highest score.
const SCORE_MAX: u32 = 1000;
/// Most reasons of a hit, and most characters of each of their words.
const REASONS_MAX: usize = 16;
/// See `REASONS_MAX`.
const REASON_MAX: usize = 40;
/// Most obligations of a hit: one of each kind.
const OBLIGATIONS_MAX: usize = 3;

/// A federated search.
#[derive(Debug, Clone)]
pub struct Search {
    /// What is looked for.
    pub find: pb::Find,
    /// Empty: every approved peer.
    pub peers: Vec<ParticipantId>,
    /// Fetch the full records behind the hits.
    pub fetch: bool,
    /// Zero: as configured.
    pub deadline: Duration,
    /// Look into this node's own store too.
    pub include_own: bool,
}

/// How one participant's part of a search ended.
#[derive(Debug, Clone)]
pub struct PeerOutcome {
    /// The participant asked.
    pub peer: ParticipantId,
    /// How it ended.
    pub ending: Ending,
    /// From the question to the outcome.
    pub elapsed: Duration,
}

/// The ways in which a question to a peer ends.
#[derive(Debug, Clone)]
pub enum Ending {
    /// It answered.
    Answered {
        /// Strongest first; empty: no hit.
        hits: Vec<pb::Hit>,
        /// More matched than asked for, or not every record came with them.
        truncated: bool,
        /// With fetch: verified envelopes.
        records: Vec<pb::Envelope>,
    },
    /// It refused: the class in words.
    Refused(String),
    /// It was too busy to answer in its time.
    Busy,
    /// No connection.
    Unreachable(String),
    /// No answer before the deadline.
    Late,
    /// Its answer did not verify.
    BadSignature(String),
    /// It is not approved here, so it was not asked.
    NotApproved,
}

/// The whole at the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Participants named in the search.
    pub asked: u32,
    /// Those that answered hit or no-hit.
    pub answered: u32,
    /// Hits over all.
    pub hits: u32,
}

/// What comes back while a search runs.
#[derive(Debug, Clone)]
pub enum SearchEvent {
    /// One participant is done.
    Outcome(PeerOutcome),
    /// All are.
    Done(Summary),
}

impl Exchange {
    /// Starts a search. It is in the audit log before the first query leaves. The events end with the summary.
    pub async fn search(
        self: &std::sync::Arc<Self>,
        actor: &Actor,
        reason: &Reason,
        search: Search,
    ) -> Result<mpsc::Receiver<SearchEvent>, ExchangeError> {
        may(&actor.roles, DeskAct::Search)?;
        check_find(&search.find)?;
        let named = self.participants_of(&search)?;
        let act = Act::of(actor, AuditAction::Consultation, Some(reason)).with(named.iter().cloned());
        self.account_now(act.note(if search.fetch { "search and fetch" } else { "search" })).await?;
        let deadline = match search.deadline {
            Duration::ZERO => self.limits.search_deadline,
            asked => asked.min(self.limits.search_deadline_max),
        };
        let (events, receiver) = mpsc::channel(named.len() + 1);
        let (exchange, reason, actor) = (self.clone(), reason.clone(), actor.clone());
        let ask = async move { exchange.ask_all(&actor, &reason, search, named, deadline, events).await };
        // Ends by itself at the deadline; ends early when the officer hangs up, because sending then fails.
        self.spawn(ask);
        Ok(receiver)
    }

    fn participants_of(&self, search: &Search) -> Result<Vec<ParticipantId>, ExchangeError> {
        let book = self.book();
        let mut named: Vec<_> = if search.peers.is_empty() {
            book.approved().map(|peer| peer.row.participant.clone()).collect()
        } else {
            search
                .peers
                .iter()
                .map(|peer| Ok(book.peer(peer)?.row.participant.clone()))
                .collect::<Result<_, ExchangeError>>()?
        };
        named.sort();
        named.dedup();
        if search.include_own {
            named.insert(0, self.participant().clone());
        }
        if named.len() > self.limits.fan_out_max {
            let problem = format!("{} peers at once, {} at most", named.len(), self.limits.fan_out_max);
            return Err(Faults::one("peers", problem).into());
        }
        Ok(named)
    }

    async fn ask_all(
        &self,
        actor: &Actor,
        reason: &Reason,
        search: Search,
        named: Vec<ParticipantId>,
        deadline: Duration,
        events: mpsc::Sender<SearchEvent>,
    ) {
        let mut summary = Summary { asked: u32::try_from(named.len()).unwrap_or(u32::MAX), ..Summary::default() };
        let started_ms = self.clock.monotonic_ms();
        let asker = Asker { actor, pseudonym: self.pseudonym(actor), reason, deadline };
        let asker = &asker;
        let search = &search;
        let mut outcomes: FuturesUnordered<_> = named
            .into_iter()
            .map(|peer| async move {
                let ending = tokio::select! {
                    biased;
                    ending = self.ask_one(&peer, asker, search) => ending,
                    () = self.clock.sleep(asker.deadline) => Ending::Late,
                };
                let elapsed = Duration::from_millis(self.clock.monotonic_ms().saturating_sub(started_ms));
                PeerOutcome { peer, ending, elapsed }
            })
            .collect();
        while let Some(outcome) = outcomes.next().await {
            if let Ending::Answered { hits, .. } = &outcome.ending {
                summary.answered += 1;
                summary.hits += u32::try_from(hits.len()).unwrap_or(u32::MAX);
            }
            if events.send(SearchEvent::Outcome(outcome)).await.is_err() {
                return;
            }
        }
        // Nobody listens any more: nothing is lost, the outcomes were all sent.
        let _ = events.send(SearchEvent::Done(summary)).await;
    }

    async fn ask_one(&self, peer: &ParticipantId, asker: &Asker<'_>, search: &Search) -> Ending {
        if peer == self.participant() {
            return self.ask_own(search).await.unwrap_or_else(|error| Ending::Refused(error.to_string()));
        }
        let Some(descriptor) = self.book().approved_peer(peer).ok().map(|peer| peer.descriptor.clone()) else {
            return Ending::NotApproved;
        };
        if let Some(cut_off) = self.conduct.cut_off(peer, self.clock.now()) {
            return Ending::Unreachable(format!("cut off until {}: {}", cut_off.until, cut_off.reason));
        }
        if self.freshness(peer) == Freshness::Stale {
            return Ending::Unreachable("not asked: its descriptor could not be refreshed for too long".into());
        }
        let find = pb::query::Ask::Find(search.find.clone());
        let answer = match self.exchange_query(&descriptor, asker, find).await {
            Ok(answer) => answer,
            Err(ending) => return ending,
        };
        if !hits_in_bounds(&answer.hits, search.find.limit) {
            self.conduct.fault(peer, "answered with hits out of bounds", self.clock.now());
            return Ending::BadSignature("the answer is out of bounds".into());
        }
        let pb::Answer { hits, mut truncated, .. } = answer;
        let mut records = Vec::new();
        if search.fetch {
            let wanted = hits.iter().filter(|hit| hit.fetchable).map(|hit| hit.reference.clone()).collect();
            match self.fetch(&descriptor, asker, wanted).await {
                Ok((fetched, partial)) => (records, truncated) = (fetched, truncated || partial),
                Err(ending) => return ending,
            }
        }
        Ending::Answered { hits, truncated, records }
    }

    /// The records behind these references, and whether that is not all of them.
    async fn fetch(
        &self,
        peer: &AcceptedDescriptor,
        asker: &Asker<'_>,
        mut wanted: Vec<Vec<u8>>,
    ) -> Result<(Vec<pb::Envelope>, bool), Ending> {
        let too_many = wanted.len() > FETCH_MAX;
        wanted.truncate(FETCH_MAX);
        if wanted.is_empty() {
            return Ok((Vec::new(), false));
        }
        let fetch = pb::query::Ask::Fetch(pb::Fetch { record_ids: wanted.clone() });
        let answer = self.exchange_query(peer, asker, fetch).await?;
        let partial = too_many || answer.truncated;
        let records = self.checked(peer.participant(), answer, &wanted)?;
        self.account_fetched(peer.participant(), asker, &records).await?;
        Ok((records.into_iter().map(|(_, envelope)| envelope).collect(), partial))
    }

    /// One signed question, one verified answer that is bound to it.
    async fn exchange_query(
        &self,
        peer: &AcceptedDescriptor,
        asker: &Asker<'_>,
        ask: pb::query::Ask,
    ) -> Result<pb::Answer, Ending> {
        let now = self.clock.now();
        let query = pb::Query {
            header: Some(pb::Header {
                federation: self.federation().to_string(),
                issuer: self.participant().to_string(),
                audience: peer.participant().to_string(),
                id: mint_uuid(now, self.random()).as_bytes().to_vec(),
                created_ms: now.ms(),
                expires_ms: now.plus(QUERY_LIFE).ms(),
                descriptor_version: self.descriptor().version(),
            }),
            purpose: asker.reason.purpose().into(),
            case_reference: asker.reason.case_reference().to_owned(),
            officer_pseudonym: asker.pseudonym.clone(),
            ask: Some(ask),
        };
        let sealed = self.sign(&query).await.map_err(|error| Ending::Refused(error.to_string()))?;
        let reply = self.port.ask(peer, sealed.envelope, asker.deadline).await;
        let reply = reply.map_err(|error| self.no_reply(peer.participant(), error))?;
        let now = self.clock.now();
        let verified =
            verify::<pb::Answer>(self.book().trust(), &reply, peer.participant(), At { now, first_logged: now })
                .map_err(|error| self.bad_answer(peer.participant(), &error))?;
        let answer = verified.into_inner();
        let bound = answer.query == sealed.content_id.as_bytes()
            && answer.header.as_ref().is_some_and(|header| header.audience == self.participant().as_str());
        if !bound {
            self.conduct.fault(peer.participant(), "answered another question than ours", now);
            return Err(Ending::BadSignature("the answer is not bound to the question".into()));
        }
        match answer.outcome() {
            AnswerOutcome::Hit | AnswerOutcome::NoHit => Ok(answer),
            AnswerOutcome::Busy => Err(Ending::Busy),
            AnswerOutcome::Refused | AnswerOutcome::Unspecified => Err(Ending::Refused(refusal_words(&answer))),
        }
    }

    fn no_reply(&self, peer: &ParticipantId, error: CallError) -> Ending {
        match error {
            CallError::Unreachable(why) => Ending::Unreachable(why),
            CallError::Late => Ending::Late,
            CallError::Refused(why) => Ending::Refused(why),
            CallError::Garbled(why) => {
                self.conduct.fault(peer, &format!("answer cannot be read: {why}"), self.clock.now());
                Ending::BadSignature(why)
            }
        }
    }

    fn bad_answer(&self, peer: &ParticipantId, error: &SealError) -> Ending {
        self.not_verified(peer, "answer", error);
        Ending::BadSignature(error.to_string())
    }

    /// The fetched envelopes, each verified as the peer's own valid record and as one of those asked for.
    fn checked(
        &self,
        peer: &ParticipantId,
        answer: pb::Answer,
        wanted: &[Vec<u8>],
    ) -> Result<Vec<(RecordId, pb::Envelope)>, Ending> {
        let now = self.clock.now();
        let mut records = Vec::with_capacity(answer.records.len());
        for envelope in answer.records {
            let verified = verify::<pb::Record>(self.book().trust(), &envelope, peer, At { now, first_logged: now })
                .map_err(|error| self.bad_answer(peer, &error))?;
            let record =
                Record::check(verified.into_inner()).map_err(|faults| Ending::BadSignature(faults.to_string()))?;
            if !wanted.iter().any(|id| id == record.id().as_bytes()) {
                self.conduct.fault(peer, "answered with a record that was not asked for", now);
                return Err(Ending::BadSignature("a record came that was not asked for".into()));
            }
            records.push((record.id(), envelope));
        }
        Ok(records)
    }

    /// What was fetched is in the audit log before the officer sees it.
    async fn account_fetched(
        &self,
        peer: &ParticipantId,
        asker: &Asker<'_>,
        records: &[(RecordId, pb::Envelope)],
    ) -> Result<(), Ending> {
        if records.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = records.iter().map(|(id, _)| *id).collect();
        let act = Act::of(asker.actor, AuditAction::Consultation, Some(asker.reason)).with([peer.clone()]);
        let accounted = self.account_now(act.disclosing(&ids).note("fetched from the peer")).await;
        accounted.map_err(|error| Ending::Refused(error.to_string()))
    }

    async fn ask_own(&self, search: &Search) -> Result<Ending, ExchangeError> {
        let criteria = Criteria::of(&search.find)?;
        let limit = usize::try_from(search.find.limit).unwrap_or(1).max(1);
        let now = self.clock.now();
        let found = self.index.find(&criteria, |entry| entry.valid_until().is_none_or(|until| until > now), limit);
        let mut hits = Vec::with_capacity(found.hits.len());
        let mut records = Vec::new();
        for hit in &found.hits {
            hits.push(pb::Hit {
                kind: hit.kind.into(),
                reference: hit.record_id.as_bytes().to_vec(),
                fetchable: true,
                score: hit.score,
                reasons: hit
                    .reasons
                    .iter()
                    .map(|reason| pb::MatchReason { field: reason.field.into(), how: reason.how.into() })
                    .collect(),
                obligations: Vec::new(),
            });
            if search.fetch && records.len() < FETCH_MAX {
                records.push(self.envelope(&hit.originator, hit.record_id, hit.content_id).await?);
            }
        }
        Ok(Ending::Answered { hits, truncated: found.truncated, records })
    }

    /// Stable stand-in for an officer towards all peers; only this node can tell whom it means.
    pub(crate) fn pseudonym(&self, actor: &Actor) -> String {
        let keyed = self.vault.keyed("officer-pseudonym", actor.officer.as_str().as_bytes());
        keyed.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

struct Asker<'a> {
    actor: &'a Actor,
    pseudonym: String,
    reason: &'a Reason,
    deadline: Duration,
}

/// A signature says who made the hits, not that an officer's screen can bear them.
fn hits_in_bounds(hits: &[pb::Hit], limit: u32) -> bool {
    let plain = |text: &str| text.chars().count() <= REASON_MAX && !text.chars().any(char::is_control);
    let sound = |hit: &pb::Hit| {
        RecordKind::try_from(hit.kind).is_ok_and(|kind| kind != RecordKind::Unspecified)
            && hit.reference.len() == REFERENCE_BYTES
            && hit.score <= SCORE_MAX
            && hit.reasons.len() <= REASONS_MAX
            && hit.reasons.iter().all(|reason| plain(&reason.field) && plain(&reason.how))
            && hit.obligations.len() <= OBLIGATIONS_MAX
    };
    u32::try_from(hits.len()).is_ok_and(|count| count <= limit) && hits.iter().all(sound)
}

fn refusal_words(answer: &pb::Answer) -> String {
    use pb::RefusalClass as Class;
    match answer.refusal() {
        Class::Purpose => "not for this purpose",
        Class::Quota => "quota used up",
        Class::Malformed => "the question is malformed",
        Class::Expired => "the question arrived too late",
        Class::Replayed => "the question was asked before",
        Class::Unspecified => "no reason given",
    }
    .into()
}
