//! Who calls the desk: from what the system or the certificate says about the caller to an officer and roles.
//!
//! Promises: no mapping means no caller; the user id decides before any group; two people are never the same officer
//! because they are in the same group.

use std::ffi::CString;

use nix::unistd::{Gid, Uid, User, getgrouplist};
use selat_exchange::Actor;

use crate::config::{CallerKey, CallerRule, DeskConfig};

/// The process at the other end of the desk's Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPeer {
    /// Its effective user id.
    pub uid: u32,
    /// Its group and the groups that its user is a member of.
    pub gids: Vec<u32>,
}

impl SocketPeer {
    /// Completes the credentials of a socket by the groups that the system's group database gives the user. May block
    /// on the name service: not for async threads. A user that the system does not know has only the group `gid`.
    pub fn look_up(uid: u32, gid: u32) -> Self {
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let name = user.and_then(|user| CString::new(user.name).ok());
        let groups = name.and_then(|name| getgrouplist(&name, Gid::from_raw(gid)).ok()).unwrap_or_default();
        let mut gids = vec![gid];
        gids.extend(groups.into_iter().map(Gid::as_raw).filter(|group| *group != gid));
        Self { uid, gids }
    }
}

/// The user that this process runs as.
pub fn current_uid() -> u32 {
    Uid::current().as_raw()
}

/// The mapping of callers to officers.
#[derive(Debug, Clone)]
pub struct Callers {
    rules: Vec<CallerRule>,
}

impl Callers {
    /// The mapping that `[[desk.caller]]` describes.
    pub fn new(desk: &DeskConfig) -> Self {
        Self { rules: desk.callers.clone() }
    }

    /// The officer at the other end of the Unix socket: by user id, else by the first rule of the file that names one
    /// of its groups. A member of a group is the officer `<officer>-<uid>`, because an access has one person behind it.
    pub fn on_socket(&self, peer: &SocketPeer) -> Option<Actor> {
        let by_uid = self.rules.iter().find(|rule| rule.who == CallerKey::Uid(peer.uid));
        if let Some(rule) = by_uid {
            return Some(Actor { officer: rule.officer.clone(), roles: rule.roles.clone() });
        }
        let in_group = |rule: &&CallerRule| matches!(rule.who, CallerKey::Gid(gid) if peer.gids.contains(&gid));
        let rule = self.rules.iter().find(in_group)?;
        let officer = format!("{}-{}", rule.officer, peer.uid).parse().ok()?;
        Some(Actor { officer, roles: rule.roles.clone() })
    }

    /// The officer with this name in its certificate. The caller has checked the certificate against the officer CA.
    pub fn with_certificate(&self, name: &str) -> Option<Actor> {
        let named = |rule: &&CallerRule| matches!(&rule.who, CallerKey::Certificate(known) if known == name);
        let rule = self.rules.iter().find(named)?;
        Some(Actor { officer: rule.officer.clone(), roles: rule.roles.clone() })
    }
}

#[cfg(test)]
mod tests {
    use selat_policy::Role;

    use super::*;

    fn callers() -> Callers {
        let rule = |who, officer: &str, role| CallerRule { who, officer: officer.parse().unwrap(), roles: vec![role] };
        Callers {
            rules: vec![
                rule(CallerKey::Gid(100), "desk", Role::Officer),
                rule(CallerKey::Gid(200), "watch", Role::Auditor),
                rule(CallerKey::Uid(1000), "j-tan", Role::Supervisor),
                rule(CallerKey::Certificate("a-lee".to_owned()), "a-lee", Role::Officer),
            ],
        }
    }

    fn check(uid: u32, gids: &[u32], expect: Option<(&str, Role)>) {
        let actor = callers().on_socket(&SocketPeer { uid, gids: gids.to_vec() });
        let found = actor.as_ref().map(|actor| (actor.officer.as_str(), actor.roles.as_slice()));
        assert_eq!(found, expect.as_ref().map(|(officer, role)| (*officer, std::slice::from_ref(role))));
    }

    #[test]
    fn user_id_decides_before_groups_and_no_rule_means_nobody() {
        check(1000, &[100, 200], Some(("j-tan", Role::Supervisor)));
        check(1001, &[5, 200, 100], Some(("desk-1001", Role::Officer)));
        check(1002, &[200], Some(("watch-1002", Role::Auditor)));
        check(1003, &[5], None);
        check(0, &[0], None);
    }

    #[test]
    fn certificate_maps_only_by_its_own_name() {
        assert_eq!(callers().with_certificate("a-lee").unwrap().officer.as_str(), "a-lee");
        assert!(callers().with_certificate("desk").is_none());
        assert!(callers().with_certificate("j-tan").is_none());
    }

    #[test]
    fn unknown_user_has_only_the_group_of_the_socket() {
        assert_eq!(SocketPeer::look_up(4_000_000_123, 77), SocketPeer { uid: 4_000_000_123, gids: vec![77] });
        let own = SocketPeer::look_up(Uid::current().as_raw(), Gid::current().as_raw());
        assert!(own.gids.contains(&Gid::current().as_raw()));
    }
}
