//! What goes to a peer, and what comes from one. Outward, content is only accepted with the permit for it; inward, every
//! message is bounded and typed before a use-case sees it.

use selat_policy::Permitted;
use selat_record::pb::Envelope;

use crate::peer;

/// Largest message between nodes in bytes, in either direction.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Largest request in bytes: a descriptor of 64 KiB in its envelope, with room.
pub const REQUEST_BYTES_MAX: usize = 96 * 1024;
/// Most log entries in one segment.
pub const SEGMENT_ENTRIES_MAX: usize = 256;
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
    }
}
