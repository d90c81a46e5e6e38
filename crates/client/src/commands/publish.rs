//! `selat descriptor publish` and `acks`: the next version of our descriptor, and who has it.

use selat_complaint::{Complaint, Exit};
use selat_wire::desk::{DescriptorAcksReply, DescriptorAcksRequest, DescriptorPublishRequest};
use serde_json::{Value, json};
use tonic::Status;

use super::Session;
use crate::cli::{Form, NodeDescriptorCommand, PublishArgs};
use crate::input::{CHAIN_FILE_MAX, text_up_to};
use crate::refusal::refusal;
use crate::show::{SHAPE_VERSION, plan, words};

pub(super) async fn run(session: &mut Session<'_>, command: NodeDescriptorCommand) -> Result<Exit, Complaint> {
    match command {
        NodeDescriptorCommand::Publish(args) => publish(session, &args).await,
        NodeDescriptorCommand::Acks => acks(session).await,
    }
}

async fn publish(session: &mut Session<'_>, args: &PublishArgs) -> Result<Exit, Complaint> {
    let descriptor = text_up_to(&args.file, CHAIN_FILE_MAX)?;
    let mut desk = session.desk().await?;
    let reply = desk.descriptor_publish(DescriptorPublishRequest { descriptor }).await;
    let reply = reply.map_err(|status| not_published(args, status))?.into_inner();
    let hash = words::hex(&reply.hash);
    session.print(
        || json!({ "version": SHAPE_VERSION, "descriptor_version": reply.version, "descriptor": hash }),
        || vec![format!("descriptor {} is in force", reply.version), format!("content id  {hash}")],
    )?;
    session.screen.say("who has it: selat descriptor acks");
    Ok(Exit::Ok)
}

/// A descriptor that does not hold is our own here, not one of the other side.
fn not_published(args: &PublishArgs, status: Status) -> Complaint {
    let file = args.file.display();
    let complaint = refusal(format!("the descriptor in {file} was not published"))(status);
    match complaint.code() {
        "SLT-3104" => complaint.mend(format!("selat descriptor verify {file} --previous OURS")),
        "SLT-3105" => complaint.mend("publish what selat descriptor combine wrote"),
        _ => complaint,
    }
}

async fn acks(session: &mut Session<'_>) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let doing = refusal("it cannot be shown who has our descriptor");
    let reply = desk.descriptor_acks(DescriptorAcksRequest {}).await.map_err(doing)?.into_inner();
    if session.form() != Form::Table {
        session.print(|| acks_json(&reply), Vec::new)?;
        return Ok(Exit::Ok);
    }
    let made = words::moment_or_nothing(reply.created_ms);
    session.screen.line(format!("descriptor {}, made {made}", reply.version))?;
    session.screen.line(format!("content id  {}", words::hex(&reply.hash)))?;
    session.screen.line("")?;
    let rows = plan::readiness_rows(&reply.peers, &session.globals.columns)?;
    session.print_rows(&rows, "no approved peers")?;
    let have = reply.peers.iter().filter(|peer| peer.acknowledged_version >= reply.version).count();
    let of = words::count(reply.peers.len(), "peer");
    session.screen.say(format!("version {} is held by {have} of {of}", reply.version));
    Ok(Exit::Ok)
}

fn acks_json(reply: &DescriptorAcksReply) -> Value {
    json!({
        "version": SHAPE_VERSION,
        "descriptor_version": reply.version,
        "descriptor": words::hex(&reply.hash),
        "created": words::moment(reply.created_ms),
        "peers": reply.peers.iter().map(plan::readiness_json).collect::<Vec<_>>(),
    })
}
