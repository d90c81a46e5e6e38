//! Mutual TLS between nodes, and between officers and their node: who is at the other end.
//!
//! Promises: a connection handed out here has an [identity](PeerIdentity) that was proven with the authorities of the very
//! participant it names, never with those of another. TLS 1.3 with hybrid post-quantum key exchange first, HTTP/2 agreed
//! on, nothing resumed. Certificates and authorities are swapped while connections live; connections of a participant
//! that is no longer wanted are cut at once. Everything a stranger can hold (time, sockets, handshakes, bytes) is bounded.
//!
//! Left out: what a caller may do (`policy`), which peers are approved (`exchange`), files and sockets of the file system
//! (`node`). Time is asked of the [`Now`] that is passed in.

mod authority;
mod certificate;
mod connection;
mod desk;
mod dialer;
mod gate;
mod handshake;
mod leaf;
mod listener;
mod name;
mod peer;
mod registry;
mod roots;
mod tls;

pub use authority::{Authority, AuthorityError, NODE_LEAF_LIFE_MAX, OFFICER_LEAF_LIFE_MAX, OfficerAuthority};
pub use certificate::CertificateFault;
pub use connection::{Connection, DialedStream};
pub use desk::{DeskAccess, DeskListener, DeskSetup, OfficerGate, OfficerIdentity, OfficerRoots};
pub use dialer::{DialError, DialLimits, Dialer, PeerAddress, PeerChannel, TlsFacts};
pub use gate::{Gate, Identity};
pub use handshake::{HandshakeFault, HandshakeLog, HandshakeSummary, RefusedHandshake};
pub use leaf::{Leaf, LeafError, LiveLeaf};
pub use listener::{Incoming, Limits, Listener};
pub use name::{NameError, NodeName, OfficerName};
pub use peer::{PeerGate, PeerIdentity, PeerListener, PeerSetup};
pub use registry::{Connections, Place};
pub use roots::{
    AuthorityFacts, AuthorityFault, LiveRoots, Roots, TrustedAuthority, TrustedPeer, check_authority,
    read_officer_authority,
};
pub use tls::Now;
