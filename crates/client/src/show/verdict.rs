//! What a check says to a monitoring system: one line, OK, WARNING or CRITICAL, and why.
//!
//! Promise: the line names every reason, the worst first, and the exit code follows the worst.

use std::time::Duration;

use selat_complaint::{Exit, clean};
use selat_record::Timestamp;
use serde_json::{Value, json};

use super::{SHAPE_VERSION, words};
use crate::screen::Tone;

/// How bad it is, rising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Ok,
    Warning,
    Critical,
}

impl Level {
    /// As monitoring systems write it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }
}

/// How near an end may come, at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) now: Timestamp,
    pub(crate) warn: Duration,
    pub(crate) crit: Duration,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    findings: Vec<(Level, String)>,
    nearest: Option<(Timestamp, String)>,
}

impl Verdict {
    /// Something that needs a person.
    pub(crate) fn found(&mut self, level: Level, what: impl Into<String>) {
        self.findings.push((level, what.into()));
    }

    /// Judges the end of something; 0 is no end.
    pub(crate) fn judge_end(&mut self, what: &str, end_ms: i64, bounds: Bounds) {
        let Some(end) = Timestamp::from_ms(end_ms).filter(|end| end.ms() > 0) else { return };
        let left = end.since(bounds.now);
        if left.is_zero() {
            self.found(Level::Critical, format!("{what} ended {end}"));
        } else if left <= bounds.warn.max(bounds.crit) {
            let level = if left <= bounds.crit { Level::Critical } else { Level::Warning };
            self.found(level, format!("{what} ends in {} ({end})", words::span(left)));
        }
        if self.nearest.as_ref().is_none_or(|(nearest, _)| end < *nearest) {
            self.nearest = Some((end, what.to_owned()));
        }
    }

    /// The worst of all findings.
    pub(crate) fn level(&self) -> Level {
        self.findings.iter().map(|(level, _)| *level).max().unwrap_or(Level::Ok)
    }

    /// The one line. `well` is what is said when nothing was found.
    pub(crate) fn line(&self, well: &str) -> String {
        let level = self.level().word();
        if self.findings.is_empty() {
            let nearest = self.nearest.as_ref().map(|(end, what)| format!("; first to end: {what}, {end}"));
            return clean(&format!("{level} - {well}{}", nearest.unwrap_or_default()));
        }
        let mut findings: Vec<_> = self.findings.iter().collect();
        findings.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        let told: Vec<&str> = findings.into_iter().map(|(_, what)| what.as_str()).collect();
        clean(&format!("{level} - {}", told.join("; ")))
    }

    /// The same as JSON.
    pub(crate) fn json(&self) -> Value {
        let found = self.findings.iter().map(|(level, what)| json!({ "level": level.word(), "what": what }));
        let found: Vec<Value> = found.collect();
        let nearest = self.nearest.as_ref().map(|(end, what)| json!({ "what": what, "until": end.to_string() }));
        json!({ "version": SHAPE_VERSION, "level": self.level().word(), "findings": found, "first_to_end": nearest })
    }

    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        if self.level() == Level::Ok { Exit::Ok } else { Exit::Attention }
    }

    /// The colour of the line.
    pub(crate) fn tone(&self) -> Tone {
        match self.level() {
            Level::Ok => Tone::Good,
            Level::Warning => Tone::Wary,
            Level::Critical => Tone::Bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn bounds() -> Bounds {
        Bounds { now: Timestamp::from_ms(1_700_000_000_000).unwrap(), warn: 30 * DAY, crit: 7 * DAY }
    }

    #[test]
    fn end_is_judged_at_the_edges_of_both_bounds() {
        let now = bounds().now;
        for (end, level) in [
            (now.plus(30 * DAY + Duration::from_millis(1)), Level::Ok),
            (now.plus(30 * DAY), Level::Warning),
            (now.plus(7 * DAY + Duration::from_millis(1)), Level::Warning),
            (now.plus(7 * DAY), Level::Critical),
            (now, Level::Critical),
            (Timestamp::EPOCH, Level::Ok),
        ] {
            let mut verdict = Verdict::default();
            verdict.judge_end("it", end.ms(), bounds());
            assert_eq!(verdict.level(), level, "{end}");
            assert_eq!(verdict.exit() == Exit::Ok, level == Level::Ok, "{end}");
        }
    }

    #[test]
    fn line_names_every_finding_and_the_worst_first() {
        let mut verdict = Verdict::default();
        verdict.found(Level::Warning, "one");
        verdict.found(Level::Critical, "two");
        assert_eq!(verdict.line("well"), "CRITICAL - two; one");
        let shape = verdict.json();
        assert_eq!((&shape["level"], &shape["findings"][0]["level"]), (&"CRITICAL".into(), &"WARNING".into()));
    }

    #[test]
    fn line_of_an_all_clear_says_what_ends_first() {
        let mut verdict = Verdict::default();
        assert_eq!(verdict.line("4 keys"), "OK - 4 keys");
        verdict.judge_end("later", bounds().now.plus(90 * DAY).ms(), bounds());
        verdict.judge_end("sooner", bounds().now.plus(60 * DAY).ms(), bounds());
        assert_eq!(verdict.line("4 keys"), "OK - 4 keys; first to end: sooner, 2024-01-13T22:13:20Z");
        assert_eq!(verdict.json()["first_to_end"]["what"], "sooner");
    }
}
