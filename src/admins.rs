//! Admins: who runs the instance, how they prove it, and what the store does for them. They are not users of the platform.

use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use crate::actions::{Deed, Outcome};
use crate::audit::{Author, Entry, Filter};
use crate::clock::Timestamp;
use crate::communities::{Community, Invite};
use crate::directory::{Communities, Found, Users};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::names::Username;
use crate::page::{Limits, Listing, Page};
use crate::passwords::PasswordHash;
use crate::tokens::{Label, SecretHash, Session};
use crate::users::{Account, User};
use crate::views::{
    AccountDetails, ChannelView, FullName, Holders, Member, Membership, OwnedCommunity, Statistics,
};

/// A session ends after so long without use.
pub const IDLE_END: Duration = Duration::from_hours(12);

/// How exactly the last use of a session is kept.
pub const SESSION_PRECISION: Duration = Duration::from_mins(1);

/// A one-time link with which an admin sets a password is good for so long; the first set-up's, too.
pub const LINK_END: Duration = Duration::from_hours(1);

/// How many entries a page of the admin's lists holds.
pub const LISTS: Limits = Limits {
    most: 200,
    default: 50,
};

/// An admin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Admin {
    /// The admin's id.
    pub id: Id,
    /// What they are called: prepared and compared like a username.
    pub name: String,
}

/// An admin as the others see them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AdminView {
    /// Who.
    #[serde(flatten)]
    pub admin: Admin,
    /// When they last logged in.
    pub last_login: Option<Timestamp>,
    /// `false` until a new admin has used their link.
    pub has_password: bool,
}

/// An admin's token as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AdminToken {
    /// The token's id; tells when it was made.
    pub id: Id,
    /// What it is called.
    pub name: String,
    /// The name of the admin in whose name it acts.
    pub admin: String,
    /// To the hour; null if it was never used.
    pub last_used: Option<Timestamp>,
}

/// An admin to be made.
#[derive(Debug, Clone)]
pub struct NewAdmin {
    /// A fresh id.
    pub id: Id,
    /// Their name.
    pub name: Username,
    /// How they will get in.
    pub way: WayIn,
}

/// How an admin gets in.
#[derive(Debug, Clone)]
pub enum WayIn {
    /// With this password.
    Password(PasswordHash),
    /// With a one-time link that sets one.
    Link(Link),
}

/// A one-time link with which an admin sets a password.
#[derive(Debug, Clone)]
pub struct Link {
    /// The hash of its code.
    pub hash: SecretHash,
    /// No good from then on.
    pub expires_at: Timestamp,
}

/// A session to be stored.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// A fresh id.
    pub id: Id,
    /// The hash of its cookie.
    pub hash: SecretHash,
    /// Now.
    pub begun: Timestamp,
}

/// A token of an admin's to be stored.
#[derive(Debug, Clone)]
pub struct NewAdminToken {
    /// A fresh id.
    pub id: Id,
    /// Its hash.
    pub hash: SecretHash,
    /// What it is called.
    pub label: Label,
}

/// What the store keeps of an admin to check a password against.
#[derive(Debug, Clone)]
pub struct AdminCredentials {
    /// Who.
    pub admin: Admin,
    /// `None` until a new admin has used their link.
    pub password: Option<PasswordHash>,
}

/// What somebody shows to be let in.
#[derive(Debug, Clone, Copy)]
pub enum Credential {
    /// The hash of a session's cookie.
    Session(SecretHash),
    /// The hash of an admin's token.
    Token(SecretHash),
}

/// Whom a credential admits.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    /// Who.
    pub admin: Admin,
    /// By what.
    pub means: Means,
}

/// By what an operator was admitted.
#[derive(Debug, Clone, PartialEq)]
pub enum Means {
    /// The session of this id.
    Session(Id),
    /// The token of this id and name.
    Token(Id, String),
}

/// What the store does for admins. Each method is one transaction; every one can fail with `Busy`, `StorageFull`,
/// `ShuttingDown` and `Internal`, and then nothing was written. Whatever changes something writes the audit log in that very
/// transaction; `entry` is a fresh id for it, which tells when.
#[async_trait]
pub trait Admins: Send + Sync {
    /// Whether there is an admin.
    ///
    /// # Errors
    /// None of its own.
    async fn has_admin(&self) -> Result<bool>;

    /// Makes the first admin and logs them in; of any number at once, one is it.
    ///
    /// # Errors
    /// `Forbidden` if there is an admin.
    async fn set_up(
        &self,
        new: NewAdmin,
        session: NewSession,
        author: Author,
        entry: Id,
    ) -> Result<Admin>;

    /// What to check a log-in against.
    ///
    /// # Errors
    /// `InvalidCredentials` if there is no such admin; which takes the caller no shorter than a wrong password.
    async fn admin_credentials(&self, name: Username) -> Result<AdminCredentials>;

