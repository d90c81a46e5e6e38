//! Keeps what depends on the set of peers in step with it: whom TLS trusts, who is followed, whose backlog is released,
//! whose connections are closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use selat_exchange::{Book, Exchange};
use selat_link::{LiveRoots, PeerListener, Roots, TrustedAuthority, TrustedPeer};
use selat_record::ParticipantId;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::calls::Calls;
use crate::follower::Follower;

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
    pub clock_skew_max: std::time::Duration,
}

impl Supervisor {
    /// Runs until `stop`, then ends every follower and waits for it.
    pub async fn run(self, stop: CancellationToken) {
        let mut changes = self.exchange.book_changes();
        let mut cut_offs = self.exchange.conduct().cut_offs();
        let mut followed = BTreeMap::new();
        let mut tasks = JoinSet::new();
        loop {
            changes.mark_unchanged();
            self.follow_the_book(&mut followed, &mut tasks, &stop);
            tokio::select! {
                () = stop.cancelled() => break,
                changed = changes.changed() => if changed.is_err() { break },
                cut_off = cut_offs.recv() => self.on_cut_off(cut_off),
            }
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

    fn close(&self, peer: &ParticipantId) {
        let inward = self.listener.close_peer(peer);
        self.calls.close(peer);
        warn!(%peer, connections = inward, "connections closed");
    }

    fn follow_the_book(
        &self,
        followed: &mut BTreeMap<ParticipantId, CancellationToken>,
        tasks: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) {
        let book = self.exchange.book();
        self.roots.swap(roots_of(&self.exchange, &book));
        followed.retain(|peer, token| {
            let stays = book.approved_peer(peer).is_ok();
            if !stays {
                token.cancel();
                self.close(peer);
            }
            stays
        });
        for peer in book.approved().map(|peer| &peer.row.participant) {
            if followed.contains_key(peer) {
                continue;
            }
            let token = stop.child_token();
            followed.insert(peer.clone(), token.clone());
            let (exchange, calls) = (self.exchange.clone(), self.calls.clone());
            let follower = Follower { exchange, calls, clock_skew_max: self.clock_skew_max };
            tasks.spawn(follower.run(peer.clone(), token.clone()));
            tasks.spawn(release_backlog(self.exchange.clone(), peer.clone(), token));
        }
    }
}

/// What TLS trusts by this book. A peer whose authorities do not hold is left out: then nothing connects, and it is said.
pub fn roots_of(exchange: &Exchange, book: &Book) -> Roots {
    let none = Roots::new(exchange.federation().clone());
    book.approved().fold(none, |roots, peer| {
        let participant = peer.row.participant.clone();
        let authorities = peer.descriptor.tls_authorities();
        let certificate = |der: &[u8]| TrustedAuthority::for_its_life(CertificateDer::from(der.to_vec()));
        let authorities = authorities.into_iter().map(certificate).collect();
        match roots.clone().with(TrustedPeer { participant: participant.clone(), authorities }) {
            Ok(widened) => widened,
            Err(fault) => {
                error!(peer = %participant, %fault, "authorities of an approved peer do not hold");
                roots
            }
        }
    })
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
