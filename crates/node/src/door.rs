//! The door to the peer services: whether a peer may call now, and whether its call kept to the protocol.
//!
//! Promises: a peer that is not approved, is cut off or calls too often gets no further than here, before a byte of its
//! request is read; a call that is unknown, too large, too slow or unreadable is a fault of the peer, by name. The
//! services behind judge what requests say.

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use selat_exchange::Exchange;
use selat_record::ParticipantId;
use selat_wire::RefusedCall;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Response};
use tonic::{Code, Status};

use crate::status;

/// A call that has not begun to be answered by then came too slowly. Answers leave within seconds.
const CALL_MAX: Duration = Duration::from_secs(30);

/// Calls that each peer may make.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// In the long run.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

/// Stands before every service of the peer listener.
pub struct Door {
    exchange: Arc<Exchange>,
    rates: DefaultKeyedRateLimiter<ParticipantId>,
}

impl Door {
    /// Lets peers in at `rate`.
    pub fn new(exchange: Arc<Exchange>, rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self { exchange, rates: RateLimiter::keyed(quota) }
    }

    /// Lets one call of `peer` through, or answers it here.
    pub async fn pass<E>(
        &self,
        peer: &ParticipantId,
        call: impl Future<Output = Result<Response<Body>, E>>,
    ) -> Result<Response<Body>, E> {
        if let Err(status) = self.admit(peer) {
            return Ok(status.into_http());
        }
        let response = tokio::select! {
            response = call => response?,
            () = self.exchange.clock().sleep(CALL_MAX) => {
                self.fault(peer, "calls too slowly");
                return Ok(Status::deadline_exceeded("the call took too long to arrive").into_http());
            }
        };
        if let Some(fault) = fault_of(response.headers()) {
            self.fault(peer, fault);
        }
        Ok(response)
    }

    /// Notes a fault of a peer.
    pub fn fault(&self, peer: &ParticipantId, what: &str) {
        self.exchange.conduct().fault(peer, what, self.exchange.clock().now());
    }

    fn admit(&self, peer: &ParticipantId) -> Result<(), Status> {
        let now = self.exchange.clock().now();
        if let Some(cut_off) = self.exchange.conduct().cut_off(peer, now) {
            return Err(Status::unavailable(format!("cut off until {}", cut_off.until)));
        }
        self.exchange.book().approved_peer(peer).map_err(|error| status::of_error(&error))?;
        if self.rates.check_key(peer).is_err() {
            self.fault(peer, "calls too often");
            return Err(Status::resource_exhausted("too many calls"));
        }
        Ok(())
    }
}

/// What was wrong with a call that did not get as far as its handler. Handlers never use these codes without an SLT code
/// beside them.
fn fault_of(headers: &HeaderMap) -> Option<&'static str> {
    let status = Status::from_header_map(headers)?;
    match status.code() {
        _ if RefusedCall::from_status(&status).is_some() => None,
        Code::Unimplemented => Some("calls what is not offered"),
        Code::OutOfRange => Some("sends a message that is too large"),
        Code::Internal => Some("sends a message that cannot be read"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: Status) -> Option<&'static str> {
        fault_of(status.into_http::<()>().headers())
    }

    #[test]
    fn calls_that_no_handler_saw_are_faults_and_own_trouble_is_not() {
        assert_eq!(fault(Status::unimplemented("")), Some("calls what is not offered"));
        assert_eq!(fault(Status::out_of_range("5 MiB")), Some("sends a message that is too large"));
        assert_eq!(fault(Status::internal("bad varint")), Some("sends a message that cannot be read"));
        let own = RefusedCall { code: "SLT-3202".into(), cause: "the store failed".into(), mend: String::new() };
        assert_eq!(fault(own.into_status(Code::Internal)), None);
        assert_eq!(fault(Status::unavailable("cut off")), None);
        assert_eq!(fault_of(&HeaderMap::new()), None);
    }
}
