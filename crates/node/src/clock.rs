//! The one place that asks the operating system for the time and for random bytes. Everything else is given them, so
//! that tests can turn the clock and repeat the draw.

use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
pub use selat_exchange::Clock;
use selat_record::Timestamp;
use selat_seal::Entropy;

/// The clocks of the operating system.
#[derive(Debug, Clone)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    #[allow(clippy::disallowed_methods, reason = "this is the clock that everybody else is told to ask")]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

#[async_trait]
impl Clock for SystemClock {
    /// A system clock before 1970 or after the year 9999 reads as the nearer end.
    #[allow(clippy::disallowed_methods, reason = "this is the clock that everybody else is told to ask")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::EPOCH.plus(since_epoch)
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// Random bytes from the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Without random bytes no key, nonce or id may be made: there is nothing to go on with.
        aws_lc_rs::rand::fill(bytes).expect("the system's random generator does not fail once it is seeded");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_run_forward_and_after_this_was_written() {
        let clock = SystemClock::start();
        let (now, ms) = (clock.now(), clock.monotonic_ms());
        assert!(now > Timestamp::from_ms(1_700_000_000_000).unwrap());
        assert!(clock.now() >= now && clock.monotonic_ms() >= ms);
    }

    #[test]
    fn entropy_never_gives_the_same_32_bytes_twice() {
        let (mut a, mut b) = ([0; 32], [0; 32]);
        OsEntropy.fill(&mut a);
        OsEntropy.fill(&mut b);
        assert_ne!(a, b);
    }
}
