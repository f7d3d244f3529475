//! Accounts in SQL: tokens, passwords, resets, registration.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, named_params};

use super::rows::{require_active, walk};
use super::users::{bury, create, find};
use super::{Sqlite, registration, terms};
use crate::accounts::{Accounts, Credentials, InstanceInvite, PasswordHash, Policy};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::etag::Precondition;
use crate::id::Id;
use crate::page::{Listing, Order, Page};
use crate::store::cached::Token;
use crate::tokens::{
    Caller, Code, FORGOTTEN, NewToken, SecretHash, Session, UNUSED_END, USE_PRECISION, is_noted,
};
use crate::users::{NewUser, Tag, User};

const NOTE_USE: &str = "UPDATE tokens SET last_used = :now WHERE id = :id";

const INSERT_TOKEN: &str = "
    INSERT INTO tokens (id, user_id, hash, name, login, last_used) VALUES (:id, :user, :hash, :name, :login, :last_used)";

const FORGET: &str =
    "DELETE FROM tokens WHERE user_id = :user AND login = 1 AND last_used <= :forgotten";

const REVOKE: &str = "DELETE FROM tokens WHERE id = :id AND user_id = :user RETURNING name";

const REVOKE_ALL: &str = "DELETE FROM tokens WHERE user_id = :user";

const CREDENTIALS: &str =
    "SELECT id, password FROM users WHERE username_key = :key AND discriminator = :discriminator";

const PASSWORD: &str = "SELECT password FROM users WHERE id = :id AND deleted = 0";

/// Changes nothing if the password was changed since it was checked.
const CHANGE_PASSWORD: &str =
    "UPDATE users SET password = :new WHERE id = :id AND password = :checked";

const SESSIONS: [&str; 2] = [
    "SELECT id, name, last_used, login FROM tokens
    WHERE user_id = :of AND id > :above AND id < :below ORDER BY id LIMIT :limit",
    "SELECT id, name, last_used, login FROM tokens
    WHERE user_id = :of AND id > :above AND id < :below ORDER BY id DESC LIMIT :limit",
];

const ISSUE_RESET: &str = "
    INSERT INTO resets (user_id, hash, expires_at) VALUES (:user, :hash, :expires_at)
    ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at";

pub(super) const RESET: &str = "SELECT user_id, expires_at FROM resets WHERE hash = :hash";

const USE_RESET: &str = "DELETE FROM resets WHERE hash = :hash RETURNING user_id, expires_at";

const DROP_RESET: &str = "DELETE FROM resets WHERE user_id = :user";

#[async_trait]
impl Accounts for Sqlite {
    async fn caller(&self, hash: SecretHash, now: Timestamp) -> Result<Caller> {
        let token = self.token(hash).await?;
        if token.has_ended(now) {
            return Err(Error::Unauthorized);
        }
        let account = self.account_or_tombstone(token.user).await?;
        if account.user.is_tombstone() {
            return Err(Error::Unauthorized);
        }
        if is_noted(token.last_used, USE_PRECISION, now) {
            let note = move |connection: &Connection| {
                connection
                    .prepare_cached(NOTE_USE)?
                    .execute(named_params! { ":id": token.id, ":now": now })?;
                Ok(())
            };
            if self.writer.run_unanswered(note) {
                // Else every request until the commit would note it, too.
                let noted = |token: &mut Token| token.last_used = Some(now);
                self.cached.tokens.amend(hash, noted);
            }
        }
        Ok(Caller {
            user: account.user,
            token: token.id,
            disabled: account.disabled,
            reason: account.reason,
        })
    }

    async fn registration(&self) -> Result<Policy> {
        self.read(registration::policy).await
    }

    async fn register(&self, new: NewUser, invite: Option<Code>, now: Timestamp) -> Result<User> {
        self.write(move |connection| {
            registration::admit(connection, invite.as_ref(), now)?;
            create(connection, &new)
        })
        .await
    }

    async fn credentials(&self, tag: Tag) -> Result<Credentials> {
        self.read(move |connection| {
            let parameters =
                named_params! { ":key": tag.username.key(), ":discriminator": tag.discriminator };
            let found = connection
                .prepare_cached(CREDENTIALS)?
                .query_row(parameters, |row| {
                    let password = row
                        .get::<_, Option<String>>(1)?
                        .map(PasswordHash::from_stored);
                    Ok(Credentials {
                        id: row.get(0)?,
                        password,
                    })
                })
                .optional()?;
            found.ok_or(Error::UnknownUser)
        })
        .await
    }

