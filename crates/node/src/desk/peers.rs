//! What the desk says of a joining peer before it reaches the use-case: its authorities must hold.

use selat_link::check_authority;
use selat_record::pb::KeyPurpose;
use selat_seal::AcceptedDescriptor;
use selat_wire::RefusedCall;
use tonic::{Code, Status};

use crate::explain;

/// Checks that each authority certificate in the descriptor is of the key beside it and speaks for this participant only.
pub(super) fn check_authorities(descriptor: &AcceptedDescriptor) -> Result<(), Status> {
    for key in descriptor.keys(KeyPurpose::TlsCa) {
        let checked = check_authority(
            key.certificate().unwrap_or_default(),
            key.public().as_bytes(),
            descriptor.participant(),
            descriptor.federation(),
        );
        checked.map_err(|fault| {
            let refused = RefusedCall {
                code: explain::AUTHORITY_UNFIT.code.into(),
                cause: format!("an authority certificate of {} does not hold: {fault}", descriptor.participant()),
                mend: "ask the other side to make its node anew with selat init, or to repair its descriptor".into(),
            };
            refused.into_status(Code::InvalidArgument)
        })?;
    }
    Ok(())
}
