//! Making one backup: nothing has its name before it is whole, verified and on the disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::pace::Pace;
use super::verification::Verification;
use super::{Source, checksum, with_end};
use crate::disk::{directory_of, sync};
use crate::error::{Error, Result};

/// The end of the name of what is not a backup yet. What has it and is nobody's is cleared away by the next backup.
const PARTIAL: &str = ".saryno-partial";

/// A backup that was made.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// Where it is.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
    /// What a look at the whole of it came to: nothing but warnings.
    pub verification: Verification,
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(took.as_secs_f64())
}

/// Copies the store into `file`, which must not exist, verifies the copy and writes its SHA-256 beside it. Blocks until then.
///
/// # Errors
/// `ShuttingDown` where the pace ended it; `Internal` with a sentence for all else. There is no file of this name then.
pub fn make(source: &dyn Source, file: &Path, pace: &Pace) -> Result<Made> {
    let begun = Instant::now();
    if fs::symlink_metadata(file).is_ok() {
        return Err(exists(file));
    }
    let refuse = |error: io::Error| cannot_write(file, &error);
    let directory = directory_of(file);
    clear(directory).map_err(refuse)?;
    let copy = Partial::of(file)?;
    source
        .copy_to(&copy.path, pace)
        .map_err(|error| match error {
            Error::StorageFull => refuse(ErrorKind::StorageFull.into()),
            error => error,
        })?;
    copy.file.sync_all().map_err(refuse)?;
    let verification = source.verify_copy(&copy.path, pace)?;
    if let Some(worst) = verification.worst().filter(|_| !verification.holds()) {
        return Err(Error::Internal(format!(
            "the copy is not whole, so it is no backup: {worst}; `saryno verify` says whether the data themselves are"
        )));
    }
    let sha256 = checksum::of(&copy.path, pace)?;
    let bytes = copy.file.metadata().map_err(refuse)?.len();

    let beside = checksum::beside(file);
    let mut sum = Partial::of(&beside)?;
    let written = sum.file.write_all(&checksum::line(&sha256, file));
    written.map_err(refuse)?;
    sum.file.sync_all().map_err(refuse)?;
    // Over one that a backup left which ended right here.
    fs::rename(&sum.path, &beside).map_err(refuse)?;
    if let Err(error) = sync(directory).and_then(|()| copy.settle(file)) {
        let _ = fs::remove_file(&beside);
        return Err(match error.kind() {
            ErrorKind::AlreadyExists => exists(file),
            _ => refuse(error),
        });
    }
    sync(directory).map_err(refuse)?;
    Ok(Made {
        file: file.to_path_buf(),
        bytes,
        sha256,
        took: begun.elapsed(),
        verification,
    })
}

/// Clears away what backups left that were ended midway: whoever still writes one holds a lock on it.
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

/// A file that does not have its name yet; without one, it goes when it is dropped.
struct Partial {
    path: PathBuf,
    /// Locked for as long as it is written.
    file: File,
}

impl Partial {
    fn of(file: &Path) -> Result<Self> {
        let path = with_end(file, PARTIAL);
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => Error::Internal(format!(
                    "another backup is being written to {} at this moment; wait for it, or choose another file",
                    file.display()
                )),
                _ => cannot_write(file, &error),
            })?;
        match open.try_lock() {
            Ok(()) => Ok(Self { path, file: open }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy),
            Err(TryLockError::Error(error)) => Err(cannot_write(file, &error)),
        }
    }

    /// Gives it its name, which nobody has.
    fn settle(self, name: &Path) -> io::Result<()> {
        // Unlike a rename, a link never replaces what somebody else has put there meanwhile; not every file system has them.
        match fs::hard_link(&self.path, name) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => fs::rename(&self.path, name),
            linked => linked,
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn exists(file: &Path) -> Error {
    Error::Internal(format!(
        "{} exists, and no backup replaces a file; choose another name",
        file.display()
    ))
}

fn cannot_write(file: &Path, error: &io::Error) -> Error {
    let advice = match error.kind() {
        ErrorKind::NotFound => "its directory does not exist; make it first",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "there is no room left; make some, or choose another place"
        }
        ErrorKind::PermissionDenied => "this user may not write there; choose another place",
        ErrorKind::ReadOnlyFilesystem => "the file system there is read-only; choose another place",
        _ => {
            return Error::Internal(format!(
                "the backup {} can't be written: {error}; nothing of it is left",
                file.display()
            ));
        }
    };
    Error::Internal(format!(
        "the backup {} can't be written: {advice}",
        file.display()
    ))
}
