//! A key ends without a successor of its own: retired, revoked, or withdrawn before it ever signed.

use selat_record::Timestamp;
use selat_record::pb::{KeyPurpose, KeyStatus};

use super::standing::Standing;
use super::{Deed, PlanError, Situation, Step, StepState};
use crate::{DescribedKey, KeyId};

/// Retired, changed over from, destroyed after its end.
pub(super) fn retire(id: KeyId, situation: &Situation<'_>) -> Result<Vec<Step>, PlanError> {
    let key = listed(id, situation)?;
    let standing = Standing::of(key.purpose(), situation);
    let deed = Deed::Retire { key: id, purpose: key.purpose() };
    match key.status() {
        KeyStatus::Active => {
            check_others(key, &standing, situation)?;
            let mut steps = vec![Step::new(deed, StepState::Due)];
            if standing.is_held(id) {
                let to = standing.held(KeyStatus::Active).into_iter().rfind(|other| other.id() != id);
                steps.extend(to.map(|to| Step::new(Deed::Switch { to: to.id() }, StepState::Later)));
                steps.push(Step::new(Deed::Destroy { key: id }, StepState::Later));
            }
            Ok(steps)
        }
        KeyStatus::Retired => {
            let mut steps = vec![Step::new(deed, StepState::Done)];
            if standing.is_held(id) {
                steps.extend(standing.after_retiring(&[key]));
            }
            Ok(steps)
        }
        KeyStatus::Compromised => Err(PlanError::Compromised(id)),
        KeyStatus::Pending | KeyStatus::Unspecified => Err(PlanError::OnlyAnnounced(id)),
    }
}

/// Called compromised, destroyed, its records signed anew.
pub(super) fn revoke(id: KeyId, since: Timestamp, situation: &Situation<'_>) -> Result<Vec<Step>, PlanError> {
    if since > situation.now {
        return Err(PlanError::Ahead(since));
    }
    let key = listed(id, situation)?;
    let standing = Standing::of(key.purpose(), situation);
    if key.status() == KeyStatus::Active {
        check_others(key, &standing, situation)?;
    }
    let told = key.compromised_since().is_some_and(|told| told <= since);
    let (published, after) = if told { (StepState::Done, StepState::Due) } else { (StepState::Due, StepState::Later) };
    let mut steps = vec![Step::new(Deed::Compromise { key: id, since }, published)];
    if standing.is_held(id) {
        steps.push(Step::new(Deed::Destroy { key: id }, after.clone()));
    }
    steps.extend(standing.resign(after));
    Ok(steps)
}

/// Announced keys are withdrawn and destroyed, keys that nobody was told of destroyed. Once a successor has taken over
/// there is no way back.
pub(super) fn abandon(purpose: KeyPurpose, situation: &Situation<'_>) -> Result<Vec<Step>, PlanError> {
    let standing = Standing::of(purpose, situation);
    let pending: Vec<_> = standing.held(KeyStatus::Pending).iter().map(|key| key.id()).collect();
    let withdrawn = [pending.clone(), standing.missing(KeyStatus::Pending)].concat();
    let mut steps = Vec::new();
    if !withdrawn.is_empty() {
        steps.push(Step::new(Deed::Withdraw { keys: withdrawn }, StepState::Due));
        steps.extend(pending.into_iter().map(|key| Step::new(Deed::Destroy { key }, StepState::Later)));
    }
    let (active, retired) = (standing.held(KeyStatus::Active), standing.held(KeyStatus::Retired));
    match (active.as_slice(), retired.last()) {
        // An authority that was announced beside its predecessor: active, but nothing has retired yet.
        ([.., to, successor], None) => {
            steps.push(Step::new(Deed::Retire { key: successor.id(), purpose }, StepState::Due));
            steps.push(Step::new(Deed::Switch { to: to.id() }, StepState::Later));
            steps.push(Step::new(Deed::Destroy { key: successor.id() }, StepState::Later));
        }
        // The one that retired came after the one that signs: it was undone.
        ([.., signs], Some(last)) if standing.since(last.id()) > standing.since(signs.id()) => {
            steps.push(Step::new(Deed::Retire { key: last.id(), purpose }, StepState::Done));
            steps.extend(standing.after_retiring(&[last]));
        }
        (_, Some(_)) if steps.is_empty() && standing.fresh().is_none() => return Err(PlanError::TakenOver(purpose)),
        _ => {}
    }
    let fresh = standing.all_fresh().map(|key| Step::new(Deed::Destroy { key }, StepState::Due));
    Ok(steps.into_iter().chain(fresh).chain(standing.sweep()).collect())
}

fn listed<'s>(id: KeyId, situation: &Situation<'s>) -> Result<&'s DescribedKey, PlanError> {
    situation.own.key(id.as_bytes()).ok_or(PlanError::UnknownKey(id))
}

/// Without `key` there must still be something to sign with.
fn check_others(key: &DescribedKey, standing: &Standing<'_>, situation: &Situation<'_>) -> Result<(), PlanError> {
    if key.purpose() != KeyPurpose::Root {
        let others = standing.held(KeyStatus::Active).iter().any(|other| other.id() != key.id());
        return if others { Ok(()) } else { Err(PlanError::LastKey(key.purpose())) };
    }
    let threshold = situation.own.message().root_threshold;
    let signs = |root: &&DescribedKey| root.status() == KeyStatus::Active && root.may_sign_at(situation.now);
    let left = situation.own.keys(KeyPurpose::Root).filter(signs).filter(|root| root.id() != key.id()).count();
    if u32::try_from(left).unwrap_or(u32::MAX) < threshold {
        return Err(PlanError::LastRoots(threshold));
    }
    Ok(())
}
