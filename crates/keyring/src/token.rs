//! Keys in a PKCS#11 token: what is ours in it, signing with it, and what to do when it goes away.
//!
//! Promises: a signature leaves here only after it was verified with the public key; a session that broke is opened
//! again once; a PIN that was refused is not tried again, because a few refusals lock a token for good. One call at a
//! time: a token is one device.
//!
//! A pair of keys is found by the label that both carry, `selat AUS record`, and by the CKA_ID that they share, which
//! was drawn at random when they were made.

mod pkcs11;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use selat_record::ParticipantId;
use selat_record::pb::KeyPurpose;
use selat_seal::keyfile::{purpose_from_word, purpose_word};
use selat_seal::{Entropy, KeyFailure, KeyHandle, PublicKey};

use crate::{KeyFault, TokenConfig};

/// A token as this module needs it. The one implementation for real is [`pkcs11::Module`].
trait Device: Send {
    /// Finds the token and logs in.
    fn log_in(&mut self) -> Result<Box<dyn Session>, TokenError>;
}

/// A token that has let us in.
trait Session: Send {
    /// All pairs of Ed25519 keys whose label begins with `prefix`.
    fn pairs(&mut self, prefix: &str) -> Result<Vec<Pair>, TokenError>;
    /// Makes a pair whose secret half never leaves the token.
    fn generate(&mut self, label: &str, object: &[u8]) -> Result<Pair, TokenError>;
    /// Signs with the secret key of a pair.
    fn sign(&mut self, object: &[u8], message: &[u8]) -> Result<Vec<u8>, TokenError>;
    /// Destroys both halves of a pair. A pair that is not there is destroyed already.
    fn destroy(&mut self, object: &[u8]) -> Result<(), TokenError>;
}

/// A pair of keys as the token shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    label: String,
    /// The CKA_ID of both halves.
    object: Vec<u8>,
    /// The public key as the token wraps it.
    point: Vec<u8>,
    /// The secret half could be read out.
    extractable: bool,
}

/// Why the token did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TokenError {
    cause: String,
    mend: &'static str,
    kind: ErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ErrorKind {
    /// The session is gone, or may be: a new one may do.
    Lost,
    /// The PIN was refused: trying again would lock the token.
    Pin,
    /// It would fail again.
    Other,
}

/// Bytes of a CKA_ID.
const OBJECT_BYTES: usize = 16;
/// DER of an octet string of 32 bytes, in which tokens wrap a point.
const WRAPPED: [u8; 2] = [0x04, 0x20];
/// Begins what a key signs when it is opened. Nothing that is signed for anybody begins like this.
const PROBE: &[u8] = b"selat-keyring-probe-v1\n";

/// An open token.
pub(crate) struct Token {
    label: String,
    participant: ParticipantId,
    link: Mutex<Link>,
}

struct Link {
    device: Box<dyn Device>,
    state: LinkState,
}

enum LinkState {
    In(Box<dyn Session>),
    Out,
    Barred(TokenError),
}

impl Token {
    /// Finds the token, checks that it can do what we need, and logs in.
    pub fn open(config: &TokenConfig, participant: &ParticipantId) -> Result<Arc<Self>, KeyFault> {
        let pin = config.pin.read_line().map_err(|error| KeyFault::Token {
            label: config.label.clone(),
            cause: format!("its PIN cannot be had: {}", crate::fault::with_sources(&error)),
            mend: "see to it that the PIN can be read where [keys.token] says".to_owned(),
        })?;
        let device = pkcs11::Module::new(config.module.clone(), config.label.clone(), pin);
        Self::over(Box::new(device), config.label.clone(), participant)
    }

    fn over(device: Box<dyn Device>, label: String, participant: &ParticipantId) -> Result<Arc<Self>, KeyFault> {
        let link = Mutex::new(Link { device, state: LinkState::Out });
        let token = Self { label, participant: participant.clone(), link };
        token.with(|_| Ok(())).map_err(|error| token.fault(error))?;
        Ok(Arc::new(token))
    }

