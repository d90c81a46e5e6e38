//! `selat descriptor draft`: everything that can change from one version to the next.

use std::path::PathBuf;

use clap::Args;
use selat_record::Timestamp;
use selat_seal::Endpoint;

use super::values::{
    Ending, KeyName, Moment, Protocol, ending, endpoint, key_and_end, key_and_since, key_name, protocol, refresh_hint,
    yes_or_no,
};

/// What `selat descriptor draft` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Drafts the version after the last one in --from and says in words what changes, and for whom. The draft says nothing to \
anybody before root keys have signed it. Keys are named by the first eight or more digits of their id.

Examples:
  selat descriptor draft --from AUS.descriptor --file AUS-2.draft \\
      --endpoint node1=selat.example.org:7443
  selat descriptor draft --from AUS.descriptor --file AUS-2.draft \\
      --contact-phone '+61 2 5550 0100' --expires 365d
  selat descriptor draft --from AUS.descriptor --file AUS-2.draft \\
      --roots new-roots.pub --root-threshold 3
  selat descriptor draft --from AUS.descriptor --file AUS-2.draft \\
      --compromise 3fa91c07=2026-11-20T06:00:00Z --add-active record.pub")]
pub struct DraftArgs {
    /// The descriptor as it is now; of several versions in the file the last
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// Write the draft to this file, which must not be there yet
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// Changes of keys.
    #[command(flatten)]
    pub keys: KeyChanges,
    /// Changes of all else.
    #[command(flatten)]
    pub content: ContentChanges,
}

/// Changes of keys.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Keys")]
pub struct KeyChanges {
    /// List the working keys in this file of public keys as pending; nothing that they sign counts yet
    #[arg(long, value_name = "FILE")]
    pub announce: Vec<PathBuf>,
    /// List the working keys in this file as active at once: after a theft, when there is no time to announce them
    #[arg(long, value_name = "FILE")]
    pub add_active: Vec<PathBuf>,
    /// Make a pending key active from now on
    #[arg(long, value_name = "KEY", value_parser = key_name)]
    pub activate: Vec<KeyName>,
    /// Retire a key at a moment or after a span; without one a root at once, a working key after 24h
    #[arg(long, value_name = "KEY[=WHEN]", value_parser = key_and_end)]
    pub retire: Vec<(KeyName, Option<Moment>)>,
    /// Say that a key was in strange hands from this moment on
    #[arg(long, value_name = "KEY=SINCE", value_parser = key_and_since)]
    pub compromise: Vec<(KeyName, Timestamp)>,
    /// List a key no longer: nothing that it signed can be verified any more
    #[arg(long, value_name = "KEY", value_parser = key_name)]
    pub drop: Vec<KeyName>,
    /// Put the root keys in this file of public keys in the place of all root keys
    #[arg(long, value_name = "FILE", conflicts_with = "add_root")]
    pub roots: Vec<PathBuf>,
    /// List the root keys in this file beside those that are there
    #[arg(long, value_name = "FILE")]
    pub add_root: Vec<PathBuf>,
    /// How many root keys must sign later versions
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    pub root_threshold: Option<u32>,
}

/// Changes of all else.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Content")]
pub struct ContentChanges {
    /// Name of the unit, for people
    #[arg(long, value_name = "TEXT")]
    pub unit: Option<String>,
    /// Where a node listens for peers; all that are given take the place of all that were
    #[arg(long, value_name = "NODE=HOST:PORT", value_parser = endpoint)]
    pub endpoint: Vec<Endpoint>,
    /// Title of the contact point: an office, not a person
    #[arg(long, value_name = "TEXT")]
    pub contact_title: Option<String>,
    /// Telephone of the contact point, answered day and night
    #[arg(long, value_name = "NUMBER")]
    pub contact_phone: Option<String>,
    /// E-mail address of the contact point
    #[arg(long, value_name = "ADDRESS")]
    pub contact_email: Option<String>,
    /// Language spoken there, as a BCP 47 tag; all that are given take the place of all that were
    #[arg(long, value_name = "TAG")]
    pub contact_language: Vec<String>,
    /// When the contact point is staffed
    #[arg(long, value_name = "TEXT")]
    pub contact_hours: Option<String>,
    /// How often peers should look for a newer version, as 1h, or none
    #[arg(long, value_name = "SPAN", value_parser = refresh_hint)]
    pub refresh_hint: Option<u32>,
    /// When the descriptor stops being current: a moment, a span as 365d, or never
    #[arg(long, value_name = "WHEN", value_parser = ending)]
    pub expires: Option<Ending>,
    /// Whether peers may name this participant to others: yes or no
    #[arg(long, value_name = "YES|NO", value_parser = yes_or_no)]
    pub may_be_named: Option<bool>,
    /// Protocol versions that the nodes speak, as 1 or 1-2
    #[arg(long, value_name = "MIN-MAX", value_parser = protocol)]
    pub protocol: Option<Protocol>,
    /// Payload type that the nodes read; all that are given take the place of all that were
    #[arg(long, value_name = "TYPE")]
    pub payload_type: Vec<String>,
}
