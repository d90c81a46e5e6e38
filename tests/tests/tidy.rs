//! Keeps the house in order: what DESIGN.md and CONTRIBUTING.md promise about the tree, and no compiler checks.
//!
//! Each suite looks at the tree as it is, and shows on small samples that a breach would be found. A finding names the
//! file, what is wrong with it, and the mend. Leaves out what `rustfmt` and `clippy` already hold.

#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/finding.rs"]
mod finding;
#[path = "tidy/graph.rs"]
mod graph;
#[path = "tidy/layout.rs"]
mod layout;
#[path = "tidy/licences.rs"]
mod licences;
#[path = "tidy/manifest.rs"]
mod manifest;
#[path = "tidy/protos.rs"]
mod protos;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/tree.rs"]
mod tree;
