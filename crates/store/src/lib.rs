//! What a node holds: an ordered key space that several engines provide, and the repositories written once on top.
//!
//! Promises: `Ok` from [`Engine::commit`] means that the whole batch is durable; nobody reads what is not durable yet;
//! a log only grows; contents are encrypted under a key per record. Leaves out: what the rows mean (`exchange`), who may
//! see them (`policy`), the search index, and the commit journal that lets sled survive damage to its own file.
//!
//! Read downward: [`engine`] and [`batch`] are the contract, [`appender`] keeps it, [`memory`] and [`sled_engine`] hold
//! the keys, [`repositories`] give them meaning.

pub mod appender;
pub mod batch;
pub mod engine;
pub mod error;
pub mod fault;
pub mod logs;
pub mod memory;
pub mod repositories;
pub mod sled_engine;
pub mod vault;

mod frame;
mod group;
mod keys;
mod keyspace;
mod view;

pub use batch::{Append, Batch, Precondition};
pub use engine::{Committed, Engine, Scan};
pub use error::{Contested, StoreError};
pub use fault::{Fault, FaultEngine};
pub use logs::{LogRow, Logs};
pub use memory::MemoryEngine;
pub use repositories::{Identity, Repositories};
pub use sled_engine::SledEngine;
pub use vault::{RecordKey, StorageKey, Vault, VaultError};
