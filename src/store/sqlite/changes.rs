//! Which rows a commit changes of those that are kept in memory, whoever asked for it and whatever became of them meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::error::Result;
use crate::id::Id;
use crate::store::cached::Stamps;

/// How often another process's changes are looked for.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// How long after a look what is in memory counts without another: a commit may take long, and begins after as long as another
/// process holds the file. The contract (section 5) allows a change to go unnoticed for a second.
const UNNOTICED: Duration = Duration::from_millis(800);

/// The tables whose rows are kept in memory.
const KEPT: [&str; 3] = ["users", "tokens", "communities"];

/// What the writing connection has changed since it last committed.
pub(super) struct Changes {
    rows: Arc<Mutex<Vec<Id>>>,
    stamps: Arc<Stamps>,
    /// Moves on when another connection commits; none where it could not be told.
    version: Option<i64>,
    looked: Instant,
}

impl Changes {
    /// Watches the connection that writes.
    ///
    /// # Errors
    /// Those of every read.
    pub(super) fn watch(connection: &Connection, stamps: Arc<Stamps>) -> Result<Self> {
        let rows = Arc::new(Mutex::new(Vec::new()));
        let changed = rows.clone();
        connection.update_hook(Some(move |_, _: &str, table: &str, row: i64| {
            if KEPT.contains(&table)
                && let Some(row) = Id::from_bits(row)
            {
                lock(&changed).push(row);
            }
        }))?;
        let looked = Instant::now();
        let version = version(connection)?;
        stamps.count_until(looked + UNNOTICED);
        Ok(Self {
            rows,
            stamps,
            version: Some(version),
            looked,
        })
    }

    /// Runs what commits, or does not: until it is over nobody finds in memory what it changes, and then nobody what was before.
    pub(super) fn during<T>(&self, commit: impl FnOnce() -> T) -> T {
        let rows = std::mem::take(&mut *lock(&self.rows));
        self.stamps.begin(&rows);
        let done = commit();
        self.stamps.end(&rows);
        done
    }

    /// What was changed since the last commit was taken back.
    pub(super) fn forget(&self) {
        lock(&self.rows).clear();
    }

    /// Looks whether another process has changed anything, unless it has looked just now: then nothing in memory counts any more.
    pub(super) fn look_abroad(&mut self, connection: &Connection) {
        let now = Instant::now();
        if now < self.looked + LOOK {
            return;
        }
        self.looked = now;
        let version = version(connection).ok();
        // Where it can't be told, all that matters is that nobody is shown what may be old.
        if version.is_none() || version != self.version {
            self.version = version;
            self.stamps.move_all();
        }
        self.stamps.count_until(now + UNNOTICED);
    }
}

fn version(connection: &Connection) -> Result<i64> {
    let mut statement = connection.prepare_cached("PRAGMA data_version")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// What a thread that panicked left behind is whole: each change is one push.
fn lock(rows: &Mutex<Vec<Id>>) -> MutexGuard<'_, Vec<Id>> {
    rows.lock().unwrap_or_else(PoisonError::into_inner)
}