    async fn password(&self, user: Id) -> Result<Option<PasswordHash>> {
        self.read(move |connection| {
            let stored: Option<Option<String>> = connection
                .prepare_cached(PASSWORD)?
                .query_row(named_params! { ":id": user }, |row| row.get(0))
                .optional()?;
            Ok(stored
                .ok_or(Error::UnknownUser)?
                .map(PasswordHash::from_stored))
        })
        .await
    }

    async fn log_in(&self, user: Id, checked: PasswordHash, token: NewToken) -> Result<User> {
        self.write(move |connection| {
            require_checked(connection, user, &checked)?;
            if let Some(now) = token.login {
                let parameters =
                    named_params! { ":user": user, ":forgotten": now.before(FORGOTTEN) };
                connection.prepare_cached(FORGET)?.execute(parameters)?;
            }
            insert_token(connection, user, &token)?;
            find(connection, user)
        })
        .await
    }

    async fn sessions(&self, user: Id, page: Page, now: Timestamp) -> Result<Listing<Session>> {
        self.read(move |connection| sessions(connection, user, page, now))
            .await
    }

    async fn revoke(&self, user: Id, token: Id) -> Result<()> {
        self.write(move |connection| revoke(connection, user, token).map(drop))
            .await
    }

    async fn revoke_all(&self, user: Id) -> Result<()> {
        self.write(move |connection| revoke_all(connection, user).map(drop))
            .await
    }

    async fn add_token(&self, user: Id, by: Id, token: NewToken) -> Result<()> {
        self.write(move |connection| {
            require_active(connection, user)?;
            // Else a token could outlive the log-out everywhere that it was made beside.
            require_token(connection, user, by)?;
            insert_token(connection, user, &token)
        })
        .await
    }

    async fn change_password(
        &self,
        user: Id,
        checked: PasswordHash,
        new: PasswordHash,
        keep: Id,
    ) -> Result<()> {
        self.write(move |connection| {
            let parameters = named_params! { ":id": user, ":checked": checked.to_store(), ":new": new.to_store() };
            if connection.prepare_cached(CHANGE_PASSWORD)?.execute(parameters)? == 0 {
                return Err(Error::InvalidCredentials);
            }
            let sql = "DELETE FROM tokens WHERE user_id = :user AND id <> :keep";
            connection.prepare_cached(sql)?.execute(named_params! { ":user": user, ":keep": keep })?;
            // Who had the link could undo the change.
            connection.prepare_cached(DROP_RESET)?.execute(named_params! { ":user": user })?;
            Ok(())
        })
        .await
    }

    async fn delete_account(
        &self,
        user: Id,
        checked: PasswordHash,
        precondition: Precondition,
    ) -> Result<()> {
        self.write(move |connection| {
            require_checked(connection, user, &checked)?;
            let current = || find(connection, user);
            terms::matching(&precondition, current, || bury(connection, user).map(drop))
        })
        .await
    }

    async fn reset_of(&self, code: SecretHash, now: Timestamp) -> Result<User> {
        self.read(move |connection| {
            let user = reset_of(connection, RESET, code, now)?;
            find(connection, user)
        })
        .await
    }

    async fn reset_password(
        &self,
        code: SecretHash,
        new: PasswordHash,
        token: Option<NewToken>,
        now: Timestamp,
    ) -> Result<User> {
        self.write(move |connection| {
            let user = reset_of(connection, USE_RESET, code, now)?;
            require_active(connection, user)?;
            let sql = "UPDATE users SET password = :new WHERE id = :id";
            connection
                .prepare_cached(sql)?
                .execute(named_params! { ":id": user, ":new": new.to_store() })?;
            revoke_all(connection, user)?;
            if let Some(token) = &token {
                insert_token(connection, user, token)?;
            }
            find(connection, user)
        })
        .await
    }

    async fn instance_invite(&self, code: Code, now: Timestamp) -> Result<InstanceInvite> {
        self.read(move |connection| registration::good_invite(connection, &code, now))
            .await
    }

    async fn instance_invites(&self) -> Result<Vec<InstanceInvite>> {
        self.read(registration::instance_invites).await
    }
}

