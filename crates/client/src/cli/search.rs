//! `selat search` and the criteria that listing and exporting share with it.

use std::time::Duration;

use clap::Args;
use selat_record::ParticipantId;
use selat_record::pb::{Find, PartialDate};

use super::span::deadline;
use super::values::{KindName, ReasonArgs, partial_date, participant};

/// What `selat search` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
TEXT is read as a document number or an identifier of a conveyance when it looks like one, else as a name; how it was \
read is said before the question leaves the node. Exit code 6: not every peer answered.

Examples:
  selat search 'Siti Rahmah' --purpose visa --case V-12
  selat search --document P1234567 --kind travel-document --purpose border-control --case B-7 --peers IDN,MYS
  selat search --country IDN --from 2023 --until 2023-06 --kind incident --purpose statistics --case S-1 --output json
  selat search 'IMO 9074729' --purpose law-enforcement --case L-3 --fetch --deadline 10s")]
pub struct SearchArgs {
    /// A name, a document number or an identifier of a conveyance
    #[arg(conflicts_with_all = ["name", "document", "conveyance"])]
    pub text: Option<String>,
    /// What to look for
    #[command(flatten)]
    pub criteria: Criteria,
    /// Why
    #[command(flatten)]
    pub reason: ReasonArgs,
    /// Peers to ask; without it every approved peer
    #[arg(long, value_name = "PEER,...", value_delimiter = ',', value_parser = participant)]
    pub peers: Vec<ParticipantId>,
    /// Get the full records behind the hits too, at most 16 of each peer
    #[arg(long)]
    pub fetch: bool,
    /// How long to wait for the peers, 100ms to 60s
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = deadline)]
    pub deadline: Duration,
    /// Most hits per peer
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
    /// Search this node's own store too
    #[arg(long)]
    pub own: bool,
    /// End with exit code 3 when nothing was found
    #[arg(long)]
    pub fail_empty: bool,
}

/// What to look for. All that is given must hold.
#[derive(Debug, Clone, Default, Args)]
pub struct Criteria {
    /// A name; case, accents and the order of its parts do not matter
    #[arg(long)]
    pub name: Option<String>,
    /// A document number; spaces, hyphens and case do not matter
    #[arg(long, value_name = "NUMBER")]
    pub document: Option<String>,
    /// Any identifier of a conveyance: IMO, MMSI, call sign, registration, VIN
    #[arg(long, value_name = "IDENTIFIER")]
    pub conveyance: Option<String>,
    /// Nationality, place, flag... as an ISO 3166-1 alpha-3 code
    #[arg(long, value_name = "CODE")]
    pub country: Option<String>,
    /// Born or happened on or after: YYYY, YYYY-MM or YYYY-MM-DD
    #[arg(long, value_name = "DATE", value_parser = partial_date)]
    pub from: Option<PartialDate>,
    /// Born or happened on or before: YYYY, YYYY-MM or YYYY-MM-DD
    #[arg(long, value_name = "DATE", value_parser = partial_date)]
    pub until: Option<PartialDate>,
    /// Kinds of records
    #[arg(long, value_enum, value_name = "KIND,...", value_delimiter = ',')]
    pub kind: Vec<KindName>,
}

impl Criteria {
    /// As the desk takes them.
    pub fn to_message(&self, limit: u32) -> Find {
        Find {
            kinds: KindName::to_messages(&self.kind),
            name: self.name.clone().unwrap_or_default(),
            document_number: self.document.clone().unwrap_or_default(),
            conveyance_identifier: self.conveyance.clone().unwrap_or_default(),
            country: self.country.as_deref().unwrap_or_default().to_ascii_uppercase(),
            date_from: self.from,
            date_until: self.until,
            limit,
        }
    }

    /// True when nothing but kinds narrows the search down.
    pub fn are_empty(&self) -> bool {
        let texts = [&self.name, &self.document, &self.conveyance, &self.country];
        texts.iter().all(|text| text.as_deref().is_none_or(|text| text.trim().is_empty()))
            && self.from.is_none()
            && self.until.is_none()
    }
}
