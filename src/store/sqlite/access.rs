//! How admins get in, in SQL: passwords, one-time links, sessions, tokens.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::audit;
use super::rows::inserted;
use crate::admins::{Admin, IDLE_END, Link, NewAdmin, NewAdminToken, NewSession, WayIn};
use crate::audit::{Author, COMMAND_LINE, Target};
use crate::clock::Timestamp;
use crate::error::{Error, Problem, Result};
use crate::id::Id;
use crate::passwords::PasswordHash;

const INSERT: &str = "
    INSERT INTO admins (id, name, name_key, password) VALUES (:id, :name, :key, :password)";

const INSERT_LINK: &str = "
    INSERT INTO admin_links (admin_id, hash, expires_at) VALUES (:admin, :hash, :expires_at)
    ON CONFLICT (admin_id) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at";

pub(super) const USE_LINK: &str =
    "DELETE FROM admin_links WHERE hash = :hash RETURNING admin_id, expires_at";

const INSERT_SESSION: &str =
    "INSERT INTO admin_sessions (id, admin_id, hash, last_used) VALUES (:id, :admin, :hash, :now)";

const INSERT_TOKEN: &str =
    "INSERT INTO admin_tokens (id, admin_id, hash, name) VALUES (:id, :admin, :hash, :name)";

pub(super) const BY_SESSION: &str = "
    SELECT a.id, a.name, s.id, s.last_used, 'page' FROM admin_sessions AS s JOIN admins AS a ON a.id = s.admin_id
    WHERE s.hash = :hash AND s.last_used > :ended";

pub(super) const BY_TOKEN: &str = "
    SELECT a.id, a.name, t.id, t.last_used, t.name FROM admin_tokens AS t JOIN admins AS a ON a.id = t.admin_id
    WHERE t.hash = :hash";

/// Changes nothing if the password was changed since it was checked.
const SET_PASSWORD: &str = "
    UPDATE admins SET password = :new WHERE id = :id AND (:checked IS NULL OR password = :checked)";

pub(super) fn has_admin(connection: &Connection) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM admins)";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?)
}

pub(super) fn admin(row: &Row<'_>) -> rusqlite::Result<Admin> {
    Ok(Admin {
        id: row.get(0)?,
        name: row.get(1)?,
    })
}

/// The admin, the id and last use of what they came with, and what that is called.
pub(super) type Admitted = (Admin, Id, Option<Timestamp>, String);

pub(super) fn operator(
    connection: &Connection,
    sql: &str,
    parameters: &[(&str, &dyn rusqlite::ToSql)],
) -> Result<Admitted> {
    let found = connection
        .prepare_cached(sql)?
        .query_row(parameters, |row| {
            Ok((admin(row)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    found.ok_or(Error::Unauthorized)
}

/// Writes into the log what an admin does to themself.
pub(super) fn note(
    connection: &Connection,
    author: &Author,
    entry: Id,
    action: &str,
) -> Result<()> {
    let trace = audit::Trace {
        target: Some(Target::new("admin", author.id(), author.name())),
        ..audit::Trace::default()
    };
    audit::write(connection, author, entry, action, &trace)
}

/// Begins a session, and drops the admin's that have ended.
pub(super) fn begin(connection: &Connection, admin: Id, session: &NewSession) -> Result<()> {
    let sql = "DELETE FROM admin_sessions WHERE admin_id = :admin AND last_used <= :ended";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":admin": admin, ":ended": session.begun.before(IDLE_END) })?;
    connection
        .prepare_cached(INSERT_SESSION)?
        .execute(named_params! {
            ":id": session.id,
            ":admin": admin,
            ":hash": session.hash,
            ":now": session.begun,
        })?;
    let sql = "UPDATE admins SET last_login = :now WHERE id = :id";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":id": admin, ":now": session.begun })?;
    Ok(())
}

