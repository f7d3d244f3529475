//! The one error of the house: a variant for each code of the contract's error table, so that this file is that table.
//!
//! Nothing here knows HTTP's library or the database. `routes` turns an [`Error`] into a response, `cli` into a sentence on
//! standard error; the detail of an [`Error::Internal`] goes to the log and nowhere else.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::limits::{Bucket, Standing};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, by what the caller can do about it (contract, section 1, "Errors").
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// 400: fields at fault, all of them.
    Invalid(Vec<FieldError>),
    /// 400: the request as a whole can't be read; the sentence says where.
    Malformed(String),
    /// 401: no token, or none that is good.
    Unauthorized,
    /// 401: a tag, password or code that doesn't fit; which of them is not told.
    InvalidCredentials,
    /// 403: not possible on this thing, whoever asks; the sentence says why.
    Forbidden(&'static str),
    /// 403: an admin has disabled the account; holds why, if they said so.
    AccountDisabled(Option<String>),
    /// 403: only the owner may.
    NotOwner,
    /// 403: somebody whom this would bring together with the requester has blocked them.
    Blocked,
    /// 403: registration is closed, or by invite and the invite isn't good.
    RegistrationClosed,
    /// 404: no such user.
    UnknownUser,
    /// 404: no such channel, or none the requester takes part in.
    UnknownChannel,
    /// 404: no such community, or none the requester is a member of.
    UnknownCommunity,
    /// 404: no such invite; used up, expired and withdrawn ones too.
    UnknownInvite,
    /// 404: no such route or thing.
    NotFound,
    /// 405: the path exists, the method doesn't; holds the `Allow` header's value.
    MethodNotAllowed(String),
    /// 409: somebody has this very tag; holds it as `name#0001`.
    TagTaken(String),
    /// 409: all 9,999 discriminators of this name are held; holds the name.
    UsernameFull(String),
    /// 409: the idempotency key stands for another request.
    IdempotencyConflict,
    /// 409: the requester is a member already.
    AlreadyMember,
    /// 409: an owner can't leave; they hand over or delete.
    OwnerCannotLeave,
    /// 412: it is no longer what the change was meant for.
    PreconditionFailed,
    /// 413: holds the limit in bytes.
    BodyTooLarge(usize),
    /// 415: a `Content-Type` that isn't JSON.
    UnsupportedMediaType,
    /// 429: too often; holds how the requester stands, and so how long to wait.
    Limited(Standing),
    /// 500: what happened, for the log.
    Internal(String),
    /// 500: what was asked for is damaged; holds a sentence that says what to do.
    Damaged(String),
    /// 503: too much to do at the moment; nothing was written.
    Busy,
    /// 503: no room on the disk; nothing was written.
    StorageFull,
    /// 503: the server stops; nothing was written.
    ShuttingDown,
}

