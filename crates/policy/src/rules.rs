//! The numbered rules of the floor in one table, and the refusal that names one of them.
//!
//! Promise: the words of a rule are fixed text, so a refusal can never carry anything out of a record.

use std::fmt;

/// Writes the table once and derives from it the enum, its texts and the list of all rules.
macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident, $id:literal, $words:literal, $source:literal;)*) => {
        /// A numbered rule of the floor. Its number never changes its meaning: log entries name it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// All rules, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number, for example "F-04".
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// What it says, for the reader.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }

            /// Where it comes from in law or in the standards.
            pub const fn source(self) -> &'static str {
                match self { $(Self::$name => $source,)* }
            }
        }
    };
}

rules! {
    /// What nothing permits is refused.
    DefaultDeny, "F-01", "nothing permits it",
        "Directive (EU) 2016/680 Art. 8: no processing without a basis in law";
    /// Only approved peers take part.
    PeerNotApproved, "F-02", "the participant is not an approved peer",
        "Directive (EU) 2016/680 Art. 35: transfer only to competent authorities";
    /// A record is not used beyond its term.
    Expired, "F-03", "the record has expired",
        "Directive (EU) 2016/680 Art. 5: time limits";
    /// The originator says who may receive a record.
    NotInAudience, "F-04", "the participant is not in the record's audience",
        "originator's handling; Directive (EU) 2016/680 Art. 35(1)(c)";
    /// A state named by the protection never learns.
    HiddenFromPeer, "F-05", "protection hides the record from this participant",
        "Directive 2013/32/EU Art. 30; Refugee Convention 1951 Art. 33; Trafficking Protocol Art. 6(1)";
    /// Protection that names no state holds against all who are not named one by one.
    ProtectedNotNamed, "F-06", "a protected record goes only to participants that its audience names one by one",
        "Directive 2013/32/EU Art. 30; Refugee Convention 1951 Art. 33; Trafficking Protocol Art. 6(1)";
    /// "All approved peers" grows with each new peer; protection must not depend on who joins later.
    ProtectedForAll, "F-07", "a protected record is never given to all approved peers",
        "Directive 2013/32/EU Art. 30; Refugee Convention 1951 Art. 33; Trafficking Protocol Art. 6(1)";
    /// Hit-only: that there is something may be said, what it is may not.
    HitOnly, "F-08", "hit-only: answered as a hit, never released",
        "originator's handling; hit/no-hit as in Regulation (EU) 2024/982";
    /// A record is used for the purposes it was shared for.
    PurposeNotAllowed, "F-09", "the record may not be used for this purpose",
        "Directive (EU) 2016/680 Art. 4(1)(b): purpose limitation";
    /// TLP:RED is for individual recipients only.
    RedNotNamed, "F-10", "TLP:RED goes only to participants that its audience names one by one",
        "Traffic Light Protocol 2.0 (FIRST, 2022)";
    /// A peer's record is given by its originator alone.
    NotOriginator, "F-11", "only its originator gives the record to others",
        "originator control; UNTOC Art. 18(19); Directive (EU) 2016/680 Art. 35(1)(e)";
    /// A link tells that the record at its other end exists.
    LinksToHidden, "F-12", "it links to a record that this participant may not know",
        "originator's handling and protection of the linked record; Directive 2013/32/EU Art. 30";
    /// Whose descriptor is out of reach may have lost a key since: it is told nothing new until it can be asked again.
    PeerNotFresh, "F-13", "the peer's descriptor could not be refreshed",
        "Directive (EU) 2016/680 Art. 29(2)(e): access only as authorised; Art. 4(1)(f): security";
    /// Permits: the audience names the participant.
    NamedInAudience, "F-20", "the audience names the participant",
        "originator's handling; Smuggling Protocol Art. 10(1)";
    /// Permits: the audience is all approved peers.
    AudienceIsAll, "F-21", "the audience is all approved peers",
        "originator's handling; Smuggling Protocol Art. 10(1)";
    /// Permits: an approved peer gets a reply to its question, whatever the reply says.
    PeerIsAnswered, "F-22", "an approved peer is answered",
        "Smuggling Protocol Art. 10(1); Art. 13";
    /// A local role may do what the table of roles says, and nothing else.
    RoleMayNot, "F-30", "none of the caller's roles may do this",
        "Directive (EU) 2016/680 Art. 29(2)(e): access only as authorised";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A no, with the rule that said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {}", rule.words())]
pub struct Refusal {
    rule: Rule,
}

impl Refusal {
    /// A refusal under `rule`.
    pub(crate) const fn under(rule: Rule) -> Self {
        Self { rule }
    }

    /// The rule that refused.
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// The rule's words. Fixed text: never anything out of a record. It is for the node's own officers and logs; a peer
    /// is told nothing, for it denied is the same as absent.
    pub const fn why(&self) -> &'static str {
        self.rule.words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_numbered_once_and_in_order() {
        let ids: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(ids, sorted);
    }

    #[test]
    fn every_rule_has_words_and_a_source() {
        for rule in Rule::ALL {
            assert!(!rule.words().is_empty() && !rule.words().ends_with('.'), "{rule}");
            assert!(!rule.source().is_empty(), "{rule}");
        }
    }

    #[test]
    fn refusal_shows_number_and_words() {
        assert_eq!(Refusal::under(Rule::Expired).to_string(), "F-03: the record has expired");
    }
}
