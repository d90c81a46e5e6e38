//! How backups of a node's keys, their restoration and their trial are shown. The work on the files is the node's; the
//! program brings the two together.

use std::path::Path;

use selat_complaint::{Complaint, clean};
use selat_keyring::backup::{DrillReport, Manifest};

use crate::cli::{Form, Globals};
use crate::commands::form_of;
use crate::screen::Screen;
use crate::show::backup;

/// Shows what a backup holds that was written to `place`, or restored into it.
pub fn show_kept(manifest: &Manifest, place: &Path, globals: &Globals, screen: &mut Screen) -> Result<(), Complaint> {
    match form_of(globals, screen) {
        Form::Table => {
            backup::lines(manifest, place).iter().try_for_each(|line| screen.line(clean(line)))?;
        }
        Form::Json => screen.json(&backup::json(manifest, place))?,
        Form::Jsonl => screen.json_line(&backup::json(manifest, place))?,
    }
    Ok(())
}

/// Shows how a drill went: a row for each key. `passed` is the judgement of the whole.
pub fn show_drill(report: &DrillReport, passed: bool, globals: &Globals, screen: &mut Screen) -> Result<(), Complaint> {
    match form_of(globals, screen) {
        Form::Table => {
            let rows = backup::drill_rows(report, &globals.columns)?;
            if let Some(table) = rows.render(screen.width()) {
                screen.line(table)?;
            }
            screen.say(backup::drill_summary(report, passed));
            Ok(())
        }
        Form::Json => screen.json(&backup::drill_json(report, passed)),
        Form::Jsonl => screen.json_line(&backup::drill_json(report, passed)),
    }
}