    /// The participant's working keys in the token. Each has just signed.
    pub fn keys(self: &Arc<Self>, entropy: &dyn Entropy) -> Result<Vec<(KeyPurpose, TokenKey)>, KeyFault> {
        let prefix = format!("selat {} ", self.participant);
        let pairs = self.with(|session| session.pairs(&prefix)).map_err(|error| self.fault(error))?;
        let mut keys = Vec::new();
        for pair in pairs {
            let what = format!("the key {:?} with CKA_ID {}", pair.label, hex(&pair.object));
            let unusable = |why: String| self.fault(TokenError::other(format!("{what} {why}")));
            let word = pair.label.strip_prefix(&prefix).unwrap_or_default();
            let purpose = purpose_from_word(word).filter(|purpose| *purpose != KeyPurpose::Root);
            let purpose = purpose.ok_or_else(|| unusable("is for no purpose that a node has".to_owned()))?;
            let key = self.key(pair).map_err(|error| unusable(error.what))?;
            let mut probe = PROBE.to_vec();
            probe.extend_from_slice(&draw(entropy));
            key.sign(&probe).map_err(|error| unusable(format!("does not sign: {error}")))?;
            keys.push((purpose, key));
        }
        Ok(keys)
    }

    /// Makes a key of this purpose in the token.
    pub fn generate(
        self: &Arc<Self>,
        purpose: KeyPurpose,
        entropy: &dyn Entropy,
    ) -> Result<(KeyPurpose, TokenKey), KeyFailure> {
        let label = format!("selat {} {}", self.participant, purpose_word(purpose));
        let object = draw(entropy);
        let pair = self.with(|session| session.generate(&label, &object)).map_err(|error| self.failure(error))?;
        Ok((purpose, self.key(pair)?))
    }

    /// Destroys a key in the token.
    pub fn destroy(&self, object: &[u8]) -> Result<(), KeyFailure> {
        self.with(|session| session.destroy(object)).map_err(|error| self.failure(error))
    }

    fn key(self: &Arc<Self>, pair: Pair) -> Result<TokenKey, KeyFailure> {
        if pair.extractable {
            return Err(KeyFailure::new("can be read out of the token"));
        }
        // Tokens wrap the point as DER does; some of them do not.
        let point = pair.point.strip_prefix(&WRAPPED).filter(|point| point.len() == 32).unwrap_or(&pair.point);
        let public =
            PublicKey::check(point).map_err(|error| KeyFailure::new(format!("has a public half that {error}")))?;
        Ok(TokenKey { token: self.clone(), object: pair.object, public })
    }

    /// Does something in a session; once more in a new one if the first is gone.
    fn with<T>(&self, mut work: impl FnMut(&mut dyn Session) -> Result<T, TokenError>) -> Result<T, TokenError> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        match link.session().and_then(&mut work) {
            Err(error) if error.kind == ErrorKind::Lost => {
                link.state = LinkState::Out;
                link.session().and_then(work)
            }
            done => done,
        }
    }

    fn fault(&self, error: TokenError) -> KeyFault {
        KeyFault::Token { label: self.label.clone(), cause: error.cause, mend: error.mend.to_owned() }
    }

    fn failure(&self, error: TokenError) -> KeyFailure {
        KeyFailure::new(format!("token {:?}: {}", self.label, error.cause))
    }
}

impl Link {
    fn session(&mut self) -> Result<&mut dyn Session, TokenError> {
        if let LinkState::Out = self.state {
            self.state = match self.device.log_in() {
                Ok(session) => LinkState::In(session),
                Err(error) if error.kind == ErrorKind::Pin => LinkState::Barred(error),
                Err(error) => return Err(error),
            };
        }
        match &mut self.state {
            LinkState::In(session) => Ok(session.as_mut()),
            LinkState::Barred(error) => Err(error.clone()),
            LinkState::Out => Err(TokenError::other("it did not let us in".to_owned())),
        }
    }
}

impl TokenError {
    fn other(cause: String) -> Self {
        Self { cause, mend: "look into the token with its maker's tool", kind: ErrorKind::Other }
    }
}

/// A secret key in a token.
pub(crate) struct TokenKey {
    token: Arc<Token>,
    object: Vec<u8>,
    public: PublicKey,
}

impl TokenKey {
    /// The CKA_ID of its pair.
    pub fn object(&self) -> &[u8] {
        &self.object
    }
}

impl KeyHandle for TokenKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure> {
        let failure = |error| self.token.failure(error);
        let signature = self.token.with(|session| session.sign(&self.object, message)).map_err(failure)?;
        // A token may do something else than it was asked for and not say so.
        if !self.public.holds(message, &signature) {
            return Err(failure(TokenError::other("its signature does not hold".to_owned())));
        }
        let bytes = <[u8; 64]>::try_from(signature.as_slice());
        bytes.map_err(|_| failure(TokenError::other("its signature is not 64 bytes".to_owned())))
    }

    fn blocks(&self) -> bool {
        true
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({} in token {:?})", self.public.id(), self.token.label)
    }
}

fn draw(entropy: &dyn Entropy) -> [u8; OBJECT_BYTES] {
    let mut bytes = [0; OBJECT_BYTES];
    entropy.fill(&mut bytes);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
