//! Folding the log into the database, beside the writer.
//!
//! Left to itself, SQLite does it within the commit that makes the log 1,000 pages long, and all that wait for that commit wait
//! for the copy of the pages and for the sync of the database, too. Here a thread with a connection of its own does it. But
//! beside a steady writer it is always some commits behind, and a log begins anew only where all of it is folded in: so once
//! little is left, the writer folds that in itself, between two commits.
//!
//! SQLite syncs the database at the very end of that only, which would be within the writer's part. So the thread does it before.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, OpenFlags};

use super::connect;
use crate::error::{Error, Result};

/// From so many pages on the log is folded in: 32 MiB. What changes often lies in the log many times and goes into the file once, so
/// a longer log is less work: from 1,000 pages of 4 KiB on, SQLite's own, there were a fifth fewer new DMs a second than from 8,000
/// (`wrk -t1 -c64 -d5s`, in turns).
const LONG: i64 = 16_000;

/// The writer folds in the rest when it is such a part of the log: so what it does is little beside what it need not do, and the
/// log ends growing, however fast it is written and however slow the disk.
const PART: i64 = 16;

/// The thread that folds the log in. Dropping it waits until its connection is closed.
pub(super) struct Checkpoints {
    thread: Option<JoinHandle<()>>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// So little is left that it is the writer's turn.
    rest: AtomicBool,
    over: AtomicBool,
}

/// How long the log is.
struct Log {
    pages: i64,
    folded: i64,
}

impl Checkpoints {
    /// Starts the thread, and keeps SQLite from doing its work on the connection that writes. `file` is the database's, opened
    /// before any connection and closed behind all of them: closing it ends the locks that this process has on it.
    ///
    /// # Errors
    /// Those of opening a connection; `Internal` without a thread.
    pub(super) fn start(writing: &Connection, file: Arc<File>) -> Result<Self> {
        writing.pragma_update(None, "wal_autocheckpoint", 0)?;
        let path = writing.path().unwrap_or_default();
        let connection = connect(path.as_ref(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // One that has never read doesn't know of the log.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("checkpoints".into())
            .spawn(move || serve(&connection, &file, &shared))
            .map_err(|error| Error::Internal(format!("the checkpoints' thread: {error}")))?;
        Ok(Self {
            thread: Some(thread),
            state,
        })
    }

    /// What the writer does for the log behind each commit, when all have their answers.
    pub(super) fn look(&self, writing: &Connection) {
        // What fails here fails on the thread, too, which says so.
        if self.state.rest.swap(false, Ordering::AcqRel) {
            let _ = fold(writing);
        } else if let Ok(log) = log(writing)
            && log.pages >= LONG
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn serve(connection: &Connection, file: &File, state: &State) {
    let mut fails = false;
    loop {
        thread::park();
        let outcome = work(connection, file, state);
        if state.over.load(Ordering::Acquire) {
            return;
        }
        match (outcome, fails) {
            (Err(error), false) => {
                tracing::warn!(detail = %error, "the write-ahead log can't be folded into the database, and grows");
                fails = true;
            }
            (Ok(()), true) => {
                tracing::info!("the write-ahead log is folded into the database again");
                fails = false;
            }
            _ => {}
        }
    }
}

/// Folds in what can be: until little is left, or what is left is what somebody still reads.
fn work(connection: &Connection, file: &File, state: &State) -> Result<()> {
    let mut before = log(connection)?;
    while before.pages >= LONG && !state.over.load(Ordering::Acquire) {
        fold(connection)?;
        file.sync_data()
            .map_err(|error| Error::Internal(format!("the database can't be synced: {error}")))?;
        let now = log(connection)?;
        if now.pages - now.folded <= now.pages / PART {
            state.rest.store(true, Ordering::Release);
            break;
        }
        if now.folded <= before.folded {
            break;
        }
        before = now;
    }
    Ok(())
}

/// Folds in as much as can be without waiting for anybody.
fn fold(connection: &Connection) -> rusqlite::Result<Log> {
    checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")
}

fn log(connection: &Connection) -> rusqlite::Result<Log> {
    checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)")
}

fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<Log> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row([], |row| {
        Ok(Log {
            pages: row.get(1)?,
            folded: row.get(2)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    /// More commits than it takes by far.
    const COMMITS: usize = 200_000;

    /// A connection that writes, with the thread beside it.
    struct Bench {
        checkpoints: Checkpoints,
        writing: Connection,
        path: PathBuf,
        _directory: TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("bench.db");
            let writing = Connection::open(&path).unwrap();
            let set_up = "PRAGMA journal_mode = WAL; CREATE TABLE entries (filler BLOB)";
            writing.execute_batch(set_up).unwrap();
            let file = Arc::new(File::open(&path).unwrap());
            Self {
                checkpoints: Checkpoints::start(&writing, file).unwrap(),
                writing,
                path,
                _directory: directory,
            }
        }

        /// Commits, as the writer does, and tells how long the log is.
        fn commit(&self) -> Log {
            let sql = "INSERT INTO entries (filler) VALUES (randomblob(40000))";
            self.writing.execute(sql, []).unwrap();
            self.checkpoints.look(&self.writing);
            log(&self.writing).unwrap()
        }

        /// Whether the log begins anew, if one only goes on.
        fn begins_anew(&self) -> bool {
            let mut pages = 0;
            (0..COMMITS).any(|_| {
                let before = std::mem::replace(&mut pages, self.commit().pages);
                pages < before
            })
        }
    }

    #[test]
    fn a_log_that_is_always_written_begins_anew_again_and_again() {
        let bench = Bench::new();
        for _ in 0..5 {
            assert!(bench.begins_anew());
        }
    }

    #[test]
    fn who_reads_for_long_holds_up_no_commit_and_the_log_begins_anew_behind_them() {
        let bench = Bench::new();
        bench.commit();
        let reading = Connection::open(&bench.path).unwrap();
        let count = "BEGIN; SELECT count(*) FROM entries";
        reading.execute_batch(count).unwrap();
        let commits = 3 * LONG / 10;
        let pages: Vec<_> = (0..commits).map(|_| bench.commit().pages).collect();
        assert!(pages.is_sorted() && pages.last() > Some(&(2 * LONG)));
        drop(reading);
        assert!(bench.begins_anew());
    }

    #[test]
    fn nothing_is_left_beside_the_file_when_it_is_closed() {
        let bench = Bench::new();
        assert!(bench.begins_anew());
        drop(bench.checkpoints);
        bench.writing.close().unwrap();
        assert!(!crate::backups::with_end(&bench.path, "-wal").exists());
    }
}
