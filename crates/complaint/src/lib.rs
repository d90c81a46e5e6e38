//! How a failure is told to a person or a script: code, what, cause, mend, more; exit codes; the long text of every
//! code; text from outside made harmless.
//!
//! Promise: all commands tell their failures alike, and no text from a file, a peer or a node steers the terminal.
//! Leaves out: the texts themselves. Each crate that finds faults keeps the table of its own, made with
//! [`explanations!`]; what raises them and how they travel is theirs too.

mod clean;
mod exit;
mod explanation;
mod told;

pub use clean::{clean, clean_json};
pub use exit::Exit;
pub use explanation::{Explanation, is_code};
pub use told::Complaint;
