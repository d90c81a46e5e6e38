//! The single things that a plan is made of.

use std::fmt;
use std::time::Duration;

use selat_record::Timestamp;
use selat_record::pb::{Key, KeyPurpose};

use super::Change;
use crate::{KeyId, keyfile};

/// One thing that is done on the way to a goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A successor is made and held, not listed yet.
    Generate {
        /// What it will sign.
        purpose: KeyPurpose,
    },
    /// The next version lists the successor beside the key that signs.
    Announce {
        /// What it will sign.
        purpose: KeyPurpose,
        /// `None` until it is made.
        successor: Option<KeyId>,
        /// Announced earlier and not held: they can never take over.
        withdrawn: Vec<KeyId>,
    },
    /// The next version makes the successor active and retires its predecessors with an end ahead.
    TakeOver {
        /// What they sign.
        purpose: KeyPurpose,
        /// `None` until it is made.
        successor: Option<KeyId>,
        /// The successor is active already.
        active: bool,
        /// The keys that retire.
        predecessors: Vec<KeyId>,
        /// Announced earlier and not held.
        withdrawn: Vec<KeyId>,
    },
    /// The next version makes a successor active at once and calls every key that was held before compromised.
    Replace {
        /// What they sign.
        purpose: KeyPurpose,
        /// `None` until it is made.
        successor: Option<KeyId>,
        /// The keys that are compromised.
        compromised: Vec<KeyId>,
        /// Announced keys, which lay beside them.
        withdrawn: Vec<KeyId>,
        /// From when nothing that they signed is believed.
        since: Timestamp,
    },
    /// The next version retires a key.
    Retire {
        /// The key.
        key: KeyId,
        /// What it signs; roots end at once, the others after the grace.
        purpose: KeyPurpose,
    },
    /// The next version calls a key compromised.
    Compromise {
        /// The key.
        key: KeyId,
        /// From when nothing that it signed is believed.
        since: Timestamp,
    },
    /// The next version lists these announced keys no more.
    Withdraw {
        /// The keys.
        keys: Vec<KeyId>,
    },
    /// The node begins to sign with the key, by itself.
    Switch {
        /// The key.
        to: KeyId,
    },
    /// The secret is destroyed.
    Destroy {
        /// The key.
        key: KeyId,
    },
    /// Own records that a compromised key signed get new versions.
    Resign {
        /// How many are left.
        records: u64,
    },
    /// New root keys are made, listed and signed for, away from the node.
    RenewRoots,
}

/// Who does a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doer {
    /// The node, when the plan is applied or by itself.
    Node,
    /// The holders of the roots, who sign what the node drafts.
    Roots,
    /// The operator, by a command of its own.
    Operator,
}

impl Deed {
    /// Who does it.
    pub fn doer(&self) -> Doer {
        match self {
            Self::Generate { .. } | Self::Switch { .. } | Self::Destroy { .. } => Doer::Node,
            Self::Resign { .. } | Self::RenewRoots => Doer::Operator,
            _ => Doer::Roots,
        }
    }

    /// True when it is done by publishing the next version: draft [`Self::changes`].
    pub fn publishes(&self) -> bool {
        self.doer() == Doer::Roots
    }

    /// The key whose description [`Self::changes`] needs.
    pub fn enters(&self) -> Option<KeyId> {
        match self {
            Self::Announce { successor, .. } | Self::Replace { successor, .. } => *successor,
            _ => None,
        }
    }

