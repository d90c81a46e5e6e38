//! Small regular work on the store: the high-water mark of time, and answered queries that may be forgotten.

use std::sync::Arc;
use std::time::Duration;

use selat_exchange::Clock;
use selat_record::Timestamp;
use selat_store::{Batch, Repositories, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::running::StartError;

/// How often.
const PERIOD: Duration = Duration::from_secs(60);

/// Refuses to start with a clock that was set back by more than `tolerance`: expiry would come to life again.
pub async fn check_clock(store: &Repositories, now: Timestamp, tolerance: Duration) -> Result<(), StartError> {
    match store.meta.high_water().await? {
        Some(known) if known > now.plus(tolerance) => Err(StartError::ClockSetBack { now, known }),
        _ => Ok(()),
    }
}

/// Does the work until `stop`.
pub async fn run(store: Repositories, clock: Arc<dyn Clock>, stop: CancellationToken) {
    loop {
        if let Err(error) = once(&store, clock.now()).await {
            warn!(%error, "upkeep of the store failed");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(PERIOD) => {}
        }
    }
}

async fn once(store: &Repositories, now: Timestamp) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    if store.meta.high_water().await?.is_none_or(|known| known < now) {
        store.meta.note_high_water(&mut batch, now);
        store.commit(batch).await?;
    }
    store.seen.purge(now).await?;
    Ok(())
}
