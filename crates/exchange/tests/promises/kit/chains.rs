//! Descriptors that follow on one another: publishing them, and turning keys in them.

use std::time::Duration;

use selat_exchange::{ExchangeError, Published};
use selat_record::pb::{self, KeyPurpose, KeyStatus};
use selat_record::{Payload, Timestamp};
use selat_seal::descriptor::write_chain;
use selat_seal::{AcceptedDescriptor, At, KeyId, KeyRing, verify};

use super::{Node, operator};

impl Node {
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// The next version of this node's descriptor, signed by its roots and not yet published.
    pub fn draft(&self, change: impl FnOnce(&mut pb::Descriptor)) -> pb::Envelope {
        self.party.next(&self.descriptor(), self.now(), change)
    }

    /// Drafts, signs and publishes the next version.
    pub async fn publish_next(&self, change: impl FnOnce(&mut pb::Descriptor)) -> Result<Published, ExchangeError> {
        self.publish_all(&[self.draft(change)]).await
    }

    pub async fn publish_all(&self, chain: &[pb::Envelope]) -> Result<Published, ExchangeError> {
        self.publish(&operator(), &write_chain(chain)).await
    }

    /// Makes a key and publishes it as pending.
    pub async fn announce_key(&self, purpose: KeyPurpose) -> KeyId {
        let id = self.ring.generate(purpose).unwrap();
        let mut key = self.ring.describe(id, self.now()).unwrap();
        key.set_status(KeyStatus::Pending);
        self.publish_next(|next| next.keys.push(key)).await.unwrap();
        id
    }

    /// Publishes that `to` is active from now on and `from` retired at the end of `grace`.
    pub async fn hand_over(&self, from: KeyId, to: KeyId, grace: Duration) {
        let now = self.now();
        let change = |next: &mut pb::Descriptor| {
            for key in &mut next.keys {
                if key.id == to.as_bytes() {
                    key.set_status(KeyStatus::Active);
                    key.valid_from_ms = now.ms();
                }
                if key.id == from.as_bytes() {
                    key.set_status(KeyStatus::Retired);
                    key.valid_until_ms = now.plus(grace).ms();
                }
            }
        };
        self.publish_next(change).await.unwrap();
    }

    /// Whether this node believes a payload that `from` signed just now.
    pub fn believes<P: Payload>(&self, from: &Self, envelope: &pb::Envelope) -> bool {
        let at = At { now: self.now(), first_logged: self.now() };
        verify::<P>(self.book().trust(), envelope, from.id(), at).is_ok()
    }

    /// The version of this node's descriptor that `peer` is known to hold.
    pub fn acknowledged_by(&self, peer: &Self) -> u64 {
        let ready = self.acks(&operator()).unwrap();
        ready.iter().find(|line| line.participant == *peer.id()).map_or(0, |line| line.acknowledged)
    }

    /// The version of `peer`'s descriptor that is held here.
    pub fn holds_of(&self, peer: &Self) -> u64 {
        self.book().peer(peer.id()).unwrap().descriptor.version()
    }
}

impl Node {
    /// A version of `peer`'s descriptor that is kept here.
    pub async fn kept(&self, peer: &Self, version: u64) -> AcceptedDescriptor {
        let kept = self.store.descriptors.version(peer.id(), version).await.unwrap().unwrap();
        let envelope = prost::Message::decode(kept.envelope.as_slice()).unwrap();
        AcceptedDescriptor::restore(self.federation(), &envelope).unwrap()
    }
}

/// A change that turns no key.
pub fn renamed(unit: &'static str) -> impl FnOnce(&mut pb::Descriptor) {
    move |next| unit.clone_into(&mut next.unit)
}
