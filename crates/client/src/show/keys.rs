//! The node's keys: a row each, and whether one of them needs a person.

use selat_complaint::Complaint;
use selat_record::Timestamp;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_wire::desk::{KeyResignReply, KeyStatusReply, KeyView, ResignedRecord};
use serde_json::{Value, json};

use super::table::Rows;
use super::verdict::{Bounds, Level, Verdict};
use super::{SHAPE_VERSION, words};
use crate::cli::{RESIGN_COLUMNS, STATUS_COLUMNS};

/// The purposes that a node signs for.
const SIGNING: [KeyPurpose; 4] = [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa];

/// What is shown of the keys unless other columns are asked for: it fits a small terminal.
const USUAL_COLUMNS: &[&str] = &["purpose", "key", "status", "secret", "until", "note"];

/// The table of keys with the columns that are `wanted`, else the usual ones.
pub(crate) fn rows(reply: &KeyStatusReply, wanted: &[String]) -> Result<Rows, Complaint> {
    let mut rows = Rows::usually(STATUS_COLUMNS, USUAL_COLUMNS, wanted)?;
    for key in &reply.keys {
        rows.push([
            purpose(key.purpose),
            words::short_hex(&key.id),
            status(key),
            secret(key).to_owned(),
            words::moment_or_nothing(key.valid_from_ms),
            words::moment_or_nothing(end_of(key).unwrap_or_default()),
            note(key).to_owned(),
        ]);
    }
    Ok(rows)
}

/// What stands below the table.
pub(crate) fn summary(reply: &KeyStatusReply) -> String {
    format!("kept in {}; our descriptor is version {}", reply.custody, reply.descriptor_version)
}

/// The keys as JSON.
pub(crate) fn json(reply: &KeyStatusReply) -> Value {
    json!({
        "version": SHAPE_VERSION,
        "custody": reply.custody,
        "descriptor_version": reply.descriptor_version,
        "keys": reply.keys.iter().map(key_json).collect::<Vec<_>>(),
    })
}

fn key_json(key: &KeyView) -> Value {
    json!({
        "purpose": words::key_purpose(key.purpose),
        "key": words::hex(&key.id),
        "status": status(key),
        "valid_from": words::moment(key.valid_from_ms),
        "valid_until": words::moment(key.valid_until_ms),
        "compromised_since": words::moment(key.compromised_since_ms),
        "held": key.held,
        "in_use": key.in_use,
        "certificate_until": words::moment(key.certificate_until_ms),
        "public_key": words::hex(&key.public_key),
    })
}

/// A purpose as the command line has it: `tls-ca`.
pub(crate) fn purpose(purpose: i32) -> String {
    words::key_purpose(purpose).replace('_', "-")
}

fn status(key: &KeyView) -> String {
    match key.status() {
        KeyStatus::Unspecified => "unpublished".to_owned(),
        _ => words::key_status(key.status),
    }
}

/// Where the secret is, and whether it signs.
fn secret(key: &KeyView) -> &'static str {
    match (key.in_use, key.held) {
        (true, _) => "in use",
        (false, true) => "held",
        (false, false) if key.purpose() == KeyPurpose::Root => "offline",
        (false, false) => "not here",
    }
}

/// What the other columns do not say.
fn note(key: &KeyView) -> &'static str {
    match key.status() {
        KeyStatus::Unspecified => "not yet in our descriptor",
        KeyStatus::Pending => "announced, takes over later",
        KeyStatus::Compromised => "not believed since then",
        KeyStatus::Retired => "what it signed until then counts",
        KeyStatus::Active if key.certificate_until_ms > 0 => "end of its certificate",
        KeyStatus::Active => words::NOTHING,
    }
}

/// Whether a key needs a person.
pub(crate) fn verdict(reply: &KeyStatusReply, bounds: Bounds) -> Verdict {
    let mut verdict = Verdict::default();
    for purpose in SIGNING {
        review(&reply.keys, purpose, bounds, &mut verdict);
    }
    let roots = active(&reply.keys, KeyPurpose::Root);
    roots.iter().for_each(|key| judge(key, bounds, &mut verdict));
    verdict
}

