//! `selat descriptor show` and `diff`.

use std::path::Path;

use selat_complaint::{Complaint, Exit};
use selat_record::ParticipantId;
use selat_wire::desk::DescriptorChainRequest;

use super::document::Document;
use super::print;
use crate::cli::{DiffArgs, ShowArgs};
use crate::commands::Session;
use crate::explain;
use crate::refusal::refusal;
use crate::show::descriptor::{self, View, changes::changes};

/// Where a descriptor that the node gave is said to come from.
const NODE: &str = "the node's reply";

pub(super) async fn show(session: &mut Session<'_>, args: &ShowArgs) -> Result<Exit, Complaint> {
    let view = match &args.file {
        Some(file) => Document::read(file)?.view(file)?,
        None => in_force(session, args.peer.as_ref()).await?,
    };
    let width = session.screen.width();
    print(session, || descriptor::json(&view), || descriptor::lines(&view, width))?;
    Ok(Exit::Ok)
}

/// The descriptor in force of a peer, or our own, as the node holds it.
async fn in_force(session: &Session<'_>, peer: Option<&ParticipantId>) -> Result<View, Complaint> {
    let mut desk = session.desk().await?;
    let request = DescriptorChainRequest { peer: peer.map(ToString::to_string).unwrap_or_default() };
    let reply = desk.descriptor_chain(request).await.map_err(refusal("the descriptor cannot be shown"))?;
    let last = reply.into_inner().descriptors.pop();
    let last = last.ok_or_else(|| Complaint::about(&explain::REPLY_UNREADABLE).cause("it holds no descriptor"))?;
    Document::Chain(vec![last]).view(Path::new(NODE))
}

pub(super) fn diff(session: &mut Session<'_>, args: &DiffArgs) -> Result<Exit, Complaint> {
    let old = Document::read(&args.old)?.view(&args.old)?;
    let new = Document::read(&args.new)?.view(&args.new)?;
    let changes = changes(&old.message, &new.message);
    let width = session.screen.width();
    print(
        session,
        || descriptor::changes_json(&old.message, &new.message, &changes),
        || {
            let mut lines = vec![descriptor::heading_of_two(&old, &new)];
            lines.extend(descriptor::change_lines(&changes, width));
            lines
        },
    )?;
    if changes.is_empty() {
        session.screen.say(descriptor::NOTHING_DIFFERS);
    }
    Ok(Exit::Ok)
}
