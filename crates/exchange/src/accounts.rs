//! Entries of the release logs and of the audit log, added to the batch of what they account for.

use selat_ledger::Leaf;
use selat_policy::Permit;
use selat_record::pb::{self, AuditAction, LogEntryKind};
use selat_record::query::check_query;
use selat_record::{ContentId, ParticipantId, Record, RecordId, Timestamp};
use selat_store::Batch;

use crate::{Actor, Exchange, ExchangeError, Reason};

/// One line of the audit log before it has a time.
pub(crate) struct Act<'a> {
    action: AuditAction,
    opening: pb::AuditOpening,
    reason: Option<&'a Reason>,
}

impl<'a> Act<'a> {
    /// An act of a local officer.
    pub(crate) fn of(actor: &Actor, action: AuditAction, reason: Option<&'a Reason>) -> Self {
        let opening =
            pb::AuditOpening { actor: actor.officer.to_string(), role: actor.role_names(), ..Default::default() };
        Self { action, opening, reason }
    }

    /// An act of the node by itself.
    pub(crate) fn of_node(action: AuditAction) -> Self {
        let opening = pb::AuditOpening { actor: "node".into(), role: "node".into(), ..Default::default() };
        Self { action, opening, reason: None }
    }

    /// An act of a peer's officer, known here by pseudonym.
    pub(crate) fn of_peer(peer: &ParticipantId, query: &pb::Query, action: AuditAction) -> Self {
        let asker = asker_of(query);
        let opening = pb::AuditOpening {
            actor: format!("{peer}/{}", asker.pseudonym),
            role: "peer".into(),
            purpose: asker.purpose.into(),
            case_reference: asker.case_reference,
            ..Default::default()
        };
        Self { action, opening, reason: None }
    }

    pub(crate) fn about(self, record: &Record, content: ContentId) -> Self {
        self.version(record.id(), record.version(), content)
    }

    pub(crate) fn version(mut self, id: RecordId, version: u32, content: ContentId) -> Self {
        self.opening.record_id = id.as_bytes().to_vec();
        self.opening.record_version = version;
        self.content(content)
    }

    pub(crate) fn record(mut self, id: RecordId) -> Self {
        self.opening.record_id = id.as_bytes().to_vec();
        self
    }

    pub(crate) fn content(mut self, content: ContentId) -> Self {
        self.opening.content_id = content.as_bytes().to_vec();
        self
    }

    pub(crate) fn with(mut self, participants: impl IntoIterator<Item = ParticipantId>) -> Self {
        self.opening.participants = participants.into_iter().map(|participant| participant.to_string()).collect();
        self
    }

    pub(crate) fn answered(mut self, answer: ContentId, disclosed: &[RecordId]) -> Self {
        self.opening.answer = answer.as_bytes().to_vec();
        self.disclosing(disclosed)
    }

    pub(crate) fn disclosing(mut self, records: &[RecordId]) -> Self {
        self.opening.disclosed = records.iter().map(|id| id.as_bytes().to_vec()).collect();
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.opening.note = note.into();
        self
    }
}

/// What a peer's query says of who asks and why.
struct AskerWords {
    pseudonym: String,
    purpose: pb::Purpose,
    case_reference: String,
}

/// The words of a malformed query do not go into any log: they may be of any length and hold anything.
fn asker_of(query: &pb::Query) -> AskerWords {
    if check_query(query).is_err() {
        return AskerWords {
            pseudonym: "malformed".into(),
            purpose: pb::Purpose::Unspecified,
            case_reference: String::new(),
        };
    }
    AskerWords {
        pseudonym: query.officer_pseudonym.clone(),
        purpose: query.purpose(),
        case_reference: query.case_reference.clone(),
    }
}

/// Where a release entry's opening gets its content from.
pub(crate) struct Release<'a> {
    pub(crate) recipient: &'a ParticipantId,
    pub(crate) record: &'a Record,
    pub(crate) content: ContentId,
    pub(crate) kind: LogEntryKind,
    pub(crate) permit: &'a Permit,
}

impl Exchange {
    /// Adds an entry of the audit log to `batch`.
    pub(crate) fn account(&self, batch: &mut Batch, act: Act<'_>, now: Timestamp) -> Result<(), ExchangeError> {
        let mut opening = act.opening;
        opening.action = act.action.into();
        opening.time_ms = now.ms();
        if let Some(reason) = act.reason {
            opening.purpose = reason.purpose().into();
            opening.case_reference = reason.case_reference().to_owned();
        }
        Ok(self.store.audit.append(batch, &opening, &self.nonce())?)
    }

    /// Writes one act on its own, before what it accounts for is shown.
    pub(crate) async fn account_now(&self, act: Act<'_>) -> Result<(), ExchangeError> {
        let mut batch = Batch::default();
        self.account(&mut batch, act, self.clock.now())?;
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Adds an entry of the release log to one peer.
    pub(crate) fn account_release(
        &self,
        batch: &mut Batch,
        release: &Release<'_>,
        now: Timestamp,
    ) -> Result<(), ExchangeError> {
        let record = release.record;
        let opening = pb::ReleaseOpening {
            kind: release.kind.into(),
            record_id: record.id().as_bytes().to_vec(),
            record_version: record.version(),
            content_id: release.content.as_bytes().to_vec(),
            conditions: record.message().handling.clone(),
            rules: release.permit.rules().iter().map(|rule| rule.id().to_owned()).collect(),
            ..self.opening_to(release.recipient, now)
        };
        Ok(self.store.releases.append(batch, release.recipient, &opening, &self.nonce())?)
    }

    /// Adds the entry of an answer, which derives only from the answer itself and from the query that the peer sent.
    pub(crate) fn account_answer(
        &self,
        batch: &mut Batch,
        peer: &ParticipantId,
        query: (&pb::Query, ContentId),
        answer: ContentId,
        now: Timestamp,
    ) -> Result<(), ExchangeError> {
        let (query, query_content) = query;
        let asker = asker_of(query);
        let opening = pb::ReleaseOpening {
            kind: LogEntryKind::Answer.into(),
            content_id: answer.as_bytes().to_vec(),
            query: query_content.as_bytes().to_vec(),
            purpose: asker.purpose.into(),
            officer_pseudonym: asker.pseudonym,
            ..self.opening_to(peer, now)
        };
        Ok(self.store.releases.append(batch, peer, &opening, &self.nonce())?)
    }

    fn opening_to(&self, recipient: &ParticipantId, now: Timestamp) -> pb::ReleaseOpening {
        pb::ReleaseOpening {
            federation: self.federation().to_string(),
            discloser: self.participant().to_string(),
            recipient: recipient.to_string(),
            time_ms: now.ms(),
            ..Default::default()
        }
    }

    pub(crate) fn nonce(&self) -> [u8; 32] {
        let mut nonce = [0; 32];
        self.entropy.fill(&mut nonce);
        nonce
    }
}

/// True if `leaf` commits to `opening` and repeats its kind and time.
pub(crate) fn leaf_matches(leaf: &Leaf, nonce: &[u8; 32], opening_bytes: &[u8], opening: &pb::ReleaseOpening) -> bool {
    leaf.opens_to(nonce, opening_bytes) && i32::from(leaf.kind()) == opening.kind && leaf.time().ms() == opening.time_ms
}
