//! Sets of participants inside messages.

use std::collections::BTreeSet;

use crate::ids::ParticipantId;
use crate::spot::Spot;

/// More participants than a federation has; the bound keeps a hostile list from being walked to its end.
const PARTICIPANTS_MAX: usize = 256;

/// Reads a participant id, noting what is wrong with it.
pub(crate) fn read(at: &Spot<'_>, text: &str) -> Option<ParticipantId> {
    at.noted(text.parse())
}

/// Reads a list of participants, ascending, each once, at least one. `None` if there was a fault in it.
pub(crate) fn read_set(at: &Spot<'_>, listed: &[String]) -> Option<BTreeSet<ParticipantId>> {
    at.ascending(listed);
    let ids = at.read_each(listed, 1..=PARTICIPANTS_MAX, |at, text| read(at, text))?;
    Some(ids.into_iter().collect())
}
