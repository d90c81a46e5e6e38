//! A participant that signs two descriptors under one number says one thing to some and another to others.
//!
//! Promises: it is frozen on proof alone, which is the other envelope, signed by those who alone could sign it; both
//! envelopes are kept; a mere claim freezes nobody, and a rival that proves nothing is a fault of whoever showed it.

use std::sync::Arc;

use prost::Message as _;
use selat_policy::{DeskAct, may};
use selat_record::ParticipantId;
use selat_record::pb::{self, AuditAction};
use selat_seal::AcceptedDescriptor;
use selat_store::Batch;
use selat_store::repositories::{Equivocation, Peer, PeerState, Stopped};
use tracing::{error, warn};

use crate::accounts::Act;
use crate::chains::{REPLY_MAX, may_be_shown};
use crate::port::Edition;
use crate::refresh::RefreshError;
use crate::{Actor, Exchange, ExchangeError, PeerEntry};

/// Most claims of one peer that are looked into at one comparison; the others come up again at the next.
const DISPUTES_MAX: usize = 4;

/// What looking into a claim showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Two descriptors under one number. What follows from it has been done.
    Proven,
    /// What was shown proves nothing.
    Unproven,
    /// What was shown is the descriptor that is held.
    Same,
    /// Nothing was shown, or nothing is held to compare it with.
    Open,
}

impl Exchange {
    /// The participants that were found to say two things, with both envelopes.
    pub async fn equivocations(&self, actor: &Actor) -> Result<Vec<Equivocation>, ExchangeError> {
        may(&actor.roles, DeskAct::Watch)?;
        Ok(self.store.descriptors.equivocations().await?)
    }

    /// Compares what `source` says that it holds of others with what is held here.
    pub(crate) async fn compare_held(
        self: &Arc<Self>,
        source: &ParticipantId,
        held: &[(ParticipantId, Edition)],
    ) -> Result<(), RefreshError> {
        let (mut disputes, mut taken) = (0, 0);
        for (participant, claimed) in held {
            let book = self.book();
            let Some(entry) = book.peer(participant).ok().filter(|entry| may_be_shown(entry)) else { continue };
            if participant == source || entry.row.state == PeerState::Frozen {
                continue;
            }
            if claimed.version > entry.descriptor.version() {
                self.refresh_call_of(participant).notify_one();
                if entry.is_approved() && taken < DISPUTES_MAX {
                    taken += 1;
                    self.take_from_third(source, participant).await?;
                }
                continue;
            }
            let ours = self.kept_hash(participant, claimed.version).await?;
            if ours.is_none_or(|ours| ours == claimed.hash) {
                continue;
            }
            if disputes == DISPUTES_MAX {
                return Ok(());
            }
            disputes += 1;
            self.dispute(source, participant, claimed.version).await?;
        }
        Ok(())
    }

