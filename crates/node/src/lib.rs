//! The process of a node: its configuration, its keys, its clocks and listeners; and the work on its own files while it
//! is down.

pub mod clock;
pub mod complaint;
pub mod config;
pub mod init;
pub mod keys_on_disk;
pub mod officer;
pub mod telemetry;
