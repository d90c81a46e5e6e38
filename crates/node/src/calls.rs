//! Calls to other nodes: one channel per peer over its endpoints in order, reconnecting by itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use selat_exchange::{CallError, Edition, Greeting, PeerPort};
use selat_link::{DialError, Dialer, NodeName, PeerAddress, PeerChannel};
use selat_record::{ContentId, ParticipantId, pb};
use selat_seal::AcceptedDescriptor;
use selat_wire::RefusedCall;
use selat_wire::convert::{self, BadMessage, MESSAGE_BYTES_MAX};
use selat_wire::peer::peer_client::PeerClient;
use selat_wire::peer::{AnnounceRequest, AskRequest, DescriptorsRequest, FollowEvent, FollowRequest, HelloReply};
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming, TimeoutExpired};

use crate::greetings;
pub use crate::greetings::PROTOCOL;

/// How long a peer may take to reply to a hello or an announcement.
const HELLO_MAX: Duration = Duration::from_secs(10);
/// How long it may take to send a part of a chain, at most a megabyte.
const DESCRIPTORS_WAIT: Duration = Duration::from_secs(30);

/// The way to the other nodes.
pub struct Calls {
    dialer: Dialer,
    channels: Mutex<HashMap<ParticipantId, (ContentId, PeerChannel)>>,
}

impl Calls {
    /// Calls through `dialer`.
    pub fn new(dialer: Dialer) -> Self {
        Self { dialer, channels: Mutex::default() }
    }

    /// The dialer, for trying a peer step by step.
    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// Closes every connection to a peer and forgets its channel.
    pub fn close(&self, peer: &ParticipantId) {
        self.lock().remove(peer);
        self.dialer.close_peer(peer);
    }

    /// Says hello; the reply with what it says of clocks and descriptors.
    pub async fn say_hello(
        &self,
        peer: &AcceptedDescriptor,
        greeting: Greeting,
    ) -> Result<(HelloReply, Greeting), CallError> {
        let (mut client, channel) = self.client(peer).await?;
        let hello = within(HELLO_MAX, greetings::request(greeting));
        let reply = client.hello(hello).await.map_err(|status| self.call_error(peer, &channel, &status))?;
        let reply = reply.into_inner();
        let said = convert::hello_reply(&reply).map_err(garbled)?;
        Ok((reply, greetings::heard(said)))
    }

    /// Opens the stream of the peer's release log to us.
    pub async fn follow(
        &self,
        peer: &AcceptedDescriptor,
        from_index: u64,
    ) -> Result<Streaming<FollowEvent>, CallError> {
        let (mut client, channel) = self.client(peer).await?;
        let reply = client.follow(FollowRequest { from_index }).await;
        Ok(reply.map_err(|status| self.call_error(peer, &channel, &status))?.into_inner())
    }

    async fn client(&self, peer: &AcceptedDescriptor) -> Result<(PeerClient<Channel>, PeerChannel), CallError> {
        let channel = self.channel(peer).await.map_err(|error| CallError::Unreachable(words(&error)))?;
        let client = PeerClient::new(channel.channel()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        Ok((client, channel))
    }

    /// The peer's channel: the one that is open, or one to the first endpoint that answers.
    async fn channel(&self, peer: &AcceptedDescriptor) -> Result<PeerChannel, DialError> {
        let known = self.lock().get(peer.participant()).cloned();
        if let Some((_, channel)) = known.filter(|(descriptor, _)| *descriptor == peer.content_id()) {
            return Ok(channel);
        }
        let mut last = DialError::Host(String::new());
        for address in addresses(peer) {
            match self.dialer.channel(&address).await {
                Ok(channel) => {
                    let entry = (peer.content_id(), channel.clone());
                    self.lock().insert(peer.participant().clone(), entry);
                    return Ok(channel);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// A broken transport forgets the channel, so that the next call tries the endpoints again.
    fn call_error(&self, peer: &AcceptedDescriptor, channel: &PeerChannel, status: &Status) -> CallError {
        let dialled = DialError::find(status).map(|error| words(&error));
        match status.code() {
            _ if is_garbled(status) => CallError::Garbled(status.message().to_owned()),
            Code::Cancelled if status.message() == TimeoutExpired(()).to_string() => CallError::Late,
            Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled => {
                self.lock().remove(peer.participant());
                let fault = channel.fault().map(|fault| fault.to_string());
                CallError::Unreachable(dialled.or(fault).unwrap_or_else(|| status.message().to_owned()))
            }
            Code::DeadlineExceeded => CallError::Late,
            _ => CallError::Refused(status.message().to_owned()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ParticipantId, (ContentId, PeerChannel)>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PeerPort for Calls {
    async fn ask(
        &self,
        peer: &AcceptedDescriptor,
        query: pb::Envelope,
        deadline: Duration,
    ) -> Result<pb::Envelope, CallError> {
        let (mut client, channel) = self.client(peer).await?;
        let request = within(deadline, AskRequest { query: Some(query) });
        let reply = client.ask(request).await.map_err(|status| self.call_error(peer, &channel, &status))?;
        convert::answer(reply.into_inner()).map_err(garbled)
    }

    async fn hello(&self, peer: &AcceptedDescriptor, greeting: Greeting) -> Result<Greeting, CallError> {
        self.say_hello(peer, greeting).await.map(|(_, said)| said)
    }

    async fn descriptors(
        &self,
        peer: &AcceptedDescriptor,
        participant: &ParticipantId,
        from: u64,
    ) -> Result<Vec<pb::Envelope>, CallError> {
        let (mut client, channel) = self.client(peer).await?;
        let asked = DescriptorsRequest { participant: participant.to_string(), from_version: from };
        let reply = client.descriptors(within(DESCRIPTORS_WAIT, asked)).await;
        let reply = reply.map_err(|status| self.call_error(peer, &channel, &status))?;
        convert::descriptors_reply(reply.into_inner()).map_err(garbled)
    }

    async fn announce(&self, peer: &AcceptedDescriptor, descriptor: pb::Envelope) -> Result<Edition, CallError> {
        let (mut client, channel) = self.client(peer).await?;
        let request = within(HELLO_MAX, AnnounceRequest { descriptor: Some(descriptor) });
        let reply = client.announce(request).await.map_err(|status| self.call_error(peer, &channel, &status))?;
        convert::announce_reply(reply.get_ref()).map(greetings::taken).map_err(garbled)
    }
}

fn within<T>(deadline: Duration, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(deadline);
    request
}

fn garbled(bad: BadMessage) -> CallError {
    CallError::Garbled(bad.to_string())
}

/// True if what came was too large or could not be decoded. No node says so of itself, and a transport that merely broke
/// has a cause.
pub fn is_garbled(status: &Status) -> bool {
    match status.code() {
        Code::OutOfRange => true,
        Code::Internal => std::error::Error::source(status).is_none() && RefusedCall::from_status(status).is_none(),
        _ => false,
    }
}

/// The nodes of a peer, in the order that it prefers.
pub fn addresses(peer: &AcceptedDescriptor) -> Vec<PeerAddress> {
    let address = |endpoint: &selat_seal::Endpoint| {
        let name = NodeName::new(&endpoint.node, peer.participant().clone(), peer.federation().clone()).ok()?;
        Some(PeerAddress { name, host: endpoint.host.clone(), port: endpoint.port })
    };
    peer.endpoints().iter().filter_map(address).collect()
}

/// An error with its causes, for a person.
pub fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    for cause in std::iter::successors(error.source(), |cause| cause.source()) {
        let cause = cause.to_string();
        if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}
