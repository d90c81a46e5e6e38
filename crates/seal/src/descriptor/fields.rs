//! The bounds of a descriptor's fields, as `payload_trust.proto` states them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use selat_record::fault::FaultList;
use selat_record::{ids, pb};
use unicode_normalization::is_nfc;

use super::Endpoint;
use crate::SIGNATURES_MAX;

/// Longest title of a unit or an office in characters.
const TITLE_MAX: usize = 120;
/// Most endpoints of one participant.
const ENDPOINTS_MAX: usize = 8;
/// Most languages of a contact, and most payload types.
const LIST_MAX: usize = 64;
/// Longest payload type in characters.
const PAYLOAD_TYPE_MAX: usize = 120;
/// A week: who looks more rarely might as well not look.
const REFRESH_HINT_MAX_S: u32 = 7 * 24 * 60 * 60;

/// Highest threshold: the signatures of two sets of roots, old and new, must find room on one envelope.
const THRESHOLD_MAX: usize = SIGNATURES_MAX / 2;
/// Bytes of a content id.
const HASH_BYTES: usize = 32;

/// Notes every fault of the fields other than keys, threshold and endpoints.
pub(super) fn check(message: &pb::Descriptor, faults: &mut FaultList) {
    check_place_in_chain(message, faults);
    check_text(&message.unit, "unit", 1..=TITLE_MAX, faults);
    match &message.contact {
        Some(contact) => check_contact(contact, faults),
        None => faults.push("contact", "is missing"),
    }
    match &message.protocol {
        Some(range) if (1..=range.max).contains(&range.min) => {}
        Some(_) => faults.push("protocol", "is not a range from at least 1 upward"),
        None => faults.push("protocol", "is missing"),
    }
    if message.refresh_hint_s > REFRESH_HINT_MAX_S {
        faults.push("refresh_hint_s", format!("is more than {REFRESH_HINT_MAX_S}"));
    }
    check_payload_types(&message.payload_types, faults);
}

/// Notes a threshold that no signing can meet, or that any would, or that could not be met together with that of the
/// version before or after.
pub(super) fn check_threshold(threshold: u32, roots: usize, faults: &mut FaultList) {
    let threshold = usize::try_from(threshold).unwrap_or(usize::MAX);
    if threshold > THRESHOLD_MAX {
        faults.push("root_threshold", format!("is more than {THRESHOLD_MAX}"));
    }
    if !(1..=roots).contains(&threshold) {
        faults.push("root_threshold", format!("is {threshold} with {roots} active root keys"));
    }
}

/// Checks the endpoints; those that are in order are returned.
pub(super) fn check_endpoints(messages: &[pb::Endpoint], faults: &mut FaultList) -> Vec<Endpoint> {
    if !(1..=ENDPOINTS_MAX).contains(&messages.len()) {
        faults.push("endpoints", format!("are {}; a descriptor has 1 to {ENDPOINTS_MAX}", messages.len()));
        return Vec::new();
    }
    let endpoints: Vec<_> = messages
        .iter()
        .enumerate()
        .filter_map(|(n, message)| check_endpoint(message, &format!("endpoints[{n}]"), faults))
        .collect();
    let distinct: BTreeSet<_> = endpoints.iter().map(|endpoint| (&endpoint.host, endpoint.port)).collect();
    if distinct.len() != endpoints.len() {
        faults.push("endpoints", "hold an address twice");
    }
    endpoints
}

/// What a link of the chain says of its place, checked in itself. Whether it follows on another is checked in
/// [`super::chain`].
fn check_place_in_chain(message: &pb::Descriptor, faults: &mut FaultList) {
    match (message.version, message.previous.len()) {
        (0, _) => faults.push("version", "is 0; versions begin with 1"),
        (1, 0) | (2.., HASH_BYTES) => {}
        (1, _) => faults.push("previous", "is set though nothing comes before version 1"),
        (2.., size) => faults.push("previous", format!("has {size} bytes; a content id has {HASH_BYTES}")),
    }
    let Some(header) = &message.header else { return };
    if header.descriptor_version != message.version {
        faults.push("header.descriptor_version", "differs from version");
    }
    if header.audience != "*" {
        faults.push("header.audience", "is not \"*\"");
    }
}

