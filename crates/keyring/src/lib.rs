//! Where secret keys live: in files, in files under a passphrase, in a PKCS#11 token; and their backup.
//!
//! Promises: a key is used only when it is whole, belongs to this participant and could be read by its owner alone. A
//! key that was made survives power loss before anybody hears of it, and nothing is ever overwritten. What a token
//! signs has been verified before it leaves here. No secret is in an argument, an environment variable, an error or a
//! log line, and buffers that held one are wiped.
//! Leaves out: which keys the descriptor names and when each signs, which is for `seal` and its callers; the
//! certificates of the authorities; where randomness for keys comes from, which is handed in. (`age` draws its own
//! nonces from the operating system.)

pub mod backup;
mod custody;
mod disk;
mod fault;
mod folder;
pub mod keyfile;
mod passphrase;
mod ring;
mod sealed;
mod token;

pub use custody::{Custody, Expected, NamedSecret, Protection, TokenConfig};
pub use fault::{KeyFault, KeyFaults};
pub use passphrase::{Lock, PASSPHRASE_CHARS_MIN, Passphrase, PassphraseError, PassphraseSource};
pub use ring::Keyring;
