//! What goes to a peer, and what comes from one. Outward, content is only accepted with the permit for it; inward, every
//! message is bounded and typed before a use-case sees it.

use selat_policy::Permitted;
use selat_record::pb::Envelope;
use selat_record::{ContentId, ParticipantId};

use crate::peer;

/// Largest message between nodes in bytes, in either direction.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Largest request in bytes: a descriptor of 64 KiB in its envelope, with room.
pub const REQUEST_BYTES_MAX: usize = 96 * 1024;
/// Most log entries in one segment.
pub const SEGMENT_ENTRIES_MAX: usize = 256;
/// Most descriptors in one reply.
pub const DESCRIPTORS_MAX: usize = 16;
/// Most participants that a greeting names.
pub const HELD_MAX: usize = 128;
/// Longest name of a peer's software, in characters.
const SOFTWARE_CHARS_MAX: usize = 64;
/// Longest checkpoint note in bytes.
const CHECKPOINT_BYTES_MAX: usize = 4096;

/// A message of a peer that does not have the form of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BadMessage {
    /// Path of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// An entry of a release log on its way to the recipient.
pub fn log_entry(
    leaf: Vec<u8>,
    nonce: [u8; 32],
    opening: Vec<u8>,
    content: Option<Permitted<Envelope>>,
) -> peer::LogEntry {
    peer::LogEntry { leaf, nonce: nonce.to_vec(), opening, envelope: content.map(Permitted::into_inner) }
}

/// An answer on its way to the asker.
pub fn ask_reply(answer: Permitted<Envelope>) -> peer::AskReply {
    peer::AskReply { answer: Some(answer.into_inner()) }
}

/// The query in a request.
pub fn query(request: peer::AskRequest) -> Result<Envelope, BadMessage> {
    request.query.ok_or(BadMessage { field: "query", problem: "is missing" })
}

/// The answer in a reply.
pub fn answer(reply: peer::AskReply) -> Result<Envelope, BadMessage> {
    reply.answer.ok_or(BadMessage { field: "answer", problem: "is missing" })
}

/// A descriptor as somebody holds it: its number and its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edition {
    /// Its number, at least 1.
    pub version: u64,
    /// Its content id.
    pub hash: ContentId,
}

/// What one side says of its clock and of descriptors at hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The speaker's clock.
    pub now_ms: i64,
    /// The speaker's own descriptor.
    pub own: Edition,
    /// What the speaker holds of the other side; `None`: it does not say.
    pub yours: Option<Edition>,
    /// What the speaker holds of others, each named once.
    pub held: Vec<(ParticipantId, Edition)>,
}

/// What a hello says.
pub fn hello(request: &peer::HelloRequest) -> Result<Hello, BadMessage> {
    Ok(Hello {
        now_ms: request.now_ms,
        own: edition("descriptor_hash", request.descriptor_version, &request.descriptor_hash)?,
        yours: maybe("your_descriptor_hash", request.your_descriptor_version, &request.your_descriptor_hash)?,
        held: held(&request.held)?,
    })
}

/// What the reply to a hello says, and that its words for people are within their bound.
pub fn hello_reply(reply: &peer::HelloReply) -> Result<Hello, BadMessage> {
    let fit = |c: char| !c.is_control();
    if reply.software.chars().count() > SOFTWARE_CHARS_MAX || !reply.software.chars().all(fit) {
        return Err(BadMessage { field: "software", problem: "is not at most 64 characters on one line" });
    }
    Ok(Hello {
        now_ms: reply.now_ms,
        own: edition("descriptor_hash", reply.descriptor_version, &reply.descriptor_hash)?,
        yours: maybe("your_descriptor_hash", reply.your_descriptor_version, &reply.your_descriptor_hash)?,
        held: held(&reply.held)?,
    })
}

/// What is held of others, as a message says it.
pub fn held_message(held: Vec<(ParticipantId, Edition)>) -> Vec<peer::HeldDescriptor> {
    let message = |(participant, edition): (ParticipantId, Edition)| peer::HeldDescriptor {
        participant: participant.to_string(),
        version: edition.version,
        hash: edition.hash.as_bytes().to_vec(),
    };
    held.into_iter().map(message).collect()
}

