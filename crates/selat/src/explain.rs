//! `selat explain`: one table for the reader, though each crate keeps the texts of its own codes.

use std::io::{self, Write as _};

use selat_client::exit::Exit;

/// Prints the long text of a code.
pub fn run(code: &str) -> u8 {
    let code = code.trim().to_uppercase();
    let text = match (selat_client::explain::explain(&code), selat_node::complaint::explain(&code)) {
        (Some(explanation), _) => explanation.page(),
        (None, Some(text)) => format!("{code}\n\n{text}\n"),
        (None, None) => {
            // A closed standard error cannot be told anything.
            let _ = writeln!(
                io::stderr(),
                "error[SLT-2003]: no such code\ncause: {} is not an error code of this version\n\
                 mend:  take the code from the brackets of the message, for example SLT-3103\nmore:  selat help",
                selat_node::complaint::plain(&code)
            );
            return Exit::NotFound.code();
        }
    };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Exit::Ok.code(),
        Err(_) => Exit::Unexpected.code(),
    }
}
