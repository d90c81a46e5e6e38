//! Signing payloads with a working key.

use prost::Message;
use selat_record::pb::KeyPurpose;
use selat_record::{ContentId, Payload, pb};

use crate::{KeyId, PublicKey, SealError, SecretKey, content_id, envelope};

/// A secret key together with the one purpose that its owner's descriptor gives it.
#[derive(Debug, Clone)]
pub struct Signer {
    purpose: KeyPurpose,
    key: SecretKey,
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
    pub fn new(purpose: KeyPurpose, key: SecretKey) -> Self {
        Self { purpose, key }
    }

    /// What it may sign.
    pub fn purpose(&self) -> KeyPurpose {
        self.purpose
    }

    /// The id of its key.
    pub fn id(&self) -> KeyId {
        self.key.id()
    }

    /// The public half of its key.
    pub fn public(&self) -> PublicKey {
        self.key.public()
    }

    /// The key itself, for what is not a payload: checkpoints, certificates.
    pub fn key(&self) -> &SecretKey {
        &self.key
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
        let envelope = envelope::sign_with(P::TYPE, payload, &[&self.key]);
        Ok(Sealed { content_id: content_id(&envelope), bytes: envelope.encode_to_vec(), envelope })
    }
}
