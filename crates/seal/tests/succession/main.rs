//! How one key follows another: the steps of each goal, crashes between them, and that nobody is locked out meanwhile.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

#[path = "../kit/mod.rs"]
mod kit;

mod drafts;
mod emergencies;
mod ends;
mod rotations;
mod walks;
mod world;
