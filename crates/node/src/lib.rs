//! The process of a node: its configuration, its keys, its clocks and listeners; and the work on its own files while it
//! is down.

pub mod accept_time;
pub mod calls;
pub mod certificates;
pub mod clock;
pub mod config;
pub mod desk;
pub mod doctor;
pub mod enrol;
pub mod explain;
pub mod init;
pub mod key_files;
pub mod keys;
pub mod metrics;
pub mod officer;
pub mod running;
pub mod secrecy;
pub mod serve;
pub mod telemetry;
pub mod watch;

mod door;
mod follower;
mod greetings;
mod own_descriptor;
mod peer_rpc;
mod peer_server;
mod ping;
mod refresher;
mod start;
mod status;
mod store_folder;
mod supervisor;
#[cfg(test)]
mod testing;
mod upkeep;
