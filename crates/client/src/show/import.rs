//! How an import went.

use std::time::Duration;

use selat_complaint::clean;
use selat_interop::RowFault;
use serde_json::{Value, json};

use super::{SHAPE_VERSION, words};

/// Faults that are kept for showing; the report file has them all.
const FAULTS_SHOWN_MAX: usize = 20;

/// What became of the rows so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Nothing was sent: good rows are only known to be valid.
    pub(crate) dry_run: bool,
    pub(crate) valid: u64,
    pub(crate) new: u64,
    pub(crate) amended: u64,
    pub(crate) unchanged: u64,
    /// Not mapped, or not accepted by the node.
    pub(crate) rejected: u64,
    /// Not wanted by the mapping.
    pub(crate) skipped: u64,
    /// Releases to peers that came of it.
    pub(crate) releases: u64,
    pub(crate) took: Duration,
    pub(crate) report: Option<String>,
    /// The first faults; the report has them all.
    pub(crate) faults: Vec<(u64, RowFault)>,
}

impl Tally {
    /// Counts a row that did not go in.
    pub(crate) fn reject(&mut self, row: u64, faults: &[RowFault]) {
        self.rejected += 1;
        let room = FAULTS_SHOWN_MAX.saturating_sub(self.faults.len());
        self.faults.extend(faults.iter().take(room).map(|fault| (row, fault.clone())));
    }

    /// Rows that the mapping wanted.
    pub(crate) fn rows(&self) -> u64 {
        self.valid + self.new + self.amended + self.unchanged + self.rejected
    }

    /// The first faults, a line each.
    pub(crate) fn fault_lines(&self) -> Vec<String> {
        self.faults.iter().map(|(row, fault)| fault_line(*row, fault)).collect()
    }

    /// The summary for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        let good = if self.dry_run {
            format!("{} valid", self.valid)
        } else {
            format!("{} new, {} amended, {} unchanged", self.new, self.amended, self.unchanged)
        };
        let mut lines = vec![
            format!("rows      {}: {good}, {} rejected", self.rows(), self.rejected),
            format!("time      {}.{:03} s, {} rows/s", self.took.as_secs(), self.took.subsec_millis(), self.rate()),
        ];
        if self.skipped > 0 {
            lines.push(format!("skipped   {} that the mapping does not want", self.skipped));
        }
        if self.dry_run {
            lines.push("dry run   nothing was sent to a node".to_owned());
        } else {
            lines.push(format!("releases  {} to peers", self.releases));
        }
        lines.extend(self.report.as_ref().map(|report| format!("report    {}", clean(report))));
        lines
    }

    /// The summary as JSON.
    pub(crate) fn json(&self) -> Value {
        let fault = |(row, fault): &(u64, RowFault)| json!({ "row": row, "column": fault.column, "value": fault.value, "reason": fault.reason });
        json!({
            "version": SHAPE_VERSION,
            "dry_run": self.dry_run,
            "rows": self.rows(),
            "valid": self.dry_run.then_some(self.valid),
            "new": self.new,
            "amended": self.amended,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "releases": self.releases,
            "took_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "rows_per_second": self.rate(),
            "report": self.report,
            "faults": self.faults.iter().map(fault).collect::<Vec<_>>(),
        })
    }

    /// `3 of 100 rows`.
    pub(crate) fn rejected_of_all(&self) -> String {
        format!("{} of {}", self.rejected, words::count(usize::try_from(self.rows()).unwrap_or(usize::MAX), "row"))
    }

    fn rate(&self) -> u64 {
        let ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX).max(1);
        self.rows().saturating_mul(1000) / ms
    }
}

fn fault_line(row: u64, fault: &RowFault) -> String {
    let mut line = format!("row {row}");
    if !fault.column.is_empty() {
        line.push_str(&format!(", {}", clean(&fault.column)));
    }
    if !fault.value.is_empty() {
        line.push_str(&format!(", \"{}\"", clean(&fault.value)));
    }
    line.push_str(&format!(": {}", clean(&fault.reason)));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(reason: &str) -> RowFault {
        RowFault { column: "Date".into(), value: "32/13\x1b".into(), reason: reason.into() }
    }

    #[test]
    fn summary_adds_up_and_states_the_rate() {
        let mut tally =
            Tally { new: 6, amended: 1, unchanged: 2, took: Duration::from_millis(500), ..Default::default() };
        tally.reject(17, &[fault("is not a date")]);
        assert_eq!(tally.lines()[0], "rows      10: 6 new, 1 amended, 2 unchanged, 1 rejected");
        assert_eq!(tally.lines()[1], "time      0.500 s, 20 rows/s");
        assert_eq!(tally.fault_lines(), ["row 17, Date, \"32/13\u{FFFD}\": is not a date"]);
        let shape = tally.json();
        assert_eq!((&shape["rows"], &shape["valid"], &shape["report"]), (&json!(10), &Value::Null, &Value::Null));
        assert_eq!(shape["faults"][0]["column"], "Date");
        assert_eq!(tally.rejected_of_all(), "1 of 10 rows");
    }

    #[test]
    fn faults_kept_for_showing_are_bounded_but_all_are_counted() {
        let mut tally = Tally { dry_run: true, ..Default::default() };
        (0..1000).for_each(|row| tally.reject(row, &[fault("is wrong"), fault("is odd")]));
        assert_eq!((tally.rejected, tally.fault_lines().len()), (1000, FAULTS_SHOWN_MAX));
        assert!(tally.lines().iter().any(|line| line.contains("nothing was sent")), "{:?}", tally.lines());
    }
}
