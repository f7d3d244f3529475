//! Users in SQL.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, named_params};

use super::rows::{require_active, user, user_columns};
use super::{Sqlite, accounts, channels, communities};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::names::Username;
use crate::passwords::PasswordHash;
use crate::users::{Account, Change, Discriminator, Flags, NewUser, Tag, Taken, User, Users};

const USER: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users AS u WHERE u.id = :id"
);

const USER_BY_TAG: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users AS u WHERE u.username_key = :key AND u.discriminator = :discriminator"
);

const ACCOUNT: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", u.disabled FROM users AS u WHERE u.id = :id AND u.username IS NOT NULL"
);

/// One range of `users_by_tag`, which holds all it asks for.
pub(super) const TAKEN: &str = "SELECT discriminator FROM users WHERE username_key = :key";

/// Inserts nothing where the tag is held.
const CREATE: &str = "
    INSERT INTO users (id, username, username_key, discriminator, flags, password)
    VALUES (:id, :username, :key, :discriminator, :flags, :password)
    ON CONFLICT (username_key, discriminator) WHERE username_key IS NOT NULL DO NOTHING";

/// Changes nothing where somebody else holds the tag.
const RENAME: &str = "
    UPDATE OR IGNORE users SET username = :username, username_key = :key, discriminator = :discriminator WHERE id = :id";

const MODIFY_FLAGS: &str = "
    UPDATE users SET flags = (flags | :set) & ~:clear WHERE id = :id AND username IS NOT NULL";

const SET_DISABLED: &str =
    "UPDATE users SET disabled = :disabled WHERE id = :id AND username IS NOT NULL";

const BURY: &str = "
    UPDATE users
    SET username = NULL, username_key = NULL, discriminator = NULL, avatar = NULL, flags = 0, password = NULL, disabled = 0
    WHERE id = :id AND username IS NOT NULL";

#[async_trait]
impl Users for Sqlite {
    async fn user(&self, id: Id) -> Result<User> {
        self.read(move |connection| find(connection, id)).await
    }

    async fn user_by_tag(&self, tag: Tag) -> Result<User> {
        self.read(move |connection| {
            let parameters =
                named_params! { ":key": tag.username.key(), ":discriminator": tag.discriminator };
            let found = connection
                .prepare_cached(USER_BY_TAG)?
                .query_row(parameters, |row| user(row, 0))
                .optional()?;
            found.ok_or(Error::UnknownUser)
        })
        .await
    }

    async fn account(&self, id: Id) -> Result<Account> {
        self.read(move |connection| {
            let account = connection
                .prepare_cached(ACCOUNT)?
                .query_row(named_params! { ":id": id }, |row| {
                    Ok(Account {
                        user: user(row, 0)?,
                        disabled: row.get(5)?,
                    })
                })
                .optional()?;
            account.ok_or(Error::UnknownUser)
        })
        .await
    }

    async fn create_user(&self, new: NewUser) -> Result<User> {
        self.write(move |connection| create(connection, &new)).await
    }

    async fn modify_user(&self, id: Id, change: Change, random: u64) -> Result<User> {
        self.write(move |connection| {
            require_active(connection, id)?;
            rename(connection, id, &change, random)
        })
        .await
    }

    async fn modify_flags(&self, id: Id, set: Flags, clear: Flags) -> Result<User> {
        self.write(move |connection| {
            let parameters = named_params! { ":id": id, ":set": set, ":clear": clear };
            known(
                connection
                    .prepare_cached(MODIFY_FLAGS)?
                    .execute(parameters)?,
            )?;
            find(connection, id)
        })
        .await
    }

    async fn set_disabled(&self, id: Id, disabled: bool) -> Result<User> {
        self.write(move |connection| {
            let parameters = named_params! { ":id": id, ":disabled": disabled };
            known(
                connection
                    .prepare_cached(SET_DISABLED)?
                    .execute(parameters)?,
            )?;
            find(connection, id)
        })
        .await
    }

