//! `selat cert ...`: the node's certificate.

use selat_complaint::{Complaint, Exit};
use selat_wire::desk::{CertRenewRequest, CertShowRequest, CertView};

use super::Session;
use crate::cli::{CertCommand, CheckArgs};
use crate::refusal::refusal;
use crate::show::certificate;
use crate::show::verdict::{Bounds, Verdict};

pub(super) async fn run(session: &mut Session<'_>, command: CertCommand) -> Result<Exit, Complaint> {
    match command {
        CertCommand::Show => {
            let (view, width) = (view(session).await?, session.screen.width());
            session.print(|| certificate::json(&view), || certificate::lines(&view, width))?;
            Ok(Exit::Ok)
        }
        CertCommand::Check(args) => {
            let view = view(session).await?;
            let verdict = certificate::verdict(&view, bounds(session, &args.bounds));
            tell(session, &verdict, &certificate::all_well(&view))
        }
        CertCommand::Renew => renew(session).await,
    }
}

async fn view(session: &Session<'_>) -> Result<CertView, Complaint> {
    let mut desk = session.desk().await?;
    let reply = desk.cert_show(CertShowRequest {}).await.map_err(refusal("the certificate cannot be shown"))?;
    Ok(reply.into_inner())
}

async fn renew(session: &mut Session<'_>) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let reply = desk.cert_renew(CertRenewRequest {}).await.map_err(refusal("the certificate was not renewed"))?;
    let (view, width) = (reply.into_inner(), session.screen.width());
    session.print(|| certificate::json(&view), || certificate::lines(&view, width))?;
    session.screen.say("renewed; new connections use it, those that are open stay");
    Ok(Exit::Ok)
}

/// The bounds of a check at this moment.
pub(super) fn bounds(session: &Session<'_>, args: &CheckArgs) -> Bounds {
    Bounds { now: (session.now)(), warn: args.warn, crit: args.crit }
}

/// Prints the one line of a check, JSON only if it is asked for: monitoring systems read the line.
pub(super) fn tell(session: &mut Session<'_>, verdict: &Verdict, well: &str) -> Result<Exit, Complaint> {
    if session.wants_json() {
        session.print(|| verdict.json(), Vec::new)?;
    } else {
        let line = session.screen.paint(verdict.tone(), &verdict.line(well));
        session.screen.line(line)?;
    }
    Ok(verdict.exit())
}
