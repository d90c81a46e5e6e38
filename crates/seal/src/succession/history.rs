//! When each key of the own chain first stood in it.

use std::collections::BTreeMap;

use selat_record::Timestamp;
use selat_record::pb::KeyStatus;

use crate::{AcceptedDescriptor, KeyId};

/// What the own chain says of its keys, those that have left it included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History(BTreeMap<KeyId, Milestones>);

/// The beginnings of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Milestones {
    /// The first version that lists it.
    pub listed: u64,
    /// When this node took that version in. Not when it was drafted: until then no peer could have it.
    pub listed_at: Timestamp,
    /// The first version in which it is active.
    pub active: Option<u64>,
}

impl History {
    /// Reads a chain, ascending: each version with the moment at which this node took it in.
    pub fn of<'c>(chain: impl IntoIterator<Item = (&'c AcceptedDescriptor, Timestamp)>) -> Self {
        let mut history = Self::default();
        for (descriptor, taken_in) in chain {
            for key in descriptor.all_keys() {
                let first = Milestones { listed: descriptor.version(), listed_at: taken_in, active: None };
                let milestones = history.0.entry(key.id()).or_insert(first);
                if key.status() == KeyStatus::Active {
                    milestones.active.get_or_insert(descriptor.version());
                }
            }
        }
        history
    }

    /// The beginnings of a key; `None` if no version ever listed it.
    pub fn of_key(&self, key: KeyId) -> Option<&Milestones> {
        self.0.get(&key)
    }

    /// The version in which each key became active, as [`super::signing_key`] wants them.
    pub fn introduced(&self) -> BTreeMap<KeyId, u64> {
        self.0.iter().filter_map(|(key, milestones)| Some((*key, milestones.active?))).collect()
    }
}