    async fn delete_user(&self, id: Id) -> Result<()> {
        self.write(move |connection| {
            known(
                connection
                    .prepare_cached(BURY)?
                    .execute(named_params! { ":id": id })?,
            )?;
            accounts::forget(connection, id)?;
            communities::leave_all(connection, id)?;
            channels::leave_all_groups(connection, id)
        })
        .await
    }
}

/// How many rows an UPDATE of one account touched, as an answer.
fn known(touched: usize) -> Result<()> {
    if touched == 0 {
        Err(Error::UnknownUser)
    } else {
        Ok(())
    }
}

/// The user or tombstone of this id.
pub(super) fn find(connection: &Connection, id: Id) -> Result<User> {
    let found = connection
        .prepare_cached(USER)?
        .query_row(named_params! { ":id": id }, |row| user(row, 0))
        .optional()?;
    found.ok_or(Error::UnknownUser)
}

/// Makes an account with its token.
pub(super) fn create(connection: &Connection, new: &NewUser) -> Result<User> {
    let username = &new.username;
    let discriminator = match new.discriminator {
        Some(discriminator) => discriminator,
        None => draw(connection, username, new.random)?,
    };
    let created = connection.prepare_cached(CREATE)?.execute(named_params! {
        ":id": new.id,
        ":username": username.as_str(),
        ":key": username.key(),
        ":discriminator": discriminator,
        ":flags": new.flags,
        ":password": new.password.as_ref().map(PasswordHash::to_store),
    })?;
    if created == 0 {
        return Err(Error::TagTaken(
            Tag {
                username: username.clone(),
                discriminator,
            }
            .to_string(),
        ));
    }
    if let Some(token) = &new.token {
        accounts::insert_token(connection, new.id, token)?;
    }
    find(connection, new.id)
}

fn draw(connection: &Connection, username: &Username, random: u64) -> Result<Discriminator> {
    let mut statement = connection.prepare_cached(TAKEN)?;
    let taken = statement.query_map(named_params! { ":key": username.key() }, |row| row.get(0))?;
    let taken: Taken = taken.collect::<rusqlite::Result<_>>()?;
    Discriminator::draw(&taken, random).ok_or_else(|| Error::UsernameFull(username.to_string()))
}

fn rename(connection: &Connection, id: Id, change: &Change, random: u64) -> Result<User> {
    let old = find(connection, id)?;
    let (username, discriminator) = match (&change.username, change.discriminator) {
        (None, None) => return Ok(old),
        // A name stored under older Unicode tables is still the user's own; it is read back unchecked by its own row.
        (None, Some(discriminator)) => return renumber(connection, &old, discriminator),
        (Some(username), Some(discriminator)) => (username, discriminator),
        (Some(username), None) => {
            let kept = old.discriminator.ok_or(Error::Unauthorized)?;
            if set_tag(connection, id, username.as_str(), username.key(), kept)? {
                return find(connection, id);
            }
            (username, draw(connection, username, random)?)
        }
    };
    if !set_tag(
        connection,
        id,
        username.as_str(),
        username.key(),
        discriminator,
    )? {
        return Err(Error::TagTaken(
            Tag {
                username: username.clone(),
                discriminator,
            }
            .to_string(),
        ));
    }
    find(connection, id)
}

fn renumber(connection: &Connection, old: &User, discriminator: Discriminator) -> Result<User> {
    let sql = "SELECT username_key FROM users WHERE id = :id";
    let key: String = connection
        .prepare_cached(sql)?
        .query_row(named_params! { ":id": old.id }, |row| row.get(0))?;
    if !set_tag(connection, old.id, &old.username, &key, discriminator)? {
        return Err(Error::TagTaken(format!("{}#{discriminator}", old.username)));
    }
    find(connection, old.id)
}

/// Whether the tag is this user's now; it isn't where somebody else holds it.
fn set_tag(
    connection: &Connection,
    id: Id,
    username: &str,
    key: &str,
    discriminator: Discriminator,
) -> Result<bool> {
    let parameters = named_params! { ":id": id, ":username": username, ":key": key, ":discriminator": discriminator };
    Ok(connection.prepare_cached(RENAME)?.execute(parameters)? == 1)
}
