//! What an admin looks through, in SQL.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::rows::{user, user_columns};
use super::users::account_of;
use crate::directory::{Communities, Found, NameRange, Next, Position, UserFilter, Users, Way};
use crate::error::Result;
use crate::id::Id;
use crate::page::{Keyset, Listing};
use crate::users::{Account, Flag};
use crate::views::OwnedCommunity;

/// Communities with their owners, and the key that each stands under in a list by name. CROSS JOIN has SQLite begin with the
/// communities, whose order it is.
macro_rules! owned_communities {
    () => {
        concat!(
            "SELECT c.id, c.name, c.icon, c.owner_id, ",
            user_columns!(),
            ", c.name_key FROM communities AS c CROSS JOIN users AS u ON u.id = c.owner_id"
        )
    };
}

const COMMUNITY_BY_ID: &str = concat!(owned_communities!(), " WHERE c.id = :id");

pub(super) const COMMUNITIES_BY_ID: [&str; 2] = [
    concat!(
        owned_communities!(),
        " WHERE c.id > :above AND c.id < :below ORDER BY c.id LIMIT :limit"
    ),
    concat!(
        owned_communities!(),
        " WHERE c.id > :above AND c.id < :below ORDER BY c.id DESC LIMIT :limit"
    ),
];

/// Any number can have the same name, and `(name_key, id) > (:above, :above_number)` looks through all of them: SQLite leaves a
/// rowid out of the range that it reads for a row of values. In the order of the key, which is column 10, and the id.
pub(super) const COMMUNITIES_BY_NAME: &str = concat!(
    owned_communities!(),
    " WHERE c.name_key = :above AND c.id > :above_number AND (c.name_key, c.id) < (:below, :below_number)
    UNION ALL ",
    owned_communities!(),
    " WHERE c.name_key > :above AND (c.name_key, c.id) < (:below, :below_number)
    ORDER BY 10, 1 LIMIT :limit"
);

/// The columns of an account, and the key that it stands under in a list by name.
const ACCOUNT: &str = concat!(user_columns!(), ", u.disabled, u.reason, u.username_key");

/// What a filter demands, and the indexes that hold those rows by id and by tag. They are named: the planner might think the
/// table itself good enough, and read ten million rows for a page of bots.
fn filtered(filter: UserFilter) -> (&'static str, &'static str, &'static str) {
    match filter {
        UserFilter::Alive => ("u.deleted = 0", "users_alive", "users_by_tag"),
        UserFilter::Flag(Flag::Developer) => (
            "u.flags & (1 << 1) <> 0",
            "users_developers",
            "users_developers_by_tag",
        ),
        UserFilter::Flag(Flag::Bot) => (
            "u.flags & (1 << 10) <> 0",
            "users_bots",
            "users_bots_by_tag",
        ),
        UserFilter::Flag(Flag::System) => (
            "u.flags & (1 << 11) <> 0",
            "users_system",
            "users_system_by_tag",
        ),
        UserFilter::Disabled => ("u.disabled = 1", "users_disabled", "users_disabled_by_tag"),
        UserFilter::Deleted => ("u.deleted = 1", "users_deleted", "users_by_tag"),
    }
}

pub(super) fn users_by_id(filter: UserFilter, ascending: bool) -> String {
    let (condition, index, _) = filtered(filter);
    let direction = if ascending { "" } else { "DESC" };
    format!(
        "SELECT {ACCOUNT} FROM users AS u INDEXED BY {index}
        WHERE {condition} AND u.id > :above AND u.id < :below ORDER BY u.id {direction} LIMIT :limit"
    )
}

pub(super) fn users_by_name(filter: UserFilter) -> String {
    let (condition, _, index) = filtered(filter);
    format!(
        "SELECT {ACCOUNT} FROM users AS u INDEXED BY {index}
        WHERE {condition} AND u.username_key IS NOT NULL
            AND (u.username_key, u.discriminator) > (:above, :above_number)
            AND (u.username_key, u.discriminator) < (:below, :below_number)
        ORDER BY u.username_key, u.discriminator LIMIT :limit"
    )
}

fn user_by_id(filter: UserFilter) -> String {
    let (condition, ..) = match filter {
        UserFilter::Alive => ("true", "", ""),
        other => filtered(other),
    };
    format!("SELECT {ACCOUNT} FROM users AS u WHERE u.id = :id AND {condition}")
}

