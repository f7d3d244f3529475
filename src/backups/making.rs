//! Making one backup: nothing has its name before it is whole, verified and on the disk.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::pace::Pace;
use super::partial::{Partial, cannot_write};
use super::verification::Verification;
use super::{Source, checksum};
use crate::disk::{directory_of, sync};
use crate::error::{Error, Result};

/// What it is called where it can't be written.
const WHAT: &str = "backup";

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
/// `ShuttingDown` where the pace ended it; `StorageFull`; `Internal` with a sentence for all else. There is no file of this name then.
pub fn make(source: &dyn Source, file: &Path, pace: &Pace) -> Result<Made> {
    let begun = Instant::now();
    let refuse = |error: io::Error| cannot_write(WHAT, file, &error);
    let copy = Partial::begin(WHAT, file)?;
    source.copy_to(&copy.path, pace)?;
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
    let mut sum = Partial::of(WHAT, &beside)?;
    let written = sum.file.write_all(&checksum::line(&sha256, file));
    written.map_err(refuse)?;
    sum.file.sync_all().map_err(refuse)?;
    // Over one that a backup left which ended right here.
    fs::rename(&sum.path, &beside).map_err(refuse)?;
    let settled = sync(directory_of(file)).map_err(refuse);
    if let Err(error) = settled.and_then(|()| copy.settle(file)) {
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    Ok(Made {
        file: file.to_path_buf(),
        bytes,
        sha256,
        took: begun.elapsed(),
        verification,
    })
}
