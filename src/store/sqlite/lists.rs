//! Where somebody is: their channels with who is in them, and their communities. Pages are kept in memory as they are answered with,
//! because making one anew takes a look at each row that it shows.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, named_params};
use serde::Serialize;

use super::Sqlite;
use super::rows::walk;
use crate::channels::{Channel, Kind};
use crate::error::{Error, Problem, Result};
use crate::id::Id;
use crate::page::{Listing, Order, Page, WrittenPage};
use crate::store::cached::{KeptPage, List};
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
    pub(super) async fn channel_page(&self, of: Id, page: Page) -> Result<WrittenPage> {
        let find = self.read_page(page, move |connection| {
            let keyset = page.keyset(Order::Newest);
            let found = walk(connection, CHANNELS, of, keyset, |row| {
                entry(connection, of, row)
            })?;
            Ok(page.listing(found, Order::Newest, |entry| entry.id))
        });
        let shows = |entry: &Entry| entry.recipients.clone();
        let read = async |entries: Vec<Entry>| {
            let mut channels = Vec::with_capacity(entries.len());
            for entry in entries {
                channels.push(self.with_recipients(entry).await?);
            }
            Ok(channels)
        };
        self.page((List::Channels, of, page), find, shows, read)
            .await
    }

    /// A page of the communities that somebody is in.
    pub(super) async fn community_page(&self, of: Id, page: Page) -> Result<WrittenPage> {
        let find = self.read_page(page, move |connection| {
            let keyset = page.keyset(Order::Ascending);
            let found = walk(connection, COMMUNITY_IDS, of, keyset, |row| row.get(0))?;
            Ok(page.listing(found, Order::Ascending, |id| *id))
        });
        let read = async |ids: Vec<Id>| {
            let mut communities = Vec::with_capacity(ids.len());
            for id in ids {
                match self.any_community(id).await {
                    // It was deleted since the page was read.
                    Err(Error::UnknownCommunity) => {}
                    community => communities.push(community?),
                }
            }
            Ok(communities)
        };
        self.page((List::Communities, of, page), find, |id| [*id], read)
            .await
    }

    /// A page as it was kept, or else made anew: what `find` finds of the list, with the rows that it shows as `read` reads them.
    pub(super) async fn page<T, R, I: IntoIterator<Item = Id>>(
        &self,
        key: (List, Id, Page),
        find: impl Future<Output = Result<Listing<T>>>,
        shows: impl Fn(&T) -> I,
        read: impl AsyncFnOnce(Vec<T>) -> Result<Vec<R>>,
    ) -> Result<WrittenPage>
    where
        R: Serialize,
    {
        let pages = &self.cached.pages;
        if let Some(kept) = pages.get(&key) {
            return Ok(kept.written);
        }
        let (_, of, _) = key;
        let anew = async {
            let Listing { items, next } = find.await?;
            // First: of what changes while the rows are read, nothing is kept.
            let shows = self
                .cached
                .stamps
                .of_rows(items.iter().flat_map(shows).collect());
            let written = WrittenPage::of(&read(items).await?, next)?;
            Ok(KeptPage { of, shows, written })
        };
        let made = pages.keeping(key, Subject::Whereabouts(of), anew);
        Ok(made.await?.written)
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
