//! What changes from one version of a descriptor to another, in words, and for whom.
//!
//! Promise: whatever two descriptors differ in is named. Leaves out whether the change is allowed: that is for those who
//! accept the later version to say.

use selat_record::pb::{self, KeyPurpose, KeyStatus};
use selat_seal::keyfile::purpose_word;
use selat_seal::sha256;
use serde_json::{Value, json};

use super::{address, key_digits, named, refresh, status_word, validity};
use crate::show::words;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Its kind for programs, for example `key_retired`.
    pub(crate) what: &'static str,
    /// What differs, for example `record 3fa91c07`.
    pub(crate) subject: String,
    /// The full id, where it is a key.
    pub(crate) key: Option<String>,
    /// As it was, and as it will be. Empty where there was or will be nothing.
    pub(crate) before: String,
    pub(crate) after: String,
    /// What it means, and for whom. A whole sentence.
    pub(crate) effect: String,
}

impl Change {
    /// `before -> after`.
    pub(crate) fn words(&self) -> String {
        match (self.before.as_str(), self.after.as_str()) {
            ("", after) => format!("new: {after}"),
            (before, "") => format!("gone: {before}"),
            (before, after) => format!("{before} -> {after}"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        json!({
            "what": self.what,
            "subject": self.subject,
            "key": self.key,
            "before": given(&self.before),
            "after": given(&self.after),
            "effect": self.effect,
        })
    }
}

/// Every difference: keys first, roots before working keys.
pub(crate) fn changes(old: &pb::Descriptor, new: &pb::Descriptor) -> Vec<Change> {
    let mut found = Vec::new();
    let known = |keys: &[pb::Key], id: &[u8]| keys.iter().find(|key| key.id == id).cloned();
    for key in &new.keys {
        match known(&old.keys, &key.id) {
            None => found.push(added(key)),
            Some(before) => found.extend(changed(&before, key)),
        }
    }
    found.extend(old.keys.iter().filter(|key| known(&new.keys, &key.id).is_none()).map(dropped));
    found.sort_by_key(|change| !change.subject.starts_with(purpose_word(KeyPurpose::Root)));
    found.extend(threshold(old, new));
    found.extend(contents(old, new));
    found
}

fn added(key: &pb::Key) -> Change {
    let signs = signs(key.purpose());
    let effect = match (key.status(), key.purpose()) {
        (KeyStatus::Pending, _) => format!(
            "Peers learn the key. Its {signs} count only after a later version makes it active, best when every peer \
             holds this one."
        ),
        (KeyStatus::Active, KeyPurpose::Root) => {
            "It counts among the root keys that sign this version and later ones.".to_owned()
        }
        (KeyStatus::Active, _) => format!(
            "Peers accept its {signs} once they hold this version, and refuse them until then. With an overlap it \
             would be announced as pending first."
        ),
        _ => format!("A key that was not listed before cannot be listed as {} now.", status_word(key.status)),
    };
    key_change("key_added", key, String::new(), standing(key), effect)
}

fn dropped(key: &pb::Key) -> Change {
    let effect = format!("Whoever holds only this version can no longer verify its {}.", signs(key.purpose()));
    key_change("key_dropped", key, standing(key), String::new(), effect)
}

fn changed(old: &pb::Key, new: &pb::Key) -> Option<Change> {
    if old == new {
        return None;
    }
    let signs = signs(new.purpose());
    let altered = (old.purpose, &old.public_key, &old.certificate) != (new.purpose, &new.public_key, &new.certificate);
    let (what, effect) = match (old.status(), new.status()) {
        _ if altered => {
            ("key_altered", "Purpose, key or certificate differ under the same id: no peer accepts that.".to_owned())
        }
        (_, KeyStatus::Compromised) => ("key_compromised", compromised(new)),
        (KeyStatus::Pending, KeyStatus::Active) => (
            "key_activated",
            format!(
                "Peers that hold this version accept its {signs} from then on; the others refuse them until they hold it."
            ),
        ),
        (_, KeyStatus::Retired) => ("key_retired", retired(new)),
        _ => ("key_changed", format!("Peers judge its {signs} by the new status and times.")),
    };
    let (before, after) = match what {
        "key_altered" => (identity(old), identity(new)),
        _ if old.status == new.status => (standing(old), standing(new)),
        _ => (status_word(old.status).to_owned(), arrival(new)),
    };
    Some(key_change(what, new, before, after, effect))
}

fn retired(key: &pb::Key) -> String {
    let until = words::moment_or_nothing(key.valid_until_ms);
    match key.purpose() {
        KeyPurpose::Root => "It signs no version after this one.".to_owned(),
        KeyPurpose::TlsCa => format!("Connections under its certificates are accepted until {until} and then closed."),
        purpose => format!(
            "Its {} made before {until} verify as before. Until then it may still sign, for peers that do not hold this \
             version yet.",
            signs(purpose)
        ),
    }
}

fn compromised(key: &pb::Key) -> String {
    let since = words::moment_or_nothing(key.compromised_since_ms);
    match key.purpose() {
        KeyPurpose::Root => "It signs no version after this one.".to_owned(),
        KeyPurpose::TlsCa => {
            "Peers accept no certificate of it any more, and close the connections under them at once.".to_owned()
        }
        KeyPurpose::Query => "Peers refuse its queries and answers.".to_owned(),
        purpose => format!(
            "Its {} count only with a peer that had logged them before {since}; later ones go into quarantine there.",
            signs(purpose)
        ),
    }
}

/// What a key of this purpose makes.
fn signs(purpose: KeyPurpose) -> &'static str {
    match purpose {
        KeyPurpose::Root => "descriptors",
        KeyPurpose::Record => "records",
        KeyPurpose::Query => "queries and answers",
        KeyPurpose::Log => "releases, receipts and checkpoints",
        KeyPurpose::TlsCa => "certificates",
        KeyPurpose::Unspecified => "signatures",
    }
}

/// What of a key never changes.
fn identity(key: &pb::Key) -> String {
    let certificate = key_digits(&sha256(&[&key.certificate]));
    format!("{} key {}, certificate {certificate}", purpose_word(key.purpose()), key_digits(&key.public_key))
}

/// Status and all times.
fn standing(key: &pb::Key) -> String {
    format!("{} {}", status_word(key.status), validity(key))
}

/// The status that a key comes to, and the moment that goes with it.
fn arrival(key: &pb::Key) -> String {
    let (word, ms) = match key.status() {
        KeyStatus::Retired => ("until", key.valid_until_ms),
        KeyStatus::Compromised => ("since", key.compromised_since_ms),
        _ => ("from", key.valid_from_ms),
    };
    format!("{} {word} {}", status_word(key.status), words::moment_or_nothing(ms))
}

fn key_change(what: &'static str, key: &pb::Key, before: String, after: String, effect: String) -> Change {
    let subject = format!("{} {}", purpose_word(key.purpose()), key_digits(&key.id));
    Change { what, subject, key: Some(words::hex(&key.id)), before, after, effect }
}

fn threshold(old: &pb::Descriptor, new: &pb::Descriptor) -> Option<Change> {
    let effect = format!(
        "This version needs the threshold of the root keys before it and its own; later ones need {} of the root keys \
         listed here.",
        new.root_threshold
    );
    plain("root_threshold", "root threshold", old.root_threshold.to_string(), new.root_threshold.to_string(), &effect)
}

fn contents(old: &pb::Descriptor, new: &pb::Descriptor) -> Vec<Change> {
    let expiry = |of: &pb::Descriptor| {
        let ms = of.header.as_ref().map_or(0, |header| header.expires_ms);
        words::moment(ms).unwrap_or_else(|| "never".to_owned())
    };
    let header = |of: &pb::Descriptor| {
        let header = of.header.clone().unwrap_or_default();
        format!("{} in {} for {}", header.issuer, header.federation, header.audience)
    };
    let addresses = |of: &pb::Descriptor| of.endpoints.iter().map(address).collect::<Vec<_>>().join(", ");
    let protocol = |of: &pb::Descriptor| {
        let range = of.protocol.unwrap_or_default();
        format!("{} to {}", range.min, range.max)
    };
    let mut found = vec![
        plain("identity", "whose it is", header(old), header(new), "These are not two versions of one descriptor."),
        plain("unit", "unit", old.unit.clone(), new.unit.clone(), "Peers show the new name to their officers."),
        plain(
            "endpoints",
            "endpoints",
            addresses(old),
            addresses(new),
            "Peers dial the new addresses once they hold this version. Keep the old ones open until all of them do.",
        ),
        plain(
            "expires",
            "expiry",
            expiry(old),
            expiry(new),
            "From that moment on peers disclose nothing new to us and ask us nothing until a newer version has come.",
        ),
        plain(
            "refresh_hint",
            "refresh hint",
            refresh(old.refresh_hint_s),
            refresh(new.refresh_hint_s),
            "So often peers look for a newer version. It also bounds how soon a new key may be used.",
        ),
        plain(
            "may_be_named",
            "naming",
            named(old.may_be_named).to_owned(),
            named(new.may_be_named).to_owned(),
            "It decides whether third participants can warn each other of two descriptors under one version.",
        ),
        plain(
            "protocol",
            "protocol",
            protocol(old),
            protocol(new),
            "Peers that speak none of these versions can no longer exchange with us.",
        ),
        plain(
            "payload_types",
            "payload types",
            old.payload_types.join(", "),
            new.payload_types.join(", "),
            "Peers send us only payloads of these types.",
        ),
    ];
    found.extend(contact(old, new));
    found.into_iter().flatten().collect()
}

fn contact(old: &pb::Descriptor, new: &pb::Descriptor) -> Vec<Option<Change>> {
    let (old, new) = (old.contact.clone().unwrap_or_default(), new.contact.clone().unwrap_or_default());
    let seen = "Duty officers of every peer see it.";
    vec![
        plain("contact_title", "contact title", old.title, new.title, seen),
        plain("contact_phone", "contact phone", old.phone, new.phone, seen),
        plain("contact_email", "contact e-mail", old.email, new.email, seen),
        plain("contact_languages", "languages", old.languages.join(", "), new.languages.join(", "), seen),
        plain("contact_hours", "hours", old.hours, new.hours, seen),
    ]
}

fn plain(what: &'static str, subject: &str, before: String, after: String, effect: &str) -> Option<Change> {
    let change = Change { what, subject: subject.to_owned(), key: None, before, after, effect: effect.to_owned() };
    (change.before != change.after).then_some(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::descriptors::{NOW_MS, first, next};

    fn check(change: impl FnOnce(&mut pb::Descriptor), what: &str, effect: &str) {
        let old = first();
        let found = changes(&old, &next(&old, change));
        let [only] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(only.what, what);
        assert!(only.effect.contains(effect) && only.effect.ends_with('.'), "{}", only.effect);
        assert_ne!(only.before, only.after);
    }

    #[test]
    fn nothing_but_place_time_and_id_is_no_change() {
        assert_eq!(changes(&first(), &next(&first(), |_| {})), []);
    }

    #[test]
    fn each_turn_of_a_key_says_what_peers_will_do() {
        let set =
            |place: usize, status: KeyStatus| move |next: &mut pb::Descriptor| next.keys[place].set_status(status);
        check(set(0, KeyStatus::Retired), "key_retired", "signs no version after this one");
        check(set(3, KeyStatus::Retired), "key_retired", "Until then it may still sign");
        check(set(6, KeyStatus::Retired), "key_retired", "then closed");
        check(set(3, KeyStatus::Compromised), "key_compromised", "quarantine");
        check(set(4, KeyStatus::Compromised), "key_compromised", "refuse its queries");
        check(set(6, KeyStatus::Compromised), "key_compromised", "at once");
        check(|next| drop(next.keys.remove(3)), "key_dropped", "can no longer verify its records");
        check(|next| next.keys[3].valid_until_ms = NOW_MS, "key_changed", "new status and times");
        check(|next| next.keys[6].certificate = vec![1], "key_altered", "no peer accepts that");
        check(|next| next.keys[3].purpose = 4, "key_altered", "no peer accepts that");
    }

    #[test]
    fn new_keys_are_told_apart_by_status_and_purpose() {
        let with = |status: KeyStatus, purpose: KeyPurpose| {
            move |next: &mut pb::Descriptor| {
                let mut key = pb::Key { id: vec![9; 32], public_key: vec![9; 32], ..pb::Key::default() };
                key.set_status(status);
                key.set_purpose(purpose);
                next.keys.push(key);
            }
        };
        check(with(KeyStatus::Pending, KeyPurpose::Log), "key_added", "count only after a later version");
        check(with(KeyStatus::Active, KeyPurpose::Root), "key_added", "counts among the root keys");
        check(with(KeyStatus::Active, KeyPurpose::Query), "key_added", "accept its queries and answers once");
        check(with(KeyStatus::Retired, KeyPurpose::Query), "key_added", "cannot be listed as retired");
    }

    #[test]
    fn every_field_that_differs_is_named() {
        check(|next| next.root_threshold = 1, "root_threshold", "later ones need 1");
        check(|next| next.unit = "x".into(), "unit", "officers");
        check(|next| next.endpoints[0].port = 1, "endpoints", "dial");
        check(|next| next.header.as_mut().unwrap().expires_ms = NOW_MS, "expires", "disclose nothing");
        check(|next| next.refresh_hint_s = 61, "refresh_hint", "look for a newer version");
        check(|next| next.may_be_named = true, "may_be_named", "warn each other");
        check(|next| next.protocol = None, "protocol", "no longer exchange");
        check(|next| next.payload_types.clear(), "payload_types", "only payloads");
        check(|next| next.contact.as_mut().unwrap().hours = "x".into(), "contact_hours", "Duty officers");
        check(|next| next.header.as_mut().unwrap().issuer = "IDN".into(), "identity", "not two versions");
    }
}
