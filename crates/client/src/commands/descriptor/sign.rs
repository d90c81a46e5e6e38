//! `selat descriptor sign`: a holder of a root key looks at a draft and signs it.

use selat_complaint::{Complaint, Exit};
use selat_record::pb::{self, KeyPurpose};
use selat_seal::descriptor::{Tally, add_signature, tally, write_draft};
use selat_seal::keyfile::purpose_word;
use selat_seal::{AcceptedDescriptor, KeyFile};

use super::document::{Document, newest, refused};
use super::print;
use crate::cli::SignArgs;
use crate::commands::Session;
use crate::commands::key::secret_keys;
use crate::explain;
use crate::input::{refuse_if_there, write_new};
use crate::show::descriptor::changes::changes;
use crate::show::descriptor::{self, View, key_digits, signed};

pub(super) fn run(session: &mut Session<'_>, args: &SignArgs) -> Result<Exit, Complaint> {
    refuse_if_there(&args.file)?;
    let draft = Document::draft(&args.draft)?;
    let view = Document::Draft(draft.clone()).view(&args.draft)?;
    let previous = match &args.previous {
        Some(path) => Some(newest(path, (session.now)())?),
        None => None,
    };
    if let Some(previous) = &previous {
        previous.check_draft(&view.message).map_err(|error| refused(&args.draft, &error))?;
    }
    let before = tally(previous.as_ref(), &draft).map_err(|error| refused(&args.draft, &error))?;
    say_what_it_means(session, &view, previous.as_ref());
    let participant = descriptor::issuer(&view.message).to_owned();
    let consequence = format!("With enough signatures of root keys, this is what {participant} says to every peer.");
    session.screen.confirm(&consequence, &participant, session.globals.yes)?;

    let keys = secret_keys(session, &args.keys, &args.passphrase_files)?;
    keys.iter().try_for_each(|key| refuse_unless_root(key, &participant, &before))?;
    let signed = with_signatures(args, &draft, &keys)?;
    let after = tally(previous.as_ref(), &signed).map_err(|error| refused(&args.draft, &error))?;
    write_new(&args.file, &write_draft(&signed))?;
    let width = session.screen.width();
    print(session, || signed::tally_json(&view, &after), || signed::tally_lines(&view, &after, width))?;
    let next = if after.is_enough() {
        "selat descriptor combine"
    } else {
        "have the others sign; then selat descriptor combine"
    };
    session.screen.say(format!("written to {}; next: {next}", args.file.display()));
    Ok(Exit::Ok)
}

/// Shows on the side of the talk what a signature would say: the data on standard output is what became of it.
fn say_what_it_means(session: &mut Session<'_>, view: &View, previous: Option<&AcceptedDescriptor>) {
    let width = session.screen.width();
    let lines = match previous {
        Some(previous) => {
            let changes = changes(previous.message(), &view.message);
            let mut lines = vec![format!("{}, against version {}", descriptor::heading(view), previous.version())];
            lines.extend(descriptor::change_lines(&changes, width));
            lines.extend(changes.is_empty().then(|| descriptor::NOTHING_DIFFERS.to_owned()));
            lines
        }
        None => descriptor::lines(view, width),
    };
    lines.iter().for_each(|line| session.screen.say(line));
    if previous.is_none() && view.message.version > 1 {
        session.screen.say("what this changes is not known without the version before: --previous FILE");
    }
}

fn refuse_unless_root(key: &KeyFile, participant: &str, tally: &Tally) -> Result<(), Complaint> {
    let id = key.secret.id();
    let counts =
        tally.own.roots.contains(&id) || tally.previous.as_ref().is_some_and(|roots| roots.roots.contains(&id));
    if key.purpose == KeyPurpose::Root && key.participant.as_str() == participant && counts {
        return Ok(());
    }
    let what = format!("the {} key {} of {}", purpose_word(key.purpose), key_digits(id.as_bytes()), key.participant);
    let complaint = Complaint::about(&explain::NOT_ITS_ROOT).problem(format!("{what} cannot sign this draft"));
    Err(match &tally.previous {
        _ if counts => complaint.cause("its file is not that of a root key of the participant"),
        Some(_) => complaint.cause("neither the draft nor the version before lists it as an active root key"),
        None => complaint
            .cause("the draft does not list it as an active root key")
            .mend("name the version before, if it is one of its root keys: --previous FILE"),
    })
}

fn with_signatures(args: &SignArgs, draft: &pb::Envelope, keys: &[KeyFile]) -> Result<pb::Envelope, Complaint> {
    let add = |draft, key: &KeyFile| add_signature(&draft, &key.secret).map_err(|error| refused(&args.draft, &error));
    keys.iter().try_fold(draft.clone(), add)
}
