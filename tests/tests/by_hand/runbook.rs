//! The commands of the operator's runbook, as they stand there and in their order: two nodes, and the holders of the roots
//! who are on no network.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use selat_tests::{Scene, root};

use crate::BUILT;
use crate::reader::{Reader, verb};

#[test]
fn commands_of_the_runbook_run_in_their_order() {
    let scene = Scene::new(BUILT);
    let passphrase = scene.file("backup.pass", "six words that nobody else has\n");
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    let mut reader = Reader::new(&scene);
    let commands = commands();
    for (place, command) in &commands {
        reader.run(place.as_deref(), command);
    }
    let [kept, restored] = ["aus/keys", "restored-keys"].map(|folder| scene.path(folder).join("storage.key"));
    assert_eq!(fs::read(kept).unwrap(), fs::read(restored).unwrap(), "what is restored is what the node opens");
    let verbs: BTreeSet<String> = commands.iter().map(|(_, command)| verb(command)).collect();
    for wanted in
        ["doctor", "key backup", "key rotate", "key resign", "key restore", "descriptor publish", "peer remove"]
    {
        assert!(verbs.contains(wanted), "the runbook shows no {wanted}: {verbs:?}");
    }
}

/// Every command of the runbook, and at which node it is typed: the roots' machine has none.
fn commands() -> Vec<(Option<String>, String)> {
    let runbook = fs::read_to_string(root().join("deploy/RUNBOOK.md")).expect("there is a runbook");
    let typed = runbook.lines().filter_map(|line| line.split_once("$ selat "));
    let commands: Vec<_> = typed
        .filter(|(prompt, _)| ["aus", "idn", "root"].contains(prompt))
        .map(|(prompt, line)| ((prompt != "root").then(|| prompt.to_owned()), line.trim().to_owned()))
        .collect();
    assert!(commands.len() > 40, "{commands:?}");
    assert!(commands.iter().all(|(_, line)| !line.ends_with('\\')), "one command, one line");
    commands
}
