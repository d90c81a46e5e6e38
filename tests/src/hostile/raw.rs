//! The rogue below gRPC: bytes, frames, and requests that no generated client would send.

use h2::RecvStream;
use h2::client::SendRequest;
use selat_link::{DialError, DialedStream};
use tonic::codegen::{Bytes, http};
use tonic::{Code, Status};

use super::Rogue;

impl Rogue {
    /// A connection to the victim, the handshake done and nothing said.
    pub async fn connect(&self) -> Result<DialedStream, DialError> {
        self.dialer.connect(&self.victim_address()).await
    }

    /// Tries a handshake, and whether the victim goes on after it.
    pub async fn knock(&self) -> Result<(), DialError> {
        self.dialer.probe_tls(&self.victim_address()).await.map(drop)
    }

    /// HTTP/2 to the victim without gRPC on it; on each stream the victim may send `window` bytes before they are read.
    pub async fn http2(&self, window: u32) -> SendRequest<Bytes> {
        let stream = self.connect().await.expect("the victim listens");
        let mut http2 = h2::client::Builder::new();
        let (sender, connection) =
            http2.initial_window_size(window).handshake(stream).await.expect("the victim speaks HTTP/2");
        // Ends with the connection, which ends with its last sender or with the victim's patience.
        tokio::spawn(connection);
        sender
    }

    /// Posts `body` as it is on a connection of its own, and says how the call ended.
    pub async fn post(&self, request: http::Request<()>, body: Vec<u8>) -> Result<(), Status> {
        self.call(&mut self.http2(65_535).await, request, body).await.map(drop)
    }

    /// Posts `body` as it is; what is replied comes unread.
    pub async fn call(
        &self,
        http2: &mut SendRequest<Bytes>,
        request: http::Request<()>,
        body: Vec<u8>,
    ) -> Result<RecvStream, Status> {
        let broken = |error: h2::Error| Status::unknown(error.to_string());
        let mut ready = http2.clone().ready().await.map_err(broken)?;
        let (response, mut sender) = ready.send_request(request, false).map_err(broken)?;
        // The victim may refuse the call before it has read it.
        let _ = sender.send_data(body.into(), true);
        let response = response.await.map_err(broken)?;
        match Status::from_header_map(response.headers()) {
            Some(status) if status.code() != Code::Ok => Err(status),
            _ if response.status().is_success() => Ok(response.into_body()),
            _ => Err(Status::unknown(response.status().to_string())),
        }
    }
}

/// The headers of a gRPC call.
pub fn grpc(path: &str) -> http::Request<()> {
    let request = http::Request::post(format!("http://node{path}"));
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    request.body(()).expect("the path is one")
}

/// A message as gRPC frames it.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("the suites send less than 4 GiB");
    [&[0][..], &length.to_be_bytes(), message].concat()
}
