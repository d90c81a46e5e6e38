//! Asking a node as a peer does, and reading what it answers.

use prost::Message as _;
use selat_exchange::{AnswerError, Search};
use selat_record::pb::query::Ask;
use selat_record::{RecordId, pb};

use super::{Node, find, signed};

impl Node {
    /// `asker` asks this node; the answer's envelope, and how many milliseconds after its arrival it left.
    pub async fn asked_by(&self, asker: &Self, query: &pb::Query) -> Result<(pb::Envelope, u64), AnswerError> {
        self.asked_with(asker, &signed(&asker.party, query)).await
    }

    /// The same with an envelope that may be anything.
    pub async fn asked_with(&self, asker: &Self, query: &pb::Envelope) -> Result<(pb::Envelope, u64), AnswerError> {
        let arrived_ms = self.clock().monotonic_ms();
        let answer = self.answer(asker.id(), query, arrived_ms).await?;
        Ok((answer.into_inner(), self.clock().monotonic_ms() - arrived_ms))
    }

    /// The answer to a name.
    pub async fn answer_to_name(&self, asker: &Self, name: &str) -> pb::Answer {
        self.answer_to(asker, by_name(name)).await
    }

    /// The answer to any question.
    pub async fn answer_to(&self, asker: &Self, ask: Ask) -> pb::Answer {
        message(&self.asked_by(asker, &asker.query(self.id(), ask)).await.unwrap().0)
    }
}

pub fn message(envelope: &pb::Envelope) -> pb::Answer {
    pb::Answer::decode(envelope.payload.as_slice()).unwrap()
}

pub fn by_name(name: &str) -> Ask {
    Ask::Find(find(name))
}

pub fn by_id(ids: &[RecordId]) -> Ask {
    Ask::Fetch(pb::Fetch { record_ids: ids.iter().map(|id| id.as_bytes().to_vec()).collect() })
}

/// A search of all approved peers.
pub fn search(name: &str) -> Search {
    Search {
        find: find(name),
        peers: Vec::new(),
        fetch: false,
        deadline: std::time::Duration::ZERO,
        include_own: false,
    }
}
