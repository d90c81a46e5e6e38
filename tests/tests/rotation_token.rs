//! The same as `rotation` with the signing keys of every node in a token of its own: SoftHSM2, a PKCS#11 token in software.
//! Without it the suite says aloud that it is skipped; `tests/install-softhsm.sh` installs it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

#[path = "rotation/walk.rs"]
mod walk;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use selat_tests::Scene;

/// Where distributions put the module.
const MODULES: [&str; 2] = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"];
const NAMES: [&str; 5] = ["AUS", "IDN", "MYS", "NZL", "THA"];
const PIN: &str = "48151623";

#[test]
fn every_key_is_turned_in_tokens_under_load_and_no_call_fails() {
    let tool = Command::new("softhsm2-util").arg("--version").output();
    let module = MODULES.into_iter().find(|module| tool.is_ok() && Path::new(module).exists());
    let Some(module) = module else {
        return walk::say("SKIPPED: SoftHSM2 is not installed; tests/install-softhsm.sh installs it");
    };
    let mut scene = Scene::new(env!("CARGO_BIN_EXE_selat-under-test"));
    fs::create_dir(scene.path("tokens")).unwrap();
    let store = format!("directories.tokendir = {}\nobjectstore.backend = file\n", scene.path("tokens").display());
    let settings = scene.file("softhsm2.conf", &store);
    scene.program.set("SOFTHSM2_CONF", settings.to_str().unwrap());
    let pin = scene.file("pin", &format!("{PIN}\n"));
    fs::set_permissions(&pin, Permissions::from_mode(0o600)).unwrap();
    for name in NAMES {
        make_token(&settings, name);
    }
    let custody = |name: &str| {
        format!("--keys token --token-module {module} --token-label {name} --token-pin-file {}", pin.display())
    };
    let nodes = scene.federation_of(NAMES, custody, &walk::SETTINGS);
    for node in &nodes {
        let told = node.json("key status")["custody"].as_str().unwrap().to_owned();
        assert!(told.starts_with("token"), "{told}");
    }
    walk::turn_every_key(&scene, &nodes);
}

/// An empty token with this label.
fn make_token(settings: &Path, label: &str) {
    let made = Command::new("softhsm2-util")
        .env("SOFTHSM2_CONF", settings)
        .args(["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", PIN])
        .output()
        .expect("the tool has said its version");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
