//! `selat key generate` and `export-public`: keys in files, without a node.
//!
//! Promise: a passphrase comes from a file or from the terminal, never from an argument; nothing is written over.

use std::path::{Path, PathBuf};

use selat_complaint::{Complaint, Exit};
use selat_keyring::{KeyFault, Lock, Passphrase, PassphraseError, PassphraseSource, keyfile};
use selat_record::pb::KeyPurpose;
use selat_seal::keyfile::purpose_word;
use selat_seal::{KeyFile, PublicFile, SecretKey};
use serde_json::{Value, json};

use super::{Session, node_keys};
use crate::cli::{ExportPublicArgs, GenerateArgs, KeyCommand, KeyKind};
use crate::explain;
use crate::input::{refuse_if_there, write_new};
use crate::show::SHAPE_VERSION;

pub(super) async fn run(session: &mut Session<'_>, command: KeyCommand) -> Result<Exit, Complaint> {
    match command {
        KeyCommand::Generate(args) => generate(session, &args),
        KeyCommand::ExportPublic(args) => export_public(session, &args).await,
        KeyCommand::OfNode(command) => node_keys::run(session, command).await,
    }
}

fn generate(session: &mut Session<'_>, args: &GenerateArgs) -> Result<Exit, Complaint> {
    // Before the passphrase is chosen: nobody shall think of one in vain.
    refuse_if_there(&args.file)?;
    let passphrase = if args.no_passphrase { None } else { Some(chosen_passphrase(session, args)?) };
    let purpose = match args.kind {
        KeyKind::Root => KeyPurpose::Root,
    };
    let participant = args.participant.clone();
    let file = KeyFile { participant, purpose, secret: SecretKey::generate(session.entropy) };
    keyfile::write(&args.file, &file, passphrase.as_ref())
        .map_err(|error| Complaint::about(&explain::KEY_FILE).problem("the key was not made").cause(error))?;
    print_made(session, &PublicFile::of(&file), passphrase.is_some())?;
    let shown = args.file.display();
    session.screen.say(format!(
        "written to {shown}; copy it to a second medium, and write the key id on paper\nnext: selat key export-public {shown}"
    ));
    Ok(Exit::Ok)
}

fn chosen_passphrase(session: &Session<'_>, args: &GenerateArgs) -> Result<Passphrase, Complaint> {
    let source = source(session, args.passphrase_file.as_deref(), &args.file)?;
    source.choose().map_err(|error| no_passphrase(&error))
}

fn print_made(session: &mut Session<'_>, key: &PublicFile, protected: bool) -> Result<(), Complaint> {
    let value = || {
        let mut value = public_json(key);
        if let Value::Object(fields) = &mut value {
            fields.insert("version".to_owned(), SHAPE_VERSION.into());
            fields.insert("protected".to_owned(), protected.into());
        }
        value
    };
    let how = if protected { "under a passphrase" } else { "NOT PROTECTED: whoever can read the file has the key" };
    let lines = || {
        vec![
            format!("{} key of {}, {how}", purpose_word(key.purpose), key.participant),
            format!("key id  {}", key.public.id()),
        ]
    };
    session.print(value, lines)
}

async fn export_public(session: &mut Session<'_>, args: &ExportPublicArgs) -> Result<Exit, Complaint> {
    args.file.iter().try_for_each(|file| refuse_if_there(file))?;
    let public = if args.keys.is_empty() { node_keys::public(session).await? } else { public_of_files(session, args)? };
    let text: String = public.iter().map(PublicFile::to_text).collect();
    if let Some(path) = &args.file {
        write_new(path, &text)?;
        session.screen.say(format!("written to {}", path.display()));
    } else if session.wants_json() {
        let keys: Vec<Value> = public.iter().map(public_json).collect();
        session.print(|| json!({ "version": SHAPE_VERSION, "keys": keys }), Vec::new)?;
    } else {
        text.lines().try_for_each(|line| session.screen.line(line))?;
    }
    Ok(Exit::Ok)
}

