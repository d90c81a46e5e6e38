//! Reads the few facts that matter from a certificate that a stranger has sent, before anything in it is believed.

use rustls::{CertificateError, Error as TlsError};
use rustls_pki_types::UnixTime;
use selat_record::{ParticipantId, Timestamp};
use selat_seal::sha256;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::name::{NameError, NodeName, OfficerName};

/// A leaf of ours has about 400 bytes, an authority about 500. What is larger is not parsed.
pub(crate) const CERTIFICATE_BYTES_MAX: usize = 4096;

/// Why a certificate at the other end was not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// Larger than any certificate of ours.
    #[error("certificate has {bytes} bytes, more than {CERTIFICATE_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not a certificate that can be read.
    #[error("certificate cannot be read")]
    Unreadable,
    /// Names nobody, or more than one.
    #[error("certificate carries {found} names, not exactly one DNS name")]
    NotOneName {
        /// How many names it carries.
        found: usize,
    },
    /// Its one name is not of the kind that belongs here.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A node or officer of another federation.
    #[error("{host} is of another federation")]
    OtherFederation {
        /// The name shown.
        host: String,
    },
    /// A participant that we do not trust, or not yet.
    #[error("{host} claims to be {participant}, which is not an approved peer")]
    UnknownParticipant {
        /// The name shown.
        host: String,
        /// Whose node it claims to be.
        participant: ParticipantId,
    },
    /// All authorities of the participant are out of date.
    #[error("{participant} has no authority that is valid now")]
    NoValidAuthority {
        /// The participant.
        participant: ParticipantId,
    },
    /// Not issued by an authority of the participant that it names.
    #[error("{host} was not issued by an authority of the participant it names")]
    UnknownIssuer {
        /// The name shown.
        host: String,
    },
    /// Rightly issued, but no longer valid.
    #[error("{host} expired {not_after}")]
    Expired {
        /// The name shown.
        host: String,
        /// When it ended.
        not_after: Timestamp,
    },
    /// Rightly issued, but not valid yet: mostly a wrong clock at one of the two ends.
    #[error("{host} is not valid before {not_before}")]
    NotYetValid {
        /// The name shown.
        host: String,
        /// When it begins.
        not_before: Timestamp,
    },
    /// Rightly issued, but for longer than the federation allows.
    #[error("{host} lives for {days} days, longer than allowed")]
    LivesTooLong {
        /// The name shown.
        host: String,
        /// From its first to its last day.
        days: u64,
    },
    /// Another node answers than the one dialled.
    #[error("{shown} answered where {expected} was expected")]
    WrongName {
        /// Who was dialled.
        expected: String,
        /// Who answered.
        shown: String,
    },
    /// Breaks another rule for certificates, such as its purpose or its authority's name constraints.
    #[error("{host} is not fit for this use: {why}")]
    Unfit {
        /// The name shown.
        host: String,
        /// The rule.
        why: String,
    },
}

impl CertificateFault {
    /// What the other end is told. Unknown participant and wrong issuer sound alike, so that nobody can find out
    /// by knocking with self-made certificates whom we exchange with.
    pub(crate) fn to_alert(&self) -> TlsError {
        TlsError::InvalidCertificate(match self {
            Self::TooLarge { .. }
            | Self::Unreadable
            | Self::NotOneName { .. }
            | Self::Name(_)
            | Self::OtherFederation { .. } => CertificateError::BadEncoding,
            Self::UnknownParticipant { .. }
            | Self::NoValidAuthority { .. }
            | Self::UnknownIssuer { .. }
            | Self::Unfit { .. } => CertificateError::UnknownIssuer,
            Self::Expired { .. } => CertificateError::Expired,
            Self::NotYetValid { .. } => CertificateError::NotValidYet,
            Self::LivesTooLong { .. } => CertificateError::ApplicationVerificationFailure,
            Self::WrongName { .. } => CertificateError::NotValidForName,
        })
    }
}

/// What a leaf says about itself: read, not believed.
#[derive(Debug, Clone)]
pub(crate) struct LeafFacts {
    pub(crate) host: String,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) sha256: [u8; 32],
}

impl LeafFacts {
    /// Reads a leaf that names exactly one host.
    pub(crate) fn read(der: &[u8]) -> Result<Self, CertificateFault> {
        let certificate = parse(der)?;
        let validity = certificate.validity();
        Ok(Self {
            host: only_dns_name(&certificate)?,
            not_before: moment(validity.not_before.timestamp()).ok_or(CertificateFault::Unreadable)?,
            not_after: moment(validity.not_after.timestamp()).ok_or(CertificateFault::Unreadable)?,
            sha256: sha256(&[der]),
        })
    }

    /// The name, if it is a node's.
    pub(crate) fn node(&self) -> Result<NodeName, CertificateFault> {
        Ok(self.host.parse()?)
    }

    /// The name, if it is an officer's.
    pub(crate) fn officer(&self) -> Result<OfficerName, CertificateFault> {
        Ok(self.host.parse()?)
    }
}

/// Parses one certificate with nothing after it, within the size bound.
pub(crate) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, CertificateFault> {
    if der.len() > CERTIFICATE_BYTES_MAX {
        return Err(CertificateFault::TooLarge { bytes: der.len() });
    }
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(CertificateFault::Unreadable),
    }
}

/// A certificate's time, if it is one that we can hold.
pub(crate) fn moment(unix_seconds: i64) -> Option<Timestamp> {
    unix_seconds.checked_mul(1000).and_then(Timestamp::from_ms)
}

/// The same moment for rustls, to the second.
pub(crate) fn unix_time(moment: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(moment.since(Timestamp::EPOCH))
}

/// The same moment from rustls.
pub(crate) fn timestamp(time: UnixTime) -> Timestamp {
    Timestamp::EPOCH.plus(std::time::Duration::from_secs(time.as_secs()))
}

fn only_dns_name(certificate: &X509Certificate<'_>) -> Result<String, CertificateFault> {
    let extension = certificate.subject_alternative_name().map_err(|_| CertificateFault::Unreadable)?;
    let names = extension.map(|found| found.value.general_names.as_slice()).unwrap_or_default();
    match names {
        [GeneralName::DNSName(host)] => Ok((*host).to_owned()),
        _ => Err(CertificateFault::NotOneName { found: names.len() }),
    }
}
