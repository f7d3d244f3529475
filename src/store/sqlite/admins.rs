//! Admins in SQL: who they are, their sessions, links and tokens.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::{Sqlite, actions, audit, directory, invites};
use crate::actions::{Deed, Outcome};
use crate::admins::{
    Admin, AdminCredentials, AdminToken, AdminView, Admins, Credential, IDLE_END, Link, Means,
    NewAdmin, NewAdminToken, NewSession, Operator, SESSION_PRECISION, WayIn,
};
use crate::audit::{Author, Entry, Filter, Target, Who};
use crate::clock::Timestamp;
use crate::communities::{Community, Invite};
use crate::directory::{
    AccountDetails, ChannelView, Communities, Found, FullName, Holders, Member, Statistics, Users,
};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::names::Username;
use crate::page::{Listing, Page};
use crate::passwords::PasswordHash;
use crate::tokens::{SecretHash, USE_PRECISION};
use crate::users::{Account, User};

/// Inserts nothing where the name is taken.
const INSERT: &str = "
    INSERT INTO admins (id, name, name_key, password) VALUES (:id, :name, :key, :password)
    ON CONFLICT (name_key) DO NOTHING";

const INSERT_LINK: &str = "
    INSERT INTO admin_links (admin_id, hash, expires_at) VALUES (:admin, :hash, :expires_at)
    ON CONFLICT (admin_id) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at";

const USE_LINK: &str = "DELETE FROM admin_links WHERE hash = :hash RETURNING admin_id, expires_at";

const INSERT_SESSION: &str =
    "INSERT INTO admin_sessions (id, admin_id, hash, last_used) VALUES (:id, :admin, :hash, :now)";

const INSERT_TOKEN: &str =
    "INSERT INTO admin_tokens (id, admin_id, hash, name) VALUES (:id, :admin, :hash, :name)";

pub(super) const BY_SESSION: &str = "
    SELECT a.id, a.name, s.id, s.last_used, 'page' FROM admin_sessions AS s JOIN admins AS a ON a.id = s.admin_id
    WHERE s.hash = :hash AND s.last_used > :ended";

pub(super) const BY_TOKEN: &str = "
    SELECT a.id, a.name, t.id, t.last_used, t.name FROM admin_tokens AS t JOIN admins AS a ON a.id = t.admin_id
    WHERE t.hash = :hash";

/// Changes nothing if the password was changed since it was checked.
const SET_PASSWORD: &str = "
    UPDATE admins SET password = :new WHERE id = :id AND (:checked IS NULL OR password = :checked)";

#[async_trait]
impl Admins for Sqlite {
    async fn has_admin(&self) -> Result<bool> {
        self.read(has_admin).await
    }

    async fn set_up(
        &self,
        new: NewAdmin,
        session: NewSession,
        author: Author,
        entry: Id,
    ) -> Result<Admin> {
        self.write(move |connection| {
            if has_admin(connection)? || !insert(connection, &new)? {
                return Err(Error::Forbidden(
                    "Somebody was faster: this server has its first admin. Log in, or ask them to make you another.",
                ));
            }
            note(connection, &author, entry, "admin.set_up")?;
            begin(connection, new.id, &session)?;
            Ok(Admin {
                id: new.id,
                name: new.name.to_string(),
            })
        })
        .await
    }

    async fn admin_credentials(&self, name: Username) -> Result<AdminCredentials> {
        self.read(move |connection| {
            let sql = "SELECT id, name, password FROM admins WHERE name_key = :key";
            let found = connection
                .prepare_cached(sql)?
                .query_row(named_params! { ":key": name.key() }, |row| {
                    let password: Option<String> = row.get(2)?;
                    Ok(AdminCredentials {
                        admin: admin(row)?,
                        password: password.map(PasswordHash::from_stored),
                    })
                })
                .optional()?;
            found.ok_or(Error::InvalidCredentials)
        })
        .await
    }

