//! Users: who they are, what tells two of them apart, and the rules of both (contract, sections 2 and 4).

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::accounts::{Code, NewToken, PasswordHash};
use crate::clock::Timestamp;
pub use crate::discriminators::{Discriminator, Taken};
use crate::error::{FieldError, Problem, Result};
use crate::etag::Precondition;
use crate::fields::Fields;
pub use crate::flags::{Flag, Flags};
use crate::id::Id;
use crate::images::{Image, ImageHash, Studio};
use crate::limits::Allowance;
use crate::names::{DELETED_USER, Username};

/// A user as everybody sees them: exactly these five fields, in this order. It can't hold a token or a hash.
#[derive(Debug, Clone, PartialEq, ToSchema)]
pub struct User {
    /// The user's id.
    pub id: Id,
    /// The name as it is shown; `Deleted User` for a tombstone.
    #[schema(example = "NamesAreHardOkay?")]
    pub username: String,
    /// Four digits; `0000` for a tombstone and nobody else.
    #[schema(value_type = Discriminator)]
    pub discriminator: Option<Discriminator>,
    /// The stored image.
    #[schema(required = true)]
    pub avatar: Option<ImageHash>,
    /// Ascending, no duplicates.
    pub flags: Flags,
}

impl User {
    /// What is left of a deleted account (contract, section 4, "DM").
    #[must_use]
    pub fn tombstone(id: Id) -> Self {
        Self {
            id,
            username: DELETED_USER.into(),
            discriminator: None,
            avatar: None,
            flags: Flags::default(),
        }
    }

    /// Whether the account was deleted.
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        self.discriminator.is_none()
    }
}

impl fmt::Display for User {
    /// The tag: `name#0001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}#{:04}",
            self.username,
            self.discriminator.map_or(0, Discriminator::number)
        )
    }
}

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut user = serializer.serialize_struct("User", 5)?;
        user.serialize_field("id", &self.id)?;
        user.serialize_field("username", &self.username)?;
        match self.discriminator {
            Some(discriminator) => user.serialize_field("discriminator", &discriminator)?,
            None => user.serialize_field("discriminator", "0000")?,
        }
        user.serialize_field("avatar", &self.avatar)?;
        user.serialize_field("flags", &self.flags)?;
        user.end()
    }
}

/// A name and its discriminator, `name#0001`: what a person knows of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The name; compared by its key.
    pub username: Username,
    /// The number behind it.
    pub discriminator: Discriminator,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.username, self.discriminator)
    }
}

impl FromStr for Tag {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let (username, discriminator) = text.rsplit_once('#').ok_or_else(|| {
            Problem::wrong_type("A tag is a username, # and four digits: name#0001.")
        })?;
        Ok(Self {
            username: username.parse()?,
            discriminator: discriminator.parse()?,
        })
    }
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its id, fresh from the generator.
    pub id: Id,
    /// Its name.
    pub username: Username,
    /// This very one, or one drawn.
    pub discriminator: Option<Discriminator>,
    /// The random number that draws it.
    pub random: u64,
    /// Its flags.
    pub flags: Flags,
    /// Without one nobody can log in; tokens work.
    pub password: Option<PasswordHash>,
    /// A first token.
    pub token: Option<NewToken>,
}

/// What a user changes of themself; what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The new name.
    pub username: Option<Username>,
    /// The new discriminator.
    pub discriminator: Option<Discriminator>,
    /// The new image, or none any more.
    pub avatar: Option<Option<Image>>,
}

impl Change {
    /// Reads the body of `PATCH /users/@me`.
    ///
    /// # Errors
    /// `Invalid` with every field at fault; with `avatar` alone where only decoding it shows that; `Busy` as the studio.
    pub async fn parse(mut body: Fields, studio: &Studio) -> Result<Self> {
        let username = body.optional("username");
        let discriminator = body.optional("discriminator");
        let avatar = body.nullable("avatar");
        body.refuse("flags", "Flags are changed by an admin only.");
        body.finish()?;
        Ok(Self {
            username: username?,
            discriminator: discriminator?,
            avatar: studio.develop_change(avatar?, "avatar").await?,
        })
    }

    /// Whether the tag is to change.
    #[must_use]
    pub fn renames(&self) -> bool {
        self.username.is_some() || self.discriminator.is_some()
    }
}

/// The query of `GET /usernames/check`: what somebody typed, allowed or not.
pub struct UsernameQuery {
    /// The name, or the rule that forbids it.
    pub username: Result<Username, Problem>,
    /// The instance invite of a newcomer.
    pub invite: Option<Code>,
}

impl UsernameQuery {
    /// # Errors
    /// `Invalid` if there is no name at all.
    pub fn parse(mut query: Fields) -> Result<Self> {
        let username = query.required::<Typed>("username");
        let invite = query.optional("invite");
        query.finish_known()?;
        Ok(Self {
            username: username?.0,
            invite: invite?,
        })
    }
}

/// A username as it was typed: that it is not allowed is an answer here, and no fault of the query.
struct Typed(Result<Username, Problem>);

impl FromStr for Typed {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.parse()))
    }
}

/// Who asks which discriminators of a name are free.
#[derive(Debug, Clone)]
pub enum Asker {
    /// Somebody with an account here.
    Account,
    /// Somebody who wants one, with an instance invite if they have one.
    Newcomer(Option<Code>),
}

