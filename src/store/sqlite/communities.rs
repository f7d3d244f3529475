//! Communities in SQL.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::rows::{record, require_active, user, user_columns, walk};
use super::{Sqlite, images, invites, terms};
use crate::clock::Timestamp;
use crate::communities::{
    Code, Communities, Community, CommunityChange, Invitation, Invite, NewCommunity, NewInvite,
};
use crate::error::{Error, Problem, Result};
use crate::etag::Precondition;
use crate::id::Id;
use crate::idempotency::{Answer, Once};
use crate::page::{Listing, Order, Page, WrittenPage};
use crate::users::User;
use crate::views::Membership;

const CREATE: &str =
    "INSERT INTO communities (id, name, name_key, owner_id) VALUES (:id, :name, :key, :owner)";

/// Inserts nothing for who is a member already.
const ADD: &str = "
    INSERT INTO members (user_id, community_id, since) VALUES (:user, :community, :since)
    ON CONFLICT (user_id, community_id) DO NOTHING";

/// A community of one of its members.
pub(super) const COMMUNITY: &str = "
    SELECT c.id, c.name, c.icon, c.owner_id FROM members AS m JOIN communities AS c ON c.id = m.community_id
    WHERE m.user_id = :user AND m.community_id = :community";

pub(super) const COMMUNITIES: [&str; 2] = [
    "SELECT c.id, c.name, c.icon, c.owner_id, m.since FROM members AS m JOIN communities AS c ON c.id = m.community_id
    WHERE m.user_id = :of AND m.community_id > :above AND m.community_id < :below
    ORDER BY m.community_id LIMIT :limit",
    "SELECT c.id, c.name, c.icon, c.owner_id, m.since FROM members AS m JOIN communities AS c ON c.id = m.community_id
    WHERE m.user_id = :of AND m.community_id > :above AND m.community_id < :below
    ORDER BY m.community_id DESC LIMIT :limit",
];

pub(super) const MEMBERS: [&str; 2] = [
    concat!(
        "SELECT ",
        user_columns!(),
        " FROM members AS m JOIN users AS u ON u.id = m.user_id
        WHERE m.community_id = :of AND m.user_id > :above AND m.user_id < :below ORDER BY m.user_id LIMIT :limit"
    ),
    concat!(
        "SELECT ",
        user_columns!(),
        " FROM members AS m JOIN users AS u ON u.id = m.user_id
        WHERE m.community_id = :of AND m.user_id > :above AND m.user_id < :below ORDER BY m.user_id DESC LIMIT :limit"
    ),
];

const OWNED: &str = "SELECT id, name, icon, owner_id FROM communities WHERE owner_id = :user";

/// Who takes an owner's place.
const LONGEST_STANDING: &str = "
    SELECT user_id FROM members WHERE community_id = :community ORDER BY since, user_id LIMIT 1";

#[async_trait]
impl Communities for Sqlite {
    async fn create_community(
        &self,
        requester: Id,
        new: NewCommunity,
        id: Id,
        once: Option<Once>,
    ) -> Result<Answer<Community>> {
        self.write(move |connection| {
            terms::once(connection, requester, once.as_ref(), || {
                require_active(connection, requester)?;
                create(connection, id, &new, requester)?;
                find(connection, requester, id)
            })
        })
        .await
    }

    async fn community(&self, requester: Id, id: Id) -> Result<Community> {
        self.read(move |connection| find(connection, requester, id))
            .await
    }

    async fn communities(&self, requester: Id, page: Page) -> Result<WrittenPage> {
        self.community_page(requester, page).await
    }

    async fn modify_community(
        &self,
        requester: Id,
        id: Id,
        change: CommunityChange,
        precondition: Precondition,
    ) -> Result<Community> {
        self.write(move |connection| {
            require_active(connection, requester)?;
            let owned = require_owner(connection, requester, id)?;
            terms::matching(
                &precondition,
                || Ok(owned),
                || {
                    modify(connection, id, &change)?;
                    find(connection, requester, id)
                },
            )
        })
        .await
    }

