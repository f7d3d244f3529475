//! The SQLite adapter: one file, a pool of reading connections, one writing connection behind a queue.
//!
//! WAL, so that readers and the writer don't wait for each other; `synchronous=FULL`, so that an answered write survives a power
//! cut. `rusqlite` and `r2d2` appear in this folder and nowhere else.

mod access;
mod accounts;
mod actions;
mod admins;
mod audit;
mod blocks;
mod changes;
mod channels;
mod checkpoints;
mod communities;
mod directory;
mod file;
mod groups;
mod images;
mod invites;
mod kept;
mod lists;
mod load;
mod migrate;
mod readers;
mod registration;
mod restored;
mod rows;
mod rules;
mod terms;
mod unload;
mod users;
mod verify;
mod views;
mod wal;
mod writer;

use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use crate::backups::with_end;
use crate::clock::Timestamp;
use crate::disk;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::Page;
use crate::store::cached::Cached;
use crate::store::{Kept, Store, Work};
use changes::Changes;
use checkpoints::Checkpoints;
pub use file::{DatabaseFile, require_no_wal, update_copy, verify_copy};
pub use load::{Loaded, Loading, load};
use readers::Readers;
use writer::Writer;

/// How long a connection waits for another process's write before it is `Busy`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements kept on each connection; more than there are different ones.
const STATEMENTS: usize = 128;

/// Rows that a query may give to be a short one.
const SHORT: u16 = 200;

/// Pages that each reading connection keeps, in KiB. With SQLite's own 2 MiB, lists were read a twelfth more slowly
/// (`cargo bench --bench http -- communities`, 10,000 users).
const PAGES_KEPT: i64 = 8 * 1024;

const HIGHEST_ID: &str = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence";

/// How a store is opened (contract, section 5, `store.*`).
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Connections that read, 1 at least.
    pub readers: u32,
    /// Writes that may wait; one more is `Busy`.
    pub queue: usize,
    /// Writes that share a commit at most.
    pub batch: usize,
    /// Bytes of memory for rows that are asked for often; three quarters as many again for pages of lists.
    pub cache: u64,
}

/// The version of SQLite inside.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// A store in one SQLite file. Dropping it finishes what is queued and folds the WAL into the file.
pub struct Sqlite {
    // The order matters: the last connection to close folds the WAL in, and one that reads can't.
    readers: Readers,
    writer: Writer,
    cached: Cached,
    path: PathBuf,
    /// What was met that is damaged, first of all.
    damage: OnceLock<Error>,
    /// Closed behind all connections: see [`open_to_write`].
    _file: Arc<File>,
}

impl Sqlite {
    /// Opens the file, made with mode 0600 if it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Internal`] with a sentence for the operator: not a database, another program's, a newer version's, unreadable.
    pub fn open(path: &Path, options: Options) -> Result<Self> {
        let (file, writing) = open_to_write(path)?;
        let file = Arc::new(file);
        let readers =
            Readers::open(path, options.readers).map_err(|error| cannot_open(path, &error))?;
        let cached = Cached::new(options.cache);
        let changes = Changes::watch(&writing, cached.stamps.clone())?;
        let checkpoints = Checkpoints::start(&writing, Arc::clone(&file))
            .map_err(|error| cannot_open(path, &error))?;
        let writer = Writer::start(writing, changes, checkpoints, options.queue, options.batch)?;
        Ok(Self {
            readers,
            writer,
            cached,
            path: path.to_path_buf(),
            damage: OnceLock::new(),
            _file: file,
        })
    }

    /// Runs one short query on this very worker, for it takes less than the way to another thread and back; on another thread where
    /// all connections are taken, by queries that are not short.
    async fn read_at_once<T, F>(&self, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        match self.readers.pool().try_get() {
            Some(connection) => self.notice(query(&connection)),
            None => self.read(query).await,
        }
    }

    /// Runs one query for a page of a list: at once, unless the page is a long one.
    async fn read_page<T, F>(&self, page: Page, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        if page.limit <= SHORT {
            self.read_at_once(query).await
        } else {
            self.read(query).await
        }
    }

