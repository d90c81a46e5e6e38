//! Drafts of the next own descriptor, for the roots to sign.
//!
//! A draft is kept until another descriptor is in force. Whoever asks again gets the same one, and the moment of a
//! compromise that was not given stays the first: two drafts that differ must not both be signed under one number.

use prost::Message as _;
use selat_record::Timestamp;
use selat_record::ids::mint_uuid;
use selat_record::pb::{self, KeyPurpose};
use selat_seal::succession::{Deed, next_descriptor};
use selat_seal::{descriptor, sha256};
use selat_store::Batch;
use selat_store::repositories::Draft;

use super::{KeyGoal, Want};
use crate::own::off_the_async_threads;
use crate::{Actor, Exchange, ExchangeError};

impl Exchange {
    /// The goal with the moment of its compromise: as given, as in the draft that waits for signatures, or now.
    pub(super) async fn resolved(&self, goal: KeyGoal) -> Result<KeyGoal, ExchangeError> {
        let kept = match goal.want {
            Want::Replace { since: None, .. } | Want::Revoke { since: None, .. } => {
                self.store.drafts.get(&self.descriptor().content_id(), &about(&goal.want)).await?
            }
            _ => None,
        };
        let since = kept.and_then(|draft| draft.since).unwrap_or_else(|| self.clock.now());
        Ok(KeyGoal { want: goal.want.since(since), ..goal })
    }

    /// The draft of the version that does `deed`, armoured: the one that was made before, while it still serves. A new one
    /// is durable with its audit entry before it is shown.
    pub(super) async fn draft_for(
        &self,
        actor: &Actor,
        goal: &KeyGoal,
        deed: &Deed,
        done: &mut Vec<String>,
    ) -> Result<String, ExchangeError> {
        let (own, now) = (self.descriptor(), self.clock.now());
        let (base, about, digest) = (own.content_id(), about(&goal.want), digest_of(deed));
        let kept = self.store.drafts.get(&base, &about).await?;
        if let Some(kept) = kept.filter(|kept| kept.deed == digest && !self.is_too_old(deed, kept.made, now)) {
            return armoured(&kept.envelope);
        }
        let described = match deed.enters() {
            Some(key) => {
                let keys = self.own.keys().clone();
                let described = off_the_async_threads(move || keys.describe(key, now)).await?;
                Some(described.map_err(ExchangeError::Key)?)
            }
            None => None,
        };
        let changes = deed.changes(described, self.limits.grace, now);
        let id = mint_uuid(now, self.random()).into_bytes();
        let next = next_descriptor(&own, &changes, id, now).map_err(ExchangeError::Chain)?;
        let envelope = descriptor::unsigned(&next).encode_to_vec();
        let mut batch = Batch::default();
        let since = goal.want.compromised_since();
        let draft = Draft { envelope: envelope.clone(), deed: digest, since, made: now };
        self.store.drafts.put(&mut batch, &base, &about, &draft).await?;
        self.account(&mut batch, self.act_of(actor, goal, &format!("drafted: {deed}")), now)?;
        self.store.commit(batch).await?;
        done.push(format!("drafted descriptor {}", next.version));
        armoured(&envelope)
    }

    /// The end of a key that retires is counted from the drafting. When half of that has passed, peers might not learn of
    /// the successor in time.
    fn is_too_old(&self, deed: &Deed, made: Timestamp, now: Timestamp) -> bool {
        let retires = match deed {
            Deed::TakeOver { .. } => true,
            Deed::Retire { purpose, .. } => *purpose != KeyPurpose::Root,
            _ => false,
        };
        retires && made.plus(self.limits.grace / 2) < now
    }
}

impl Want {
    fn compromised_since(&self) -> Option<Timestamp> {
        match self {
            Self::Replace { since, .. } | Self::Revoke { since, .. } => *since,
            Self::Rotate { .. } | Self::Retire { .. } | Self::Abandon { .. } => None,
        }
    }
}

/// Names what a draft is for: the goal, whatever its reason and its moment.
fn about(want: &Want) -> [u8; 32] {
    let words = want.words();
    sha256(&[b"selat-draft-v1\0", words.as_bytes()])
}

fn digest_of(deed: &Deed) -> [u8; 32] {
    sha256(&[b"selat-deed-v1\0", format!("{deed:?}").as_bytes()])
}

fn armoured(envelope: &[u8]) -> Result<String, ExchangeError> {
    let envelope = pb::Envelope::decode(envelope)
        .map_err(|_| ExchangeError::Inconsistent("a draft of the own descriptor cannot be decoded".into()))?;
    Ok(descriptor::write_draft(&envelope))
}
