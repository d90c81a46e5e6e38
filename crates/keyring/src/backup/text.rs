//! The text under the passphrase: a manifest, then each file below its name.
//!
//! ```text
//! Selat key backup 1
//! Participant: AUS
//! Made: 1795564800000 2026-11-24T16:00:00Z
//! Custody: files
//! File: record-1f3a90c2.key record <id of the key>
//! File: storage.key
//! File: officer-ca.pem
//! Token: log <id of the key>
//!
//! === record-1f3a90c2.key
//! -----BEGIN SELAT SECRET KEY-----
//! ...
//! ```
//! There is one way to write a backup; what is written in another way is refused.

use selat_record::{ParticipantId, Timestamp};
use selat_seal::keyfile::{purpose_from_word, purpose_word};
use selat_seal::{HeldKey, KeyFile, KeyId, armor};
use zeroize::Zeroizing;

use super::{BackedUp, Backup, Content, Manifest};
use crate::keyfile::EXTENSION;
use crate::{NamedSecret, keyfile};

const FIRST: &str = "Selat key backup 1";
/// Begins the line above each file.
const MARK: &str = "=== ";
/// Longest name of a file, in bytes.
const NAME_MAX: usize = 64;

/// The text of a backup.
pub(super) fn write(backup: &Backup) -> Zeroizing<String> {
    let head = head(&backup.manifest);
    let room = |text: &Zeroizing<String>| text.len() + MARK.len() + NAME_MAX + 2;
    // All the room at once: a string that grows leaves its old bytes behind, unwiped.
    let mut text = Zeroizing::new(String::with_capacity(head.len() + backup.texts.iter().map(room).sum::<usize>()));
    text.push_str(&head);
    for (file, content) in backup.manifest.files.iter().zip(&backup.texts) {
        for part in [MARK, &file.name, "\n", content] {
            text.push_str(part);
        }
    }
    text
}

