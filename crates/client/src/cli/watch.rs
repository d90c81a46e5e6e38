//! `selat doctor`.

use std::path::PathBuf;

use clap::Args;
use selat_record::ParticipantId;

use super::certificate::CheckArgs;
use super::values::participant;

/// Columns of the table of findings.
pub(crate) const FINDING_COLUMNS: &[&str] = &["level", "area", "what", "mend"];

/// What `selat doctor` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Asks the node. When no node listens at the socket, its files are checked instead, as the user that may read them; with \
--config the socket is the one that the configuration names. Ends with 0 when all is well, with 8 when anything needs a \
person; each finding names the command that mends it.

Columns: level, area, what, mend

Examples:
  selat doctor
  selat doctor --config aus/selat.toml
  selat doctor --peer IDN
  selat doctor --warn 60d --crit 14d --output json")]
pub struct DoctorArgs {
    /// Configuration of the node, for its socket and for the time that it is down
    #[arg(long, value_name = "FILE", env = "SELAT_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Show only what is about this peer
    #[arg(long, value_name = "PEER", value_parser = participant)]
    pub peer: Option<ParticipantId>,
    /// How what ends is judged.
    #[command(flatten)]
    pub bounds: CheckArgs,
}
