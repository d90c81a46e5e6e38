//! Serves the measurements over plain HTTP/1, for a collector on the same machine.
//!
//! Promises: it gives away measurements and nothing else, and changes nothing. Connections, the size of a request and
//! the time that each may take are bounded; one request per connection. Leaves out: secrecy and access control. The
//! configuration names the address, and any other than loopback is said in the log.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// The one path.
const PATH: &str = "/metrics";
/// As the format's specification names it.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Largest request line with headers, in bytes; what comes after them is not read.
const REQUEST_MAX: usize = 8 * 1024;
/// Most headers.
const HEADERS_MAX: usize = 64;
/// Before accepting is tried again after it failed, for example for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// Gives the text. Each call measures anew.
#[async_trait]
pub trait Source: Send + Sync {
    /// The text; why there is none, otherwise.
    async fn text(&self) -> Result<String, String>;
}

/// What a reader may take.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Connections at once; others wait.
    pub connections: usize,
    /// Time for a request to come in.
    pub request: Duration,
    /// Time for everything.
    pub connection: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: 8, request: Duration::from_secs(5), connection: Duration::from_secs(15) }
    }
}

/// The open port.
pub struct MetricsListener {
    listener: TcpListener,
    bounds: Bounds,
}

impl MetricsListener {
    /// Opens it.
    pub async fn bind(address: SocketAddr, bounds: Bounds) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        if !address.ip().is_loopback() {
            warn!(%address, "metrics are served unencrypted to whoever reaches this address");
        }
        Ok(Self { listener, bounds })
    }

    /// Where it is.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then breaks off what is left.
    pub async fn run(self, source: Arc<dyn Source>, stop: CancellationToken) {
        let Self { listener, bounds } = self;
        let places = Arc::new(Semaphore::new(bounds.connections));
        let mut tasks = JoinSet::new();
        loop {
            let next = async {
                let place = places.clone().acquire_owned().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = stop.cancelled() => break,
                next = next => next,
            };
            while tasks.try_join_next().is_some() {}
            match accepted {
                Ok((stream, _)) => {
                    let (source, bounds) = (source.clone(), bounds.clone());
                    tasks.spawn(async move {
                        let _place = place;
                        serve(stream, source, &bounds).await;
                    });
                }
                Err(error) => {
                    warn!(%error, "a reader of the metrics could not be let in");
                    let _ = tokio::time::timeout(PAUSE, stop.cancelled()).await;
                }
            }
        }
        tasks.shutdown().await;
    }
}

/// One request. How a reader breaks off is its own business.
async fn serve(stream: TcpStream, source: Arc<dyn Source>, bounds: &Bounds) {
    let answer = service_fn(move |request| {
        let source = source.clone();
        async move { Ok::<_, Infallible>(answer(&request, &*source).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.request)
        .max_buf_size(REQUEST_MAX)
        .max_headers(HEADERS_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer);
    let _ = tokio::time::timeout(bounds.connection, connection).await;
}

async fn answer(request: &Request<Incoming>, source: &dyn Source) -> Response<String> {
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND, format!("the measurements are at {PATH}\n"));
    }
    if request.method() != Method::GET {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return refused;
    }
    match source.text().await {
        Ok(text) => {
            let mut response = Response::new(text);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPENMETRICS));
            response
        }
        Err(error) => {
            warn!(error, "nothing could be measured");
            plain(StatusCode::SERVICE_UNAVAILABLE, "nothing could be measured; the node's log says why\n".to_owned())
        }
    }
}

fn plain(status: StatusCode, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    struct Fixed(Result<&'static str, &'static str>);

    #[async_trait]
    impl Source for Fixed {
        async fn text(&self) -> Result<String, String> {
            self.0.map(str::to_owned).map_err(str::to_owned)
        }
    }

    async fn listening(source: Fixed, bounds: Bounds) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = MetricsListener::bind("127.0.0.1:0".parse().unwrap(), bounds).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let running = tokio::spawn(listener.run(Arc::new(source), stop.clone()));
        (address, stop, running)
    }

    async fn said_to(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The other end may have closed before it has read everything.
        let _ = stream.write_all(request).await;
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply).await;
        String::from_utf8_lossy(&reply).into_owned()
    }

    #[tokio::test]
    async fn get_of_the_path_is_answered_and_anything_else_refused() {
        let (address, stop, running) = listening(Fixed(Ok("selat_up 1\n# EOF\n")), Bounds::default()).await;
        let good = said_to(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(good.starts_with("HTTP/1.1 200") && good.ends_with("selat_up 1\n# EOF\n"), "{good}");
        assert!(good.to_lowercase().contains("content-type: application/openmetrics-text"), "{good}");
        for (request, status) in [
            (&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], "404"),
            (b"GET /metrics/../etc HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
            (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "405"),
            (b"nonsense\r\n\r\n", "400"),
        ] {
            let refused = said_to(address, request).await;
            assert!(refused.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {refused}");
        }
        stop.cancel();
        running.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
    }

    #[tokio::test]
    async fn connection_is_closed_after_one_request() {
        let (address, stop, running) = listening(Fixed(Ok("# EOF\n")), Bounds::default()).await;
        let twice = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_eq!(said_to(address, twice).await.matches("HTTP/1.1 200").count(), 1);
        stop.cancel();
        running.await.unwrap();
    }

    #[tokio::test]
    async fn request_without_end_is_not_read_to_its_end() {
        let (address, stop, running) = listening(Fixed(Ok("# EOF\n")), Bounds::default()).await;
        let long = [b"GET /metrics HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; 4 * REQUEST_MAX]].concat();
        assert!(!said_to(address, &long).await.contains("200 OK"));
        let many: String = (0..2 * HEADERS_MAX).map(|n| format!("h{n}: 1\r\n")).collect();
        let many = format!("GET /metrics HTTP/1.1\r\n{many}\r\n");
        assert!(!said_to(address, many.as_bytes()).await.contains("200 OK"));
        stop.cancel();
        running.await.unwrap();
    }

    #[tokio::test]
    async fn reader_that_says_nothing_gives_its_place_to_the_next() {
        let bounds =
            Bounds { connections: 1, request: Duration::from_millis(20), connection: Duration::from_millis(40) };
        let (address, stop, running) = listening(Fixed(Ok("# EOF\n")), bounds).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        let next = said_to(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(next.starts_with("HTTP/1.1 200"), "{next}");
        let mut rest = Vec::new();
        let _ = silent.read_to_end(&mut rest).await;
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
        stop.cancel();
        running.await.unwrap();
    }

    #[tokio::test]
    async fn failure_tells_the_reader_nothing_of_its_cause() {
        let (address, stop, running) = listening(Fixed(Err("disk of /var/lib is gone")), Bounds::default()).await;
        let told = said_to(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(told.starts_with("HTTP/1.1 503") && !told.contains("/var/lib"), "{told}");
        stop.cancel();
        running.await.unwrap();
    }
}
