//! Accounts: how somebody gets one, proves that it is theirs, and loses it: registration, tokens, sessions, resets (contract,
//! sections 1 and 3).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use base64ct::{Base64UrlUnpadded, Encoding};
use rand::distr::{Alphanumeric, SampleString};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::error::{Problem, Result};
use crate::fields::Fields;
use crate::id::Id;
use crate::names::Username;
use crate::page::{Limits, Listing, Page};
pub use crate::passwords::{Attempt, Password, PasswordHash};
use crate::users::{Discriminator, Flag, NewUser, Tag, User};

/// A log-in's token ends after so long without use (contract, section 1, "tokens").
pub const UNUSED_END: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How exactly the last use of a token is kept: a write an hour, not one a request.
pub const USE_PRECISION: Duration = Duration::from_secs(60 * 60);

/// A reset code is good for so long (contract, section 3).
pub const RESET_END: Duration = Duration::from_secs(60 * 60);

/// How many sessions a page of `GET /auth/tokens` holds.
pub const SESSIONS: Limits = Limits {
    most: 200,
    default: 200,
};

/// A secret of 256 random bits in base64url behind a prefix. Shown once; has no `Debug`.
pub struct Secret(String);

impl Secret {
    /// A fresh token.
    #[must_use]
    pub fn token() -> Self {
        Self::mint(TOKEN_PREFIX)
    }

    /// A fresh reset code.
    #[must_use]
    pub fn reset_code() -> Self {
        Self::mint("")
    }

    fn mint(prefix: &str) -> Self {
        let mut bits = [0_u8; 32];
        rand::fill(&mut bits);
        Self(format!(
            "{prefix}{}",
            Base64UrlUnpadded::encode_string(&bits)
        ))
    }

    /// What the store knows it by.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }

    /// The secret itself, for the one answer that hands it out.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What every token begins with, so that one that leaked is recognised.
pub const TOKEN_PREFIX: &str = "srn_";

/// The SHA-256 of a [`Secret`], 32 bytes: all that is stored. A secret of 256 random bits can't be guessed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// The hash of a token as a client sends it; `None` if it can't be one.
    #[must_use]
    pub fn of_token(token: &str) -> Option<Self> {
        let bits = token.strip_prefix(TOKEN_PREFIX)?;
        let wellformed = bits.len() == 43
            && bits
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        wellformed.then(|| Self::of(token))
    }
}

/// A code that admits whoever has it, 16 letters and digits (95 bits): of an invite to a community or to this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Code(pub String);

impl Code {
    /// A fresh one.
    #[must_use]
    pub fn mint() -> Self {
        Self(Alphanumeric.sample_string(&mut rand::rng(), 16))
    }
}

impl FromStr for Code {
    type Err = Problem;

    /// Any text: one that is no code is simply unknown.
    fn from_str(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.to_owned()))
    }
}

/// What a session or token is called in the account's list: at most 100 visible characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label(pub String);

impl Label {
    /// A label out of whatever a client calls itself.
    #[must_use]
    pub fn of_client(user_agent: Option<&str>) -> Self {
        let visible: String = user_agent
            .unwrap_or_default()
            .chars()
            .filter(|sign| !sign.is_control())
            .take(100)
            .collect();
        Self(if visible.trim().is_empty() {
            "unnamed client".into()
        } else {
            visible
        })
    }

    /// A token made by the command line.
    #[must_use]
    pub fn command_line() -> Self {
        Self("command line".into())
    }
}

/// A token to be stored.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its id, fresh from the generator.
    pub id: Id,
    /// Its hash.
    pub hash: SecretHash,
    /// What it is called.
    pub label: Label,
    /// Of a log-in, at this moment: ends after [`UNUSED_END`] without use. `None`: does not end by itself.
    pub login: Option<Timestamp>,
}

/// Whom a token admits.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// The account.
    pub user: User,
    /// The token.
    pub token: Id,
    /// Whether an admin has disabled the account; then it can't act.
    pub disabled: bool,
}

impl Caller {
    /// Whether the header `Authorization: Bot <token>` may be used.
    #[must_use]
    pub fn is_bot(&self) -> bool {
        self.user.flags.contains(Flag::Bot)
    }
}

/// A token as its account sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Session {
    /// The token's id; tells when it was made.
    pub id: Id,
    /// What the client called itself.
    pub name: String,
    /// To the hour; null if it was never used.
    pub last_used: Option<Timestamp>,
}

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
            code: SecretHash::of(&code?.0),
            new: new?,
        })
    }
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

/// What the store does with accounts. Each method is one transaction; every one can fail with `Busy`, `StorageFull`,
/// `ShuttingDown` and `Internal`, and then nothing was written.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Whom this token admits at this moment. The use is noted, to [`USE_PRECISION`].
    ///
    /// # Errors
    /// `Unauthorized` if there is no such token or it has ended.
    async fn caller(&self, hash: SecretHash, now: Timestamp) -> Result<Caller>;

    /// Who may register.
    ///
    /// # Errors
    /// None of its own.
    async fn registration(&self) -> Result<Policy>;

    /// Says who may register, at once and for good.
    ///
    /// # Errors
    /// None of its own.
    async fn set_registration(&self, policy: Policy) -> Result<()>;

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

    /// Stores a token that an operator hands out.
    ///
    /// # Errors
    /// `UnknownUser`, for tombstones too.
    async fn issue_token(&self, user: Id, token: NewToken) -> Result<User>;

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

    /// Stores a one-time reset code; an earlier one of the account is void.
    ///
    /// # Errors
    /// `UnknownUser`, for tombstones too.
    async fn issue_reset(&self, user: Id, code: SecretHash, expires_at: Timestamp) -> Result<User>;

    /// Uses a reset code up: sets the password and revokes every token of the account.
    ///
    /// # Errors
    /// `InvalidCredentials` if the code is unknown, used or expired.
    async fn reset_password(
        &self,
        code: SecretHash,
        new: PasswordHash,
        now: Timestamp,
    ) -> Result<()>;

    /// Stores an invite to this server.
    ///
    /// # Errors
    /// None of its own.
    async fn create_instance_invite(&self, invite: InstanceInvite) -> Result<()>;

    /// All invites to this server, used up and expired ones too, by code.
    ///
    /// # Errors
    /// None of its own.
    async fn instance_invites(&self) -> Result<Vec<InstanceInvite>>;

    /// Withdraws an invite to this server.
    ///
    /// # Errors
    /// `UnknownInvite`.
    async fn remove_instance_invite(&self, code: Code) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_prefix_and_256_bits_in_base64url_and_never_one_twice() {
        let (one, other) = (Secret::token(), Secret::token());
        assert_eq!((one.reveal().len(), &one.reveal()[..4]), (47, "srn_"));
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(SecretHash::of_token(one.reveal()), Some(one.hash()));
    }

    #[test]
    fn what_can_not_be_a_token_is_not_looked_up() {
        let token = Secret::token();
        let bits = &token.reveal()[4..];
        for text in [
            "",
            "srn_",
            bits,
            &format!("SRN_{bits}"),
            &format!("srn_{bits}x"),
            &format!("srn_{}=", &bits[1..]),
        ] {
            assert_eq!(SecretHash::of_token(text), None, "{text}");
        }
    }

    #[test]
    fn a_label_is_short_and_without_control_characters() {
        assert_eq!(
            Label::of_client(Some("curl/8.5\r\n\u{1b}[31m")).0,
            "curl/8.5[31m"
        );
        assert_eq!(Label::of_client(Some(&"x".repeat(500))).0.len(), 100);
        assert_eq!(Label::of_client(Some(" ")), Label::of_client(None));
    }
}
