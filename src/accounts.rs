//! Accounts: how somebody gets one and gets back into it: registration, log-in, resets (contract, section 3).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::error::{Problem, Result};
use crate::etag::Precondition;
use crate::fields::Fields;
use crate::id::Id;
use crate::names::Username;
use crate::page::{Limits, Listing, Page};
pub use crate::passwords::{Attempt, Password, PasswordHash};
pub use crate::tokens::{Caller, Code, Label, NewToken, Secret, SecretHash, Session};
use crate::users::{Discriminator, NewUser, Tag, User};

/// A reset code is good for so long (contract, section 3).
pub const RESET_END: Duration = Duration::from_hours(1);

/// How many sessions a page of `GET /auth/tokens` holds.
pub const SESSIONS: Limits = Limits {
    most: 200,
    default: 200,
};

/// What the store keeps of an account to check a password against.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The account.
    pub id: Id,
    /// `None`: nobody can log in with a password.
    pub password: Option<PasswordHash>,
}

/// Who may register (contract, section 5). Not a setting but state of the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Nobody; the default.
    Closed,
    /// Who has an instance invite.
    Invite,
    /// Anybody.
    Open,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Invite => "invite",
            Self::Open => "open",
        })
    }
}

impl FromStr for Policy {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "closed" => Ok(Self::Closed),
            "invite" => Ok(Self::Invite),
            "open" => Ok(Self::Open),
            _ => Err(Problem::out_of_range(
                "Registration is closed, invite or open.",
            )),
        }
    }
}

/// The body of `POST /auth/register`.
pub struct Registration {
    /// The name wanted.
    pub username: Username,
    /// The password wanted.
    pub password: Password,
    /// The discriminator wanted, if any.
    pub discriminator: Option<Discriminator>,
    /// An instance invite's code.
    pub invite: Option<Code>,
}

impl Registration {
    /// # Errors
    /// `Invalid` with every field at fault.
    pub fn parse(mut body: Fields) -> Result<Self> {
        let username = body.required("username");
        let password = body.required("password");
        let discriminator = body.optional("discriminator");
        let invite = body.optional("invite");
        body.refuse("flags", "Flags are changed by an admin only.");
        body.finish()?;
        Ok(Self {
            username: username?,
            password: password?,
            discriminator: discriminator?,
            invite: invite?,
        })
    }
}

/// The body of `POST /auth/login`.
pub struct LogIn {
    /// The account's tag.
    pub tag: Tag,
    /// The password typed.
    pub password: Attempt,
}

impl LogIn {
    /// # Errors
    /// `Invalid` with every field at fault.
    pub fn parse(mut body: Fields) -> Result<Self> {
        let tag = body.required("tag");
        let password = body.required("password");
        body.finish()?;
        Ok(Self {
            tag: tag?,
            password: password?,
        })
    }
}

/// The body of `POST /auth/password`.
pub struct PasswordChange {
    /// The password as it is now, typed.
    pub current: Attempt,
    /// The one to be.
    pub new: Password,
}

impl PasswordChange {
    /// # Errors
    /// `Invalid` with every field at fault.
    pub fn parse(mut body: Fields) -> Result<Self> {
        let current = body.required("current");
        let new = body.required("new");
        body.finish()?;
        Ok(Self {
            current: current?,
            new: new?,
        })
    }
}

/// The body of `DELETE /users/@me`: the account's password, typed.
///
/// # Errors
/// `Invalid` with every field at fault.
pub fn parse_farewell(mut body: Fields) -> Result<Attempt> {
    let password = body.required("password");
    body.finish()?;
    Ok(password?)
}

/// The body of `POST /auth/reset`.
pub struct Reset {
    /// The hash of the code that an admin handed out.
    pub code: SecretHash,
    /// The password to be.
    pub new: Password,
}

impl Reset {
    /// # Errors
    /// `Invalid` with every field at fault.
    pub fn parse(mut body: Fields) -> Result<Self> {
        let code = body.required::<Code>("code");
        let new = body.required("new");
        body.finish()?;
        Ok(Self {
            code: SecretHash::of_code(&code?),
            new: new?,
        })
    }
}

/// The body of `POST /account/api/reset/look`: the hash of a reset code.
///
/// # Errors
/// `Invalid` with every field at fault.
pub fn parse_reset_look(mut body: Fields) -> Result<SecretHash> {
    let code = body.required::<Code>("code");
    body.finish()?;
    Ok(SecretHash::of_code(&code?))
}

/// An invite to this server, for `POST /auth/register` while registration is by invite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstanceInvite {
    /// What the newcomer sends.
    pub code: Code,
    /// How many may register with it.
    pub max_uses: u32,
    /// How many did.
    pub uses: u32,
    /// No good from then on.
    pub expires_at: Option<Timestamp>,
}

