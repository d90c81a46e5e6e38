//! `selat descriptor show` and `diff`.

use selat_complaint::{Complaint, Exit};

use super::document::Document;
use crate::cli::{DiffArgs, ShowArgs};
use crate::commands::Session;
use crate::show::descriptor::{self, changes::changes};

pub(super) fn show(session: &mut Session<'_>, args: &ShowArgs) -> Result<Exit, Complaint> {
    let view = Document::read(&args.file)?.view(&args.file)?;
    let width = session.screen.width();
    session.print(|| descriptor::json(&view), || descriptor::lines(&view, width))?;
    Ok(Exit::Ok)
}

pub(super) fn diff(session: &mut Session<'_>, args: &DiffArgs) -> Result<Exit, Complaint> {
    let old = Document::read(&args.old)?.view(&args.old)?;
    let new = Document::read(&args.new)?.view(&args.new)?;
    let changes = changes(&old.message, &new.message);
    let width = session.screen.width();
    session.print(
        || descriptor::changes_json(&old.message, &new.message, &changes),
        || {
            let mut lines = vec![format!("{}  ->  {}", descriptor::heading(&old), descriptor::heading(&new))];
            lines.extend(descriptor::change_lines(&changes, width));
            lines
        },
    )?;
    if changes.is_empty() {
        session.screen.say("nothing differs but the version, its id and its time");
    }
    Ok(Exit::Ok)
}
