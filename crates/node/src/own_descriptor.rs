//! The node's own descriptor, checked against its configuration and its keys before anything is signed with them.

use std::path::PathBuf;

use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_seal::armor::dearmor;
use selat_seal::{AcceptedDescriptor, KeyId, SealError, decode_envelope};

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
    /// A key is named, but not for use: peers would refuse what it signs.
    #[error("the {name} key in the keys folder is {status} in the descriptor, and only an active one is used")]
    KeyNotActive {
        /// Which key.
        name: &'static str,
        /// What the descriptor says of it.
        status: &'static str,
    },
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
    check_key(&own, KeyPurpose::Record, keys.record.id(), "record")?;
    check_key(&own, KeyPurpose::Query, keys.query.id(), "query")?;
    check_key(&own, KeyPurpose::Log, keys.log.id(), "log")?;
    check_key(&own, KeyPurpose::TlsCa, keys.tls_ca.id(), "tls-ca")?;
    Ok(own)
}

fn check_key(
    own: &AcceptedDescriptor,
    purpose: KeyPurpose,
    key: KeyId,
    name: &'static str,
) -> Result<(), DescriptorError> {
    let described = own.keys(purpose).find(|described| described.id() == key);
    match described.ok_or(DescriptorError::OtherKey(name))?.status() {
        KeyStatus::Active => Ok(()),
        other => Err(DescriptorError::KeyNotActive { name, status: status_word(other) }),
    }
}

fn status_word(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Unspecified => "of no status",
        KeyStatus::Pending => "pending",
        KeyStatus::Active => "active",
        KeyStatus::Retired => "retired",
        KeyStatus::Compromised => "compromised",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use clap::Parser as _;
    use prost::Message as _;
    use selat_record::pb;
    use selat_seal::{KeyFile, SecretKey};
    use selat_seal::armor::armor;
    use selat_seal::descriptor::sign_with_roots;

    use super::*;
    use crate::init::{InitArgs, run_init};

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        init: InitArgs,
    }

    /// A fresh node in `dir`.
    fn made(dir: &Path) -> Config {
        let line = format!(
            "selat {} --participant AUS --federation demo --unit Centre --listen 127.0.0.1:7441 \
             --advertise-host 127.0.0.1 --contact-phone 1",
            dir.display()
        );
        run_init(Command::parse_from(line.split_whitespace()).init, &mut std::io::sink()).unwrap();
        Config::load(&dir.join("selat.toml")).unwrap()
    }

    fn loaded(config: &Config) -> Result<AcceptedDescriptor, DescriptorError> {
        let (participant, federation) = (&config.node.participant, &config.node.federation);
        load(config, &NodeKeys::load(&config.node.keys_dir, participant, federation).unwrap())
    }

    /// Writes the descriptor again with every key of `purpose` changed, signed by the roots as before.
    fn rewrite(dir: &Path, config: &Config, purpose: KeyPurpose, change: impl Fn(&mut pb::Key)) {
        let mut message = loaded(config).unwrap().message().clone();
        message.keys.iter_mut().filter(|key| key.purpose() == purpose).for_each(change);
        let roots: Vec<SecretKey> = fs::read_dir(dir.join("root"))
            .unwrap()
            .map(|file| KeyFile::parse(&fs::read_to_string(file.unwrap().path()).unwrap()).unwrap().secret)
            .collect();
        let envelope = sign_with_roots(&message, &roots.iter().collect::<Vec<_>>());
        fs::write(&config.node.descriptor, armor("DESCRIPTOR", &envelope.encode_to_vec())).unwrap();
    }

    #[test]
    fn key_that_is_not_active_is_named_with_its_status() {
        for (purpose, name) in [
            (KeyPurpose::Record, "record"),
            (KeyPurpose::Query, "query"),
            (KeyPurpose::Log, "log"),
            (KeyPurpose::TlsCa, "tls-ca"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let dir = folder.path().join("aus");
            let config = made(&dir);
            rewrite(&dir, &config, purpose, |key| {
                key.set_status(KeyStatus::Retired);
                key.valid_until_ms = key.valid_from_ms + 1;
            });
            let refused = loaded(&config).unwrap_err().to_string();
            let told = format!("the {name} key in the keys folder is retired in the descriptor");
            assert!(refused.starts_with(&told), "{refused}");
        }
    }
}
