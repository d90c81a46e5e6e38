//! Files that a command line names: read whole, but never more than their kind may hold.

use std::io::Read;
use std::path::Path;

use selat_complaint::Complaint;

use crate::explain;

/// Largest draft of a record, mapping or descriptor in bytes. A record has at most 192 KiB; its JSON is a few times that.
pub(crate) const SMALL_FILE_MAX: u64 = 2 * 1024 * 1024;

/// Largest file of a descriptor chain in bytes: as much as is ever read of one.
pub(crate) const CHAIN_FILE_MAX: u64 = 16 * 1024 * 1024;

/// The text of a small file; `-` is standard input.
pub(crate) fn small_text(path: &Path) -> Result<String, Complaint> {
    text_up_to(path, SMALL_FILE_MAX)
}

/// The text of a file of at most `bytes_max` bytes; `-` is standard input.
pub(crate) fn text_up_to(path: &Path, bytes_max: u64) -> Result<String, Complaint> {
    if path == Path::new("-") {
        return bounded_text(std::io::stdin().lock(), path, bytes_max);
    }
    let file = std::fs::File::open(path).map_err(|fault| unreadable(path, &fault))?;
    bounded_text(file, path, bytes_max)
}

/// The complaint about a file that cannot be read or written.
pub(crate) fn unreadable(path: &Path, fault: &std::io::Error) -> Complaint {
    Complaint::about(&explain::FILE_UNREADABLE).problem(format!("{} cannot be used", path.display())).cause(fault)
}

fn bounded_text(from: impl Read, path: &Path, bytes_max: u64) -> Result<String, Complaint> {
    let mut text = String::new();
    from.take(bytes_max.saturating_add(1)).read_to_string(&mut text).map_err(|fault| unreadable(path, &fault))?;
    if text.len() as u64 > bytes_max {
        let cause = format!("{} has more than {bytes_max} bytes", path.display());
        return Err(Complaint::about(&explain::FILE_TOO_LARGE).cause(cause));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: Vec<u8>, wanted: Result<usize, &str>) {
        let read = bounded_text(bytes.as_slice(), Path::new("f.json"), SMALL_FILE_MAX);
        assert_eq!(read.as_ref().map(String::len).map_err(Complaint::code), wanted);
    }

    #[test]
    fn files_are_read_up_to_their_bound_and_only_as_text() {
        check(vec![b'x'; SMALL_FILE_MAX as usize], Ok(SMALL_FILE_MAX as usize));
        check(vec![b'x'; SMALL_FILE_MAX as usize + 1], Err("SLT-2203"));
        check(vec![0xff, 0xfe], Err("SLT-2202"));
    }

    #[test]
    fn missing_file_is_named() {
        let refused = small_text(Path::new("/no/such/draft.json")).unwrap_err();
        assert_eq!(refused.code(), "SLT-2202");
        assert!(refused.to_string().contains("/no/such/draft.json"), "{refused}");
    }
}
