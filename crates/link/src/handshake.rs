//! How handshakes fail, and the account that a listener keeps of those that did.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::{AlertDescription, Error as TlsError, PeerIncompatible};
use selat_record::Timestamp;
use tracing::{info, warn};

use crate::certificate::CertificateFault;

/// Refusals kept for `status`.
const RECENT_MAX: usize = 32;
/// Refusals written to the log per [`LOG_WINDOW`]; more are only counted, so that knocking cannot fill a disk.
const LOGGED_MAX: u32 = 20;
const LOG_WINDOW: Duration = Duration::from_secs(60);

/// Why no connection came about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeFault {
    /// Too slow.
    #[error("the handshake was not finished in {0:?}")]
    TimedOut(Duration),
    /// Something else than TLS, or broken TLS.
    #[error("what came is not TLS: {0}")]
    NotTls(String),
    /// Not TLS 1.3.
    #[error("the other end does not offer TLS 1.3")]
    OldTls,
    /// A client without a certificate.
    #[error("no certificate was shown")]
    NoCertificate,
    /// A certificate that was not believed.
    #[error("certificate not accepted: {0}")]
    Certificate(#[from] CertificateFault),
    /// HTTP/2 was not agreed on.
    #[error("HTTP/2 (ALPN h2) was not agreed on")]
    NotH2,
    /// The other end broke off with a TLS alert, most often because it did not accept our certificate.
    #[error("the other end refused: {0}")]
    Refused(String),
    /// The caller has as many connections as it may.
    #[error("{caller} has {max} connections already")]
    TooManyConnections {
        /// Who called.
        caller: String,
        /// How many it may have.
        max: usize,
    },
    /// The address has as many handshakes under way as it may.
    #[error("the address has {max} handshakes under way already")]
    TooManyHandshakes {
        /// How many it may have.
        max: usize,
    },
    /// The connection ended in the middle.
    #[error("the connection broke off: {0}")]
    BrokeOff(io::ErrorKind),
    /// Another fault of TLS.
    #[error("TLS failed: {0}")]
    Tls(String),
}

impl HandshakeFault {
    /// Names the fault behind `error`; `found` is what the certificate's verifier said, if it was asked.
    pub(crate) fn of(error: &io::Error, found: Option<CertificateFault>) -> Self {
        if let Some(fault) = found {
            return Self::Certificate(fault);
        }
        match error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
            Some(error) => Self::of_tls(error),
            None => Self::BrokeOff(error.kind()),
        }
    }

    fn of_tls(error: &TlsError) -> Self {
        match error {
            TlsError::InvalidMessage(_)
            | TlsError::InappropriateMessage { .. }
            | TlsError::InappropriateHandshakeMessage { .. } => Self::NotTls(error.to_string()),
            TlsError::PeerIncompatible(
                PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => Self::OldTls,
            TlsError::NoCertificatesPresented => Self::NoCertificate,
            TlsError::NoApplicationProtocol => Self::NotH2,
            TlsError::AlertReceived(alert) => Self::Refused(spoken(*alert)),
            other => Self::Tls(other.to_string()),
        }
    }
}

/// Says an alert in words an operator can act on.
fn spoken(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateExpired => "our certificate is out of date".to_owned(),
        AlertDescription::UnknownCA => "our certificate is of no participant that it has approved".to_owned(),
        AlertDescription::BadCertificate => "our certificate has not the shape of a node's".to_owned(),
        AlertDescription::CertificateRequired => "it wants a certificate".to_owned(),
        AlertDescription::NoApplicationProtocol => "it does not speak HTTP/2".to_owned(),
        AlertDescription::ProtocolVersion => "it does not speak TLS 1.3".to_owned(),
        other => format!("alert {other:?}"),
    }
}

/// A handshake that a listener refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedHandshake {
    /// When.
    pub at: Timestamp,
    /// Where it came from.
    pub remote: SocketAddr,
    /// Why.
    pub fault: HandshakeFault,
}

/// What a listener's handshakes came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandshakeSummary {
    /// How many ended in a connection.
    pub accepted: u64,
    /// How many were refused.
    pub refused: u64,
    /// The latest refusals, oldest first.
    pub recent: Vec<RefusedHandshake>,
}

/// Counts handshakes, keeps the latest refusals, and tells the log of them at a bounded rate.
#[derive(Debug, Default)]
pub struct HandshakeLog(Mutex<Account>);

#[derive(Debug, Default)]
struct Account {
    accepted: u64,
    refused: u64,
    recent: VecDeque<RefusedHandshake>,
    window_from: Option<Timestamp>,
    logged: u32,
    unlogged: u64,
}

impl HandshakeLog {
    /// What there was so far.
    pub fn summary(&self) -> HandshakeSummary {
        let account = self.lock();
        HandshakeSummary {
            accepted: account.accepted,
            refused: account.refused,
            recent: account.recent.iter().cloned().collect(),
        }
    }

    pub(crate) fn accepted(&self) {
        self.lock().accepted += 1;
    }

    pub(crate) fn refused(&self, refusal: RefusedHandshake) {
        let may_log = self.lock().note(&refusal);
        if let Some(unlogged) = may_log {
            warn!(remote = %refusal.remote, why = %refusal.fault, "handshake refused");
            if unlogged > 0 {
                info!(count = unlogged, "handshakes refused without a line each");
            }
        }
    }

    /// Each change under the lock is complete in itself, so a panic elsewhere leaves nothing half-done.
    fn lock(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// Counts a refusal. `Some(n)`: it may be logged, and `n` before it were not.
    fn note(&mut self, refusal: &RefusedHandshake) -> Option<u64> {
        self.refused += 1;
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(refusal.clone());

        if self.window_from.is_none_or(|from| refusal.at.since(from) >= LOG_WINDOW) {
            self.window_from = Some(refusal.at);
            self.logged = 0;
        }
        if self.logged == LOGGED_MAX {
            self.unlogged += 1;
            return None;
        }
        self.logged += 1;
        Some(std::mem::take(&mut self.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(at_s: i64) -> RefusedHandshake {
        RefusedHandshake {
            at: Timestamp::from_ms(at_s * 1000).unwrap(),
            remote: "192.0.2.1:9".parse().unwrap(),
            fault: HandshakeFault::OldTls,
        }
    }

    #[test]
    fn refusals_beyond_the_rate_are_counted_but_not_logged_until_the_next_window() {
        let mut account = Account::default();
        let logged = (0..100).filter(|_| account.note(&refusal(5)).is_some()).count();
        assert_eq!((logged, account.refused, account.recent.len()), (20, 100, RECENT_MAX));
        assert_eq!(account.note(&refusal(64)), None);
        assert_eq!(account.note(&refusal(65)), Some(81), "those left out are told of once the window is over");
    }
}
