//! Marks a person who must not be exposed to a given state.

use std::collections::BTreeSet;

use crate::codes;
use crate::ids::ParticipantId;
use crate::pb::{self, ProtectionKind};
use crate::spot::Spot;

/// More states than there are; the bound keeps a hostile list from being walked to its end.
const STATES_MAX: usize = 256;

/// Why a person is protected, and from whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    kinds: BTreeSet<ProtectionKind>,
    hidden_from: BTreeSet<ParticipantId>,
}

impl Protection {
    /// Why, at least one.
    pub fn kinds(&self) -> &BTreeSet<ProtectionKind> {
        &self.kinds
    }

    /// States that must not learn that the record exists. Empty: no participant may learn, unless the handling names it.
    pub fn hidden_from(&self) -> &BTreeSet<ParticipantId> {
        &self.hidden_from
    }

    pub(crate) fn read(at: &Spot<'_>, message: &pb::Protection) -> Option<Self> {
        let kinds = at.field("kinds").choices(&message.kinds, 1..=5);
        let hidden = at.field("hidden_from");
        hidden.ascending(&message.hidden_from);
        // A withdrawn or misspelt state would hide the person from nobody.
        let hidden_from = hidden.read_each(&message.hidden_from, 0..=STATES_MAX, |at, state| {
            codes::check_state(at, state);
            state.parse().ok()
        });
        Some(Self { kinds: kinds?.into_iter().collect(), hidden_from: hidden_from?.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spot::faults_of;

    #[test]
    fn protection_says_why_and_from_which_states() {
        for (kinds, hidden_from, expected) in [
            (vec![1], vec![], ""),
            (vec![1, 4], vec!["IDN", "MYS"], ""),
            (vec![], vec![], "it.kinds: is empty"),
            (vec![0], vec![], "it.kinds[0]: is not given"),
            (vec![4, 1], vec![], "it.kinds[1]: is not in ascending order, each once"),
            (vec![9], vec![], "it.kinds[0]: 9 is not a value that the schema lists"),
            (vec![1], vec!["MYS", "IDN"], "it.hidden_from[1]: is not in ascending order, each once"),
            (vec![1], vec!["UNHCR"], "it.hidden_from[0]: \"UNHCR\" is not an ISO 3166-1 alpha-3 code"),
            (vec![1], vec!["idn"], "it.hidden_from[0]: \"idn\" is not an ISO 3166-1 alpha-3 code"),
        ] {
            let hidden_from = hidden_from.into_iter().map(str::to_owned).collect();
            let message = pb::Protection { kinds, hidden_from };
            assert_eq!(faults_of(|at| _ = Protection::read(at, &message)), expected);
        }
    }
}
