//! Text form of things that people carry in files: RFC 7468 with labels that begin with `SELAT`.
//!
//! Reads strictly: one block, its label, short lines, canonical base64. Written here, not taken from a PEM crate, because key
//! files go through it too and every buffer that held a key must be wiped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Longest text that is read: a descriptor of 64 KiB with its signatures, in base64, and room to spare.
const TEXT_MAX_BYTES: usize = 256 * 1024;
/// Longest line that is read, as RFC 1421 allows and mailers keep. Lines are written with 64.
const LINE_MAX: usize = 76;
const LINE_WRITTEN: usize = 64;

/// Why a text is not the armour of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArmorError {
    /// Longer than is ever read.
    #[error("has {size} bytes; at most {max} are read")]
    TooLarge {
        /// How many bytes it has.
        size: usize,
        /// How many are read.
        max: usize,
    },
    /// More blocks than are ever read.
    #[error("holds more than {0} blocks")]
    TooMany(usize),
    /// The first line is another one.
    #[error("does not begin with \"-----BEGIN SELAT {0}-----\"")]
    NoBegin(&'static str),
    /// The last line is another one.
    #[error("does not end with \"-----END SELAT {0}-----\"")]
    NoEnd(&'static str),
    /// A header of the block is not there.
    #[error("lacks the line \"{0}: ...\"")]
    NoHeader(&'static str),
    /// Not base64 in its one form, or lines too long.
    #[error("is damaged between its first and last line")]
    Damaged,
}

/// Wraps bytes as `-----BEGIN SELAT <kind>-----`.
pub fn armor(kind: &'static str, bytes: &[u8]) -> String {
    std::mem::take(&mut *write(kind, &[], bytes))
}

/// Takes the bytes out again. White space around the block is forgiven, nothing else.
pub fn dearmor(kind: &'static str, text: &str) -> Result<Vec<u8>, ArmorError> {
    let ([], mut bytes) = read(kind, [], text)?;
    Ok(std::mem::take(&mut *bytes))
}

/// Cuts a text into its blocks of one kind, in their order, each with its first and last line. White space between them is
/// forgiven, nothing else; at least one, at most `max`.
pub(crate) fn blocks<'t>(kind: &'static str, text: &'t str, max: usize) -> Result<Vec<&'t str>, ArmorError> {
    let (begin, end) = (format!("-----BEGIN SELAT {kind}-----"), format!("-----END SELAT {kind}-----"));
    let mut blocks = Vec::new();
    let mut rest = text.trim();
    loop {
        if !rest.starts_with(&begin) {
            return Err(ArmorError::NoBegin(kind));
        }
        let size = rest.find(&end).ok_or(ArmorError::NoEnd(kind))? + end.len();
        let (block, after) = rest.split_at(size);
        if blocks.len() == max {
            return Err(ArmorError::TooMany(max));
        }
        blocks.push(block);
        rest = after.trim_start();
        if rest.is_empty() {
            return Ok(blocks);
        }
    }
}

/// Writes a block with header lines. Header values must not hold line ends.
pub(crate) fn write(kind: &str, headers: &[(&str, &str)], bytes: &[u8]) -> Zeroizing<String> {
    let encoded = Zeroizing::new(STANDARD.encode(bytes));
    let headers_len: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 3).sum();
    // Room for all of it at once: a string that grows leaves its old bytes behind, unwiped.
    let room = 2 * kind.len() + headers_len + encoded.len() + encoded.len() / LINE_WRITTEN + 64;
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.push_str(&format!("-----BEGIN SELAT {kind}-----\n"));
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    if !headers.is_empty() {
        text.push('\n');
    }
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE_WRITTEN));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END SELAT {kind}-----\n"));
    text
}

/// Reads a block with exactly the named headers, in their order.
pub(crate) fn read<'t, const N: usize>(
    kind: &'static str,
    names: [&'static str; N],
    text: &'t str,
) -> Result<([&'t str; N], Zeroizing<Vec<u8>>), ArmorError> {
    if text.len() > TEXT_MAX_BYTES {
        return Err(ArmorError::TooLarge { size: text.len(), max: TEXT_MAX_BYTES });
    }
    let body = framed(kind, text)?;
    let mut lines = body.lines();
    let mut values = [""; N];
    for (name, value) in names.into_iter().zip(&mut values) {
        let line = lines.next().and_then(|line| line.strip_prefix(name));
        *value = line.and_then(|line| line.strip_prefix(": ")).ok_or(ArmorError::NoHeader(name))?;
    }
    if N > 0 && lines.next() != Some("") {
        return Err(ArmorError::Damaged);
    }
    let mut encoded = Zeroizing::new(String::with_capacity(body.len()));
    for line in lines {
        if line.is_empty() || line.len() > LINE_MAX {
            return Err(ArmorError::Damaged);
        }
        encoded.push_str(line);
    }
    let bytes = STANDARD.decode(encoded.as_bytes()).map_err(|_| ArmorError::Damaged)?;
    Ok((values, Zeroizing::new(bytes)))
}

/// What stands between the first and the last line.
fn framed<'t>(kind: &'static str, text: &'t str) -> Result<&'t str, ArmorError> {
    let begin = format!("-----BEGIN SELAT {kind}-----");
    let end = format!("-----END SELAT {kind}-----");
    let body = text.trim().strip_prefix(&begin).ok_or(ArmorError::NoBegin(kind))?;
    let body = body.strip_prefix("\r\n").or_else(|| body.strip_prefix('\n')).ok_or(ArmorError::NoBegin(kind))?;
    body.strip_suffix(&end).ok_or(ArmorError::NoEnd(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armor_comes_back_as_it_went() {
        for size in [0, 1, 47, 48, 49, 5000] {
            let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let text = armor("DESCRIPTOR", &bytes);
            assert!(text.lines().all(|line| line.len() <= LINE_MAX));
            assert_eq!(dearmor("DESCRIPTOR", &text).unwrap(), bytes);
            let mailed = format!("\r\n{}\r\n", text.replace('\n', "\r\n"));
            assert_eq!(dearmor("DESCRIPTOR", &mailed).unwrap(), bytes);
        }
    }

    #[test]
    fn what_is_not_the_asked_for_block_is_refused() {
        let good = armor("DESCRIPTOR", b"bytes of a descriptor");
        let check = |text: &str, expected: ArmorError| assert_eq!(dearmor("DESCRIPTOR", text), Err(expected), "{text}");
        check("", ArmorError::NoBegin("DESCRIPTOR"));
        check(&armor("SECRET KEY", b"x"), ArmorError::NoBegin("DESCRIPTOR"));
        check(&format!("hello\n{good}"), ArmorError::NoBegin("DESCRIPTOR"));
        check(&format!("{good}more"), ArmorError::NoEnd("DESCRIPTOR"));
        check(&good.replace("END SELAT", "END"), ArmorError::NoEnd("DESCRIPTOR"));
        check(&format!("{good}{good}"), ArmorError::Damaged);
        check(&good.replace("Yn", "Y-"), ArmorError::Damaged);
        check(&good.replace("Yn", "Y\n\nn"), ArmorError::Damaged);
        let size = TEXT_MAX_BYTES + 1;
        check(&" ".repeat(size), ArmorError::TooLarge { size, max: TEXT_MAX_BYTES });
    }

    #[test]
    fn base64_with_spare_bits_set_is_refused() {
        let text = "-----BEGIN SELAT DESCRIPTOR-----\nAB==\n-----END SELAT DESCRIPTOR-----\n";
        assert_eq!(dearmor("DESCRIPTOR", text), Err(ArmorError::Damaged));
    }
}