/// Holds what a password admits to against whether it still is the one that was checked, and the account enabled.
fn require_checked(connection: &Connection, user: Id, checked: &PasswordHash) -> Result<()> {
    let sql = "SELECT disabled, reason FROM users WHERE id = :id AND password = :checked";
    let parameters = named_params! { ":id": user, ":checked": checked.to_store() };
    let state = connection
        .prepare_cached(sql)?
        .query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match state {
        None => Err(Error::InvalidCredentials),
        Some((true, reason)) => Err(Error::AccountDisabled(reason)),
        Some((false, _)) => Ok(()),
    }
}

/// The account of a reset code that is good, by a query that looks or one that uses it up.
fn reset_of(connection: &Connection, sql: &str, code: SecretHash, now: Timestamp) -> Result<Id> {
    let reset: Option<(Id, Timestamp)> = connection
        .prepare_cached(sql)?
        .query_row(named_params! { ":hash": code }, |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    match reset {
        Some((user, expires_at)) if expires_at > now => Ok(user),
        _ => Err(Error::InvalidCredentials),
    }
}

/// Holds what a token admitted to against whether it still is there.
fn require_token(connection: &Connection, user: Id, token: Id) -> Result<()> {
    let sql = "SELECT EXISTS (SELECT 1 FROM tokens WHERE id = :id AND user_id = :user)";
    let stands: bool = connection
        .prepare_cached(sql)?
        .query_row(named_params! { ":id": token, ":user": user }, |row| {
            row.get(0)
        })?;
    if stands {
        Ok(())
    } else {
        Err(Error::Unauthorized)
    }
}

/// A page of an account's tokens that have not ended.
pub(super) fn sessions(
    connection: &Connection,
    user: Id,
    page: Page,
    now: Timestamp,
) -> Result<Listing<Session>> {
    let ended = now.before(UNUSED_END);
    let found = walk(
        connection,
        SESSIONS,
        user,
        page.keyset(Order::Ascending),
        |row| {
            let session = Session {
                id: row.get(0)?,
                name: row.get(1)?,
                last_used: row.get(2)?,
            };
            Ok((session, row.get::<_, bool>(3)?))
        },
    )?;
    let Listing { items, next } = page.listing(found, Order::Ascending, |(session, _)| session.id);
    let alive = |(session, login): &(Session, bool)| {
        !login || session.last_used.is_some_and(|used| used > ended)
    };
    Ok(Listing {
        items: items
            .into_iter()
            .filter(alive)
            .map(|(session, _)| session)
            .collect(),
        next,
    })
}

/// Stores a one-time reset code; an earlier one of the account is void.
pub(super) fn insert_reset(
    connection: &Connection,
    user: Id,
    code: SecretHash,
    expires_at: Timestamp,
) -> Result<()> {
    let parameters = named_params! { ":user": user, ":hash": code, ":expires_at": expires_at };
    connection
        .prepare_cached(ISSUE_RESET)?
        .execute(parameters)?;
    Ok(())
}

/// Revokes one of an account's tokens and tells what it was called.
pub(super) fn revoke(connection: &Connection, user: Id, token: Id) -> Result<String> {
    let name = connection
        .prepare_cached(REVOKE)?
        .query_row(named_params! { ":id": token, ":user": user }, |row| {
            row.get(0)
        })
        .optional()?;
    name.ok_or(Error::NotFound)
}

/// Revokes all of an account's tokens and tells how many they were.
pub(super) fn revoke_all(connection: &Connection, user: Id) -> Result<usize> {
    Ok(connection
        .prepare_cached(REVOKE_ALL)?
        .execute(named_params! { ":user": user })?)
}

/// Stores a token of an account.
pub(super) fn insert_token(connection: &Connection, user: Id, token: &NewToken) -> Result<()> {
    connection
        .prepare_cached(INSERT_TOKEN)?
        .execute(named_params! {
            ":id": token.id,
            ":user": user,
            ":hash": token.hash,
            ":name": token.label.0,
            ":login": token.login.is_some(),
            ":last_used": token.login,
        })?;
    Ok(())
}

/// Drops what could still admit a deleted account.
pub(super) fn forget(connection: &Connection, user: Id) -> Result<()> {
    revoke_all(connection, user)?;
    connection
        .prepare_cached(DROP_RESET)?
        .execute(named_params! { ":user": user })?;
    Ok(())
}
