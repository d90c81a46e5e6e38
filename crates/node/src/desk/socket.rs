//! The Unix socket of the desk: mode 0660, for a group if the configuration names one. Who connects is asked of the system.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use nix::unistd::{Group, chown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;
use tracing::{info, warn};

use super::SocketCaller;
use crate::officer::{Callers, SocketPeer};

/// Accepted connections that the server has not taken yet.
const ACCEPTED_QUEUED: usize = 16;

/// Why the socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The group is not known to the system.
    #[error("the system knows no group {0:?}")]
    UnknownGroup(String),
    /// Something that is not a socket lies there.
    #[error("{} is in the way and is not a socket", .0.display())]
    InTheWay(PathBuf),
    /// Another process answers there.
    #[error("another process listens at {}", .0.display())]
    InUse(PathBuf),
    /// The system refused.
    #[error("cannot listen at {}", .path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The listening socket.
pub struct DeskSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl DeskSocket {
    /// Listens at `path`. A socket that nobody answers at is replaced; anything else there is left alone.
    pub async fn bind(path: &Path, group: Option<&str>) -> Result<Self, SocketError> {
        clear(path).await?;
        let io_error = |source| SocketError::Io { path: path.to_owned(), source };
        let listener = UnixListener::bind(path).map_err(io_error)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(io_error)?;
        if let Some(name) = group {
            let group = Group::from_name(name).ok().flatten();
            let group = group.ok_or_else(|| SocketError::UnknownGroup(name.to_owned()))?;
            chown(path, None, Some(group.gid)).map_err(|errno| io_error(errno.into()))?;
        }
        Ok(Self { listener, path: path.to_owned() })
    }

    /// The connections, and the task that accepts them until `stop` and then takes the socket away. Each connection knows
    /// who is at its other end.
    pub fn accept(
        self,
        callers: Callers,
        stop: CancellationToken,
    ) -> (ReceiverStream<io::Result<DeskStream>>, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = mpsc::channel(ACCEPTED_QUEUED);
        let task = async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.accept_for_ever(&callers, &sender) => {}
            }
            // Already gone is as good.
            let _ = fs::remove_file(&self.path);
        };
        (ReceiverStream::new(receiver), task)
    }

    async fn accept_for_ever(&self, callers: &Callers, sender: &mpsc::Sender<io::Result<DeskStream>>) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    if let Some(stream) = identify(stream, callers.clone()).await
                        && sender.send(Ok(stream)).await.is_err()
                    {
                        return;
                    }
                }
                Err(error) => {
                    warn!(%error, "desk socket");
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

/// Asks the system who connected; `None` when it does not say.
async fn identify(stream: UnixStream, callers: Callers) -> Option<DeskStream> {
    let credentials = stream.peer_cred().ok()?;
    let (uid, gid) = (credentials.uid(), credentials.gid());
    let look_up = move || callers.on_socket(&SocketPeer::look_up(uid, gid));
    let caller = tokio::task::spawn_blocking(look_up).await.ok()?;
    if caller.is_none() {
        info!(uid, "desk caller without a mapping");
    }
    Some(DeskStream { stream, caller: SocketCaller { caller, uid } })
}

async fn clear(path: &Path) -> Result<(), SocketError> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(SocketError::InTheWay(path.to_owned()));
    }
    if UnixStream::connect(path).await.is_ok() {
        return Err(SocketError::InUse(path.to_owned()));
    }
    fs::remove_file(path).map_err(|source| SocketError::Io { path: path.to_owned(), source })
}

/// One connection to the desk socket.
pub struct DeskStream {
    stream: UnixStream,
    caller: SocketCaller,
}

impl Connected for DeskStream {
    type ConnectInfo = SocketCaller;

    fn connect_info(&self) -> SocketCaller {
        self.caller.clone()
    }
}

impl AsyncRead for DeskStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for DeskStream {
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
