//! Opens the store in its folder. A store that was closed a moment ago in this process may still be locked, because
//! sled's own threads let go of it last: that is waited for, briefly.

use std::path::Path;
use std::time::Duration;

use selat_exchange::Clock;
use selat_store::{SledEngine, StoreError};

use crate::running::StartError;

/// How often, and after which pause, a locked store is tried again: half a second altogether.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(10);

/// Opens the store, or makes an empty one; about `cache_bytes` of it stay in memory.
pub async fn open(folder: &Path, cache_bytes: u64, clock: &dyn Clock) -> Result<SledEngine, StartError> {
    for _ in 0..TRIES {
        match open_now(folder, cache_bytes).await {
            Err(StartError::Store(StoreError::InUse { .. })) => clock.sleep(PAUSE).await,
            opened => return opened,
        }
    }
    open_now(folder, cache_bytes).await
}

async fn open_now(folder: &Path, cache_bytes: u64) -> Result<SledEngine, StartError> {
    let folder = folder.to_owned();
    let opened = tokio::task::spawn_blocking(move || SledEngine::open(&folder, cache_bytes)).await;
    Ok(opened.map_err(|error| StartError::Server(error.to_string()))??)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use selat_record::Timestamp;

    use super::*;

    const CACHE: u64 = 16 * 1024 * 1024;

    /// Counts the pauses; in the third, whoever holds the store lets go of it.
    struct Pauses {
        count: Mutex<u32>,
        holder: Mutex<Option<SledEngine>>,
    }

    #[async_trait]
    impl Clock for Pauses {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH
        }

        fn monotonic_ms(&self) -> u64 {
            0
        }

        async fn sleep(&self, _: Duration) {
            let mut count = self.count.lock().unwrap();
            *count += 1;
            if *count == 3 {
                self.holder.lock().unwrap().take();
            }
        }
    }

    #[tokio::test]
    async fn store_that_is_let_go_of_meanwhile_is_opened_and_one_that_is_not_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let holder = SledEngine::open(folder.path(), CACHE).unwrap();
        let clock = Pauses { count: Mutex::new(0), holder: Mutex::new(Some(holder)) };
        let opened = open(folder.path(), CACHE, &clock).await.unwrap();
        assert!(*clock.count.lock().unwrap() >= 3);

        let second = open(folder.path(), CACHE, &clock).await.err();
        assert!(matches!(second, Some(StartError::Store(StoreError::InUse { .. }))), "{second:?}");
        drop(opened);
    }
}
