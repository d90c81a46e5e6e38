//! `selat cert ...`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::span::ahead;

/// The commands on the node's certificate.
#[derive(Debug, Clone, Subcommand)]
pub enum CertCommand {
    /// Show the node's certificate, when it is renewed, and the authorities behind it
    #[command(after_help = "\
Examples:
  selat cert show
  selat cert show --output json")]
    Show,
    /// Say in one line whether the certificate needs a person; for monitoring systems
    Check(CertCheckArgs),
    /// Have the node make itself a new certificate now; calls under way are not disturbed
    #[command(after_help = "\
The node renews its certificate by itself at two thirds of its life. This is for after a mend, or a key that was read.

Examples:
  selat cert renew")]
    Renew,
}

/// What `selat cert check` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Prints OK, WARNING or CRITICAL and why, on one line. Ends with 0 when all is well, with 8 otherwise, and with another \
code when the node cannot be asked. --warn and --crit are for the authorities, which live for years. The certificate lives \
for days and the node renews it: late by more than an hour, or after a failure, is a WARNING; less than a sixth of its life \
left is CRITICAL.

Examples:
  selat cert check
  selat cert check --warn 60d --crit 14d
  selat cert check --output json")]
pub struct CertCheckArgs {
    /// How the end of an authority is judged.
    #[command(flatten)]
    pub bounds: CheckArgs,
}

/// How near an end may come before somebody is told.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// WARNING when something ends within this time: 30d, 12h, 45m
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = ahead)]
    pub warn: Duration,
    /// CRITICAL when something ends within this time
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = ahead)]
    pub crit: Duration,
}
