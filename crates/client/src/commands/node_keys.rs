//! `selat key ...`, as far as a running node is needed.

use selat_complaint::{Complaint, Exit};

use super::{Session, key_status, rotation};
use crate::cli::NodeKeyCommand;

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