/// Whose descriptors are asked for, `None` being the callee's own, and from which version on.
pub fn descriptors(request: &peer::DescriptorsRequest) -> Result<(Option<ParticipantId>, u64), BadMessage> {
    if request.from_version == 0 {
        return Err(BadMessage { field: "from_version", problem: "is not at least 1" });
    }
    let participant = match request.participant.as_str() {
        "" => None,
        name => Some(name.parse().map_err(|_| BadMessage { field: "participant", problem: "is not a participant" })?),
    };
    Ok((participant, request.from_version))
}

/// The descriptors in a reply, within the bound of one; unverified.
pub fn descriptors_reply(reply: peer::DescriptorsReply) -> Result<Vec<Envelope>, BadMessage> {
    if reply.descriptors.len() > DESCRIPTORS_MAX {
        return Err(BadMessage { field: "descriptors", problem: "are more than 16" });
    }
    Ok(reply.descriptors)
}

/// The descriptor that is announced; unverified.
pub fn announced(request: peer::AnnounceRequest) -> Result<Envelope, BadMessage> {
    request.descriptor.ok_or(BadMessage { field: "descriptor", problem: "is missing" })
}

/// Which descriptor of ours the callee holds now.
pub fn announce_reply(reply: &peer::AnnounceReply) -> Result<Edition, BadMessage> {
    edition("hash", reply.version, &reply.hash)
}

fn edition(field: &'static str, version: u64, hash: &[u8]) -> Result<Edition, BadMessage> {
    let hash = ContentId::from_slice(hash).map_err(|_| BadMessage { field, problem: "is not 32 bytes" })?;
    if version == 0 {
        return Err(BadMessage { field, problem: "is of version 0" });
    }
    Ok(Edition { version, hash })
}

/// Neither version nor hash: nothing is said.
fn maybe(field: &'static str, version: u64, hash: &[u8]) -> Result<Option<Edition>, BadMessage> {
    if version == 0 && hash.is_empty() {
        return Ok(None);
    }
    edition(field, version, hash).map(Some)
}

fn held(messages: &[peer::HeldDescriptor]) -> Result<Vec<(ParticipantId, Edition)>, BadMessage> {
    if messages.len() > HELD_MAX {
        return Err(BadMessage { field: "held", problem: "names more than 128 participants" });
    }
    let mut held: Vec<(ParticipantId, Edition)> = Vec::with_capacity(messages.len());
    for message in messages {
        let name = BadMessage { field: "held.participant", problem: "is not a participant" };
        let participant: ParticipantId = message.participant.parse().map_err(|_| name)?;
        if held.iter().any(|(known, _)| *known == participant) {
            return Err(BadMessage { field: "held.participant", problem: "is named twice" });
        }
        held.push((participant, edition("held.hash", message.version, &message.hash)?));
    }
    Ok(held)
}

/// What a follow event brings.
#[derive(Debug, Clone)]
pub enum Followed {
    /// New entries, within the bounds of the protocol; their content is unchecked.
    Segment(peer::Segment),
    /// A sign of life.
    Heartbeat(peer::Heartbeat),
}

