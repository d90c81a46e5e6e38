//! The keys of this participant as its operator sees them. No secret is in here.

use std::collections::BTreeMap;

use selat_record::Timestamp;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_seal::{DescribedKey, KeyId, PublicKey};

use crate::own::off_the_async_threads;
use crate::{Exchange, ExchangeError};

/// All keys, and where they live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysView {
    /// Those of the descriptor in its order, then those that are held beside, by id.
    pub keys: Vec<KeyLine>,
    /// "files", "files, passphrase", "files, credential", "token LABEL".
    pub custody: String,
    /// The own descriptor in force.
    pub descriptor_version: u64,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    /// Its id.
    pub id: KeyId,
    /// What it signs.
    pub purpose: KeyPurpose,
    /// The public half.
    pub public: PublicKey,
    /// What the descriptor says of it; missing for a key that it does not name.
    pub described: Option<DescribedKey>,
    /// The node holds the secret.
    pub held: bool,
    /// The node signs with it now.
    pub in_use: bool,
}

impl KeyLine {
    /// Where it stands in its life; missing for a key that the descriptor does not name.
    pub fn status(&self) -> Option<KeyStatus> {
        self.described.as_ref().map(DescribedKey::status)
    }

    /// From when it counts no more, if that is fixed.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.described.as_ref().and_then(DescribedKey::valid_until)
    }
}

impl Exchange {
    pub(super) async fn keys_view(&self) -> Result<KeysView, ExchangeError> {
        let (own, keys) = (self.descriptor(), self.own.keys().clone());
        let held = off_the_async_threads(move || {
            let held = keys.held();
            let publics = held.iter().filter_map(|key| Some((*key, keys.signer(key.id)?.public().clone())));
            (publics.collect::<BTreeMap<_, _>>(), keys.custody())
        });
        let (held, custody) = held.await?;
        let is_held = |id: KeyId| held.keys().any(|key| key.id == id);
        let named = own.all_keys().iter().map(|key| KeyLine {
            id: key.id(),
            purpose: key.purpose(),
            public: key.public().clone(),
            described: Some(key.clone()),
            held: is_held(key.id()),
            in_use: self.in_use(key.purpose()) == Some(key.id()),
        });
        let beside = held.iter().filter(|(key, _)| own.key(key.id.as_bytes()).is_none());
        let beside = beside.map(|(key, public)| KeyLine {
            id: key.id,
            purpose: key.purpose,
            public: public.clone(),
            described: None,
            held: true,
            in_use: false,
        });
        Ok(KeysView { keys: named.chain(beside).collect(), custody, descriptor_version: own.version() })
    }
}
