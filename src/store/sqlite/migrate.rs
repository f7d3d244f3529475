//! The schema of a file: the whole current one for a new file; a file of another program or a newer version is left alone.

use rusqlite::{Connection, MAIN_DB, TransactionBehavior};

use crate::error::{Error, Result};

/// The whole current schema.
pub(super) const SCHEMA: &str = include_str!("../../../schema.sql");

/// The version of [`SCHEMA`], in `PRAGMA user_version`.
const VERSION: i64 = 1;

/// Marks a file as Saryno's in its header ("Srno"), so that another program's database is told from an old one of ours.
const APPLICATION_ID: i64 = 0x5372_6E6F;

/// Bytes of a page of a new file. A row that changes costs its whole page, in the log and in the file: with SQLite's own 4,096 there
/// were a fifth fewer new DMs and a seventh fewer renames a second (`cargo bench --bench http -- new-dm`, `rename`).
const PAGE: i64 = 2_048;

/// What a file is to this program.
pub(super) enum Standing {
    /// Nothing is in it yet.
    Empty,
    /// It has the current schema.
    Current,
    /// It is none of ours; holds why.
    Strange(String),
}

/// What the file is.
pub(super) fn standing(connection: &Connection) -> rusqlite::Result<Standing> {
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: bool =
        connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| {
            row.get(0)
        })?;
    Ok(match (application, version) {
        (APPLICATION_ID, VERSION) => Standing::Current,
        (0, 0) if !tables => Standing::Empty,
        (APPLICATION_ID, newer) => Standing::Strange(format!(
            "it has schema version {newer} and this program knows {VERSION}; run the version of saryno that wrote it"
        )),
        _ => Standing::Strange(
            "it is a database of another program; choose another directory with --data".into(),
        ),
    })
}

/// Brings the file to the current schema, or says why it won't.
pub(super) fn migrate(connection: &Connection) -> Result<()> {
    // Says nothing to a file that has pages already.
    connection.pragma_update(None, "page_size", PAGE)?;
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    match standing(&transaction)? {
        Standing::Current => {}
        Standing::Strange(why) => return Err(Error::Internal(why)),
        Standing::Empty => {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
    }
    // So SQLite takes a header with a version of the format that it doesn't know.
    if transaction.is_readonly(MAIN_DB)? {
        return Err(Error::Internal("its header says that it can't be written, so it is damaged; restore a backup that was verified (`saryno restore FILE`), which keeps these data aside".into()));
    }
    transaction.commit()?;
    // Outside the transaction, where alone it can be set, and last: a file that was refused above is left as it was.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    Ok(())
}
