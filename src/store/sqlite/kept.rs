//! The reads that most requests begin with, from memory where it has the rows.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::Sqlite;
use super::rows::user_columns;
use super::users::account_of;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::store::cached::Token;
use crate::tokens::SecretHash;
use crate::users::Account;

pub(super) const TOKEN: &str =
    "SELECT id, user_id, login, last_used FROM tokens WHERE hash = :hash";

pub(super) const ACCOUNT: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", u.disabled, u.reason FROM users AS u WHERE u.id = :id"
);

impl Sqlite {
    /// What is known of a token.
    pub(super) async fn token(&self, hash: SecretHash) -> Result<Token> {
        if let Some(token) = self.cached.tokens.get(&hash) {
            return Ok(token);
        }
        let stamps = self.cached.stamps.clone();
        let read = move |connection: &Connection| {
            // Only the row tells which one it is: so it is read, and read again under its stamp.
            let stamp = stamps.of(token(connection, hash)?.id);
            Ok((stamp, token(connection, hash)?))
        };
        let (stamp, token) = self.read_at_once(read).await?;
        self.cached.tokens.keep(hash, stamp, token.clone());
        Ok(token)
    }

    /// The account or tombstone with this id.
    pub(super) async fn account_or_tombstone(&self, id: Id) -> Result<Account> {
        let read = self.read_at_once(move |connection| account_or_tombstone(connection, id));
        self.keeping(id, read).await
    }

    /// The same, by this read where it is not kept.
    async fn keeping(
        &self,
        id: Id,
        read: impl Future<Output = Result<Account>>,
    ) -> Result<Account> {
        if let Some(account) = self.cached.accounts.get(&id) {
            return Ok(account);
        }
        let stamp = self.cached.stamps.of(id);
        let account = read.await?;
        self.cached.accounts.keep(id, stamp, account.clone());
        Ok(account)
    }
}

fn token(connection: &Connection, hash: SecretHash) -> Result<Token> {
    let token = connection
        .prepare_cached(TOKEN)?
        .query_row(named_params! { ":hash": hash }, |row| {
            Ok(Token {
                id: row.get(0)?,
                user: row.get(1)?,
                login: row.get(2)?,
                last_used: row.get(3)?,
            })
        })
        .optional()?;
    token.ok_or(Error::Unauthorized)
}

fn account_or_tombstone(connection: &Connection, id: Id) -> Result<Account> {
    let account = connection
        .prepare_cached(ACCOUNT)?
        .query_row(named_params! { ":id": id }, account_of)
        .optional()?;
    account.ok_or(Error::UnknownUser)
}
