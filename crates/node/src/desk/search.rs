//! Requests to search, checked.

use std::time::Duration;

use selat_exchange::Search;
use selat_record::Faults;
use selat_wire::desk as wire;
use tonic::Status;

use super::{bad, records};

/// Shortest deadline that may be asked for.
const DEADLINE_MIN_MS: u32 = 100;

pub(super) fn search(request: wire::SearchRequest) -> Result<Search, Status> {
    let find = request.find.ok_or_else(|| bad(Faults::one("find", "is missing")))?;
    if request.deadline_ms != 0 && request.deadline_ms < DEADLINE_MIN_MS {
        return Err(bad(Faults::one("deadline_ms", format!("is below {DEADLINE_MIN_MS}"))));
    }
    Ok(Search {
        find,
        peers: request.peers.iter().map(|peer| records::participant(peer)).collect::<Result<_, _>>()?,
        fetch: request.fetch,
        deadline: Duration::from_millis(request.deadline_ms.into()),
        include_own: request.include_own,
    })
}
