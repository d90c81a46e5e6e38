//! `selat key ...`, as far as a running node is needed.

use selat_complaint::{Complaint, Exit};
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{Faults, ParticipantId};
use selat_seal::{PublicFile, PublicKey};
use selat_wire::desk::KeyView;

use super::{Session, key_status, rotation};
use crate::cli::NodeKeyCommand;
use crate::explain;

pub(super) async fn run(session: &mut Session<'_>, command: NodeKeyCommand) -> Result<Exit, Complaint> {
    match command {
        NodeKeyCommand::Status(args) => key_status::status(session, &args).await,
        NodeKeyCommand::Plan(args) => rotation::make_plan(session, &args).await,
        NodeKeyCommand::Apply(args) => rotation::apply(session, &args).await,
        NodeKeyCommand::Rotate(args) => rotation::rotate(session, &args).await,
        NodeKeyCommand::Retire(args) => rotation::retire(session, &args).await,
        NodeKeyCommand::Revoke(args) => rotation::revoke(session, &args).await,
        NodeKeyCommand::Resign(args) => key_status::resign(session, &args).await,
    }
}

/// The public halves of the node's keys that may sign now or later. That of an authority goes with its certificate, in a
/// descriptor.
pub(super) async fn public(session: &Session<'_>) -> Result<Vec<PublicFile>, Complaint> {
    let participant = super::participant(&mut session.desk().await?).await?;
    let unreadable = |fault: String| Complaint::about(&explain::REPLY_UNREADABLE).cause(fault);
    let participant: ParticipantId = participant.parse().map_err(|fault: Faults| unreadable(fault.to_string()))?;
    let keys = key_status::of_node(session).await?.keys;
    let signs = |key: &&KeyView| {
        let over = matches!(key.status(), KeyStatus::Retired | KeyStatus::Compromised);
        !over && key.purpose() != KeyPurpose::TlsCa
    };
    let file = |key: &KeyView| {
        let public = PublicKey::check(&key.public_key).map_err(|fault| unreadable(format!("a public key {fault}")))?;
        Ok(PublicFile { participant: participant.clone(), purpose: key.purpose(), public })
    };
    keys.iter().filter(signs).map(file).collect()
}
