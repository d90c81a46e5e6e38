//! The repository as files. Paths are relative to its root and use `/`.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests package lies in the root").to_path_buf()
}

/// The text of a file.
#[track_caller]
pub fn read(path: &str) -> String {
    let text = fs::read_to_string(root().join(path));
    assert!(text.is_ok(), "{path} cannot be read: {:?}", text.err());
    text.unwrap_or_default()
}

/// Whether there is such a file or folder.
pub fn holds(path: &str) -> bool {
    root().join(path).exists()
}

/// Names of what lies in `folder`, sorted.
pub fn entries(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("the folders that tidy looks into exist");
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// All files under `folder` whose name ends with `suffix`, sorted. Build output and hidden folders are left out.
pub fn files(folder: &str, suffix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in entries(folder) {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            if name != "target" && !name.starts_with('.') {
                found.extend(files(&path, suffix));
            }
        } else if name.ends_with(suffix) {
            found.push(path);
        }
    }
    found
}
