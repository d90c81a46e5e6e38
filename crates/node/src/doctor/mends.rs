//! The commands that mend what the doctor finds: in one place, so that a test can hold them against the command line.

use std::fmt::Display;
use std::path::Path;

use selat_record::ParticipantId;
use selat_record::pb::KeyPurpose;
use selat_seal::keyfile::purpose_word;

use crate::explain;

pub(super) const CLOCK: &str = "timedatectl set-ntp true; if the clock is right: selat store accept-time";
pub(super) const STATUS: &str = "selat key status";
pub(super) const RESTORE: &str = "selat key restore BACKUP --to DIR";
pub(super) const DRAFT: &str = "selat descriptor draft --help";
pub(super) const ACKS: &str = "selat descriptor acks";
pub(super) const RENEW: &str = "selat cert renew";
pub(super) const ROTATE_TLS_CA: &str = "selat key rotate tls-ca";
pub(super) const BACKUP: &str = "selat key backup --file FILE";
pub(super) const DRILL: &str = "selat key drill BACKUP";
pub(super) const LOG: &str = "journalctl --unit selat";
pub(super) const RESTART: &str = "systemctl restart selat";

/// Keys that are not encrypted.
pub(super) fn protect() -> String {
    format!("selat explain {}", explain::KEYS_PLAIN.code)
}

/// An officer authority that ends.
pub(super) fn officer_authority() -> String {
    format!("selat explain {}", explain::OFFICER_AUTHORITY_ENDS.code)
}

/// A descriptor of ours that does not hold.
pub(super) fn own_descriptor() -> String {
    format!("selat explain {}", explain::OWN_DESCRIPTOR.code)
}

/// The purpose as the command line writes it.
pub(super) fn word(purpose: KeyPurpose) -> &'static str {
    purpose_word(purpose)
}

pub(super) fn rotate(purpose: KeyPurpose) -> String {
    format!("selat key rotate {}", word(purpose))
}

pub(super) fn plan(purpose: KeyPurpose) -> String {
    format!("selat key rotate {} --plan", word(purpose))
}

pub(super) fn abandon(purpose: KeyPurpose) -> String {
    format!("selat key rotate {} --abandon", word(purpose))
}

pub(super) fn ping(peer: &ParticipantId) -> String {
    format!("selat peer ping {peer}")
}

pub(super) fn show(peer: &ParticipantId) -> String {
    format!("selat peer show {peer}")
}

pub(super) fn resume(peer: &ParticipantId) -> String {
    format!("selat peer resume {peer} --reason WHY")
}

pub(super) fn quarantine(peer: &ParticipantId) -> String {
    format!("selat record quarantine --peer {peer}")
}

pub(super) fn roots_away(folder: &dyn Display) -> String {
    format!("copy each to a medium of its own, then: rm -r {folder}")
}

pub(super) fn write_chain(file: &Path) -> String {
    format!("let the node write {}, then: {RESTART}", file.display())
}

pub(super) fn disk(folder: &Path) -> String {
    format!("df -h {}", folder.display())
}

/// One of each, for whoever holds them against the command line.
pub fn all() -> Vec<String> {
    let peer: ParticipantId = "IDN".parse().expect("it is a participant's code");
    let fixed = [STATUS, RESTORE, DRAFT, ACKS, RENEW, ROTATE_TLS_CA, BACKUP, DRILL];
    let mut all: Vec<_> = fixed.into_iter().map(str::to_owned).collect();
    for purpose in [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa] {
        all.extend([rotate(purpose), plan(purpose), abandon(purpose)]);
    }
    all.extend([protect(), officer_authority(), ping(&peer), show(&peer), resume(&peer), quarantine(&peer)]);
    all
}
