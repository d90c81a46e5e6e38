//! The desk: what officers and operators reach, over a Unix socket or over TLS. Thin handlers: who calls, a checked
//! request, one use-case, its result as a message.

mod certificates;
mod keys;
mod messages;
mod peers;
mod records;
mod search;
mod service;
mod socket;
mod trust;
mod watch;

pub use service::DeskRpc;
pub use socket::{DeskSocket, SocketError};

use selat_exchange::{Actor, ExchangeError, Reason};
use selat_link::OfficerIdentity;
use selat_record::Faults;
use selat_wire::{RefusedCall, desk as wire};
use tonic::{Code, Request, Status};

use crate::explain;
use crate::officer::Callers;
use crate::status;

/// Who is at the other end of the Unix socket, as the system told when the connection was accepted.
#[derive(Debug, Clone)]
pub struct SocketCaller {
    /// The mapped officer; `None` when the configuration maps nobody.
    pub caller: Option<Actor>,
    /// For the refusal.
    pub uid: u32,
}

/// The officer who calls. No mapping means refused.
fn actor_of<T>(request: &Request<T>, callers: &Callers) -> Result<Actor, Status> {
    let (caller, who) = match request.extensions().get::<SocketCaller>() {
        Some(socket) => (socket.caller.clone(), format!("user {}", socket.uid)),
        None => {
            let identity = request.extensions().get::<OfficerIdentity>();
            let identity = identity.ok_or_else(|| Status::unauthenticated("nobody is known at the other end"))?;
            let officer = identity.officer().as_str();
            (callers.with_certificate(officer), format!("certificate {officer}"))
        }
    };
    caller.ok_or_else(|| unmapped(&who))
}

fn unmapped(who: &str) -> Status {
    let refused = RefusedCall {
        code: explain::CALLER_UNMAPPED.code.into(),
        cause: format!("{who} is not mapped to an officer"),
        mend: "add a [[desk.caller]] section for it to the node's configuration and restart the node".into(),
    };
    refused.into_status(Code::PermissionDenied)
}

fn reason_of(reason: Option<&wire::Reason>) -> Result<Reason, Status> {
    let missing = || status::of_faults(&Faults::one("reason", "is missing: every access has a purpose and a case"));
    let reason = reason.ok_or_else(missing)?;
    Reason::new(reason.purpose, &reason.case_reference).map_err(|faults| status::of_faults(&faults))
}

fn refused(error: ExchangeError) -> Status {
    status::of_error(&error)
}

fn bad(faults: Faults) -> Status {
    status::of_faults(&faults)
}
