//! `selat descriptor ...`: from the file of a descriptor to the signed next version, on a machine without node or network;
//! and what a running node holds.
//!
//! Promise: nothing is written over, and what is written as a descriptor has been accepted here first, as every peer will.

mod combine;
mod document;
mod draft;
mod show;
mod sign;
mod verify;

use selat_complaint::{Complaint, Exit};

use super::{Session, publish};
use crate::cli::DescriptorCommand;

pub(super) async fn run(session: &mut Session<'_>, command: DescriptorCommand) -> Result<Exit, Complaint> {
    match command {
        DescriptorCommand::Show(args) => show::show(session, &args).await,
        DescriptorCommand::Diff(args) => show::diff(session, &args),
        DescriptorCommand::Draft(args) => draft::run(session, &args),
        DescriptorCommand::Sign(args) => sign::run(session, &args),
        DescriptorCommand::Combine(args) => combine::run(session, &args),
        DescriptorCommand::Verify(args) => verify::run(session, &args),
        DescriptorCommand::OfNode(command) => publish::run(session, command).await,
    }
}
