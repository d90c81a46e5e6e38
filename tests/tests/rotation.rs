//! Five nodes under steady work, one of which turns every key it has: no call fails, nothing is lost, and what was signed
//! before still verifies. Here keys live in files; `rotation_token` does the same with keys in tokens.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

#[path = "rotation/walk.rs"]
mod walk;

use selat_tests::Scene;

#[test]
fn every_key_is_turned_under_load_and_no_call_fails() {
    let scene = Scene::new(env!("CARGO_BIN_EXE_selat-under-test"));
    let nodes = scene.federation_with(["AUS", "IDN", "MYS", "NZL", "THA"], &walk::SETTINGS);
    walk::turn_every_key(&scene, &nodes);
}
