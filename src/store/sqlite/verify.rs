//! A look at the whole of a database: whether the file is sound, and whether what it says keeps the rules of the house.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Row};
use sha2::{Digest, Sha256};

use super::migrate::{SCHEMA, Standing, older, standing};
use super::rules::{INTEGRITY, RULES, Rule};
use crate::backups::Severity::{Broken, Damaged, Warning};
use crate::backups::{Finding, Pace, Severity, Verification};
use crate::error::{Error, Result};
use crate::names::search_key;

/// Steps of SQLite's between two looks at the pace: well under a millisecond's.
const STEPS: i32 = 1_000;

/// How many places are named.
const EXAMPLES: usize = 5;

/// Names as they are shown, and the keys that they are found by.
const KEYS: [&str; 3] = [
    "SELECT username, username_key, id FROM users WHERE deleted = 0",
    "SELECT name, name_key, id FROM communities",
    "SELECT name, name_key, id FROM admins",
];

/// What a check found: how often, and the first few places.
#[derive(Default)]
struct Places {
    count: u64,
    examples: Vec<String>,
}

impl Places {
    fn add(&mut self, place: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(place());
        }
    }
}

/// Looks at everything that the connection sees, which must be the only thing that it does.
///
/// # Errors
/// `ShuttingDown` where the pace ended it; `Busy`.
pub(super) fn verify(connection: &Connection, pace: &Pace) -> Result<Verification> {
    let mut work = pace.begin();
    connection.progress_handler(STEPS, Some(move || !work.goes_on()))?;
    let mut look = Look {
        connection,
        verification: Verification::default(),
    };
    look.at_everything().map_err(|error| match error {
        _ if pace.is_over() => Error::ShuttingDown,
        error => error,
    })?;
    Ok(look.verification)
}

struct Look<'a> {
    connection: &'a Connection,
    verification: Verification,
}

impl Look<'_> {
    fn at_everything(&mut self) -> Result<()> {
        if !self.is_ours()? {
            return Ok(());
        }
        self.rule(&INTEGRITY)?;
        // A damaged file answers everything else wrongly, too.
        if !self.verification.holds() {
            return Ok(());
        }
        self.schema()?;
        for rule in &RULES {
            self.rule(rule)?;
        }
        let (name, message) = ("ids", "an id is above what is recorded for its table");
        self.check(name, Broken, message, unrecorded)?;
        let (name, message) = ("images", "a picture is not what its key says");
        self.check(name, Damaged, message, other_images)?;
        let (name, message) = (
            "name_keys",
            "this version of saryno compares a name by another key than the one that is stored; it is found by the old one until it is changed",
        );
        self.check(name, Warning, message, other_keys)
    }

    /// Whether it is a database of Saryno's of this very version; else there is nothing that could be checked.
    fn is_ours(&mut self) -> Result<bool> {
        let name = "version";
        self.verification.checks.push(name);
        let message = match standing(self.connection) {
            Ok(Standing::Current) => return Ok(true),
            Ok(Standing::Empty) => "it is empty".to_owned(),
            Ok(Standing::Older(version)) => older(version),
            Ok(Standing::Strange(why)) => why,
            Err(error) => match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => "it is not a database".to_owned(),
                Some(ErrorCode::DatabaseCorrupt) => error.to_string(),
                // Nobody has looked into it.
                _ => return Err(error.into()),
            },
        };
        self.find(name, Damaged, message, Places::default());
        Ok(false)
    }

    fn schema(&mut self) -> Result<()> {
        let (name, message) = (
            "schema",
            "a table, an index or a trigger is missing, or is not what this version of saryno makes",
        );
        self.check(name, Broken, message, changed)?;
        let message = "there is a table, an index or a trigger that is not saryno's";
        self.check("strangers", Warning, message, strangers)
    }

    fn rule(&mut self, rule: &Rule) -> Result<()> {
        self.check(rule.name, rule.severity, rule.message, |connection| {
            each(connection, rule.sql, |row, places| {
                let place = text(row.get_ref(0)?);
                places.add(|| place);
                Ok(())
            })
        })
    }

    fn check(
        &mut self,
        name: &'static str,
        severity: Severity,
        message: &str,
        look: impl FnOnce(&Connection) -> rusqlite::Result<Places>,
    ) -> Result<()> {
        self.verification.checks.push(name);
        match look(self.connection) {
            Ok(places) if places.count == 0 => {}
            Ok(places) => self.find(name, severity, message.to_owned(), places),
            Err(error) => {
                let severity = match error.sqlite_error_code() {
                    Some(
                        ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::OperationInterrupted
                        | ErrorCode::OutOfMemory,
                    ) => return Err(error.into()),
                    // What it asks about is not there, or of another shape.
                    Some(ErrorCode::Unknown) => Broken,
                    _ => Damaged,
                };
                let message = format!("this can't be checked: {error}");
                self.find(name, severity, message, Places::default());
            }
        }
        Ok(())
    }

    fn find(&mut self, check: &'static str, severity: Severity, message: String, places: Places) {
        self.verification.findings.push(Finding {
            check,
            severity,
            message,
            count: places.count.max(1),
            examples: places.examples,
        });
    }
}

