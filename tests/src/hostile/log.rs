//! What the process writes to its log, and whether anything in it panicked.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use selat_node::config::{LogConfig, LogFormat};
use selat_node::telemetry;

static LOG: OnceLock<Kept> = OnceLock::new();
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps the log of the whole process from now on, in the form in which a node writes it.
pub(crate) fn keep() {
    LOG.get_or_init(|| {
        note_panics();
        let kept = Kept::default();
        let writer = kept.clone();
        let config = LogConfig { level: tracing::Level::DEBUG, format: LogFormat::Text };
        tracing::subscriber::set_global_default(telemetry::subscriber(&config, move || writer.clone()))
            .expect("nothing else in these suites writes a log");
        kept
    });
}

/// The lines so far that hold all of `words`.
pub(crate) fn lines_with(words: &[&str]) -> Vec<String> {
    let kept = LOG.get().map(|kept| kept.lock().clone()).unwrap_or_default();
    let text = String::from_utf8_lossy(&kept).into_owned();
    text.lines().filter(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned).collect()
}

/// Where anything but a suite itself panicked.
pub(crate) fn panics() -> Vec<String> {
    PANICS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn note_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if !place.starts_with("tests/") {
            PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(place);
        }
        before(panic);
    }));
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
