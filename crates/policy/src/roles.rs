//! What each local role may do at the desk: one table.
//!
//! Promises: an act that the table does not give to a role is refused; operators cannot read records; auditors change
//! nothing. Leaves out: who has which role (configuration says), quotas, step-up, four eyes.

use std::fmt;
use std::str::FromStr;

use crate::rules::{Refusal, Rule};

/// A local role. A caller may have several; what one of them may do, the caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Puts, releases, searches and reads records.
    Officer,
    /// An officer who also oversees officers.
    Supervisor,
    /// Runs the node and onboards peers; never reads records.
    Operator,
    /// Looks at the account of what was done; changes nothing.
    Auditor,
    /// Finds and corrects what is held about one person.
    DataProtection,
    /// A border or visa system.
    Machine,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 6] =
        [Self::Officer, Self::Supervisor, Self::Operator, Self::Auditor, Self::DataProtection, Self::Machine];

    /// The role as configuration writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Officer => "officer",
            Self::Supervisor => "supervisor",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::DataProtection => "data-protection",
            Self::Machine => "machine",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a role: officer, supervisor, operator, auditor, data-protection or machine")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// What a call to the desk service does. Several calls may be one act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeskAct {
    /// See how the node and its peers fare: counts and states, no content (`Status`).
    Status,
    /// Make a record (`PutRecord`).
    PutRecord,
    /// Make a new version of an own record (`AmendRecord`).
    AmendRecord,
    /// Widen the audience of an own record (`ReleaseRecord`).
    ReleaseRecord,
    /// Make many records from a file (`ImportRecords`).
    ImportRecords,
    /// Read one record (`GetRecord`).
    GetRecord,
    /// Read many records (`ListRecords`).
    ListRecords,
    /// Read the versions of a record (`RecordHistory`).
    History,
    /// Ask peers and the own store (`Search`).
    Search,
    /// See which entries of peers were not accepted, and why; no content (`ListQuarantine`).
    ListQuarantine,
    /// Bring a peer in, stop and remove it (`PeerInvite`, `PeerJoin`, `PeerFingerprint`, `PeerApprove`, `PeerSuspend`,
    /// `PeerResume`, `PeerRemove`).
    ManagePeers,
    /// See the peers (`PeerList`).
    ListPeers,
    /// Try the way to a peer (`PeerPing`).
    PingPeer,
    /// See descriptors, who holds which of ours, and the node's certificate (`DescriptorChain`, `DescriptorAcks`,
    /// `CertShow`).
    SeeTrust,
    /// Publish the next version of the own descriptor (`DescriptorPublish`).
    PublishDescriptor,
    /// See the own keys and what a change of them would take; no secret (`KeyStatus`, `KeyPlan`).
    SeeKeys,
    /// Turn keys, sign own records again that a compromised key signed, renew the certificate (`KeyApply`, `KeyResign`,
    /// `CertRenew`).
    ManageKeys,
    /// See findings and measurements: counts, times and states, no content (`Doctor`, `Metrics`).
    Watch,
}

impl DeskAct {
    /// All acts.
    pub const ALL: [Self; 18] = [
        Self::Status,
        Self::PutRecord,
        Self::AmendRecord,
        Self::ReleaseRecord,
        Self::ImportRecords,
        Self::GetRecord,
        Self::ListRecords,
        Self::History,
        Self::Search,
        Self::ListQuarantine,
        Self::ManagePeers,
        Self::ListPeers,
        Self::PingPeer,
        Self::SeeTrust,
        Self::PublishDescriptor,
        Self::SeeKeys,
        Self::ManageKeys,
        Self::Watch,
    ];

    /// The table: who may do it.
    const fn open_to(self) -> &'static [Role] {
        use Role::{Auditor, Officer, Operator, Supervisor};
        match self {
            Self::Status => &[Operator, Officer, Supervisor, Auditor],
            Self::PutRecord | Self::AmendRecord | Self::ReleaseRecord | Self::ImportRecords => &[Officer, Supervisor],
            Self::GetRecord | Self::ListRecords | Self::History | Self::Search => &[Officer, Supervisor],
            Self::ListQuarantine | Self::ManagePeers | Self::ListPeers | Self::PingPeer => &[Operator],
            Self::SeeTrust | Self::PublishDescriptor | Self::SeeKeys | Self::ManageKeys => &[Operator],
            Self::Watch => &[Operator, Auditor],
        }
    }
}

/// Whether a caller with these roles may do `act`. A caller without any role is refused by default.
pub fn may(roles: &[Role], act: DeskAct) -> Result<(), Refusal> {
    if roles.is_empty() {
        return Err(Refusal::under(Rule::DefaultDeny));
    }
    if roles.iter().any(|role| act.open_to().contains(role)) { Ok(()) } else { Err(Refusal::under(Rule::RoleMayNot)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written apart from `open_to`, role by role: what each may do, in the order of `DeskAct::ALL`
    /// (Status, Put, Amend, Release, Import, Get, List, History, Search, Quarantine, ManagePeers, ListPeers, PingPeer,
    /// SeeTrust, PublishDescriptor, SeeKeys, ManageKeys, Watch).
    const BY_ROLE: [(Role, &str); 6] = [
        (Role::Officer, "yyyyyyyyy........."),
        (Role::Supervisor, "yyyyyyyyy........."),
        (Role::Operator, "y........yyyyyyyyy"),
        (Role::Auditor, "y................y"),
        (Role::DataProtection, ".................."),
        (Role::Machine, ".................."),
    ];

    #[test]
    fn every_role_may_do_what_its_row_says_and_no_more() {
        for (role, row) in BY_ROLE {
            assert_eq!(row.len(), DeskAct::ALL.len());
            for (act, cell) in DeskAct::ALL.into_iter().zip(row.chars()) {
                let expected = if cell == 'y' { Ok(()) } else { Err(Refusal::under(Rule::RoleMayNot)) };
                assert_eq!(may(&[role], act), expected, "{role} {act:?}");
            }
        }
    }

    #[test]
    fn several_roles_add_up_and_none_is_refused_by_default() {
        for act in DeskAct::ALL {
            assert_eq!(may(&[], act), Err(Refusal::under(Rule::DefaultDeny)), "{act:?}");
            let either = may(&[Role::Officer], act).is_ok() || may(&[Role::Operator], act).is_ok();
            assert_eq!(may(&[Role::Operator, Role::Officer], act).is_ok(), either, "{act:?}");
        }
    }

    #[test]
    fn operators_never_read_records_and_auditors_never_change_anything() {
        for act in [DeskAct::GetRecord, DeskAct::ListRecords, DeskAct::History, DeskAct::Search] {
            assert!(may(&[Role::Operator], act).is_err(), "{act:?}");
        }
        for act in DeskAct::ALL.into_iter().filter(|act| ![DeskAct::Status, DeskAct::Watch].contains(act)) {
            assert!(may(&[Role::Auditor, Role::Machine, Role::DataProtection], act).is_err(), "{act:?}");
        }
    }

    #[test]
    fn role_names_go_there_and_back() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse::<Role>(), Ok(role));
        }
        for bad in ["", "Officer", "root", "officer "] {
            assert_eq!(bad.parse::<Role>(), Err(UnknownRole(bad.to_owned())));
        }
    }
}
