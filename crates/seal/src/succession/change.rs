//! Drafting the next descriptor from the one in force.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{Timestamp, pb};

use crate::descriptor::{describe_key, endpoint_message, status_word};
use crate::{AcceptedDescriptor, Endpoint, FUTURE_TOLERANCE, KeyId, PublicKey, SealError};

/// One thing that the next version says otherwise. Moments of keys that begin are those of the draft.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Lists a new key as pending.
    Announce(pb::Key),
    /// Lists a new key as active from now on.
    AddActive(pb::Key),
    /// Makes a pending key active from now on.
    Activate(KeyId),
    /// Retires an active key, or moves the end of a retired one forward.
    Retire {
        /// The key.
        key: KeyId,
        /// Its end, which may lie ahead.
        until: Timestamp,
    },
    /// Calls a key compromised, or moves the moment to an earlier one.
    Compromise {
        /// The key.
        key: KeyId,
        /// From when nothing that it signed is believed.
        since: Timestamp,
    },
    /// Lists a key no more.
    Drop(KeyId),
    /// Makes these the active roots; those that were and are not among them retire now.
    ReplaceRoots {
        /// The roots, new ones and ones that stay.
        roots: Vec<PublicKey>,
        /// How many of them must sign.
        threshold: u32,
    },
    /// How many roots must sign.
    Threshold(u32),
    /// Name of the unit for people.
    Unit(String),
    /// Where its nodes listen, in order of preference.
    Endpoints(Vec<Endpoint>),
    /// The point of contact.
    Contact(pb::Contact),
    /// Protocol versions that the node speaks.
    Protocol(RangeInclusive<u32>),
    /// How often peers should look for a newer version, in seconds; 0: no hint.
    RefreshHint(u32),
    /// Payload types that the node reads.
    PayloadTypes(BTreeSet<String>),
    /// Whether peers may name this participant to others.
    MayBeNamed(bool),
    /// When it stops being current, if ever. Without this change it lives as long as the version before did.
    Expires(Option<Timestamp>),
}

/// The version after `own` with these changes, made at `now`; `id` is a fresh UUIDv7. It keeps every rule that a peer will
/// ask of it but the signatures.
pub fn next_descriptor(
    own: &AcceptedDescriptor,
    changes: &[Change],
    id: [u8; 16],
    now: Timestamp,
) -> Result<pb::Descriptor, SealError> {
    if now.plus(FUTURE_TOLERANCE) < own.created() {
        return Err(SealError::ClockBehind { now, held: own.version(), created: own.created() });
    }
    let version = own.version().checked_add(1).ok_or_else(|| refused("there is no number after this version"))?;
    let created = now.max(own.created());
    let life = own.expires().map(|expires| expires.since(own.created()));
    let mut draft = Draft { next: own.message().clone(), created };
    draft.next.version = version;
    draft.next.previous = own.content_id().as_bytes().to_vec();
    let header = draft.header()?;
    (header.id, header.descriptor_version) = (id.to_vec(), version);
    header.created_ms = created.ms();
    header.expires_ms = life.map_or(0, |life| created.plus(life).ms());
    for change in changes {
        draft.make(change)?;
    }
    own.check_draft(&draft.next)?;
    Ok(draft.next)
}

/// Refuses a version that has lain too long between drafting and publishing: of the time that it gives a retiring key, at
/// least half must be left, so that peers can learn of the successor first.
pub fn check_timely(own: &AcceptedDescriptor, next: &AcceptedDescriptor, now: Timestamp) -> Result<(), SealError> {
    match retiring(own, next).find(|ending| now > ending.publish_by) {
        Some(Ending { key, until, .. }) => {
            Err(SealError::NotTimely { key, until }.in_descriptor(next.participant(), next.version()))
        }
        None => Ok(()),
    }
}

/// The last moment at which [`check_timely`] lets `next` pass, if it retires a key.
pub fn publish_by(own: &AcceptedDescriptor, next: &AcceptedDescriptor) -> Option<Timestamp> {
    retiring(own, next).map(|ending| ending.publish_by).min()
}

/// The end that a version gives a working key.
struct Ending {
    key: KeyId,
    until: Timestamp,
    publish_by: Timestamp,
}

fn retiring(own: &AcceptedDescriptor, next: &AcceptedDescriptor) -> impl Iterator<Item = Ending> {
    let working = own.all_keys().iter().filter(|key| key.purpose() != KeyPurpose::Root);
    let active = working.filter(|key| key.status() == KeyStatus::Active);
    active.filter_map(|key| {
        let then = next.key(key.id().as_bytes()).filter(|then| then.status() == KeyStatus::Retired)?;
        let until = then.valid_until()?;
        let half = until.since(next.created()) / 2;
        Some(Ending { key: key.id(), until, publish_by: until.minus(half) })
    })
}

/// The next version while it is being written.
struct Draft {
    next: pb::Descriptor,
    created: Timestamp,
}

