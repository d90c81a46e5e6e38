//! Serves the connections of peers, one by one, so that whoever breaks HTTP/2 itself is known by name: the server that
//! comes with tonic keeps that to itself.

use std::error::Error;
use std::sync::Arc;

use hyper::body::Incoming as Request;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use selat_link::{Connection, Incoming, PeerIdentity};
use selat_record::ParticipantId;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::{Service as _, http};
use tonic::service::Routes;

use crate::door::Door;
use crate::start::{HEADERS_MAX, KEEPALIVE, KEEPALIVE_ANSWER, RESETS_MAX, STREAMS_MAX};

/// Serves `routes` behind `door` until `stop`; calls under way then end first.
pub async fn serve(mut incoming: Incoming<PeerIdentity>, routes: Routes, door: Arc<Door>, stop: CancellationToken) {
    let routes = routes.prepare();
    let mut connections = JoinSet::new();
    while let Some(Some(Ok(connection))) = stop.run_until_cancelled(incoming.next()).await {
        while connections.try_join_next().is_some() {}
        connections.spawn(serve_one(connection, routes.clone(), door.clone(), stop.clone()));
    }
    while connections.join_next().await.is_some() {}
}

async fn serve_one(connection: Connection<PeerIdentity>, routes: Routes, door: Arc<Door>, stop: CancellationToken) {
    let identity = connection.identity().clone();
    let peer = identity.participant().clone();
    let service = {
        let door = door.clone();
        service_fn(move |request| call(request, identity.clone(), routes.clone(), door.clone()))
    };
    let mut serving = std::pin::pin!(http2().serve_connection(TokioIo::new(connection), service));
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        note(&door, &peer, &error);
    }
}

async fn call(
    request: http::Request<Request>,
    identity: PeerIdentity,
    mut routes: Routes,
    door: Arc<Door>,
) -> Result<http::Response<Body>, std::convert::Infallible> {
    let peer = identity.participant().clone();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(identity);
    door.pass(&peer, routes.call(request)).await
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADERS_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_ANSWER);
    builder
}

/// A connection that merely broke is nobody's fault.
fn note(door: &Door, peer: &ParticipantId, error: &hyper::Error) {
    let broken = error.source().and_then(|cause| cause.downcast_ref::<h2::Error>());
    if let Some(broken) = broken.filter(|error| error.is_library()) {
        let reason = broken.reason().unwrap_or(h2::Reason::PROTOCOL_ERROR);
        door.fault(peer, &format!("does not speak HTTP/2: {}", reason.description()));
    }
}