    async fn delete_community(
        &self,
        requester: Id,
        id: Id,
        precondition: Precondition,
    ) -> Result<()> {
        self.write(move |connection| {
            require_active(connection, requester)?;
            let owned = require_owner(connection, requester, id)?;
            terms::matching(&precondition, || Ok(owned), || delete(connection, id))
        })
        .await
    }

    async fn leave_community(&self, requester: Id, id: Id) -> Result<()> {
        self.write(move |connection| {
            require_active(connection, requester)?;
            leave(connection, requester, id)
        })
        .await
    }

    async fn members(&self, requester: Id, id: Id, page: Page) -> Result<Listing<User>> {
        self.read(move |connection| {
            find(connection, requester, id)?;
            let found = walk(
                connection,
                MEMBERS,
                id,
                page.keyset(Order::Ascending),
                |row| user(row, 0),
            )?;
            Ok(page.listing(found, Order::Ascending, |user| user.id))
        })
        .await
    }

    async fn remove_member(&self, requester: Id, id: Id, user: Id) -> Result<()> {
        self.write(move |connection| {
            require_active(connection, requester)?;
            if user == requester {
                return leave(connection, requester, id);
            }
            require_owner(connection, requester, id)?;
            match remove(connection, id, user)? {
                0 => Err(Error::UnknownUser),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn create_invite(
        &self,
        requester: Id,
        id: Id,
        new: NewInvite,
        key: Id,
        code: Code,
        now: Timestamp,
        once: Option<Once>,
    ) -> Result<Answer<Invite>> {
        self.write(move |connection| {
            terms::once(connection, requester, once.as_ref(), || {
                invites::create(connection, requester, id, &new, key, &code, now)
            })
        })
        .await
    }

    async fn invites(
        &self,
        requester: Id,
        id: Id,
        page: Page,
        now: Timestamp,
    ) -> Result<Listing<Invite>> {
        self.read(move |connection| invites::list(connection, requester, id, page, now))
            .await
    }

    async fn invite(&self, code: Code, now: Timestamp) -> Result<Invitation> {
        self.read(move |connection| invites::find(connection, &code, now))
            .await
    }

    async fn join(
        &self,
        requester: Id,
        code: Code,
        since: Id,
        now: Timestamp,
        once: Option<Once>,
    ) -> Result<Answer<Community>> {
        self.write(move |connection| {
            terms::once(connection, requester, once.as_ref(), || {
                require_active(connection, requester)?;
                let id = invites::use_up(connection, &code, now)?;
                record(connection, "communities", since)?;
                // The error takes the use that was just counted back with it.
                match add(connection, id, requester, since)? {
                    0 => Err(Error::AlreadyMember),
                    _ => find(connection, requester, id),
                }
            })
        })
        .await
    }

    async fn withdraw_invite(&self, requester: Id, code: Code, now: Timestamp) -> Result<()> {
        self.write(move |connection| invites::withdraw(connection, requester, &code, now))
            .await
    }
}

/// A page of somebody's communities, with since when they are in each.
pub(super) fn memberships(
    connection: &Connection,
    member: Id,
    page: Page,
) -> Result<Listing<Membership>> {
    let keyset = page.keyset(Order::Ascending);
    let found = walk(connection, COMMUNITIES, member, keyset, |row| {
        Ok(Membership {
            community: community(row, 0)?,
            since: row.get::<_, Id>(4)?.time(),
        })
    })?;
    Ok(page.listing(found, Order::Ascending, |membership| {
        membership.community.id
    }))
}

/// A community out of the four columns that begin at `start`.
pub(super) fn community(row: &Row<'_>, start: usize) -> rusqlite::Result<Community> {
    Ok(Community {
        id: row.get(start)?,
        name: row.get(start + 1)?,
        icon: row.get(start + 2)?,
        owner_id: row.get(start + 3)?,
    })
}

/// Makes a community with its owner as the first member.
pub(super) fn create(connection: &Connection, id: Id, new: &NewCommunity, owner: Id) -> Result<()> {
    let parameters =
        named_params! { ":id": id, ":name": new.name, ":key": new.name.key(), ":owner": owner };
    connection.prepare_cached(CREATE)?.execute(parameters)?;
    if new.icon.is_some() {
        images::set_icon(connection, id, new.icon.as_ref())?;
    }
    add(connection, id, owner, id)?;
    Ok(())
}

/// Renames a community, hands it over or gives it an icon.
pub(super) fn modify(connection: &Connection, id: Id, change: &CommunityChange) -> Result<()> {
    if let Some(owner) = change.owner_id {
        if !is_member(connection, owner, id)? {
            return Err(Error::field(
                "owner_id",
                Problem::not_allowed("The new owner must be a member."),
            ));
        }
        set_owner(connection, id, owner)?;
    }
    if let Some(icon) = &change.icon {
        images::set_icon(connection, id, icon.as_ref())?;
    }
    if let Some(name) = &change.name {
        let sql = "UPDATE communities SET name = :name, name_key = :key WHERE id = :id";
        connection
            .prepare_cached(sql)?
            .execute(named_params! { ":id": id, ":name": name, ":key": name.key() })?;
    }
    Ok(())
}

fn find(connection: &Connection, requester: Id, id: Id) -> Result<Community> {
    let parameters = named_params! { ":user": requester, ":community": id };
    let found = connection
        .prepare_cached(COMMUNITY)?
        .query_row(parameters, |row| community(row, 0))
        .optional()?;
    found.ok_or(Error::UnknownCommunity)
}

/// Holds an owner's action against who the owner is, and tells what is owned.
pub(super) fn require_owner(connection: &Connection, requester: Id, id: Id) -> Result<Community> {
    let community = find(connection, requester, id)?;
    if community.owner_id == requester {
        Ok(community)
    } else {
        Err(Error::NotOwner)
    }
}

fn is_member(connection: &Connection, user: Id, id: Id) -> Result<bool> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM members WHERE user_id = :user AND community_id = :community)";
    let parameters = named_params! { ":user": user, ":community": id };
    Ok(connection
        .prepare_cached(sql)?
        .query_row(parameters, |row| row.get(0))?)
}

/// Makes somebody a member; changes nothing for who is one.
pub(super) fn add(connection: &Connection, id: Id, user: Id, since: Id) -> Result<usize> {
    let parameters = named_params! { ":user": user, ":community": id, ":since": since };
    Ok(connection.prepare_cached(ADD)?.execute(parameters)?)
}

/// Ends a membership and tells how many that were.
pub(super) fn remove(connection: &Connection, id: Id, user: Id) -> Result<usize> {
    let sql = "DELETE FROM members WHERE user_id = :user AND community_id = :community";
    Ok(connection
        .prepare_cached(sql)?
        .execute(named_params! { ":user": user, ":community": id })?)
}

fn leave(connection: &Connection, user: Id, id: Id) -> Result<()> {
    if find(connection, user, id)?.owner_id == user {
        return Err(Error::OwnerCannotLeave);
    }
    remove(connection, id, user)?;
    Ok(())
}

fn set_owner(connection: &Connection, id: Id, owner: Id) -> Result<()> {
    let sql = "UPDATE communities SET owner_id = :owner WHERE id = :id";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":id": id, ":owner": owner })?;
    Ok(())
}

/// Memberships and invites go with it, by their foreign keys.
pub(super) fn delete(connection: &Connection, id: Id) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM communities WHERE id = :id")?
        .execute(named_params! { ":id": id })?;
    Ok(())
}

/// Ends every membership of a deleted account. What it owned passes to the longest-standing member, or goes where there is none:
/// tells what that was, and who has it now.
pub(super) fn leave_all(connection: &Connection, user: Id) -> Result<Vec<(Community, Option<Id>)>> {
    let sql = "DELETE FROM members WHERE user_id = :user";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":user": user })?;
    let mut statement = connection.prepare_cached(OWNED)?;
    let owned = statement.query_map(named_params! { ":user": user }, |row| community(row, 0))?;
    let mut inherited = Vec::new();
    for community in owned.collect::<rusqlite::Result<Vec<_>>>()? {
        let heir = connection
            .prepare_cached(LONGEST_STANDING)?
            .query_row(named_params! { ":community": community.id }, |row| {
                row.get(0)
            })
            .optional()?;
        match heir {
            Some(heir) => set_owner(connection, community.id, heir)?,
            None => delete(connection, community.id)?,
        }
        inherited.push((community, heir));
    }
    Ok(inherited)
}