impl Draft {
    fn make(&mut self, change: &Change) -> Result<(), SealError> {
        match change {
            Change::Announce(key) => self.add(key, KeyStatus::Pending)?,
            Change::AddActive(key) => self.add(key, KeyStatus::Active)?,
            Change::Activate(key) => self.activate(*key)?,
            Change::Retire { key, until } => self.retire(*key, *until)?,
            Change::Compromise { key, since } => self.compromise(*key, *since)?,
            Change::Drop(key) => {
                let position = self.position(*key)?;
                self.next.keys.remove(position);
            }
            Change::ReplaceRoots { roots, threshold } => self.replace_roots(roots, *threshold)?,
            Change::Threshold(threshold) => self.next.root_threshold = *threshold,
            Change::Unit(unit) => self.next.unit.clone_from(unit),
            Change::Endpoints(endpoints) => {
                self.next.endpoints = endpoints.iter().cloned().map(endpoint_message).collect();
            }
            Change::Contact(contact) => self.next.contact = Some(contact.clone()),
            Change::Protocol(range) => {
                self.next.protocol = Some(pb::ProtocolRange { min: *range.start(), max: *range.end() });
            }
            Change::RefreshHint(seconds) => self.next.refresh_hint_s = *seconds,
            Change::PayloadTypes(types) => self.next.payload_types = types.iter().cloned().collect(),
            Change::MayBeNamed(may) => self.next.may_be_named = *may,
            Change::Expires(expires) => self.header()?.expires_ms = expires.map_or(0, Timestamp::ms),
        }
        Ok(())
    }

    fn activate(&mut self, id: KeyId) -> Result<(), SealError> {
        let created_ms = self.created.ms();
        let key = self.key(id, KeyStatus::Active, &[KeyStatus::Pending])?;
        key.set_status(KeyStatus::Active);
        key.valid_from_ms = created_ms;
        Ok(())
    }

    fn retire(&mut self, id: KeyId, until: Timestamp) -> Result<(), SealError> {
        let key = self.key(id, KeyStatus::Retired, &[KeyStatus::Active, KeyStatus::Retired])?;
        key.set_status(KeyStatus::Retired);
        key.valid_until_ms = until.ms();
        Ok(())
    }

    fn add(&mut self, key: &pb::Key, status: KeyStatus) -> Result<(), SealError> {
        if self.next.keys.iter().any(|listed| listed.id == key.id) {
            return Err(refused("a key that is to be added is listed already"));
        }
        let mut key = pb::Key { valid_from_ms: self.created.ms(), valid_until_ms: 0, ..key.clone() };
        key.set_status(status);
        self.next.keys.push(key);
        Ok(())
    }

    fn compromise(&mut self, id: KeyId, since: Timestamp) -> Result<(), SealError> {
        let created_ms = self.created.ms();
        let any = [KeyStatus::Pending, KeyStatus::Active, KeyStatus::Retired, KeyStatus::Compromised];
        let key = self.key(id, KeyStatus::Compromised, &any)?;
        match key.status() {
            KeyStatus::Compromised => key.compromised_since_ms = key.compromised_since_ms.min(since.ms()),
            was => {
                key.set_status(KeyStatus::Compromised);
                key.compromised_since_ms = since.ms();
                if was == KeyStatus::Pending {
                    // It never verified anything and must not do so for the time before.
                    (key.valid_from_ms, key.valid_until_ms) = (created_ms, 0);
                }
            }
        }
        Ok(())
    }

    fn replace_roots(&mut self, roots: &[PublicKey], threshold: u32) -> Result<(), SealError> {
        self.next.root_threshold = threshold;
        let created_ms = self.created.ms();
        let stays = |key: &pb::Key| roots.iter().any(|root| root.id().as_bytes() == key.id.as_slice());
        let is_active_root = |key: &pb::Key| key.purpose() == KeyPurpose::Root && key.status() == KeyStatus::Active;
        for key in self.next.keys.iter_mut().filter(|key| is_active_root(key) && !stays(key)) {
            key.set_status(KeyStatus::Retired);
            // A life of no time cannot be written; a root that is replaced at the moment it was made lived a millisecond.
            key.valid_until_ms = created_ms.max(key.valid_from_ms.saturating_add(1));
        }
        for root in roots {
            let listed = self.next.keys.iter().find(|key| key.id == root.id().as_bytes());
            match listed {
                Some(key) if is_active_root(key) => {}
                Some(_) => return Err(refused("a new root is listed already, and not as an active root")),
                None => self.next.keys.push(describe_key(KeyPurpose::Root, root, self.created)),
            }
        }
        Ok(())
    }

    /// The key with this id, if it may become what is asked for.
    fn key(&mut self, id: KeyId, to: KeyStatus, from: &[KeyStatus]) -> Result<&mut pb::Key, SealError> {
        let key = self.next.keys.iter_mut().find(|key| key.id == id.as_bytes()).ok_or_else(|| not_listed(id))?;
        if !from.contains(&key.status()) {
            let (was, to) = (status_word(key.status()), status_word(to));
            return Err(SealError::Change(format!("key {id} is {was} and cannot become {to}")));
        }
        Ok(key)
    }

    fn position(&self, id: KeyId) -> Result<usize, SealError> {
        self.next.keys.iter().position(|key| key.id == id.as_bytes()).ok_or_else(|| not_listed(id))
    }

    fn header(&mut self) -> Result<&mut pb::Header, SealError> {
        self.next.header.as_mut().ok_or(SealError::Malformed("the header is missing"))
    }
}

fn refused(why: &str) -> SealError {
    SealError::Change(why.to_owned())
}

fn not_listed(id: KeyId) -> SealError {
    SealError::Change(format!("key {id} is not listed"))
}
