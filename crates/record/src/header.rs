//! The header that every signed payload begins with.

use crate::ids::{FederationId, ParticipantId};
use crate::spot::Spot;
use crate::{RecordId, Timestamp, participants, pb};

/// The audience of a payload for whoever its handling lets see it.
pub(crate) const ANYBODY: &str = "*";

/// A checked header, save for its audience, which each kind of payload judges for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) federation: FederationId,
    pub(crate) issuer: ParticipantId,
    pub(crate) created: Timestamp,
    pub(crate) expires: Option<Timestamp>,
}

/// Reads a header, noting what is wrong with it.
pub(crate) fn read(at: &Spot<'_>, header: &pb::Header) -> Option<Stamp> {
    let federation = at.field("federation").noted(header.federation.parse());
    let issuer = participants::read(&at.field("issuer"), &header.issuer);
    // Payload ids have the same form as record ids.
    at.field("id").noted(RecordId::from_slice(&header.id));
    let created = read_moment(&at.field("created_ms"), header.created_ms);
    let expires = read_expiry(&at.field("expires_ms"), header);
    if header.descriptor_version == 0 {
        at.field("descriptor_version").fault("is not given");
    }
    Some(Stamp { federation: federation?, issuer: issuer?, created: created?, expires: expires? })
}

fn read_moment(at: &Spot<'_>, ms: i64) -> Option<Timestamp> {
    let moment = Timestamp::from_ms(ms).filter(|moment| *moment > Timestamp::EPOCH);
    if moment.is_none() {
        at.fault(format!("{ms} is not a moment between 1970 and 9999"));
    }
    moment
}

/// `Some(None)`: it does not expire. `None`: there was a fault.
fn read_expiry(at: &Spot<'_>, header: &pb::Header) -> Option<Option<Timestamp>> {
    if header.expires_ms == 0 {
        return Some(None);
    }
    let expires = read_moment(at, header.expires_ms)?;
    if header.expires_ms <= header.created_ms {
        at.fault("is not after it was created");
        return None;
    }
    Some(Some(expires))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::spot::faults_of;

    fn check(change: impl FnOnce(&mut pb::Header), expected: &str) {
        let mut header = sample::header();
        change(&mut header);
        assert_eq!(faults_of(|at| _ = read(at, &header)), expected);
    }

    #[test]
    fn header_names_who_and_when() {
        check(|_| (), "");
        check(|h| h.expires_ms = 0, "");
        check(
            |h| h.federation = "Demo".into(),
            "it.federation: \"Demo\" is not 1 to 32 lower-case letters, digits and hyphens",
        );
        check(
            |h| h.issuer = "*".into(),
            "it.issuer: \"*\" is not 2 to 12 upper-case letters or digits, as AUS or UNHCR",
        );
        check(|h| h.id = vec![1; 16], "it.id: is not the 16 bytes of a UUIDv7");
        check(|h| h.id.truncate(15), "it.id: is not the 16 bytes of a UUIDv7");
        check(|h| h.created_ms = 0, "it.created_ms: 0 is not a moment between 1970 and 9999");
        check(|h| h.expires_ms = h.created_ms, "it.expires_ms: is not after it was created");
        check(|h| h.expires_ms = -1, "it.expires_ms: -1 is not a moment between 1970 and 9999");
        check(|h| h.expires_ms = i64::MAX, "it.expires_ms: 9223372036854775807 is not a moment between 1970 and 9999");
        check(|h| h.descriptor_version = 0, "it.descriptor_version: is not given");
    }
}
