//! The peer service: thin handlers between the wire and the use-cases, behind the [door](crate::door). Who calls is read
//! from the connection.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::Stream;
use selat_exchange::{AnswerError, Exchange, ExchangeError, OutSegment};
use selat_link::{Connections, PeerIdentity, Place};
use selat_record::ParticipantId;
use selat_wire::convert::{self, BadMessage};
use selat_wire::peer::follow_event::Event;
use selat_wire::peer::peer_server::Peer;
use selat_wire::peer::{
    AnnounceReply, AnnounceRequest, AskReply, AskRequest, DescriptorsReply, DescriptorsRequest, FollowEvent,
    FollowRequest, Heartbeat, HelloReply, HelloRequest, Segment,
};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::{greetings, status};

/// Silence on a follow stream is broken this often.
pub const HEARTBEAT: Duration = Duration::from_secs(10);
/// Segments on their way to a slow follower.
const SEGMENTS_QUEUED: usize = 2;
/// A follower that takes nothing for so long is taken for dead.
const UNREAD_MAX: Duration = Duration::from_secs(60);
/// Follow streams of one peer, ended ones that it has not read included. An honest one has two at most: the one on a
/// connection that broke unnoticed, and its successor.
const UNREAD_STREAMS_MAX: usize = 4;

/// The service behind the peer listener.
pub struct PeerRpc {
    exchange: Arc<Exchange>,
    /// The live follow stream of each peer; a newer one ends it.
    streams: Arc<Mutex<HashMap<ParticipantId, CancellationToken>>>,
    /// Those that ended and are not yet read to their end count too: what they hold is in memory.
    unread: Connections<ParticipantId>,
    stop: CancellationToken,
}

impl PeerRpc {
    /// Serves until `stop`.
    pub fn new(exchange: Arc<Exchange>, stop: CancellationToken) -> Self {
        Self { exchange, streams: Arc::default(), unread: Connections::new(UNREAD_STREAMS_MAX), stop }
    }

    /// Takes a place for one more follow stream of `peer`.
    fn place_for_stream(&self, peer: &ParticipantId) -> Result<Place<ParticipantId>, Status> {
        self.unread.admit(peer.clone()).ok_or_else(|| {
            self.fault(peer, "opens follow streams and does not read them");
            Status::resource_exhausted("too many follow streams that are not read")
        })
    }

    fn fault(&self, peer: &ParticipantId, what: &str) {
        self.exchange.conduct().fault(peer, what, self.exchange.clock().now());
    }

    /// A message that does not have its form is a fault of the peer.
    fn bad(&self, peer: &ParticipantId, bad: BadMessage) -> Status {
        self.fault(peer, &bad.to_string());
        Status::invalid_argument(bad.to_string())
    }

    fn only_stream(&self, peer: &ParticipantId) -> CancellationToken {
        let own = self.stop.child_token();
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(older) = streams.insert(peer.clone(), own.clone()) {
            older.cancel();
        }
        own
    }
}

