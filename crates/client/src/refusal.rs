//! How a refusal of the node is told: with the code and mend that the node gave it, or as a fault of the client's own.

use selat_complaint::{Complaint, Exit};
use selat_wire::RefusedCall;
use tonic::{Code, Status};

use crate::explain;

/// Makes the complaint of a refused call. `doing` says what could not be done:
/// `.await.map_err(refusal("record X cannot be shown"))`.
pub(crate) fn refusal(doing: impl Into<String>) -> impl FnOnce(Status) -> Complaint {
    move |status| refused(doing.into(), &status)
}

fn refused(doing: String, status: &Status) -> Complaint {
    let exit = exit_of(status.code());
    let relayed = RefusedCall::from_status(status)
        .and_then(|call| Some(Complaint::relayed(&call.code, exit, doing.clone())?.mend(call.mend)));
    let without_code = || {
        let fallback =
            if exit == Exit::Unreachable { &explain::NODE_UNREACHABLE } else { &explain::REFUSED_WITHOUT_CODE };
        Complaint::about(fallback).problem(doing).ending(exit)
    };
    let message = status.message();
    let cause = if message.is_empty() { status.code().description() } else { message };
    relayed.unwrap_or_else(without_code).cause(cause)
}

/// How a command ends that the node refused with `code`.
fn exit_of(code: Code) -> Exit {
    match code {
        Code::Ok => Exit::Ok,
        Code::InvalidArgument | Code::OutOfRange => Exit::Usage,
        Code::NotFound => Exit::NotFound,
        Code::PermissionDenied | Code::Unauthenticated => Exit::Denied,
        Code::Unavailable | Code::DeadlineExceeded => Exit::Unreachable,
        Code::DataLoss => Exit::Integrity,
        Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => Exit::Conflict,
        Code::Cancelled | Code::Unknown | Code::ResourceExhausted | Code::Unimplemented | Code::Internal => {
            Exit::Unexpected
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: Status) -> Complaint {
        refusal("the record was not taken")(status)
    }

    fn call(code: &str, cause: &str, mend: &str) -> RefusedCall {
        RefusedCall { code: code.into(), cause: cause.into(), mend: mend.into() }
    }

    #[test]
    fn refusal_of_the_node_is_told_in_four_lines_in_any_script() {
        let refused = call("SLT-0001", "role auditor may not put records", "担当者 as an officer");
        let complaint = told(refused.into_status(Code::PermissionDenied));
        assert_eq!(
            complaint.to_string(),
            "error[SLT-0001]: the record was not taken\n\
             cause: role auditor may not put records\n\
             mend:  担当者 as an officer\n\
             more:  selat explain SLT-0001"
        );
        assert_eq!(complaint.exit(), Exit::Denied);
    }

    #[test]
    fn refusal_without_a_usable_code_falls_back_to_the_clients() {
        let without = [Status::internal(""), call("E7", "", "x").into_status(Code::Internal)];
        for status in without.into_iter().chain([call("SLT-12345", "", "x").into_status(Code::Internal)]) {
            let complaint = told(status);
            assert_eq!((complaint.code(), complaint.exit()), ("SLT-2110", Exit::Unexpected));
            assert!(complaint.to_string().contains("cause: Internal error"), "{complaint}");
        }
        let gone = told(Status::unavailable("broken pipe"));
        assert_eq!((gone.code(), gone.exit()), ("SLT-2103", Exit::Unreachable));
    }

    #[test]
    fn text_of_the_node_cannot_start_a_new_line_or_steer_the_terminal() {
        let hostile = "a\nerror[X]: b\x1b[2J";
        for status in [Status::internal(hostile), call("SLT-0001", hostile, hostile).into_status(Code::Internal)] {
            let told = told(status).to_string();
            assert_eq!(told.lines().count(), 4, "{told}");
            assert!(!told.contains('\x1b'), "{told:?}");
        }
    }

    #[test]
    fn refusals_end_with_the_code_of_their_class() {
        for (code, exit) in [
            (Code::InvalidArgument, Exit::Usage),
            (Code::NotFound, Exit::NotFound),
            (Code::PermissionDenied, Exit::Denied),
            (Code::Unauthenticated, Exit::Denied),
            (Code::Unavailable, Exit::Unreachable),
            (Code::DeadlineExceeded, Exit::Unreachable),
            (Code::DataLoss, Exit::Integrity),
            (Code::Aborted, Exit::Conflict),
            (Code::AlreadyExists, Exit::Conflict),
            (Code::FailedPrecondition, Exit::Conflict),
            (Code::Internal, Exit::Unexpected),
        ] {
            assert_eq!(exit_of(code), exit, "{code:?}");
        }
    }
}
