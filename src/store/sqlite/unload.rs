//! Everything that lasts of an instance, row by row, out of one read transaction: what `saryno export` writes.
//!
//! In an order of its own, not of the rows: what is unloaded, loaded elsewhere and unloaded there is the same.

use base64ct::{Base64, Encoding};
use rusqlite::{CachedStatement, Connection, Row, named_params};

use super::file::DatabaseFile;
use super::migrate::{Standing as Schema, older, standing};
use super::{HIGHEST_ID, registration};
use crate::channels::DM;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::portable::{FORMAT, Standing, Written};

/// How many lines there will be after the header. A community's line is its owner's membership, too.
const LINES: &str = "
    SELECT 1 + (SELECT count(*) FROM images) + (SELECT count(*) FROM users) + (SELECT count(*) FROM blocks)
        + (SELECT count(*) FROM members) + (SELECT count(*) FROM invites) + (SELECT count(*) FROM channels)
        + (SELECT count(*) FROM instance_invites) + (SELECT count(*) FROM admins) + (SELECT count(*) FROM audit)";

const IMAGES: &str = "SELECT hash, png FROM images ORDER BY hash";

const USERS: &str = "
    SELECT id, username, discriminator, avatar, flags, password, disabled, reason FROM users ORDER BY id";

const BLOCKS: &str = "SELECT user_id, blocked_id FROM blocks ORDER BY user_id, blocked_id";

const COMMUNITIES: &str = "
    SELECT c.id, c.name, c.icon, c.owner_id, m.since
    FROM communities AS c LEFT JOIN members AS m ON m.user_id = c.owner_id AND m.community_id = c.id ORDER BY c.id";

const MEMBERS: &str = "
    SELECT community_id, user_id, since FROM members AS m
    WHERE NOT EXISTS (SELECT 1 FROM communities AS c WHERE c.id = m.community_id AND c.owner_id = m.user_id)
    ORDER BY user_id, community_id";

const INVITES: &str = "
    SELECT id, code, community_id, max_uses, uses, expires_at FROM invites ORDER BY id";

const CHANNELS: &str = "SELECT id, type, name, owner_id FROM channels ORDER BY id";

const PARTICIPANTS: &str =
    "SELECT user_id, since, hidden FROM participants WHERE channel_id = :channel ORDER BY user_id";

const INSTANCE_INVITES: &str =
    "SELECT code, max_uses, uses, expires_at FROM instance_invites ORDER BY code";

const ADMINS: &str = "SELECT id, name, password, last_login FROM admins ORDER BY id";

const AUDIT: &str = "
    SELECT id, admin_id, admin_name, via, address, action, target_kind, target_id, target_name, before, after
    FROM audit ORDER BY id";