/// Reads row by row, so that it takes no memory however many there are.
fn each(
    connection: &Connection,
    sql: &str,
    mut read: impl FnMut(&Row<'_>, &mut Places) -> rusqlite::Result<()>,
) -> rusqlite::Result<Places> {
    let mut places = Places::default();
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        read(row, &mut places)?;
    }
    Ok(places)
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        other => format!("{other:?}"),
    }
}

/// Names and definitions, without comments and the way they are laid out.
fn definitions(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement =
        connection.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
    let rows = statement.query_map([], |row| {
        let (name, sql): (String, String) = (row.get(0)?, row.get(1)?);
        let lines = sql
            .lines()
            .map(|line| line.split("--").next().unwrap_or_default());
        let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
        Ok((name, words.join(" ")))
    })?;
    rows.collect()
}

fn made_by_this_version() -> rusqlite::Result<BTreeMap<String, String>> {
    let fresh = Connection::open_in_memory()?;
    fresh.execute_batch(SCHEMA)?;
    definitions(&fresh)
}

fn changed(connection: &Connection) -> rusqlite::Result<Places> {
    let (mut places, found) = (Places::default(), definitions(connection)?);
    for (name, sql) in made_by_this_version()? {
        if found.get(&name) != Some(&sql) {
            places.add(|| name);
        }
    }
    Ok(places)
}

fn strangers(connection: &Connection) -> rusqlite::Result<Places> {
    let (mut places, ours) = (Places::default(), made_by_this_version()?);
    for name in definitions(connection)?.into_keys() {
        // Litestream's own bookkeeping, which it puts into every database that it replicates; SQLite's.
        let known = ["_litestream_", "sqlite_"];
        if !ours.contains_key(&name) && !known.iter().any(|known| name.starts_with(known)) {
            places.add(|| name);
        }
    }
    Ok(places)
}

/// Tables whose highest id is above the one that new ids are minted from.
fn unrecorded(connection: &Connection) -> rusqlite::Result<Places> {
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'";
    let mut statement = connection.prepare(tables)?;
    let tables: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut places = Places::default();
    for table in tables {
        let quoted = table.replace('"', "\"\"");
        let sql = format!(
            "SELECT coalesce((SELECT max(id) FROM \"{quoted}\"), 0) > coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?1), 0)"
        );
        if connection.query_row(&sql, [&table], |row| row.get(0))? {
            places.add(|| table);
        }
    }
    Ok(places)
}

fn other_images(connection: &Connection) -> rusqlite::Result<Places> {
    let sql = "SELECT hash, png, lower(hex(hash)) FROM images";
    each(connection, sql, |row, places| {
        let (hash, png) = (row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?);
        if Sha256::digest(png).as_slice() != hash {
            let place = text(row.get_ref(2)?);
            places.add(|| place);
        }
        Ok(())
    })
}

fn other_keys(connection: &Connection) -> rusqlite::Result<Places> {
    let mut all = Places::default();
    for sql in KEYS {
        let found = each(connection, sql, |row, places| {
            if search_key(row.get_ref(0)?.as_str()?) != row.get_ref(1)?.as_str()? {
                let place = text(row.get_ref(2)?);
                places.add(|| place);
            }
            Ok(())
        })?;
        all.count += found.count;
        all.examples.extend(found.examples);
    }
    all.examples.truncate(EXAMPLES);
    Ok(all)
}
