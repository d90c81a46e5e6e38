//! What changes from one version of a descriptor to another, in words, and for whom.
//!
//! Promise: whatever two descriptors differ in is named. Leaves out whether the change is allowed: that is for those who
//! accept the later version to say.

use selat_record::pb::{self, KeyPurpose, KeyStatus};
use selat_seal::keyfile::purpose_word;
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
            "Peers learn the key. No {signs} of it counts before a later version makes it active, which should wait \
             until every peer holds this one."
        ),
        (KeyStatus::Active, KeyPurpose::Root) => "It counts among the root keys that sign this version and later \
                                                  ones."
            .to_owned(),
        (KeyStatus::Active, _) => format!(
            "Peers accept {signs} of it as soon as they hold this version; until then they refuse them. With an \
             overlap it would have been announced as pending first."
        ),
        _ => format!("A key that was not listed before cannot be listed as {} now.", status_word(key.status)),
    };
    key_change("key_added", key, String::new(), standing(key), effect)
}

fn dropped(key: &pb::Key) -> Change {
    let effect = format!("Whoever holds only this version can no longer verify any {} of it.", signs(key.purpose()));
    key_change("key_dropped", key, standing(key), String::new(), effect)
}

fn changed(old: &pb::Key, new: &pb::Key) -> Option<Change> {
    if old == new {
        return None;
    }
    let signs = signs(new.purpose());
    let (what, effect) = match (old.status(), new.status()) {
        _ if (old.purpose, &old.public_key, &old.certificate) != (new.purpose, &new.public_key, &new.certificate) => {
            ("key_altered", "Purpose, key or certificate differ under the same id: no peer accepts that.".to_owned())
        }
        (_, KeyStatus::Compromised) => ("key_compromised", compromised(new)),
        (KeyStatus::Pending, KeyStatus::Active) => (
            "key_activated",
            format!(
                "Peers that hold this version accept {signs} of it from then on; peers that do not hold it yet refuse \
                 them."
            ),
        ),
        (_, KeyStatus::Retired) => ("key_retired", retired(new)),
        _ => ("key_changed", format!("Peers judge every {signs} of it by the new status and times.")),
    };
    Some(key_change(what, new, standing(old), standing(new), effect))
}

fn retired(key: &pb::Key) -> String {
    let until = words::moment_or_nothing(key.valid_until_ms);
    match key.purpose() {
        KeyPurpose::Root => "It signs no version after this one.".to_owned(),
        KeyPurpose::TlsCa => format!("Connections under its certificates are accepted until {until} and then closed."),
        purpose => format!(
            "Every {} of it that was made before {until} verifies as before; until then it may still sign, for peers \
             that do not hold this version yet.",
            signs(purpose)
        ),
    }
}

fn compromised(key: &pb::Key) -> String {
    let since = words::moment_or_nothing(key.compromised_since_ms);
    match key.purpose() {
        KeyPurpose::Root => "It signs no version after this one, and counts no more among the root keys.".to_owned(),
        KeyPurpose::TlsCa => "Peers accept no certificate of it any more and close the connections under them at \
                              once."
            .to_owned(),
        purpose => format!(
            "A {} of it counts only with a peer that had logged it before {since}; what a peer logged later goes into \
             its quarantine.",
            signs(purpose)
        ),
    }
}

/// What a key of this purpose makes, in the singular.
fn signs(purpose: KeyPurpose) -> &'static str {
    match purpose {
        KeyPurpose::Root => "descriptor",
        KeyPurpose::Record => "record",
        KeyPurpose::Query => "query or answer",
        KeyPurpose::Log => "release, receipt or checkpoint",
        KeyPurpose::TlsCa => "certificate",
        KeyPurpose::Unspecified => "signature",
    }
}

fn standing(key: &pb::Key) -> String {
    format!("{} {}", status_word(key.status), validity(key))
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
