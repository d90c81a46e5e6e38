//! The Unix socket of the desk: mode 0660, for a group if the configuration names one. Who connects is asked of the system.
//!
//! Promises: a look-up that takes long holds up nobody else; each user has a bounded number of connections; when the
//! system has no file handle left, accepting pauses and goes on. A caller without a mapping is let in and refused by
//! each call, which can say why.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use nix::unistd::{Group, chown};
use selat_link::{Connections, Place};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;
use tracing::{info, warn};

use selat_exchange::Actor;

use super::SocketCaller;
use crate::officer::{Callers, SocketPeer};

/// Accepted connections that the server has not taken yet.
const ACCEPTED_QUEUED: usize = 16;
/// Live connections of one user; further ones are closed.
const CONNECTIONS_PER_USER_MAX: usize = 64;
/// Connections whose user is being looked up; further callers wait in the system's queue. More than one user may hold, so
/// that a name service that is slow for one user is not slow for all.
const IDENTIFYING_MAX: usize = 4 * CONNECTIONS_PER_USER_MAX;
/// Pause after the first failure to accept; each further one doubles it.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

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
        self.accept_asking(callers, stop, SocketPeer::look_up)
    }

    /// The same with another name service.
    fn accept_asking(
        self,
        callers: Callers,
        stop: CancellationToken,
        look_up: impl Fn(u32, u32) -> SocketPeer + Send + Sync + 'static,
    ) -> (ReceiverStream<io::Result<DeskStream>>, impl Future<Output = ()> + Send + 'static) {
        let (accepted, receiver) = mpsc::channel(ACCEPTED_QUEUED);
        let look_up = move |uid, gid| callers.on_socket(&look_up(uid, gid));
        let connections = Connections::new(CONNECTIONS_PER_USER_MAX);
        let reception = Reception { look_up: Arc::new(look_up), connections, accepted };
        let task = async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.accept_for_ever(reception) => {}
            }
            // Already gone is as good.
            let _ = fs::remove_file(&self.path);
        };
        (ReceiverStream::new(receiver), task)
    }

    /// Ends when the server takes no more connections.
    async fn accept_for_ever(&self, reception: Reception) {
        let mut identifying = JoinSet::new();
        loop {
            while identifying.try_join_next().is_some() {}
            if identifying.len() >= IDENTIFYING_MAX {
                identifying.join_next().await;
            }
            let next = next_caller(|| self.listener.accept(), sleep);
            tokio::select! {
                () = reception.accepted.closed() => return,
                (stream, _) = next => identifying.spawn(reception.clone().receive(stream)),
            };
        }
    }
}

/// What `accept` gives. While it fails, most often for want of file handles, the pauses grow: trying again at once would
/// only spin.
async fn next_caller<T, A, P>(mut accept: impl FnMut() -> A, mut pause: impl FnMut(Duration) -> P) -> T
where
    A: Future<Output = io::Result<T>>,
    P: Future<Output = ()>,
{
    let mut span = PAUSE_MIN;
    loop {
        match accept().await {
            Ok(caller) => return caller,
            Err(error) => {
                warn!(%error, "accepting on the desk socket failed");
                pause(span).await;
                span = PAUSE_MAX.min(span * 2);
            }
        }
    }
}

/// Who is at the other end, by user and group id. Blocks on the name service.
type LookUp = dyn Fn(u32, u32) -> Option<Actor> + Send + Sync;

/// What all connections share on their way to the server.
#[derive(Clone)]
struct Reception {
    look_up: Arc<LookUp>,
    connections: Connections<u32>,
    accepted: mpsc::Sender<io::Result<DeskStream>>,
}