impl Error {
    /// One field at fault.
    #[must_use]
    pub fn field(field: impl Into<String>, problem: Problem) -> Self {
        Self::Invalid(vec![FieldError::new(field, problem)])
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) | Self::Malformed(_) => 400,
            Self::Unauthorized | Self::InvalidCredentials => 401,
            Self::Forbidden(_)
            | Self::AccountDisabled(_)
            | Self::NotOwner
            | Self::Blocked
            | Self::RegistrationClosed => 403,
            Self::UnknownUser
            | Self::UnknownChannel
            | Self::UnknownCommunity
            | Self::UnknownInvite
            | Self::NotFound => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::TagTaken(_)
            | Self::UsernameFull(_)
            | Self::IdempotencyConflict
            | Self::AlreadyMember
            | Self::OwnerCannotLeave => 409,
            Self::PreconditionFailed => 412,
            Self::BodyTooLarge(_) => 413,
            Self::UnsupportedMediaType => 415,
            Self::Limited(_) => 429,
            Self::Internal(_) | Self::Damaged(_) => 500,
            Self::Busy | Self::StorageFull | Self::ShuttingDown => 503,
        }
    }

    /// The code for programs; it never changes its meaning.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::Malformed(_) => "invalid_request",
            Self::Unauthorized => "unauthorized",
            Self::InvalidCredentials => "invalid_credentials",
            Self::Forbidden(_) => "forbidden",
            Self::AccountDisabled(_) => "account_disabled",
            Self::NotOwner => "not_owner",
            Self::Blocked => "blocked",
            Self::RegistrationClosed => "registration_closed",
            Self::UnknownUser => "unknown_user",
            Self::UnknownChannel => "unknown_channel",
            Self::UnknownCommunity => "unknown_community",
            Self::UnknownInvite => "unknown_invite",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::TagTaken(_) => "tag_taken",
            Self::UsernameFull(_) => "username_full",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::AlreadyMember => "already_member",
            Self::OwnerCannotLeave => "owner_cannot_leave",
            Self::PreconditionFailed => "precondition_failed",
            Self::BodyTooLarge(_) => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Limited(_) => "rate_limited",
            // Of the two codes for what went wrong inside, the one without a meaning of its own.
            Self::Internal(_) | Self::Damaged(_) => "internal",
            Self::Busy => "busy",
            Self::StorageFull => "storage_full",
            Self::ShuttingDown => "shutting_down",
        }
    }

    /// The sentence for a person; it says what to do.
    #[must_use]
    pub fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Invalid(fields) => match fields.as_slice() {
                [one] => return Cow::Owned(format!("{}: {}", one.field, one.message)),
                many if many.len() >= MOST_FAULTS => {
                    "Very many fields are at fault; `errors` says what is wrong with the first 100."
                }
                _ => "Some fields are at fault; `errors` says what is wrong with each.",
            },
            Self::Malformed(message) | Self::Damaged(message) => {
                return Cow::Owned(message.clone());
            }
            Self::Unauthorized => {
                "Nobody is logged in with this; send the header \"Authorization: Bearer <token>\" with a good token, or log in again on the page."
            }
            Self::InvalidCredentials => {
                "What you sent is not right, or the link is used up or expired; check what you typed, or ask an admin for a new link."
            }
            Self::Forbidden(message) => message,
            Self::AccountDisabled(None) => {
                "This account is disabled; an admin can enable it again."
            }
            Self::AccountDisabled(Some(reason)) => {
                return Cow::Owned(format!(
                    "This account is disabled; an admin can enable it again. The reason given: {reason}"
                ));
            }
            Self::NotOwner => "Only the owner may do this.",
            Self::Blocked => "This is not possible: somebody here has blocked you.",
            Self::RegistrationClosed => {
                "Registration here is closed or needs a good invite; ask an admin of this server for one."
            }
            Self::UnknownUser => "There is no such user.",
            Self::UnknownChannel => "There is no such channel, or it is not one of yours.",
            Self::UnknownCommunity => "There is no such community, or it is not one of yours.",
            Self::UnknownInvite => {
                "There is no such invite, or it is used up, expired or withdrawn; ask for a new one."
            }
            Self::NotFound => "There is nothing at this path, or nothing that is yours.",
            Self::MethodNotAllowed(allow) => {
                return Cow::Owned(format!(
                    "This path exists, but not with this method; it takes {allow}."
                ));
            }
            Self::TagTaken(tag) => {
                return Cow::Owned(format!(
                    "{tag} is taken; choose another discriminator or leave it out."
                ));
            }
            Self::UsernameFull(username) => {
                return Cow::Owned(format!(
                    "All 9,999 discriminators of {username} are taken; choose another username."
                ));
            }
            Self::IdempotencyConflict => {
                "This Idempotency-Key stands for another request of yours; take a new key for a new request."
            }
            Self::AlreadyMember => "That account is a member of the community already.",
            Self::OwnerCannotLeave => {
                "The owner can't leave; hand the community over or delete it."
            }
            Self::PreconditionFailed => {
                "This has changed since you read it, and nothing was written; read it again, and send the change with its new ETag if it still is right."
            }
            Self::BodyTooLarge(limit) => {
                return Cow::Owned(format!(
                    "The body is too large; this path takes {limit} bytes at most."
                ));
            }
            Self::UnsupportedMediaType => {
                "Send JSON, and say so: \"Content-Type: application/json\"."
            }
            Self::Limited(standing) => return Cow::Owned(too_often(standing)),
            Self::Internal(_) => {
                "Something went wrong inside the server; its log has the details under this answer's X-Request-Id."
            }
            Self::Busy => {
                "The server has too much to do at the moment; nothing was written, try again shortly."
            }
            Self::StorageFull => {
                "The server's disk is full; nothing was written. Its operator has to make room."
            }
            Self::ShuttingDown => {
                "The server is shutting down; nothing was written, try again shortly."
            }
        })
    }

    /// The fields at fault: empty but for 400, and 409 where a field can be named.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::TagTaken(tag) => {
                let discriminator = tag.rsplit('#').next().unwrap_or_default();
                let message = format!("{discriminator} is taken for this username.");
                vec![FieldError {
                    field: "discriminator".into(),
                    code: "taken",
                    message: message.into(),
                }]
            }
            Self::UsernameFull(_) => {
                let message = "All 9,999 discriminators of this username are taken.";
                vec![FieldError {
                    field: "username".into(),
                    code: "taken",
                    message: message.into(),
                }]
            }
            _ => Vec::new(),
        }
    }
}

