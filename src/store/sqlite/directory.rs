//! What an admin looks through, in SQL.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::rows::{user, user_columns, walk};
use super::users::{account_of, find};
use crate::communities::Community;
use crate::directory::{Communities, Found, NameRange, Next, Position, UserFilter, Users, Way};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{Keyset, Listing, Order, Page};
use crate::users::{Account, Flag};
use crate::views::{
    AccountDetails, ChannelView, Counts, Database, FullName, Made, Member, Participant, Statistics,
};

const ONE_COMMUNITY: &str =
    "SELECT id, name, icon, owner_id, name_key FROM communities WHERE id = :id";

pub(super) const COMMUNITIES_BY_ID: [&str; 2] = [
    "SELECT id, name, icon, owner_id, name_key FROM communities WHERE id > :above AND id < :below ORDER BY id LIMIT :limit",
    "SELECT id, name, icon, owner_id, name_key FROM communities WHERE id > :above AND id < :below ORDER BY id DESC LIMIT :limit",
];

/// Any number can have the same name, and `(name_key, id) > (:above, :above_number)` looks through all of them: SQLite leaves a
/// rowid out of the range that it reads for a row of values.
pub(super) const COMMUNITIES_BY_NAME: &str = "
    SELECT id, name, icon, owner_id, name_key FROM communities
    WHERE name_key = :above AND id > :above_number AND (name_key, id) < (:below, :below_number)
    UNION ALL
    SELECT id, name, icon, owner_id, name_key FROM communities
    WHERE name_key > :above AND (name_key, id) < (:below, :below_number)
    ORDER BY name_key, id LIMIT :limit";

pub(super) const MEMBERS: [&str; 2] = [
    concat!(
        "SELECT ",
        user_columns!(),
        ", m.since FROM members AS m JOIN users AS u ON u.id = m.user_id
        WHERE m.community_id = :of AND m.user_id > :above AND m.user_id < :below ORDER BY m.user_id LIMIT :limit"
    ),
    concat!(
        "SELECT ",
        user_columns!(),
        ", m.since FROM members AS m JOIN users AS u ON u.id = m.user_id
        WHERE m.community_id = :of AND m.user_id > :above AND m.user_id < :below ORDER BY m.user_id DESC LIMIT :limit"
    ),
];

const CHANNEL: &str = "SELECT id, type, name, owner_id FROM channels WHERE id = :id";

/// The hidden ones and the shown ones are a range of an index each, merged in order.
pub(super) const CHANNELS_OF: [&str; 2] = [
    "SELECT channel_id FROM participants
    WHERE user_id = :of AND hidden = 0 AND channel_id > :above AND channel_id < :below
    UNION ALL
    SELECT channel_id FROM participants
    WHERE user_id = :of AND hidden = 1 AND channel_id > :above AND channel_id < :below
    ORDER BY channel_id LIMIT :limit",
    "SELECT channel_id FROM participants
    WHERE user_id = :of AND hidden = 0 AND channel_id > :above AND channel_id < :below
    UNION ALL
    SELECT channel_id FROM participants
    WHERE user_id = :of AND hidden = 1 AND channel_id > :above AND channel_id < :below
    ORDER BY channel_id DESC LIMIT :limit",
];

pub(super) const PARTICIPANTS: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", p.since, p.hidden FROM participants AS p JOIN users AS u ON u.id = p.user_id
    WHERE p.channel_id = :channel ORDER BY p.user_id"
);

pub(super) const FULLEST_NAMES: &str = "
    SELECT (SELECT username FROM users WHERE username_key = s.username_key ORDER BY discriminator LIMIT 1), s.holders
    FROM shared_names AS s ORDER BY s.holders DESC, s.username_key LIMIT 50";

const DETAILS: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", u.disabled, u.reason, u.password IS NOT NULL FROM users AS u WHERE u.id = :id"
);

/// The columns of an account, and the key that it stands under in a list by name.
const ACCOUNT: &str = concat!(user_columns!(), ", u.disabled, u.reason, u.username_key");

