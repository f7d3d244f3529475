//! The reads that most requests begin with, from memory where it has the rows.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::Sqlite;
use super::channels::dm_by_pair;
use super::communities::community;
use super::rows::user_columns;
use super::users::account_of;
use crate::channels::DmPair;
use crate::communities::Community;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::store::cached::{Dm, Token};
use crate::store::stamps::Subject;
use crate::tokens::SecretHash;
use crate::users::Account;

pub(super) const TOKEN: &str =
    "SELECT id, user_id, login, last_used FROM tokens WHERE hash = :hash";

pub(super) const ACCOUNT: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", u.disabled, u.reason FROM users AS u WHERE u.id = :id"
);

pub(super) const COMMUNITY: &str =
    "SELECT id, name, icon, owner_id FROM communities WHERE id = :id";

impl Sqlite {
    /// What is known of a token.
    pub(super) async fn token(&self, hash: SecretHash) -> Result<Token> {
        let tokens = &self.cached.tokens;
        if let Some(token) = tokens.get(&hash) {
            return Ok(token);
        }
        // Only the row tells which one it is: so it is read, and read again under its stamp. Each read has a moment of its own: in
        // one transaction the second would see what the first saw, whatever the stamp.
        let read = || self.read_at_once(move |connection| token(connection, hash));
        let id = read().await?.id;
        tokens.keeping(hash, Subject::Row(id), read()).await
    }

    /// The account or tombstone with this id.
    pub(super) async fn account_or_tombstone(&self, id: Id) -> Result<Account> {
        let accounts = &self.cached.accounts;
        if let Some(account) = accounts.get(&id) {
            return Ok(account);
        }
        let read = self.read_at_once(move |connection| account_or_tombstone(connection, id));
        accounts.keeping(id, Subject::Row(id), read).await
    }

    /// The community with this id, whoever is in it.
    pub(super) async fn any_community(&self, id: Id) -> Result<Community> {
        let communities = &self.cached.communities;
        if let Some(community) = communities.get(&id) {
            return Ok(community);
        }
        let read = self.read_at_once(move |connection| any_community(connection, id));
        communities.keeping(id, Subject::Row(id), read).await
    }

    /// The pair's DM, if they have one that both are shown.
    pub(super) async fn standing_dm(&self, pair: DmPair) -> Result<Option<Id>> {
        let dms = &self.cached.dms;
        if let Some(dm) = dms.get(&pair) {
            return Ok(Some(dm.id));
        }
        let lower = pair.lower();
        let read = self.read_at_once(move |connection| match dm_by_pair(connection, pair)? {
            Some((id, true)) => Ok(Dm { id, lower }),
            _ => Err(Error::UnknownChannel),
        });
        match dms.keeping(pair, Subject::Whereabouts(lower), read).await {
            Ok(dm) => Ok(Some(dm.id)),
            Err(Error::UnknownChannel) => Ok(None),
            Err(error) => Err(error),
        }
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

fn any_community(connection: &Connection, id: Id) -> Result<Community> {
    let found = connection
        .prepare_cached(COMMUNITY)?
        .query_row(named_params! { ":id": id }, |row| community(row, 0))
        .optional()?;
    found.ok_or(Error::UnknownCommunity)
}

fn account_or_tombstone(connection: &Connection, id: Id) -> Result<Account> {
    let account = connection
        .prepare_cached(ACCOUNT)?
        .query_row(named_params! { ":id": id }, account_of)
        .optional()?;
    account.ok_or(Error::UnknownUser)
}

#[cfg(test)]
mod tests;
