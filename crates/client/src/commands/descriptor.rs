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
use serde_json::Value;

use super::{Session, publish};
use crate::cli::{DescriptorCommand, Form};
use crate::screen::Tone;

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

/// Prints a reply whose first line is a heading.
fn print(
    session: &mut Session<'_>,
    value: impl FnOnce() -> Value,
    lines: impl FnOnce() -> Vec<String>,
) -> Result<(), Complaint> {
    if session.form() != Form::Table {
        return session.print(value, Vec::new);
    }
    let mut tone = Tone::Strong;
    for line in lines() {
        let line = session.screen.paint(std::mem::replace(&mut tone, Tone::Plain), &line);
        session.screen.line(line)?;
    }
    Ok(())
}