/// A page of accounts found.
pub(super) fn users(connection: &Connection, search: &Users) -> Result<Found<Account>> {
    let read = |row: &Row<'_>| Ok((account_of(row)?, row.get(7)?));
    let position = |(account, key): &(Account, Option<String>)| Position {
        key: key.clone().unwrap_or_default(),
        number: account
            .user
            .discriminator
            .map_or(0, |discriminator| discriminator.number().into()),
    };
    let named = |range| match search.filter {
        // A tombstone has no name; to look for one would take a walk through everybody whose name begins so.
        UserFilter::Deleted => Ok(Listing {
            items: Vec::new(),
            next: None,
        }),
        filter => by_name(connection, &users_by_name(filter), range, read, position),
    };
    let found = match &search.way {
        Way::ById(page, order) => {
            let keyset = page.keyset(*order);
            let sql = users_by_id(search.filter, keyset.ascending);
            let rows = by_id(connection, &sql, keyset, read)?;
            ided(page.listing(rows, *order, |(account, _)| account.user.id))
        }
        Way::ByName(range) => named(range)?,
        Way::IdOrName(id, range) => {
            let sql = user_by_id(search.filter);
            one(connection, &sql, *id, read)?.map_or_else(|| named(range), Ok)?
        }
    };
    Ok(plain(found))
}

/// A page of communities found.
pub(super) fn communities(
    connection: &Connection,
    search: &Communities,
) -> Result<Found<OwnedCommunity>> {
    let read = |row: &Row<'_>| {
        let owned = OwnedCommunity {
            community: super::communities::community(row, 0)?,
            owner: user(row, 4)?,
        };
        Ok((owned, row.get(9)?))
    };
    let position = |(owned, key): &(OwnedCommunity, String)| Position {
        key: key.clone(),
        number: owned.community.id.bits(),
    };
    let named = |range| by_name(connection, COMMUNITIES_BY_NAME, range, read, position);
    let found = match &search.way {
        Way::ById(page, order) => {
            let keyset = page.keyset(*order);
            let [ascending, descending] = COMMUNITIES_BY_ID;
            let sql = if keyset.ascending {
                ascending
            } else {
                descending
            };
            let rows = by_id(connection, sql, keyset, read)?;
            ided(page.listing(rows, *order, |(owned, _)| owned.community.id))
        }
        Way::ByName(range) => named(range)?,
        Way::IdOrName(id, range) => {
            one(connection, COMMUNITY_BY_ID, *id, read)?.map_or_else(|| named(range), Ok)?
        }
    };
    Ok(plain(found))
}

fn one<T>(
    connection: &Connection,
    sql: &str,
    id: Id,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<Found<T>>> {
    let row = connection
        .prepare_cached(sql)?
        .query_row(named_params! { ":id": id }, read)
        .optional()?;
    Ok(row.map(|row| Listing {
        items: vec![row],
        next: None,
    }))
}

fn by_id<T>(
    connection: &Connection,
    sql: &str,
    keyset: Keyset,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let parameters =
        named_params! { ":above": keyset.above, ":below": keyset.below, ":limit": keyset.limit };
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(parameters, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn by_name<T>(
    connection: &Connection,
    sql: &str,
    range: &NameRange,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    position: impl Fn(&T) -> Position,
) -> Result<Found<T>> {
    let limit = usize::from(range.limit);
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(
        named_params! {
            ":above": range.above.key,
            ":above_number": range.above.number,
            ":below": range.below.key,
            ":below_number": range.below.number,
            // One more than the page holds, to learn whether there is a further one.
            ":limit": u32::from(range.limit) + 1,
        },
        read,
    )?;
    let mut items = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let further = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| further).map(position);
    Ok(Listing {
        items,
        next: next.map(Next::Name),
    })
}

fn ided<T>(listing: Listing<T>) -> Found<T> {
    Listing {
        items: listing.items,
        next: listing.next.map(Next::Id),
    }
}

/// Without the keys that the list was ordered by.
fn plain<T, K>(found: Found<(T, K)>) -> Found<T> {
    Listing {
        items: found.items.into_iter().map(|(item, _)| item).collect(),
        next: found.next,
    }
}