/// What there is to say about a username that somebody thinks of.
#[derive(Serialize, ToSchema)]
pub struct UsernameCheck {
    /// The name as it would be shown; null where it is not allowed.
    #[schema(required = true)]
    pub username: Option<String>,
    /// Whether the rules allow it.
    pub allowed: bool,
    /// The rule that forbids it.
    pub errors: Vec<FieldError>,
    /// How many have it. Null, like the next two, where the name is not allowed or the asker is not told.
    #[schema(required = true)]
    pub holders: Option<u16>,
    /// How many more could.
    #[schema(required = true)]
    pub free: Option<u16>,
    /// Which discriminators are taken: bit n of 10,000 stands for n, the lowest bit of a byte first, in 2,500 hex digits.
    #[schema(value_type = Option<String>, required = true, pattern = "^[0-9a-f]{2500}$")]
    pub taken: Option<Taken>,
}

impl UsernameCheck {
    /// A name that is allowed, and which of its discriminators are taken where the asker is told.
    #[must_use]
    pub fn allowed(username: &Username, taken: Option<Taken>) -> Self {
        let holders = taken.as_ref().map(Taken::count);
        Self {
            username: Some(username.to_string()),
            allowed: true,
            errors: Vec::new(),
            holders,
            free: holders.map(|holders| Discriminator::COUNT - holders),
            taken,
        }
    }

    /// A name that is not, and why.
    #[must_use]
    pub fn forbidden(problem: Problem) -> Self {
        Self {
            username: None,
            allowed: false,
            errors: vec![FieldError::new("username", problem)],
            holders: None,
            free: None,
            taken: None,
        }
    }
}

/// An account as its operator sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Account {
    /// The user.
    pub user: User,
    /// Whether an admin has disabled it.
    pub disabled: bool,
    /// Why, if the admin said so.
    #[schema(required = true)]
    pub reason: Option<String>,
}

impl Account {
    /// What is left of a deleted one.
    #[must_use]
    pub fn tombstone(id: Id) -> Self {
        Self {
            user: User::tombstone(id),
            disabled: false,
            reason: None,
        }
    }
}

/// What the store does with users. Each method is one transaction; every one can fail with `Busy`, `StorageFull`,
/// `ShuttingDown` and `Internal`, and then nothing was written.
#[async_trait]
pub trait Users: Send + Sync {
    /// The user or the tombstone with this id.
    ///
    /// # Errors
    /// `UnknownUser` if the id was never a user's.
    async fn user(&self, id: Id) -> Result<User>;

    /// The user who holds this tag, by the name's key.
    ///
    /// # Errors
    /// `UnknownUser`.
    async fn user_by_tag(&self, tag: Tag) -> Result<User>;

    /// The account with this id, tombstones excepted.
    ///
    /// # Errors
    /// `UnknownUser`.
    async fn account(&self, id: Id) -> Result<Account>;

    /// Which discriminators of a name are taken; `None` for a newcomer who could not register at this moment: to them it is not
    /// told who is here.
    ///
    /// # Errors
    /// None of its own.
    async fn taken(
        &self,
        username: Username,
        asker: Asker,
        now: Timestamp,
    ) -> Result<Option<Taken>>;

    /// Changes name, discriminator or avatar. A name alone keeps the discriminator where that is free and draws another one, by
    /// `random`, where it isn't; a discriminator given is that very one. What the user has already is no change.
    ///
    /// # Errors
    /// `PreconditionFailed` if the user is no such version; `TagTaken`, `UsernameFull`; `Limited` if the tag was changed as often as the allowance goes; `Unauthorized` or `AccountDisabled` if the account is not what it was when it was admitted.
    async fn modify_user(
        &self,
        id: Id,
        change: Change,
        precondition: Precondition,
        random: u64,
        allowance: Option<Allowance>,
    ) -> Result<User>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_name_hash_and_four_digits() {
        let tag: Tag = "NamesAreHardOkay?#0001".parse().unwrap();
        assert_eq!(tag.to_string(), "NamesAreHardOkay?#0001");
        for (text, code) in [
            ("name", "wrong_type"),
            ("#0001", "too_short"),
            ("a#1", "too_short"),
            ("a#b#0001", "forbidden_character"),
        ] {
            assert_eq!(text.parse::<Tag>().unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn a_user_is_the_seeds_five_fields_in_order() {
        let id = "42388375784780768".parse().unwrap();
        let user = User {
            id,
            username: "NamesAreHardOkay?".into(),
            discriminator: Discriminator::new(1),
            avatar: None,
            flags: [Flag::Bot, Flag::Developer].into_iter().collect(),
        };
        assert_eq!(
            serde_json::to_string(&user).unwrap(),
            r#"{"id":"42388375784780768","username":"NamesAreHardOkay?","discriminator":"0001","avatar":null,"flags":[1,10]}"#
        );
        assert_eq!(
            serde_json::to_string(&User::tombstone(id)).unwrap(),
            r#"{"id":"42388375784780768","username":"Deleted User","discriminator":"0000","avatar":null,"flags":[]}"#
        );
    }

    #[tokio::test]
    async fn a_patch_that_names_flags_is_not_allowed() {
        let body = Fields::parse(br#"{"flags": [1]}"#).unwrap();
        let error = Change::parse(body, &Studio::new(1)).await.unwrap_err();
        assert_eq!(error.fields()[0].code, "not_allowed");
    }
}
