//! Keeps what depends on the set of peers in step with it: whom TLS trusts, who is followed, with whom descriptors are
//! compared, whose backlog is released, whose connections are closed.
//!
//! Promises: the connections of a peer are closed at once when it is no longer approved, is cut off, or loses an authority
//! that could have issued the certificate behind them; a planned change of its authority closes none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use selat_exchange::{Book, Exchange};
use selat_link::{LiveRoots, PeerListener, Roots, TrustedAuthority, TrustedPeer};
use selat_record::{ParticipantId, Timestamp};
use selat_seal::{AcceptedDescriptor, Entropy, KeyId};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::calls::Calls;
use crate::follower::Follower;
use crate::refresher::Refresher;

/// Everything that follows the set of peers.
pub struct Supervisor {
    /// The use-cases.
    pub exchange: Arc<Exchange>,
    /// The way to the peers.
    pub calls: Arc<Calls>,
    /// Whom TLS trusts.
    pub roots: Arc<LiveRoots>,
    /// Where peers come in.
    pub listener: Arc<PeerListener>,
    /// Clocks further apart are an alarm.
    pub clock_skew_max: Duration,
    /// How often descriptors are compared with each peer; `None`: as it hints.
    pub refresh: Option<Duration>,
    /// Draws pauses apart.
    pub entropy: Arc<dyn Entropy>,
}

impl Supervisor {
    /// Runs until `stop`, then ends every follower and waits for it.
    pub async fn run(self, stop: CancellationToken) {
        let mut changes = self.exchange.book_changes();
        let mut cut_offs = self.exchange.conduct().cut_offs();
        let mut fresh_again = self.exchange.fresh_again();
        let mut followed = BTreeMap::new();
        let mut tasks = JoinSet::new();
        loop {
            changes.mark_unchanged();
            self.follow_the_book(&mut followed, &mut tasks, &stop);
            tokio::select! {
                () = stop.cancelled() => break,
                changed = changes.changed() => if changed.is_err() { break },
                cut_off = cut_offs.recv() => self.on_cut_off(cut_off),
                fresh = fresh_again.recv() => self.on_fresh_again(fresh, &followed, &mut tasks),
            }
            while tasks.try_join_next().is_some() {}
        }
        while tasks.join_next().await.is_some() {}
    }

    fn on_cut_off(&self, cut_off: Result<ParticipantId, RecvError>) {
        match cut_off {
            Ok(peer) => self.close(&peer),
            // Some were lost: close them all, those in good standing come back at once.
            Err(RecvError::Lagged(_)) => {
                self.exchange.book().approved().for_each(|peer| self.close(&peer.row.participant));
            }
            Err(RecvError::Closed) => {}
        }
    }

    /// What was held back from a peer while it was stale goes to it now.
    fn on_fresh_again(
        &self,
        fresh: Result<ParticipantId, RecvError>,
        followed: &BTreeMap<ParticipantId, Followed>,
        tasks: &mut JoinSet<()>,
    ) {
        let release = |(peer, known): (&ParticipantId, &Followed)| {
            tasks.spawn(release_backlog(self.exchange.clone(), peer.clone(), known.token.clone()));
        };
        match fresh {
            Ok(peer) => followed.get_key_value(&peer).into_iter().for_each(release),
            // Some were lost: all are looked at, and of one that lacks nothing nothing is released.
            Err(RecvError::Lagged(_)) => followed.iter().for_each(release),
            Err(RecvError::Closed) => {}
        }
    }

    fn close(&self, peer: &ParticipantId) {
        let inward = self.listener.close_peer(peer);
        self.calls.close(peer);
        warn!(%peer, connections = inward, "connections closed");
    }

    /// The new roots are in force before any connection is closed: whoever comes back is judged by them.
    fn follow_the_book(
        &self,
        followed: &mut BTreeMap<ParticipantId, Followed>,
        tasks: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) {
        let book = self.exchange.book();
        let now = self.exchange.clock().now();
        self.roots.swap(roots_of(&self.exchange, &book));
        followed.retain(|peer, known| {
            let Ok(entry) = book.approved_peer(peer) else {
                known.token.cancel();
                self.close(peer);
                return false;
            };
            if lost_an_authority(&known.descriptor, &entry.descriptor, now) {
                warn!(%peer, version = entry.descriptor.version(), "an authority of the peer is trusted no longer");
                self.close(peer);
            }
            known.descriptor = entry.descriptor.clone();
            true
        });
        for entry in book.approved() {
            let peer = &entry.row.participant;
            if followed.contains_key(peer) {
                continue;
            }
            let token = stop.child_token();
            let known = Followed { token: token.clone(), descriptor: entry.descriptor.clone() };
            followed.insert(peer.clone(), known);
            let (exchange, calls) = (self.exchange.clone(), self.calls.clone());
            let follower = Follower { exchange, calls, clock_skew_max: self.clock_skew_max };
            tasks.spawn(follower.run(peer.clone(), token.clone()));
            let (exchange, entropy) = (self.exchange.clone(), self.entropy.clone());
            let refresher = Refresher { exchange, entropy, period: self.refresh };
            tasks.spawn(refresher.run(peer.clone(), token.clone()));
            tasks.spawn(release_backlog(self.exchange.clone(), peer.clone(), token));
        }
    }
}

