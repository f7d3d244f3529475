//! The data directory: made with mode 0700, served by one server at a time, worked on by one command at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::actions::{Action, Deed, Outcome};
use crate::admins::Admins;
use crate::audit::Author;
use crate::error::{Error, Result};
use crate::id::{COMMAND_LINE_WORKER, Generator};
use crate::store::Store;
use crate::store::sqlite::{Options, Sqlite};

/// A data directory that exists.
pub(super) struct DataDirectory(PathBuf);

/// A store opened for one command.
pub(super) struct Opened {
    pub(super) store: Sqlite,
    /// The command line's own ids, above everything in the store.
    pub(super) ids: Generator,
    _lock: File,
}

impl DataDirectory {
    /// The directory, made if it is missing.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| {
            Error::Internal(format!(
                "the data directory {} can't be made: {error}",
                path.display()
            ))
        })?;
        Ok(Self(path.to_path_buf()))
    }

    /// The database in it.
    pub(super) fn database(&self) -> PathBuf {
        self.0.join("saryno.db")
    }

    /// Claims the directory for a server, for as long as the file lives.
    pub(super) fn claim(&self) -> Result<File> {
        let (path, file) = self.lock_file("serve.lock")?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::Internal(format!(
                "{} is served by another saryno already; stop that one, or choose another directory with --data",
                self.0.display()
            ))),
            Err(TryLockError::Error(error)) => Err(Error::Internal(format!(
                "{} can't be locked: {error}",
                path.display()
            ))),
        }
    }

    /// Opens the store for a command. Waits for its turn: two commands at once would mint the same ids.
    pub(super) async fn open_for_command(&self) -> Result<Opened> {
        let (path, lock) = self.lock_file("command.lock")?;
        lock.lock().map_err(|error| {
            Error::Internal(format!("{} can't be locked: {error}", path.display()))
        })?;
        let store = Sqlite::open(
            &self.database(),
            Options {
                readers: 1,
                queue: 16,
                batch: 1,
            },
        )?;
        let ids = Generator::new(COMMAND_LINE_WORKER, store.highest_id().await?);
        Ok(Opened {
            store,
            ids,
            _lock: lock,
        })
    }

    fn lock_file(&self, name: &str) -> Result<(PathBuf, File)> {
        let path = self.0.join(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        file.map_err(|error| {
            Error::Internal(format!("{} can't be opened: {error}", path.display()))
        })
        .map(|file| (path, file))
    }
}

impl Opened {
    /// Does something in the command line's name, and writes it into the audit log.
    pub(super) async fn perform(&self, action: Action) -> Result<Outcome> {
        let entry = self.ids.next()?;
        self.store
            .perform_one(Author::command_line(), Deed { entry, action })
            .await
    }
}
