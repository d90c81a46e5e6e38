//! How the keys of one purpose stand.

use std::collections::BTreeSet;

use selat_record::Timestamp;
use selat_record::pb::{KeyPurpose, KeyStatus};

use super::{Deed, Readiness, Situation, Step, StepState, Wait};
use crate::{DescribedKey, KeyId};

/// The keys of one purpose, sorted by where they stand between descriptor and node.
pub(super) struct Standing<'s> {
    pub(super) purpose: KeyPurpose,
    situation: &'s Situation<'s>,
    held: BTreeSet<KeyId>,
}

impl<'s> Standing<'s> {
    pub(super) fn of(purpose: KeyPurpose, situation: &'s Situation<'s>) -> Self {
        let held = situation.held.iter().filter(|key| key.purpose == purpose).map(|key| key.id).collect();
        Self { purpose, situation, held }
    }

    /// The keys of this status that are held, in the order in which they entered the chain.
    pub(super) fn held(&self, status: KeyStatus) -> Vec<&'s DescribedKey> {
        let mut keys: Vec<_> = self.listed(status).filter(|key| self.held.contains(&key.id())).collect();
        keys.sort_by_key(|key| (self.since(key.id()), key.valid_from(), key.id()));
        keys
    }

    /// The keys of this status that are not held.
    pub(super) fn missing(&self, status: KeyStatus) -> Vec<KeyId> {
        self.listed(status).map(DescribedKey::id).filter(|id| !self.held.contains(id)).collect()
    }

    /// A key that was made and has never stood in any descriptor: the successor of a turn that was begun.
    pub(super) fn fresh(&self) -> Option<KeyId> {
        self.all_fresh().next()
    }

    /// All such keys.
    pub(super) fn all_fresh(&self) -> impl Iterator<Item = KeyId> {
        self.held.iter().copied().filter(|id| self.situation.history.of_key(*id).is_none())
    }

    pub(super) fn is_held(&self, id: KeyId) -> bool {
        self.held.contains(&id)
    }

    /// The version in which the key became active; for one that did not, the version that lists it.
    pub(super) fn since(&self, id: KeyId) -> u64 {
        let milestones = self.situation.history.of_key(id);
        milestones.map_or(self.situation.own.version(), |key| key.active.unwrap_or(key.listed))
    }

    fn listed(&self, status: KeyStatus) -> impl Iterator<Item = &'s DescribedKey> + use<'s> {
        self.situation.own.keys(self.purpose).filter(move |key| key.status() == status)
    }

    /// Due once every approved peer has acknowledged `version` and it is `earliest`.
    pub(super) fn when_known(&self, version: u64, earliest: Timestamp) -> StepState {
        let lacks = |peer: &&Readiness| !peer.knows(version);
        let line = |peer: &Readiness| (peer.participant.clone(), peer.acknowledged);
        let peers: Vec<_> = self.situation.peers.iter().filter(lacks).map(line).collect();
        let earliest = Some(earliest).filter(|earliest| self.situation.now < *earliest);
        if peers.is_empty() && earliest.is_none() {
            return StepState::Due;
        }
        StepState::Waiting(Wait { version, peers, earliest, time: "the overlap to pass" })
    }

    /// The steps after `retired` has been retired: the node changes over by itself, and the secret goes after its end.
    pub(super) fn after_retiring(&self, retired: &[&DescribedKey]) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(successor) = self.held(KeyStatus::Active).last() {
            let known = self.when_known(self.since(successor.id()), Timestamp::EPOCH);
            let over = retired.iter().all(|key| self.has_ended(key));
            let state = if over || known == StepState::Due { StepState::Done } else { known };
            steps.push(Step::new(Deed::Switch { to: successor.id() }, state));
        }
        steps.extend(retired.iter().map(|key| self.destroy_at_its_end(key)));
        steps
    }

    /// The node may sign with a retired key until its end.
    fn destroy_at_its_end(&self, key: &DescribedKey) -> Step {
        let waiting = |end| {
            StepState::Waiting(Wait { version: 0, peers: Vec::new(), earliest: Some(end), time: "the end of the key" })
        };
        let end = key.valid_until().filter(|_| !self.has_ended(key));
        Step::new(Deed::Destroy { key: key.id() }, end.map_or(StepState::Due, waiting))
    }

    fn has_ended(&self, key: &DescribedKey) -> bool {
        key.valid_until().is_none_or(|until| until <= self.situation.now)
    }

    /// What is held and will not be used again: compromised keys, and keys that stood in a descriptor and have left it.
    pub(super) fn sweep(&self) -> impl Iterator<Item = Step> {
        let compromised = self.held(KeyStatus::Compromised).into_iter().map(DescribedKey::id);
        let listed = |id: &KeyId| self.situation.own.keys(self.purpose).any(|key| key.id() == *id);
        let has_left = |id: &KeyId| self.situation.history.of_key(*id).is_some() && !listed(id);
        let left = self.held.iter().copied().filter(has_left);
        // Compromised keys last: as long as one is held, an emergency is known to be under way.
        let keys: Vec<_> = left.chain(compromised).collect();
        keys.into_iter().map(|key| Step::new(Deed::Destroy { key }, StepState::Due))
    }

    /// Records that a compromised key signed are signed anew.
    pub(super) fn resign(&self, state: StepState) -> Option<Step> {
        let records = self.situation.doubtful;
        (self.purpose == KeyPurpose::Record && records > 0).then(|| Step::new(Deed::Resign { records }, state))
    }
}