/// A peer that is followed.
struct Followed {
    /// Ends its tasks.
    token: CancellationToken,
    /// What TLS was last told of it.
    descriptor: AcceptedDescriptor,
}

/// True when an authority that vouches at `now` by the old descriptor does not by the new one: it was stolen, or taken out
/// before its end. In a planned succession the old one stays until its end, and what it issued lives on.
fn lost_an_authority(old: &AcceptedDescriptor, new: &AcceptedDescriptor, now: Timestamp) -> bool {
    let vouching = |descriptor: &AcceptedDescriptor| -> BTreeSet<KeyId> {
        let begun = descriptor.authorities(now).filter(|authority| authority.from <= now);
        begun.map(|authority| authority.key).collect()
    };
    !vouching(old).is_subset(&vouching(new))
}

/// What TLS trusts by this book. A peer whose authorities do not hold is left out: then nothing connects, and it is said.
pub fn roots_of(exchange: &Exchange, book: &Book) -> Roots {
    let none = Roots::new(exchange.federation().clone());
    let now = exchange.clock().now();
    book.approved().fold(none, |roots, peer| match roots.clone().with(trusted(&peer.descriptor, now)) {
        Ok(widened) => widened,
        Err(fault) => {
            error!(peer = %peer.row.participant, %fault, "authorities of an approved peer do not hold");
            roots
        }
    })
}

/// The authorities of a peer that vouch now or later, each within the window of its key.
fn trusted(descriptor: &AcceptedDescriptor, now: Timestamp) -> TrustedPeer {
    let authorities = descriptor.authorities(now).map(|authority| TrustedAuthority {
        certificate: CertificateDer::from(authority.certificate.to_vec()),
        from: authority.from,
        until: authority.until,
    });
    TrustedPeer { participant: descriptor.participant().clone(), authorities: authorities.collect() }
}

async fn release_backlog(exchange: Arc<Exchange>, peer: ParticipantId, stop: CancellationToken) {
    let released = tokio::select! {
        () = stop.cancelled() => return,
        released = exchange.release_backlog(&peer) => released,
    };
    match released {
        Ok(0) => {}
        Ok(records) => info!(%peer, records, "released what the peer may have"),
        Err(error) => warn!(%peer, %error, "backlog not released in full; it is tried again at the next start"),
    }
}

#[cfg(test)]
mod tests {
    use selat_record::pb::{self, KeyStatus};

    use super::*;
    use crate::testing::{HOUR, authority, descriptor, now, retired, with_status};

    fn loses(old: &[pb::Key], new: &[pb::Key]) -> bool {
        lost_an_authority(&descriptor(old), &descriptor(new), now())
    }

    #[test]
    fn planned_succession_loses_no_authority_at_any_step() {
        let ahead = now().plus(24 * HOUR);
        let steps: [&[pb::Key]; 4] = [
            &[authority(1)],
            &[authority(1), with_status(2, KeyStatus::Pending)],
            &[retired(1, ahead), authority(2)],
            &[authority(2)],
        ];
        for (old, new) in [(0, 1), (1, 2)] {
            assert!(!loses(steps[old], steps[new]), "step {new}");
        }
        // The last step comes after the end of the predecessor.
        let (old, new) = (descriptor(&[retired(1, now()), authority(2)]), descriptor(steps[3]));
        assert!(!lost_an_authority(&old, &new, now()));
    }

    #[test]
    fn authority_that_was_stolen_cut_short_or_dropped_before_its_end_is_lost() {
        let ahead = now().plus(24 * HOUR);
        assert!(loses(&[authority(1)], &[with_status(1, KeyStatus::Compromised), authority(2)]));
        assert!(loses(&[retired(1, ahead), authority(2)], &[authority(2)]));
        assert!(loses(&[retired(1, ahead), authority(2)], &[retired(1, now()), authority(2)]));
        assert!(!loses(&[with_status(1, KeyStatus::Compromised), authority(2)], &[authority(2)]));
    }

    #[test]
    fn only_what_vouches_now_or_later_is_trusted_each_within_its_window() {
        let ahead = now().plus(24 * HOUR);
        let keys = [
            authority(1),
            retired(2, ahead),
            retired(3, now()),
            with_status(4, KeyStatus::Pending),
            with_status(5, KeyStatus::Compromised),
        ];
        let peer = trusted(&descriptor(&keys), now());
        let windows: Vec<_> = peer.authorities.iter().map(|one| (one.certificate[0], one.until)).collect();
        assert_eq!(windows, [(1, None), (2, Some(ahead))]);
    }
}
