//! What an engine's storage must offer so that the appender can do the rest. Blocking, and written by one thread only.

use std::collections::BTreeMap;

use crate::engine::Scan;
use crate::error::StoreError;

/// Keys with their new value, or `None` for keys that go away.
pub(crate) type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Rows in ascending order of their keys.
pub(crate) type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// An ordered map on some medium.
pub(crate) trait KeySpace: Send + Sync + 'static {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The rows that the scan covers, at most `scan.limit`.
    fn scan(&self, scan: &Scan) -> Result<Rows, StoreError>;

    /// Makes all of the writes visible, atomically also with respect to a crash. Not durable before [`KeySpace::flush`].
    /// After an error the outcome is unknown.
    fn apply(&self, writes: &Writes) -> Result<(), StoreError>;

    /// Makes durable what was applied. After an error the outcome is unknown.
    fn flush(&self) -> Result<(), StoreError>;

    /// Bytes on the medium, about.
    fn bytes(&self) -> u64;
}
