//! What a demonstration came to, as one JSON object.

use serde::Serialize;

/// Shape version of the object.
pub const VERSION: u32 = 1;

/// Counts, per-peer outcomes and timings.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Shape of this object.
    pub version: u32,
    /// Seed of the made-up records.
    pub seed: u64,
    /// Every participant.
    pub participants: Vec<String>,
    /// Records made, over all.
    pub records: u64,
    /// Record versions released, over all ordered pairs.
    pub released: u64,
    /// Records held from peers, over all nodes.
    pub followed: u64,
    /// What each node holds.
    pub holdings: Vec<Holding>,
    /// The federated search with everybody up.
    pub search: SearchReport,
    /// The same with one node down.
    pub search_with_one_down: SearchReport,
    /// The release that was refused.
    pub refusal: Refusal,
    /// How long each part took.
    pub timings_ms: Timings,
}

/// What one node holds.
#[derive(Debug, Serialize)]
pub struct Holding {
    /// Whose node.
    pub participant: String,
    /// Own records.
    pub own: u64,
    /// Records of peers.
    pub from_peers: u64,
    /// Entries of its audit log.
    pub audit_log: u64,
}

/// One search.
#[derive(Debug, Default, Serialize)]
pub struct SearchReport {
    /// Who asked.
    pub asked_by: String,
    /// What for.
    pub name: String,
    /// Participants asked.
    pub asked: u32,
    /// Those that answered.
    pub answered: u32,
    /// Hits over all.
    pub hits: u32,
    /// In the order of arrival.
    pub outcomes: Vec<Outcome>,
}

/// How one peer's part ended.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The peer.
    pub peer: String,
    /// hit, no_hit, refused, busy, unreachable, late, bad_signature, not_approved.
    pub ending: &'static str,
    /// Hits.
    pub hits: usize,
    /// Why, where there is a reason.
    pub detail: String,
    /// From the question to the outcome.
    pub elapsed_ms: u64,
}

/// A release that the floor refused.
#[derive(Debug, Default, Serialize)]
pub struct Refusal {
    /// Who wanted to release.
    pub from: String,
    /// To whom.
    pub to: String,
    /// The rule.
    pub rule: String,
    /// Its words.
    pub why: String,
}

/// Milliseconds of each part.
#[derive(Debug, Default, Serialize)]
pub struct Timings {
    /// Making and starting the nodes.
    pub start: u64,
    /// Onboarding every pair.
    pub onboard: u64,
    /// Making the records, signed and durable.
    pub ingest: u64,
    /// Until every recipient held all.
    pub follow: u64,
    /// The first search.
    pub search: u64,
}
