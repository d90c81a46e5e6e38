//! The node's own descriptor, checked against its configuration and its keys before anything is signed with them.

use std::path::PathBuf;

use selat_record::pb::KeyPurpose;
use selat_seal::armor::dearmor;
use selat_seal::{AcceptedDescriptor, SealError, SecretKey, decode_envelope};

use crate::config::Config;
use crate::keys_on_disk::NodeKeys;

/// Largest descriptor file in bytes.
const FILE_MAX: u64 = 256 * 1024;

/// Why the node's own descriptor cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DescriptorError {
    /// The file.
    #[error("the descriptor {} cannot be read: {why}", .path.display())]
    Unreadable {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Its signatures or fields.
    #[error("the descriptor {} does not hold: {source}", .path.display())]
    Invalid {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: SealError,
    },
    /// It is another participant's.
    #[error("the descriptor is of {found}, the configuration says {expected}")]
    OtherParticipant {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// A key file does not belong to it.
    #[error("the {0} key in the keys folder is not the one that the descriptor names")]
    OtherKey(&'static str),
}

/// Loads the descriptor that the configuration names.
pub fn load(config: &Config, keys: &NodeKeys) -> Result<AcceptedDescriptor, DescriptorError> {
    let path = config.node.descriptor.clone();
    let unreadable = |why: String| DescriptorError::Unreadable { path: path.clone(), why };
    let size = std::fs::metadata(&path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > FILE_MAX {
        return Err(unreadable(format!("it is {size} bytes, {FILE_MAX} at most")));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(error.to_string()))?;
    let bytes = dearmor("DESCRIPTOR", &text).map_err(|error| unreadable(error.to_string()))?;
    let invalid = |source| DescriptorError::Invalid { path: path.clone(), source };
    let envelope = decode_envelope(&bytes).map_err(invalid)?;
    let own = AcceptedDescriptor::restore(&config.node.federation, &envelope).map_err(invalid)?;
    if *own.participant() != config.node.participant {
        let (found, expected) = (own.participant().to_string(), config.node.participant.to_string());
        return Err(DescriptorError::OtherParticipant { found, expected });
    }
    check_key(&own, KeyPurpose::Record, keys.record.key(), "record")?;
    check_key(&own, KeyPurpose::Query, keys.query.key(), "query")?;
    check_key(&own, KeyPurpose::Log, keys.log.key(), "log")?;
    check_key(&own, KeyPurpose::TlsCa, &keys.tls_ca, "tls-ca")?;
    Ok(own)
}

fn check_key(
    own: &AcceptedDescriptor,
    purpose: KeyPurpose,
    key: &SecretKey,
    name: &'static str,
) -> Result<(), DescriptorError> {
    let named = own.keys(purpose).any(|described| described.id() == key.id());
    if named { Ok(()) } else { Err(DescriptorError::OtherKey(name)) }
}
