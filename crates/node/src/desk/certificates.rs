//! The node's certificate, as an operator sees and renews it.

use selat_policy::{DeskAct, may};
use selat_wire::{RefusedCall, desk as wire};
use tonic::{Code, Request, Response, Status};
use tracing::info;

use super::refused;
use super::service::{DeskRpc, Reply};
use crate::calls::words;
use crate::certificates::{CertificateFacts, RenewalError};
use crate::{explain, status};

impl DeskRpc {
    pub(super) fn certificate(&self, request: &Request<wire::CertShowRequest>) -> Reply<wire::CertView> {
        let actor = self.actor(request)?;
        may(&actor.roles, DeskAct::SeeTrust).map_err(|refusal| refused(refusal.into()))?;
        Ok(Response::new(self.cert_view(self.certificates.facts())))
    }

    pub(super) async fn renew(&self, request: Request<wire::CertRenewRequest>) -> Reply<wire::CertView> {
        let actor = self.actor(&request)?;
        may(&actor.roles, DeskAct::ManageKeys).map_err(|refusal| refused(refusal.into()))?;
        info!(officer = %actor.officer, "certificate renewal asked for");
        let facts = self.certificates.renew().await.map_err(|error| not_renewed(&error))?;
        Ok(Response::new(self.cert_view(facts)))
    }

    fn cert_view(&self, facts: CertificateFacts) -> wire::CertView {
        wire::CertView {
            host: facts.host,
            sha256: facts.sha256.to_vec(),
            not_before_ms: facts.not_before.ms(),
            not_after_ms: facts.not_after.ms(),
            renewal_ms: facts.renewal.ms(),
            authority_key_id: facts.authority.as_bytes().to_vec(),
            authority_until_ms: facts.authority_until.ms(),
            last_failure: facts.last_failure.unwrap_or_default(),
            certificate: facts.certificate,
            officer_authority_until_ms: self.officer_authority_until.ms(),
        }
    }
}

fn not_renewed(error: &RenewalError) -> Status {
    if let RenewalError::NoKey(error) = error {
        return status::of_error(error);
    }
    let refused =
        RefusedCall { code: explain::NOT_RENEWED.code.into(), cause: words(error), mend: "selat key status".into() };
    refused.into_status(Code::FailedPrecondition)
}
