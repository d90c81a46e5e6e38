//! The way to the node's desk: the Unix socket, or mutual TLS with an officer's certificate.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls_pki_types::CertificateDer;
use selat_complaint::Complaint;
use selat_link::{DeskAccess, DialError, DialLimits, Leaf, LiveLeaf, NodeName, Now, OfficerName, PeerAddress};
use selat_wire::desk::desk_client::DeskClient;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::cli::Globals;
use crate::explain;
use crate::input::small_text;

/// A client of the node's desk.
pub(crate) type Desk = DeskClient<Channel>;

/// Largest reply message in bytes: an answer of a peer has at most 2 MiB, a history may hold some dozen records.
const REPLY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest wait for a connection to the local socket.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Longest wait until a call begins to be answered. A search may take a minute.
const REPLY_TIME_MAX: Duration = Duration::from_secs(90);

/// Officer's certificate and key in the folder of --officer-cert.
const LEAF_FILE: &str = "officer.pem";
/// Certificates of the authorities of the participant's nodes, in the same folder.
const AUTHORITIES_FILE: &str = "authorities.pem";
/// Name of the node that must answer, in the same folder.
const NODE_FILE: &str = "node";

/// Connects to the desk that the options name.
pub(crate) async fn desk(globals: &Globals, now: &Now) -> Result<Desk, Complaint> {
    let channel = match &globals.node {
        Some(url) => over_tls(url, globals.officer_cert.as_deref(), now).await?,
        None => through_socket(&globals.socket).await?,
    };
    Ok(DeskClient::new(channel).max_decoding_message_size(REPLY_BYTES_MAX))
}

async fn through_socket(path: &Path) -> Result<Channel, Complaint> {
    let path = path.to_owned();
    // The URI only fills the authority of the requests; where the bytes go is the connector's business.
    let endpoint = Endpoint::from_static("http://desk").connect_timeout(CONNECT_TIME_MAX).timeout(REPLY_TIME_MAX);
    let socket = path.clone();
    let connector = tower::service_fn(move |_: Uri| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    endpoint.connect_with_connector(connector).await.map_err(|fault| socket_fault(&path, &fault))
}

fn socket_fault(path: &Path, fault: &tonic::transport::Error) -> Complaint {
    let mut causes = std::iter::successors(fault.source(), |cause| (*cause).source());
    let found = causes.find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    let (entry, why) = match found {
        Some(ErrorKind::NotFound) => (&explain::SOCKET_MISSING, "there is no such file"),
        Some(ErrorKind::PermissionDenied) => (&explain::SOCKET_FORBIDDEN, "permission denied"),
        Some(ErrorKind::ConnectionRefused) => (&explain::SOCKET_MISSING, "the socket is there, but no node listens"),
        _ => (&explain::NODE_UNREACHABLE, "the connection could not be made"),
    };
    Complaint::about(entry).cause(format!("{}: {why}", path.display()))
}

async fn over_tls(url: &str, folder: Option<&Path>, now: &Now) -> Result<Channel, Complaint> {
    let (host, port) = host_and_port(url)?;
    let folder = folder.ok_or_else(|| Complaint::about(&explain::NODE_ADDRESS).cause("--officer-cert is missing"))?;
    let (access, name) = access(folder, now)?;
    let dialer = access.dialer(DialLimits::default()).map_err(|fault| certificate_fault(folder, fault))?;
    let address = PeerAddress { name, host, port };
    // A node refuses the officer's certificate only after the handshake is through for us: the probe waits for that, so
    // that the officer learns of an expired certificate rather than of a broken connection.
    dialer.probe_tls(&address).await.map_err(|fault| dial_fault(&fault))?;
    Ok(dialer.channel(&address).await.map_err(|fault| dial_fault(&fault))?.channel())
}

/// Host and port of `https://HOST:PORT`.
fn host_and_port(url: &str) -> Result<(String, u16), Complaint> {
    let wrong = |why: &str| Complaint::about(&explain::NODE_ADDRESS).cause(format!("{url}: {why}"));
    let uri: Uri = url.parse().map_err(|_| wrong("is not a URL"))?;
    if uri.scheme_str() != Some("https") {
        return Err(wrong("does not begin with https://"));
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(wrong("has more than host and port"));
    }
    match (uri.host(), uri.port_u16()) {
        (Some(host), Some(port)) if !host.is_empty() => Ok((host.trim_matches(['[', ']']).to_owned(), port)),
        _ => Err(wrong("lacks host or port")),
    }
}

/// What lies in the officer's folder: who calls, and which node of which participant must answer.
fn access(folder: &Path, now: &Now) -> Result<(DeskAccess, NodeName), Complaint> {
    let file = |name: &str| -> Result<(PathBuf, String), Complaint> {
        let path = folder.join(name);
        let text = small_text(&path).map_err(|fault| certificate_fault(&path, fault.problem_and_causes()))?;
        Ok((path, text))
    };
    let (path, text) = file(LEAF_FILE)?;
    let leaf = Leaf::from_pem(&text).map_err(|fault| certificate_fault(&path, fault))?;
    let host = leaf.host().map_err(|fault| certificate_fault(&path, fault))?;
    let officer: OfficerName = host.parse().map_err(|fault| certificate_fault(&path, fault))?;
    let leaf: Arc<LiveLeaf> = LiveLeaf::new(leaf).map_err(|fault| certificate_fault(&path, fault))?;
    let (path, text) = file(AUTHORITIES_FILE)?;
    let authorities = certificates(&text).map_err(|fault| certificate_fault(&path, fault))?;
    let (path, text) = file(NODE_FILE)?;
    let name: NodeName = text.trim().parse().map_err(|fault| certificate_fault(&path, fault))?;
    let (participant, federation) = (officer.participant().clone(), officer.federation().clone());
    Ok((DeskAccess { leaf, participant, federation, authorities, now: Arc::clone(now) }, name))
}

fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let blocks = pem::parse_many(text).map_err(|fault| fault.to_string())?;
    match blocks.iter().find(|block| block.tag() != "CERTIFICATE") {
        Some(other) => Err(format!("holds a {} block", other.tag())),
        None if blocks.is_empty() => Err("holds no certificate".to_owned()),
        None => Ok(blocks.into_iter().map(|block| CertificateDer::from(block.into_contents())).collect()),
    }
}

