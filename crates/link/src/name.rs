//! The host names that certificates carry, and nothing looser than them.
//!
//! A node is `<node>.<participant>.<federation>.internal`, an officer `<officer>.officer.<participant>.<federation>.internal`,
//! all in lower case. The number of labels tells them apart, so neither can be taken for the other.

use std::fmt;
use std::str::FromStr;

use selat_record::{FederationId, OfficerId, ParticipantId, ids::is_label};

/// Ends every name: reserved for private use, so no public authority issues for it.
const SUFFIX: &str = "internal";
/// Second label of an officer's name.
const OFFICER: &str = "officer";
/// Longer than any name of ours; what is longer is not taken apart.
const NAME_MAX: usize = 128;

/// The host name of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName {
    node: String,
    participant: ParticipantId,
    federation: FederationId,
}

impl NodeName {
    /// Names the node `node` (a label) of `participant`.
    pub fn new(node: &str, participant: ParticipantId, federation: FederationId) -> Result<Self, NameError> {
        if !is_label(node) {
            return Err(NameError::of_node(node));
        }
        Ok(Self { node: node.to_owned(), participant, federation })
    }

    /// The label of the node inside its participant.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Whose node it is.
    pub fn participant(&self) -> &ParticipantId {
        &self.participant
    }

    /// The federation it belongs to.
    pub fn federation(&self) -> &FederationId {
        &self.federation
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, node_subtree(&self.participant, &self.federation))
    }
}

impl FromStr for NodeName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refused = || NameError::of_node(text);
        match labels(text).as_slice() {
            [node, participant, federation, SUFFIX] if is_label(node) => Ok(Self {
                node: (*node).to_owned(),
                participant: participant_of(participant).ok_or_else(refused)?,
                federation: federation.parse().map_err(|_| refused())?,
            }),
            _ => Err(refused()),
        }
    }
}

/// The name in an officer's certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfficerName {
    officer: OfficerId,
    participant: ParticipantId,
    federation: FederationId,
}

impl OfficerName {
    /// Names an officer of `participant`.
    pub fn new(officer: OfficerId, participant: ParticipantId, federation: FederationId) -> Self {
        Self { officer, participant, federation }
    }

    /// The officer.
    pub fn officer(&self) -> &OfficerId {
        &self.officer
    }

    /// The participant that employs the officer.
    pub fn participant(&self) -> &ParticipantId {
        &self.participant
    }

    /// The federation.
    pub fn federation(&self) -> &FederationId {
        &self.federation
    }
}

impl fmt::Display for OfficerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.officer, officer_subtree(&self.participant, &self.federation))
    }
}

impl FromStr for OfficerName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refused = || NameError::of_officer(text);
        match labels(text).as_slice() {
            [officer, OFFICER, participant, federation, SUFFIX] => Ok(Self {
                officer: officer.parse().map_err(|_| refused())?,
                participant: participant_of(participant).ok_or_else(refused)?,
                federation: federation.parse().map_err(|_| refused())?,
            }),
            _ => Err(refused()),
        }
    }
}

/// A name that has not the expected shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown:?} is not {expected}")]
pub struct NameError {
    shown: String,
    expected: &'static str,
}

impl NameError {
    fn of_node(shown: &str) -> Self {
        Self { shown: shorten(shown), expected: "a node name <node>.<participant>.<federation>.internal" }
    }

    fn of_officer(shown: &str) -> Self {
        Self {
            shown: shorten(shown),
            expected: "an officer name <officer>.officer.<participant>.<federation>.internal",
        }
    }
}

/// What a participant's node authority may name.
pub(crate) fn node_subtree(participant: &ParticipantId, federation: &FederationId) -> String {
    format!("{}.{federation}.{SUFFIX}", participant.to_label())
}

/// What a participant's officer authority may name.
pub(crate) fn officer_subtree(participant: &ParticipantId, federation: &FederationId) -> String {
    format!("{OFFICER}.{}", node_subtree(participant, federation))
}

fn labels(text: &str) -> Vec<&str> {
    if text.len() > NAME_MAX { Vec::new() } else { text.split('.').collect() }
}

/// Only lower case is a participant's label: one participant has one spelling.
fn participant_of(label: &str) -> Option<ParticipantId> {
    let lower = !label.contains(|c: char| c.is_ascii_uppercase());
    lower.then(|| label.to_ascii_uppercase().parse().ok()).flatten()
}

fn shorten(text: &str) -> String {
    text.chars().take(NAME_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_name_in_its_shape_is_read_and_written_alike() {
        let name: NodeName = "node1.aus.demo.internal".parse().unwrap();
        assert_eq!((name.node(), name.participant().as_str(), name.federation().as_str()), ("node1", "AUS", "demo"));
        assert_eq!(name.to_string(), "node1.aus.demo.internal");
        assert_eq!(NodeName::new("node1", "AUS".parse().unwrap(), "demo".parse().unwrap()).unwrap(), name);
    }

    #[test]
    fn officer_name_in_its_shape_is_read_and_written_alike() {
        let name: OfficerName = "j-tan.officer.mys.demo.internal".parse().unwrap();
        assert_eq!((name.officer().as_str(), name.participant().as_str()), ("j-tan", "MYS"));
        assert_eq!(name.to_string(), "j-tan.officer.mys.demo.internal");
    }

    #[test]
    fn node_name_out_of_shape_is_refused() {
        let long = format!("{}.aus.demo.internal", "n".repeat(120));
        for bad in [
            "",
            "aus.demo.internal",
            "node1.aus.demo.internal.",
            "node1.aus.demo.example",
            "node1.AUS.demo.internal",
            "Node1.aus.demo.internal",
            "*.aus.demo.internal",
            "a.node1.aus.demo.internal",
            "j-tan.officer.aus.demo.internal",
            "node1..demo.internal",
            "node1.a.demo.internal",
            "node1.aus.demo.internal\0",
            "nöde.aus.demo.internal",
            &long,
        ] {
            assert!(bad.parse::<NodeName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn officer_name_out_of_shape_is_refused() {
        for bad in ["node1.aus.demo.internal", "j.officers.aus.demo.internal", "J.officer.aus.demo.internal"] {
            assert!(bad.parse::<OfficerName>().is_err(), "{bad:?}");
        }
    }
}
