//! `selat doctor` and `selat metrics`.

use selat_complaint::{Complaint, Exit};
use selat_record::ParticipantId;
use selat_wire::desk::{DoctorRequest, Finding, MetricsRequest};
use serde_json::json;

use super::Session;
use crate::cli::{CheckArgs, DoctorArgs, FINDING_COLUMNS, Form};
use crate::explain;
use crate::refusal::refusal;
use crate::show::{SHAPE_VERSION, doctor, table};

/// Asks the node how it fares, or looks at its files by `files` when no node listens.
pub(crate) async fn doctor<F: AsyncFnOnce() -> Vec<Finding>>(
    session: &mut Session<'_>,
    args: &DoctorArgs,
    files: F,
) -> Result<Exit, Complaint> {
    table::pick(FINDING_COLUMNS, &session.globals.columns)?;
    let (findings, running) = match of_node(session, &args.bounds).await {
        Ok(findings) => (findings, true),
        Err(complaint) if nobody_listens(session, &complaint) => {
            session.screen.say("no node listens at the socket: only its files are checked");
            (files().await, false)
        }
        Err(complaint) => return Err(complaint),
    };
    let findings = match &args.peer {
        Some(peer) => about(findings, peer)?,
        None => findings,
    };
    match session.form() {
        Form::Table => {
            let rows = doctor::rows(&findings, &session.globals.columns)?;
            session.print_rows(&rows, "nothing was looked at")?;
            session.screen.say(doctor::summary(&findings));
        }
        Form::Json => session.screen.json(&doctor::json(&findings, running))?,
        Form::Jsonl => findings.iter().try_for_each(|finding| session.screen.json_line(&doctor::json_line(finding)))?,
    }
    Ok(doctor::exit(&findings))
}

/// The measurements as the listener for collectors gives them.
pub(super) async fn metrics(session: &mut Session<'_>) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let reply = desk.metrics(MetricsRequest {}).await.map_err(refusal("the measurements cannot be shown"))?;
    let text = reply.into_inner().text;
    if session.wants_json() {
        session.print(|| json!({ "version": SHAPE_VERSION, "text": text }), Vec::new)?;
        return Ok(Exit::Ok);
    }
    text.lines().try_for_each(|line| session.screen.line(selat_complaint::clean(line)))?;
    Ok(Exit::Ok)
}

async fn of_node(session: &Session<'_>, bounds: &CheckArgs) -> Result<Vec<Finding>, Complaint> {
    let mut desk = session.desk().await?;
    let seconds = |span: std::time::Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    let request = DoctorRequest { warn_s: seconds(bounds.warn), crit_s: seconds(bounds.crit) };
    let reply = desk.doctor(request).await.map_err(refusal("the node cannot be looked at"))?;
    Ok(reply.into_inner().findings)
}

/// Files are looked at only for the node of this machine, and only when it is certain that it does not run.
fn nobody_listens(session: &Session<'_>, complaint: &Complaint) -> bool {
    session.globals.node.is_none() && complaint.code() == explain::SOCKET_MISSING.code
}

/// Every peer that is known has a finding, if only that all is well.
fn about(findings: Vec<Finding>, peer: &ParticipantId) -> Result<Vec<Finding>, Complaint> {
    let about: Vec<_> = findings.into_iter().filter(|finding| finding.peer == peer.as_str()).collect();
    if about.is_empty() {
        return Err(Complaint::about(&explain::PEER_UNKNOWN).cause(format!("the node does not know {peer}")));
    }
    Ok(about)
}
