//! Channels in SQL.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::lists::entry;
use super::rows::{exists, record, require_active, user, user_columns};
use super::{Sqlite, blocks, groups, terms};
use crate::channels::{
    Channel, ChannelChange, Channels, DM, DmPair, GROUP, Kind, NewGroup, unknown_recipient,
};
use crate::error::{Error, Problem, Result};
use crate::etag::Precondition;
use crate::id::Id;
use crate::idempotency::{Answer, Terms};
use crate::limits::Allowance;
use crate::page::{Page, WrittenPage};
use crate::users::User;

/// The pair's DM, and whether it is shown to both.
pub(super) const DM_BY_PAIR: &str = "
    SELECT id, NOT EXISTS (SELECT 1 FROM participants WHERE channel_id = channels.id AND hidden = 1)
    FROM channels WHERE type = 2 AND lower_id = :lower AND higher_id = :higher";

/// Inserts nothing where the pair has its DM, which the unique key decides and no look before. (From a SELECT, SQLite would make
/// a temporary table for the row, because the table has a trigger: a twentieth of all that the writer does for a new DM.)
const CREATE_DM: &str = "
    INSERT INTO channels (id, type, lower_id, higher_id) VALUES (:id, 2, :lower, :higher)
    ON CONFLICT (lower_id, higher_id) WHERE type = 2 DO NOTHING";

/// Who the other is, and whether they have blocked whoever asks.
const RECIPIENT: &str = concat!(
    "SELECT EXISTS (SELECT 1 FROM blocks WHERE user_id = u.id AND blocked_id = :requester), ",
    user_columns!(),
    " FROM users AS u WHERE u.id = :user"
);

const ADD_BOTH: &str = "
    INSERT INTO participants (channel_id, user_id, other_id, since) VALUES (:id, :lower, :higher, :id), (:id, :higher, :lower, :id)";

/// To a group.
const ADD: &str = "
    INSERT INTO participants (channel_id, user_id, since) VALUES (:channel, :user, :since)
    ON CONFLICT (channel_id, user_id) DO NOTHING";

const SHOW: &str = "UPDATE participants SET hidden = 0 WHERE channel_id = :channel AND hidden = 1";

/// A channel of somebody who takes part in it.
pub(super) const CHANNEL: &str = "
    SELECT c.id, c.type, c.name, c.owner_id
    FROM participants AS p JOIN channels AS c ON c.id = p.channel_id
    WHERE p.channel_id = :channel AND p.user_id = :user";

/// A channel of somebody who takes part in it; of a DM with the other.
pub(super) const PARTICIPANT: &str = "
    SELECT channel_id, other_id FROM participants WHERE channel_id = :channel AND user_id = :user";

/// Ascending by id, which is the order of the table's key.
pub(super) const RECIPIENTS: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM participants AS p JOIN users AS u ON u.id = p.user_id
    WHERE p.channel_id = :channel AND p.user_id <> :user ORDER BY p.user_id"
);

#[async_trait]
impl Channels for Sqlite {
    async fn open_dm(
        &self,
        requester: Id,
        pair: DmPair,
        id: Id,
        terms: Terms,
    ) -> Result<Answer<Channel>> {
        // What is done once is remembered even if it does nothing.
        if terms.once.is_none()
            && let Some(id) = self.standing_dm(pair).await?
        {
            let other = self.account_or_tombstone(pair.other(requester)).await?;
            return Ok(Answer::First(Channel {
                id,
                kind: Kind::Dm,
                recipients: vec![other.user],
            }));
        }
        self.write(move |connection| {
            terms::once(connection, requester, terms.once.as_ref(), || {
                open_dm(connection, requester, pair, id, terms.allowance)
            })
        })
        .await
    }

    async fn create_group(
        &self,
        requester: Id,
        group: NewGroup,
        id: Id,
        terms: Terms,
    ) -> Result<Answer<Channel>> {
        self.write(move |connection| {
            terms::once(connection, requester, terms.once.as_ref(), || {
                groups::create(connection, requester, &group, id, terms.allowance)
            })
        })
        .await
    }

    async fn channel(&self, requester: Id, id: Id) -> Result<Channel> {
        let found = self.read_at_once(move |connection| {
            let parameters = named_params! { ":channel": id, ":user": requester };
            let found = connection
                .prepare_cached(PARTICIPANT)?
                .query_row(parameters, |row| entry(connection, requester, row));
            found.optional()?.ok_or(Error::UnknownChannel)
        });
        self.with_recipients(found.await?).await
    }

    async fn channels(&self, requester: Id, page: Page) -> Result<WrittenPage> {
        self.channel_page(requester, page).await
    }

    async fn modify_channel(
        &self,
        requester: Id,
        id: Id,
        change: ChannelChange,
        precondition: Precondition,
    ) -> Result<Channel> {
        self.write(move |connection| {
            require_active(connection, requester)?;
            let current = || find(connection, requester, id);
            terms::matching(&precondition, current, || {
                groups::modify(connection, requester, id, &change)?;
                find(connection, requester, id)
            })
        })
        .await
    }

    async fn leave_channel(&self, requester: Id, id: Id, precondition: Precondition) -> Result<()> {
        self.write(move |connection| {
            require_active(connection, requester)?;
            let channel = find(connection, requester, id)?;
            let current = || Ok(&channel);
            terms::matching(&precondition, current, || match channel.kind {
                Kind::Dm => hide(connection, requester, id),
                Kind::Group { .. } => groups::leave(connection, requester, id),
            })
        })
        .await
    }

