//! Whom this node believes: the accepted descriptors, one per participant.

use std::collections::BTreeMap;
use std::sync::Arc;

use selat_record::{FederationId, ParticipantId};

use crate::AcceptedDescriptor;

/// Who may sign what. A value: changing trust makes another one, so that a verification never sees half a change.
#[derive(Debug, Clone)]
pub struct Trust {
    federation: FederationId,
    descriptors: BTreeMap<ParticipantId, Arc<AcceptedDescriptor>>,
}

impl Trust {
    /// Trust in nobody.
    pub fn new(federation: FederationId) -> Self {
        Self { federation, descriptors: BTreeMap::new() }
    }

    /// The same with this descriptor in place of any other of its participant.
    pub fn with(mut self, descriptor: AcceptedDescriptor) -> Self {
        self.descriptors.insert(descriptor.participant().clone(), Arc::new(descriptor));
        self
    }

    /// The same without a participant.
    pub fn without(mut self, participant: &ParticipantId) -> Self {
        self.descriptors.remove(participant);
        self
    }

    /// The federation that every payload must name.
    pub fn federation(&self) -> &FederationId {
        &self.federation
    }

    /// The accepted descriptor of a participant.
    pub fn descriptor(&self, participant: &ParticipantId) -> Option<&AcceptedDescriptor> {
        self.descriptors.get(participant).map(Arc::as_ref)
    }

    /// All accepted descriptors, by participant.
    pub fn descriptors(&self) -> impl Iterator<Item = &AcceptedDescriptor> {
        self.descriptors.values().map(Arc::as_ref)
    }
}
