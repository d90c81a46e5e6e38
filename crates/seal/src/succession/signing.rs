//! Which of the keys that are held signs now.

use std::collections::BTreeMap;

use selat_record::Timestamp;
use selat_record::pb::{KeyPurpose, KeyStatus};

use super::Readiness;
use crate::{AcceptedDescriptor, DescribedKey, FUTURE_TOLERANCE, KeyId};

/// The key that signs for `purpose` at `now`; `None` if no key that is held may sign.
///
/// The newest active key, once every approved peer has acknowledged the version that made it active (`introduced`); until
/// then the predecessor, though retired, while it has time left. Where no key is known to every peer, the oldest: the most
/// peers know it. A compromised key never.
pub fn signing_key(
    own: &AcceptedDescriptor,
    purpose: KeyPurpose,
    introduced: &BTreeMap<KeyId, u64>,
    peers: &[Readiness],
    held: impl Fn(KeyId) -> bool,
    now: Timestamp,
) -> Option<KeyId> {
    let usable = |key: &&DescribedKey| held(key.id()) && key.may_sign_at(now);
    let usable: Vec<_> = own.keys(purpose).filter(usable).collect();
    // What peers forgive of a clock is not used as long as there is another key: neither the time just before a key begins,
    // nor, since their clocks may be ahead, the time just before it ends.
    let settled: Vec<_> = usable.iter().copied().filter(|key| is_settled(key, now)).collect();
    let usable = if settled.is_empty() { usable } else { settled };

    let since = |key: &DescribedKey| introduced.get(&key.id()).copied().unwrap_or(own.version());
    let is_known = |key: &&&DescribedKey| peers.iter().all(|peer| peer.knows(since(key)));
    let newest = |key: &&&DescribedKey| (key.status() == KeyStatus::Active, since(key), key.valid_from(), key.id());
    let oldest = |key: &&&DescribedKey| (since(key), key.valid_from(), key.id());
    let known = usable.iter().filter(is_known).max_by_key(newest);
    known.or_else(|| usable.iter().min_by_key(oldest)).map(|key| key.id())
}

/// The next moment after `now` at which the clock alone may change the choice of [`signing_key`].
pub fn choose_again_at(own: &AcceptedDescriptor, purpose: KeyPurpose, now: Timestamp) -> Option<Timestamp> {
    let turns = |key: &DescribedKey| {
        let leave = key.valid_until().map(|until| until.minus(FUTURE_TOLERANCE));
        [Some(key.valid_from()), leave, key.valid_until()]
    };
    own.keys(purpose).flat_map(turns).flatten().filter(|moment| *moment > now).min()
}

fn is_settled(key: &DescribedKey, now: Timestamp) -> bool {
    key.valid_from() <= now && key.valid_until().is_none_or(|until| now < until.minus(FUTURE_TOLERANCE))
}
