//! A leaf certificate with its key: the identity that this end shows, and how it is renewed under live traffic.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{SignatureScheme, sign};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use selat_record::Timestamp;
use zeroize::Zeroizing;

use crate::certificate::{CertificateFault, LeafFacts};
use crate::tls::provider;

/// Labels of the two blocks in a leaf's file.
const CERTIFICATE: &str = "CERTIFICATE";
const PRIVATE_KEY: &str = "PRIVATE KEY";
/// Far more than the two blocks need.
const PEM_BYTES_MAX: usize = 32 * 1024;

/// A leaf certificate and its private key.
#[derive(Clone)]
pub struct Leaf {
    certificate: CertificateDer<'static>,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl Leaf {
    /// Puts together what an authority issued.
    pub(crate) fn new(certificate: CertificateDer<'static>, pkcs8: Zeroizing<Vec<u8>>) -> Self {
        Self { certificate, pkcs8 }
    }

    /// Reads the text form: one certificate and one PKCS #8 key.
    pub fn from_pem(text: &str) -> Result<Self, LeafError> {
        if text.len() > PEM_BYTES_MAX {
            return Err(LeafError::Pem);
        }
        let blocks = pem::parse_many(text).map_err(|_| LeafError::Pem)?;
        match blocks.as_slice() {
            [certificate, key] if certificate.tag() == CERTIFICATE && key.tag() == PRIVATE_KEY => Ok(Self {
                certificate: CertificateDer::from(certificate.contents().to_vec()),
                pkcs8: Zeroizing::new(key.contents().to_vec()),
            }),
            _ => Err(LeafError::Pem),
        }
    }

    /// The text form, for a file that only its owner can read.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let blocks =
            [pem::Pem::new(CERTIFICATE, self.certificate.to_vec()), pem::Pem::new(PRIVATE_KEY, self.pkcs8.to_vec())];
        Zeroizing::new(pem::encode_many(&blocks))
    }

    /// The certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The host that it names.
    pub fn host(&self) -> Result<String, CertificateFault> {
        LeafFacts::read(&self.certificate).map(|facts| facts.host)
    }

    /// From when until when it is valid.
    pub fn validity(&self) -> Result<(Timestamp, Timestamp), CertificateFault> {
        LeafFacts::read(&self.certificate).map(|facts| (facts.not_before, facts.not_after))
    }

    fn certified(&self) -> Result<CertifiedKey, LeafError> {
        LeafFacts::read(&self.certificate)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.pkcs8.to_vec()));
        Ok(CertifiedKey::from_der(vec![self.certificate.clone()], key, &provider())?)
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf").field("host", &self.host()).finish_non_exhaustive()
    }
}

/// Why a leaf cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    /// Not one certificate and one key in PEM.
    #[error("not one {CERTIFICATE} and one {PRIVATE_KEY} block in PEM")]
    Pem,
    /// The certificate is not a leaf.
    #[error("the certificate is not a leaf")]
    Certificate(#[from] CertificateFault),
    /// The key cannot be used, or is not the certificate's.
    #[error("the key does not go with the certificate")]
    Key(#[from] rustls::Error),
}

/// The leaf that new handshakes show, as client and as server. Renewal is a swap: no lock, no restart, and live
/// connections stay.
pub struct LiveLeaf(ArcSwapOption<Shown>);

struct Shown {
    leaf: Leaf,
    certified: Arc<CertifiedKey>,
}

impl LiveLeaf {
    /// Starts with `leaf`.
    pub fn new(leaf: Leaf) -> Result<Arc<Self>, LeafError> {
        let live = Self::without_leaf();
        live.swap(leaf)?;
        Ok(live)
    }

    /// Shows nothing until the first [`Self::swap`]: every handshake before it fails.
    pub fn without_leaf() -> Arc<Self> {
        Arc::new(Self(ArcSwapOption::empty()))
    }

    /// Shows `leaf` from the next handshake on. On error the old one stays.
    pub fn swap(&self, leaf: Leaf) -> Result<(), LeafError> {
        self.0.store(Some(Arc::new(Shown::of(leaf)?)));
        Ok(())
    }

    /// The leaf shown now, if there is one yet.
    pub fn leaf(&self) -> Option<Leaf> {
        self.0.load().as_ref().map(|shown| shown.leaf.clone())
    }

    fn certified(&self) -> Option<Arc<CertifiedKey>> {
        self.0.load().as_ref().map(|shown| Arc::clone(&shown.certified))
    }
}

impl Shown {
    fn of(leaf: Leaf) -> Result<Self, LeafError> {
        let certified = Arc::new(leaf.certified()?);
        Ok(Self { leaf, certified })
    }
}

impl fmt::Debug for LiveLeaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveLeaf").field(&self.leaf()).finish()
    }
}

impl ResolvesServerCert for LiveLeaf {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<sign::CertifiedKey>> {
        self.certified()
    }
}

impl ResolvesClientCert for LiveLeaf {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<sign::CertifiedKey>> {
        self.certified()
    }

    fn has_certs(&self) -> bool {
        true
    }
}
