//! What a participant says about itself, once it has been believed.
//!
//! A descriptor is the one payload that is parsed before it is verified, because the keys that verify it are in it; so it
//! is small (64 KiB) and everything in it is bounded. Promise: an [`AcceptedDescriptor`] was signed by the threshold of its
//! own root keys and every key in it keeps the rule of [`crate::PublicKey`]; one that [`AcceptedDescriptor::accept_next`]
//! returns also follows on the one before it. Leaves out: whether the participant is who it says (the safety phrase answers
//! that, see [`crate::phrase`]) and whether a TLS authority's certificate carries its key (the TLS layer checks).

mod chain;
mod draft;
mod fields;
mod files;
mod keys;
mod signing;

use std::collections::BTreeSet;

use selat_record::fault::FaultList;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{ContentId, FederationId, ParticipantId, Payload, Timestamp, pb};

use crate::verify::{self, CheckedHeader};
use crate::{FUTURE_TOLERANCE, KeyId, PublicKey, SealError, content_id, envelope, pae};

pub use chain::KeyRule;
pub(crate) use chain::status_word;
pub(crate) use draft::endpoint_message;
pub use draft::{DescriptorDraft, describe_authority, describe_key, sign_with_roots};
pub use files::{FileError, read_chain, read_draft, write_chain, write_draft};
pub use keys::DescribedKey;
pub use signing::{Count, Tally, add_signature, combine, tally, unsigned};

/// Where a node of a participant listens for peers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Label of the node inside the participant.
    pub node: String,
    /// Host name or IP address.
    pub host: String,
    /// Port, never 0.
    pub port: u16,
}

/// A descriptor that has passed every check.
#[derive(Debug, Clone, PartialEq)]
pub struct AcceptedDescriptor {
    federation: FederationId,
    participant: ParticipantId,
    created: Timestamp,
    expires: Option<Timestamp>,
    content_id: ContentId,
    keys: Vec<DescribedKey>,
    endpoints: Vec<Endpoint>,
    message: pb::Descriptor,
    envelope: pb::Envelope,
}

impl AcceptedDescriptor {
    /// Accepts a participant's descriptor at first contact, whatever its number: signed by the threshold of its own roots,
    /// not from the future, not expired. That its content is the participant's is for two people with the safety phrase to
    /// say; what went before it is not asked.
    pub fn accept_first(federation: &FederationId, envelope: &pb::Envelope, now: Timestamp) -> Result<Self, SealError> {
        let accepted = Self::restore(federation, envelope)?;
        accepted.check_not_from_the_future(now)?;
        accepted.check_not_expired(now)?;
        Ok(accepted)
    }

    /// Makes an accepted descriptor again from what was stored. Checks all that [`Self::accept_first`] checks, except the
    /// clock: records that were logged before a descriptor expired still verify.
    pub fn restore(federation: &FederationId, envelope: &pb::Envelope) -> Result<Self, SealError> {
        Opened::open(federation, envelope)?.accept(envelope)
    }

    /// Refuses one past its expiry. In a walk along a chain only the last is asked: those before it may well have expired.
    pub fn check_not_expired(&self, now: Timestamp) -> Result<(), SealError> {
        match self.expires.filter(|expires| *expires <= now) {
            Some(expires) => Err(self.refusal(SealError::Expired(expires))),
            None => Ok(()),
        }
    }

    fn check_not_from_the_future(&self, now: Timestamp) -> Result<(), SealError> {
        if self.created > now.plus(FUTURE_TOLERANCE) {
            return Err(self.refusal(SealError::FromTheFuture));
        }
        Ok(())
    }

    /// Why this descriptor is refused, by its owner and number.
    fn refusal(&self, rule: SealError) -> SealError {
        rule.in_descriptor(&self.participant, self.version())
    }

    /// The federation in which it was accepted.
    pub fn federation(&self) -> &FederationId {
        &self.federation
    }

    /// Whose descriptor it is.
    pub fn participant(&self) -> &ParticipantId {
        &self.participant
    }

    /// Its number in the participant's chain.
    pub fn version(&self) -> u64 {
        self.message.version
    }

    /// When it was made.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// When it stops being current, if ever.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// Names its content; goes into the safety phrase.
    pub fn content_id(&self) -> ContentId {
        self.content_id
    }

    /// The envelope as received.
    pub fn envelope(&self) -> &pb::Envelope {
        &self.envelope
    }

    /// The checked message.
    pub fn message(&self) -> &pb::Descriptor {
        &self.message
    }

    /// Its nodes, in order of preference. Never empty.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// All its keys, whatever their purpose and status.
    pub fn all_keys(&self) -> &[DescribedKey] {
        &self.keys
    }

    /// The keys of one purpose, whatever their status.
    pub fn keys(&self, purpose: KeyPurpose) -> impl Iterator<Item = &DescribedKey> {
        self.keys.iter().filter(move |key| key.purpose() == purpose)
    }

    /// The key with this id.
    pub fn key(&self, id: &[u8]) -> Option<&DescribedKey> {
        let id = KeyId::from_slice(id)?;
        self.keys.iter().find(|key| key.id() == id)
    }

    /// The keys that may sign checkpoints at `now`, by the verifier's clock.
    pub fn log_keys_at(&self, now: Timestamp) -> impl Iterator<Item = &PublicKey> {
        self.keys(KeyPurpose::Log).filter(move |key| key.may_sign_at(now)).map(DescribedKey::public)
    }

