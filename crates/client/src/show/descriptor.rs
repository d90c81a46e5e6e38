//! Descriptors and drafts of them: what they say, who has signed, what changes. As text and as JSON.
//!
//! Promise: what is shown is shown as it stands in the file, cleaned for the terminal; that it is shown does not mean that
//! anybody believes it.

pub(crate) mod changes;
pub(crate) mod signed;
pub(crate) mod verdict;

use selat_complaint::clean;
use selat_record::ContentId;
use selat_record::pb::{self, KeyStatus};
use selat_seal::descriptor::Count;
use selat_seal::keyfile::purpose_word;
use serde_json::{Value, json};

use super::wrap::hanging;
use super::{SHAPE_VERSION, words};
use changes::Change;

/// Digits of a key id that people read; as many as name a key on the command line.
const KEY_DIGITS: usize = 8;
/// Column at which the text of [`lines`] begins.
const INDENT: usize = 12;

/// What is said of two versions without a change.
pub(crate) const NOTHING_DIFFERS: &str = "nothing differs but the version, its id and its time";

/// A descriptor or a draft, ready to be shown.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) message: pb::Descriptor,
    pub(crate) content_id: ContentId,
    /// It is a draft: nobody takes it for a descriptor as it is.
    pub(crate) draft: bool,
    /// By its own root keys.
    pub(crate) signed: Count,
    /// How many versions stand before it in the same file.
    pub(crate) earlier: usize,
}

/// All that it says, a line each; long ones broken to `width`.
pub(crate) fn lines(view: &View, width: u16) -> Vec<String> {
    let mut lines = vec![heading(view)];
    lines.extend(parts(view).iter().flat_map(|(head, text)| hanging(head, INDENT, &clean(text), width)));
    lines.push(String::new());
    let mut keys: Vec<&pb::Key> = view.message.keys.iter().collect();
    keys.sort_by_key(|key| key.purpose);
    lines.extend(keys.iter().flat_map(|key| hanging(&key_head(key), KEY_INDENT, &key_words(key), width)));
    lines
}

/// `AUS  descriptor 4 -> draft of descriptor 5`.
pub(crate) fn heading_of_two(old: &View, new: &View) -> String {
    let (before, after) = (heading(old), heading(new));
    let same = format!("{}  ", clean(issuer(&old.message)));
    format!("{before} -> {}", after.strip_prefix(&same).unwrap_or(&after))
}

/// `AUS  descriptor 4` or `AUS  draft of descriptor 5`.
pub(crate) fn heading(view: &View) -> String {
    let what = if view.draft { "draft of descriptor" } else { "descriptor" };
    format!("{}  {what} {}", clean(issuer(&view.message)), view.message.version)
}

fn parts(view: &View) -> Vec<(&'static str, String)> {
    let View { message, .. } = view;
    let header = message.header.clone().unwrap_or_default();
    let mut parts = vec![
        ("unit", message.unit.clone()),
        ("federation", header.federation),
        ("made", words::moment_or_nothing(header.created_ms)),
        ("expires", expiry(message)),
        ("content id", view.content_id.to_string()),
    ];
    if !message.previous.is_empty() {
        parts.push(("follows", words::hex(&message.previous)));
    }
    if view.earlier > 0 {
        parts.push(("file", format!("holds {} before this one", words::count(view.earlier, "version"))));
    }
    parts.push(("signed", format!("by {}", signed::count_words(&view.signed))));
    parts.extend(message.endpoints.iter().map(|endpoint| ("endpoint", address(endpoint))));
    parts.extend(contact(message.contact.as_ref()));
    parts.push(("protocol", protocol(message)));
    parts.push(("refresh", format!("peers look for a newer version {}", refresh(message.refresh_hint_s))));
    parts.push(("naming", format!("peers name this participant {}", named(message.may_be_named))));
    parts.push(("reads", payload_types(&message.payload_types)));
    parts
}

fn contact(contact: Option<&pb::Contact>) -> Vec<(&'static str, String)> {
    let contact = contact.cloned().unwrap_or_default();
    let ways = [contact.title, contact.phone, contact.email];
    let mut parts = vec![("contact", given(&ways).join(", "))];
    if !contact.languages.is_empty() {
        parts.push(("languages", contact.languages.join(", ")));
    }
    if !contact.hours.is_empty() {
        parts.push(("hours", contact.hours));
    }
    parts
}

/// Column at which the state of a key begins: after `tls-ca  3fa91c07  `.
const KEY_INDENT: usize = 18;

fn key_head(key: &pb::Key) -> String {
    format!("{:<8}{}", purpose_word(key.purpose()), key_digits(&key.id))
}

/// `active from 2026-11-23T22:00:00Z`.
fn key_words(key: &pb::Key) -> String {
    format!("{} {}", status_word(key.status), validity(key))
}

/// Everything as JSON.
pub(crate) fn json(view: &View) -> Value {
    let View { message, .. } = view;
    let header = message.header.clone().unwrap_or_default();
    let contact = message.contact.clone().unwrap_or_default();
    let range = message.protocol.unwrap_or_default();
    json!({
        "version": SHAPE_VERSION,
        "participant": header.issuer,
        "federation": header.federation,
        "draft": view.draft,
        "descriptor_version": message.version,
        "descriptor": view.content_id.to_string(),
        "previous": (!message.previous.is_empty()).then(|| words::hex(&message.previous)),
        "created": words::moment(header.created_ms),
        "expires": words::moment(header.expires_ms),
        "unit": message.unit,
        "root_threshold": message.root_threshold,
        "signed": signed::count_json(&view.signed),
        "keys": message.keys.iter().map(key_json).collect::<Vec<_>>(),
        "endpoints": message.endpoints.iter().map(endpoint_json).collect::<Vec<_>>(),
        "contact": {
            "title": contact.title, "phone": contact.phone, "email": contact.email,
            "languages": contact.languages, "hours": contact.hours,
        },
        "protocol": { "min": range.min, "max": range.max },
        "refresh_hint_s": message.refresh_hint_s,
        "payload_types": message.payload_types,
        "may_be_named": message.may_be_named,
    })
}