/// What a filter demands, and the indexes that hold those rows by id and by tag. They are named: the planner might think the
/// table itself good enough, and read ten million rows for a page of bots.
fn filtered(filter: UserFilter) -> (&'static str, &'static str, &'static str) {
    match filter {
        UserFilter::Alive => ("u.username IS NOT NULL", "users_alive", "users_by_tag"),
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
        UserFilter::Deleted => ("u.username IS NULL", "users_deleted", "users_by_tag"),
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
    let (condition, ..) = filtered(filter);
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
    let found = match &search.way {
        Way::One(id) => one(connection, &user_by_id(search.filter), *id, read)?,
        Way::ById(page, order) => {
            let keyset = page.keyset(*order);
            let sql = users_by_id(search.filter, keyset.ascending);
            let rows = by_id(connection, &sql, keyset, read)?;
            ided(page.listing(rows, *order, |(account, _)| account.user.id))
        }
        // A tombstone has no name; to look for one would take a walk through everybody whose name begins so.
        Way::ByName(_) if search.filter == UserFilter::Deleted => Listing {
            items: Vec::new(),
            next: None,
        },
        Way::ByName(range) => by_name(
            connection,
            &users_by_name(search.filter),
            range,
            read,
            position,
        )?,
    };
    Ok(plain(found))
}

/// A page of communities found.
pub(super) fn communities(
    connection: &Connection,
    search: &Communities,
) -> Result<Found<Community>> {
    let read = |row: &Row<'_>| Ok((super::communities::community(row, 0)?, row.get(4)?));
    let position = |(community, key): &(Community, String)| Position {
        key: key.clone(),
        number: community.id.bits(),
    };
    let found = match &search.way {
        Way::One(id) => one(connection, ONE_COMMUNITY, *id, read)?,
        Way::ById(page, order) => {
            let keyset = page.keyset(*order);
            let [ascending, descending] = COMMUNITIES_BY_ID;
            let sql = if keyset.ascending {
                ascending
            } else {
                descending
            };
            let rows = by_id(connection, sql, keyset, read)?;
            ided(page.listing(rows, *order, |(community, _)| community.id))
        }
        Way::ByName(range) => by_name(connection, COMMUNITIES_BY_NAME, range, read, position)?,
    };
    Ok(plain(found))
}

fn one<T>(
    connection: &Connection,
    sql: &str,
    id: Id,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Found<T>> {
    let row = connection
        .prepare_cached(sql)?
        .query_row(named_params! { ":id": id }, read)
        .optional()?;
    Ok(Listing {
        items: row.into_iter().collect(),
        next: None,
    })
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

/// An account, or a tombstone, with what only admins see.
pub(super) fn account(connection: &Connection, id: Id) -> Result<AccountDetails> {
    let details = connection
        .prepare_cached(DETAILS)?
        .query_row(named_params! { ":id": id }, |row| {
            Ok(AccountDetails {
                account: account_of(row)?,
                password: row.get(7)?,
                made: Made::from(id),
            })
        })
        .optional()?;
    details.ok_or(Error::UnknownUser)
}

/// A community, whoever asks.
pub(super) fn community(connection: &Connection, id: Id) -> Result<Community> {
    let found = connection
        .prepare_cached(ONE_COMMUNITY)?
        .query_row(named_params! { ":id": id }, |row| {
            super::communities::community(row, 0)
        })
        .optional()?;
    found.ok_or(Error::UnknownCommunity)
}

/// A page of a community's members.
pub(super) fn members(connection: &Connection, id: Id, page: Page) -> Result<Listing<Member>> {
    community(connection, id)?;
    let keyset = page.keyset(Order::Ascending);
    let found = walk(connection, MEMBERS, id, keyset, |row| {
        Ok(Member {
            user: user(row, 0)?,
            since: row.get::<_, Id>(5)?.time(),
        })
    })?;
    Ok(page.listing(found, Order::Ascending, |member| member.user.id))
}

/// A page of somebody's channels, the hidden ones among them.
pub(super) fn channels(
    connection: &Connection,
    of: Id,
    page: Page,
) -> Result<Listing<ChannelView>> {
    find(connection, of)?;
    let keyset = page.keyset(Order::Newest);
    let ids: Vec<Id> = walk(connection, CHANNELS_OF, of, keyset, |row| row.get(0))?;
    let Listing { items, next } = page.listing(ids, Order::Newest, |id| *id);
    let items = items.into_iter().map(|id| channel(connection, id));
    Ok(Listing {
        items: items.collect::<Result<_>>()?,
        next,
    })
}

/// A channel and who is in it.
pub(super) fn channel(connection: &Connection, id: Id) -> Result<ChannelView> {
    let channel = connection
        .prepare_cached(CHANNEL)?
        .query_row(named_params! { ":id": id }, |row| {
            Ok(ChannelView {
                id: row.get(0)?,
                kind: row.get(1)?,
                name: row.get(2)?,
                owner_id: row.get(3)?,
                participants: Vec::new(),
            })
        })
        .optional()?;
    let mut channel = channel.ok_or(Error::UnknownChannel)?;
    let mut statement = connection.prepare_cached(PARTICIPANTS)?;
    let participants = statement.query_map(named_params! { ":channel": id }, |row| {
        Ok(Participant {
            user: user(row, 0)?,
            since: row.get::<_, Id>(5)?.time(),
            hidden: row.get(6)?,
        })
    })?;
    channel.participants = participants.collect::<rusqlite::Result<_>>()?;
    Ok(channel)
}

/// The names that most people have.
pub(super) fn fullest_names(connection: &Connection) -> Result<Vec<FullName>> {
    let mut statement = connection.prepare_cached(FULLEST_NAMES)?;
    let names = statement.query_map([], |row| {
        Ok(FullName {
            username: row.get(0)?,
            holders: row.get(1)?,
        })
    })?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// How much there is of everything, and how the file does.
pub(super) fn statistics(
    connection: &Connection,
    path: &Path,
    batches: Vec<usize>,
) -> Result<Statistics> {
    let counts = connection
        .prepare_cached("SELECT users, bots, communities, dms, groups FROM counts")?
        .query_row([], |row| {
            Ok(Counts {
                users: row.get(0)?,
                bots: row.get(1)?,
                communities: row.get(2)?,
                dms: row.get(3)?,
                groups: row.get(4)?,
            })
        })?;
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let database = Database {
        bytes: size(path),
        wal_bytes: size(Path::new(&wal)),
        batches,
    };
    Ok(Statistics { counts, database })
}