fn certificate_fault(path: &Path, fault: impl std::fmt::Display) -> Complaint {
    Complaint::about(&explain::OFFICER_CERTIFICATE).cause(format!("{}: {fault}", path.display()))
}

fn dial_fault(fault: &DialError) -> Complaint {
    let entry = match fault {
        DialError::Unreachable { .. } | DialError::Channel(_) => &explain::NODE_UNREACHABLE,
        DialError::Host(_) => &explain::NODE_ADDRESS,
        DialError::Tls { .. } | DialError::WrongName { .. } | DialError::NotH2 { .. } => &explain::TLS_REFUSED,
    };
    let complaint = Complaint::about(entry).cause(fault);
    let reason = Error::source(fault).map(ToString::to_string);
    reason.into_iter().fold(complaint, Complaint::cause)
}

#[cfg(test)]
mod tests {
    use selat_complaint::Exit;

    use super::*;

    #[test]
    fn node_address_is_https_with_host_and_port_and_no_more() {
        for (url, wanted) in [
            ("https://aus.example:7443", Some(("aus.example", 7443))),
            ("https://10.0.0.1:7443/", Some(("10.0.0.1", 7443))),
            ("https://[::1]:7443", Some(("::1", 7443))),
            ("http://aus.example:7443", None),
            ("https://aus.example", None),
            ("https://aus.example:7443/path", None),
            ("https://aus.example:7443/?x", None),
            ("aus.example:7443", None),
            ("https://:7443", None),
            ("", None),
        ] {
            let got = host_and_port(url);
            assert_eq!(got.as_ref().ok().map(|(host, port)| (host.as_str(), *port)), wanted, "{url}");
        }
    }

    #[tokio::test]
    async fn missing_socket_and_dead_socket_are_told_apart_from_a_running_node() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("desk.sock");
        let missing = through_socket(&path).await.unwrap_err();
        assert_eq!((missing.code(), missing.exit()), ("SLT-2101", Exit::Unreachable));
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let dead = through_socket(&path).await.unwrap_err();
        assert!(dead.to_string().contains("no node listens"), "{dead}");
    }

    #[tokio::test]
    async fn node_address_without_certificate_is_refused_before_anything_is_dialled() {
        let now: Now = Arc::new(|| selat_record::Timestamp::EPOCH);
        let bare = over_tls("https://aus.example:7443", None, &now).await.unwrap_err();
        assert_eq!((bare.code(), bare.exit()), ("SLT-2106", Exit::Usage));
        let empty = tempfile::tempdir().unwrap();
        let refused = over_tls("https://aus.example:7443", Some(empty.path()), &now).await.unwrap_err();
        assert_eq!(refused.code(), "SLT-2105");
        assert!(refused.to_string().contains("officer.pem"), "{refused}");
    }

    #[test]
    fn authorities_file_holds_certificates_only() {
        let block = |tag: &str| pem::encode(&pem::Pem::new(tag, vec![1, 2, 3]));
        assert_eq!(certificates(&format!("{}{}", block("CERTIFICATE"), block("CERTIFICATE"))).unwrap().len(), 2);
        assert!(certificates("").is_err());
        assert!(certificates(&block("PRIVATE KEY")).unwrap_err().contains("PRIVATE KEY"));
    }
}
