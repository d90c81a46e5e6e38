//! Time and chance as the tests want them: a clock that only turns when told, and bytes that come from a seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use selat_exchange::Clock;
use selat_record::Timestamp;
use selat_seal::Entropy;

/// 2026-01-02: a day after the fixtures' keys were made.
const START_MS: i64 = 1_767_312_000_000;

/// A clock turned by hand. Whoever sleeps turns it: with a store that answers at once (see
/// [`Bench`](super::Bench)) a sleep is reached only when there is nothing left to do but wait.
#[derive(Default)]
pub struct HandClock(AtomicU64);

impl HandClock {
    pub fn turn(&self, span: Duration) {
        self.0.fetch_add(u64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(START_MS).unwrap().plus(Duration::from_millis(self.monotonic_ms()))
    }

    fn monotonic_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    async fn sleep(&self, span: Duration) {
        self.turn(span);
    }
}

/// Repeatable "random" bytes (splitmix64). Never for anything but tests.
pub struct Seeded(Mutex<u64>);

impl Seeded {
    /// The seed is in the output of a test that fails; `SELAT_SEED` runs it again with another one.
    pub fn new() -> Self {
        let seed = std::env::var("SELAT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(2026);
        println!("SELAT_SEED={seed}");
        Self(Mutex::new(seed))
    }

    fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.next().to_be_bytes()[0]);
    }
}
