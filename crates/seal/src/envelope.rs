//! The DSSE envelope: what is signed, how it is named, how much of it is read.

use prost::Message;
use selat_record::{ContentId, Payload, pb};

use crate::{SealError, SecretKey, sha256};

/// Largest encoded envelope: the largest payload (an answer of 2 MiB) and room for its type and signatures.
pub const ENVELOPE_MAX_BYTES: usize = 2 * 1024 * 1024 + 64 * 1024;
/// Most signatures on one envelope.
pub const SIGNATURES_MAX: usize = 16;

/// The bytes that get signed: DSSE's pre-authentication encoding.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    [pae_prefix(payload_type, payload).as_bytes(), payload].concat()
}

/// SHA-256 of the signed bytes: names the content, whoever signed it.
pub fn content_id(envelope: &pb::Envelope) -> ContentId {
    let prefix = pae_prefix(&envelope.payload_type, &envelope.payload);
    ContentId::new(sha256(&[prefix.as_bytes(), &envelope.payload]))
}

/// Reads the outer message of an envelope, never more than [`ENVELOPE_MAX_BYTES`]. Nothing in it has been checked.
pub fn decode_envelope(bytes: &[u8]) -> Result<pb::Envelope, SealError> {
    if bytes.len() > ENVELOPE_MAX_BYTES {
        return Err(SealError::TooLarge { what: "envelope", size: bytes.len(), max: ENVELOPE_MAX_BYTES });
    }
    pb::Envelope::decode(bytes).map_err(|_| SealError::Malformed("not an envelope"))
}

/// Puts a payload in an envelope, signed by each of `keys`.
pub(crate) fn sign_with(payload_type: &str, payload: Vec<u8>, keys: &[&SecretKey]) -> pb::Envelope {
    let signed = pae(payload_type, &payload);
    let signatures = keys
        .iter()
        .map(|key| pb::Signature { key_id: key.id().as_bytes().to_vec(), sig: key.sign_bytes(&signed).to_vec() })
        .collect();
    pb::Envelope { payload_type: payload_type.to_owned(), payload, signatures }
}

/// What is judged before anything else is looked at: type and sizes.
pub(crate) fn check_outside<P: Payload>(envelope: &pb::Envelope) -> Result<(), SealError> {
    if envelope.payload_type != P::TYPE {
        return Err(SealError::WrongType { expected: P::TYPE });
    }
    if envelope.payload.len() > P::MAX_BYTES {
        return Err(SealError::TooLarge { what: "payload", size: envelope.payload.len(), max: P::MAX_BYTES });
    }
    if envelope.signatures.len() > SIGNATURES_MAX {
        return Err(SealError::SignatureCount { want: "at most 16 are read", have: envelope.signatures.len() });
    }
    Ok(())
}

/// Decodes a payload and refuses every encoding of it but one.
pub(crate) fn decode_canonical<P: Payload>(payload: &[u8]) -> Result<P, SealError> {
    let message = P::decode(payload).map_err(|_| SealError::Malformed("the payload is not what its type says"))?;
    // What decoding forgives (unknown fields, repeated fields, other orders, long varints) does not come back out.
    if message.encode_to_vec() != payload {
        return Err(SealError::NonCanonical);
    }
    Ok(message)
}

fn pae_prefix(payload_type: &str, payload: &[u8]) -> String {
    format!("DSSEv1 {} {} {} ", payload_type.len(), payload_type, payload.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pae_equals_the_vector_of_the_dsse_specification() {
        let signed = pae("http://example.com/HelloWorld", b"hello world");
        assert_eq!(signed, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn pae_counts_bytes_not_characters() {
        assert_eq!(pae("ä", "ö".as_bytes()), "DSSEv1 2 ä 2 ö".as_bytes());
    }

    #[test]
    fn content_id_is_the_digest_of_the_signed_bytes_whoever_signed() {
        let keys = [SecretKey::from_seed([1; 32]), SecretKey::from_seed([2; 32])];
        let one = sign_with("type", b"payload".to_vec(), &[&keys[0]]);
        let two = sign_with("type", b"payload".to_vec(), &[&keys[0], &keys[1]]);
        assert_eq!(content_id(&one), content_id(&two));
        assert_eq!(content_id(&one).as_bytes(), &sha256(&[&pae("type", b"payload")]));
    }

    #[test]
    fn an_envelope_beyond_the_cap_is_refused_unread() {
        let refused = decode_envelope(&vec![0; ENVELOPE_MAX_BYTES + 1]).unwrap_err();
        assert_eq!(refused.code(), "TOO_LARGE");
        assert_eq!(decode_envelope(&[0xff; 9]).unwrap_err().code(), "MALFORMED");
    }
}
