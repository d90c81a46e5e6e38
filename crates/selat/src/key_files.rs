//! `selat key backup|restore|drill`: the node's crate works on the files, the client's shows what came of it.

use std::sync::Arc;

use selat_client::cli::Globals;
use selat_client::key_files::{show_drill, show_kept};
use selat_client::screen::Screen;
use selat_complaint::Complaint;
use selat_node::clock::{Clock as _, OsEntropy, SystemClock};
use selat_node::key_files::{KeyFilesCommand, run_backup, run_drill, run_restore};

/// Runs a command on key files. Waits for the disk, for the passphrase that is typed, and for its costly check.
pub fn run(screen: &mut Screen, command: &KeyFilesCommand, globals: &Globals) -> Result<(), Complaint> {
    let (now, entropy) = (SystemClock::start().now(), Arc::new(OsEntropy));
    let warning = match command {
        KeyFilesCommand::Backup(args) => {
            let kept = run_backup(args, now, entropy)?;
            show_kept(&kept.manifest, &kept.place, globals, screen)?;
            screen.say("keep the file and its passphrase apart; then try it: selat key drill FILE");
            kept.warning
        }
        KeyFilesCommand::Restore(args) => {
            let kept = run_restore(args, entropy)?;
            show_kept(&kept.manifest, &kept.place, globals, screen)?;
            kept.warning
        }
        KeyFilesCommand::Drill(args) => {
            let drilled = run_drill(args, now, entropy)?;
            show_drill(&drilled.report, drilled.passed(), globals, screen)?;
            if let Some(complaint) = drilled.complaint() {
                return Err(complaint);
            }
            if !drilled.against_descriptor {
                screen.say("no descriptor was at hand, so a key that is missing would not show: --descriptor FILE");
            }
            drilled.warning
        }
    };
    if let Some(warning) = warning {
        screen.say(format!("warning: {}", selat_complaint::clean(&warning)));
    }
    Ok(())
}
