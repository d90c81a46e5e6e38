//! What can go wrong with the store, sorted by what the caller may conclude from it.

use std::any::Any;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use selat_ledger::LogId;

use crate::vault::VaultError;

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A precondition did not hold. Nothing changed: read again and decide anew.
    #[error("another write came first: {on}")]
    Conflict {
        /// What was not as the batch required.
        on: Contested,
    },
    /// The batch cannot be taken as it is. Nothing changed.
    #[error("the batch was refused: {why}")]
    Refused {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A stored value is not what was once stored there.
    #[error("the stored value of {} is damaged", printable(.key))]
    Damaged {
        /// Where.
        key: Vec<u8>,
    },
    /// A question about entries that the log does not have.
    #[error("log {log} does not reach that far")]
    BeyondEnd {
        /// The log.
        log: LogId,
    },
    /// Something stored encrypted did not open.
    #[error("a stored value could not be decrypted")]
    Sealed(#[from] VaultError),
    /// The layer below failed while reading.
    #[error("the storage below failed")]
    Io(#[source] Cause),
    /// The write may or may not be there. The engine takes no further writes: restart and read.
    #[error("the outcome of the write is unknown")]
    Unknown(#[source] Cause),
    /// An earlier write ended in an unknown way. Nothing changed.
    #[error("the store is read-only since a write failed; restart the node")]
    ReadOnly,
    /// The engine was told to stop. Nothing changed.
    #[error("the store has stopped")]
    Stopped,
    /// Another process has the store open.
    #[error("the store at {} is in use by another process", .path.display())]
    InUse {
        /// Its folder.
        path: PathBuf,
    },
    /// The files of the store could not be opened: damaged, unreadable, or the disk is full.
    #[error("the store at {} could not be opened", .path.display())]
    Open {
        /// Its folder.
        path: PathBuf,
        /// What the layer below said.
        #[source]
        cause: Cause,
    },
    /// The store was written in a format that this software does not know.
    #[error("the store has format {found}, this software reads format {expected}")]
    Format {
        /// What the store says.
        found: String,
        /// What is needed.
        expected: String,
    },
    /// The store belongs to another participant or federation.
    #[error("the store belongs to {found}, not to {expected}")]
    Foreign {
        /// Whose it is, as `participant in federation`.
        found: String,
        /// Who opened it.
        expected: String,
    },
    /// The storage key is not the one that the store was made with.
    #[error("the storage key does not belong to this store")]
    WrongKey,
}

impl StoreError {
    /// True when the write that returned this certainly left no trace; false when it may have happened.
    pub fn left_no_trace(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    /// True when a precondition did not hold.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// A value under `key` that cannot be what was stored.
    pub(crate) fn damaged(key: &[u8]) -> Self {
        Self::Damaged { key: key.to_vec() }
    }
}

/// What the layer below said. Shared, because every batch of a group hears of the same failure.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// What stood in the way of a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contested {
    /// The value of a key.
    #[error("key {}", printable(.0))]
    Key(Vec<u8>),
    /// The size of a log.
    #[error("log {log} has {size} entries, not {expected}")]
    Log {
        /// The log.
        log: LogId,
        /// What the batch required.
        expected: u64,
        /// What it has.
        size: u64,
    },
}

/// What a panic in the layer below said.
pub(crate) fn panic_cause(panic: &(dyn Any + Send)) -> Cause {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Arc::new(io::Error::other(text.unwrap_or("the database panicked").to_owned()))
}

/// Keys are text with ids in raw bytes between.
fn printable(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}