/// What was too often, and until when.
fn too_often(standing: &Standing) -> String {
    let what = match standing.bucket {
        Bucket::Requests => "These are too many requests",
        Bucket::Renames => "The name was changed too often",
        Bucket::NewChannels => "Too many new channels were opened",
        Bucket::PasswordChecks | Bucket::AdminLogIns => "Too many passwords or links were tried",
        Bucket::Registrations => "Too many accounts were asked for from here",
        Bucket::UsernameChecks => "Too many names were asked about",
    };
    let seconds = standing.reset_after.as_millis().div_ceil(1_000);
    let (amount, unit) = match seconds {
        ..100 => (seconds, "second"),
        _ => (seconds.div_ceil(60), "minute"),
    };
    let plural = if amount == 1 { "" } else { "s" };
    format!("{what}; try again in {amount} {unit}{plural}.")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(detail) => f.write_str(detail),
            Self::Invalid(fields) if fields.len() > 1 => {
                let mut separator = "";
                for field in fields {
                    write!(f, "{separator}{}: {}", field.field, field.message)?;
                    separator = " ";
                }
                Ok(())
            }
            _ => f.write_str(&self.message()),
        }
    }
}

impl std::error::Error for Error {}

/// So many fields at fault are named at most.
pub const MOST_FAULTS: usize = 100;

/// One field at fault, as it stands in `errors`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's name; `recipient_ids[1]` for an element, `user.id` for a part of the path.
    pub field: String,
    /// For programs; it never changes its meaning.
    pub code: &'static str,
    /// A sentence for a person.
    #[schema(value_type = String)]
    pub message: Cow<'static, str>,
}

impl FieldError {
    /// A problem with the field it is in.
    #[must_use]
    pub fn new(field: impl Into<String>, problem: Problem) -> Self {
        Self {
            field: field.into(),
            code: problem.code,
            message: problem.message,
        }
    }
}

/// What is wrong with a value, before anybody knows which field it stands in: the error of every `FromStr` of the house.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// One of the contract's field codes (section 1, status 400).
    pub code: &'static str,
    /// A sentence for a person.
    pub message: Cow<'static, str>,
}

macro_rules! problems {
    ($($name:ident $doc:literal)*) => {
        impl Problem {
            /// All codes of fields at fault.
            pub const CODES: &[&str] = &[$(stringify!($name),)* "self", "taken"];

            $(
                #[doc = $doc]
                #[must_use]
                pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
                    Self { code: stringify!($name), message: message.into() }
                }
            )*
        }
    };
}

problems! {
    required "The field is missing."
    unknown_field "No such field here."
    wrong_type "Another JSON type, or another kind of text, is due."
    too_short "Too few characters or elements."
    too_long "Too many characters or elements."
    forbidden_character "A character that may not stand here."
    reserved "A name that nobody may have."
    out_of_range "A number or time outside what is allowed."
    duplicate "The same thing twice."
    not_allowed "Not for this requester, or not here."
    unknown_user "No such user, or one who was deleted."
}

impl Problem {
    /// The requester themself, where another person is due.
    #[must_use]
    pub fn oneself(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: "self",
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}
