//! Keys in SoftHSM2, a PKCS#11 token in software. Each test runs in a process of its own, because the module reads
//! where its tokens are from the environment when it is loaded. Without the module they say aloud that they are skipped.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::{Session, UserType};
use secrecy::SecretString;
use selat_keyring::backup::{self, Verdict};
use selat_keyring::{Custody, Expected, KeyFault, NamedSecret, PassphraseSource, Protection, TokenConfig, keyfile};
use selat_record::Timestamp;
use selat_record::pb::KeyPurpose;
use selat_seal::KeyFile;

use crate::kit::{Home, australia, entropy, open, passphrase};
use crate::promises::keeps_its_promises;

/// The folder that the parent has made for the child.
const PLACE: &str = "SELAT_TEST_TOKEN";
const LABEL: &str = "selat-test";
const PIN: &str = "48151623";
const WRONG_PIN: &str = "99998888";

#[test]
fn keys_in_a_token_keep_their_promises() {
    with_token("token::keys_in_a_token_keep_their_promises", |token| {
        keeps_its_promises(&Home {
            custody: token.custody(PIN),
            wrong: Some(token.custody(WRONG_PIN)),
            damage: {
                let token = token.clone();
                // Without its public half a key cannot be named.
                Box::new(move |key| token.destroy_public(&format!("selat AUS {}", word(key.purpose))))
            },
            secrets: vec![PIN.to_owned(), WRONG_PIN.to_owned()],
            words: "token selat-test",
            blocks: true,
        });
    });
}

#[test]
fn a_session_that_was_logged_out_is_opened_again() {
    with_token("token::a_session_that_was_logged_out_is_opened_again", |token| {
        let ring = open(&token.custody(PIN), &Expected::default()).unwrap();
        let signers = [KeyPurpose::Log, KeyPurpose::Query].map(|purpose| {
            let id = ring.generate(purpose).unwrap();
            ring.signer(id).unwrap()
        });
        // Of the first the session knows the handle, of the second not yet.
        for (n, signer) in signers.iter().enumerate() {
            if n == 0 {
                signer.sign_bytes(b"before").unwrap();
            }
            // A log-out in one session logs out all sessions of the process.
            token.session().logout().unwrap();
            let signature = signer.sign_bytes(b"after").unwrap();
            assert!(signer.public().holds(b"after", &signature));
        }
    });
}

#[test]
fn a_key_that_could_leave_the_token_is_refused() {
    with_token("token::a_key_that_could_leave_the_token_is_refused", |token| {
        token.make_pair("selat AUS record", true);
        token.make_pair("selat NZL record", true);
        let (cause, _) = token.refusal(&token.custody(PIN));
        assert!(cause.contains("\"selat AUS record\"") && cause.contains("can be read out"), "{cause}");
    });
}

#[test]
fn keys_of_others_and_keys_without_purpose_are_told_apart() {
    with_token("token::keys_of_others_and_keys_without_purpose_are_told_apart", |token| {
        token.make_pair("selat NZL record", false);
        token.make_pair("somebody else", false);
        assert_eq!(open(&token.custody(PIN), &Expected::default()).unwrap().held(), []);
        token.make_pair("selat AUS root", false);
        let (cause, _) = token.refusal(&token.custody(PIN));
        assert!(cause.contains("\"selat AUS root\"") && cause.contains("for no purpose"), "{cause}");
    });
}

#[test]
fn a_token_that_cannot_be_reached_is_told_with_its_mend() {
    with_token("token::a_token_that_cannot_be_reached_is_told_with_its_mend", |token| {
        let with = |change: fn(&mut TokenConfig)| {
            let mut custody = token.custody(PIN);
            change(custody.token.as_mut().unwrap());
            token.refusal(&custody)
        };
        let (cause, mend) = with(|config| config.label = "another".to_owned());
        assert!(cause.contains("no token has that label; the module shows selat-test"), "{cause}");
        assert!(mend.contains("[keys.token] label"), "{mend}");
        let (cause, mend) = with(|config| config.module = "/nowhere.so".into());
        assert!(cause.starts_with("module /nowhere.so cannot be loaded"), "{cause}");
        assert!(mend.contains("[keys.token] module"), "{mend}");
        let (cause, _) = with(|config| config.pin = PassphraseSource::File("/nowhere".into()));
        assert!(cause.contains("its PIN cannot be had: the file /nowhere cannot be read"), "{cause}");
    });
}

#[test]
fn keys_of_files_are_used_beside_the_token_until_they_are_gone() {
    with_token("token::keys_of_files_are_used_beside_the_token_until_they_are_gone", |token| {
        let secret = selat_seal::SecretKey::from_seed([7; 32]);
        let file = KeyFile { participant: australia(), purpose: KeyPurpose::Record, secret: secret.clone() };
        keyfile::write(&token.folder().join("record.key"), &file, None).unwrap();
        let ring = open(&token.custody(PIN), &Expected::default()).unwrap();
        let in_token = ring.generate(KeyPurpose::Record).unwrap();
        assert_eq!(ring.held().len(), 2);
        assert_eq!(ring.in_token().iter().map(|key| key.id).collect::<Vec<_>>(), [in_token]);
        ring.destroy(secret.id()).unwrap();
        drop(ring);
        let again = open(&token.custody(PIN), &Expected::default()).unwrap();
        assert_eq!(again.held().iter().map(|key| key.id).collect::<Vec<_>>(), [in_token]);
    });
}