/// What is said when all is well.
pub(crate) fn all_well(reply: &KeyStatusReply) -> String {
    let in_use = reply.keys.iter().filter(|key| key.in_use).count();
    format!("{} in use, descriptor version {}", words::count(in_use, "key"), reply.descriptor_version)
}

/// One purpose: what signs now, and when what may sign for it ends. Of several active keys the last to end counts.
fn review(keys: &[KeyView], wanted: KeyPurpose, bounds: Bounds, verdict: &mut Verdict) {
    let word = purpose(wanted.into());
    match keys.iter().find(|key| key.purpose() == wanted && key.in_use) {
        None => verdict.found(Level::Critical, format!("no {word} key is in use")),
        Some(key) if key.status() == KeyStatus::Compromised => {
            verdict.found(Level::Critical, format!("{} is compromised and still in use", name(key)));
        }
        Some(_) => {}
    }
    let active = active(keys, wanted);
    if active.is_empty() {
        verdict.found(Level::Critical, format!("no {word} key is active in our descriptor"));
    }
    // Without any key that signs the finding above is critical; beside one that does, this one is lost to us.
    for key in active.iter().filter(|key| !key.held) {
        verdict.found(Level::Warning, format!("{} is active, and its secret is not here", name(key)));
    }
    if let Some(last) = active.into_iter().max_by_key(|key| end_of(key).unwrap_or(i64::MAX)) {
        judge(last, bounds, verdict);
    }
}

fn active(keys: &[KeyView], purpose: KeyPurpose) -> Vec<&KeyView> {
    keys.iter().filter(|key| key.purpose() == purpose && key.status() == KeyStatus::Active).collect()
}

fn judge(key: &KeyView, bounds: Bounds, verdict: &mut Verdict) {
    verdict.judge_end(&name(key), end_of(key).unwrap_or_default(), bounds);
}

/// When a key ends: the earlier of its own end and that of its certificate. Compromised, it has ended already.
fn end_of(key: &KeyView) -> Option<i64> {
    let ends = match key.status() {
        KeyStatus::Compromised => [key.compromised_since_ms, 0],
        _ => [key.valid_until_ms, key.certificate_until_ms],
    };
    ends.into_iter().filter(|end| *end > Timestamp::EPOCH.ms()).min()
}

fn name(key: &KeyView) -> String {
    format!("{} key {}", purpose(key.purpose), words::short_hex(&key.id))
}

/// Adds the records of a reply to a table of records that a compromised key signed.
pub(crate) fn push_resigned(rows: &mut Rows, reply: &KeyResignReply) {
    for record in &reply.records {
        rows.push([
            words::record_id(&record.record_id),
            record.version.to_string(),
            words::moment_or_nothing(record.first_logged_ms),
            words::short_hex(&record.key_id),
            if record.new_version == 0 { words::NOTHING.to_owned() } else { record.new_version.to_string() },
        ]);
    }
}

/// An empty table of records that a compromised key signed.
pub(crate) fn resign_rows(wanted: &[String]) -> Result<Rows, Complaint> {
    Rows::new(RESIGN_COLUMNS, wanted)
}

