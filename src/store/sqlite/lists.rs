//! Pages of where somebody is: their channels with who is in them, and their communities. They are kept in memory as they are answered
//! with, because making one anew takes a look at each row that it shows.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, named_params};

use super::Sqlite;
use super::rows::walk;
use crate::channels::{Channel, Kind};
use crate::error::{Error, Problem, Result};
use crate::id::Id;
use crate::page::{Listing, Order, Page, Written};
use crate::store::cached::{Answer, List};
use crate::store::stamps::Subject;

/// Of a DM, nothing but its entry in one index is read.
pub(super) const CHANNELS: [&str; 2] = [
    "SELECT channel_id, other_id FROM participants
    WHERE user_id = :of AND hidden = 0 AND channel_id > :above AND channel_id < :below
    ORDER BY channel_id LIMIT :limit",
    "SELECT channel_id, other_id FROM participants
    WHERE user_id = :of AND hidden = 0 AND channel_id > :above AND channel_id < :below
    ORDER BY channel_id DESC LIMIT :limit",
];

/// A group's own columns, and the ids of all but one of its people.
pub(super) const GROUP_AND_RECIPIENTS: &str = "
    SELECT name, owner_id, (SELECT group_concat(user_id) FROM participants WHERE channel_id = c.id AND user_id <> :user)
    FROM channels AS c WHERE id = :channel";

pub(super) const COMMUNITY_IDS: [&str; 2] = [
    "SELECT community_id FROM members WHERE user_id = :of AND community_id > :above AND community_id < :below
    ORDER BY community_id LIMIT :limit",
    "SELECT community_id FROM members WHERE user_id = :of AND community_id > :above AND community_id < :below
    ORDER BY community_id DESC LIMIT :limit",
];

/// A channel as one of its people sees it, with the ids of the others.
pub(super) struct Entry {
    id: Id,
    kind: Kind,
    /// Ascending.
    recipients: Vec<Id>,
}

impl Sqlite {
    /// A page of somebody's channels.
    pub(super) async fn channel_page(&self, of: Id, page: Page) -> Result<Written> {
        let (answers, key) = (&self.cached.answers, (List::Channels, of, page));
        if let Some(answer) = answers.get(&key) {
            return Ok(answer.written);
        }
        let read = async {
            let found = self.read_page(page, move |connection| {
                let keyset = page.keyset(Order::Newest);
                let found = walk(connection, CHANNELS, of, keyset, |row| {
                    entry(connection, of, row)
                })?;
                Ok(page.listing(found, Order::Newest, |entry| entry.id))
            });
            let Listing { items, next } = found.await?;
            let people = items.iter().flat_map(|entry| &entry.recipients);
            let shows = self.cached.stamps.of_rows(people);
            let mut channels = Vec::with_capacity(items.len());
            for entry in items {
                channels.push(self.with_recipients(entry).await?);
            }
            let written = Written::of(&channels, next)?;
            Ok(Answer { of, shows, written })
        };
        let answer = answers.keeping(key, Subject::Whereabouts(of), read);
        Ok(answer.await?.written)
    }

    /// A page of the communities that somebody is in.
    pub(super) async fn community_page(&self, of: Id, page: Page) -> Result<Written> {
        let (answers, key) = (&self.cached.answers, (List::Communities, of, page));
        if let Some(answer) = answers.get(&key) {
            return Ok(answer.written);
        }
        let read = async {
            let found = self.read_page(page, move |connection| {
                let keyset = page.keyset(Order::Ascending);
                let found = walk(connection, COMMUNITY_IDS, of, keyset, |row| row.get(0))?;
                Ok(page.listing(found, Order::Ascending, |id| *id))
            });
            let Listing { items, next } = found.await?;
            let shows = self.cached.stamps.of_rows(&items);
            let mut communities = Vec::with_capacity(items.len());
            for id in items {
                match self.any_community(id).await {
                    // It was deleted since the page was read.
                    Err(Error::UnknownCommunity) => {}
                    community => communities.push(community?),
                }
            }
            let written = Written::of(&communities, next)?;
            Ok(Answer { of, shows, written })
        };
        let answer = answers.keeping(key, Subject::Whereabouts(of), read);
        Ok(answer.await?.written)
    }

    /// A channel with the recipients as they are now.
    pub(super) async fn with_recipients(&self, entry: Entry) -> Result<Channel> {
        let mut recipients = Vec::with_capacity(entry.recipients.len());
        for person in entry.recipients {
            recipients.push(self.account_or_tombstone(person).await?.user);
        }
        Ok(Channel {
            id: entry.id,
            kind: entry.kind,
            recipients,
        })
    }
}

/// A channel that `user` takes part in, out of what tells which it is. A group is read while that statement still runs: so all are as
/// they were at one moment.
pub(super) fn entry(connection: &Connection, user: Id, row: &Row<'_>) -> rusqlite::Result<Entry> {
    let id = row.get(0)?;
    if let Some(other) = row.get(1)? {
        return Ok(Entry {
            id,
            kind: Kind::Dm,
            recipients: vec![other],
        });
    }
    connection.prepare_cached(GROUP_AND_RECIPIENTS)?.query_row(
        named_params! { ":channel": id, ":user": user },
        |row| {
            let (name, owner_id) = (row.get(0)?, row.get(1)?);
            Ok(Entry {
                id,
                kind: Kind::Group { name, owner_id },
                recipients: ids(row.get_ref(2)?)?,
            })
        },
    )
}

/// Ascending, out of what `group_concat` makes of them.
fn ids(listed: ValueRef<'_>) -> rusqlite::Result<Vec<Id>> {
    let Some(listed) = listed.as_str_or_null()? else {
        return Ok(Vec::new());
    };
    let ids: Result<Vec<Id>, Problem> = listed.split(',').map(str::parse).collect();
    let mut ids = ids.map_err(|_| rusqlite::Error::InvalidQuery)?;
    ids.sort_unstable();
    Ok(ids)
}
