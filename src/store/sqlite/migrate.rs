//! The schema of a file: the whole current one for a new file; a file of another program or a newer version is left alone.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Error, Result};

/// The whole current schema.
pub(super) const SCHEMA: &str = include_str!("../../../schema.sql");

/// The version of [`SCHEMA`], in `PRAGMA user_version`.
const VERSION: i64 = 1;

/// Marks a file as Saryno's in its header ("Srno"), so that another program's database is told from an old one of ours.
const APPLICATION_ID: i64 = 0x5372_6E6F;

/// What a file is to this program.
pub(super) enum Standing {
    /// Nothing is in it yet.
    Empty,
    /// It has the current schema.
    Current,
}

/// What the file is, or why it is none of ours.
pub(super) fn standing(connection: &Connection) -> Result<Standing> {
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: bool =
        connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| {
            row.get(0)
        })?;
    match (application, version) {
        (APPLICATION_ID, VERSION) => Ok(Standing::Current),
        (0, 0) if !tables => Ok(Standing::Empty),
        (APPLICATION_ID, newer) => Err(Error::Internal(format!(
            "it has schema version {newer} and this program knows {VERSION}; run the version of saryno that wrote it"
        ))),
        _ => Err(Error::Internal(
            "it is a database of another program; choose another".into(),
        )),
    }
}

/// Brings the file to the current schema, or says why it won't.
pub(super) fn migrate(connection: &Connection) -> Result<()> {
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    match standing(&transaction)? {
        Standing::Current => {}
        Standing::Empty => {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
    }
    transaction.commit()?;
    // Outside the transaction, where alone it can be set, and last: a file that was refused above is left as it was.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    Ok(())
}
