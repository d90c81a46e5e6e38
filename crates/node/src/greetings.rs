//! Hellos between the wire and the use-cases: the same words in the types of each.

use selat_exchange::{Edition, Greeting};
use selat_wire::convert::{self, Hello};
use selat_wire::peer::{HelloReply, HelloRequest};

/// Protocol versions that this node speaks.
pub const PROTOCOL: (u32, u32) = (1, 1);

/// What a peer said, for the use-cases.
pub fn heard(hello: Hello) -> Greeting {
    let held = hello.held.into_iter().map(|(participant, known)| (participant, taken(known))).collect();
    Greeting { now_ms: hello.now_ms, own: taken(hello.own), yours: hello.yours.map(taken), held }
}

/// What a message says of a descriptor.
pub fn taken(edition: convert::Edition) -> Edition {
    Edition { version: edition.version, hash: edition.hash }
}

/// What this node says first.
pub fn request(greeting: Greeting) -> HelloRequest {
    let (yours, hash) = said(greeting.yours);
    HelloRequest {
        protocol_min: PROTOCOL.0,
        protocol_max: PROTOCOL.1,
        now_ms: greeting.now_ms,
        descriptor_version: greeting.own.version,
        descriptor_hash: greeting.own.hash.as_bytes().to_vec(),
        your_descriptor_version: yours,
        your_descriptor_hash: hash,
        held: held(greeting.held),
    }
}

/// What this node replies to a peer that speaks the versions `theirs` and whose copy of the release log grows to `size`.
pub fn reply(greeting: Greeting, theirs: (u32, u32), size: u64) -> HelloReply {
    let (min, max) = PROTOCOL;
    let highest = max.min(theirs.1);
    let (yours, hash) = said(greeting.yours);
    HelloReply {
        protocol: if highest >= min.max(theirs.0) { highest } else { 0 },
        protocol_min: min,
        protocol_max: max,
        now_ms: greeting.now_ms,
        descriptor_version: greeting.own.version,
        descriptor_hash: greeting.own.hash.as_bytes().to_vec(),
        your_descriptor_hash: hash,
        release_log_size: size,
        may_follow: true,
        may_ask: true,
        software: format!("selat {}", env!("CARGO_PKG_VERSION")),
        your_descriptor_version: yours,
        held: held(greeting.held),
    }
}

fn said(yours: Option<Edition>) -> (u64, Vec<u8>) {
    yours.map_or((0, Vec::new()), |edition| (edition.version, edition.hash.as_bytes().to_vec()))
}

fn held(held: Vec<(selat_record::ParticipantId, Edition)>) -> Vec<selat_wire::peer::HeldDescriptor> {
    let wire = |known: Edition| convert::Edition { version: known.version, hash: known.hash };
    convert::held_message(held.into_iter().map(|(participant, known)| (participant, wire(known))).collect())
}

#[cfg(test)]
mod tests {
    use selat_record::ContentId;

    use super::*;

    fn edition(version: u64) -> Edition {
        Edition { version, hash: ContentId::from_slice(&[7; 32]).unwrap() }
    }

    fn greeting(yours: Option<Edition>) -> Greeting {
        Greeting { now_ms: 5, own: edition(3), yours, held: vec![("IOM".parse().unwrap(), edition(9))] }
    }

    #[test]
    fn greeting_is_heard_as_it_was_said() {
        for yours in [None, Some(edition(4))] {
            let said = greeting(yours);
            assert_eq!(heard(convert::hello(&request(said.clone())).unwrap()), said);
            assert_eq!(heard(convert::hello_reply(&reply(said.clone(), PROTOCOL, 8)).unwrap()), said);
        }
    }

    #[test]
    fn highest_version_in_common_is_spoken_or_none() {
        let spoken = |theirs| reply(greeting(None), theirs, 0).protocol;
        assert_eq!([spoken((1, 1)), spoken((1, 9)), spoken((0, 0)), spoken((2, 9))], [1, 1, 0, 0]);
    }
}
