//! A federation on one machine: made-up records, N real nodes in one process over real mutual TLS on loopback, and the
//! demonstration that tells its story. The federation serves the tests too.

pub mod explain;
pub mod federation;
pub mod made_up;

mod demo;
mod report;
mod story;

pub use demo::{DemoArgs, run_demo};
pub use federation::{Federation, RehearsalError};
