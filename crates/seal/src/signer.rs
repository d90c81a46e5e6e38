//! Signing payloads with a working key.

use std::sync::Arc;

use prost::Message;
use selat_record::pb::KeyPurpose;
use selat_record::{ContentId, Payload, pb};

use crate::{KeyFailure, KeyHandle, KeyId, PublicKey, SealError, content_id, pae};

/// A secret key together with the one purpose that its owner's descriptor gives it.
#[derive(Debug, Clone)]
pub struct Signer {
    purpose: KeyPurpose,
    key: Arc<dyn KeyHandle>,
}

/// A payload in its signed envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// The envelope as a message.
    pub envelope: pb::Envelope,
    /// Names the content.
    pub content_id: ContentId,
    /// The envelope encoded: store and send these bytes.
    pub bytes: Vec<u8>,
}

impl Signer {
    /// A signer for the payloads of one purpose.
    pub fn new(purpose: KeyPurpose, key: impl KeyHandle + 'static) -> Self {
        Self { purpose, key: Arc::new(key) }
    }

    /// What it may sign.
    pub fn purpose(&self) -> KeyPurpose {
        self.purpose
    }

    /// The id of its key.
    pub fn id(&self) -> KeyId {
        self.key.public().id()
    }

    /// The public half of its key.
    pub fn public(&self) -> &PublicKey {
        self.key.public()
    }

    /// True when signing waits for something outside this process.
    pub fn blocks(&self) -> bool {
        self.key.blocks()
    }

    /// Signs what is not a payload and says in its beginning what it is: checkpoints, certificates.
    pub fn sign_bytes(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure> {
        self.key.sign(message)
    }

    /// Signs a payload. Refuses a payload of another purpose, and one larger than any verifier reads.
    ///
    /// Root keys sign only through [`crate::descriptor::sign_with_roots`]; this does not compile:
    /// ```compile_fail,E0080
    /// # use selat_seal::{SecretKey, Signer};
    /// # use selat_record::pb::{Descriptor, KeyPurpose};
    /// let root = Signer::new(KeyPurpose::Root, SecretKey::from_seed([1; 32]));
    /// root.sign(&Descriptor::default());
    /// ```
    pub fn sign<P: Payload>(&self, payload: &P) -> Result<Sealed, SealError> {
        const { assert!(!matches!(P::PURPOSE, KeyPurpose::Root), "root keys sign by threshold, not alone") };
        if self.purpose != P::PURPOSE {
            return Err(SealError::WrongPurpose);
        }
        let payload = payload.encode_to_vec();
        if payload.len() > P::MAX_BYTES {
            return Err(SealError::TooLarge { what: "payload", size: payload.len(), max: P::MAX_BYTES });
        }
        let sig = self.key.sign(&pae(P::TYPE, &payload))?.to_vec();
        let signatures = vec![pb::Signature { key_id: self.id().as_bytes().to_vec(), sig }];
        let envelope = pb::Envelope { payload_type: P::TYPE.to_owned(), payload, signatures };
        Ok(Sealed { content_id: content_id(&envelope), bytes: envelope.encode_to_vec(), envelope })
    }
}
