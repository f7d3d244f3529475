//! Between rows and the types of the house, and the two questions that most operations begin with.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ffi, named_params};

use crate::accounts::{Code, SecretHash};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::images::ImageHash;
use crate::names::Name;
use crate::page::Keyset;
use crate::users::{Discriminator, Flags, User};

/// The columns that [`user`] reads, in its order, of a table that the query calls `u`.
macro_rules! user_columns {
    () => {
        "u.id, u.username, u.discriminator, u.avatar, u.flags"
    };
}
pub(super) use user_columns;

/// A user out of the five columns of [`user_columns`], the first of them at `start`.
pub(super) fn user(row: &Row<'_>, start: usize) -> rusqlite::Result<User> {
    let id = row.get(start)?;
    match row.get(start + 1)? {
        None => Ok(User::tombstone(id)),
        Some(username) => Ok(User {
            id,
            username,
            discriminator: row.get(start + 2)?,
            avatar: row.get(start + 3)?,
            flags: row.get(start + 4)?,
        }),
    }
}

/// Holds a write against the state of the account that asks for it, inside the write's own transaction: since its token was
/// looked up it may have been deleted or disabled.
pub(super) fn require_active(connection: &Connection, requester: Id) -> Result<()> {
    let sql = "SELECT deleted = 0, disabled, reason FROM users WHERE id = :id";
    let state = connection
        .prepare_cached(sql)?
        .query_row(named_params! { ":id": requester }, |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    match state {
        Some((true, false, _)) => Ok(()),
        Some((true, true, reason)) => Err(Error::AccountDisabled(reason)),
        _ => Err(Error::Unauthorized),
    }
}

/// Whether a row was inserted, or UNIQUE refused it. For operations that then fail: with `ON CONFLICT DO NOTHING`, SQLite would note the
/// id of the row that is not there, in a table of which it tells nobody that it changed.
pub(super) fn inserted(outcome: rusqlite::Result<usize>) -> Result<bool> {
    match outcome {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .sqlite_error()
                .is_some_and(|error| error.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE) =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Records an id that no row of its own bears, where SQLite keeps the highest one of the table's rows: so that one minted
/// after a restart is above it, too.
pub(super) fn record(connection: &Connection, table: &str, id: Id) -> Result<()> {
    let sql = "UPDATE sqlite_sequence SET seq = max(seq, :id) WHERE name = :table";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":id": id, ":table": table })?;
    Ok(())
}

/// Whether this is a user who was not deleted.
pub(super) fn exists(connection: &Connection, user: Id) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM users WHERE id = :id AND deleted = 0)";
    Ok(connection
        .prepare_cached(sql)?
        .query_row(named_params! { ":id": user }, |row| row.get(0))?)
}

/// Holds an operator's deed against whether the account is there.
pub(super) fn require_user(connection: &Connection, user: Id) -> Result<()> {
    if exists(connection, user)? {
        Ok(())
    } else {
        Err(Error::UnknownUser)
    }
}

/// Prepares the one of two queries that walks the keyset's way, and binds the three parameters it has besides `:of`, which is
/// whose list it is.
pub(super) fn walk<T>(
    connection: &Connection,
    [ascending, descending]: [&str; 2],
    of: Id,
    keyset: Keyset,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let sql = if keyset.ascending {
        ascending
    } else {
        descending
    };
    let mut statement: CachedStatement<'_> = connection.prepare_cached(sql)?;
    let parameters = named_params! { ":of": of, ":above": keyset.above, ":below": keyset.below, ":limit": keyset.limit };
    let rows = statement.query_map(parameters, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.bits().into())
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bits = value.as_i64()?;
        Self::from_bits(bits).ok_or(FromSqlError::OutOfRange(bits))
    }
}

impl ToSql for Discriminator {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.number().into())
    }
}

impl FromSql for Discriminator {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = u16::column_result(value)?;
        Self::new(number).ok_or(FromSqlError::OutOfRange(number.into()))
    }
}

impl ToSql for Flags {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.bits().into())
    }
}

impl FromSql for Flags {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bits = u16::column_result(value)?;
        Self::from_bits(bits).ok_or(FromSqlError::OutOfRange(bits.into()))
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

impl ToSql for SecretHash {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_slice().into())
    }
}

impl ToSql for ImageHash {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_slice().into())
    }
}

impl FromSql for ImageHash {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 32]>::column_result(value).map(Self)
    }
}

impl ToSql for Name {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl ToSql for Code {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_str().into())
    }
}

impl FromSql for Code {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        String::column_result(value).map(Self)
    }
}
