//! A file that has its name only when it is whole and on the disk: a backup, the sum beside it, an export.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::with_end;
use crate::disk::{directory_of, sync};
use crate::error::{Error, Result};

/// The end of the name of what is not whole yet. What has it and is nobody's is cleared away by the next that is made there.
const PARTIAL: &str = ".saryno-partial";

/// A file that does not have its name yet; without one, it goes when it is dropped.
pub struct Partial {
    /// Where it is until then.
    pub path: PathBuf,
    /// Locked for as long as it is written; readable by nobody else.
    pub file: File,
    /// What it will be, as its maker calls it.
    what: &'static str,
}

impl Partial {
    /// Begins a file, which must not exist, after clearing away what was left of others beside it.
    ///
    /// # Errors
    /// `Internal` with a sentence that says what to do.
    pub fn begin(what: &'static str, file: &Path) -> Result<Self> {
        if fs::symlink_metadata(file).is_ok() {
            return Err(exists(what, file));
        }
        clear(directory_of(file)).map_err(|error| cannot_write(what, file, &error))?;
        Self::of(what, file)
    }

    /// The same for a file that may exist, and is replaced.
    ///
    /// # Errors
    /// As `begin`.
    pub fn of(what: &'static str, file: &Path) -> Result<Self> {
        let path = with_end(file, PARTIAL);
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => Error::Internal(format!(
                    "another {what} is being written to {} at this moment; wait for it, or choose another file",
                    file.display()
                )),
                _ => cannot_write(what, file, &error),
            })?;
        match open.try_lock() {
            Ok(()) => Ok(Self {
                path,
                file: open,
                what,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy),
            Err(TryLockError::Error(error)) => Err(cannot_write(what, file, &error)),
        }
    }

    /// Writes it to the disk and gives it its name, which nobody has.
    ///
    /// # Errors
    /// `Internal` with a sentence, also where somebody has put a file there meanwhile; then there is no more of it.
    pub fn settle(self, file: &Path) -> Result<()> {
        let what = self.what;
        let settle = || {
            self.file.sync_all()?;
            // Unlike a rename, a link never replaces what somebody else has put there; not every file system has them.
            match fs::hard_link(&self.path, file) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    fs::rename(&self.path, file)
                }
                linked => linked,
            }?;
            sync(directory_of(file))
        };
        settle().map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => exists(what, file),
            _ => cannot_write(what, file, &error),
        })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Clears away what was ended midway: whoever still writes one holds a lock on it.
fn clear(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if !path.as_os_str().as_bytes().ends_with(PARTIAL.as_bytes()) {
            continue;
        }
        // It may have gone by now, or be another user's.
        let Ok(file) = File::open(&path) else {
            continue;
        };
        if file.try_lock().is_ok() {
            remove(&path);
        }
    }
    Ok(())
}

/// Takes an unfinished file away, and what the database keeps beside one that it has open.
fn remove(partial: &Path) {
    // The file itself last: by it the rest is found, should this be cut short.
    for end in ["-wal", "-shm", "-journal", ""] {
        // Most of them never were.
        let _ = fs::remove_file(with_end(partial, end));
    }
}

fn exists(what: &str, file: &Path) -> Error {
    Error::Internal(format!(
        "{} exists, and no {what} replaces a file; choose another name",
        file.display()
    ))
}

/// Tells whoever chose the place for a file that there is no room in it.
#[must_use]
pub fn with_place(what: &str, place: &Path, error: Error) -> Error {
    match error {
        Error::StorageFull => Error::Internal(format!(
            "the {what} {} can't be written: there is no room left; make some, or choose another place",
            place.display()
        )),
        error => error,
    }
}

/// Why a file can't be written, and what to do; `StorageFull` where there is no room.
#[must_use]
pub fn cannot_write(what: &str, file: &Path, error: &io::Error) -> Error {
    let advice = match error.kind() {
        ErrorKind::NotFound => "its directory does not exist; make it first",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => return Error::StorageFull,
        ErrorKind::PermissionDenied => "this user may not write there; choose another place",
        ErrorKind::ReadOnlyFilesystem => "the file system there is read-only; choose another place",
        _ => {
            return Error::Internal(format!(
                "the {what} {} can't be written: {error}; nothing of it is left",
                file.display()
            ));
        }
    };
    Error::Internal(format!(
        "the {what} {} can't be written: {advice}",
        file.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_room_the_place_is_named_to_whoever_chose_it() {
        let file = Path::new("/kept/one.db");
        let full = cannot_write("backup", file, &ErrorKind::StorageFull.into());
        assert_eq!(full, Error::StorageFull);
        let told = with_place("backup", file, full).to_string();
        assert!(told.contains("/kept/one.db") && told.contains("no room left"));
    }
}
