//! What admins see, in SQL.

use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, named_params};

use super::rows::{user, user_columns, walk};
use super::users::{account_of, find};
use crate::communities::Community;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{Listing, Order, Page};
use crate::views::{
    AccountDetails, ChannelView, Counts, Database, FullName, Made, Member, Participant, Statistics,
};

const ONE_COMMUNITY: &str = "SELECT id, name, icon, owner_id FROM communities WHERE id = :id";

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
    let size = |path: &Path| match std::fs::metadata(path) {
        Ok(file) => Ok(file.len()),
        // Without a write since the last start there is no log.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Error::Internal(format!("{}: {error}", path.display()))),
    };
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let database = Database {
        bytes: size(path)?,
        wal_bytes: size(Path::new(&wal))?,
        batches,
    };
    Ok(Statistics { counts, database })
}
