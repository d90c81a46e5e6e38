//! Connections whose other end is known, and which can be cut from outside.

use std::future::Future;
use std::hash::Hash;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwapOption;
use selat_record::ParticipantId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

use crate::gate::Identity;
use crate::handshake::HandshakeFault;
use crate::registry::Place;

/// An accepted connection. tonic puts its identity into the extensions of each request on it.
pub struct Connection<I: Identity> {
    stream: Severable<server::TlsStream<TcpStream>, I::Key>,
    identity: I,
}

impl<I: Identity> Connection<I> {
    pub(crate) fn new(stream: server::TlsStream<TcpStream>, identity: I, place: Place<I::Key>) -> Self {
        Self { stream: Severable::new(stream, place), identity }
    }

    /// Who is at the other end.
    pub fn identity(&self) -> &I {
        &self.identity
    }
}

impl<I: Identity> Connected for Connection<I> {
    type ConnectInfo = I;

    fn connect_info(&self) -> I {
        self.identity.clone()
    }
}

/// A dialled connection. What breaks it is kept where its channel's owner can ask for it.
pub struct DialedStream {
    stream: Severable<client::TlsStream<TcpStream>, ParticipantId>,
    fault: Arc<ArcSwapOption<HandshakeFault>>,
}

impl DialedStream {
    pub(crate) fn new(
        stream: client::TlsStream<TcpStream>,
        place: Place<ParticipantId>,
        fault: Arc<ArcSwapOption<HandshakeFault>>,
    ) -> Self {
        Self { stream: Severable::new(stream, place), fault }
    }

    /// In TLS 1.3 a server refuses our certificate only after our side of the handshake is through, so that the
    /// refusal arrives as an error of the first read.
    fn note<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &polled {
            self.fault.store(Some(Arc::new(HandshakeFault::of(error, None))));
        }
        polled
    }
}

impl<I: Identity> AsyncRead for Connection<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<I: Identity> AsyncWrite for Connection<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for DialedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.note(polled)
    }
}

impl AsyncWrite for DialedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A stream that fails from the moment its place is cut.
struct Severable<S, K: Eq + Hash + Clone> {
    stream: S,
    // One waiter per direction: each remembers only the task that polled it last.
    read_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    write_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: Place<K>,
}

impl<S, K: Eq + Hash + Clone> Severable<S, K> {
    fn new(stream: S, place: Place<K>) -> Self {
        Self { stream, read_cut: Box::pin(place.cut()), write_cut: Box::pin(place.cut()), _place: place }
    }
}

impl<S: AsyncRead + Unpin, K: Eq + Hash + Clone + Unpin> AsyncRead for Severable<S, K> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.read_cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(severed()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin, K: Eq + Hash + Clone + Unpin> AsyncWrite for Severable<S, K> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.write_cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(severed()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write_cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(severed()));
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write_cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(severed()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn severed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "cut: the other end is no longer wanted")
}
