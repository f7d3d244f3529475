//! The database's file, read beside whoever serves it: to copy it, and to look at the whole of it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::migrate::{self, Standing};
use super::{BUSY_TIMEOUT, HIGHEST_ID, open_to_write, verify, wal};
use crate::backups::{Pace, Source, Verification, with_end};
use crate::disk::refusal;
use crate::error::{Error, Result};
use crate::id::Id;

/// Pages that are copied at once: a mebibyte, and about a millisecond's work.
const STEP: i32 = 512;

/// Steps after which the copy is written to the disk. In one gulp at the end, a gigabyte of it held a writer's commit up for 370 to
/// 590 ms; like this it is 160 to 210 ms, and the copy takes no longer.
const STEPS_A_SYNC: u32 = 16;

/// A database file that exists, to read.
#[derive(Debug, Clone)]
pub struct DatabaseFile(PathBuf);

impl DatabaseFile {
    /// The file at this path.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    /// The highest id ever recorded in it.
    ///
    /// # Errors
    /// `Busy`; `Internal` where it can't be read.
    pub fn highest_id(&self) -> Result<Id> {
        Ok(self.open()?.query_row(HIGHEST_ID, [], |row| row.get(0))?)
    }

    /// Makes one file of it and of the WAL that may be beside it.
    ///
    /// # Errors
    /// `Busy` while anybody else has it open; `Internal` where it can't be read.
    pub fn fold(&self) -> Result<()> {
        wal::require_whole(&self.0)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.0, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Fails where it is not alone. Leaving WAL mode would, too, but through a rollback journal, which a kill could leave beside the
        // file: whoever opens it next would have to write.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        connection.close().map_err(|(_, error)| error.into())
    }

    /// Holds the write-ahead log beside it against what a crash can leave. Nobody else may write it meanwhile.
    ///
    /// # Errors
    /// `Damaged` with a sentence where opening it to write would lose what was answered.
    pub fn require_whole_wal(&self) -> Result<()> {
        wal::require_whole(&self.0)
    }

