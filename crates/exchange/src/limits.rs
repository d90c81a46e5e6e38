//! Every bound of the use-cases, in one place. The node's configuration sets them; the defaults are its defaults.

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Bounds and pace of the exchange.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Answers to peers leave on multiples of this span, counted from the arrival of the query.
    pub answer_grid: Duration,
    /// Grid ticks after which the answer to a `Find` leaves.
    pub find_ticks: u32,
    /// Grid ticks after which the answer to a `Fetch` leaves.
    pub fetch_ticks: u32,
    /// Default and largest deadline of a federated search.
    pub search_deadline: Duration,
    /// Longest deadline an officer may ask for.
    pub search_deadline_max: Duration,
    /// Most peers that one search asks.
    pub fan_out_max: usize,
    /// Most log entries in one segment that is sent, up to the protocol's bound; incoming ones have that bound alone.
    pub segment_entries_max: usize,
    /// Validity of a record whose maker names none.
    pub record_valid_days: u32,
    /// Faults of a peer within `fault_window` that cut it off.
    pub faults_before_cut_off: u32,
    /// Span after which a peer's faults are forgotten.
    pub fault_window: Duration,
    /// How long a peer stays cut off.
    pub cut_off: Duration,
    /// A peer whose descriptor could not be refreshed for so long is shown as ageing.
    pub stale_warn: Duration,
    /// One that could not be for so long is stale: nothing new is disclosed to it or asked of it.
    pub stale_stop: Duration,
    /// How long a key is announced before it takes over.
    pub overlap: Duration,
    /// How long a key still verifies after another took over from it.
    pub grace: Duration,
    /// Most entries of the search index.
    pub index_entries_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer_grid: Duration::from_millis(10),
            find_ticks: 20,
            fetch_ticks: 40,
            search_deadline: Duration::from_secs(5),
            search_deadline_max: Duration::from_secs(60),
            fan_out_max: 64,
            segment_entries_max: 256,
            record_valid_days: 365,
            faults_before_cut_off: 5,
            fault_window: Duration::from_secs(60),
            cut_off: Duration::from_secs(60),
            stale_warn: HOUR * 24,
            stale_stop: HOUR * 72,
            overlap: HOUR * 24,
            grace: HOUR * 24,
            index_entries_max: 5_000_000,
        }
    }
}