    /// Logs in an admin whose password was checked, and drops their sessions that have ended.
    ///
    /// # Errors
    /// `InvalidCredentials` if the password is no longer the one that was checked.
    async fn log_in_admin(
        &self,
        checked: PasswordHash,
        session: NewSession,
        author: Author,
        entry: Id,
    ) -> Result<()>;

    /// Uses a one-time link up: sets the password, ends every session and token of the admin, and logs them in.
    ///
    /// # Errors
    /// `InvalidCredentials` if the code is unknown, used or expired.
    async fn use_admin_link(
        &self,
        code: SecretHash,
        password: PasswordHash,
        session: NewSession,
        address: Option<String>,
        entry: Id,
    ) -> Result<Admin>;

    /// Whom this credential admits at this moment. The use is noted, if it is to be.
    ///
    /// # Errors
    /// `Unauthorized` if it is unknown or has ended.
    async fn operator(
        &self,
        credential: Credential,
        now: Timestamp,
        noted: bool,
    ) -> Result<Operator>;

    /// Does what is asked, in this order, all or nothing, and writes each into the audit log.
    ///
    /// # Errors
    /// `Unauthorized` if the author is no longer who they were when they were admitted; else what the first deed that failed
    /// says, see [`crate::actions::Action`].
    async fn perform(&self, author: Author, deeds: Vec<Deed>) -> Result<Vec<Outcome>>;

    /// The same for one deed.
    ///
    /// # Errors
    /// As `perform`.
    async fn perform_one(&self, author: Author, deed: Deed) -> Result<Outcome> {
        let outcomes = self.perform(author, vec![deed]).await?;
        let outcome = outcomes.into_iter().next();
        outcome.ok_or_else(|| Error::Internal("a deed had no outcome".into()))
    }

    /// The audit log, newest first.
    ///
    /// # Errors
    /// None of its own.
    async fn audit(&self, filter: Filter, page: Page) -> Result<Listing<Entry>>;

    /// All admins, by name.
    ///
    /// # Errors
    /// None of its own.
    async fn admins(&self) -> Result<Vec<AdminView>>;

    /// All admins' tokens, ascending by id.
    ///
    /// # Errors
    /// None of its own.
    async fn admin_tokens(&self) -> Result<Vec<AdminToken>>;

    /// Accounts found, in the order of the search.
    ///
    /// # Errors
    /// None of its own.
    async fn find_users(&self, search: Users) -> Result<Found<Account>>;

    /// An account with what only admins see; a tombstone too.
    ///
    /// # Errors
    /// `UnknownUser`.
    async fn account_details(&self, id: Id) -> Result<AccountDetails>;

    /// A user's communities, ascending by id.
    ///
    /// # Errors
    /// `UnknownUser`.
    async fn communities_of(&self, user: Id, page: Page) -> Result<Listing<Membership>>;

    /// A user's tokens that have not ended, ascending by id.
    ///
    /// # Errors
    /// `UnknownUser`.
    async fn sessions_of(&self, user: Id, page: Page, now: Timestamp) -> Result<Listing<Session>>;

    /// A user's DMs and groups, hidden ones too, newest first.
    ///
    /// # Errors
    /// `UnknownUser`.
    async fn channels_of(&self, user: Id, page: Page) -> Result<Listing<ChannelView>>;

    /// Who is in a channel.
    ///
    /// # Errors
    /// `UnknownChannel`.
    async fn channel_view(&self, id: Id) -> Result<ChannelView>;

    /// Who holds which discriminator of a name.
    ///
    /// # Errors
    /// None of its own.
    async fn holders(&self, name: Username) -> Result<Holders>;

    /// The names that most people have, fullest first, 50 at most.
    ///
    /// # Errors
    /// None of its own.
    async fn fullest_names(&self) -> Result<Vec<FullName>>;

    /// Communities found, in the order of the search.
    ///
    /// # Errors
    /// None of its own.
    async fn find_communities(&self, search: Communities) -> Result<Found<OwnedCommunity>>;

    /// A community and its owner, whoever asks.
    ///
    /// # Errors
    /// `UnknownCommunity`.
    async fn community_view(&self, id: Id) -> Result<(Community, User)>;

    /// A community's members, ascending by id.
    ///
    /// # Errors
    /// `UnknownCommunity`.
    async fn members_of(&self, id: Id, page: Page) -> Result<Listing<Member>>;

    /// A community's invites that are good, in the order they were made.
    ///
    /// # Errors
    /// `UnknownCommunity`.
    async fn invites_of(&self, id: Id, page: Page, now: Timestamp) -> Result<Listing<Invite>>;

    /// How much there is of everything, and how the file does.
    ///
    /// # Errors
    /// None of its own.
    async fn statistics(&self) -> Result<Statistics>;
}