    /// The TLS authorities that vouch for its nodes at `now` or will later, each with its window.
    pub fn authorities(&self, now: Timestamp) -> impl Iterator<Item = TlsAuthority<'_>> {
        self.keys(KeyPurpose::TlsCa).filter_map(TlsAuthority::of).filter(move |authority| authority.has_not_ended(now))
    }

    /// The root keys that may sign at `created`: descriptors are signed at the time that they say, by roots that are active.
    fn signing_roots(&self, created: Timestamp) -> Vec<&DescribedKey> {
        signing_roots(&self.keys, created)
    }

    fn root_threshold(&self) -> usize {
        usize::try_from(self.message.root_threshold).unwrap_or(usize::MAX)
    }
}

/// A TLS authority of a descriptor, and when its word counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsAuthority<'d> {
    /// The id of its key.
    pub key: KeyId,
    /// Its key, which the certificate must carry.
    pub public: &'d PublicKey,
    /// Its certificate in DER.
    pub certificate: &'d [u8],
    /// From when on: [`FUTURE_TOLERANCE`] before the key's beginning, for verifiers whose clock is behind.
    pub from: Timestamp,
    /// Until when, if an end is fixed.
    pub until: Option<Timestamp>,
}

impl<'d> TlsAuthority<'d> {
    /// `None` for what never vouches: a key that is pending or compromised, or no authority.
    fn of(key: &'d DescribedKey) -> Option<Self> {
        matches!(key.status(), KeyStatus::Active | KeyStatus::Retired).then_some(())?;
        Some(Self {
            key: key.id(),
            public: key.public(),
            certificate: key.certificate()?,
            from: key.valid_from().minus(FUTURE_TOLERANCE),
            until: key.valid_until(),
        })
    }

    fn has_not_ended(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// A descriptor whose outside and header are in order: whose it says it is and which number it bears. Nothing is believed.
struct Opened {
    federation: FederationId,
    header: CheckedHeader,
    message: pb::Descriptor,
}

impl Opened {
    fn open(federation: &FederationId, envelope: &pb::Envelope) -> Result<Self, SealError> {
        envelope::check_outside::<pb::Descriptor>(envelope)?;
        let message: pb::Descriptor = envelope::decode_canonical(&envelope.payload)?;
        let header = verify::check_header(message.header(), federation)?;
        Ok(Self { federation: federation.clone(), header, message })
    }

    /// Why this descriptor is refused, by its owner and number.
    fn refusal(&self, rule: SealError) -> SealError {
        rule.in_descriptor(&self.header.issuer, self.message.version)
    }

    /// Checks all fields, and the signatures of its own roots.
    fn accept(self, envelope: &pb::Envelope) -> Result<AcceptedDescriptor, SealError> {
        let accepted = self.read_unsigned(envelope)?;
        let signers = signers(&accepted.signing_roots(accepted.created), envelope);
        let (need, have) = (accepted.root_threshold(), signers.len());
        if have < need {
            return Err(accepted.refusal(SealError::Threshold { need, have }));
        }
        Ok(accepted)
    }

    /// Checks all fields. What comes back must not leave this module before its signatures have been counted.
    fn read_unsigned(self, envelope: &pb::Envelope) -> Result<AcceptedDescriptor, SealError> {
        let (keys, endpoints) = self.check_fields()?;
        Ok(AcceptedDescriptor {
            federation: self.federation,
            participant: self.header.issuer,
            created: self.header.created,
            expires: self.header.expires,
            content_id: content_id(envelope),
            keys,
            endpoints,
            message: self.message,
            envelope: envelope.clone(),
        })
    }

    fn check_fields(&self) -> Result<(Vec<DescribedKey>, Vec<Endpoint>), SealError> {
        let mut faults = FaultList::default();
        fields::check(&self.message, &mut faults);
        let keys = keys::check_all(&self.message.keys, self.header.created, &mut faults);
        let endpoints = fields::check_endpoints(&self.message.endpoints, &mut faults);
        let roots = signing_roots(&keys, self.header.created).len();
        fields::check_threshold(self.message.root_threshold, roots, &mut faults);
        faults.into_result((keys, endpoints)).map_err(|faults| self.refusal(SealError::Fields(faults)))
    }
}

fn signing_roots(keys: &[DescribedKey], created: Timestamp) -> Vec<&DescribedKey> {
    let signs = |key: &&DescribedKey| {
        let begun = key.valid_from() <= created;
        key.purpose() == KeyPurpose::Root && key.status() == KeyStatus::Active && begun && key.is_valid_at(created)
    };
    keys.iter().filter(signs).collect()
}

/// Those of `roots` whose signature on the envelope holds: distinct keys, however often each signed. Signatures of other
/// keys count for nothing and do no harm: a relay may add them, and a new version carries those of roots that have gone.
fn signers(roots: &[&DescribedKey], envelope: &pb::Envelope) -> BTreeSet<KeyId> {
    let signed = pae(&envelope.payload_type, &envelope.payload);
    let signer = |signature: &pb::Signature| {
        let root = roots.iter().find(|root| root.id().as_bytes() == signature.key_id.as_slice())?;
        root.public().holds(&signed, &signature.sig).then(|| root.id())
    };
    envelope.signatures.iter().filter_map(signer).collect()
}
