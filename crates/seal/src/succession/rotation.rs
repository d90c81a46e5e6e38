//! A successor takes over: with overlap, or at once.

use selat_record::Timestamp;
use selat_record::pb::{KeyPurpose, KeyStatus};

use super::standing::Standing;
use super::{Deed, Emergency, PlanError, Situation, Step, StepState};
use crate::{DescribedKey, KeyId};

/// Made, announced, taken over, changed over to, the predecessor destroyed.
pub(super) fn planned(purpose: KeyPurpose, situation: &Situation<'_>) -> Vec<Step> {
    let standing = Standing::of(purpose, situation);
    let retired = standing.held(KeyStatus::Retired);
    let taken_over = !retired.is_empty() && !standing.held(KeyStatus::Active).is_empty();
    let steps = if taken_over { tail(&standing, &retired) } else { to_the_takeover(&standing, situation) };
    steps.into_iter().chain(standing.sweep()).collect()
}

fn to_the_takeover(standing: &Standing<'_>, situation: &Situation<'_>) -> Vec<Step> {
    let purpose = standing.purpose;
    let (announced, predecessors) = announced(standing);
    let withdrawn = standing.missing(KeyStatus::Pending);
    let successor = announced.map(DescribedKey::id).or_else(|| standing.fresh());
    let made = if successor.is_some() { StepState::Done } else { StepState::Due };
    let known = match (announced, successor) {
        (Some(_), _) => StepState::Done,
        (None, Some(_)) => StepState::Due,
        (None, None) => StepState::Later,
    };
    let ready = announced.map_or(StepState::Later, |key| {
        let milestones = situation.history.of_key(key.id());
        let listed = milestones.map_or(situation.own.version(), |key| key.listed);
        let listed_at = milestones.map_or(situation.now, |key| key.listed_at);
        standing.when_known(listed, listed_at.plus(situation.overlap))
    });
    let active = announced.is_some_and(|key| key.status() == KeyStatus::Active);
    let ids: Vec<KeyId> = predecessors.iter().map(|key| key.id()).collect();
    // What is not held any more leaves with the next version that is published anyway.
    let (with_announcement, with_takeover) =
        if announced.is_none() { (withdrawn, Vec::new()) } else { (Vec::new(), withdrawn) };
    let announce = Deed::Announce { purpose, successor, withdrawn: with_announcement };
    let take_over = Deed::TakeOver { purpose, successor, active, predecessors: ids.clone(), withdrawn: with_takeover };
    let mut steps =
        vec![Step::new(Deed::Generate { purpose }, made), Step::new(announce, known), Step::new(take_over, ready)];
    steps.extend(successor.map(|to| Step::new(Deed::Switch { to }, StepState::Later)));
    steps.extend(ids.into_iter().map(|key| Step::new(Deed::Destroy { key }, StepState::Later)));
    steps
}

/// The successor that peers have been told of, and the keys that it will follow. An authority is active from its
/// announcement on: of several active keys that are held the newest is the successor.
fn announced<'s>(standing: &Standing<'s>) -> (Option<&'s DescribedKey>, Vec<&'s DescribedKey>) {
    let mut active = standing.held(KeyStatus::Active);
    if let Some(pending) = standing.held(KeyStatus::Pending).first() {
        return (Some(pending), active);
    }
    let successor = if active.len() > 1 { active.pop() } else { None };
    (successor, active)
}

/// The successor is in force; the predecessor has not gone yet.
fn tail(standing: &Standing<'_>, retired: &[&DescribedKey]) -> Vec<Step> {
    let purpose = standing.purpose;
    let successor = standing.held(KeyStatus::Active).last().map(|key| key.id());
    let predecessors = retired.iter().map(|key| key.id()).collect();
    let (active, withdrawn) = (false, Vec::new());
    let mut steps: Vec<_> = [
        Deed::Generate { purpose },
        Deed::Announce { purpose, successor, withdrawn: Vec::new() },
        Deed::TakeOver { purpose, successor, active, predecessors, withdrawn },
    ]
    .into_iter()
    .map(|deed| Step::new(deed, StepState::Done))
    .collect();
    steps.extend(standing.after_retiring(retired));
    steps
}

/// Made, in force at once, all that was held before compromised and destroyed, its records signed anew.
pub(super) fn emergency(
    purpose: KeyPurpose,
    Emergency { since }: Emergency,
    situation: &Situation<'_>,
) -> Result<Vec<Step>, PlanError> {
    if since > situation.now {
        return Err(PlanError::Ahead(since));
    }
    let standing = Standing::of(purpose, situation);
    let successor = standing.held(KeyStatus::Active).last().copied();
    let compromised: Vec<_> = standing.held(KeyStatus::Compromised).iter().map(|key| key.id()).collect();
    // The same goal again, with the moment that the descriptor tells already, is not another theft.
    let is_told = situation.own.keys(purpose).any(|key| key.compromised_since() == Some(since));
    match successor {
        Some(key) if is_told || !compromised.is_empty() => {
            let (successor, withdrawn) = (Some(key.id()), Vec::new());
            let mut steps = vec![
                Step::new(Deed::Generate { purpose }, StepState::Done),
                Step::new(Deed::Replace { purpose, successor, compromised, withdrawn, since }, StepState::Done),
            ];
            steps.extend(standing.sweep());
            steps.extend(standing.resign(StepState::Due));
            Ok(steps)
        }
        _ => Ok(to_the_replacement(&standing, since)),
    }
}

fn to_the_replacement(standing: &Standing<'_>, since: Timestamp) -> Vec<Step> {
    let purpose = standing.purpose;
    let ids = |status: KeyStatus| standing.held(status).iter().map(|key| key.id()).collect::<Vec<_>>();
    // All lay in one place. Retired keys too: a thief can say that he signed while they were valid.
    let compromised = [ids(KeyStatus::Retired), ids(KeyStatus::Active)].concat();
    let pending = ids(KeyStatus::Pending);
    let withdrawn = [pending.clone(), standing.missing(KeyStatus::Pending)].concat();
    let successor = standing.fresh();
    let (made, ready) =
        if successor.is_some() { (StepState::Done, StepState::Due) } else { (StepState::Due, StepState::Later) };
    let gone = [compromised.clone(), pending].concat();
    let mut steps = vec![
        Step::new(Deed::Generate { purpose }, made),
        Step::new(Deed::Replace { purpose, successor, compromised, withdrawn, since }, ready),
    ];
    steps.extend(gone.into_iter().map(|key| Step::new(Deed::Destroy { key }, StepState::Later)));
    steps.extend(standing.sweep());
    steps.extend(standing.resign(StepState::Later));
    steps
}