#[test]
fn keys_in_a_token_are_named_by_a_backup_and_are_not_in_it() {
    with_token("token::keys_in_a_token_are_named_by_a_backup_and_are_not_in_it", |token| {
        let ring = open(&token.custody(PIN), &Expected::default()).unwrap();
        ring.generate(KeyPurpose::TlsCa).unwrap();
        for which in NamedSecret::ALL {
            ring.make_secret(which).unwrap();
        }
        let known = passphrase("tide gull anchor rope mast");
        let sealed = backup::write(&ring, &known, Timestamp::EPOCH).unwrap();
        let backup = backup::read(&sealed, &known).unwrap();
        assert_eq!(backup.manifest().in_token, ring.held());
        assert_eq!(backup.manifest().custody, "token selat-test");
        let names: Vec<_> = backup.manifest().files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["storage.key", "officer-ca.key"]);
        let report = backup.drill(&known, &token.place, Some(&ring.held()), entropy()).unwrap();
        assert!(report.passed());
        assert_eq!(report.keys.iter().map(|drilled| drilled.verdict).collect::<Vec<_>>(), [Verdict::InToken]);
    });
}

/// A token of the child process.
#[derive(Clone)]
struct Token {
    place: PathBuf,
    module: PathBuf,
}

impl Token {
    fn folder(&self) -> PathBuf {
        self.place.join("keys")
    }

    fn custody(&self, pin: &str) -> Custody {
        // The PIN is in no path either.
        let pin_file = self.place.join(if pin == PIN { "pin" } else { "other-pin" });
        fs::write(&pin_file, format!("{pin}\n")).unwrap();
        fs::set_permissions(&pin_file, Permissions::from_mode(0o600)).unwrap();
        let pin = PassphraseSource::File(pin_file);
        let config = TokenConfig { module: self.module.clone(), label: LABEL.to_owned(), pin };
        Custody { folder: self.folder(), protection: Protection::Plain, token: Some(config) }
    }

    /// Cause and mend of the one fault with which it does not open.
    fn refusal(&self, custody: &Custody) -> (String, String) {
        let faults = open(custody, &Expected::default()).unwrap_err();
        let faults: Vec<_> = faults.iter().collect();
        let [fault @ KeyFault::Token { .. }] = faults.as_slice() else { panic!("one fault of the token: {faults:?}") };
        (fault.cause(), fault.mend())
    }

    /// A session beside ours, logged in.
    fn session(&self) -> Session {
        let module = Pkcs11::new(&self.module).unwrap();
        // Ours may have done both already.
        let _ = module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        let slot = module.get_slots_with_initialized_token().unwrap()[0];
        let session = module.open_rw_session(slot).unwrap();
        let _ = session.login(UserType::User, Some(&SecretString::from(PIN)));
        session
    }

    fn make_pair(&self, label: &str, extractable: bool) {
        let both = [Attribute::Token(true), Attribute::Label(label.into()), Attribute::Id(label.into())];
        let mut public = both.to_vec();
        public.extend([Attribute::KeyType(KeyType::EC_EDWARDS), Attribute::EcParams(b"\x13\x0cedwards25519".to_vec())]);
        let mut secret = both.to_vec();
        secret.extend([
            Attribute::KeyType(KeyType::EC_EDWARDS),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(extractable),
            Attribute::Sign(true),
        ]);
        self.session().generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &secret).unwrap();
    }

    fn destroy_public(&self, label: &str) {
        let session = self.session();
        let public = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Label(label.into())];
        for half in session.find_objects(&public).unwrap() {
            session.destroy_object(half).unwrap();
        }
    }
}

fn word(purpose: KeyPurpose) -> &'static str {
    selat_seal::keyfile::purpose_word(purpose)
}

/// Runs `work` with a token of its own, in a process of its own: this test again, by its name.
fn with_token(name: &str, work: impl FnOnce(&Token)) {
    let modules = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"];
    let tool = Command::new("softhsm2-util").arg("--version").output();
    let found = modules.iter().map(PathBuf::from).find(|module| tool.is_ok() && module.exists());
    let Some(module) = found else {
        // Not through `eprintln!`, which the harness keeps to itself.
        writeln!(std::io::stderr(), "SKIPPED: SoftHSM2 is not installed, so {name} was not tried").unwrap();
        return;
    };
    if let Some(place) = std::env::var_os(PLACE) {
        return work(&Token { place: place.into(), module });
    }
    let place = tempfile::tempdir().unwrap();
    let config = set_up(place.path());
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([name, "--exact", "--nocapture"]).env("SOFTHSM2_CONF", &config).env(PLACE, place.path());
    let done = again.stdin(Stdio::null()).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && told.contains("1 passed"), "{told}");
}

/// Makes a folder for keys, and a token; tells the path of its configuration.
fn set_up(place: &Path) -> PathBuf {
    let (keys, tokens, config) = (place.join("keys"), place.join("tokens"), place.join("softhsm2.conf"));
    fs::create_dir(&keys).unwrap();
    fs::create_dir(&tokens).unwrap();
    let lines = format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
    fs::write(&config, lines).unwrap();
    let mut tool = Command::new("softhsm2-util");
    tool.args(["--init-token", "--free", "--label", LABEL, "--so-pin", "10203040", "--pin", PIN]);
    let made = tool.env("SOFTHSM2_CONF", &config).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    config
}
