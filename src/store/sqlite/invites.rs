//! Invites to communities in SQL.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::communities::{community, require_owner};
use super::rows::{require_active, walk};
use crate::clock::Timestamp;
use crate::communities::{Invitation, Invite, NewInvite};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{Listing, Order, Page};
use crate::tokens::Code;

/// Counts a use of an invite that is good; touches nothing where it isn't.
const USE_INVITE: &str = "
    UPDATE invites SET uses = uses + 1
    WHERE code = :code AND (max_uses IS NULL OR uses < max_uses) AND (expires_at IS NULL OR expires_at > :now)
    RETURNING community_id";

const INVITATION: &str = "
    SELECT i.code, i.max_uses, i.expires_at, i.uses, c.id, c.name, c.icon, c.owner_id
    FROM invites AS i JOIN communities AS c ON c.id = i.community_id
    WHERE i.code = :code AND (i.max_uses IS NULL OR i.uses < i.max_uses) AND (i.expires_at IS NULL OR i.expires_at > :now)";

const INVITES: [&str; 2] = [
    "SELECT code, max_uses, expires_at, uses, id FROM invites
    WHERE community_id = :of AND id > :above AND id < :below ORDER BY id LIMIT :limit",
    "SELECT code, max_uses, expires_at, uses, id FROM invites
    WHERE community_id = :of AND id > :above AND id < :below ORDER BY id DESC LIMIT :limit",
];

const DROP_SPENT_INVITES: &str = "
    DELETE FROM invites WHERE community_id = :community AND (uses >= max_uses OR expires_at <= :now)";

const CREATE_INVITE: &str = "
    INSERT INTO invites (id, code, community_id, max_uses, expires_at) VALUES (:id, :code, :community, :max_uses, :expires_at)";

/// Makes an invite, and drops the community's that are used up or have expired.
pub(super) fn create(
    connection: &Connection,
    requester: Id,
    id: Id,
    new: &NewInvite,
    key: Id,
    code: &Code,
    now: Timestamp,
) -> Result<Invite> {
    require_active(connection, requester)?;
    require_owner(connection, requester, id)?;
    insert(connection, id, new, key, code, now)
}

/// Makes an invite, whoever asks.
pub(super) fn insert(
    connection: &Connection,
    id: Id,
    new: &NewInvite,
    key: Id,
    code: &Code,
    now: Timestamp,
) -> Result<Invite> {
    let parameters = named_params! { ":community": id, ":now": now };
    connection
        .prepare_cached(DROP_SPENT_INVITES)?
        .execute(parameters)?;
    connection
        .prepare_cached(CREATE_INVITE)?
        .execute(named_params! {
            ":id": key,
            ":code": code,
            ":community": id,
            ":max_uses": new.max_uses,
            ":expires_at": new.expires_at,
        })?;
    Ok(Invite {
        code: code.clone(),
        max_uses: new.max_uses,
        expires_at: new.expires_at,
        uses: 0,
    })
}

/// A page of the community's invites that are good.
pub(super) fn list(
    connection: &Connection,
    requester: Id,
    id: Id,
    page: Page,
    now: Timestamp,
) -> Result<Listing<Invite>> {
    require_owner(connection, requester, id)?;
    list_all(connection, id, page, now)
}

/// The same, whoever asks.
pub(super) fn list_all(
    connection: &Connection,
    id: Id,
    page: Page,
    now: Timestamp,
) -> Result<Listing<Invite>> {
    let found = walk(
        connection,
        INVITES,
        id,
        page.keyset(Order::Ascending),
        |row| Ok((row.get::<_, Id>(4)?, invite(row)?)),
    )?;
    let Listing { items, next } = page.listing(found, Order::Ascending, |(key, _)| *key);
    let items = items
        .into_iter()
        .map(|(_, invite)| invite)
        .filter(|invite| invite.is_good(now))
        .collect();
    Ok(Listing { items, next })
}

/// Counts a use of a good invite and tells where it leads.
pub(super) fn use_up(connection: &Connection, code: &Code, now: Timestamp) -> Result<Id> {
    let parameters = named_params! { ":code": code, ":now": now };
    let used = connection
        .prepare_cached(USE_INVITE)?
        .query_row(parameters, |row| row.get(0))
        .optional()?;
    used.ok_or(Error::UnknownInvite)
}

/// Takes an invite away.
pub(super) fn withdraw(
    connection: &Connection,
    requester: Id,
    code: &Code,
    now: Timestamp,
) -> Result<()> {
    require_active(connection, requester)?;
    if find(connection, code, now)?.community.owner_id != requester {
        return Err(Error::NotOwner);
    }
    let sql = "DELETE FROM invites WHERE code = :code";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":code": code })?;
    Ok(())
}

/// Takes one of a community's invites away and tells what it was.
pub(super) fn remove(connection: &Connection, id: Id, code: &Code) -> Result<Invite> {
    let sql = "
        DELETE FROM invites WHERE code = :code AND community_id = :community
        RETURNING code, max_uses, expires_at, uses";
    let removed = connection
        .prepare_cached(sql)?
        .query_row(named_params! { ":code": code, ":community": id }, invite)
        .optional()?;
    removed.ok_or(Error::UnknownInvite)
}

/// Where a good code leads.
pub(super) fn find(connection: &Connection, code: &Code, now: Timestamp) -> Result<Invitation> {
    let found = connection
        .prepare_cached(INVITATION)?
        .query_row(named_params! { ":code": code, ":now": now }, |row| {
            Ok(Invitation {
                invite: invite(row)?,
                community: community(row, 4)?,
            })
        })
        .optional()?;
    found.ok_or(Error::UnknownInvite)
}

fn invite(row: &Row<'_>) -> rusqlite::Result<Invite> {
    Ok(Invite {
        code: row.get(0)?,
        max_uses: row.get(1)?,
        expires_at: row.get(2)?,
        uses: row.get(3)?,
    })
}