impl Reception {
    /// Asks the system who connected and hands the connection on. One whose user cannot be told is dropped.
    async fn receive(self, stream: UnixStream) {
        let Ok(credentials) = stream.peer_cred() else { return };
        let (uid, gid) = (credentials.uid(), credentials.gid());
        let Some(place) = self.connections.admit(uid) else {
            return info!(uid, max = CONNECTIONS_PER_USER_MAX, "desk caller has as many connections as it may");
        };
        let look_up = self.look_up;
        let Ok(caller) = tokio::task::spawn_blocking(move || look_up(uid, gid)).await else { return };
        if caller.is_none() {
            info!(uid, "desk caller without a mapping");
        }
        let stream = DeskStream { stream, caller: SocketCaller { caller, uid }, _place: place };
        // Fails only when the server is gone, and then nobody wants the connection.
        let _ = self.accepted.send(Ok(stream)).await;
    }
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
    _place: Place<u32>,
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures::StreamExt as _;
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::config::DeskConfig;

    /// A desk socket in a folder of its own, with a name service that the test brings.
    struct Desk {
        folder: tempfile::TempDir,
        incoming: ReceiverStream<io::Result<DeskStream>>,
        _stop: tokio_util::sync::DropGuard,
    }

    impl Desk {
        async fn open(look_up: impl Fn(u32, u32) -> SocketPeer + Send + Sync + 'static) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let socket = DeskSocket::bind(&folder.path().join("desk.sock"), None).await.unwrap();
            let config = DeskConfig { socket: PathBuf::new(), socket_group: None, listen: None, callers: Vec::new() };
            let stop = CancellationToken::new();
            let (incoming, accepting) = socket.accept_asking(Callers::new(&config), stop.clone(), look_up);
            tokio::spawn(accepting);
            Self { folder, incoming, _stop: stop.drop_guard() }
        }

        async fn connect(&self) -> UnixStream {
            UnixStream::connect(self.folder.path().join("desk.sock")).await.unwrap()
        }

        async fn next(&mut self) -> DeskStream {
            self.incoming.next().await.unwrap().unwrap()
        }
    }

    fn in_no_group(uid: u32, gid: u32) -> SocketPeer {
        SocketPeer { uid, gids: vec![gid] }
    }

    #[tokio::test]
    async fn accepting_that_fails_pauses_longer_each_time_up_to_a_second() {
        let mut failures = 10;
        let pauses = Mutex::new(Vec::new());
        let accept = || {
            let left = failures;
            failures -= 1;
            async move { if left > 0 { Err(io::Error::from_raw_os_error(24)) } else { Ok("caller") } }
        };
        let pause = |span: Duration| {
            pauses.lock().unwrap().push(span.as_millis());
            std::future::ready(())
        };
        assert_eq!(next_caller(accept, pause).await, "caller");
        assert_eq!(*pauses.lock().unwrap(), [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000]);
    }

    #[tokio::test]
    async fn slow_name_service_holds_up_only_whom_it_is_asked_about() {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (held, first) = (Mutex::new(held), AtomicBool::new(true));
        let mut desk = Desk::open(move |uid, gid| {
            if first.swap(false, Ordering::SeqCst) {
                // Ends when the test lets go of the other end.
                let _ = held.lock().unwrap().recv();
            }
            in_no_group(uid, gid)
        })
        .await;
        let _slow = desk.connect().await;
        let _quick = desk.connect().await;
        desk.next().await;
        drop(release);
        desk.next().await;
    }

    #[tokio::test]
    async fn user_has_as_many_connections_as_one_may_and_a_place_that_is_left_is_free() {
        let mut desk = Desk::open(in_no_group).await;
        let (mut callers, mut served) = (Vec::new(), Vec::new());
        for _ in 0..CONNECTIONS_PER_USER_MAX {
            callers.push(desk.connect().await);
            served.push(desk.next().await);
        }
        let mut refused = desk.connect().await;
        assert_eq!(refused.read(&mut [0; 1]).await.unwrap_or(0), 0);
        served.pop();
        let _caller = desk.connect().await;
        desk.next().await;
    }
}
