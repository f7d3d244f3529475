//! Users in SQL.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::rows::{inserted, user, user_columns};
use super::{Sqlite, accounts, blocks, communities, groups, images, registration, terms};
use crate::clock::Timestamp;
use crate::communities::Community;
use crate::error::{Error, Result};
use crate::etag::Precondition;
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
    ", u.disabled, u.reason FROM users AS u WHERE u.id = :id AND u.deleted = 0"
);

/// A crowded name's words; of any other name, a word for each who has it. Nobody has no name, so of a crowded one no row is read.
pub(super) const TAKEN: &str = "
    SELECT word, bits FROM taken WHERE username_key = :key
    UNION ALL
    SELECT discriminator >> 6, 1 << (discriminator & 63) FROM users
    WHERE username_key = CASE WHEN EXISTS (SELECT 1 FROM taken WHERE username_key = :key) THEN NULL ELSE :key END";

const CREATE: &str = "
    INSERT INTO users (id, username, username_key, discriminator, flags, password)
    VALUES (:id, :username, :key, :discriminator, :flags, :password)";

/// These three change nothing where somebody else holds the tag. What a statement names is written to every index that has to do
/// with it, changed or not; so there is one for each way to change a tag.
const RENAME: &str =
    "UPDATE OR IGNORE users SET username = :username, username_key = :key WHERE id = :id";

const RENUMBER: &str = "UPDATE OR IGNORE users SET discriminator = :discriminator WHERE id = :id";

const RETAG: &str = "
    UPDATE OR IGNORE users SET username = :username, username_key = :key, discriminator = :discriminator WHERE id = :id";

const MODIFY_FLAGS: &str = "
    UPDATE users SET flags = (flags | :set) & ~:clear WHERE id = :id AND deleted = 0";

const SET_DISABLED: &str =
    "UPDATE users SET disabled = :disabled, reason = :reason WHERE id = :id AND deleted = 0";

const BURY: &str = "
    UPDATE users
    SET username = NULL, username_key = NULL, discriminator = NULL, avatar = NULL, flags = 0, password = NULL, disabled = 0, reason = NULL,
        deleted = 1
    WHERE id = :id AND deleted = 0";

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
        precondition: Precondition,
        random: u64,
        allowance: Option<Allowance>,
    ) -> Result<User> {
        self.write(move |connection| {
            let old = active(connection, id)?;
            terms::matching(
                &precondition,
                || Ok(&old),
                || {
                    let new = modify(connection, &old, &change, random)?;
                    if (&old.username, old.discriminator) != (&new.username, new.discriminator) {
                        terms::count(connection, id, allowance)?;
                    }
                    Ok(new)
                },
            )
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

/// What `require_active` looks at and the user, in one read.
fn active(connection: &Connection, id: Id) -> Result<User> {
    match account(connection, id) {
        Ok(account) if account.disabled => Err(Error::AccountDisabled(account.reason)),
        Ok(account) => Ok(account.user),
        Err(Error::UnknownUser) => Err(Error::Unauthorized),
        Err(error) => Err(error),
    }
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
    let words = statement.query_map(named_params! { ":key": username.key() }, |row| {
        let (word, bits): (u16, i64) = (row.get(0)?, row.get(1)?);
        Ok((word.into(), bits.cast_unsigned()))
    })?;
    Ok(words.collect::<rusqlite::Result<_>>()?)
}

/// Makes an account with its token.
pub(super) fn create(connection: &Connection, new: &NewUser) -> Result<User> {
    let username = &new.username;
    let discriminator = match new.discriminator {
        Some(discriminator) => discriminator,
        None => draw(connection, username, new.random)?,
    };
    let created = inserted(connection.prepare_cached(CREATE)?.execute(named_params! {
        ":id": new.id,
        ":username": username.as_str(),
        ":key": username.key(),
        ":discriminator": discriminator,
        ":flags": new.flags,
        ":password": new.password.as_ref().map(PasswordHash::to_store),
    }))?;
    if !created {
        return Err(tag_taken(username, discriminator));
    }
    if let Some(token) = &new.token {
        accounts::insert_token(connection, new.id, token)?;
    }
    Ok(User {
        id: new.id,
        username: username.to_string(),
        discriminator: Some(discriminator),
        avatar: None,
        flags: new.flags,
    })
}

fn draw(connection: &Connection, username: &Username, random: u64) -> Result<Discriminator> {
    Discriminator::draw(&taken(connection, username)?, random)
        .ok_or_else(|| Error::UsernameFull(username.to_string()))
}

fn tag_taken(username: &Username, discriminator: Discriminator) -> Error {
    let tag = Tag {
        username: username.clone(),
        discriminator,
    };
    Error::TagTaken(tag.to_string())
}

/// Changes name, discriminator or avatar of an account that was not deleted.
pub(super) fn modify(
    connection: &Connection,
    old: &User,
    change: &Change,
    random: u64,
) -> Result<User> {
    let mut new = match &change.username {
        Some(username) => rename(connection, old, username, change.discriminator, random)?,
        None => renumber(connection, old, change.discriminator)?,
    };
    if let Some(avatar) = &change.avatar {
        images::set_avatar(connection, old.id, avatar.as_ref())?;
        new.avatar = avatar.as_ref().map(|image| image.hash);
    }
    Ok(new)
}

fn rename(
    connection: &Connection,
    old: &User,
    username: &Username,
    discriminator: Option<Discriminator>,
    random: u64,
) -> Result<User> {
    let renamed = |discriminator| User {
        username: username.to_string(),
        discriminator,
        ..old.clone()
    };
    let discriminator = if let Some(discriminator) = discriminator {
        discriminator
    } else {
        let parameters =
            named_params! { ":id": old.id, ":username": username.as_str(), ":key": username.key() };
        if connection.prepare_cached(RENAME)?.execute(parameters)? == 1 {
            return Ok(renamed(old.discriminator));
        }
        draw(connection, username, random)?
    };
    let parameters = named_params! {
        ":id": old.id,
        ":username": username.as_str(),
        ":key": username.key(),
        ":discriminator": discriminator,
    };
    if connection.prepare_cached(RETAG)?.execute(parameters)? == 1 {
        Ok(renamed(Some(discriminator)))
    } else {
        Err(tag_taken(username, discriminator))
    }
}

/// The name stays what it is, even one that was stored under older Unicode tables.
fn renumber(
    connection: &Connection,
    old: &User,
    discriminator: Option<Discriminator>,
) -> Result<User> {
    let Some(discriminator) = discriminator else {
        return Ok(old.clone());
    };
    let parameters = named_params! { ":id": old.id, ":discriminator": discriminator };
    if connection.prepare_cached(RENUMBER)?.execute(parameters)? == 1 {
        Ok(User {
            discriminator: Some(discriminator),
            ..old.clone()
        })
    } else {
        Err(Error::TagTaken(format!("{}#{discriminator}", old.username)))
    }
}