/// What a token that somebody makes for themself is called; `None` if they don't say.
///
/// # Errors
/// `Invalid` with every field at fault.
pub fn parse_label(mut body: Fields) -> Result<Option<Label>> {
    let name = body.optional("name");
    body.finish()?;
    Ok(name?)
}

/// What the store does with accounts. Each method is one transaction; every one can fail with `Busy`, `StorageFull`,
/// `ShuttingDown` and `Internal`, and then nothing was written.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Whom this token admits at this moment. The use is noted, to [`crate::tokens::USE_PRECISION`].
    ///
    /// # Errors
    /// `Unauthorized` if there is no such token or it has ended.
    async fn caller(&self, hash: SecretHash, now: Timestamp) -> Result<Caller>;

    /// Who may register.
    ///
    /// # Errors
    /// None of its own.
    async fn registration(&self) -> Result<Policy>;

    /// Makes an account with its first token, and uses the invite up where registration is by invite; all or nothing.
    ///
    /// # Errors
    /// `RegistrationClosed` by the policy as it stands then; `TagTaken` and `UsernameFull` as `create_user`.
    async fn register(&self, new: NewUser, invite: Option<Code>, now: Timestamp) -> Result<User>;

    /// What to check a log-in against.
    ///
    /// # Errors
    /// `UnknownUser`; which the caller must not be told.
    async fn credentials(&self, tag: Tag) -> Result<Credentials>;

    /// What to check an account's own password against.
    ///
    /// # Errors
    /// `UnknownUser`, for tombstones too.
    async fn password(&self, user: Id) -> Result<Option<PasswordHash>>;

    /// Stores the token of a log-in whose password was checked, and drops the account's tokens that have ended.
    ///
    /// # Errors
    /// `InvalidCredentials` if the password is no longer the one that was checked; `AccountDisabled`.
    async fn log_in(&self, user: Id, checked: PasswordHash, token: NewToken) -> Result<User>;

    /// The account's tokens that have not ended, ascending by id.
    ///
    /// # Errors
    /// None of its own.
    async fn sessions(&self, user: Id, page: Page, now: Timestamp) -> Result<Listing<Session>>;

    /// Revokes a token of this account.
    ///
    /// # Errors
    /// `NotFound` if the account has no such token.
    async fn revoke(&self, user: Id, token: Id) -> Result<()>;

    /// Revokes all of the account's tokens.
    ///
    /// # Errors
    /// None of its own.
    async fn revoke_all(&self, user: Id) -> Result<()>;

    /// Stores a token that the account made for itself, by the session `by`.
    ///
    /// # Errors
    /// `Unauthorized` if that session has ended since it was admitted; `AccountDisabled`.
    async fn add_token(&self, user: Id, by: Id, token: NewToken) -> Result<()>;

    /// Sets a new password after the old one was checked, and revokes every token but the one kept.
    ///
    /// # Errors
    /// `InvalidCredentials` if the password is no longer the one that was checked.
    async fn change_password(
        &self,
        user: Id,
        checked: PasswordHash,
        new: PasswordHash,
        keep: Id,
    ) -> Result<()>;

    /// Makes a tombstone of an account whose password was checked, as an admin's deletion does.
    ///
    /// # Errors
    /// `InvalidCredentials` if the password is no longer the one that was checked; `AccountDisabled`; `PreconditionFailed` if the user
    /// is no such version.
    async fn delete_account(
        &self,
        user: Id,
        checked: PasswordHash,
        precondition: Precondition,
    ) -> Result<()>;

    /// Whose password a reset code would set.
    ///
    /// # Errors
    /// `InvalidCredentials` if the code is unknown, used or expired.
    async fn reset_of(&self, code: SecretHash, now: Timestamp) -> Result<User>;

    /// Uses a reset code up: sets the password, revokes every token of the account, and stores this one, if there is one, of a
    /// log-in that comes with it.
    ///
    /// # Errors
    /// `InvalidCredentials` as `reset_of`; `AccountDisabled`, and then the code stays good.
    async fn reset_password(
        &self,
        code: SecretHash,
        new: PasswordHash,
        token: Option<NewToken>,
        now: Timestamp,
    ) -> Result<User>;

    /// An invite to this server that is good at this moment.
    ///
    /// # Errors
    /// `UnknownInvite` for used up and expired ones, too.
    async fn instance_invite(&self, code: Code, now: Timestamp) -> Result<InstanceInvite>;

    /// All invites to this server, used up and expired ones too, by code.
    ///
    /// # Errors
    /// None of its own.
    async fn instance_invites(&self) -> Result<Vec<InstanceInvite>>;
}