#[tonic::async_trait]
impl Peer for PeerRpc {
    async fn hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let peer = caller(&request)?;
        let request = request.into_inner();
        let hello = convert::hello(&request).map_err(|bad| self.bad(&peer, bad))?;
        self.exchange.following().peer_called(&peer);
        let size = self.exchange.release_log_size(&peer).await.map_err(|error| own_trouble(&error))?;
        let greeting = self.exchange.greeted(&peer, &greetings::heard(hello)).await;
        let greeting = greeting.map_err(|error| own_trouble(&error))?;
        let theirs = (request.protocol_min, request.protocol_max);
        Ok(Response::new(greetings::reply(greeting, theirs, size)))
    }

    type FollowStream = Pin<Box<dyn Stream<Item = Result<FollowEvent, Status>> + Send>>;

    async fn follow(&self, request: Request<FollowRequest>) -> Result<Response<Self::FollowStream>, Status> {
        let peer = caller(&request)?;
        let from = request.into_inner().from_index;
        let place = self.place_for_stream(&peer)?;
        let (sender, receiver) = mpsc::channel(SEGMENTS_QUEUED);
        let stop = self.only_stream(&peer);
        let exchange = self.exchange.clone();
        // Ends when the peer hangs up, a newer stream takes over, or the node stops.
        self.exchange.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                result = send_segments(&exchange, &peer, from, &sender) => if let Err(status) = result {
                    // A peer that is gone, or does not read, needs no status.
                    let _ = sender.try_send(Err(status));
                },
            }
        });
        let events = ReceiverStream::new(receiver).map(move |event| {
            // The place is given back when the stream is dropped.
            let _held = &place;
            event
        });
        Ok(Response::new(Box::pin(events)))
    }

    async fn descriptors(&self, request: Request<DescriptorsRequest>) -> Result<Response<DescriptorsReply>, Status> {
        let peer = caller(&request)?;
        let (participant, from) = convert::descriptors(&request.into_inner()).map_err(|bad| self.bad(&peer, bad))?;
        let participant = participant.unwrap_or_else(|| self.exchange.participant().clone());
        let descriptors = self.exchange.descriptors_for(&peer, &participant, from).await;
        let descriptors = descriptors.map_err(|error| own_trouble(&error))?;
        Ok(Response::new(DescriptorsReply { descriptors }))
    }

    async fn announce(&self, request: Request<AnnounceRequest>) -> Result<Response<AnnounceReply>, Status> {
        let peer = caller(&request)?;
        let descriptor = convert::announced(request.into_inner()).map_err(|bad| self.bad(&peer, bad))?;
        let held = self.exchange.announced(&peer, &descriptor).await.map_err(|error| own_trouble(&error))?;
        Ok(Response::new(AnnounceReply { version: held.version, hash: held.hash.as_bytes().to_vec() }))
    }

    async fn ask(&self, request: Request<AskRequest>) -> Result<Response<AskReply>, Status> {
        let arrived_ms = self.exchange.clock().monotonic_ms();
        let peer = caller(&request)?;
        let query = convert::query(request.into_inner()).map_err(|bad| self.bad(&peer, bad))?;
        let answer = self.exchange.answer(&peer, &query, arrived_ms).await.map_err(|error| of_answer_error(&error))?;
        Ok(Response::new(convert::ask_reply(answer)))
    }
}

/// The peer at the other end; the door has let it in.
fn caller<T>(request: &Request<T>) -> Result<ParticipantId, Status> {
    let identity = request.extensions().get::<PeerIdentity>();
    Ok(identity.ok_or_else(|| Status::unauthenticated("no peer certificate"))?.participant().clone())
}

/// The node's own trouble is told to a peer in one and the same words, whatever it is.
fn of_answer_error(error: &AnswerError) -> Status {
    match error {
        AnswerError::Unverified(_) => Status::unauthenticated("the query did not verify"),
        AnswerError::Misaddressed => Status::invalid_argument("the query is addressed to another"),
        AnswerError::Own(own) => own_trouble(own),
    }
}

/// The node's own trouble is logged with its cause; the peer learns nothing of it.
fn own_trouble(error: &ExchangeError) -> Status {
    let _ = status::of_error(error);
    Status::unavailable("the node cannot serve this now")
}

async fn send_segments(
    exchange: &Exchange,
    peer: &ParticipantId,
    mut next: u64,
    sender: &mpsc::Sender<Result<FollowEvent, Status>>,
) -> Result<(), Status> {
    let growth = exchange.growth_of(peer);
    loop {
        let mut grown = std::pin::pin!(growth.notified());
        grown.as_mut().enable();
        let segment = exchange.segment_for(peer, next).await.map_err(|error| own_trouble(&error))?;
        let event = match segment {
            Some(segment) => {
                next = segment.first_index + u64::try_from(segment.entries.len()).unwrap_or(u64::MAX);
                Event::Segment(segment_message(segment))
            }
            None => {
                tokio::select! {
                    () = grown => continue,
                    () = exchange.clock().sleep(HEARTBEAT) => {}
                }
                Event::Heartbeat(Heartbeat { size: next, now_ms: exchange.clock().now().ms() })
            }
        };
        let sent = tokio::select! {
            sent = sender.send(Ok(FollowEvent { event: Some(event) })) => sent,
            () = exchange.clock().sleep(UNREAD_MAX) => {
                exchange.conduct().fault(peer, "does not read what it follows", exchange.clock().now());
                return Err(Status::deadline_exceeded("the stream was not read"));
            }
        };
        if sent.is_err() {
            return Ok(());
        }
    }
}

fn segment_message(segment: OutSegment) -> Segment {
    let entries = segment
        .entries
        .into_iter()
        .map(|entry| convert::log_entry(entry.leaf, entry.nonce, entry.opening, entry.content))
        .collect();
    Segment { first_index: segment.first_index, entries, checkpoint: segment.checkpoint }
}
