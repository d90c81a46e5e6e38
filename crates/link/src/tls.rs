//! The one way in which TLS is set up here, for both ends: version 1.3, Ed25519 chains, HTTP/2, nothing resumed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{Error as TlsError, PeerIncompatible, SignatureScheme};
use rustls_pki_types::UnixTime;
use selat_record::Timestamp;

use crate::certificate::unix_time;
use crate::leaf::LiveLeaf;

/// The clock that certificates are judged by.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// HTTP/2 over TLS, as ALPN names it.
pub(crate) const H2: &[u8] = b"h2";
/// The signatures that a leaf's owner may prove itself with.
pub(crate) const SCHEMES: [SignatureScheme; 2] = [SignatureScheme::ED25519, SignatureScheme::ECDSA_NISTP256_SHA256];

/// aws-lc-rs, narrowed to what nodes speak.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(narrowed())))
}

/// Settings of the accepting end.
pub(crate) fn server_config(now: &Now, verifier: Arc<dyn ClientCertVerifier>, leaf: &Arc<LiveLeaf>) -> ServerConfig {
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(LinkClock(Arc::clone(now))))
        .with_protocol_versions(&[&TLS13])
        .expect("the provider has TLS 1.3 suites and groups")
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::clone(leaf) as _);
    config.alpn_protocols = vec![H2.to_vec()];
    // A resumed session is not verified again, so a peer whose authority was removed could come back on an old ticket.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    config
}

/// Settings of the dialling end.
pub(crate) fn client_config(now: &Now, verifier: Arc<dyn ServerCertVerifier>, leaf: &Arc<LiveLeaf>) -> ClientConfig {
    let mut config = ClientConfig::builder_with_details(provider(), Arc::new(LinkClock(Arc::clone(now))))
        .with_protocol_versions(&[&TLS13])
        .expect("the provider has TLS 1.3 suites and groups")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::clone(leaf) as _);
    config.alpn_protocols = vec![H2.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config
}

/// What a verifier answers when asked about TLS 1.2.
pub(crate) fn no_tls12<T>() -> Result<T, TlsError> {
    Err(PeerIncompatible::ServerDoesNotSupportTls12Or13.into())
}

fn narrowed() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| suite.version() == &TLS13);
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519MLKEM768, aws_lc_rs::kx_group::X25519];
    let known = provider.signature_verification_algorithms;
    let chains = known.mapping.iter().find(|(scheme, _)| *scheme == SignatureScheme::ED25519);
    // Authorities are Ed25519, so nothing else may sign a chain.
    let all = chains.map(|(_, algorithms)| *algorithms).unwrap_or_default();
    provider.signature_verification_algorithms = WebPkiSupportedAlgorithms { all, mapping: known.mapping };
    provider
}

/// The clock that is passed in, as rustls wants it.
struct LinkClock(Now);

impl TimeProvider for LinkClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time((self.0)()))
    }
}

impl fmt::Debug for LinkClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkClock")
    }
}