/// Checks form and bounds of a follow event.
pub fn followed(event: peer::FollowEvent) -> Result<Followed, BadMessage> {
    match event.event {
        None => Err(BadMessage { field: "event", problem: "is missing or not known" }),
        Some(peer::follow_event::Event::Heartbeat(heartbeat)) => Ok(Followed::Heartbeat(heartbeat)),
        Some(peer::follow_event::Event::Segment(segment)) => {
            if segment.entries.is_empty() || segment.entries.len() > SEGMENT_ENTRIES_MAX {
                return Err(BadMessage { field: "segment.entries", problem: "is not 1 to 256 entries" });
            }
            if segment.checkpoint.len() > CHECKPOINT_BYTES_MAX {
                return Err(BadMessage { field: "segment.checkpoint", problem: "is too long" });
            }
            Ok(Followed::Segment(segment))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(entries: usize, checkpoint: &str) -> peer::FollowEvent {
        let segment = peer::Segment {
            first_index: 0,
            entries: vec![peer::LogEntry::default(); entries],
            checkpoint: checkpoint.to_owned(),
        };
        peer::FollowEvent { event: Some(peer::follow_event::Event::Segment(segment)) }
    }

    #[test]
    fn follow_events_outside_their_bounds_are_refused() {
        assert!(matches!(followed(segment(256, "note")), Ok(Followed::Segment(_))));
        for bad in [segment(0, ""), segment(257, ""), segment(1, &"x".repeat(5000)), peer::FollowEvent::default()] {
            assert!(followed(bad).is_err());
        }
    }

    #[test]
    fn messages_without_their_envelope_are_refused() {
        assert_eq!(query(peer::AskRequest::default()).unwrap_err().field, "query");
        assert_eq!(answer(peer::AskReply::default()).unwrap_err().field, "answer");
        assert_eq!(announced(peer::AnnounceRequest::default()).unwrap_err().field, "descriptor");
    }

    fn good_hello() -> peer::HelloRequest {
        let held = |participant: &str| peer::HeldDescriptor {
            participant: participant.to_owned(),
            version: 3,
            hash: vec![3; 32],
        };
        peer::HelloRequest {
            descriptor_version: 1,
            descriptor_hash: vec![1; 32],
            your_descriptor_version: 2,
            your_descriptor_hash: vec![2; 32],
            held: vec![held("NZL"), held("IOM")],
            ..peer::HelloRequest::default()
        }
    }

    #[test]
    fn hello_that_says_less_or_more_than_it_may_is_refused_by_its_field() {
        let said = hello(&good_hello()).unwrap();
        assert_eq!((said.own.version, said.yours.unwrap().version, said.held.len()), (1, 2, 2));
        let silent =
            peer::HelloRequest { your_descriptor_version: 0, your_descriptor_hash: Vec::new(), ..good_hello() };
        assert_eq!(hello(&silent).unwrap().yours, None);

        let check = |field: &str, change: fn(&mut peer::HelloRequest)| {
            let mut bad = good_hello();
            change(&mut bad);
            assert_eq!(hello(&bad).unwrap_err().field, field);
        };
        check("descriptor_hash", |hello| hello.descriptor_hash = vec![1; 31]);
        check("descriptor_hash", |hello| hello.descriptor_version = 0);
        check("your_descriptor_hash", |hello| hello.your_descriptor_hash = Vec::new());
        check("your_descriptor_hash", |hello| hello.your_descriptor_version = 0);
        check("held.hash", |hello| hello.held[1].hash = vec![0; 33]);
        check("held.hash", |hello| hello.held[1].version = 0);
        check("held.participant", |hello| hello.held[0].participant = "nzl".to_owned());
        check("held.participant", |hello| hello.held[0].participant = "IOM".to_owned());
        check("held", |hello| hello.held = vec![hello.held[0].clone(); HELD_MAX + 1]);
    }

    #[test]
    fn software_of_a_peer_is_short_and_on_one_line() {
        let reply = |software: &str| peer::HelloReply {
            descriptor_version: 1,
            descriptor_hash: vec![1; 32],
            software: software.to_owned(),
            ..peer::HelloReply::default()
        };
        assert!(hello_reply(&reply(&"ü".repeat(64))).is_ok());
        for bad in ["x".repeat(65), "a\nb".to_owned(), "\u{1b}[2J".to_owned()] {
            assert_eq!(hello_reply(&reply(&bad)).unwrap_err().field, "software");
        }
    }

    #[test]
    fn descriptors_are_asked_for_by_name_from_one_on_and_come_by_sixteen() {
        let ask = |participant: &str, from_version| {
            descriptors(&peer::DescriptorsRequest { participant: participant.to_owned(), from_version })
        };
        assert_eq!(ask("", 1), Ok((None, 1)));
        assert_eq!(ask("IOM", 7), Ok((Some("IOM".parse().unwrap()), 7)));
        assert_eq!(ask("", 0).unwrap_err().field, "from_version");
        assert_eq!(ask("iom", 1).unwrap_err().field, "participant");
        let reply = |count| peer::DescriptorsReply { descriptors: vec![Envelope::default(); count] };
        assert_eq!(descriptors_reply(reply(16)).unwrap().len(), 16);
        assert_eq!(descriptors_reply(reply(17)).unwrap_err().field, "descriptors");
        let held = |version, bytes| peer::AnnounceReply { version, hash: vec![1; bytes] };
        assert_eq!(announce_reply(&held(2, 32)).unwrap().version, 2);
        assert!(announce_reply(&held(0, 32)).is_err() && announce_reply(&held(2, 0)).is_err());
    }
}
