//! A key in other hands, and what its owner publishes then.

use selat_record::pb::{self, KeyPurpose, KeyStatus};
use selat_record::{Payload, Timestamp};
use selat_seal::{KeyId, KeyRing};

use super::Node;

impl Node {
    /// The key that signs for this purpose now is called compromised, another one takes over at once.
    pub async fn replace_key(&self, purpose: KeyPurpose, since: Timestamp) -> KeyId {
        let stolen = self.in_use(purpose).unwrap();
        let made = self.ring.generate(purpose).unwrap();
        let key = self.ring.describe(made, self.now()).unwrap();
        self.publish_next(|next| {
            call_compromised(next, stolen, since);
            next.keys.push(key);
        })
        .await
        .unwrap();
        assert_eq!(self.in_use(purpose), Some(made), "nothing more is signed with the stolen key");
        stolen
    }

    /// A payload, signed with the key that is in use now.
    pub fn sign_as_node<P: Payload>(&self, payload: &P) -> pb::Envelope {
        self.signer(P::PURPOSE).unwrap().sign(payload).unwrap().envelope
    }

    /// Finds out that a compromise began earlier.
    pub async fn move_compromise(&self, key: KeyId, since: Timestamp) {
        self.publish_next(|next| call_compromised(next, key, since)).await.unwrap();
    }

    /// Learns the newest descriptor of `peer`, and has done what follows from it.
    pub async fn learns_of(&self, peer: &Self) {
        self.refresh(peer.id()).await.unwrap();
        assert_eq!(self.holds_of(peer), peer.descriptor().version());
        self.doubt(peer.id()).await.unwrap();
    }
}

fn call_compromised(next: &mut pb::Descriptor, id: KeyId, since: Timestamp) {
    let key = next.keys.iter_mut().find(|key| key.id == id.as_bytes()).unwrap();
    key.set_status(KeyStatus::Compromised);
    key.compromised_since_ms = since.ms();
}
