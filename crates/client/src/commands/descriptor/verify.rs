//! `selat descriptor verify`: every rule that a peer would apply, on files alone.

use std::path::Path;

use selat_complaint::{Complaint, Exit};
use selat_record::{Timestamp, pb};
use selat_seal::AcceptedDescriptor;
use selat_seal::descriptor::{Tally, tally};

use super::document::{Document, newest, refused, walk};
use super::print;
use crate::cli::VerifyArgs;
use crate::commands::Session;
use crate::show::descriptor::verdict;

pub(super) fn run(session: &mut Session<'_>, args: &VerifyArgs) -> Result<Exit, Complaint> {
    let at = args.at.unwrap_or_else(|| (session.now)());
    let (steps, said) = match &args.previous {
        None => (from_the_first(&args.file, at)?, FIRST_CONTACT),
        Some(previous) => from(newest(previous, at)?, &args.file, at)?,
    };
    if let Some((last, _)) = steps.last() {
        last.check_not_expired(at).map_err(|error| refused(&args.file, &error))?;
    }
    let width = session.screen.width();
    print(session, || verdict::json(&steps), || verdict::lines(&steps, width))?;
    session.screen.say(said);
    Ok(Exit::Ok)
}

/// What the word of a chain is worth.
const FIRST_CONTACT: &str = "the first version counts by its own root keys alone; whose they are, no file can say: \
                             selat peer fingerprint";
const FOLLOWS: &str = "every version follows on the one before";
const THE_SAME: &str = "the file holds nothing after the version that was named as the one before";

type Steps = Vec<(AcceptedDescriptor, Tally)>;

fn from_the_first(path: &Path, at: Timestamp) -> Result<Steps, Complaint> {
    let chain = walk(path, at)?;
    if let [only] = chain.as_slice() {
        AcceptedDescriptor::accept_first(only.federation(), only.envelope(), at)
            .map_err(|error| refused(path, &error))?;
    }
    let before = std::iter::once(None).chain(chain.iter().map(Some));
    let counted =
        chain.iter().zip(before).map(|(version, before)| Ok((version.clone(), counted(path, before, version)?)));
    counted.collect()
}

/// The versions of a file that come after `previous`. Those up to it, if the file has them, must lead to it.
fn from(previous: AcceptedDescriptor, path: &Path, at: Timestamp) -> Result<(Steps, &'static str), Complaint> {
    let chain = Document::chain(path)?;
    let known = chain.iter().position(|envelope| selat_seal::content_id(envelope) == previous.content_id());
    let rest: Vec<&pb::Envelope> = chain.iter().skip(known.map_or(0, |place| place + 1)).collect();
    let mut steps: Steps = Vec::new();
    for envelope in rest {
        let before = steps.last().map_or(&previous, |(before, _)| before);
        let next = before.accept_next(envelope, at).map_err(|error| refused(path, &error))?;
        let counted = counted(path, Some(before), &next)?;
        steps.push((next, counted));
    }
    if steps.is_empty() {
        let counted = counted(path, None, &previous)?;
        return Ok((vec![(previous, counted)], THE_SAME));
    }
    Ok((steps, FOLLOWS))
}

fn counted(path: &Path, before: Option<&AcceptedDescriptor>, version: &AcceptedDescriptor) -> Result<Tally, Complaint> {
    tally(before, version.envelope()).map_err(|error| refused(path, &error))
}