/// Takes a line.
type Take<'a> = &'a mut dyn FnMut(&Written<'_>) -> Result<()>;

impl DatabaseFile {
    /// Hands out everything that lasts, as it is at one moment, beside whoever serves it; the header first.
    ///
    /// # Errors
    /// What `take` says; `Busy`; `Internal` with a sentence where it can't be read, or breaks a rule that an import would hold it
    /// against.
    pub fn unload(&self, take: Take<'_>) -> Result<()> {
        let connection = self.open()?;
        let refuse = |why: &str| {
            let file = self.path().display();
            Error::Internal(format!("{file} can't be exported: {why}"))
        };
        match standing(&connection) {
            Ok(Schema::Current) => {}
            Ok(Schema::Empty) => return Err(refuse("there is nothing in it")),
            Ok(Schema::Older(version)) => return Err(refuse(&older(version))),
            Ok(Schema::Strange(why)) => return Err(refuse(&why)),
            Err(error) => return Err(error.into()),
        }
        let moment = connection.unchecked_transaction()?;
        let lines: i64 = moment.query_row(LINES, [], |row| row.get(0))?;
        let lines = lines.cast_unsigned();
        take(&Written::Export {
            format: FORMAT,
            program: concat!("saryno ", env!("CARGO_PKG_VERSION")),
            made_at: Timestamp::now(),
            highest_id: moment.query_row(HIGHEST_ID, [], |row| row.get(0))?,
            lines,
        })?;
        all(&moment, take)
    }
}

fn all(connection: &Connection, take: Take<'_>) -> Result<()> {
    let policy = registration::policy(connection)?.to_string();
    take(&Written::Registration {
        registration: &policy,
    })?;
    each(connection, IMAGES, |row| {
        let png = Base64::encode_string(row.get_ref(1)?.as_blob().map_err(|error| column(&error))?);
        take(&Written::Image {
            hash: row.get(0)?,
            png: &png,
        })
    })?;
    each(connection, USERS, |row| user(row, take))?;
    each(connection, BLOCKS, |row| {
        take(&Written::Block {
            user_id: row.get(0)?,
            blocked_id: row.get(1)?,
        })
    })?;
    each(connection, COMMUNITIES, |row| {
        take(&Written::Community {
            id: row.get(0)?,
            name: text(row, 1)?,
            icon: row.get(2)?,
            owner_id: row.get(3)?,
            owner_since: row.get::<_, Option<Id>>(4)?.ok_or_else(broken)?,
        })
    })?;
    each(connection, MEMBERS, |row| {
        take(&Written::Member {
            community_id: row.get(0)?,
            user_id: row.get(1)?,
            since: row.get(2)?,
        })
    })?;
    each(connection, INVITES, |row| {
        take(&Written::Invite {
            id: row.get(0)?,
            code: text(row, 1)?,
            community_id: row.get(2)?,
            max_uses: row.get(3)?,
            uses: row.get(4)?,
            expires_at: row.get(5)?,
        })
    })?;
    let mut people = connection.prepare_cached(PARTICIPANTS)?;
    each(connection, CHANNELS, |row| channel(row, &mut people, take))?;
    each(connection, INSTANCE_INVITES, |row| {
        take(&Written::InstanceInvite {
            code: text(row, 0)?,
            max_uses: row.get(1)?,
            uses: row.get(2)?,
            expires_at: row.get(3)?,
        })
    })?;
    each(connection, ADMINS, |row| {
        take(&Written::Admin {
            id: row.get(0)?,
            name: text(row, 1)?,
            password: perhaps(row, 2)?,
            last_login: row.get(3)?,
        })
    })?;
    each(connection, AUDIT, |row| audit(row, take))
}

fn user(row: &Row<'_>, take: Take<'_>) -> Result<()> {
    let id = row.get(0)?;
    let Some(username) = perhaps(row, 1)? else {
        return take(&Written::Tombstone { id });
    };
    take(&Written::User {
        id,
        username,
        discriminator: row.get(2)?,
        avatar: row.get(3)?,
        flags: row.get(4)?,
        password: perhaps(row, 5)?,
        disabled: row.get(6)?,
        reason: perhaps(row, 7)?,
    })
}

fn channel(row: &Row<'_>, people: &mut CachedStatement<'_>, take: Take<'_>) -> Result<()> {
    let id: Id = row.get(0)?;
    let participants = people
        .query_map(named_params! { ":channel": id }, |row| {
            Ok(Standing {
                user_id: row.get(0)?,
                since: row.get(1)?,
                hidden: row.get(2)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let participants = &participants;
    if row.get::<_, i64>(1)? == DM {
        return take(&Written::Dm { id, participants });
    }
    take(&Written::Group {
        id,
        name: perhaps(row, 2)?,
        owner_id: row.get(3)?,
        participants,
    })
}

fn audit(row: &Row<'_>, take: Take<'_>) -> Result<()> {
    take(&Written::Audit {
        id: row.get(0)?,
        admin_id: row.get(1)?,
        admin_name: text(row, 2)?,
        via: text(row, 3)?,
        address: perhaps(row, 4)?,
        action: text(row, 5)?,
        target_kind: perhaps(row, 6)?,
        target_id: row.get(7)?,
        target_name: perhaps(row, 8)?,
        before: perhaps(row, 9)?,
        after: perhaps(row, 10)?,
    })
}

/// Reads row by row, so that it takes no memory however many there are.
fn each(
    connection: &Connection,
    sql: &str,
    mut take: impl FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn text<'a>(row: &'a Row<'_>, index: usize) -> Result<&'a str> {
    row.get_ref(index)?.as_str().map_err(|error| column(&error))
}

fn perhaps<'a>(row: &'a Row<'_>, index: usize) -> Result<Option<&'a str>> {
    row.get_ref(index)?
        .as_str_or_null()
        .map_err(|error| column(&error))
}

/// An owner who is no member of their community.
fn broken() -> Error {
    let told =
        "the data break a rule of the house, so they can't be exported; `saryno verify` says which";
    Error::Internal(told.into())
}

/// A column of another type, or text that is none.
fn column(error: &rusqlite::types::FromSqlError) -> Error {
    Error::Internal(format!(
        "database: {error}; `saryno verify` looks at all of it"
    ))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::migrate::migrate;
    use super::*;

    #[test]
    fn no_statement_gathers_rows_before_it_tells_of_one() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection).unwrap();
        for sql in [
            IMAGES,
            USERS,
            BLOCKS,
            COMMUNITIES,
            MEMBERS,
            INVITES,
            CHANNELS,
            PARTICIPANTS,
            INSTANCE_INVITES,
            ADMINS,
            AUDIT,
        ] {
            let mut statement = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap();
            let mut steps = statement.raw_query();
            while let Some(step) = steps.next().unwrap() {
                let step: String = step.get(3).unwrap();
                let gathers = ["TEMP B-TREE", "MATERIALIZE", "AUTOMATIC"];
                assert!(
                    !gathers.iter().any(|word| step.contains(word)),
                    "{sql}: {step}"
                );
            }
        }
    }
}
