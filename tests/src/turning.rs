//! The hands of the people who turn keys: the operator at the node, and the holders of the roots with their files.
//!
//! Promise: only the commands of the runbook are used. Leaves out distance: the roots lie in the node's own folder, where
//! `init` put them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::{Node, Scene, until};

/// A step that has not come by then will not come.
const STEP_MAX: Duration = Duration::from_secs(60);
/// More rounds than any turn of a key takes.
const ROUNDS_MAX: usize = 4;

impl Scene {
    /// Turns a working key of `node` to its end: the successor is in use and every peer knows it.
    #[track_caller]
    pub fn turn_key(&self, node: &Node, purpose: &str) {
        let before = key_in_use(node, purpose);
        for round in 1..=ROUNDS_MAX {
            let draft = format!("{}-{purpose}-{round}.draft", node.name);
            node.does(&format!("key rotate {purpose} --yes --file {draft}"));
            if self.path(&draft).exists() {
                self.sign_and_publish(node, &draft, &self.roots(node));
            }
            everybody_knows(node);
            if until(STEP_MAX / 20, || (key_in_use(node, purpose) != before).then_some(())).is_some() {
                return;
            }
        }
        panic!("{} still signs with its old {purpose} key:\n{}", node.name, node.does("key status").stdout);
    }

    /// Puts new root keys in the place of those of `node`; they stand in `folder` afterwards.
    #[track_caller]
    pub fn turn_roots(&self, node: &Node, folder: &str) {
        std::fs::create_dir(self.path(folder)).expect("the scene's own folder can be written");
        let name = node.name;
        let fresh: Vec<PathBuf> = (1..=3).map(|n| self.path(&format!("{folder}/root-{n}.key"))).collect();
        for file in &fresh {
            node.does(&format!("key generate root --participant {name} --no-passphrase --file {}", shown(file)));
        }
        let public = self.path(&format!("{folder}/roots.pub"));
        let files: Vec<String> = fresh.iter().map(|file| shown(file)).collect();
        node.does(&format!("key export-public {} --file {}", files.join(" "), shown(&public)));
        let chain = self.chain(node, &format!("{folder}/before.descriptor"));
        let draft = format!("{folder}/roots.draft");
        node.does(&format!("descriptor draft --from {chain} --roots {} --file {draft}", shown(&public)));
        // Both sets sign: the old roots let the new ones in, the new ones show that they are there.
        let signers: Vec<PathBuf> = self.roots(node).into_iter().chain(fresh).collect();
        self.sign_and_publish(node, &draft, &signers);
        everybody_knows(node);
    }

    /// The root keys that `init` made for `node`.
    pub fn roots(&self, node: &Node) -> Vec<PathBuf> {
        let folder = node.folder().join("root");
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()));
        let files: BTreeSet<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        files.into_iter().collect()
    }

    /// Has every one of `roots` sign a draft of `node`, joins the signatures and publishes.
    #[track_caller]
    pub fn sign_and_publish(&self, node: &Node, draft: &str, roots: &[PathBuf]) {
        let before = self.chain(node, &format!("{draft}.before"));
        let signed: Vec<String> = (1..=roots.len()).map(|n| format!("{draft}.signed-{n}")).collect();
        for (root, file) in roots.iter().zip(&signed) {
            let key = shown(root);
            node.does(&format!("descriptor sign {draft} --previous {before} --key {key} --file {file} --yes"));
        }
        let done = format!("{draft}.descriptor");
        node.does(&format!("descriptor combine {} --previous {before} --file {done}", signed.join(" ")));
        node.does(&format!("descriptor publish {done}"));
    }

    /// The descriptors of `node` so far, in a file.
    #[track_caller]
    fn chain(&self, node: &Node, file: &str) -> String {
        node.does(&format!("peer invite --file {file}"));
        file.to_owned()
    }
}

/// Waits until every peer of `node` is known to hold its current descriptor.
#[track_caller]
pub fn everybody_knows(node: &Node) {
    let known = until(STEP_MAX, || {
        let acks = node.json("descriptor acks");
        let version = acks.pointer("/descriptor_version").cloned();
        let peers = acks.pointer("/peers").and_then(Value::as_array).cloned().unwrap_or_default();
        let all = peers.iter().all(|peer| peer.get("acknowledged_version").cloned() == version);
        (!peers.is_empty() && all).then_some(())
    });
    assert!(known.is_some(), "not every peer knows: {}\n{}", node.json("descriptor acks"), node.log());
}

/// The key of `purpose` that `node` signs with.
#[track_caller]
pub fn key_in_use(node: &Node, purpose: &str) -> String {
    let status = node.json("key status");
    let keys = status.pointer("/keys").and_then(Value::as_array).cloned().unwrap_or_default();
    let word = purpose.replace('-', "_");
    let is = |key: &&Value| key["purpose"] == word.as_str() && key["in_use"] == true;
    let key = keys.iter().find(is).and_then(|key| key["key"].as_str());
    key.unwrap_or_else(|| panic!("{} signs with no {purpose} key: {status}", node.name)).to_owned()
}

fn shown(path: &std::path::Path) -> String {
    path.display().to_string()
}
