//! Who of a set of root keys has signed, and who is missing.

use selat_seal::KeyId;
use selat_seal::descriptor::{Count, Tally};
use serde_json::{Value, json};

use super::{View, heading, issuer, key_digits};
use crate::show::SHAPE_VERSION;

/// How many signatures are still to come.
pub(crate) fn lacking(count: &Count) -> usize {
    count.need.saturating_sub(count.signers.len())
}

/// `2 of 3, 2 needed: 3fa91c07, 77aa0012; not 0b11ad3e`.
pub(crate) fn count_words(count: &Count) -> String {
    let enough = match lacking(count) {
        0 => format!("{} needed", count.need),
        more => format!("{} needed, {more} MISSING", count.need),
    };
    let mut text = format!("{} of {}, {enough}", count.signers.len(), count.roots.len());
    if !count.signers.is_empty() {
        text.push_str(&format!(": {}", digits(&count.signers)));
    }
    let absent = absent(count);
    if !absent.is_empty() {
        text.push_str(&format!("; not {}", digits(&absent)));
    }
    text
}

/// Who has signed a draft, a line for each set of root keys.
pub(crate) fn tally_lines(view: &View, tally: &Tally) -> Vec<String> {
    let mut lines = vec![heading(view)];
    lines.extend(tally.previous.as_ref().map(|previous| {
        format!("signed by root keys of {}: {}", view.message.version.saturating_sub(1), count_words(previous))
    }));
    lines.push(format!("signed by its own root keys: {}", count_words(&tally.own)));
    if !tally.others.is_empty() {
        lines.push(format!("of no account: {}", digits(&tally.others)));
    }
    lines
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

/// `1 of the version before, 2 of its own`.
pub(crate) fn missing_words(tally: &Tally) -> String {
    let previous = tally.previous.as_ref().map_or(0, lacking);
    let parts = [(previous, "of the version before"), (lacking(&tally.own), "of its own")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, whose)| format!("{n} {whose}")).collect();
    format!("still to sign, of root keys: {}", parts.join(", "))
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
    fn words_name_who_signed_who_did_not_and_how_many_are_missing() {
        let roots = vec![id(1), id(2), id(3)];
        let partly = Count { need: 2, signers: vec![id(2)], roots: roots.clone() };
        assert_eq!(count_words(&partly), "1 of 3, 2 needed, 1 MISSING: 02020202; not 01010101, 03030303");
        assert_eq!(lacking(&partly), 1);
        let all = Count { need: 2, signers: roots.clone(), roots };
        assert_eq!(count_words(&all), "3 of 3, 2 needed: 01010101, 02020202, 03030303");
        assert_eq!(lacking(&all), 0);
        assert_eq!((&count_json(&partly)["enough"], &count_json(&all)["enough"]), (&false.into(), &true.into()));
    }
}
