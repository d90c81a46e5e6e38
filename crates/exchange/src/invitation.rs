//! The file by which two participants meet, and by which they meet again after one of them missed what the other published.
//!
//! Promises: what the file says of a peer that is approved already counts only as its next versions, by the rules of the
//! chain; what is refused is told with its rule and version, and changes nothing.

use std::sync::Arc;

use selat_policy::{DeskAct, may};
use selat_record::pb::AuditAction;
use selat_seal::{AcceptedDescriptor, descriptor};

use crate::accounts::Act;
use crate::refresh::RefreshError;
use crate::{Actor, Exchange, ExchangeError, PeerEntry};

/// The versions of a participant's descriptor in a file, each following on the one before. The first counts on the word of
/// its own roots: whose they are, two people say who compare the safety phrase.
#[derive(Debug, Clone)]
pub struct Invitation {
    earlier: Vec<AcceptedDescriptor>,
    newest: AcceptedDescriptor,
}

impl Invitation {
    /// The last version in the file.
    pub fn newest(&self) -> &AcceptedDescriptor {
        &self.newest
    }

    fn versions(&self) -> impl Iterator<Item = &AcceptedDescriptor> {
        self.earlier.iter().chain([&self.newest])
    }
}

impl Exchange {
    /// All versions of this participant's descriptor, armoured, for the other side.
    pub async fn invite(&self, actor: &Actor) -> Result<String, ExchangeError> {
        may(&actor.roles, DeskAct::ManagePeers)?;
        let act = Act::of(actor, AuditAction::Administration, None).note("wrote an invitation");
        self.account_now(act).await?;
        Ok(descriptor::write_chain(&self.own_chain(0)))
    }

    /// Reads the file that another participant's [`Exchange::invite`] wrote, and checks it as a first contact: form,
    /// signatures, chain, federation, expiry of the newest. Nothing is stored.
    pub fn read_invitation(&self, text: &str) -> Result<Invitation, ExchangeError> {
        let chain = descriptor::read_chain(text).map_err(|error| ExchangeError::Descriptor(error.to_string()))?;
        let (now, mut versions) = (self.clock.now(), chain.iter());
        let first = versions.next().ok_or_else(|| ExchangeError::Descriptor("it holds no descriptor".into()))?;
        let mut newest = AcceptedDescriptor::restore(self.federation(), first)?;
        let mut earlier = Vec::new();
        for envelope in versions {
            let next = newest.accept_next(envelope, now)?;
            earlier.push(std::mem::replace(&mut newest, next));
        }
        // Of one alone too it is asked that it is neither expired nor of the future.
        let newest = AcceptedDescriptor::accept_first(self.federation(), newest.envelope(), now)?;
        Ok(Invitation { earlier, newest })
    }

    /// Takes in the participant of an invitation as a pending peer; of a peer that is approved already, the versions that
    /// follow on the one held.
    pub async fn accept_invitation(
        self: &Arc<Self>,
        actor: &Actor,
        invitation: Invitation,
    ) -> Result<PeerEntry, ExchangeError> {
        let known = self.book().peer(invitation.newest.participant()).cloned();
        match known {
            Ok(known) if known.is_approved() => self.catch_up(actor, &known, &invitation).await,
            _ => self.join(actor, invitation.newest).await,
        }
    }

    async fn catch_up(
        self: &Arc<Self>,
        actor: &Actor,
        known: &PeerEntry,
        invitation: &Invitation,
    ) -> Result<PeerEntry, ExchangeError> {
        may(&actor.roles, DeskAct::ManagePeers)?;
        let (peer, held) = (&known.row.participant, known.descriptor.version());
        let newest = invitation.newest.version();
        if newest < held {
            let why = format!("the file ends with descriptor {newest}, and descriptor {held} is held here already");
            return Err(ExchangeError::PeerState { peer: peer.clone(), why });
        }
        let act = Act::of(actor, AuditAction::Administration, None).content(invitation.newest.content_id());
        let act = act.with([peer.clone()]).note(format!("handed in a file up to descriptor {newest}"));
        self.account_now(act).await?;
        for version in invitation.versions().filter(|version| version.version() >= held) {
            match self.take_next(peer, version.envelope()).await {
                Ok(_) => {}
                Err(RefreshError::Refused(error)) => {
                    // It may be proof that the peer says two things.
                    self.look_into(peer, version.envelope(), &error).await?;
                    return Err(ExchangeError::Seal(error));
                }
                Err(RefreshError::Own(error)) => return Err(error),
                Err(other) => {
                    return Err(ExchangeError::PeerState { peer: peer.clone(), why: other.to_string() });
                }
            }
        }
        Ok(self.book().peer(peer)?.clone())
    }
}
