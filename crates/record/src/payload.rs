//! The messages that get signed, their types and which key purpose signs them.

use crate::pb;

/// A message that is signed inside an envelope.
pub trait Payload: prost::Message + Default + Clone + Sized {
    /// The exact payload type in the envelope.
    const TYPE: &'static str;
    /// The only key purpose that may sign it.
    const PURPOSE: pb::KeyPurpose;
    /// Largest encoded payload in bytes; more is refused before it is decoded.
    const MAX_BYTES: usize;

    /// The header, if the message has one. Verification demands it.
    fn header(&self) -> Option<&pb::Header>;
}

macro_rules! payload {
    ($type:ident, $name:literal, $purpose:ident, $max:expr) => {
        impl Payload for pb::$type {
            const TYPE: &'static str = concat!("application/vnd.selat.", $name, ".v1+proto");
            const PURPOSE: pb::KeyPurpose = pb::KeyPurpose::$purpose;
            const MAX_BYTES: usize = $max;

            fn header(&self) -> Option<&pb::Header> {
                self.header.as_ref()
            }
        }
    };
}

payload!(Descriptor, "descriptor", Root, 64 * 1024);
payload!(Record, "record", Record, 192 * 1024);
payload!(Query, "query", Query, 16 * 1024);
payload!(Answer, "answer", Query, 2 * 1024 * 1024);
payload!(Acceptance, "acceptance", Log, 4 * 1024);
