//! The schema of a file: the whole current one for a new file, numbered steps for one of an older version; a file of another program
//! or a newer version is left alone.

use rusqlite::{Connection, MAIN_DB, TransactionBehavior};

use crate::error::{Error, Result};

/// The whole current schema.
pub(super) const SCHEMA: &str = include_str!("../../../schema.sql");

/// The version of [`SCHEMA`], in `PRAGMA user_version`.
const VERSION: usize = 1;

/// What brings a file from each version to the next, the first of them from 1 to 2. All of them after each other make [`SCHEMA`] of the
/// first one (`tests/upgrade.rs` holds it): whoever changes that counts [`VERSION`] up and writes the step.
const STEPS: [&str; VERSION - 1] = [];

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
    /// It has the schema of this older version.
    Older(usize),
    /// It is none of ours; holds why.
    Strange(String),
}

/// What the file is.
pub(super) fn standing(connection: &Connection) -> rusqlite::Result<Standing> {
    standing_before(connection, VERSION)
}

/// What the file is to a program whose schema has this version.
fn standing_before(connection: &Connection, current: usize) -> rusqlite::Result<Standing> {
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: bool =
        connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| {
            row.get(0)
        })?;
    if (application, version, tables) == (0, 0, false) {
        return Ok(Standing::Empty);
    }
    if application != APPLICATION_ID {
        return Ok(Standing::Strange(
            "it is a database of another program; choose another directory with --data".into(),
        ));
    }
    Ok(match usize::try_from(version) {
        Ok(version) if version == current => Standing::Current,
        Ok(older) if (1..current).contains(&older) => Standing::Older(older),
        _ => Standing::Strange(format!(
            "it has schema version {version} and this program knows {current}; run the version of saryno that wrote it"
        )),
    })
}

/// Why a file of this older version is not looked into.
pub(super) fn older(version: usize) -> String {
    format!(
        "it has schema version {version}; start this version of saryno on it once, which makes {VERSION} of it"
    )
}

/// Brings the file to the current schema, or says why it won't.
pub(super) fn migrate(connection: &Connection) -> Result<()> {
    migrate_to(connection, SCHEMA, &STEPS)
}

/// Brings the file to this schema, which is what the steps make of the first one: all of it or nothing.
fn migrate_to(connection: &Connection, schema: &str, steps: &[&str]) -> Result<()> {
    let current = steps.len() + 1;
    // Says nothing to a file that has pages already.
    connection.pragma_update(None, "page_size", PAGE)?;
    // A step that makes a table anew drops the old one, and with it would go all that refers to it. Set outside of a transaction only.
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    match standing_before(&transaction, current)? {
        Standing::Current => {}
        Standing::Strange(why) => return Err(Error::Internal(why)),
        Standing::Empty => {
            transaction.execute_batch(schema)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            mark(&transaction, current)?;
        }
        Standing::Older(version) => {
            for step in steps.iter().skip(version - 1) {
                transaction.execute_batch(step)?;
            }
            if transaction
                .prepare("PRAGMA foreign_key_check")?
                .exists([])?
            {
                return Err(Error::Internal(format!(
                    "it has schema version {version}, and what it holds does not fit version {current}; run the version of saryno that wrote it, and look at the data with its `saryno verify`"
                )));
            }
            mark(&transaction, current)?;
        }
    }
    // So SQLite takes a header with a version of the format that it doesn't know.
    if transaction.is_readonly(MAIN_DB)? {
        return Err(Error::Internal("its header says that it can't be written, so it is damaged; restore a backup that was verified (`saryno restore FILE`), which keeps these data aside".into()));
    }
    transaction.commit()?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Outside the transaction, where alone it can be set, and last: a file that was refused above is left as it was.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    Ok(())
}

/// Writes down which version of the schema a file has.
fn mark(connection: &Connection, version: usize) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("PRAGMA user_version = {version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A schema of two tables, then with a column more, then with one of the tables made anew.
    const FIRST: &str = "
        CREATE TABLE people (id INTEGER PRIMARY KEY);
        CREATE TABLE pets (owner INTEGER REFERENCES people (id) ON DELETE CASCADE);";
    const SECOND: &str = "ALTER TABLE people ADD COLUMN name TEXT;";
    const THIRD: &str = "
        CREATE TABLE anew (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        INSERT INTO anew (id, name) SELECT id, coalesce(name, 'nobody') FROM people;
        DROP TABLE people;
        ALTER TABLE anew RENAME TO people;";

    /// A file of the first version with a person and their pet in it.
    fn first() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        migrate_to(&connection, FIRST, &[]).unwrap();
        let rows = "INSERT INTO people (id) VALUES (1); INSERT INTO pets (owner) VALUES (1);";
        connection.execute_batch(rows).unwrap();
        connection
    }

    fn version(connection: &Connection) -> i64 {
        let version = connection.pragma_query_value(None, "user_version", |row| row.get(0));
        version.unwrap()
    }

    fn count(connection: &Connection, of: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {of}");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_file_takes_the_steps_from_its_version_on_and_keeps_what_is_in_it() {
        let connection = first();
        migrate_to(&connection, "", &[SECOND]).unwrap();
        assert_eq!(version(&connection), 2);
        assert_eq!(count(&connection, "people WHERE name IS NULL"), 1);
        migrate_to(&connection, "", &[SECOND, THIRD]).unwrap();
        assert_eq!(version(&connection), 3);
        assert_eq!(count(&connection, "people WHERE name = 'nobody'"), 1);
        assert_eq!(count(&connection, "pets"), 1);
        let both_at_once = first();
        migrate_to(&both_at_once, "", &[SECOND, THIRD]).unwrap();
        assert_eq!(count(&both_at_once, "people WHERE name = 'nobody'"), 1);
    }

    #[test]
    fn references_are_held_again_behind_the_steps() {
        let connection = first();
        migrate_to(&connection, "", &[SECOND]).unwrap();
        let stray = connection.execute("INSERT INTO pets (owner) VALUES (7)", []);
        assert!(stray.unwrap_err().to_string().contains("FOREIGN KEY"));
    }

    #[test]
    fn of_steps_of_which_one_fails_or_leaves_a_reference_to_nothing_none_is_taken() {
        for bad in ["ALTER TABLE nowhere ADD COLUMN name", "DELETE FROM people"] {
            let connection = first();
            migrate_to(&connection, "", &[SECOND, bad]).unwrap_err();
            assert_eq!(version(&connection), 1, "{bad}");
            assert_eq!(count(&connection, "people"), 1, "{bad}");
            assert!(
                connection.prepare("SELECT name FROM people").is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_file_of_a_newer_version_is_left_as_it_is() {
        let connection = first();
        migrate_to(&connection, "", &[SECOND]).unwrap();
        let refused = migrate_to(&connection, FIRST, &[]).unwrap_err().to_string();
        assert!(
            refused.contains("it has schema version 2 and this program knows 1"),
            "{refused}"
        );
        assert_eq!(version(&connection), 2);
    }
}
