//! Follows one peer: says hello, opens the stream from the index held, takes what comes, and comes back after every
//! failure with a growing pause. What it knows shows in `selat status`.

use std::sync::Arc;
use std::time::Duration;

use selat_exchange::{CallError, Exchange, InEntry, InSegment, IntakeError};
use selat_record::ParticipantId;
use selat_seal::AcceptedDescriptor;
use selat_wire::convert::{Followed, followed};
use selat_wire::peer::{FollowEvent, Segment};
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tracing::{debug, info, warn};

use crate::calls::{Calls, is_garbled};
use crate::peer_rpc::HEARTBEAT;

/// First pause after a failure; each further failure doubles it.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A stream that is silent for so long is taken for dead.
const SILENCE_MAX: Duration = HEARTBEAT.saturating_mul(3);
/// Heartbeats within the time of one; more are a flood.
const HEARTBEATS_MAX: u32 = 16;

/// What a follower needs.
pub struct Follower {
    /// The use-cases.
    pub exchange: Arc<Exchange>,
    /// The way to the peers.
    pub calls: Arc<Calls>,
    /// Clocks further apart are an alarm.
    pub clock_skew_max: Duration,
}

/// Why following stopped for now.
#[derive(Debug, thiserror::Error)]
enum Interruption {
    #[error("{0}")]
    Call(#[from] CallError),
    #[error("no protocol version in common: it speaks {0} to {1}")]
    Protocol(u32, u32),
    #[error("{0}")]
    Intake(#[from] IntakeError),
    #[error("it broke the protocol: {0}")]
    Message(String),
    #[error("the stream ended: {0}")]
    Ended(String),
    #[error("nothing came for {} s", SILENCE_MAX.as_secs())]
    Silent,
    #[error("cut off")]
    CutOff,
}

impl Follower {
    /// Follows `peer` until `stop`.
    pub async fn run(self, peer: ParticipantId, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow_for_ever(&peer) => {}
        }
        self.exchange.following().update(&peer, |line| line.connected = false);
    }

    async fn follow_for_ever(&self, peer: &ParticipantId) {
        let mut pause = PAUSE_FIRST;
        // Two nodes that both fail right after their hellos would otherwise wake each other without end.
        let mut heeds_calls = true;
        loop {
            let held = self.exchange.held_of(peer).await.unwrap_or_default();
            let interruption = self.follow_once(peer).await;
            let now = self.exchange.clock().now();
            heeds_calls |= self.exchange.following().of(peer).connected;
            debug!(%peer, %interruption, "following interrupted");
            self.exchange.following().update(peer, |line| {
                line.connected = false;
                line.last_error = Some((interruption.to_string(), now));
            });
            let advanced = self.exchange.held_of(peer).await.unwrap_or_default() > held;
            pause = if advanced { PAUSE_FIRST } else { pause.saturating_mul(2).min(PAUSE_MAX) };
            let called = self.exchange.following().call_of(peer);
            tokio::select! {
                () = self.exchange.clock().sleep(pause) => heeds_calls = true,
                () = called.notified(), if heeds_calls => heeds_calls = false,
            }
        }
    }

    /// Follows until something goes wrong; says what.
    async fn follow_once(&self, peer: &ParticipantId) -> Interruption {
        match self.follow_stream(peer).await {
            Ok(never) => match never {},
            Err(interruption) => interruption,
        }
    }

    async fn follow_stream(&self, peer: &ParticipantId) -> Result<std::convert::Infallible, Interruption> {
        let now = self.exchange.clock().now();
        if self.exchange.conduct().cut_off(peer, now).is_some() {
            return Err(Interruption::CutOff);
        }
        let book = self.exchange.book();
        let descriptor = &book.approved_peer(peer).map_err(IntakeError::from)?.descriptor;
        self.greet(descriptor).await?;
        let held = self.exchange.held_of(peer).await.map_err(IntakeError::from)?;
        let mut stream = self.in_time(peer, self.calls.follow(descriptor, held)).await?;
        info!(%peer, from = held, "following");
        self.exchange.following().update(peer, |line| {
            line.connected = true;
            line.last_contact = Some(now);
        });
        let mut pulse = Pulse::default();
        loop {
            let event = self.next_event(peer, &mut stream).await?;
            self.take(peer, event, &mut pulse).await?;
        }
    }

    /// Tells each other the time and which descriptors are held. What either lacks is brought by the comparison that this
    /// calls for; meanwhile the log is followed.
    async fn greet(&self, peer: &AcceptedDescriptor) -> Result<(), Interruption> {
        let participant = peer.participant();
        let hello = self.calls.say_hello(peer, self.exchange.greeting_for(participant));
        let (reply, said) = self.in_time(participant, hello).await?;
        if reply.protocol == 0 {
            return Err(Interruption::Protocol(reply.protocol_min, reply.protocol_max));
        }
        let apart = Duration::from_millis(reply.now_ms.abs_diff(self.exchange.clock().now().ms()));
        if apart > self.clock_skew_max {
            warn!(peer = %participant, apart_ms = apart.as_millis(), "clocks are far apart");
        }
        self.exchange.greeted(participant, &said).await.map_err(IntakeError::from)?;
        self.exchange.following().update(participant, |line| line.size = reply.release_log_size);
        Ok(())
    }

    /// A peer that accepts a call and never answers it would otherwise hold its follower for ever.
    async fn in_time<T>(
        &self,
        peer: &ParticipantId,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, Interruption> {
        tokio::select! {
            reply = call => reply.map_err(|error| match error {
                CallError::Garbled(what) => self.broken(peer, &what),
                other => other.into(),
            }),
            () = self.exchange.clock().sleep(SILENCE_MAX) => Err(Interruption::Silent),
        }
    }

    async fn next_event(
        &self,
        peer: &ParticipantId,
        stream: &mut Streaming<FollowEvent>,
    ) -> Result<FollowEvent, Interruption> {
        tokio::select! {
            event = stream.next() => match event {
                Some(Ok(event)) => Ok(event),
                Some(Err(status)) if is_garbled(&status) => Err(self.broken(peer, status.message())),
                Some(Err(status)) => Err(Interruption::Ended(status.message().to_owned())),
                None => Err(Interruption::Ended("the peer closed it".into())),
            },
            () = self.exchange.clock().sleep(SILENCE_MAX) => Err(Interruption::Silent),
        }
    }

    async fn take(&self, peer: &ParticipantId, event: FollowEvent, pulse: &mut Pulse) -> Result<(), Interruption> {
        let now = self.exchange.clock().now();
        let size = match followed(event) {
            Ok(Followed::Heartbeat(_)) if !pulse.beats_at(self.exchange.clock().monotonic_ms()) => {
                return Err(self.broken(peer, "it sends heartbeats without end"));
            }
            // What the peer says of its log's size holds until it says otherwise.
            Ok(Followed::Heartbeat(heartbeat)) => heartbeat.size,
            Ok(Followed::Segment(segment)) => {
                let held = self.exchange.take(peer, segment_of(segment)).await?.held;
                self.exchange.following().of(peer).size.max(held)
            }
            Err(bad) => return Err(self.broken(peer, &bad.to_string())),
        };
        self.exchange.following().update(peer, |line| {
            line.size = size;
            line.last_contact = Some(now);
        });
        Ok(())
    }

    fn broken(&self, peer: &ParticipantId, what: &str) -> Interruption {
        self.exchange.conduct().fault(peer, what, self.exchange.clock().now());
        Interruption::Message(what.to_owned())
    }
}

/// Heartbeats as they come.
#[derive(Default)]
struct Pulse {
    since_ms: u64,
    beats: u32,
}

impl Pulse {
    /// One more heartbeat; false if there are too many.
    fn beats_at(&mut self, now_ms: u64) -> bool {
        if u128::from(now_ms.saturating_sub(self.since_ms)) >= HEARTBEAT.as_millis() {
            *self = Self { since_ms: now_ms, beats: 0 };
        }
        self.beats += 1;
        self.beats <= HEARTBEATS_MAX
    }
}

fn segment_of(segment: Segment) -> InSegment {
    let entry = |entry: selat_wire::peer::LogEntry| InEntry {
        leaf: entry.leaf,
        nonce: entry.nonce,
        opening: entry.opening,
        envelope: entry.envelope,
    };
    InSegment {
        first_index: segment.first_index,
        entries: segment.entries.into_iter().map(entry).collect(),
        checkpoint: segment.checkpoint,
    }
}