    async fn log_in_admin(
        &self,
        checked: PasswordHash,
        session: NewSession,
        author: Author,
        entry: Id,
    ) -> Result<()> {
        self.write(move |connection| {
            let id = author.id().ok_or(Error::InvalidCredentials)?;
            let sql = "SELECT EXISTS (SELECT 1 FROM admins WHERE id = :id AND password = :checked)";
            let parameters = named_params! { ":id": id, ":checked": checked.to_store() };
            let unchanged: bool = connection
                .prepare_cached(sql)?
                .query_row(parameters, |row| row.get(0))?;
            if !unchanged {
                return Err(Error::InvalidCredentials);
            }
            note(connection, &author, entry, "admin.log_in")?;
            begin(connection, id, &session)
        })
        .await
    }

    async fn use_admin_link(
        &self,
        code: SecretHash,
        password: PasswordHash,
        session: NewSession,
        address: Option<String>,
        entry: Id,
    ) -> Result<Admin> {
        self.write(move |connection| {
            let link: Option<(Id, Timestamp)> = connection
                .prepare_cached(USE_LINK)?
                .query_row(named_params! { ":hash": code }, |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            let id = match link {
                Some((id, expires_at)) if expires_at > session.begun => id,
                _ => return Err(Error::InvalidCredentials),
            };
            set_password(connection, id, None, &password, None)?;
            let name = named(connection, id)?;
            let author = Author {
                who: Who::Newcomer {
                    id,
                    name: name.clone(),
                    via: "one-time link",
                },
                address: address.clone(),
            };
            note(connection, &author, entry, "admin.password")?;
            begin(connection, id, &session)?;
            Ok(Admin { id, name })
        })
        .await
    }

    async fn operator(
        &self,
        credential: Credential,
        now: Timestamp,
        noted: bool,
    ) -> Result<Operator> {
        let ((admin, id, last_used, name), note, precision) = match credential {
            Credential::Session(hash) => {
                let found = self.read(move |connection| {
                    let parameters =
                        named_params! { ":hash": hash, ":ended": now.before(IDLE_END) };
                    operator(connection, BY_SESSION, parameters)
                });
                let note = "UPDATE admin_sessions SET last_used = :now WHERE id = :id";
                (found.await?, note, SESSION_PRECISION)
            }
            Credential::Token(hash) => {
                let found = self.read(move |connection| {
                    operator(connection, BY_TOKEN, named_params! { ":hash": hash })
                });
                let note = "UPDATE admin_tokens SET last_used = :now WHERE id = :id";
                (found.await?, note, USE_PRECISION)
            }
        };
        if noted && last_used.is_none_or(|last_used| last_used.after(precision) <= now) {
            self.writer.run_unanswered(move |connection| {
                connection
                    .prepare_cached(note)?
                    .execute(named_params! { ":id": id, ":now": now })?;
                Ok(())
            });
        }
        let means = match credential {
            Credential::Session(_) => Means::Session(id),
            Credential::Token(_) => Means::Token(id, name),
        };
        Ok(Operator { admin, means })
    }

    async fn perform(&self, author: Author, deeds: Vec<Deed>) -> Result<Vec<Outcome>> {
        self.write(move |connection| actions::perform(connection, &author, &deeds))
            .await
    }

    async fn audit(&self, filter: Filter, page: Page) -> Result<Listing<Entry>> {
        self.read(move |connection| audit::list(connection, &filter, page))
            .await
    }

    async fn admins(&self) -> Result<Vec<AdminView>> {
        self.read(|connection| {
            let sql =
                "SELECT id, name, last_login, password IS NOT NULL FROM admins ORDER BY name_key";
            let mut statement = connection.prepare_cached(sql)?;
            let admins = statement.query_map([], |row| {
                Ok(AdminView {
                    admin: admin(row)?,
                    last_login: row.get(2)?,
                    has_password: row.get(3)?,
                })
            })?;
            Ok(admins.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn admin_tokens(&self) -> Result<Vec<AdminToken>> {
        self.read(|connection| {
            let sql = "
                SELECT t.id, t.name, a.name, t.last_used
                FROM admin_tokens AS t JOIN admins AS a ON a.id = t.admin_id ORDER BY t.id";
            let mut statement = connection.prepare_cached(sql)?;
            let tokens = statement.query_map([], |row| {
                Ok(AdminToken {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    admin: row.get(2)?,
                    last_used: row.get(3)?,
                })
            })?;
            Ok(tokens.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn find_users(&self, search: Users) -> Result<Found<Account>> {
        self.read(move |connection| directory::users(connection, &search))
            .await
    }

    async fn account_details(&self, id: Id) -> Result<AccountDetails> {
        self.read(move |connection| directory::account(connection, id))
            .await
    }

    async fn channels_of(&self, user: Id, page: Page) -> Result<Listing<ChannelView>> {
        self.read(move |connection| directory::channels(connection, user, page))
            .await
    }

    async fn channel_view(&self, id: Id) -> Result<ChannelView> {
        self.read(move |connection| directory::channel(connection, id))
            .await
    }

    async fn holders(&self, name: Username) -> Result<Holders> {
        self.read(move |connection| {
            let taken = super::users::taken(connection, &name)?;
            Ok(Holders::new(name.to_string(), taken))
        })
        .await
    }

    async fn fullest_names(&self) -> Result<Vec<FullName>> {
        self.read(directory::fullest_names).await
    }

    async fn find_communities(&self, search: Communities) -> Result<Found<Community>> {
        self.read(move |connection| directory::communities(connection, &search))
            .await
    }

    async fn community_view(&self, id: Id) -> Result<(Community, User)> {
        self.read(move |connection| {
            let community = directory::community(connection, id)?;
            let owner = super::users::find(connection, community.owner_id)?;
            Ok((community, owner))
        })
        .await
    }

    async fn members_of(&self, id: Id, page: Page) -> Result<Listing<Member>> {
        self.read(move |connection| directory::members(connection, id, page))
            .await
    }

    async fn invites_of(&self, id: Id, page: Page, now: Timestamp) -> Result<Listing<Invite>> {
        self.read(move |connection| {
            directory::community(connection, id)?;
            invites::list_all(connection, id, page, now)
        })
        .await
    }

    async fn statistics(&self) -> Result<Statistics> {
        let batches = self.writer.batches();
        let path = self.path.clone();
        self.read(move |connection| directory::statistics(connection, &path, batches))
            .await
    }
}

fn has_admin(connection: &Connection) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM admins)";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?)
}

fn admin(row: &Row<'_>) -> rusqlite::Result<Admin> {
    Ok(Admin {
        id: row.get(0)?,
        name: row.get(1)?,
    })
}

/// The admin, the id and last use of what they came with, and what that is called.
type Admitted = (Admin, Id, Option<Timestamp>, String);

fn operator(
    connection: &Connection,
    sql: &str,
    parameters: &[(&str, &dyn rusqlite::ToSql)],
) -> Result<Admitted> {
    let found = connection
        .prepare_cached(sql)?
        .query_row(parameters, |row| {
            Ok((admin(row)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    found.ok_or(Error::Unauthorized)
}

/// Writes into the log what an admin does to themself.
fn note(connection: &Connection, author: &Author, entry: Id, action: &str) -> Result<()> {
    let trace = audit::Trace {
        target: Some(Target::new("admin", author.id(), author.name())),
        ..audit::Trace::default()
    };
    audit::write(connection, author, entry, action, &trace)
}

/// Begins a session, and drops the admin's that have ended.
fn begin(connection: &Connection, admin: Id, session: &NewSession) -> Result<()> {
    let sql = "DELETE FROM admin_sessions WHERE admin_id = :admin AND last_used <= :ended";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":admin": admin, ":ended": session.begun.before(IDLE_END) })?;
    connection
        .prepare_cached(INSERT_SESSION)?
        .execute(named_params! {
            ":id": session.id,
            ":admin": admin,
            ":hash": session.hash,
            ":now": session.begun,
        })?;
    let sql = "UPDATE admins SET last_login = :now WHERE id = :id";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":id": admin, ":now": session.begun })?;
    Ok(())
}

/// Makes an admin, unless the name is taken.
pub(super) fn insert(connection: &Connection, new: &NewAdmin) -> Result<bool> {
    let password = match &new.way {
        WayIn::Password(hash) => Some(hash.to_store()),
        WayIn::Link(_) => None,
    };
    let inserted = connection.prepare_cached(INSERT)?.execute(named_params! {
        ":id": new.id,
        ":name": new.name.as_str(),
        ":key": new.name.key(),
        ":password": password,
    })?;
    if let (1, WayIn::Link(link)) = (inserted, &new.way) {
        insert_link(connection, new.id, link)?;
    }
    Ok(inserted == 1)
}

/// Stores a one-time link; an earlier one of the admin is void.
pub(super) fn insert_link(connection: &Connection, admin: Id, link: &Link) -> Result<()> {
    connection.prepare_cached(INSERT_LINK)?.execute(
        named_params! { ":admin": admin, ":hash": link.hash, ":expires_at": link.expires_at },
    )?;
    Ok(())
}

/// What the admin of this id is called.
pub(super) fn named(connection: &Connection, admin: Id) -> Result<String> {
    let name = connection
        .prepare_cached("SELECT name FROM admins WHERE id = :id")?
        .query_row(named_params! { ":id": admin }, |row| row.get(0))
        .optional()?;
    name.ok_or(Error::NotFound)
}

/// Sets a password and ends every session of the admin but the one kept.
pub(super) fn set_password(
    connection: &Connection,
    admin: Id,
    checked: Option<&PasswordHash>,
    new: &PasswordHash,
    kept: Option<Id>,
) -> Result<()> {
    let checked = checked.map(PasswordHash::to_store);
    let parameters = named_params! { ":id": admin, ":checked": checked, ":new": new.to_store() };
    if connection
        .prepare_cached(SET_PASSWORD)?
        .execute(parameters)?
        == 0
    {
        return Err(Error::InvalidCredentials);
    }
    let sql = "DELETE FROM admin_sessions WHERE admin_id = :admin AND id IS NOT :kept";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":admin": admin, ":kept": kept })?;
    let sql = "DELETE FROM admin_links WHERE admin_id = :admin";
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":admin": admin })?;
    Ok(())
}

/// Takes an admin away; links, sessions and tokens go with them, by their foreign keys.
pub(super) fn remove(connection: &Connection, admin: Id) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM admins WHERE id = :id")?
        .execute(named_params! { ":id": admin })?;
    Ok(())
}

/// Ends a session.
pub(super) fn end_session(connection: &Connection, session: Id) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM admin_sessions WHERE id = :id")?
        .execute(named_params! { ":id": session })?;
    Ok(())
}

/// Stores a token of an admin's.
pub(super) fn insert_token(
    connection: &Connection,
    admin: Id,
    token: &NewAdminToken,
) -> Result<()> {
    connection
        .prepare_cached(INSERT_TOKEN)?
        .execute(named_params! {
            ":id": token.id,
            ":admin": admin,
            ":hash": token.hash,
            ":name": token.label.0,
        })?;
    Ok(())
}

/// Revokes an admin's token and tells what it was called.
pub(super) fn revoke_token(connection: &Connection, token: Id) -> Result<String> {
    let name = connection
        .prepare_cached("DELETE FROM admin_tokens WHERE id = :id RETURNING name")?
        .query_row(named_params! { ":id": token }, |row| row.get(0))
        .optional()?;
    name.ok_or(Error::NotFound)
}
