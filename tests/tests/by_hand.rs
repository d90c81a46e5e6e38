//! What an operator and an officer do by hand, with real processes on real sockets: nodes made by `init`, run by `serve`,
//! onboarded by file and phrase, asked on the command line.
//!
//! Each suite walks one way from its beginning. Leaves out whatever a process can be hurt by: see `crash`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

#[path = "by_hand/clock.rs"]
mod clock;
#[path = "by_hand/import.rs"]
mod import;
#[path = "by_hand/onboarding.rs"]
mod onboarding;
#[path = "by_hand/reader.rs"]
mod reader;
#[path = "by_hand/readme.rs"]
mod readme;
#[path = "by_hand/records.rs"]
mod records;
#[path = "by_hand/runbook.rs"]
mod runbook;
#[path = "by_hand/search.rs"]
mod search;

/// The program that cargo has built for these suites.
const BUILT: &str = env!("CARGO_BIN_EXE_selat-under-test");