    /// Holds it against this program, without a lock and without a trace; what is not there or empty is as good as new, and an older
    /// version's is brought up to date by whoever opens it.
    ///
    /// # Errors
    /// `Internal` with a sentence for the operator: not a database, another program's, a newer version's, unreadable.
    pub fn look(&self) -> Result<()> {
        if fs::metadata(&self.0).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(());
        }
        let refuse = |error: Error| {
            Error::Internal(format!("{} can't be opened: {error}", self.0.display()))
        };
        // SQLite says of every failure that the file can't be opened. Nobody in this process has it open, whose locks closing it would end.
        File::open(&self.0).map_err(|error| refusal(&self.0, &error))?;
        let connection = open_unchanging(&self.0)?;
        match migrate::standing(&connection) {
            Ok(Standing::Current | Standing::Older(_) | Standing::Empty) => Ok(()),
            Ok(Standing::Strange(why)) => Err(refuse(Error::Internal(why))),
            Err(error) => Err(refuse(error.into())),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn open(&self) -> Result<Connection> {
        let refuse = |error: String| {
            Error::Internal(format!("{} can't be opened: {error}", self.0.display()))
        };
        // SQLite says of every failure that the file can't be opened. It is not opened here: closing it again would end all locks that
        // this process has on it, those of the connections that serve it too.
        fs::metadata(&self.0).map_err(|error| refusal(&self.0, &error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.0, flags)
            .map_err(|error| refuse(Error::from(error).to_string()))?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let schema = connection.pragma_query_value(None, "schema_version", |_| Ok(()));
        match schema.as_ref().map_err(rusqlite::Error::sqlite_error_code) {
            // Where nothing can be written, nobody writes: what is in the file is all there is.
            Err(Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
                if require_no_wal(&self.0).is_ok() =>
            {
                open_unchanging(&self.0)
            }
            // Whoever asks for more is told what is wrong with it.
            _ => Ok(connection),
        }
    }
}

impl Source for DatabaseFile {
    /// Page by page, in one read transaction. `VACUUM INTO` would do without the pages that are free, but of 1 GB it took 14 s and not
    /// 2, in which 1,100 commits a second grew the WAL to 3,100 MB and not to 280 (a WAL can't begin anew before the read ends); and it
    /// makes all indexes afresh, so that a verified copy would tell nothing of what it is a copy of. Outside of a transaction the copy
    /// would begin anew with each commit of another connection, and never end under load.
    fn copy_to(&self, path: &Path, pace: &Pace) -> Result<()> {
        let from = self.open()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut to = Connection::open_with_flags(path, flags)?;
        // What is copied halfway is thrown away, so it needs no journal; who asked for it syncs it in the end.
        to.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF",
        )?;
        let written = File::options().write(true).open(path);
        let written = written.map_err(|error| Error::Internal(error.to_string()))?;

        let moment = from.unchecked_transaction()?;
        // Only what is read begins the transaction.
        moment.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let (backup, mut steps) = (Backup::new(&moment, &mut to)?, 0_u32);
        loop {
            match backup.step(STEP)? {
                StepResult::Done => break,
                StepResult::More => {}
                _ => return Err(Error::Busy),
            }
            steps += 1;
            if steps.is_multiple_of(STEPS_A_SYNC) {
                written
                    .sync_data()
                    .map_err(|error| full_or_internal(&error))?;
            }
            // Without a rest: for as long as the read lasts, the WAL can only grow.
            if pace.is_over() {
                return Err(Error::ShuttingDown);
            }
        }
        drop(backup);
        drop(moment);
        // One file, without a WAL beside it: so it can be carried about, and read from where nothing can be written.
        to.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        to.close().map_err(|(_, error)| error.into())
    }

    fn verify(&self, pace: &Pace) -> Result<Verification> {
        verify::verify(&self.open()?, pace)
    }

    fn verify_copy(&self, path: &Path, pace: &Pace) -> Result<Verification> {
        verify_copy(path, pace)
    }
}

/// Brings a copy that nobody else has open up to date, should it be an older version's. Whatever else it is, it stays.
///
/// # Errors
/// `Internal` with a sentence where it can't be read, or a step can't be taken.
pub fn update_copy(path: &Path) -> Result<()> {
    if let Ok(Standing::Older(_)) = migrate::standing(&open_unchanging(path)?) {
        let (_file, _connection) = open_to_write(path)?;
    }
    Ok(())
}

/// Looks at the whole of a copy that nobody writes, and leaves nothing beside it.
///
/// # Errors
/// As [`Source::verify`]; and `Internal` where a WAL is beside it, which would be left out.
pub fn verify_copy(path: &Path, pace: &Pace) -> Result<Verification> {
    // What is missing is said so before what is beside it.
    let connection = open_unchanging(path)?;
    require_no_wal(path)?;
    verify::verify(&connection, pace)
}

/// Opens a file that nobody writes: without locks, without looking for a WAL, and so without a trace.
fn open_unchanging(path: &Path) -> Result<Connection> {
    let refuse =
        |error: Error| Error::Internal(format!("{} can't be opened: {error}", path.display()));
    fs::metadata(path).map_err(|error| refuse(Error::Internal(error.to_string())))?;
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            // Writing to a String never fails.
            other => drop(write!(uri, "%{other:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags).map_err(|error| refuse(error.into()))
}

/// Holds a file that is to be all there is against what may be beside it.
///
/// # Errors
/// `Internal` with a sentence where a write-ahead log is.
pub fn require_no_wal(path: &Path) -> Result<()> {
    if fs::metadata(with_end(path, "-wal")).is_ok_and(|wal| wal.len() > 0) {
        return Err(Error::Internal(format!(
            "{} has a write-ahead log beside it, so it is data that are served and no backup; make one of them with `saryno backup`",
            path.display()
        )));
    }
    Ok(())
}

fn full_or_internal(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::StorageFull,
        _ => Error::Internal(format!("the copy can't be written to the disk: {error}")),
    }
}
