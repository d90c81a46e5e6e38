//! The log that the process writes to standard error: one line per event, as JSON or as text.
//!
//! Promise: an event is one line, and no control character in it is written as such: text from a peer cannot forge a
//! line or steer a terminal. Events of other people's crates are written from `warn` on only: their finer ones may
//! quote bytes that must not be in a log.

use std::io::{self, Write};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

use crate::config::{LogConfig, LogFormat};

/// The process already writes a log.
#[derive(Debug, thiserror::Error)]
#[error("the log has already been started in this process")]
pub struct AlreadyStarted;

/// Sends the events of the whole process to standard error. Once per process.
pub fn start(log: &LogConfig) -> Result<(), AlreadyStarted> {
    tracing::subscriber::set_global_default(subscriber(log, io::stderr)).map_err(|_| AlreadyStarted)
}

/// A subscriber that writes to `writer`, for tests and for several nodes in one process.
pub fn subscriber<W>(log: &LogConfig, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = LevelFilter::from_level(log.level);
    let targets = Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("selat", level);
    let lines = fmt::layer().with_ansi(false).with_writer(OneLine(writer));
    let lines = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        LogFormat::Text => lines.boxed(),
    };
    registry().with(lines.with_filter(targets))
}

/// Makes writers that write an event as one plain line.
struct OneLine<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for OneLine<W> {
    type Writer = LineWriter<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        LineWriter(self.0.make_writer())
    }
}

struct LineWriter<W>(W);

impl<W: Write> Write for LineWriter<W> {
    /// The subscriber hands over one whole event at a time, a line feed at its end.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let mut line = escape(text.strip_suffix('\n').unwrap_or(&text));
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Control characters as `\u001b`: good inside a JSON string and readable outside of one.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c.is_control() {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{Level, debug, info};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written while `events` runs.
    fn written(level: Level, format: LogFormat, events: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = subscriber(&LogConfig { level, format }, move || writer.clone());
        tracing::subscriber::with_default(subscriber, events);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    const HOSTILE: &str = "a\nforged line\x1b[31m\u{9b}2J\u{7f}";

    #[test]
    fn hostile_text_stays_on_one_line_without_control_characters() {
        for format in [LogFormat::Json, LogFormat::Text] {
            let text = written(Level::INFO, format, || info!(peer = HOSTILE, reason = %HOSTILE, "{HOSTILE}"));
            assert_eq!(text.matches('\n').count(), 1, "{text}");
            assert!(!text.trim_end().chars().any(char::is_control), "{text}");
        }
    }

    #[test]
    fn json_line_is_json_and_keeps_the_fields() {
        let text = written(Level::INFO, LogFormat::Json, || info!(peer = HOSTILE, "peer at fault"));
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["peer"], HOSTILE);
        assert_eq!(event["message"], "peer at fault");
    }

    #[test]
    fn level_applies_to_own_crates_and_others_stay_at_warn() {
        let text = written(Level::DEBUG, LogFormat::Text, || {
            debug!("own");
            debug!(target: "h2::codec", "frame");
            tracing::warn!(target: "h2::codec", "odd");
        });
        assert!(text.contains("own") && text.contains("odd") && !text.contains("frame"), "{text}");
        let text = written(Level::ERROR, LogFormat::Text, || tracing::warn!(target: "h2::codec", "odd"));
        assert_eq!(text, "");
    }
}