    /// Takes newer versions of `participant` from `source`, which says that it holds some. Its roots decide, whoever shows
    /// what they signed: a thief at its own node would not show that its keys are compromised.
    async fn take_from_third(
        self: &Arc<Self>,
        source: &ParticipantId,
        participant: &ParticipantId,
    ) -> Result<(), RefreshError> {
        let book = self.book();
        let wanted = book.approved_peer(participant)?.descriptor.version() + 1;
        let descriptor = book.approved_peer(source)?.descriptor.clone();
        let shown = self.port.descriptors(&descriptor, participant, wanted).await.map_err(RefreshError::Call)?;
        for envelope in shown.iter().take(REPLY_MAX) {
            match self.take_next(participant, envelope).await {
                Ok(_) => {}
                Err(RefreshError::Refused(error)) => {
                    let fault = format!("shows a descriptor of {participant} that does not follow: {error}");
                    self.descriptor_fault(source, &fault);
                    return Ok(());
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// Asks `source` for the descriptor of `participant` that it claims to hold beside the one held here, and judges it.
    pub(crate) async fn dispute(
        self: &Arc<Self>,
        source: &ParticipantId,
        participant: &ParticipantId,
        version: u64,
    ) -> Result<Verdict, RefreshError> {
        warn!(peer = %source, %participant, version, "peer says that it holds another descriptor");
        let descriptor = self.book().approved_peer(source)?.descriptor.clone();
        let shown = self.port.descriptors(&descriptor, participant, version).await.map_err(RefreshError::Call)?;
        let Some(rival) = shown.first() else { return Ok(Verdict::Open) };
        let verdict = self.judge_rival(source, (participant, version), rival).await?;
        let fault = match verdict {
            Verdict::Proven | Verdict::Open => return Ok(verdict),
            Verdict::Same => "and shows the one that is held here",
            Verdict::Unproven => "and shows one that its roots did not sign",
        };
        self.descriptor_fault(source, &format!("claims another descriptor {version} of {participant} {fault}"));
        Ok(verdict)
    }

    /// True if `rival`, which `source` showed, proves that the participant says two things. What follows has been done.
    pub(crate) async fn convict_if_proven(
        self: &Arc<Self>,
        source: &ParticipantId,
        of: (&ParticipantId, u64),
        rival: &pb::Envelope,
    ) -> Result<bool, ExchangeError> {
        Ok(self.judge_rival(source, of, rival).await? == Verdict::Proven)
    }

    async fn judge_rival(
        self: &Arc<Self>,
        source: &ParticipantId,
        (participant, version): (&ParticipantId, u64),
        rival: &pb::Envelope,
    ) -> Result<Verdict, ExchangeError> {
        let Some(held) = self.kept_version(participant, version).await? else { return Ok(Verdict::Open) };
        let predecessor = match version.checked_sub(1) {
            Some(before) => self.kept_version(participant, before).await?,
            None => None,
        };
        if selat_seal::content_id(rival) == held.content_id() {
            return Ok(Verdict::Same);
        }
        if !held.contradicted_by(predecessor.as_deref(), rival) {
            return Ok(Verdict::Unproven);
        }
        let proof = Equivocation {
            participant: participant.clone(),
            version,
            held: held.envelope().encode_to_vec(),
            rival: rival.encode_to_vec(),
            shown_by: source.clone(),
            at: self.clock.now(),
        };
        let exchange = self.clone();
        self.to_the_end(async move { exchange.convict(proof, &held).await }).await?;
        Ok(Verdict::Proven)
    }

    /// Freezes the participant and keeps the proof, in one batch. Our own roots cannot be frozen here: that is for people.
    async fn convict(&self, proof: Equivocation, held: &AcceptedDescriptor) -> Result<(), ExchangeError> {
        let _one_at_a_time = self.peer_changes.lock().await;
        let book = self.book_as_stored().await?;
        let (participant, version) = (proof.participant.clone(), proof.version);
        let known = self.store.descriptors.equivocations().await?;
        let is_known = known.iter().any(|known| (&known.participant, known.version) == (&participant, version));
        let mut batch = Batch::default();
        if !is_known {
            self.store.descriptors.convict(&mut batch, &proof);
        }
        let reason = format!("its roots signed two descriptors {version}; the other was shown by {}", proof.shown_by);
        let act = Act::of_node(AuditAction::Administration).content(held.content_id()).with([participant.clone()]);
        let act = act.note(format!("found that {reason}"));
        match book.peer(&participant) {
            Ok(entry) if entry.row.state != PeerState::Frozen => {
                let stopped = Some(Stopped { reason: reason.clone(), by: "node".into(), at: proof.at });
                let row = Peer { state: PeerState::Frozen, stopped, ..entry.row.clone() };
                self.store_peer(batch, &book, PeerEntry { row, ..entry.clone() }, act).await?;
            }
            _ if is_known => return Ok(()),
            _ => {
                self.account(&mut batch, act, proof.at)?;
                self.store.commit(batch).await?;
            }
        }
        error!(%participant, version, shown_by = %proof.shown_by, "ALARM: two descriptors under one number");
        Ok(())
    }
}
