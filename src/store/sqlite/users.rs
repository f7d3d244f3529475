//! Users in SQL.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::rows::{require_active, user, user_columns};
use super::{Sqlite, accounts, blocks, communities, groups, images, registration, terms};
use crate::clock::Timestamp;
use crate::communities::Community;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::limits::Allowance;
use crate::names::Username;
use crate::passwords::PasswordHash;
use crate::users::{
    Account, Asker, Change, Discriminator, Flags, NewUser, Tag, Taken, User, Users,
};

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
    ", u.disabled, u.reason FROM users AS u WHERE u.id = :id AND u.username IS NOT NULL"
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

const SET_DISABLED: &str = "UPDATE users SET disabled = :disabled, reason = :reason WHERE id = :id AND username IS NOT NULL";

const BURY: &str = "
    UPDATE users
    SET username = NULL, username_key = NULL, discriminator = NULL, avatar = NULL, flags = 0, password = NULL, disabled = 0, reason = NULL
    WHERE id = :id AND username IS NOT NULL";

#[async_trait]
impl Users for Sqlite {
    async fn user(&self, id: Id) -> Result<User> {
        Ok(self.account_or_tombstone(id).await?.user)
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
        self.read(move |connection| account(connection, id)).await
    }

    async fn taken(
        &self,
        username: Username,
        asker: Asker,
        now: Timestamp,
    ) -> Result<Option<Taken>> {
        self.read(move |connection| {
            let told = match &asker {
                Asker::Account => true,
                Asker::Newcomer(invite) => {
                    registration::is_open_to(connection, invite.as_ref(), now)?
                }
            };
            told.then(|| taken(connection, &username)).transpose()
        })
        .await
    }

    async fn modify_user(
        &self,
        id: Id,
        change: Change,
        random: u64,
        allowance: Option<Allowance>,
    ) -> Result<User> {
        self.write(move |connection| {
            require_active(connection, id)?;
            let old = find(connection, id)?;
            modify(connection, &old, &change, random)?;
            let new = find(connection, id)?;
            if (&old.username, old.discriminator) != (&new.username, new.discriminator) {
                terms::count(connection, id, allowance)?;
            }
            Ok(new)
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
    look(connection, id)?.ok_or(Error::UnknownUser)
}

/// The user or tombstone of this id, if there is one.
pub(super) fn look(connection: &Connection, id: Id) -> Result<Option<User>> {
    let found = connection
        .prepare_cached(USER)?
        .query_row(named_params! { ":id": id }, |row| user(row, 0));
    Ok(found.optional()?)
}

/// An account that was not deleted.
pub(super) fn account(connection: &Connection, id: Id) -> Result<Account> {
    let account = connection
        .prepare_cached(ACCOUNT)?
        .query_row(named_params! { ":id": id }, account_of)
        .optional()?;
    account.ok_or(Error::UnknownUser)
}

/// An account out of the columns of [`user_columns`], whether it is disabled, and why.
pub(super) fn account_of(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        user: user(row, 0)?,
        disabled: row.get(5)?,
        reason: row.get(6)?,
    })
}

/// Sets and clears flags; one that stands in both is cleared.
pub(super) fn modify_flags(
    connection: &Connection,
    id: Id,
    set: Flags,
    clear: Flags,
) -> Result<()> {
    let parameters = named_params! { ":id": id, ":set": set, ":clear": clear };
    known(
        connection
            .prepare_cached(MODIFY_FLAGS)?
            .execute(parameters)?,
    )
}

/// Disables an account, for a reason or without one, or enables it.
pub(super) fn set_disabled(
    connection: &Connection,
    id: Id,
    disabled: bool,
    reason: Option<&str>,
) -> Result<()> {
    let parameters = named_params! { ":id": id, ":disabled": disabled, ":reason": reason };
    known(
        connection
            .prepare_cached(SET_DISABLED)?
            .execute(parameters)?,
    )
}

/// Makes a tombstone of an account, and tells what became of the communities that it owned.
pub(super) fn bury(connection: &Connection, id: Id) -> Result<Vec<(Community, Option<Id>)>> {
    known(
        connection
            .prepare_cached(BURY)?
            .execute(named_params! { ":id": id })?,
    )?;
    accounts::forget(connection, id)?;
    blocks::forget(connection, id)?;
    terms::forget(connection, id)?;
    groups::leave_all(connection, id)?;
    communities::leave_all(connection, id)
}

/// The discriminators of a name that are taken.
pub(super) fn taken(connection: &Connection, username: &Username) -> Result<Taken> {
    let mut statement = connection.prepare_cached(TAKEN)?;
    let taken = statement.query_map(named_params! { ":key": username.key() }, |row| row.get(0))?;
    Ok(taken.collect::<rusqlite::Result<_>>()?)
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
    Discriminator::draw(&taken(connection, username)?, random)
        .ok_or_else(|| Error::UsernameFull(username.to_string()))
}

/// Changes name, discriminator or avatar of an account that was not deleted, which is like this so far.
pub(super) fn modify(
    connection: &Connection,
    old: &User,
    change: &Change,
    random: u64,
) -> Result<()> {
    if let Some(avatar) = &change.avatar {
        images::set_avatar(connection, old.id, avatar.as_ref())?;
    }
    let (username, discriminator) = match (&change.username, change.discriminator) {
        (None, None) => return Ok(()),
        // A name stored under older Unicode tables is still the user's own; it is read back unchecked by its own row.
        (None, Some(discriminator)) => return renumber(connection, old, discriminator),
        (Some(username), Some(discriminator)) => (username, discriminator),
        (Some(username), None) => {
            let kept = old.discriminator.ok_or(Error::Unauthorized)?;
            if set_tag(connection, old.id, username.as_str(), username.key(), kept)? {
                return Ok(());
            }
            (username, draw(connection, username, random)?)
        }
    };
    if set_tag(
        connection,
        old.id,
        username.as_str(),
        username.key(),
        discriminator,
    )? {
        return Ok(());
    }
    Err(Error::TagTaken(
        Tag {
            username: username.clone(),
            discriminator,
        }
        .to_string(),
    ))
}

fn renumber(connection: &Connection, old: &User, discriminator: Discriminator) -> Result<()> {
    let sql = "SELECT username_key FROM users WHERE id = :id";
    let key: String = connection
        .prepare_cached(sql)?
        .query_row(named_params! { ":id": old.id }, |row| row.get(0))?;
    if set_tag(connection, old.id, &old.username, &key, discriminator)? {
        return Ok(());
    }
    Err(Error::TagTaken(format!("{}#{discriminator}", old.username)))
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
