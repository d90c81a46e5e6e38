//! `selat peer suspend`, `resume` and `remove`: what an operator decides about a peer after its approval.

use selat_complaint::{Complaint, Exit};
use selat_wire::desk::{PeerStandingRequest, PeerView};
use serde_json::json;

use super::Session;
use super::peer::print_peer;
use crate::cli::{Form, StandingArgs};
use crate::refusal::refusal;
use crate::show::SHAPE_VERSION;

pub(super) async fn suspend(session: &mut Session<'_>, args: &StandingArgs) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let doing = format!("{} was not suspended", args.peer);
    let view = desk.peer_suspend(request(args)).await.map_err(refusal(doing))?.into_inner();
    let next = format!("no traffic with {0} until: selat peer resume {0} --reason TEXT", args.peer);
    tell(session, &view, &next)
}

pub(super) async fn resume(session: &mut Session<'_>, args: &StandingArgs) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let doing = format!("{} was not resumed", args.peer);
    let view = desk.peer_resume(request(args)).await.map_err(refusal(doing))?.into_inner();
    tell(session, &view, &format!("traffic flows again; to try it: selat peer ping {}", args.peer))
}

pub(super) async fn remove(session: &mut Session<'_>, args: &StandingArgs) -> Result<Exit, Complaint> {
    let peer = &args.peer;
    let consequence =
        format!("This node forgets {peer}: traffic ends, and it comes back only by a new comparison of words.");
    session.screen.confirm(&consequence, peer.as_str(), session.globals.yes)?;
    let mut desk = session.desk().await?;
    let reply = desk.peer_remove(request(args)).await.map_err(refusal(format!("{peer} was not removed")))?.into_inner();
    if session.form() != Form::Table {
        session.print(|| json!({ "version": SHAPE_VERSION, "removed": reply.peer }), Vec::new)?;
    }
    session.screen.say(format!("{peer} is removed; to bring it back: selat peer join FILE"));
    Ok(Exit::Ok)
}

fn request(args: &StandingArgs) -> PeerStandingRequest {
    PeerStandingRequest { peer: args.peer.to_string(), reason: args.reason.clone() }
}

fn tell(session: &mut Session<'_>, view: &PeerView, next: &str) -> Result<Exit, Complaint> {
    print_peer(session, view)?;
    session.screen.say(next);
    Ok(Exit::Ok)
}
