//! The SHA-256 beside a backup, in the format of `sha256sum`.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use base16ct::lower::encode_string;
use sha2::{Digest, Sha256};

use super::pace::Pace;
use super::with_end;
use crate::error::{Error, Result};

/// Bytes that are read at once: half a millisecond's work.
const AT_ONCE: usize = 1 << 18;

/// The file that holds another's SHA-256.
#[must_use]
pub fn beside(file: &Path) -> PathBuf {
    with_end(file, ".sha256")
}

/// A file's SHA-256, in hex.
///
/// # Errors
/// `ShuttingDown` where the pace ended it; `Internal` with a sentence where the file can't be read.
pub fn of(file: &Path, pace: &Pace) -> Result<String> {
    let refuse =
        |error: io::Error| Error::Internal(format!("{} can't be read: {error}", file.display()));
    let mut open = File::open(file).map_err(refuse)?;
    let (mut hash, mut work) = (Sha256::new(), pace.begin());
    let mut buffer = vec![0; AT_ONCE];
    loop {
        match open.read(&mut buffer) {
            Ok(0) => return Ok(encode_string(&hash.finalize())),
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(refuse(error)),
        }
        if !work.goes_on() {
            return Err(Error::ShuttingDown);
        }
    }
}

/// The line that `sha256sum -c` reads in the file's own directory.
#[must_use]
pub fn line(sum: &str, file: &Path) -> Vec<u8> {
    let name = file.file_name().unwrap_or_default().as_bytes();
    let special = |byte: &u8| matches!(byte, b'\\' | b'\n' | b'\r');
    let mut line = Vec::new();
    // A line with such a name begins with a backslash.
    if name.iter().any(special) {
        line.push(b'\\');
    }
    line.extend_from_slice(sum.as_bytes());
    line.extend_from_slice(b"  ");
    for byte in name {
        match byte {
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            byte => line.push(*byte),
        }
    }
    line.push(b'\n');
    line
}

/// The SHA-256 that stands beside a file, if one does.
///
/// # Errors
/// `Internal` with a sentence where it can't be read, or is none.
pub fn read(file: &Path) -> Result<Option<String>> {
    let path = beside(file);
    let refuse = |error: &dyn std::fmt::Display| {
        Error::Internal(format!("{} can't be read: {error}", path.display()))
    };
    let mut text = Vec::new();
    let read = File::open(&path)
        // The longest line there is has two bytes for each of a name's.
        .and_then(|open| open.take(1 << 12).read_to_end(&mut text));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refuse(&error)),
    }
    let sum = text.strip_prefix(b"\\").unwrap_or(&text).get(..64);
    let sum = sum.and_then(|sum| std::str::from_utf8(sum).ok());
    match sum.filter(|sum| sum.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Some(sum) => Ok(Some(sum.to_lowercase())),
        None => Err(refuse(
            &"it holds no SHA-256; take it away if it is not of this file",
        )),
    }
}
