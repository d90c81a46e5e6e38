//! The token behind a PKCS#11 module.
//!
//! Promises: the token is taken only if it makes Ed25519 keys and signs with them; the PIN is not tried when one
//! refusal more would lock the token. Only the plain form of Ed25519 is asked for: modules are known to take the
//! parameters of the other forms and ignore them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use secrecy::SecretString;

use super::{Device, ErrorKind, Pair, TokenError};

/// CKA_EC_PARAMS of an Ed25519 key: the name of the curve as a printable string of DER.
const EDWARDS25519: [u8; 14] = *b"\x13\x0cedwards25519";
/// Most objects of one kind that are looked at.
const OBJECTS_MAX: usize = 1024;

/// The modules of this process. Each is loaded once and stays: its threads and its sessions are the process's.
static MODULES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// A module, the label of one of its tokens, and the PIN of that.
pub(super) struct Module {
    path: PathBuf,
    label: String,
    pin: SecretString,
}

impl Module {
    pub fn new(path: PathBuf, label: String, pin: SecretString) -> Self {
        Self { path, label, pin }
    }

    fn load(&self) -> Result<Pkcs11, TokenError> {
        let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = modules.get(&self.path) {
            return Ok(module.clone());
        }
        let cannot = |error: Error| TokenError {
            cause: format!("module {} cannot be loaded: {error}", self.path.display()),
            mend: "install the PKCS#11 library of the token's maker, and name it in [keys.token] module",
            kind: ErrorKind::Other,
        };
        let module = Pkcs11::new(&self.path).map_err(cannot)?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(cannot(error)),
        }
        modules.insert(self.path.clone(), module.clone());
        Ok(module)
    }

    /// The slot with our token.
    fn find(&self, module: &Pkcs11) -> Result<Slot, TokenError> {
        let mut found = Vec::new();
        let mut labels = Vec::new();
        for slot in module.get_slots_with_initialized_token().map_err(from_module)? {
            let label = module.get_token_info(slot).map_err(from_module)?.label().trim_end().to_owned();
            if label == self.label {
                found.push(slot);
            }
            labels.push(label);
        }
        let wrong = |cause| TokenError {
            cause,
            mend: "plug the token in, or name its label in [keys.token] label",
            // A token that was pulled out may be plugged in again.
            kind: ErrorKind::Other,
        };
        match found.as_slice() {
            [slot] => Ok(*slot),
            [] if labels.is_empty() => Err(wrong("the module shows no token at all".to_owned())),
            [] => Err(wrong(format!("no token has that label; the module shows {}", labels.join(", ")))),
            _ => Err(wrong(format!("{} tokens have that label", found.len()))),
        }
    }
}

impl Device for Module {
    fn log_in(&mut self) -> Result<Box<dyn super::Session>, TokenError> {
        let module = self.load()?;
        let slot = self.find(&module)?;
        probe(&module, slot)?;
        let session = module.open_rw_session(slot).map_err(from_module)?;
        match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(from_module(error)),
        }
        Ok(Box::new(LoggedIn { session, handles: BTreeMap::new() }))
    }
}

/// Whether this token can do what we need, and would take a PIN.
fn probe(module: &Pkcs11, slot: Slot) -> Result<(), TokenError> {
    let offered = module.get_mechanism_list(slot).map_err(from_module)?;
    for needed in [MechanismType::ECC_EDWARDS_KEY_PAIR_GEN, MechanismType::EDDSA] {
        if !offered.contains(&needed) {
            return Err(TokenError {
                cause: format!("it does not offer {needed}, so it cannot make Ed25519 keys or sign with them"),
                mend: "use a token, or a build of its software, with EdDSA over edwards25519",
                kind: ErrorKind::Other,
            });
        }
    }
    let info = module.get_token_info(slot).map_err(from_module)?;
    let locked = |cause: &str| TokenError {
        cause: cause.to_owned(),
        mend: "log in once with the token's own tool and the right PIN, or let its security officer set a new one",
        kind: ErrorKind::Pin,
    };
    if info.user_pin_locked() {
        return Err(locked("its PIN is locked after too many refusals"));
    }
    if info.user_pin_final_try() {
        return Err(locked("one more refusal would lock its PIN, so it is not tried"));
    }
    Ok(())
}

/// A session in which the user is logged in, with the handles of the keys that it has used.
struct LoggedIn {
    session: Session,
    handles: BTreeMap<Vec<u8>, ObjectHandle>,
}

impl super::Session for LoggedIn {
    fn pairs(&mut self, prefix: &str) -> Result<Vec<Pair>, TokenError> {
        let mut pairs: Vec<Pair> = Vec::new();
        for secret in self.find(&[Attribute::Class(ObjectClass::PRIVATE_KEY), edwards()])? {
            let (label, object, extractable) = self.describe(secret)?;
            if !label.starts_with(prefix) {
                continue;
            }
            if pairs.iter().any(|pair| pair.object == object) {
                return Err(TokenError::other(format!("two keys share the CKA_ID {}", super::hex(&object))));
            }
            let point = self.point(&object)?;
            pairs.push(Pair { label, object, point, extractable });
        }
        Ok(pairs)
    }

