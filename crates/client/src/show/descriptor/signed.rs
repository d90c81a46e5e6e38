//! Who of a set of root keys has signed, and who is missing.

use selat_seal::KeyId;
use selat_seal::descriptor::{Count, Tally};
use serde_json::{Value, json};

use super::{View, heading, issuer, key_digits};
use crate::show::wrap::hanging;
use crate::show::{SHAPE_VERSION, words};

/// Column at which the counts begin.
pub(super) const INDENT: usize = 16;

/// How many signatures are still to come.
pub(crate) fn lacking(count: &Count) -> usize {
    count.need.saturating_sub(count.signers.len())
}

/// `2 of 3 root keys, 2 needed: 3fa91c07, 77aa0012; not 0b11ad3e`.
pub(crate) fn count_words(count: &Count) -> String {
    let enough = match lacking(count) {
        0 => format!("{} needed", count.need),
        more => format!("{} needed, {more} MISSING", count.need),
    };
    let mut text = format!("{} of {}, {enough}", count.signers.len(), words::count(count.roots.len(), "root key"));
    if !count.signers.is_empty() {
        text.push_str(&format!(": {}", digits(&count.signers)));
    }
    let absent = absent(count);
    if !absent.is_empty() {
        text.push_str(&format!("; not {}", digits(&absent)));
    }
    text
}

/// Who has signed a draft, a line for each set of root keys; long ones broken to `width`.
pub(crate) fn tally_lines(view: &View, tally: &Tally, width: u16) -> Vec<String> {
    let mut lines = vec![heading(view)];
    lines.extend(set_lines(view.message.version, tally, width));
    if !tally.others.is_empty() {
        lines.extend(hanging("of no account", INDENT, &digits(&tally.others), width));
    }
    lines
}

/// The two sets of root keys, that of the version before first.
pub(crate) fn set_lines(version: u64, tally: &Tally, width: u16) -> Vec<String> {
    let previous = tally.previous.iter().flat_map(|previous| {
        let head = format!("by those of {}", version.saturating_sub(1));
        hanging(&head, INDENT, &count_words(previous), width)
    });
    previous.chain(hanging("by its own", INDENT, &count_words(&tally.own), width)).collect()
}

/// `needs 2 of the 3 root keys of version 1 and 2 of its own 3`.
pub(crate) fn needs_words(version: u64, tally: &Tally) -> String {
    let own = (tally.own.need, tally.own.roots.len());
    match &tally.previous {
        Some(previous) if previous.roots != tally.own.roots || previous.need != tally.own.need => {
            let (need, all, before) = (previous.need, previous.roots.len(), version.saturating_sub(1));
            format!("needs {need} of the {all} root keys of version {before} and {} of its own {}", own.0, own.1)
        }
        _ => format!("needs {} of the {}", own.0, words::count(own.1, "root key")),
    }
}

/// The same as JSON.
pub(crate) fn tally_json(view: &View, tally: &Tally) -> Value {
    json!({
        "version": SHAPE_VERSION,
        "participant": issuer(&view.message),
        "descriptor_version": view.message.version,
        "descriptor": view.content_id.to_string(),
        "signed": count_json(&tally.own),
        "signed_by_previous": tally.previous.as_ref().map(count_json),
        "enough": tally.is_enough(),
    })
}

/// `missing: 1 signature by root keys of the version before, 2 signatures by its own root keys`.
pub(crate) fn missing_words(tally: &Tally) -> String {
    let previous = tally.previous.as_ref().map_or(0, lacking);
    let parts = [(previous, "by root keys of the version before"), (lacking(&tally.own), "by its own root keys")];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> =
        parts.map(|(number, whose)| format!("{} {whose}", words::count(*number, "signature"))).collect();
    format!("missing: {}", parts.join(", "))
}

/// As JSON.
pub(crate) fn count_json(count: &Count) -> Value {
    let ids = |keys: &[KeyId]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "needed": count.need,
        "enough": count.is_enough(),
        "by": ids(&count.signers),
        "not_by": ids(&absent(count)),
    })
}

/// The keys that have not signed.
fn absent(count: &Count) -> Vec<KeyId> {
    count.roots.iter().filter(|root| !count.signers.contains(root)).copied().collect()
}

fn digits(keys: &[KeyId]) -> String {
    keys.iter().map(|key| key_digits(key.as_bytes())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> KeyId {
        KeyId::from_slice(&[byte; 32]).unwrap()
    }

    #[test]
    fn what_a_draft_needs_is_said_once_when_both_sets_are_the_same() {
        let count = |roots: &[u8]| Count { need: 2, signers: vec![], roots: roots.iter().map(|n| id(*n)).collect() };
        let tally = |previous| Tally { own: count(&[1, 2, 3]), previous, others: vec![] };
        assert_eq!(needs_words(2, &tally(Some(count(&[1, 2, 3])))), "needs 2 of the 3 root keys");
        let other = needs_words(2, &tally(Some(count(&[4, 5]))));
        assert_eq!(other, "needs 2 of the 2 root keys of version 1 and 2 of its own 3");
        assert_eq!(missing_words(&tally(None)), "missing: 2 signatures by its own root keys");
    }

    #[test]
    fn words_name_who_signed_who_did_not_and_how_many_are_missing() {
        let roots = vec![id(1), id(2), id(3)];
        let partly = Count { need: 2, signers: vec![id(2)], roots: roots.clone() };
        assert_eq!(count_words(&partly), "1 of 3 root keys, 2 needed, 1 MISSING: 02020202; not 01010101, 03030303");
        assert_eq!(lacking(&partly), 1);
        let all = Count { need: 2, signers: roots.clone(), roots };
        assert_eq!(count_words(&all), "3 of 3 root keys, 2 needed: 01010101, 02020202, 03030303");
        assert_eq!(lacking(&all), 0);
        assert_eq!((&count_json(&partly)["enough"], &count_json(&all)["enough"]), (&false.into(), &true.into()));
    }
}
