//! Files that a command line names: read whole, but never more than their kind may hold; written, but never over another.

use std::fs::File;
use std::io::{ErrorKind, Read, Write as _};
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
    let file = File::open(path).map_err(|fault| unreadable(path, &fault))?;
    bounded_text(file, path, bytes_max)
}

/// Writes a file that is not there yet. When this returns `Ok` it survives power loss: a signature given once more is a
/// journey. On `Err` it is not there, so that the same command can be given again.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), Complaint> {
    let mut file = File::create_new(path).map_err(|fault| match fault.kind() {
        ErrorKind::AlreadyExists => in_the_way(path),
        _ => unreadable(path, &fault),
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| sync_folder_of(path));
    written.map_err(|fault| {
        // What is told is why it could not be written; that its beginning cannot be taken away comes of the same.
        let _ = std::fs::remove_file(path);
        unreadable(path, &fault)
    })
}

/// A file's name is in its folder, and that is to last too.
fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Refuses to go on when what shall be written is there already: before a person has been asked for anything.
pub(crate) fn refuse_if_there(path: &Path) -> Result<(), Complaint> {
    if path.exists() { Err(in_the_way(path)) } else { Ok(()) }
}

fn in_the_way(path: &Path) -> Complaint {
    Complaint::about(&explain::FILE_UNREADABLE)
        .problem(format!("{} is there already", path.display()))
        .cause("nothing is written over another file")
        .mend("name another file, or move that one away")
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
    fn file_that_exists_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("AUS.descriptor");
        refuse_if_there(&path).unwrap();
        write_new(&path, "one").unwrap();
        for refused in [write_new(&path, "two").unwrap_err(), refuse_if_there(&path).unwrap_err()] {
            assert_eq!(refused.code(), "SLT-2202");
            assert!(refused.to_string().contains("is there already"), "{refused}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(write_new(&folder.path().join("no/such"), "x").unwrap_err().code(), "SLT-2202");
    }

    #[test]
    fn missing_file_is_named() {
        let refused = small_text(Path::new("/no/such/draft.json")).unwrap_err();
        assert_eq!(refused.code(), "SLT-2202");
        assert!(refused.to_string().contains("/no/such/draft.json"), "{refused}");
    }
}
