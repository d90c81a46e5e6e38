//! The desk's calls for watching: what needs a person, and what is measured.

use std::time::Duration;

use selat_exchange::ExchangeError;
use selat_policy::{DeskAct, may};
use selat_wire::desk as wire;
use tonic::{Request, Response, Status};

use super::refused;
use super::service::{DeskRpc, Reply};
use crate::doctor::Bounds;
use crate::watch::WatchError;

/// Most that a caller may look ahead, in seconds: ten years. What ends later is no news.
const AHEAD_MAX_S: u32 = 3650 * 86_400;

impl DeskRpc {
    pub(super) async fn find(&self, request: Request<wire::DoctorRequest>) -> Reply<wire::DoctorReply> {
        self.may_watch(&request)?;
        let wire::DoctorRequest { warn_s, crit_s } = request.into_inner();
        let usual = Bounds::default();
        let (warn, crit) = (ahead(warn_s, usual.warn), ahead(crit_s, usual.crit));
        let findings = self.watch.findings(warn, crit).await.map_err(unseen)?;
        Ok(Response::new(wire::DoctorReply { findings: findings.into_iter().map(Into::into).collect() }))
    }

    pub(super) async fn measure(&self, request: Request<wire::MetricsRequest>) -> Reply<wire::MetricsReply> {
        self.may_watch(&request)?;
        let text = self.watch.measured().await.map_err(unseen)?;
        Ok(Response::new(wire::MetricsReply { text }))
    }

    fn may_watch<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let actor = self.actor(request)?;
        may(&actor.roles, DeskAct::Watch).map_err(|refusal| refused(refusal.into()))
    }
}

fn ahead(seconds: u32, usual: Duration) -> Duration {
    if seconds == 0 { usual } else { Duration::from_secs(seconds.min(AHEAD_MAX_S).into()) }
}

fn unseen(error: WatchError) -> Status {
    match error {
        WatchError::Exchange(error) => refused(error),
        WatchError::Stopping => refused(ExchangeError::Busy),
    }
}