/// Reads the text of a backup and holds every file against the manifest.
pub(super) fn read(text: &str) -> Result<Backup, String> {
    let at = text.find("\n\n").ok_or("it has no end of its manifest")?;
    let (head_text, mut rest) = text.split_at(at + 2);
    let manifest = manifest(head_text)?;
    if head(&manifest) != head_text {
        return Err("its manifest is not written in the one way".to_owned());
    }
    let mut texts = Vec::new();
    for file in &manifest.files {
        let missing = || format!("{} is in the manifest and not in the backup", file.name);
        let body = rest.strip_prefix(MARK).and_then(|rest| rest.strip_prefix(file.name.as_str()));
        let body = body.and_then(|rest| rest.strip_prefix('\n')).ok_or_else(missing)?;
        let end = body.find(&format!("\n{MARK}")).map_or(body.len(), |at| at + 1);
        let (content, after) = body.split_at(end);
        agree(&manifest, file, content)?;
        texts.push(Zeroizing::new(content.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        return Err("it holds more than its manifest says".to_owned());
    }
    Ok(Backup { manifest, texts })
}

/// The manifest as it is written.
fn head(manifest: &Manifest) -> String {
    let Manifest { participant, made, custody, files, in_token } = manifest;
    let mut head = format!("{FIRST}\nParticipant: {participant}\nMade: {} {made}\nCustody: {custody}\n", made.ms());
    for file in files {
        let what = match file.what {
            Content::Key(key) => format!(" {}", words(key)),
            Content::Secret(_) | Content::Companion => String::new(),
        };
        head.push_str(&format!("File: {}{what}\n", file.name));
    }
    for key in in_token {
        head.push_str(&format!("Token: {}\n", words(*key)));
    }
    head.push('\n');
    head
}

fn manifest(head: &str) -> Result<Manifest, String> {
    let mut lines = head.trim_end_matches('\n').lines();
    if lines.next() != Some(FIRST) {
        return Err(format!("it does not begin with {FIRST:?}"));
    }
    let mut field = |name: &str| {
        let value = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.map(str::to_owned).ok_or_else(|| format!("it lacks the line \"{name}: ...\""))
    };
    let participant: ParticipantId =
        field("Participant")?.parse().map_err(|_| "its participant is not one".to_owned())?;
    let made = field("Made")?.split(' ').next().and_then(|ms| Timestamp::from_ms(ms.parse().ok()?));
    let made = made.ok_or("its time is not one")?;
    let custody = field("Custody")?;
    let (mut files, mut in_token) = (Vec::<BackedUp>::new(), Vec::new());
    for line in lines {
        let not_a_line = || format!("{:?} is no line of a manifest", line.chars().take(NAME_MAX).collect::<String>());
        match line.split_once(": ").ok_or_else(not_a_line)? {
            ("File", file) => files.push(backed_up(file).ok_or_else(not_a_line)?),
            ("Token", key) => in_token.push(held(key).ok_or_else(not_a_line)?),
            _ => return Err(not_a_line()),
        }
    }
    for (n, file) in files.iter().enumerate() {
        if files.iter().skip(n + 1).any(|other| other.name == file.name) {
            return Err(format!("it names {} twice", file.name));
        }
    }
    Ok(Manifest { participant, made, custody, files, in_token })
}

fn backed_up(line: &str) -> Option<BackedUp> {
    let (name, key) = line.split_once(' ').map_or((line, None), |(name, key)| (name, Some(key)));
    let plain = |c: char| c.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&c);
    if name.is_empty() || name.len() > NAME_MAX || name.starts_with('.') || !name.chars().all(plain) {
        return None;
    }
    let secret = NamedSecret::ALL.into_iter().find(|secret| secret.file_name() == name);
    let what = match (key, secret) {
        (None, Some(secret)) => Content::Secret(secret),
        (None, None) if !name.ends_with(EXTENSION) => Content::Companion,
        (Some(key), None) if name.ends_with(EXTENSION) => Content::Key(held(key)?),
        _ => return None,
    };
    Some(BackedUp { name: name.to_owned(), what })
}

/// A key as the manifest writes it: purpose and id.
fn words(key: HeldKey) -> String {
    format!("{} {}", purpose_word(key.purpose), key.id)
}

fn held(words: &str) -> Option<HeldKey> {
    let (purpose, id) = words.split_once(' ')?;
    Some(HeldKey { id: key_id(id)?, purpose: purpose_from_word(purpose)? })
}

fn key_id(hex: &str) -> Option<KeyId> {
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Vec<u8> = hex.as_bytes().chunks(2).map(digits).collect::<Option<_>>()?;
    KeyId::from_slice(&bytes)
}

/// Whether a file holds what the manifest says.
fn agree(manifest: &Manifest, file: &BackedUp, content: &str) -> Result<(), String> {
    let holds_another = || format!("{} does not hold what the manifest says", file.name);
    match file.what {
        Content::Companion => Ok(()),
        Content::Secret(secret) => {
            let bytes = armor::dearmor(secret.kind(), content).map_err(|error| format!("{} {error}", file.name))?;
            if Zeroizing::new(bytes).len() == 32 { Ok(()) } else { Err(holds_another()) }
        }
        Content::Key(key) => {
            let held = KeyFile::parse(content).map_err(|error| format!("{}: {error}", file.name))?;
            let is = HeldKey { id: held.secret.id(), purpose: held.purpose };
            let named = [keyfile::name_of(key), format!("{}{EXTENSION}", purpose_word(key.purpose))];
            let agrees = is == key && held.participant == manifest.participant && named.contains(&file.name);
            if agrees { Ok(()) } else { Err(holds_another()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use selat_record::pb::KeyPurpose;
    use selat_seal::SecretKey;

    fn key(seed: u8, purpose: KeyPurpose) -> (BackedUp, Zeroizing<String>) {
        let secret = SecretKey::from_seed([seed; 32]);
        let key = HeldKey { id: secret.id(), purpose };
        let file = KeyFile { participant: "AUS".parse().unwrap(), purpose, secret };
        (BackedUp { name: keyfile::name_of(key), what: Content::Key(key) }, file.to_text())
    }

    fn good() -> Backup {
        let storage = BackedUp { name: "storage.key".to_owned(), what: Content::Secret(NamedSecret::Storage) };
        let storage_text = Zeroizing::new(armor::armor(NamedSecret::Storage.kind(), &[5; 32]));
        let certificate = BackedUp { name: "officer-ca.pem".to_owned(), what: Content::Companion };
        let parts = [
            key(1, KeyPurpose::Record),
            key(2, KeyPurpose::TlsCa),
            (storage, storage_text),
            (certificate, Zeroizing::new("-----BEGIN CERTIFICATE-----\n".to_owned())),
        ];
        let (files, texts) = parts.into_iter().unzip();
        let in_token = vec![HeldKey { id: SecretKey::from_seed([3; 32]).id(), purpose: KeyPurpose::Log }];
        let made = Timestamp::from_ms(1_795_564_800_123).unwrap();
        let custody = "token hsm".to_owned();
        let participant = "AUS".parse().unwrap();
        Backup { manifest: Manifest { participant, made, custody, files, in_token }, texts }
    }

    fn refusal(change: impl FnOnce(&str) -> String) -> String {
        let text = write(&good());
        let changed = change(&text);
        assert_ne!(changed, *text, "a change that changes nothing shows nothing");
        read(&changed).err().unwrap_or_else(|| panic!("was taken: {changed}"))
    }

    #[test]
    fn a_backup_comes_back_as_it_went() {
        let again = read(&write(&good())).unwrap();
        assert_eq!(again.manifest, good().manifest);
        assert_eq!(again.texts, good().texts);
        let empty = Backup { texts: Vec::new(), manifest: Manifest { files: Vec::new(), ..good().manifest } };
        assert!(read(&write(&empty)).unwrap().texts.is_empty());
    }

    #[test]
    fn a_manifest_is_written_in_one_way() {
        let check = |from: &str, to: &str, words: &str| {
            let refused = refusal(|text| text.replacen(from, to, 1));
            assert!(refused.contains(words), "{from:?} to {to:?}: {refused}");
        };
        check("backup 1", "backup 2", "does not begin with");
        check("Participant: AUS", "Participant: aus", "its participant is not one");
        check("Participant", "Made", "lacks the line \"Participant: ...\"");
        check("Made: 1795564800123", "Made: -1", "its time is not one");
        check("Made: 1795564800123", "Made: 01795564800123", "not written in the one way");
        check("Made: 1795564800123", "Made: 1795564800999999", "its time is not one");
        check("File: storage.key", "File: ../storage.key", "is no line of a manifest");
        check("File: storage.key", "File: .storage.key", "is no line of a manifest");
        check("File: storage.key", "File: other.key", "is no line of a manifest");
        check("File: officer-ca.pem", "File: storage.key", "names storage.key twice");
        check("File: officer-ca.pem", "Fail: officer-ca.pem", "is no line of a manifest");
        check("Token: log ", "Token: log 0", "is no line of a manifest");
        check("Token: log", "Token: lag", "is no line of a manifest");
        check("Token: log ", "Token: log +f", "is no line of a manifest");
    }

    #[test]
    fn what_does_not_agree_with_its_manifest_is_refused() {
        let [record, tls_ca] = [key(1, KeyPurpose::Record), key(2, KeyPurpose::TlsCa)];
        let swapped =
            refusal(|text| text.replace(&*record.1, "X").replace(&*tls_ca.1, &record.1).replace('X', &tls_ca.1));
        assert!(swapped.contains("does not hold what the manifest says"), "{swapped}");
        let cut = refusal(|text| text.replace("=== storage.key\n", ""));
        assert!(cut.contains("storage.key") || cut.contains("does not end with"), "{cut}");
        let more = refusal(|text| format!("{text}=== more.pem\nmore"));
        assert!(more.contains("more than its manifest says"), "{more}");
        let damaged = refusal(|text| text.replacen("AQEB", "AQEC", 1));
        assert!(damaged.contains("another key than its Key-Id line says"), "{damaged}");
        let others = refusal(|text| text.replace("Participant: AUS\nPurpose", "Participant: NZL\nPurpose"));
        assert!(others.contains("does not hold what the manifest says"), "{others}");
        let short = refusal(|text| {
            text.replace(&armor::armor("STORAGE KEY", &[5; 32]), &armor::armor("STORAGE KEY", &[5; 31]))
        });
        assert!(short.contains("storage.key does not hold"), "{short}");
        assert!(read("").is_err() && read("\n\n").is_err());
    }
}
