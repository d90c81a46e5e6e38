//! The rogue as a server: a listener like any node's, behind it whatever a test writes.

use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use selat_link::{Limits, PeerListener, PeerSetup};
use selat_record::pb;
use selat_wire::peer::peer_server::{Peer, PeerServer};
use selat_wire::peer::{
    AnnounceReply, AnnounceRequest, AskReply, AskRequest, DescriptorsReply, DescriptorsRequest, FollowEvent,
    FollowRequest, HelloReply, HelloRequest,
};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status};

use super::Rogue;

/// What comes on a follow stream.
pub type Events = BoxStream<'static, Result<FollowEvent, Status>>;

type Hello = Arc<dyn Fn() -> BoxFuture<'static, Result<HelloReply, Status>> + Send + Sync>;
type Follow = Arc<dyn Fn(u64) -> Events + Send + Sync>;
type Ask = Arc<dyn Fn(pb::Envelope) -> BoxFuture<'static, Result<AskReply, Status>> + Send + Sync>;

/// How the rogue behaves when it is called.
#[derive(Clone)]
pub struct Script {
    hello: Hello,
    follow: Follow,
    ask: Ask,
}

impl Script {
    /// Greets like an honest node, has nothing to follow, answers nothing.
    pub fn quiet(rogue: &Arc<Rogue>) -> Self {
        let rogue = rogue.clone();
        let hello = move || {
            let greeting = rogue.greeting();
            async move { Ok(greeting) }.boxed()
        };
        let ask = |_| async { Err(Status::unavailable("not now")) }.boxed();
        Self { hello: Arc::new(hello), follow: Arc::new(|_| futures::stream::pending().boxed()), ask: Arc::new(ask) }
    }

    /// Greets like this instead.
    pub fn greeting<F>(mut self, hello: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<HelloReply, Status>> + Send + 'static,
    {
        self.hello = Arc::new(move || hello().boxed());
        self
    }

    /// Gives this to whoever follows from an index.
    pub fn followed(mut self, follow: impl Fn(u64) -> Events + Send + Sync + 'static) -> Self {
        self.follow = Arc::new(follow);
        self
    }

    /// Answers questions like this.
    pub fn asked<F>(mut self, ask: impl Fn(pb::Envelope) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<AskReply, Status>> + Send + 'static,
    {
        self.ask = Arc::new(move |query| ask(query).boxed());
        self
    }
}

/// The rogue's listener; it closes when this is dropped.
pub struct Served {
    _stop: DropGuard,
    _task: JoinHandle<()>,
}

impl Rogue {
    /// Listens where its descriptor says, and behaves as written in `script`.
    pub async fn serve(&self, script: Script) -> Served {
        let (leaf, roots) = (self.leaf.clone(), self.roots.clone());
        let setup = PeerSetup { leaf, roots, now: self.now(), limits: Limits::default() };
        let mut listener = PeerListener::bind(self.listen, setup).await.expect("the port is free");
        let incoming = listener.incoming().expect("it is taken here only");
        let stop = CancellationToken::new();
        let ended = stop.clone().cancelled_owned();
        let service = PeerServer::new(script).max_encoding_message_size(usize::MAX);
        let task = tokio::spawn(async move {
            let server = tonic::transport::Server::builder().add_service(service);
            tokio::select! {
                // Not awaited to its end: a stream that stalls on purpose would hold it up.
                _ = server.serve_with_incoming(incoming) => {}
                () = ended => {}
            }
            listener.stop().await;
        });
        Served { _stop: stop.drop_guard(), _task: task }
    }
}

#[tonic::async_trait]
impl Peer for Script {
    async fn hello(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        (self.hello)().await.map(Response::new)
    }

    type FollowStream = Events;

    async fn follow(&self, request: Request<FollowRequest>) -> Result<Response<Events>, Status> {
        Ok(Response::new((self.follow)(request.into_inner().from_index)))
    }

    async fn ask(&self, request: Request<AskRequest>) -> Result<Response<AskReply>, Status> {
        let query = request.into_inner().query.unwrap_or_default();
        (self.ask)(query).await.map(Response::new)
    }

    async fn descriptors(&self, _: Request<DescriptorsRequest>) -> Result<Response<DescriptorsReply>, Status> {
        Ok(Response::new(DescriptorsReply::default()))
    }

    async fn announce(&self, _: Request<AnnounceRequest>) -> Result<Response<AnnounceReply>, Status> {
        Ok(Response::new(AnnounceReply::default()))
    }
}