    /// Runs an operation that only reads, in one transaction on a reading connection, off the async workers.
    async fn read<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let pool = self.readers.pool();
        let work = move || {
            let connection = pool.get().map_err(|_| Error::Busy)?;
            let transaction = connection.unchecked_transaction()?;
            operation(&transaction)
        };
        let outcome = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::Internal(format!("a read: {error}")))?;
        self.notice(outcome)
    }

    /// Runs an operation on the writer: in one commit with others, answered after it, and taken back alone if it fails. It may be
    /// run more than once and only its last run counts.
    async fn write<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T> + Send + 'static,
    {
        self.notice(self.writer.run(operation).await)
    }

    /// Remembers that something was met that is damaged: whoever asks whether the store is whole is told.
    fn notice<T>(&self, outcome: Result<T>) -> Result<T> {
        if let Err(error @ Error::Damaged(_)) = &outcome {
            // The first is kept.
            let _ = self.damage.set(error.clone());
        }
        outcome
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn highest_id(&self) -> Result<Id> {
        self.read(|connection| Ok(connection.query_row(HIGHEST_ID, [], |row| row.get(0))?))
            .await
    }

    async fn sweep(&self, now: Timestamp) -> Result<bool> {
        self.write(move |connection| terms::sweep(connection, now))
            .await
    }

    fn work(&self) -> Work {
        self.writer.work()
    }

    fn kept(&self) -> Kept {
        self.cached.kept()
    }

    async fn ping(&self) -> Result<()> {
        let probe = |connection: &Connection| {
            Ok(connection.query_row("SELECT one FROM instance", [], |_| Ok(()))?)
        };
        self.read(probe).await?;
        if let Some(damage) = self.damage.get() {
            return Err(damage.clone());
        }
        if !self.writer.is_hindered() {
            return self.write(probe).await;
        }
        // The last write found no room, or worse: whether the next one would is only told by writing.
        let path = with_end(&self.path, "-probe");
        tokio::task::spawn_blocking(move || find_room(&path))
            .await
            .map_err(|error| Error::Internal(format!("a probe: {error}")))??;
        let write = |connection: &Connection| {
            connection.execute("UPDATE instance SET registration = registration", [])?;
            Ok(())
        };
        self.write(write).await
    }
}

/// A connection that writes: to the file, made with mode 0600 if it is missing, with the current schema. The file itself is to be
/// closed behind it: that ends all locks that this process has on it.
fn open_to_write(path: &Path) -> Result<(File, Connection)> {
    let file = create(path).map_err(|error| disk::refusal(path, &error))?;
    let writing = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let writing = writing.map_err(|error| cannot_open(path, &Error::from(error)))?;
    migrate::migrate(&writing).map_err(|error| cannot_open(path, &error))?;
    make_private(path).map_err(|error| disk::refusal(path, &error))?;
    Ok((file, writing))
}

fn cannot_open(path: &Path, error: &dyn Display) -> Error {
    Error::Internal(format!("{} can't be opened: {error}", path.display()))
}

/// Makes the file with the contract's mode before SQLite does with another; the WAL inherits it.
fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Room for what a few writes take. The log has room for a small one where there is none for the next.
static ROOM: [u8; 1 << 18] = [0; 1 << 18];

/// Whether there is some room on the disk: takes it, and gives it back.
fn find_room(probe: &Path) -> Result<()> {
    let found = fs::write(probe, ROOM);
    // What there was no room for is there in part.
    let _ = fs::remove_file(probe);
    found.map_err(|error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::StorageFull,
        _ => disk::refusal(probe, &error),
    })
}

/// Takes a file that turned out to be ours away from everybody else, should it have been copied here with another mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    configure(&connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else each `LIMIT :limit` is looked at by the planner, and the statement is prepared anew whenever it is bound: that was more
    // than half of the instructions of a page (callgrind). It also holds each plan to what the tests explain.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "FULL")
}

impl From<rusqlite::Error> for Error {
    /// What the database says, by what the caller can do about it. Its own words go to the log only.
    fn from(error: rusqlite::Error) -> Self {
        // The log's index, which is shared in memory and lies beside the log: it only fails to grow where there is no room.
        let extended = error.sqlite_error().map(|error| error.extended_code);
        if extended == Some(ffi::SQLITE_IOERR_SHMSIZE) {
            return Self::StorageFull;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::StorageFull,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(format!(
                "The data are damaged ({error}); `saryno verify` tells more, and `saryno restore FILE` puts a backup that was verified in their place and keeps them aside."
            )),
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) => Self::Internal(format!(
                "database: {error}; see that the user that runs saryno may write the data directory and all that is in it, and that its file system can be written"
            )),
            _ => Self::Internal(format!("database: {error}")),
        }
    }
}

#[cfg(test)]
mod plans;

#[cfg(test)]
mod pulse;
