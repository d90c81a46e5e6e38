//! The one verifier.
//!
//! Promise: a [`Verified`] value was signed, in its one canonical form, by a key of the issuer that the caller expected,
//! for the purpose that its type demands, in this federation; the key was valid when the payload says it was created,
//! and not known as compromised when this node first logged it. Leaves out: whether it has expired, whether it was meant
//! for this node, whether it was seen before.

use std::time::Duration;

use selat_record::pb::KeyPurpose;
use selat_record::{ContentId, FederationId, ParticipantId, Payload, RecordId, Timestamp, pb};

use crate::{KeyId, SealError, Trust, envelope, pae, sha256};

/// How far ahead the clock of an issuer may run.
pub const FUTURE_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The two moments that a verification needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The verifier's clock.
    pub now: Timestamp,
    /// When this node first logged the envelope; for one that just came in, the same as `now`. Compromised keys are judged
    /// at this moment, which no thief can choose.
    pub first_logged: Timestamp,
}

/// A payload whose signature held. Only [`verify`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified<T> {
    inner: T,
    signer: KeyId,
    issuer: ParticipantId,
    content_id: ContentId,
}

impl<T> Verified<T> {
    /// The payload.
    pub fn get(&self) -> &T {
        &self.inner
    }

    /// The payload alone.
    pub fn into_inner(self) -> T {
        self.inner
    }

    /// The key that signed.
    pub fn signer(&self) -> KeyId {
        self.signer
    }

    /// The participant that signed.
    pub fn issuer(&self) -> &ParticipantId {
        &self.issuer
    }

    /// Names what was signed.
    pub fn content_id(&self) -> ContentId {
        self.content_id
    }
}

/// Checks an envelope that `expected_issuer` is said to have signed: the channel or the log entry says so, never the
/// envelope. Nothing of the payload is read before its signature holds.
pub fn verify<P: Payload>(
    trust: &Trust,
    envelope: &pb::Envelope,
    expected_issuer: &ParticipantId,
    at: At,
) -> Result<Verified<P>, SealError> {
    const { assert!(!matches!(P::PURPOSE, KeyPurpose::Root), "what roots sign is checked by threshold") };
    envelope::check_outside::<P>(envelope)?;
    let [signature] = envelope.signatures.as_slice() else {
        return Err(SealError::SignatureCount { want: "a working key signs alone", have: envelope.signatures.len() });
    };
    let issuer = trust.descriptor(expected_issuer).ok_or_else(|| SealError::UnknownIssuer(expected_issuer.clone()))?;
    let key = issuer.key(&signature.key_id).ok_or_else(|| SealError::UnknownKey(expected_issuer.clone()))?;
    if key.purpose() != P::PURPOSE {
        return Err(SealError::WrongPurpose);
    }
    key.check_standing(at.first_logged)?;
    let signed = pae(&envelope.payload_type, &envelope.payload);
    if !key.public().holds(&signed, &signature.sig) {
        return Err(SealError::BadSignature);
    }
    let inner: P = envelope::decode_canonical(&envelope.payload)?;
    let header = check_header(inner.header(), trust.federation())?;
    if header.issuer != *expected_issuer {
        return Err(SealError::IssuerMismatch(expected_issuer.clone()));
    }
    header.check_not_from_the_future(at.now)?;
    if !key.is_valid_at(header.created) {
        return Err(SealError::OutsideValidity { created: header.created });
    }
    let content_id = ContentId::new(sha256(&[&signed]));
    Ok(Verified { inner, signer: key.id(), issuer: header.issuer, content_id })
}

/// What every payload's header says, checked in itself.
pub(crate) struct CheckedHeader {
    pub(crate) issuer: ParticipantId,
    pub(crate) created: Timestamp,
    pub(crate) expires: Option<Timestamp>,
}

impl CheckedHeader {
    pub(crate) fn check_not_from_the_future(&self, now: Timestamp) -> Result<(), SealError> {
        if self.created > now.plus(FUTURE_TOLERANCE) {
            return Err(SealError::FromTheFuture);
        }
        Ok(())
    }
}

/// Checks a header in itself: federation, issuer, audience, id, times.
pub(crate) fn check_header(header: Option<&pb::Header>, federation: &FederationId) -> Result<CheckedHeader, SealError> {
    let header = header.ok_or(SealError::Malformed("the header is missing"))?;
    if header.federation != federation.as_str() {
        return Err(SealError::WrongFederation);
    }
    let issuer = header.issuer.parse().map_err(|_| SealError::Malformed("header.issuer is not a participant"))?;
    if header.audience != "*" && header.audience.parse::<ParticipantId>().is_err() {
        return Err(SealError::Malformed("header.audience is neither a participant nor \"*\""));
    }
    if RecordId::from_slice(&header.id).is_err() {
        return Err(SealError::Malformed("header.id is not the 16 bytes of a UUIDv7"));
    }
    if header.descriptor_version == 0 {
        return Err(SealError::Malformed("header.descriptor_version is missing"));
    }
    let created = Timestamp::from_ms(header.created_ms)
        .filter(|created| *created > Timestamp::EPOCH)
        .ok_or(SealError::Malformed("header.created_ms is not a moment after 1970"))?;
    let expires = match header.expires_ms {
        0 => None,
        ms => Some(
            Timestamp::from_ms(ms)
                .filter(|expires| *expires > created)
                .ok_or(SealError::Malformed("header.expires_ms is not after header.created_ms"))?,
        ),
    };
    Ok(CheckedHeader { issuer, created, expires })
}
