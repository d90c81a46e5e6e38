//! `selat ceremony script`: a page to print. Asks nobody.

use selat_complaint::{Complaint, Exit};

use super::Session;
use crate::cli::{CeremonyCommand, Occasion};
use crate::show::ceremony::{Sides, compromise, onboarding, roots, rotation};

pub(super) fn run(session: &mut Session<'_>, command: &CeremonyCommand) -> Result<Exit, Complaint> {
    let CeremonyCommand::Script(args) = command;
    let name = |participant: Option<&selat_record::ParticipantId>, blank: &str| {
        participant.map_or_else(|| blank.to_owned(), ToString::to_string)
    };
    let sides = Sides { us: name(args.participant.as_ref(), "OURS"), them: name(args.with.as_ref(), "THEIRS") };
    let page = match args.occasion {
        Occasion::Onboarding => onboarding(&sides),
        Occasion::Rotation => rotation(&sides),
        Occasion::Roots => roots(&sides),
        Occasion::Compromise => compromise(&sides),
    };
    // A page is text by nature, also when it goes into a file.
    if session.wants_json() {
        session.print(|| page.json(), Vec::new)?;
    } else {
        page.lines().iter().try_for_each(|line| session.screen.line(line))?;
    }
    Ok(Exit::Ok)
}
