//! Blocks in SQL.

use async_trait::async_trait;
use rusqlite::{Connection, named_params};

use super::Sqlite;
use super::rows::{require_active, require_user, user, user_columns, walk};
use crate::blocks::Blocks;
use crate::error::Result;
use crate::id::Id;
use crate::page::{Listing, Order, Page};
use crate::users::User;

pub(super) const BLOCKS: [&str; 2] = [
    concat!(
        "SELECT ",
        user_columns!(),
        " FROM blocks AS b JOIN users AS u ON u.id = b.blocked_id
        WHERE b.user_id = :of AND b.blocked_id > :above AND b.blocked_id < :below ORDER BY b.blocked_id LIMIT :limit"
    ),
    concat!(
        "SELECT ",
        user_columns!(),
        " FROM blocks AS b JOIN users AS u ON u.id = b.blocked_id
        WHERE b.user_id = :of AND b.blocked_id > :above AND b.blocked_id < :below ORDER BY b.blocked_id DESC LIMIT :limit"
    ),
];

pub(super) const BLOCKED: &str =
    "SELECT EXISTS (SELECT 1 FROM blocks WHERE user_id = :user AND blocked_id = :blocked)";

const BLOCK: &str = "
    INSERT INTO blocks (user_id, blocked_id) VALUES (:user, :blocked)
    ON CONFLICT (user_id, blocked_id) DO NOTHING";

const UNBLOCK: &str = "DELETE FROM blocks WHERE user_id = :user AND blocked_id = :blocked";

pub(super) const FORGET: [&str; 2] = [
    "DELETE FROM blocks WHERE user_id = :user",
    "DELETE FROM blocks WHERE blocked_id = :user",
];

#[async_trait]
impl Blocks for Sqlite {
    async fn blocks(&self, requester: Id, page: Page) -> Result<Listing<User>> {
        self.read(move |connection| {
            let keyset = page.keyset(Order::Ascending);
            let found = walk(connection, BLOCKS, requester, keyset, |row| user(row, 0))?;
            Ok(page.listing(found, Order::Ascending, |user| user.id))
        })
        .await
    }

    async fn has_blocked(&self, requester: Id, user: Id) -> Result<bool> {
        self.read(move |connection| blocked(connection, requester, user))
            .await
    }

    async fn block(&self, requester: Id, user: Id) -> Result<()> {
        self.write(move |connection| {
            require_active(connection, requester)?;
            require_user(connection, user)?;
            connection
                .prepare_cached(BLOCK)?
                .execute(named_params! { ":user": requester, ":blocked": user })?;
            Ok(())
        })
        .await
    }

    async fn unblock(&self, requester: Id, user: Id) -> Result<()> {
        self.write(move |connection| {
            require_active(connection, requester)?;
            connection
                .prepare_cached(UNBLOCK)?
                .execute(named_params! { ":user": requester, ":blocked": user })?;
            Ok(())
        })
        .await
    }
}

/// Whether `user` has blocked the other one.
pub(super) fn blocked(connection: &Connection, user: Id, other: Id) -> Result<bool> {
    Ok(connection
        .prepare_cached(BLOCKED)?
        .query_row(named_params! { ":user": user, ":blocked": other }, |row| {
            row.get(0)
        })?)
}

/// Drops the blocks of and against a deleted account.
pub(super) fn forget(connection: &Connection, user: Id) -> Result<()> {
    for sql in FORGET {
        connection
            .prepare_cached(sql)?
            .execute(named_params! { ":user": user })?;
    }
    Ok(())
}
