//! The rules by which one descriptor follows on another.
//!
//! Promise: whoever holds version N comes to version N+1 only by the word of N's own roots, only by one step, and never to
//! a descriptor that makes a key more trusted than it was when its trust had ended. A walk takes the steps one by one and
//! keeps each; [`AcceptedDescriptor::check_not_expired`] is asked of the last alone.

use std::fmt;

use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{Timestamp, pb};

use super::{AcceptedDescriptor, DescribedKey, Opened, signers, unsigned};
use crate::{KeyId, SealError, keyfile};

/// What the next descriptor may not do to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRule {
    /// A key has one purpose for life.
    Purpose(KeyPurpose, KeyPurpose),
    /// The certificate of an authority is part of what was compared when it was accepted.
    Certificate,
    /// Its beginning is fixed once it has been active: another would change what it signed.
    Start,
    /// A key that enters or becomes active cannot begin before the version that did not know it as active.
    Backdated,
    /// A new key is announced or active.
    Entry(KeyStatus),
    /// Its life goes forward only.
    Status(KeyStatus, KeyStatus),
    /// The end of a retired key never moves later, nor does an end that has passed.
    End,
    /// The moment of a compromise never moves later.
    CompromisedSince,
    /// A compromised key stays listed, so that it cannot come back as a new one.
    CompromisedLeft,
}

impl KeyRule {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Purpose(..) => "KEY_PURPOSE_CHANGED",
            Self::Certificate => "KEY_CERTIFICATE_CHANGED",
            Self::Start => "KEY_START_CHANGED",
            Self::Backdated => "KEY_BACKDATED",
            Self::Entry(_) => "KEY_ENTERS_ENDED",
            Self::Status(..) => "KEY_REVIVED",
            Self::End => "KEY_END_EXTENDED",
            Self::CompromisedSince => "KEY_COMPROMISE_MOVED",
            Self::CompromisedLeft => "KEY_COMPROMISE_DROPPED",
        }
    }
}

impl fmt::Display for KeyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Purpose(was, is) => {
                let (was, is) = (keyfile::purpose_word(*was), keyfile::purpose_word(*is));
                write!(f, "its purpose was {was} and cannot become {is}")
            }
            Self::Certificate => write!(f, "its certificate cannot change"),
            Self::Start => write!(f, "its beginning cannot change once it has been active"),
            Self::Backdated => write!(f, "it begins before the version in which it was not active yet"),
            Self::Entry(status) => write!(f, "it is new and cannot enter as {}", status_word(*status)),
            Self::Status(was, is) => write!(f, "it was {} and cannot become {}", status_word(*was), status_word(*is)),
            Self::End => write!(f, "its end cannot move later once it is retired or has ended"),
            Self::CompromisedSince => write!(f, "the moment of its compromise cannot move later"),
            Self::CompromisedLeft => write!(f, "it is compromised and must stay listed as such"),
        }
    }
}

/// The status as people read it.
pub(crate) fn status_word(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Unspecified => "of no status",
        KeyStatus::Pending => "pending",
        KeyStatus::Active => "active",
        KeyStatus::Retired => "retired",
        KeyStatus::Compromised => "compromised",
    }
}

impl AcceptedDescriptor {
    /// Accepts the version after this one: of the same participant, exactly one number on, carrying the hash of this one,
    /// signed by the threshold of this one's roots and of its own, created no earlier, with no key brought back. Not asked
    /// is whether it has expired.
    pub fn accept_next(&self, envelope: &pb::Envelope, now: Timestamp) -> Result<Self, SealError> {
        let opened = Opened::open(self.federation(), envelope)?;
        self.check_place(&opened).map_err(|rule| opened.refusal(rule))?;
        let next = opened.accept(envelope)?;
        self.check_signed_by_mine(&next)?;
        self.check_follows(&next).map_err(|rule| next.refusal(rule))?;
        next.check_not_from_the_future(now)?;
        Ok(next)
    }

    /// True when `envelope` is proof that the participant said two things under one number: it bears the number of this
    /// descriptor, says something else, and is signed by those who alone could say it, the threshold of the roots of the
    /// version before; where that one is not held (`None`), the threshold of this one's own roots. Whether it breaks any
    /// other rule is no excuse.
    pub fn contradicted_by(&self, predecessor: Option<&Self>, envelope: &pb::Envelope) -> bool {
        let Ok(other) = Opened::open(self.federation(), envelope) else { return false };
        let same_place = other.header.issuer == *self.participant() && other.message.version == self.version();
        if !same_place || crate::content_id(envelope) == self.content_id() {
            return false;
        }
        let judge = predecessor.unwrap_or(self);
        signers(&judge.signing_roots(other.header.created), envelope).len() >= judge.root_threshold()
    }

    /// Checks a draft of the next version, which nobody has signed, by every rule that needs no signature and no clock.
    pub fn check_draft(&self, draft: &pb::Descriptor) -> Result<(), SealError> {
        let envelope = unsigned(draft);
        let opened = Opened::open(self.federation(), &envelope)?;
        self.check_place(&opened).map_err(|rule| opened.refusal(rule))?;
        let next = opened.read_unsigned(&envelope)?;
        self.check_follows(&next).map_err(|rule| next.refusal(rule))
    }