/// Makes an admin, unless the name is taken. The command line's own name is, so that the log can't be misread.
pub(super) fn insert(connection: &Connection, new: &NewAdmin) -> Result<bool> {
    if new.name.key() == COMMAND_LINE {
        let problem = Problem::reserved("The audit log calls the command line so; choose another.");
        return Err(Error::field("name", problem));
    }
    let password = match &new.way {
        WayIn::Password(hash) => Some(hash.to_store()),
        WayIn::Link(_) => None,
    };
    let inserted = inserted(connection.prepare_cached(INSERT)?.execute(named_params! {
        ":id": new.id,
        ":name": new.name.as_str(),
        ":key": new.name.key(),
        ":password": password,
    }))?;
    if let (true, WayIn::Link(link)) = (inserted, &new.way) {
        insert_link(connection, new.id, link)?;
    }
    Ok(inserted)
}

/// Stores a one-time link; an earlier one of the admin is void.
pub(super) fn insert_link(connection: &Connection, admin: Id, link: &Link) -> Result<()> {
    connection.prepare_cached(INSERT_LINK)?.execute(
        named_params! { ":admin": admin, ":hash": link.hash, ":expires_at": link.expires_at },
    )?;
    Ok(())
}

/// What the admin of this id is called.
pub(super) fn named(connection: &Connection, admin: Id) -> Result<String> {
    let name = connection
        .prepare_cached("SELECT name FROM admins WHERE id = :id")?
        .query_row(named_params! { ":id": admin }, |row| row.get(0))
        .optional()?;
    name.ok_or(Error::NotFound)
}

/// Sets a password and ends every session of the admin but the one kept, and every token: whoever knew the old password may have
/// made them.
pub(super) fn set_password(
    connection: &Connection,
    admin: Id,
    checked: Option<&PasswordHash>,
    new: &PasswordHash,
    kept: Option<Id>,
) -> Result<()> {
    let checked = checked.map(PasswordHash::to_store);
    let parameters = named_params! { ":id": admin, ":checked": checked, ":new": new.to_store() };
    if connection
        .prepare_cached(SET_PASSWORD)?
        .execute(parameters)?
        == 0
    {
        return Err(Error::InvalidCredentials);
    }
    let sql = "DELETE FROM admin_sessions WHERE admin_id = :admin AND id IS NOT :kept";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":admin": admin, ":kept": kept })?;
    for sql in [
        "DELETE FROM admin_tokens WHERE admin_id = :admin",
        "DELETE FROM admin_links WHERE admin_id = :admin",
    ] {
        connection
            .prepare_cached(sql)?
            .execute(named_params! { ":admin": admin })?;
    }
    Ok(())
}

/// Takes an admin away; links, sessions and tokens go with them, by their foreign keys.
pub(super) fn remove(connection: &Connection, admin: Id) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM admins WHERE id = :id")?
        .execute(named_params! { ":id": admin })?;
    Ok(())
}

/// Ends a session.
pub(super) fn end_session(connection: &Connection, session: Id) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM admin_sessions WHERE id = :id")?
        .execute(named_params! { ":id": session })?;
    Ok(())
}

/// Stores a token of an admin's.
pub(super) fn insert_token(
    connection: &Connection,
    admin: Id,
    token: &NewAdminToken,
) -> Result<()> {
    connection
        .prepare_cached(INSERT_TOKEN)?
        .execute(named_params! {
            ":id": token.id,
            ":admin": admin,
            ":hash": token.hash,
            ":name": token.label.0,
        })?;
    Ok(())
}

/// Revokes an admin's token and tells what it was called.
pub(super) fn revoke_token(connection: &Connection, token: Id) -> Result<String> {
    let name = connection
        .prepare_cached("DELETE FROM admin_tokens WHERE id = :id RETURNING name")?
        .query_row(named_params! { ":id": token }, |row| row.get(0))
        .optional()?;
    name.ok_or(Error::NotFound)
}
