//! The pool of reading connections, and how to be sure that all of them are closed.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use r2d2::{ManageConnection, Pool};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};

use super::{BUSY_TIMEOUT, PAGES_KEPT, configure};

/// How long closing waits for a connection that still reads.
const CLOSING: Duration = Duration::from_secs(2);

/// The pool. Dropping it returns when its connections are closed: r2d2's own threads may hold one for a moment longer.
pub(super) struct Readers {
    // Dropped in this order.
    pool: Pool<Manager>,
    _closed: Closed,
}

/// Waits, when it is dropped, until it is the only one left: the manager and each open connection hold the same mark.
struct Closed(Arc<()>);

/// Opens connections that can only read.
pub(super) struct Manager {
    sqlite: SqliteConnectionManager,
    open: Arc<()>,
}

/// A connection that can only read. It is closed before its mark of being open goes.
pub(super) struct Reader {
    connection: Connection,
    _open: Arc<()>,
}

impl Readers {
    /// Opens all of them.
    pub(super) fn open(path: &Path, size: u32) -> Result<Self, r2d2::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sqlite = SqliteConnectionManager::file(path)
            .with_flags(flags)
            .with_init(|connection| {
                configure(connection)?;
                // Below zero: KiB, not pages.
                connection.pragma_update(None, "cache_size", -PAGES_KEPT)
            });
        let open = Arc::new(());
        let pool = Pool::builder()
            .max_size(size)
            .connection_timeout(BUSY_TIMEOUT)
            .test_on_check_out(false)
            .build(Manager {
                sqlite,
                open: open.clone(),
            })?;
        Ok(Self {
            pool,
            _closed: Closed(open),
        })
    }

    /// The pool, to take to another thread.
    pub(super) fn pool(&self) -> Pool<Manager> {
        self.pool.clone()
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        let begun = Instant::now();
        while Arc::strong_count(&self.0) > 1 && begun.elapsed() < CLOSING {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl ManageConnection for Manager {
    type Connection = Reader;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Reader, rusqlite::Error> {
        Ok(Reader {
            connection: self.sqlite.connect()?,
            _open: self.open.clone(),
        })
    }

    fn is_valid(&self, reader: &mut Reader) -> Result<(), rusqlite::Error> {
        self.sqlite.is_valid(&mut reader.connection)
    }

    fn has_broken(&self, reader: &mut Reader) -> bool {
        self.sqlite.has_broken(&mut reader.connection)
    }
}

impl Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