    fn generate(&mut self, label: &str, object: &[u8]) -> Result<Pair, TokenError> {
        // An earlier try may have made the pair and lost its session before it could say so.
        self.destroy(object)?;
        let both = |class| {
            let label = Attribute::Label(label.as_bytes().to_vec());
            vec![Attribute::Class(class), edwards(), Attribute::Token(true), label, Attribute::Id(object.to_vec())]
        };
        let mut public = both(ObjectClass::PUBLIC_KEY);
        public.extend([Attribute::Private(false), Attribute::Verify(true), Attribute::EcParams(EDWARDS25519.to_vec())]);
        let mut secret = both(ObjectClass::PRIVATE_KEY);
        secret.extend([
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ]);
        let made = self.session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &secret);
        let (_, secret) = made.map_err(from_module)?;
        let (label, object, extractable) = self.describe(secret)?;
        let point = self.point(&object)?;
        Ok(Pair { label, object, point, extractable })
    }

    fn sign(&mut self, object: &[u8], message: &[u8]) -> Result<Vec<u8>, TokenError> {
        let handle = match self.handles.get(object) {
            Some(handle) => *handle,
            None => {
                let secret = self.one(ObjectClass::PRIVATE_KEY, object)?;
                self.handles.insert(object.to_vec(), secret);
                secret
            }
        };
        let plain = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure));
        self.session.sign(&plain, handle, message).map_err(from_module)
    }

    fn destroy(&mut self, object: &[u8]) -> Result<(), TokenError> {
        self.handles.remove(object);
        // The secret half first: what is left after a failure signs nothing.
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            for half in self.find(&[Attribute::Class(class), edwards(), Attribute::Id(object.to_vec())])? {
                self.session.destroy_object(half).map_err(from_module)?;
            }
        }
        Ok(())
    }
}

impl LoggedIn {
    fn find(&self, template: &[Attribute]) -> Result<Vec<ObjectHandle>, TokenError> {
        let found = self.session.iter_objects(template).map_err(from_module)?;
        let found: Vec<_> = found.take(OBJECTS_MAX + 1).collect::<Result<_, _>>().map_err(from_module)?;
        if found.len() > OBJECTS_MAX {
            return Err(TokenError::other(format!("it holds more than {OBJECTS_MAX} Ed25519 keys")));
        }
        Ok(found)
    }

    fn one(&self, class: ObjectClass, object: &[u8]) -> Result<ObjectHandle, TokenError> {
        let found = self.find(&[Attribute::Class(class), edwards(), Attribute::Id(object.to_vec())])?;
        match found.as_slice() {
            [one] => Ok(*one),
            _ => {
                let half = if class == ObjectClass::PRIVATE_KEY { "secret" } else { "public" };
                let id = super::hex(object);
                let error =
                    TokenError::other(format!("it holds {} {half} keys with CKA_ID {id}, not one", found.len()));
                // To a session that was logged out, a token shows no secret keys and says no more.
                let kind = if found.is_empty() { ErrorKind::Lost } else { ErrorKind::Other };
                Err(TokenError { kind, ..error })
            }
        }
    }

    /// Label and CKA_ID of a secret key, and whether it could leave the token.
    fn describe(&self, secret: ObjectHandle) -> Result<(String, Vec<u8>, bool), TokenError> {
        let asked = [AttributeType::Label, AttributeType::Id, AttributeType::Extractable, AttributeType::Sensitive];
        let (mut label, mut object) = (String::new(), Vec::new());
        // Until the token has said otherwise.
        let (mut extractable, mut sensitive) = (true, false);
        for attribute in self.session.get_attributes(secret, &asked).map_err(from_module)? {
            match attribute {
                Attribute::Label(bytes) => label = String::from_utf8_lossy(&bytes).into_owned(),
                Attribute::Id(bytes) => object = bytes,
                Attribute::Extractable(is) => extractable = is,
                Attribute::Sensitive(is) => sensitive = is,
                _ => {}
            }
        }
        Ok((label, object, extractable || !sensitive))
    }

    /// The public point of the pair with this CKA_ID.
    fn point(&self, object: &[u8]) -> Result<Vec<u8>, TokenError> {
        let public = self.one(ObjectClass::PUBLIC_KEY, object)?;
        let attributes = self.session.get_attributes(public, &[AttributeType::EcPoint]).map_err(from_module)?;
        let point = attributes.into_iter().find_map(|attribute| match attribute {
            Attribute::EcPoint(point) => Some(point),
            _ => None,
        });
        point.ok_or_else(|| TokenError::other(format!("it does not show the point of key {}", super::hex(object))))
    }
}

fn edwards() -> Attribute {
    Attribute::KeyType(KeyType::EC_EDWARDS)
}

fn from_module(error: Error) -> TokenError {
    let Error::Pkcs11(code, function) = &error else { return TokenError::other(error.to_string()) };
    let kind = match code {
        RvError::PinIncorrect
        | RvError::PinInvalid
        | RvError::PinLenRange
        | RvError::PinExpired
        | RvError::PinLocked => ErrorKind::Pin,
        RvError::SessionHandleInvalid
        | RvError::SessionClosed
        | RvError::UserNotLoggedIn
        | RvError::ObjectHandleInvalid
        | RvError::KeyHandleInvalid
        | RvError::OperationActive
        | RvError::DeviceError
        | RvError::DeviceRemoved
        | RvError::TokenNotPresent
        | RvError::FunctionFailed
        | RvError::GeneralError => ErrorKind::Lost,
        _ => ErrorKind::Other,
    };
    let mend = match kind {
        ErrorKind::Pin => "put the right PIN where [keys.token] says, then start the node again",
        ErrorKind::Lost => "see that the token is plugged in and its service runs",
        ErrorKind::Other => "look into the token with its maker's tool",
    };
    TokenError { cause: format!("C_{function:?} failed: {}", first_sentence(&code.to_string())), mend, kind }
}

/// The module's texts run over several sentences; the first names the fault.
fn first_sentence(text: &str) -> &str {
    text.split(". ").next().unwrap_or(text).trim_end_matches('.')
}