fn check_contact(contact: &pb::Contact, faults: &mut FaultList) {
    check_text(&contact.title, "contact.title", 1..=TITLE_MAX, faults);
    check_text(&contact.phone, "contact.phone", 0..=40, faults);
    check_text(&contact.email, "contact.email", 0..=254, faults);
    check_text(&contact.hours, "contact.hours", 0..=TITLE_MAX, faults);
    if contact.languages.len() > LIST_MAX {
        faults.push("contact.languages", format!("are more than {LIST_MAX}"));
        return;
    }
    for (n, tag) in contact.languages.iter().enumerate() {
        if !is_language_tag(tag) {
            faults.push(format!("contact.languages[{n}]"), "is not a BCP 47 tag");
        }
    }
}

fn check_endpoint(message: &pb::Endpoint, path: &str, faults: &mut FaultList) -> Option<Endpoint> {
    let port = u16::try_from(message.port).ok().filter(|port| *port != 0);
    if port.is_none() {
        faults.push(format!("{path}.port"), "is not 1 to 65535");
    }
    if !ids::is_label(&message.node) {
        faults.push(format!("{path}.node"), "is not 1 to 32 lower-case letters, digits and hyphens");
    }
    if !is_host(&message.host) {
        faults.push(format!("{path}.host"), "is neither a host name nor an IP address");
    }
    Some(Endpoint { node: message.node.clone(), host: message.host.clone(), port: port? })
}

fn check_payload_types(types: &[String], faults: &mut FaultList) {
    if types.len() > LIST_MAX {
        faults.push("payload_types", format!("are more than {LIST_MAX}"));
        return;
    }
    let shaped =
        |text: &String| (1..=PAYLOAD_TYPE_MAX).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
    if !types.iter().all(shaped) {
        faults.push("payload_types", format!("hold one that is not 1 to {PAYLOAD_TYPE_MAX} visible ASCII characters"));
    }
    if !types.is_sorted_by(|earlier, later| earlier < later) {
        faults.push("payload_types", "are not in ascending order, each once");
    }
}

/// One line of text: bounded, in NFC, without control characters.
fn check_text(text: &str, field: &str, length: RangeInclusive<usize>, faults: &mut FaultList) {
    if !length.contains(&text.chars().count()) {
        faults.push(field, format!("is not {} to {} characters", length.start(), length.end()));
    }
    if text.chars().any(char::is_control) {
        faults.push(field, "holds control characters");
    }
    if !is_nfc(text) {
        faults.push(field, "is not in Unicode normal form C");
    }
}

fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_host_name(text)
}

/// RFC 1123 names. One that ends in digits alone is a mistyped IPv4 address.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_a_word = text.rsplit('.').next().is_some_and(|last| last.chars().any(|c| !c.is_ascii_digit()));
    text.len() <= 253 && last_is_a_word && text.split('.').all(label)
}

fn is_language_tag(text: &str) -> bool {
    let subtag = |tag: &str| (1..=8).contains(&tag.len()) && tag.chars().all(|c| c.is_ascii_alphanumeric());
    (2..=35).contains(&text.len()) && text.split('-').all(subtag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for good in ["localhost", "node1.aus.example", "127.0.0.1", "::1", "2001:db8::7", "a-b.C9"] {
            assert!(is_host(good), "{good}");
        }
        let long_label = "a".repeat(64);
        for bad in ["", ".", "a..b", "-a.b", "a-.b", "a_b", "256.1.1.1", "a b", "[::1]", "ä.example", "a.", &long_label]
        {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn language_tags_have_the_shape_of_bcp_47() {
        for good in ["en", "zh-Hant-TW", "ms"] {
            assert!(is_language_tag(good), "{good}");
        }
        for bad in ["", "e", "en_GB", "en-", "abcdefghi", "ไทย"] {
            assert!(!is_language_tag(bad), "{bad}");
        }
    }
}
