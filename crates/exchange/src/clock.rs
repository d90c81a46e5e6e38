//! Time, as the use-cases are given it. Only `node` asks the operating system.

use std::time::Duration;

use async_trait::async_trait;
use selat_record::Timestamp;

/// The node's clock. A test passes one that it turns by hand.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time.
    fn now(&self) -> Timestamp;

    /// Milliseconds since some moment at or before the start of the process; never goes back.
    fn monotonic_ms(&self) -> u64;

    /// Returns once `span` has passed on the monotonic clock.
    async fn sleep(&self, span: Duration);
}
