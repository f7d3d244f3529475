//! The directory that backups are kept in. What has a backup's name in it is one, and was verified: nothing gets its name before.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::checksum;
use super::name::{made_at, name_of};
use crate::clock::Timestamp;
use crate::disk::make_directory;
use crate::error::{Error, Result};

/// A backup in the directory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kept {
    /// The file's name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was made, to the second.
    pub made_at: Timestamp,
    /// Whether its SHA-256 stands beside it, as it does from the moment on that it was verified.
    pub verified: bool,
    /// That, in hex.
    pub sha256: Option<String>,
}

/// The directory, which need not exist yet.
pub(super) struct Shelf(pub(super) PathBuf);

/// Up to when a name's time is taken for one of now: a name may be a few seconds ahead. One that is further in the future is of a clock
/// that was wrong.
pub(super) fn soon(now: Timestamp) -> Timestamp {
    now.after(Duration::from_mins(1))
}

impl Shelf {
    /// What is in it, the newest first.
    pub(super) fn list(&self) -> Result<Vec<Kept>> {
        let refuse = |error: std::io::Error| {
            Error::Internal(format!("{} can't be read: {error}", self.0.display()))
        };
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(refuse(error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry.map_err(refuse)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // One that was dropped meanwhile is none any more.
            if let (Some(made_at), Ok(file)) = (made_at(&name), fs::symlink_metadata(&path)) {
                let sha256 = checksum::read(&path).ok().flatten();
                all.push(Kept {
                    name: name.into_owned(),
                    size: file.len(),
                    made_at,
                    verified: sha256.is_some(),
                    sha256,
                });
            }
        }
        all.sort_by(|a, b| b.name.cmp(&a.name));
        Ok(all)
    }

    /// The file of the backup with this name.
    pub(super) fn path(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        let is_there = || fs::symlink_metadata(&path).is_ok_and(|file| file.is_file());
        // No other name leads out of the directory, or to anything else in it.
        match made_at(name) {
            Some(_) if is_there() => Ok(path),
            _ => Err(Error::NotFound),
        }
    }

    /// A file for a backup of this moment, in the directory that exists then. Of two in one second, the later one is called after the
    /// next.
    pub(super) fn place(&self, now: Timestamp) -> Result<PathBuf> {
        make_directory(&self.0).map_err(|error| {
            Error::Internal(format!(
                "the directory for backups, {}, can't be made: {error}; `backup.dir` chooses another",
                self.0.display()
            ))
        })?;
        let mut moment = now;
        for kept in self.list()?.iter().rev() {
            let next = kept.made_at.after(Duration::from_secs(1));
            if next > moment && kept.made_at <= soon(moment) {
                moment = next;
            }
        }
        Ok(self.0.join(name_of(moment)))
    }

    /// Drops the oldest ones, so that `keep` are left; never the one that was just made, which is the oldest by name where the clock
    /// stepped back.
    pub(super) fn keep(&self, keep: usize, newest: &Path) {
        let Ok(all) = self.list() else { return };
        let made_here = |kept: &&Kept| kept.verified && !newest.ends_with(&kept.name);
        for kept in all.iter().filter(made_here).skip(keep.saturating_sub(1)) {
            let path = self.0.join(&kept.name);
            let dropped =
                fs::remove_file(&path).and_then(|()| fs::remove_file(checksum::beside(&path)));
            match dropped {
                Ok(()) => tracing::info!(name = kept.name, "an old backup was dropped"),
                Err(error) => {
                    tracing::warn!(name = kept.name, %error, "an old backup can't be dropped");
                }
            }
        }
    }
}
