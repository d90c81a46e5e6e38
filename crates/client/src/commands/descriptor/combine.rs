//! `selat descriptor combine`: the signatures of several drafts on one, and a descriptor when they are enough.

use std::path::Path;

use selat_complaint::{Complaint, Exit};
use selat_record::pb;
use selat_seal::descriptor::{combine, tally, write_chain, write_draft};
use selat_seal::succession::publish_by;
use selat_seal::{AcceptedDescriptor, SealError};

use super::document::{Document, federation, newest, refused};
use super::print;
use crate::cli::CombineArgs;
use crate::commands::Session;
use crate::explain;
use crate::input::{refuse_if_there, write_new};
use crate::show::descriptor::signed;

pub(super) fn run(session: &mut Session<'_>, args: &CombineArgs) -> Result<Exit, Complaint> {
    refuse_if_there(&args.file)?;
    let (combined, first) = combined(args)?;
    let view = Document::Draft(combined.clone()).view(first)?;
    let previous = match &args.previous {
        Some(path) => Some(newest(path, (session.now)())?),
        None => None,
    };
    if let Some(previous) = &previous {
        previous.check_draft(&view.message).map_err(|error| refused(first, &error))?;
    }
    let is_known = previous.is_some() || view.message.version == 1;
    if !is_known && !args.partial {
        let problem = format!("version {} is not there to count against", view.message.version.saturating_sub(1));
        return Err(Complaint::about(&explain::PREVIOUS_NEEDED).problem(problem));
    }
    let tally = tally(previous.as_ref(), &combined).map_err(|error| refused(first, &error))?;
    let width = session.screen.width();
    print(session, || signed::tally_json(&view, &tally), || signed::tally_lines(&view, &tally, width))?;
    if tally.is_enough() && is_known {
        let accepted = accepted(session, previous.as_ref(), &combined, first)?;
        write_new(&args.file, &write_chain(&[combined]))?;
        say_what_is_next(session, previous.as_ref(), &accepted, &args.file);
        return Ok(Exit::Ok);
    }
    if !args.partial {
        return Err(Complaint::about(&explain::SIGNATURES_MISSING).cause(signed::missing_words(&tally)));
    }
    write_new(&args.file, &write_draft(&combined))?;
    session.screen.say(format!("a draft was written to {}: signatures are missing", args.file.display()));
    Ok(Exit::Attention)
}

/// The drafts in one, and the file that the first of them came from.
fn combined(args: &CombineArgs) -> Result<(pb::Envelope, &Path), Complaint> {
    let drafts: Vec<pb::Envelope> = args.drafts.iter().map(|path| Document::draft(path)).collect::<Result<_, _>>()?;
    let first = args.drafts.first().map_or(Path::new(""), |path| path.as_path());
    let combined = combine(&drafts).map_err(|error| match error {
        SealError::DifferentContent => Complaint::about(&explain::DRAFTS_DIFFER),
        other => refused(first, &other),
    })?;
    Ok((combined, first))
}

/// What this program would refuse, every peer would.
fn accepted(
    session: &Session<'_>,
    previous: Option<&AcceptedDescriptor>,
    combined: &pb::Envelope,
    path: &Path,
) -> Result<AcceptedDescriptor, Complaint> {
    let now = (session.now)();
    let accepted = match previous {
        Some(previous) => previous.accept_next(combined, now),
        None => AcceptedDescriptor::accept_first(&federation(path, combined)?, combined, now),
    };
    let accepted = accepted.map_err(|error| refused(path, &error))?;
    accepted.check_not_expired(now).map_err(|error| refused(path, &error))?;
    Ok(accepted)
}

fn say_what_is_next(
    session: &mut Session<'_>,
    previous: Option<&AcceptedDescriptor>,
    accepted: &AcceptedDescriptor,
    file: &Path,
) {
    let file = file.display();
    session.screen.say(format!("written to {file}; next: selat descriptor publish {file}"));
    if let Some(latest) = previous.and_then(|previous| publish_by(previous, accepted)) {
        session
            .screen
            .say(format!("publish it by {latest}: later the node refuses it, because a key ends too soon after"));
    }
}