    /// What the next version changes, drafted at `now`; `described` is how a descriptor lists the key that enters. Empty
    /// for a deed that does not publish, and while the key that enters is missing.
    pub fn changes(&self, described: Option<Key>, grace: Duration, now: Timestamp) -> Vec<Change> {
        let retire = |key: &KeyId| Change::Retire { key: *key, until: now.plus(grace) };
        let drop_all = |keys: &[KeyId]| keys.iter().copied().map(Change::Drop).collect::<Vec<_>>();
        match (self, described) {
            (Self::Announce { purpose, withdrawn, .. }, Some(key)) => {
                // A peer that misses the version which activates an authority could not connect any more to learn of it, so
                // an authority is trusted from its announcement on. Others wait: what they sign is read after the hello.
                let enter = if *purpose == KeyPurpose::TlsCa { Change::AddActive(key) } else { Change::Announce(key) };
                [vec![enter], drop_all(withdrawn)].concat()
            }
            (Self::TakeOver { successor: Some(successor), active, predecessors, withdrawn, .. }, _) => {
                let activate = (!active).then_some(Change::Activate(*successor));
                let retire = predecessors.iter().map(retire);
                activate.into_iter().chain(retire).chain(drop_all(withdrawn)).collect()
            }
            (Self::Replace { compromised, withdrawn, since, .. }, Some(key)) => {
                let compromise = compromised.iter().map(|key| Change::Compromise { key: *key, since: *since });
                std::iter::once(Change::AddActive(key)).chain(compromise).chain(drop_all(withdrawn)).collect()
            }
            (Self::Retire { key, purpose: KeyPurpose::Root }, _) => vec![Change::Retire { key: *key, until: now }],
            (Self::Retire { key, .. }, _) => vec![retire(key)],
            (Self::Compromise { key, since }, _) => vec![Change::Compromise { key: *key, since: *since }],
            (Self::Withdraw { keys }, _) => drop_all(keys),
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |purpose: &KeyPurpose| keyfile::purpose_word(*purpose);
        match self {
            Self::Generate { purpose } => write!(f, "make a new {} key", word(purpose)),
            Self::Announce { purpose, successor, .. } => {
                write!(f, "publish a descriptor that announces {}", named(word(purpose), *successor))
            }
            Self::TakeOver { purpose, successor, active: false, predecessors, .. } => {
                let successor = named(word(purpose), *successor);
                write!(f, "publish a descriptor that makes {successor} active")?;
                write_list(f, ", retires ", predecessors)
            }
            Self::TakeOver { predecessors, .. } => {
                write!(f, "publish a descriptor that ")?;
                write_list(f, "retires ", predecessors)
            }
            Self::Replace { purpose, successor, compromised, since, .. } => {
                let successor = named(word(purpose), *successor);
                write!(f, "publish a descriptor that makes {successor} active at once")?;
                write_list(f, ", compromised: ", compromised)?;
                write!(f, ", since {since}")
            }
            Self::Retire { key, .. } => write!(f, "publish a descriptor that retires {}", short(key)),
            Self::Compromise { key, since } => {
                write!(f, "publish a descriptor that calls {} compromised since {since}", short(key))
            }
            Self::Withdraw { keys } => {
                write!(f, "publish a descriptor that ")?;
                write_list(f, "withdraws ", keys)
            }
            Self::Switch { to } => write!(f, "sign with {}", short(to)),
            Self::Destroy { key } => write!(f, "destroy the secret of {}", short(key)),
            Self::Resign { records } => write!(f, "sign anew the records that a compromised key signed ({records})"),
            Self::RenewRoots => f.write_str(
                "away from this node: make new root keys, draft the descriptor that lists them, have it signed by the old \
                 and the new ones, publish it",
            ),
        }
    }
}

fn named(purpose: &str, key: Option<KeyId>) -> String {
    key.map_or_else(|| format!("the new {purpose} key"), |key| format!("{purpose} key {}", short(&key)))
}

fn write_list(f: &mut fmt::Formatter<'_>, before: &str, keys: &[KeyId]) -> fmt::Result {
    if keys.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = keys.iter().map(short).collect();
    write!(f, "{before}{}", keys.join(", "))
}

/// Enough of an id to know it by in a list of a few; files are named by the same digits.
fn short(key: &KeyId) -> String {
    key.to_string().chars().take(8).collect()
}
