//! Keys, signed envelopes and whom to believe.
//!
//! Promises: there is one rule for signatures ([`PublicKey::holds`]) and one verifier ([`verify`]); what has passed it is a
//! [`Verified`] value. Whoever verifies names the issuer first: a key is looked up among that issuer's keys only. An
//! issuer's descriptors are a chain along which trust moves by its own roots alone ([`AcceptedDescriptor::accept_next`]),
//! and keys turn along it without anybody being locked out ([`succession`]).
//! Leaves out: IO, the clock, where randomness comes from ([`Entropy`] is handed in), and whether a payload has expired,
//! which its user judges.

pub mod armor;
pub mod descriptor;
mod digest;
mod entropy;
mod envelope;
mod error;
mod handle;
mod key;
pub mod keyfile;
pub mod phrase;
pub mod publicfile;
mod signer;
pub mod succession;
mod trust;
mod verify;

pub use descriptor::{AcceptedDescriptor, DescribedKey, Endpoint, TlsAuthority};
pub use digest::sha256;
pub use entropy::Entropy;
pub use envelope::{ENVELOPE_MAX_BYTES, SIGNATURES_MAX, content_id, decode_envelope, pae};
pub use error::SealError;
pub use handle::{HeldKey, KeyFailure, KeyHandle, KeyRing};
pub use key::{KeyError, KeyId, PublicKey, SecretKey};
pub use keyfile::KeyFile;
pub use phrase::SafetyPhrase;
pub use publicfile::PublicFile;
pub use signer::{Sealed, Signer};
pub use trust::Trust;
pub use verify::{At, FUTURE_TOLERANCE, Verified, verify};
