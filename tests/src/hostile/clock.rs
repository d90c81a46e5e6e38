//! A clock that runs, and that a test can also turn forward.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use selat_node::clock::{Clock, SystemClock};
use selat_record::Timestamp;
use tokio::sync::Notify;

/// The system's clocks plus what they were turned forward by. Whoever sleeps past the turned hand wakes at once.
pub struct TurnedClock {
    system: SystemClock,
    turned_ms: AtomicU64,
    turned: Notify,
}

impl TurnedClock {
    /// Not turned yet.
    pub fn start() -> Self {
        Self { system: SystemClock::start(), turned_ms: AtomicU64::new(0), turned: Notify::new() }
    }

    /// Turns both the wall clock and the monotonic one forward.
    pub fn turn(&self, span: Duration) {
        self.turned_ms.fetch_add(whole_ms(span), Ordering::SeqCst);
        self.turned.notify_waiters();
    }

    fn turned_by(&self) -> Duration {
        Duration::from_millis(self.turned_ms.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        self.system.now().plus(self.turned_by())
    }

    fn monotonic_ms(&self) -> u64 {
        self.system.monotonic_ms().saturating_add(whole_ms(self.turned_by()))
    }

    async fn sleep(&self, span: Duration) {
        let due_ms = self.monotonic_ms().saturating_add(whole_ms(span));
        loop {
            let mut turned = std::pin::pin!(self.turned.notified());
            turned.as_mut().enable();
            let left_ms = due_ms.saturating_sub(self.monotonic_ms());
            if left_ms == 0 {
                return;
            }
            tokio::select! {
                () = self.system.sleep(Duration::from_millis(left_ms)) => {}
                () = turned => {}
            }
        }
    }
}

fn whole_ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
