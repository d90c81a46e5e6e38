//! Findings of the doctor.

use selat_complaint::{Complaint, Exit};
use selat_wire::desk::{Finding, FindingLevel};
use serde_json::{Value, json};

use super::table::Rows;
use super::{SHAPE_VERSION, words};
use crate::cli::FINDING_COLUMNS;

/// The findings as a table.
pub(crate) fn rows(findings: &[Finding], wanted: &[String]) -> Result<Rows, Complaint> {
    let mut rows = Rows::new(FINDING_COLUMNS, wanted)?;
    for finding in findings {
        let Finding { area, what, mend, .. } = finding.clone();
        rows.push([word(finding.level()).to_uppercase(), area, what, mend]);
    }
    Ok(rows)
}

/// The findings as one JSON value.
pub(crate) fn json(findings: &[Finding], running: bool) -> Value {
    let worst = word(worst(findings));
    let findings: Vec<_> = findings.iter().map(json_line).collect();
    json!({ "version": SHAPE_VERSION, "running": running, "worst": worst, "findings": findings })
}

/// One finding as a JSON value of its own.
pub(crate) fn json_line(finding: &Finding) -> Value {
    let Finding { area, what, mend, .. } = finding;
    json!({
        "version": SHAPE_VERSION,
        "area": area,
        "level": word(finding.level()),
        "peer": peer(finding),
        "what": what,
        "mend": mend,
    })
}

/// One line about all of them.
pub(crate) fn summary(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|finding| finding.level() == level).count();
    let (critical, warnings) = (count(FindingLevel::Critical), count(FindingLevel::Warning));
    match critical + warnings {
        0 => format!("{}, all in order", words::count(findings.len(), "finding")),
        _ => format!(
            "{critical} critical, {}, {} altogether",
            words::count(warnings, "warning"),
            words::count(findings.len(), "finding")
        ),
    }
}

/// How the command ends.
pub(crate) fn exit(findings: &[Finding]) -> Exit {
    if worst(findings) == FindingLevel::Ok { Exit::Ok } else { Exit::Attention }
}

/// A level that this client does not know counts as the worst: it never hides a finding of a newer node.
fn worst(findings: &[Finding]) -> FindingLevel {
    let level = |finding: &Finding| match finding.level() {
        FindingLevel::Unspecified => FindingLevel::Critical,
        known => known,
    };
    findings.iter().map(level).max_by_key(|level| *level as i32).unwrap_or(FindingLevel::Ok)
}

fn peer(finding: &Finding) -> Option<&str> {
    Some(finding.peer.as_str()).filter(|peer| !peer.is_empty())
}

fn word(level: FindingLevel) -> &'static str {
    match level {
        FindingLevel::Ok => "ok",
        FindingLevel::Warning => "warning",
        FindingLevel::Critical => "critical",
        FindingLevel::Unspecified => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(level: FindingLevel, peer: &str) -> Finding {
        let (area, what, mend) = ("keys".to_owned(), "a\x1b[2Jb".to_owned(), "selat key status".to_owned());
        Finding { area, level: level.into(), what, mend, peer: peer.to_owned() }
    }

    #[test]
    fn exit_follows_the_worst_and_an_unknown_level_is_never_taken_for_good() {
        use FindingLevel::{Critical, Ok, Unspecified, Warning};
        for (levels, ending, word) in [
            (&[][..], Exit::Ok, "ok"),
            (&[Ok, Ok], Exit::Ok, "ok"),
            (&[Ok, Warning], Exit::Attention, "warning"),
            (&[Critical, Ok, Warning], Exit::Attention, "critical"),
            (&[Ok, Unspecified], Exit::Attention, "critical"),
        ] {
            let findings: Vec<_> = levels.iter().map(|level| finding(*level, "")).collect();
            assert_eq!(exit(&findings), ending, "{levels:?}");
            assert_eq!(json(&findings, true)["worst"], word, "{levels:?}");
        }
    }

    #[test]
    fn json_has_the_documented_shape() {
        let shape = json(&[finding(FindingLevel::Warning, ""), finding(FindingLevel::Ok, "IDN")], false);
        assert_eq!((&shape["version"], &shape["running"]), (&json!(1), &json!(false)));
        assert_eq!(shape["findings"][0]["peer"], Value::Null);
        assert_eq!(shape["findings"][1]["peer"], "IDN");
        assert_eq!(json_line(&finding(FindingLevel::Ok, ""))["version"], 1);
    }

    #[test]
    fn table_shows_every_finding_and_cannot_be_steered() {
        let table = rows(&[finding(FindingLevel::Critical, "")], &[]).unwrap().render(120).unwrap();
        assert!(table.contains("CRITICAL") && table.contains("selat key status") && !table.contains('\x1b'), "{table}");
        let told = summary(&[finding(FindingLevel::Critical, ""), finding(FindingLevel::Ok, "")]);
        assert_eq!(told, "1 critical, 0 warnings, 2 findings altogether");
    }
}
