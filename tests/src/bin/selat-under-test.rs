//! The program, as the suites start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    selat::main()
}
