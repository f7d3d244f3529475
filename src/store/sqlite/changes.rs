//! What a commit changes of what is kept in memory, whoever asked for it and whatever became of them meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::error::Result;
use crate::id::Id;
use crate::store::stamps::{Stamps, Subject};

/// How often another process's changes are looked for.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// How long after a look what is in memory counts without another: a commit may take long, and begins after as long as another
/// process holds the file. The contract (section 5) allows a change to go unnoticed for a second.
const UNNOTICED: Duration = Duration::from_millis(800);

/// The tables whose rows are kept in memory.
const KEPT: [&str; 3] = ["users", "tokens", "communities"];

/// Who is where stands in tables WITHOUT ROWID, of whose rows SQLite's hook tells nothing. Triggers do, of what a foreign key deletes,
/// too; these are this connection's own, for only here somebody listens. All of a group are shown whoever else is in it.
const TELL: &str = "
CREATE TEMP TRIGGER joined AFTER INSERT ON main.members BEGIN SELECT moved(new.user_id); END;
CREATE TEMP TRIGGER left AFTER DELETE ON main.members BEGIN SELECT moved(old.user_id); END;
CREATE TEMP TRIGGER added AFTER INSERT ON main.participants BEGIN
    SELECT moved(new.user_id);
    SELECT moved(user_id) FROM participants WHERE channel_id = new.channel_id AND new.other_id IS NULL;
END;
CREATE TEMP TRIGGER removed AFTER DELETE ON main.participants BEGIN
    SELECT moved(old.user_id);
    SELECT moved(user_id) FROM participants WHERE channel_id = old.channel_id;
END;
CREATE TEMP TRIGGER hidden_or_shown AFTER UPDATE OF hidden ON main.participants BEGIN
    SELECT moved(user_id) FROM participants WHERE channel_id = new.channel_id;
END;
CREATE TEMP TRIGGER group_changed AFTER UPDATE OF name, owner_id ON main.channels BEGIN
    SELECT moved(user_id) FROM participants WHERE channel_id = new.id;
END;";

/// What the writing connection has changed since it last committed.
pub(super) struct Changes {
    subjects: Arc<Mutex<Vec<Subject>>>,
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
        let subjects = Arc::new(Mutex::new(Vec::new()));
        let changed = subjects.clone();
        connection.update_hook(Some(move |_, _: &str, table: &str, row: i64| {
            if KEPT.contains(&table)
                && let Some(row) = Id::from_bits(row)
            {
                lock(&changed).push(Subject::Row(row));
            }
        }))?;
        let changed = subjects.clone();
        let flags = FunctionFlags::SQLITE_UTF8;
        connection.create_scalar_function("moved", 1, flags, move |arguments| {
            lock(&changed).push(Subject::Whereabouts(arguments.get(0)?));
            Ok(None::<i64>)
        })?;
        connection.execute_batch(TELL)?;
        let looked = Instant::now();
        let version = version(connection)?;
        stamps.count_until(looked + UNNOTICED);
        Ok(Self {
            subjects,
            stamps,
            version: Some(version),
            looked,
        })
    }

    /// Runs what commits, or does not: until it is over nobody finds in memory what it changes, and then nobody what was before.
    pub(super) fn during<T>(&self, commit: impl FnOnce() -> T) -> T {
        let subjects = std::mem::take(&mut *lock(&self.subjects));
        self.stamps.begin(&subjects);
        let done = commit();
        self.stamps.end(&subjects);
        done
    }

    /// What was changed since the last commit was taken back.
    pub(super) fn forget(&self) {
        lock(&self.subjects).clear();
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
fn lock(subjects: &Mutex<Vec<Subject>>) -> MutexGuard<'_, Vec<Subject>> {
    subjects.lock().unwrap_or_else(PoisonError::into_inner)
}
