//! `selat ceremony ...`.

use clap::{Args, Subcommand, ValueEnum};
use selat_record::ParticipantId;

use super::values::participant;

/// What people do together, by the book.
#[derive(Debug, Clone, Subcommand)]
pub enum CeremonyCommand {
    /// Print the steps of a ceremony on one page, for the people who do it
    Script(ScriptArgs),
}

/// Which ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Occasion {
    /// Getting to know a peer: two people, one at each side
    Onboarding,
    /// A working key is replaced, with overlap
    Rotation,
    /// The root keys are replaced, or their holders change
    Roots,
    /// A key was stolen, or may have been
    Compromise,
}

/// What `selat ceremony script` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The page fits on one sheet of A4. It needs no node: print it before the day.

Examples:
  selat ceremony script --participant AUS --with IDN
  selat ceremony script --for rotation
  selat ceremony script --for compromise > compromise.txt")]
pub struct ScriptArgs {
    /// Which ceremony
    #[arg(long = "for", value_enum, default_value = "onboarding", value_name = "OCCASION")]
    pub occasion: Occasion,
    /// The peer, to stand in the commands
    #[arg(long, value_name = "PEER", value_parser = participant)]
    pub with: Option<ParticipantId>,
    /// Our side, to stand in the commands
    #[arg(long, value_name = "PARTICIPANT", value_parser = participant)]
    pub participant: Option<ParticipantId>,
}
