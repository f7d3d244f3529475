//! Who may register, and the invites to this server, in SQL.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::accounts::{InstanceInvite, Policy};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::tokens::Code;

/// Counts a use of an invite that is good; touches nothing where it isn't.
const USE_INVITE: &str = "
    UPDATE instance_invites SET uses = uses + 1
    WHERE code = :code AND uses < max_uses AND (expires_at IS NULL OR expires_at > :now)";

pub(super) const GOOD_INVITE: &str = "
    SELECT code, max_uses, uses, expires_at FROM instance_invites
    WHERE code = :code AND uses < max_uses AND (expires_at IS NULL OR expires_at > :now)";

const INSERT_INVITE: &str = "
    INSERT INTO instance_invites (code, max_uses, uses, expires_at) VALUES (:code, :max_uses, :uses, :expires_at)";

/// Who may register.
pub(super) fn policy(connection: &Connection) -> Result<Policy> {
    let sql = "SELECT registration FROM instance";
    let policy: String = connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?;
    policy
        .parse()
        .map_err(|_| Error::Internal(format!("the stored registration policy is {policy}")))
}

/// Says who may register.
pub(super) fn set_policy(connection: &Connection, policy: Policy) -> Result<()> {
    let sql = "UPDATE instance SET registration = :policy";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":policy": policy.to_string() })?;
    Ok(())
}

/// Lets a newcomer in, or not, by the policy as it stands now; an invite that lets them in is used.
pub(super) fn admit(connection: &Connection, invite: Option<&Code>, now: Timestamp) -> Result<()> {
    let admitted = match (policy(connection)?, invite) {
        (Policy::Open, _) => true,
        (Policy::Closed, _) | (Policy::Invite, None) => false,
        (Policy::Invite, Some(code)) => {
            let parameters = named_params! { ":code": code, ":now": now };
            connection.prepare_cached(USE_INVITE)?.execute(parameters)? == 1
        }
    };
    if admitted {
        Ok(())
    } else {
        Err(Error::RegistrationClosed)
    }
}

/// Whether a newcomer could register now, with this invite or without one.
pub(super) fn is_open_to(
    connection: &Connection,
    invite: Option<&Code>,
    now: Timestamp,
) -> Result<bool> {
    match (policy(connection)?, invite) {
        (Policy::Open, _) => Ok(true),
        (Policy::Closed, _) | (Policy::Invite, None) => Ok(false),
        (Policy::Invite, Some(code)) => match good_invite(connection, code, now) {
            Ok(_) => Ok(true),
            Err(Error::UnknownInvite) => Ok(false),
            Err(error) => Err(error),
        },
    }
}

/// An invite to this server that is good now.
pub(super) fn good_invite(
    connection: &Connection,
    code: &Code,
    now: Timestamp,
) -> Result<InstanceInvite> {
    let invite = connection
        .prepare_cached(GOOD_INVITE)?
        .query_row(
            named_params! { ":code": code, ":now": now },
            instance_invite,
        )
        .optional()?;
    invite.ok_or(Error::UnknownInvite)
}

/// All invites to this server, by code.
pub(super) fn instance_invites(connection: &Connection) -> Result<Vec<InstanceInvite>> {
    let sql = "SELECT code, max_uses, uses, expires_at FROM instance_invites ORDER BY code";
    let mut statement = connection.prepare_cached(sql)?;
    let invites = statement.query_map([], instance_invite)?;
    Ok(invites.collect::<rusqlite::Result<_>>()?)
}

/// Stores an invite to this server.
pub(super) fn insert_invite(connection: &Connection, invite: &InstanceInvite) -> Result<()> {
    connection
        .prepare_cached(INSERT_INVITE)?
        .execute(named_params! {
            ":code": invite.code,
            ":max_uses": invite.max_uses,
            ":uses": invite.uses,
            ":expires_at": invite.expires_at,
        })?;
    Ok(())
}

/// Takes an invite to this server away and tells what it was.
pub(super) fn remove_invite(connection: &Connection, code: &Code) -> Result<InstanceInvite> {
    let sql = "DELETE FROM instance_invites WHERE code = :code RETURNING code, max_uses, uses, expires_at";
    let invite = connection
        .prepare_cached(sql)?
        .query_row(named_params! { ":code": code }, instance_invite)
        .optional()?;
    invite.ok_or(Error::UnknownInvite)
}

fn instance_invite(row: &Row<'_>) -> rusqlite::Result<InstanceInvite> {
    Ok(InstanceInvite {
        code: row.get(0)?,
        max_uses: row.get(1)?,
        uses: row.get(2)?,
        expires_at: row.get(3)?,
    })
}
