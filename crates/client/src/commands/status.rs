//! `selat status`.

use selat_complaint::{Complaint, Exit};
use selat_wire::desk::StatusRequest;

use super::Session;
use crate::cli::Form;
use crate::refusal::refusal;
use crate::show::{peer, status};

pub(super) async fn run(session: &mut Session<'_>) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let reply = desk.status(StatusRequest {}).await.map_err(refusal("the node's status cannot be shown"))?.into_inner();
    let width = session.screen.width();
    session.print(|| status::json(&reply), || status::lines(&reply, width))?;
    if session.form() == Form::Table {
        let mut rows = peer::rows(&[])?;
        reply.peers.iter().for_each(|view| peer::push(&mut rows, view));
        session.screen.line("")?;
        session.print_rows(&rows, "no peers yet: selat peer invite")?;
    }
    Ok(Exit::Ok)
}
