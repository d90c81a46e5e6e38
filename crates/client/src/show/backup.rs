//! Backups of keys and how trying one went.

use std::path::Path;

use selat_complaint::Complaint;
use selat_keyring::NamedSecret;
use selat_keyring::backup::{Content, DrillReport, Manifest, Verdict};
use selat_keyring::keyfile::short;
use selat_seal::HeldKey;
use selat_seal::keyfile::purpose_word;
use serde_json::{Value, json};

use super::table::Rows;
use super::{SHAPE_VERSION, words};

/// Columns of the table of a drill.
const COLUMNS: &[&str] = &["what", "key", "verdict"];

/// What a backup holds, for people.
pub(crate) fn lines(manifest: &Manifest, place: &Path) -> Vec<String> {
    let mut lines = vec![format!("{}: the keys of {} as of {}", place.display(), manifest.participant, manifest.made)];
    lines.extend(manifest.files.iter().map(|file| format!("  {}", file.name)));
    let in_token = manifest.in_token.iter();
    lines.extend(in_token.map(|key| format!("  {}: in a token, and so in no backup", name(*key))));
    lines
}

/// What a backup holds, as JSON.
pub(crate) fn json(manifest: &Manifest, place: &Path) -> Value {
    let of_kind = |wanted: fn(&Content) -> bool| -> Vec<&str> {
        let files = manifest.files.iter().filter(|file| wanted(&file.what));
        files.map(|file| file.name.as_str()).collect()
    };
    json!({
        "version": SHAPE_VERSION,
        "participant": manifest.participant.as_str(),
        "place": place.display().to_string(),
        "made": manifest.made.to_string(),
        "custody": manifest.custody,
        "keys": of_kind(|what| matches!(what, Content::Key(_))),
        "secrets": of_kind(|what| matches!(what, Content::Secret(_))),
        "certificates": of_kind(|what| matches!(what, Content::Companion)),
        "in_token": manifest.in_token.iter().map(|key| name(*key)).collect::<Vec<_>>(),
    })
}

/// A row for each key and secret.
pub(crate) fn drill_rows(report: &DrillReport, wanted: &[String]) -> Result<Rows, Complaint> {
    let mut rows = Rows::new(COLUMNS, wanted)?;
    for drilled in &report.keys {
        let told = match drilled.verdict {
            Verdict::Good => "came back, signed, and the signature held",
            Verdict::NotDescribed => "came back and signed; the descriptor does not name it",
            Verdict::InToken => "in a token, and so in no backup",
            Verdict::Missing => "MISSING: the descriptor names it",
            Verdict::Failed => "FAILED: came back and did not sign",
        };
        rows.push([purpose_word(drilled.key.purpose).to_owned(), short(drilled.key.id), told.to_owned()]);
    }
    for (secret, came_back) in &report.secrets {
        let told = if *came_back { "came back" } else { "MISSING" };
        rows.push([secret_word(*secret).to_owned(), words::NOTHING.to_owned(), told.to_owned()]);
    }
    Ok(rows)
}

/// What stands below the table.
pub(crate) fn drill_summary(report: &DrillReport, passed: bool) -> String {
    let Manifest { participant, made, .. } = &report.manifest;
    let word = if passed { "would bring back" } else { "would NOT bring back" };
    format!("the backup of {made} {word} the keys of {participant}")
}

/// How a drill went, as JSON.
pub(crate) fn drill_json(report: &DrillReport, passed: bool) -> Value {
    let verdict = |verdict| match verdict {
        Verdict::Good => "good",
        Verdict::NotDescribed => "not_described",
        Verdict::InToken => "in_token",
        Verdict::Missing => "missing",
        Verdict::Failed => "failed",
    };
    let keys = report.keys.iter().map(|drilled| {
        let HeldKey { id, purpose } = drilled.key;
        json!({ "purpose": purpose_word(purpose), "key": id.to_string(), "verdict": verdict(drilled.verdict) })
    });
    let secrets = report.secrets.iter().map(|(secret, back)| json!({ "name": secret_word(*secret), "restored": back }));
    json!({
        "version": SHAPE_VERSION,
        "participant": report.manifest.participant.as_str(),
        "made": report.manifest.made.to_string(),
        "passed": passed,
        "keys": keys.collect::<Vec<_>>(),
        "secrets": secrets.collect::<Vec<_>>(),
    })
}

fn name(key: HeldKey) -> String {
    format!("{}-{}", purpose_word(key.purpose), short(key.id))
}

fn secret_word(secret: NamedSecret) -> &'static str {
    match secret {
        NamedSecret::Storage => "storage",
        NamedSecret::OfficerCa => "officer-ca",
    }
}

#[cfg(test)]
mod tests {
    use selat_keyring::backup::{BackedUp, DrilledKey};
    use selat_record::Timestamp;
    use selat_record::pb::KeyPurpose;
    use selat_seal::SecretKey;

    use super::*;

    fn report(verdict: Verdict) -> DrillReport {
        let key = HeldKey { id: SecretKey::from_seed([1; 32]).public().id(), purpose: KeyPurpose::Record };
        let file = |name: &str, what| BackedUp { name: name.into(), what };
        let manifest = Manifest {
            participant: "AUS".parse().unwrap(),
            made: Timestamp::from_ms(1_700_000_000_000).unwrap(),
            custody: "files".into(),
            files: vec![
                file("record-1.key", Content::Key(key)),
                file("storage.key", Content::Secret(NamedSecret::Storage)),
                file("officer-ca.pem", Content::Companion),
            ],
            in_token: vec![key],
        };
        let secrets = vec![(NamedSecret::Storage, true), (NamedSecret::OfficerCa, verdict != Verdict::Failed)];
        DrillReport { manifest, keys: vec![DrilledKey { key, verdict }], secrets, officer_ca: None }
    }

    #[test]
    fn backup_is_told_file_by_file() {
        let manifest = report(Verdict::Good).manifest;
        let told = lines(&manifest, Path::new("a.backup"));
        assert_eq!(told[0], "a.backup: the keys of AUS as of 2023-11-14T22:13:20Z");
        assert_eq!(told.len(), 5, "{told:?}");
        let shape = json(&manifest, Path::new("a.backup"));
        assert_eq!(shape["keys"], json!(["record-1.key"]));
        assert_eq!(
            (&shape["secrets"][0], &shape["certificates"][0]),
            (&json!("storage.key"), &json!("officer-ca.pem"))
        );
        assert_eq!(shape["in_token"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn drill_that_failed_cannot_be_overlooked() {
        for (verdict, word, shape) in [
            (Verdict::Missing, "MISSING", "missing"),
            (Verdict::Failed, "FAILED", "failed"),
            (Verdict::Good, "the signature held", "good"),
            (Verdict::NotDescribed, "does not name it", "not_described"),
            (Verdict::InToken, "in a token", "in_token"),
        ] {
            let report = report(verdict);
            let table = drill_rows(&report, &[]).unwrap().render(120).unwrap();
            assert!(table.contains(word), "{table}");
            assert_eq!(drill_json(&report, false)["keys"][0]["verdict"], shape);
        }
        assert!(drill_summary(&report(Verdict::Missing), false).contains("would NOT bring back"));
    }
}