    async fn add_recipient(
        &self,
        requester: Id,
        id: Id,
        user: Id,
        since: Id,
        group_max: usize,
    ) -> Result<()> {
        self.write(move |connection| {
            require_active(connection, requester)?;
            let group = groups::find(connection, requester, id)?;
            if user == requester
                || group
                    .recipients
                    .iter()
                    .any(|recipient| recipient.id == user)
            {
                return Ok(());
            }
            if !exists(connection, user)? {
                return Err(Error::UnknownUser);
            }
            require_unblocked(connection, requester, user)?;
            if group.recipients.len() + 1 >= group_max {
                let message = format!("The group is full; {group_max} people are the most.");
                return Err(Error::field("user.id", Problem::out_of_range(message)));
            }
            record(connection, "channels", since)?;
            add(connection, id, user, since)
        })
        .await
    }

    async fn remove_recipient(&self, requester: Id, id: Id, user: Id) -> Result<()> {
        self.write(move |connection| {
            require_active(connection, requester)?;
            let group = groups::find(connection, requester, id)?;
            if user == requester {
                return groups::leave(connection, requester, id);
            }
            groups::require_owner(&group, requester)?;
            match remove(connection, id, user)? {
                0 => Err(Error::UnknownUser),
                _ => Ok(()),
            }
        })
        .await
    }
}

pub(super) fn dm_by_pair(connection: &Connection, pair: DmPair) -> Result<Option<(Id, bool)>> {
    let parameters = named_params! { ":lower": pair.lower(), ":higher": pair.higher() };
    let dm = connection
        .prepare_cached(DM_BY_PAIR)?
        .query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(dm.optional()?)
}

/// Finds the pair's DM or makes it, and shows it to both.
pub(super) fn open_dm(
    connection: &Connection,
    requester: Id,
    pair: DmPair,
    id: Id,
    allowance: Option<Allowance>,
) -> Result<Channel> {
    require_active(connection, requester)?;
    let (lower, higher, other) = (pair.lower(), pair.higher(), pair.other(requester));
    let parameters = named_params! { ":user": other, ":requester": requester };
    let found = connection
        .prepare_cached(RECIPIENT)?
        .query_row(parameters, |row| Ok((user(row, 1)?, row.get(0)?)))
        .optional()?;
    let (recipient, blocked) = found.unzip();
    let recipient = recipient.filter(|user: &User| !user.is_tombstone());
    let blocked = blocked.unwrap_or(false);
    if let (Some(recipient), false) = (recipient, blocked) {
        let parameters = named_params! { ":id": id, ":lower": lower, ":higher": higher };
        if connection.prepare_cached(CREATE_DM)?.execute(parameters)? == 1 {
            connection.prepare_cached(ADD_BOTH)?.execute(parameters)?;
            terms::count(connection, requester, allowance)?;
            return Ok(Channel {
                id,
                kind: Kind::Dm,
                recipients: vec![recipient],
            });
        }
    }
    let Some((dm, _)) = dm_by_pair(connection, pair)? else {
        return Err(if blocked {
            Error::Blocked
        } else {
            Error::field("recipient_id", unknown_recipient())
        });
    };
    connection
        .prepare_cached(SHOW)?
        .execute(named_params! { ":channel": dm })?;
    find(connection, requester, dm)
}

/// Holds what brings somebody together with the requester against whether they have blocked them.
pub(super) fn require_unblocked(connection: &Connection, requester: Id, other: Id) -> Result<()> {
    if blocks::blocked(connection, other, requester)? {
        Err(Error::Blocked)
    } else {
        Ok(())
    }
}

pub(super) fn add(connection: &Connection, channel: Id, user: Id, since: Id) -> Result<()> {
    let parameters = named_params! { ":channel": channel, ":user": user, ":since": since };
    connection.prepare_cached(ADD)?.execute(parameters)?;
    Ok(())
}

fn hide(connection: &Connection, user: Id, channel: Id) -> Result<()> {
    let sql = "UPDATE participants SET hidden = 1 WHERE channel_id = :channel AND user_id = :user";
    let parameters = named_params! { ":channel": channel, ":user": user };
    connection.prepare_cached(sql)?.execute(parameters)?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, channel: Id, user: Id) -> Result<usize> {
    let sql = "DELETE FROM participants WHERE channel_id = :channel AND user_id = :user";
    Ok(connection
        .prepare_cached(sql)?
        .execute(named_params! { ":channel": channel, ":user": user })?)
}

pub(super) fn find(connection: &Connection, requester: Id, id: Id) -> Result<Channel> {
    let channel = connection
        .prepare_cached(CHANNEL)?
        .query_row(
            named_params! { ":channel": id, ":user": requester },
            without_recipients,
        )
        .optional()?;
    let mut channel = channel.ok_or(Error::UnknownChannel)?;
    channel.recipients = recipients(connection, requester, id)?;
    Ok(channel)
}

fn without_recipients(row: &Row<'_>) -> rusqlite::Result<Channel> {
    let kind = match row.get(1)? {
        DM => Kind::Dm,
        GROUP => Kind::Group {
            name: row.get(2)?,
            owner_id: row.get(3)?,
        },
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(1, other)),
    };
    Ok(Channel {
        id: row.get(0)?,
        kind,
        recipients: Vec::new(),
    })
}

fn recipients(connection: &Connection, requester: Id, channel: Id) -> Result<Vec<User>> {
    let mut statement = connection.prepare_cached(RECIPIENTS)?;
    let recipients = statement.query_map(
        named_params! { ":channel": channel, ":user": requester },
        |row| user(row, 0),
    )?;
    Ok(recipients.collect::<rusqlite::Result<_>>()?)
}