fn public_of_files(session: &Session<'_>, args: &ExportPublicArgs) -> Result<Vec<PublicFile>, Complaint> {
    let keys = secret_keys(session, &args.keys, &args.passphrase_files)?;
    let public: Vec<PublicFile> = keys.iter().map(PublicFile::of).collect();
    if let Some(authority) = public.iter().find(|key| key.purpose == KeyPurpose::TlsCa) {
        let cause =
            format!("{} is the key of an authority, which is announced with its certificate", authority.public.id());
        return Err(Complaint::about(&explain::KEY_FILE)
            .problem("the public half was not written")
            .cause(cause)
            .mend("let the node announce it: selat key rotate tls-ca"));
    }
    Ok(public)
}

fn public_json(key: &PublicFile) -> Value {
    json!({
        "participant": key.participant.as_str(),
        "purpose": purpose_word(key.purpose).replace('-', "_"),
        "key": key.public.id().to_string(),
        "public_key_file": key.to_text(),
    })
}

/// The secret keys in `paths`. `passphrase_files` are none, one for all, or one for each.
pub(super) fn secret_keys(
    session: &Session<'_>,
    paths: &[PathBuf],
    passphrase_files: &[PathBuf],
) -> Result<Vec<KeyFile>, Complaint> {
    if passphrase_files.len() > 1 && passphrase_files.len() != paths.len() {
        let cause = format!("{} keys and {} passphrase files were given", paths.len(), passphrase_files.len());
        return Err(Complaint::about(&explain::PASSPHRASE).cause(cause).mend("give one for all keys, or one for each"));
    }
    let of = |(n, path): (usize, &PathBuf)| {
        let file = passphrase_files.get(n).or_else(|| passphrase_files.first());
        let protected = keyfile::is_protected(path).map_err(|fault| key_fault(&fault))?;
        let source = match protected {
            true => source(session, file.map(PathBuf::as_path), path)?,
            // Never asked.
            false => PassphraseSource::Prompt { question: String::new() },
        };
        keyfile::read_any(path, &Lock::new(source)).map_err(|fault| key_fault(&fault))
    };
    paths.iter().enumerate().map(of).collect()
}

fn source(session: &Session<'_>, file: Option<&Path>, key: &Path) -> Result<PassphraseSource, Complaint> {
    match file {
        Some(file) => Ok(PassphraseSource::File(file.to_owned())),
        None => {
            let question = format!("passphrase of {}", key.display());
            let mend = |complaint: Complaint| complaint.mend("name a file with the passphrase: --passphrase-file FILE");
            session.screen.refuse_unless_somebody_is_there(&question).map_err(mend)?;
            Ok(PassphraseSource::Prompt { question })
        }
    }
}

fn no_passphrase(error: &PassphraseError) -> Complaint {
    let complaint = Complaint::about(&explain::PASSPHRASE).cause(error);
    let complaint = match std::error::Error::source(error) {
        Some(source) => complaint.cause(source),
        None => complaint,
    };
    match error {
        PassphraseError::Differ => complaint.mend("run the command again and type the same passphrase twice"),
        PassphraseError::TooShort => complaint.mend("choose a longer one: six words drawn by dice are good"),
        PassphraseError::Exposed { .. } => {
            complaint.mend("chmod 600 the passphrase file, and choose another passphrase")
        }
        _ => complaint,
    }
}

fn key_fault(fault: &KeyFault) -> Complaint {
    if let KeyFault::Passphrase(error) = fault {
        return no_passphrase(error);
    }
    let complaint = Complaint::about(&explain::KEY_FILE).problem(fault.to_string());
    match fault {
        KeyFault::Locked { .. } => complaint
            .cause("the file is under another passphrase, or has been changed")
            .mend("give the passphrase that it was made with; if it is lost, take the second copy"),
        KeyFault::Exposed { .. } => complaint.cause(fault.cause()).mend(fault.mend()),
        KeyFault::NotAKey { .. } => complaint.cause(fault.cause()).ending(Exit::Integrity),
        _ => complaint.cause(fault.cause()),
    }
}
