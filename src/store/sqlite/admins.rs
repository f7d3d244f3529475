//! Admins in SQL.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, named_params};

use super::access::{
    BY_SESSION, BY_TOKEN, USE_LINK, admin, begin, has_admin, insert, named, note, operator,
    set_password,
};
use super::users::{find, taken};
use super::{Sqlite, accounts, actions, audit, communities, directory, invites, views};
use crate::actions::{Deed, Outcome};
use crate::admins::{
    Admin, AdminCredentials, AdminToken, AdminView, Admins, Credential, IDLE_END, Means, NewAdmin,
    NewSession, Operator, SESSION_PRECISION,
};
use crate::audit::{Author, Entry, Filter, Who};
use crate::clock::Timestamp;
use crate::communities::{Community, Invite};
use crate::directory::{Communities, Found, Users};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::names::Username;
use crate::page::{Listing, Page};
use crate::passwords::PasswordHash;
use crate::tokens::{SecretHash, Session, USE_PRECISION, is_noted};
use crate::users::{Account, User};
use crate::views::{
    AccountDetails, ChannelView, FullName, Holders, Member, Membership, OwnedCommunity, Statistics,
};

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
        if noted && is_noted(last_used, precision, now) {
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
        self.read(move |connection| views::account(connection, id))
            .await
    }

    async fn communities_of(&self, user: Id, page: Page) -> Result<Listing<Membership>> {
        self.read(move |connection| {
            find(connection, user)?;
            communities::memberships(connection, user, page)
        })
        .await
    }

    async fn sessions_of(&self, user: Id, page: Page, now: Timestamp) -> Result<Listing<Session>> {
        self.read(move |connection| {
            find(connection, user)?;
            accounts::sessions(connection, user, page, now)
        })
        .await
    }

    async fn channels_of(&self, user: Id, page: Page) -> Result<Listing<ChannelView>> {
        self.read(move |connection| views::channels(connection, user, page))
            .await
    }

    async fn channel_view(&self, id: Id) -> Result<ChannelView> {
        self.read(move |connection| views::channel(connection, id))
            .await
    }

    async fn holders(&self, name: Username) -> Result<Holders> {
        self.read(move |connection| {
            let taken = taken(connection, &name)?;
            Ok(Holders::new(name.to_string(), taken))
        })
        .await
    }

    async fn fullest_names(&self) -> Result<Vec<FullName>> {
        self.read(views::fullest_names).await
    }

    async fn find_communities(&self, search: Communities) -> Result<Found<OwnedCommunity>> {
        self.read(move |connection| directory::communities(connection, &search))
            .await
    }

    async fn community_view(&self, id: Id) -> Result<(Community, User)> {
        self.read(move |connection| {
            let community = views::community(connection, id)?;
            let owner = find(connection, community.owner_id)?;
            Ok((community, owner))
        })
        .await
    }

    async fn members_of(&self, id: Id, page: Page) -> Result<Listing<Member>> {
        self.read(move |connection| views::members(connection, id, page))
            .await
    }

    async fn invites_of(&self, id: Id, page: Page, now: Timestamp) -> Result<Listing<Invite>> {
        self.read(move |connection| {
            views::community(connection, id)?;
            invites::list_all(connection, id, page, now)
        })
        .await
    }

    async fn statistics(&self) -> Result<Statistics> {
        let batches = self.writer.batches();
        let path = self.path.clone();
        self.read(move |connection| views::statistics(connection, &path, batches))
            .await
    }
}
