//! A throw-away folder with the nodes of a few participants in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::node::Node;
use crate::program::Program;
use crate::wait::until;

/// Why the officers of the suites do what they do.
pub const WHY: &str = "--purpose law-enforcement --case T-1";

/// What was released has arrived by then, or never will.
const ARRIVE_MAX: Duration = Duration::from_secs(60);
/// Longest path of the temporary folder: that of a socket below it must stay below the system's 107 bytes.
const FOLDER_MAX: usize = 60;

/// The folder and the program in it. The nodes are apart, so that a suite can stop one and ask another.
pub struct Scene {
    folder: TempDir,
    /// The program, run in the folder.
    pub program: Program,
}

impl Scene {
    /// A new folder for the program at `built`.
    pub fn new(built: &str) -> Self {
        let usual = std::env::temp_dir();
        let place = if usual.as_os_str().len() > FOLDER_MAX { PathBuf::from("/tmp") } else { usual };
        let folder = tempfile::Builder::new().prefix("selat-").tempdir_in(place).expect("there is a temporary folder");
        let program = Program::in_folder(built, folder.path());
        Self { folder, program }
    }

    /// Makes and starts the nodes of `names`. They do not know each other yet.
    #[track_caller]
    pub fn found<const N: usize>(&self, names: [&'static str; N]) -> [Node; N] {
        self.found_of(names, |_| String::new(), &[])
    }

    /// The same with more words for `init` and keys of the configuration by section.
    #[track_caller]
    fn found_of<const N: usize>(
        &self,
        names: [&'static str; N],
        init: impl Fn(&str) -> String,
        keys: &[(&str, &str)],
    ) -> [Node; N] {
        let mut nodes = names.map(|name| Node::init_with(&self.program, name, &init(name)));
        nodes.iter().for_each(|node| node.configure(keys));
        nodes.iter_mut().for_each(Node::start);
        nodes
    }

    /// Makes and starts the nodes of `names`, each pair onboarded.
    #[track_caller]
    pub fn federation<const N: usize>(&self, names: [&'static str; N]) -> [Node; N] {
        self.federation_of(names, |_| String::new(), &[])
    }

    /// The same with keys of the configuration by section.
    #[track_caller]
    pub fn federation_with<const N: usize>(&self, names: [&'static str; N], keys: &[(&str, &str)]) -> [Node; N] {
        self.federation_of(names, |_| String::new(), keys)
    }

    /// The same, and with more words for `init` of each.
    #[track_caller]
    pub fn federation_of<const N: usize>(
        &self,
        names: [&'static str; N],
        init: impl Fn(&str) -> String,
        keys: &[(&str, &str)],
    ) -> [Node; N] {
        let nodes = self.found_of(names, init, keys);
        for (n, one) in nodes.iter().enumerate() {
            for other in nodes.iter().skip(n + 1) {
                self.join(one, other);
                self.join(other, one);
                self.approve(one, other);
                self.approve(other, one);
            }
        }
        nodes
    }

    /// `one` takes in the descriptor file of `other`.
    #[track_caller]
    pub fn join(&self, one: &Node, other: &Node) {
        let file = format!("{}.descriptor", other.name);
        if !self.path(&file).exists() {
            other.does(&format!("peer invite -f {file}"));
        }
        one.does(&format!("peer join {file}"));
    }

    /// `one` approves `other` after hearing the words that `other` reads out.
    #[track_caller]
    pub fn approve(&self, one: &Node, other: &Node) {
        let words = phrase(other, one);
        one.does(&format!("peer approve {} --phrase '{words}' --channel 'video call'", other.name));
    }

    /// Waits until `to` holds all that `from` has logged for it.
    #[track_caller]
    pub fn arrived(&self, from: &Node, to: &Node) -> u64 {
        let held = until(ARRIVE_MAX, || {
            let made = from.peer(to.name).pointer("/release_log/size").and_then(Value::as_u64);
            let held = to.held_of(from.name);
            (Some(held) == made).then_some(held)
        });
        held.unwrap_or_else(|| panic!("{} does not catch up with {}: {}", to.name, from.name, to.peer(from.name)))
    }

    /// Writes a file into the folder, over what may be there.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("the scene's own folder can be written");
        path
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

/// The twelve words that `reader` reads out to `listener`.
#[track_caller]
pub fn phrase(reader: &Node, listener: &Node) -> String {
    let shown = reader.json(&format!("peer fingerprint {}", listener.name));
    let words = shown.pointer("/words").and_then(Value::as_array).cloned().unwrap_or_default();
    words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}
