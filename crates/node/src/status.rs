//! How a use-case's error becomes the status of a gRPC call.

use selat_exchange::ExchangeError;
use selat_record::Faults;
use selat_wire::RefusedCall;
use tonic::{Code, Status};
use tracing::error;

/// The status of a failed use-case. What is the node's own trouble is logged with its causes; the caller learns the code.
pub fn of_error(error: &ExchangeError) -> Status {
    let class = class_of(error);
    if class == Code::Internal {
        error!(%error, cause = %causes(error), "use-case failed");
    }
    let refused = RefusedCall { code: error.code().into(), cause: error.to_string(), mend: error.mend() };
    refused.into_status(class)
}

/// The status of a request that is wrong in itself.
pub fn of_faults(faults: &Faults) -> Status {
    of_error(&ExchangeError::Invalid(faults.clone()))
}

fn class_of(error: &ExchangeError) -> Code {
    match error {
        ExchangeError::Denied(_) => Code::PermissionDenied,
        ExchangeError::RecordNotFound(_) | ExchangeError::VersionNotFound { .. } | ExchangeError::UnknownPeer(_) => {
            Code::NotFound
        }
        ExchangeError::NotOriginator { .. }
        | ExchangeError::PeerState { .. }
        | ExchangeError::PhraseMismatch
        | ExchangeError::KeysMissing(_)
        | ExchangeError::OwnChain(_)
        | ExchangeError::Plan(_)
        | ExchangeError::NoKey(_) => Code::FailedPrecondition,
        ExchangeError::VersionConflict { .. } | ExchangeError::PlanChanged | ExchangeError::Busy => Code::Aborted,
        ExchangeError::Invalid(_) | ExchangeError::Seal(_) | ExchangeError::Chain(_) | ExchangeError::Descriptor(_) => {
            Code::InvalidArgument
        }
        ExchangeError::Inconsistent(_)
        | ExchangeError::ContentMissing(_)
        | ExchangeError::Key(_)
        | ExchangeError::Store(_) => Code::Internal,
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_carries_code_and_mend() {
        let status = of_error(&ExchangeError::PhraseMismatch);
        assert_eq!(status.code(), Code::FailedPrecondition);
        let refused = RefusedCall::from_status(&status).unwrap();
        assert_eq!(refused.code, "SLT-3103");
        assert!(refused.mend.contains("descriptor"));
    }
}