    /// What the next descriptor says of its place, before any of its fields is looked at.
    fn check_place(&self, next: &Opened) -> Result<(), SealError> {
        if next.header.issuer != self.participant {
            return Err(SealError::OtherParticipant(self.participant.clone()));
        }
        let (held, version) = (self.version(), next.message.version);
        if version < held {
            return Err(SealError::RolledBack { held });
        }
        if version == held {
            return Err(SealError::SameVersion { held: self.content_id });
        }
        if version - held > 1 {
            return Err(SealError::VersionSkipped { held });
        }
        if next.message.previous != self.content_id.as_bytes() {
            return Err(SealError::WrongPrevious { held, expected: self.content_id });
        }
        Ok(())
    }

    /// Only roots that this descriptor has as active count, at the time that the next one says it was created; what the
    /// next one says of them does not matter, so that roots can sign their own replacement.
    fn check_signed_by_mine(&self, next: &Self) -> Result<(), SealError> {
        let have = signers(&self.signing_roots(next.created), &next.envelope).len();
        let (held, need) = (self.version(), self.root_threshold());
        if have < need {
            return Err(next.refusal(SealError::ThresholdOfPrevious { held, need, have }));
        }
        Ok(())
    }

    /// What its content must keep of this one's.
    fn check_follows(&self, next: &Self) -> Result<(), SealError> {
        if next.created < self.created {
            let (held, created, after) = (self.version(), next.created, self.created);
            return Err(SealError::CreatedEarlier { held, created, after });
        }
        let broken = |key: KeyId, rule: KeyRule| Err(SealError::KeyTransition { key, rule });
        for key in &self.keys {
            let rule = match next.by_id(key.id()) {
                Some(then) => change_of(key, then, self.created, next.created),
                None if key.status() == KeyStatus::Compromised => Err(KeyRule::CompromisedLeft),
                None => Ok(()),
            };
            rule.or_else(|rule| broken(key.id(), rule))?;
        }
        let new = next.keys.iter().filter(|key| self.by_id(key.id()).is_none());
        for key in new {
            entry_of(key, self.created).or_else(|rule| broken(key.id(), rule))?;
        }
        Ok(())
    }

    pub(crate) fn by_id(&self, id: KeyId) -> Option<&DescribedKey> {
        self.keys.iter().find(|key| key.id() == id)
    }
}

/// A key that the version before did not list. It was nothing then, so it may not be anything before then.
fn entry_of(key: &DescribedKey, previous_created: Timestamp) -> Result<(), KeyRule> {
    match key.status() {
        KeyStatus::Pending => Ok(()),
        KeyStatus::Active if key.valid_from() < previous_created => Err(KeyRule::Backdated),
        KeyStatus::Active => Ok(()),
        status => Err(KeyRule::Entry(status)),
    }
}

/// A key that both list.
fn change_of(
    was: &DescribedKey,
    is: &DescribedKey,
    previous_created: Timestamp,
    created: Timestamp,
) -> Result<(), KeyRule> {
    if is.purpose() != was.purpose() {
        return Err(KeyRule::Purpose(was.purpose(), is.purpose()));
    }
    if is.certificate() != was.certificate() {
        return Err(KeyRule::Certificate);
    }
    if !may_become(was.status(), is.status()) {
        return Err(KeyRule::Status(was.status(), is.status()));
    }
    check_start(was, is, previous_created)?;
    check_end(was, is, created)?;
    match (was.compromised_since(), is.compromised_since()) {
        (Some(then), Some(now)) if now > then => Err(KeyRule::CompromisedSince),
        _ => Ok(()),
    }
}

/// Announced, active, retired; compromised at any time; nothing goes back, and nothing retires that was never active.
fn may_become(was: KeyStatus, is: KeyStatus) -> bool {
    use KeyStatus::{Active, Compromised, Pending, Retired, Unspecified};
    match was {
        Pending => matches!(is, Pending | Active | Compromised),
        Active => matches!(is, Active | Retired | Compromised),
        Retired => matches!(is, Retired | Compromised),
        Compromised => is == Compromised,
        Unspecified => false,
    }
}

fn check_start(was: &DescribedKey, is: &DescribedKey, previous_created: Timestamp) -> Result<(), KeyRule> {
    match (was.status(), is.status()) {
        // The beginning of a pending key means nothing yet.
        (KeyStatus::Pending, KeyStatus::Pending) => Ok(()),
        (KeyStatus::Pending, _) if is.valid_from() < previous_created => Err(KeyRule::Backdated),
        (KeyStatus::Pending, _) => Ok(()),
        _ if is.valid_from() != was.valid_from() => Err(KeyRule::Start),
        _ => Ok(()),
    }
}

/// An owner may give an active key more time, but not bring back one whose time is over.
fn check_end(was: &DescribedKey, is: &DescribedKey, created: Timestamp) -> Result<(), KeyRule> {
    let Some(end) = was.valid_until() else { return Ok(()) };
    let fixed = end <= created || matches!(was.status(), KeyStatus::Retired | KeyStatus::Compromised);
    if fixed && is.valid_until().is_none_or(|until| until > end) {
        return Err(KeyRule::End);
    }
    Ok(())
}