/// A key as JSON.
pub(crate) fn key_json(key: &pb::Key) -> Value {
    json!({
        "key": words::hex(&key.id),
        "purpose": words::key_purpose(key.purpose),
        "status": words::key_status(key.status),
        "valid_from": words::moment(key.valid_from_ms),
        "valid_until": words::moment(key.valid_until_ms),
        "compromised_since": words::moment(key.compromised_since_ms),
    })
}

fn endpoint_json(endpoint: &pb::Endpoint) -> Value {
    json!({ "node": endpoint.node, "host": endpoint.host, "port": endpoint.port })
}

/// The changes for people: what, as it was and will be, and beneath it what it means; once for several in a row.
pub(crate) fn change_lines(changes: &[Change], width: u16) -> Vec<String> {
    let indent = changes.iter().map(|change| change.subject.chars().count()).max().unwrap_or_default() + 2;
    let mut lines = Vec::new();
    for (n, change) in changes.iter().enumerate() {
        lines.extend(hanging(&clean(&change.subject), indent, &clean(&change.words()), width));
        if changes.get(n + 1).is_none_or(|next| next.effect != change.effect) {
            lines.extend(hanging("", indent, &clean(&change.effect), width));
        }
    }
    lines
}

/// The changes as JSON, with what they lie between.
pub(crate) fn changes_json(old: &pb::Descriptor, new: &pb::Descriptor, changes: &[Change]) -> Value {
    json!({
        "version": SHAPE_VERSION,
        "participant": issuer(new),
        "from": old.version,
        "to": new.version,
        "changes": changes.iter().map(Change::json).collect::<Vec<_>>(),
    })
}

/// Whose descriptor it says it is.
pub(crate) fn issuer(message: &pb::Descriptor) -> &str {
    message.header.as_ref().map_or("", |header| header.issuer.as_str())
}

/// The first digits of a key's id.
pub(crate) fn key_digits(id: &[u8]) -> String {
    words::hex(id).chars().take(KEY_DIGITS).collect()
}

pub(crate) fn status_word(status: i32) -> &'static str {
    match KeyStatus::try_from(status) {
        Ok(KeyStatus::Pending) => "pending",
        Ok(KeyStatus::Active) => "active",
        Ok(KeyStatus::Retired) => "retired",
        Ok(KeyStatus::Compromised) => "compromised",
        Ok(KeyStatus::Unspecified) | Err(_) => "unknown",
    }
}

/// `from 2026-11-23T22:00:00Z`, `... until ...`, `since ...`.
fn validity(key: &pb::Key) -> String {
    let mut text = String::new();
    if let Some(since) = words::moment(key.compromised_since_ms) {
        text.push_str(&format!("since {since}, valid "));
    }
    text.push_str(&format!("from {}", words::moment_or_nothing(key.valid_from_ms)));
    if let Some(until) = words::moment(key.valid_until_ms) {
        text.push_str(&format!(" until {until}"));
    }
    text
}

fn address(endpoint: &pb::Endpoint) -> String {
    let bracketed = endpoint.host.contains(':');
    let host = if bracketed { format!("[{}]", endpoint.host) } else { endpoint.host.clone() };
    format!("{} at {host}:{}", endpoint.node, endpoint.port)
}

fn expiry(message: &pb::Descriptor) -> String {
    let ms = message.header.as_ref().map_or(0, |header| header.expires_ms);
    words::moment(ms).unwrap_or_else(|| "never".to_owned())
}

fn protocol(message: &pb::Descriptor) -> String {
    let range = message.protocol.unwrap_or_default();
    if range.min == range.max {
        format!("version {}", range.min)
    } else {
        format!("versions {} to {}", range.min, range.max)
    }
}

/// How often peers look for a newer version: `every hour`.
fn refresh(hint_s: u32) -> String {
    let span = match hint_s {
        0 => return "as often as they like".to_owned(),
        60 => "minute".to_owned(),
        3_600 => "hour".to_owned(),
        86_400 => "day".to_owned(),
        s if s % 86_400 == 0 => words::count(usize::try_from(s / 86_400).unwrap_or(usize::MAX), "day"),
        s if s % 3_600 == 0 => words::count(usize::try_from(s / 3_600).unwrap_or(usize::MAX), "hour"),
        s if s % 60 == 0 => words::count(usize::try_from(s / 60).unwrap_or(usize::MAX), "minute"),
        s => words::count(usize::try_from(s).unwrap_or(usize::MAX), "second"),
    };
    format!("every {span}")
}

/// To whom peers name this participant.
fn named(may_be_named: bool) -> &'static str {
    if may_be_named { "to others" } else { "to nobody" }
}

/// `record.v1 query.v1`: what all of this protocol begin and end with is left out.
fn payload_types(types: &[String]) -> String {
    let short = |name: &String| {
        let inside = name.strip_prefix("application/vnd.selat.").and_then(|name| name.strip_suffix("+proto"));
        inside.unwrap_or(name).to_owned()
    };
    types.iter().map(short).collect::<Vec<_>>().join(" ")
}

fn given(texts: &[String]) -> Vec<String> {
    texts.iter().filter(|text| !text.is_empty()).cloned().collect()
}
