//! Keeps the memory of this process to itself, because keys and passphrases are in it.
//!
//! Promise: once [`keep_memory_to_itself`] has returned `Ok`, a crash writes no core file and gives none to a program that
//! collects them, and no other process of the same user can read the memory. Leaves out: swap and hibernation, which are
//! the machine's (deploy/README.md says what to do there), and who is root.

use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, setrlimit};
use selat_complaint::Complaint;

use crate::explain;

/// For every command, before it reads anything: nobody can tell beforehand which of them will touch a key.
pub fn keep_memory_to_itself() -> Result<(), Complaint> {
    // A second lock beside the one below. The sandbox of a service may forbid the call, and has its own limit then.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    set_dumpable(false).map_err(|error| {
        Complaint::about(&explain::MEMORY_OPEN).cause(format!("the system refuses to keep core dumps off: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use nix::sys::prctl::get_dumpable;
    use nix::sys::resource::getrlimit;

    use super::*;

    #[test]
    fn process_that_keeps_its_memory_to_itself_dumps_none() {
        keep_memory_to_itself().unwrap();
        assert!(!get_dumpable().unwrap());
        assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, 0));
    }
}