/// A record that a compromised key signed, as JSON.
pub(crate) fn resigned_json(record: &ResignedRecord) -> Value {
    json!({
        "version": SHAPE_VERSION,
        "record_id": words::record_id(&record.record_id),
        "record_version": record.version,
        "first_logged": words::moment(record.first_logged_ms),
        "key": words::hex(&record.key_id),
        "new_version": (record.new_version > 0).then_some(record.new_version),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const DAY: i64 = 86_400_000;

    pub(crate) fn key(id: u8, purpose: KeyPurpose, status: KeyStatus) -> KeyView {
        let signs = purpose != KeyPurpose::Root;
        KeyView {
            id: vec![id; 32],
            purpose: purpose.into(),
            status: status.into(),
            valid_from_ms: NOW - DAY,
            held: signs,
            in_use: signs && status == KeyStatus::Active,
            certificate_until_ms: if purpose == KeyPurpose::TlsCa { NOW + 900 * DAY } else { 0 },
            public_key: vec![id; 32],
            ..Default::default()
        }
    }

    pub(crate) fn sound() -> KeyStatusReply {
        let working = SIGNING.into_iter().zip(1..).map(|(purpose, id)| key(id, purpose, KeyStatus::Active));
        let roots = (11..14).map(|id| key(id, KeyPurpose::Root, KeyStatus::Active));
        KeyStatusReply { keys: working.chain(roots).collect(), custody: "files".into(), descriptor_version: 3 }
    }

    fn check(change: impl FnOnce(&mut Vec<KeyView>), wanted: &str) {
        let mut reply = sound();
        change(&mut reply.keys);
        let day = Duration::from_secs(86_400);
        let now = Timestamp::from_ms(NOW).unwrap();
        let verdict = verdict(&reply, Bounds { now, warn: 30 * day, crit: 7 * day });
        let line = verdict.line(&all_well(&reply));
        assert!(line.starts_with(wanted), "{line}");
    }

    #[test]
    fn check_tells_what_ends_and_what_is_missing() {
        check(|_| {}, "OK - 4 keys in use, descriptor version 3; first to end: tls-ca key 04040404, 2026-05-02");
        check(|keys| keys[0].valid_until_ms = NOW + 20 * DAY, "WARNING - record key 01010101 ends in 20 days");
        check(|keys| keys[3].certificate_until_ms = NOW + 3 * DAY, "CRITICAL - tls-ca key 04040404 ends in 3 days");
        check(|keys| keys[1].in_use = false, "CRITICAL - no query key is in use");
        check(|keys| keys[2].held = false, "WARNING - log key 03030303 is active, and its secret is not here");
        check(|keys| keys[4].valid_until_ms = NOW + 10 * DAY, "WARNING - root key 0b0b0b0b ends in 10 days");
        let compromised = |keys: &mut Vec<KeyView>| keys[0].status = KeyStatus::Compromised.into();
        check(compromised, "CRITICAL - record key 01010101 is compromised and still in use; no record key is active");
    }

    #[test]
    fn predecessor_that_ends_in_the_course_of_a_turn_is_no_news() {
        let turning = |keys: &mut Vec<KeyView>| {
            keys[0].status = KeyStatus::Retired.into();
            keys[0].valid_until_ms = NOW + DAY;
            let successor = key(9, KeyPurpose::Record, KeyStatus::Active);
            keys.push(KeyView { in_use: false, ..successor });
        };
        check(turning, "OK");
        let two_active = |keys: &mut Vec<KeyView>| {
            keys[0].valid_until_ms = NOW + DAY;
            keys.push(KeyView { in_use: false, ..key(9, KeyPurpose::Record, KeyStatus::Active) });
        };
        check(two_active, "OK");
    }

    #[test]
    fn table_and_json_name_keys_as_the_command_line_takes_them() {
        let table = rows(&sound(), &[]).unwrap().render(200).unwrap();
        for part in ["tls-ca", "04040404", "in use", "2026-05-02T22:13:20Z", "end of its certificate", "offline"] {
            assert!(table.contains(part), "{part} in {table}");
        }
        let shape = json(&sound());
        assert_eq!(shape["keys"][3]["purpose"], "tls_ca");
        assert_eq!(shape["keys"][0]["valid_until"], Value::Null);
        let unpublished = key(1, KeyPurpose::Record, KeyStatus::Unspecified);
        assert_eq!((status(&unpublished).as_str(), note(&unpublished)), ("unpublished", "not yet in our descriptor"));
        let compromised = KeyView { compromised_since_ms: NOW, ..key(1, KeyPurpose::Record, KeyStatus::Compromised) };
        assert_eq!((end_of(&compromised), note(&compromised)), (Some(NOW), "not believed since then"));
    }
}
