//! The one place where the suites wait.

use std::thread;
use std::time::Duration;

/// Between two looks. Short enough that nobody notices, long enough that looking does not slow what is looked at.
const PAUSE: Duration = Duration::from_millis(15);

/// Looks until there is something to see; `None` when `patience` is used up.
///
/// Only the pauses count, not the looking, so a slow machine gets more time. It returns at once when what is waited for
/// is there: no suite guesses how long something takes.
pub fn until<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let looks = patience.as_millis() / PAUSE.as_millis();
    for _ in 0..looks {
        if let Some(seen) = look() {
            return Some(seen);
        }
        thread::park_timeout(PAUSE);
    }
    look()
}
