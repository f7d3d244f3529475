//! Groups in SQL.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::channels::{add, find as find_channel, remove, require_unblocked};
use super::rows::{exists, require_active};
use super::terms;
use crate::channels::{Channel, ChannelChange, Kind, NewGroup, unknown_recipients};
use crate::error::{Error, Problem, Result};
use crate::id::Id;
use crate::limits::Allowance;

const CREATE: &str =
    "INSERT INTO channels (id, type, name, owner_id) VALUES (:id, 3, :name, :owner)";

const LONGEST_STANDING: &str = "
    SELECT user_id FROM participants WHERE channel_id = :channel ORDER BY since, user_id LIMIT 1";

const GROUPS: &str = "
    SELECT c.id FROM participants AS p JOIN channels AS c ON c.id = p.channel_id
    WHERE p.user_id = :user AND p.hidden = 0 AND c.type = 3";

/// Makes a group of the requester, who owns it, and the recipients.
pub(super) fn create(
    connection: &Connection,
    requester: Id,
    group: &NewGroup,
    id: Id,
    allowance: Option<Allowance>,
) -> Result<Channel> {
    require_active(connection, requester)?;
    let mut unknown = Vec::new();
    for (index, recipient) in group.recipient_ids.iter().enumerate() {
        if !exists(connection, *recipient)? {
            unknown.push(index);
        }
    }
    if !unknown.is_empty() {
        return Err(unknown_recipients(unknown));
    }
    for recipient in &group.recipient_ids {
        require_unblocked(connection, requester, *recipient)?;
    }
    let parameters = named_params! { ":id": id, ":name": group.name, ":owner": requester };
    connection.prepare_cached(CREATE)?.execute(parameters)?;
    add(connection, id, requester, id)?;
    for recipient in &group.recipient_ids {
        add(connection, id, *recipient, id)?;
    }
    terms::count(connection, requester, allowance)?;
    find_channel(connection, requester, id)
}

/// Renames a group or hands it over.
pub(super) fn modify(
    connection: &Connection,
    requester: Id,
    id: Id,
    change: &ChannelChange,
) -> Result<()> {
    let group = find(connection, requester, id)?;
    if let Some(owner) = change.owner_id {
        require_owner(&group, requester)?;
        if owner != requester
            && !group
                .recipients
                .iter()
                .any(|recipient| recipient.id == owner)
        {
            return Err(Error::field(
                "owner_id",
                Problem::not_allowed("The new owner must be in the group."),
            ));
        }
        set_owner(connection, id, owner)?;
    }
    if let Some(name) = &change.name {
        let sql = "UPDATE channels SET name = :name WHERE id = :id";
        connection
            .prepare_cached(sql)?
            .execute(named_params! { ":id": id, ":name": name })?;
    }
    Ok(())
}

fn set_owner(connection: &Connection, channel: Id, owner: Id) -> Result<()> {
    let sql = "UPDATE channels SET owner_id = :owner WHERE id = :id";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":id": channel, ":owner": owner })?;
    Ok(())
}

/// A group that somebody takes part in.
pub(super) fn find(connection: &Connection, requester: Id, id: Id) -> Result<Channel> {
    let channel = find_channel(connection, requester, id)?;
    match channel.kind {
        Kind::Dm => Err(Error::Forbidden(
            "This is a DM; only a group can be changed like this.",
        )),
        Kind::Group { .. } => Ok(channel),
    }
}

/// Holds an owner's action against who the owner is.
pub(super) fn require_owner(group: &Channel, requester: Id) -> Result<()> {
    match group.kind {
        Kind::Group { owner_id, .. } if owner_id == requester => Ok(()),
        _ => Err(Error::NotOwner),
    }
}

/// Takes a participant out of their group: an owner's place goes to the longest-standing one, the last to leave deletes it.
pub(super) fn leave(connection: &Connection, user: Id, channel: Id) -> Result<()> {
    remove(connection, channel, user)?;
    let parameters = named_params! { ":channel": channel };
    let mut statement = connection.prepare_cached(LONGEST_STANDING)?;
    let heir: Option<Id> = statement
        .query_row(parameters, |row| row.get(0))
        .optional()?;
    if let Some(heir) = heir {
        let sql = "UPDATE channels SET owner_id = :heir WHERE id = :channel AND owner_id = :user";
        let parameters = named_params! { ":channel": channel, ":user": user, ":heir": heir };
        connection.prepare_cached(sql)?.execute(parameters)?;
    } else {
        connection
            .prepare_cached("DELETE FROM channels WHERE id = :channel")?
            .execute(parameters)?;
    }
    Ok(())
}

/// Takes a deleted account out of its groups. Its DMs stay.
pub(super) fn leave_all(connection: &Connection, user: Id) -> Result<()> {
    let mut statement = connection.prepare_cached(GROUPS)?;
    let groups = statement.query_map(named_params! { ":user": user }, |row| row.get(0))?;
    for group in groups.collect::<rusqlite::Result<Vec<Id>>>()? {
        leave(connection, user, group)?;
    }
    Ok(())
}
