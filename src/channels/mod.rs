//! Channels: direct messages between two people, of which there is one for ever, and groups (contract, sections 2 and 4).

use async_trait::async_trait;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::error::{Error, FieldError, Problem, Result};
use crate::etag::Precondition;
use crate::fields::{Fields, Number};
use crate::id::Id;
use crate::idempotency::{Answer, Terms};
use crate::names::Name;
use crate::page::{Limits, Page, WrittenPage};
use crate::users::User;

/// How many channels a page of `GET /users/@me/channels` holds.
pub const CHANNELS: Limits = Limits {
    most: 1_000,
    default: 200,
};

/// A channel as one of its participants sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// The channel's id.
    pub id: Id,
    /// What only one of the two kinds has.
    pub kind: Kind,
    /// The participants other than the one who sees it, ascending by id.
    pub recipients: Vec<User>,
}

/// The two kinds of channels.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A direct message, type 2.
    Dm,
    /// A group, type 3.
    Group {
        /// What its participants call it.
        name: Option<String>,
        /// Who may remove others and hand it over.
        owner_id: Id,
    },
}

/// The number of a DM's type.
pub const DM: i64 = 2;
/// The number of a group's type.
pub const GROUP: i64 = 3;

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut channel = serializer.serialize_struct("Channel", 6)?;
        channel.serialize_field("id", &self.id)?;
        match &self.kind {
            Kind::Dm => channel.serialize_field("type", &DM)?,
            Kind::Group { name, owner_id } => {
                channel.serialize_field("type", &GROUP)?;
                channel.serialize_field("name", name)?;
                channel.serialize_field("owner_id", owner_id)?;
            }
        }
        channel.serialize_field("recipient_ids", &Ids(&self.recipients))?;
        channel.serialize_field("recipients", &self.recipients)?;
        channel.end()
    }
}

/// The ids of these users, in their order.
struct Ids<'a>(&'a [User]);

impl Serialize for Ids<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|user| user.id))
    }
}

/// The two people of a DM, the lower id first: the key that makes it one for ever, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DmPair {
    lower: Id,
    higher: Id,
}

impl DmPair {
    /// The pair of two people, in either order.
    ///
    /// # Errors
    /// `self` if they are one.
    pub fn new(one: Id, other: Id) -> Result<Self, Problem> {
        if one == other {
            return Err(Problem::oneself("A DM is with somebody else."));
        }
        Ok(Self {
            lower: one.min(other),
            higher: one.max(other),
        })
    }

    /// The lower id.
    #[must_use]
    pub fn lower(self) -> Id {
        self.lower
    }

    /// The higher id.
    #[must_use]
    pub fn higher(self) -> Id {
        self.higher
    }

    /// The one of the two that is not this one.
    #[must_use]
    pub fn other(self, one: Id) -> Id {
        if one == self.lower {
            self.higher
        } else {
            self.lower
        }
    }
}

/// A group to be made: whom the requester brings in, and its name.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGroup {
    /// 2 or more, none twice, none the requester; in the order given.
    pub recipient_ids: Vec<Id>,
    /// What it is called.
    pub name: Option<Name>,
}

/// The body of `POST /users/@me/channels`.
#[derive(Debug, Clone, PartialEq)]
pub enum NewChannel {
    /// Type 2.
    Dm(DmPair),
    /// Type 3.
    Group(NewGroup),
}

impl NewChannel {
    /// Reads the body for this requester. `group_max` is how many people a group holds, the requester included.
    ///
    /// # Errors
    /// `Invalid` with every field at fault.
    pub fn parse(mut body: Fields, requester: Id, group_max: usize) -> Result<Self> {
        match body.required::<Number>("type") {
            Ok(Number(DM)) => Self::parse_dm(body, requester),
            Ok(Number(GROUP)) => Self::parse_group(body, requester, group_max),
            other => {
                if other.is_ok() {
                    body.fault(
                        "type",
                        Problem::out_of_range("The type is 2 (DM) or 3 (group DM)."),
                    );
                }
                // Whether these belong here is for the type to say.
                for field in ["recipient_id", "recipient_ids", "name"] {
                    body.ignore(field);
                }
                Err(body.finish().err().unwrap_or(Error::NotFound))
            }
        }
    }

    fn parse_dm(mut body: Fields, requester: Id) -> Result<Self> {
        let pair = body.required::<Id>("recipient_id").and_then(|recipient| {
            DmPair::new(requester, recipient).map_err(|problem| body.fault("recipient_id", problem))
        });
        body.finish()?;
        Ok(Self::Dm(pair?))
    }

    fn parse_group(mut body: Fields, requester: Id, group_max: usize) -> Result<Self> {
        let recipient_ids = body.list::<Id>("recipient_ids");
        let name = body.nullable::<Name>("name");
        if let Ok(ids) = &recipient_ids {
            check_recipients(&mut body, ids, requester, group_max);
        }
        body.finish()?;
        Ok(Self::Group(NewGroup {
            recipient_ids: recipient_ids?,
            name: name?.flatten(),
        }))
    }
}

fn check_recipients(body: &mut Fields, ids: &[Id], requester: Id, group_max: usize) {
    let field = "recipient_ids";
    match ids.len() {
        0 => {
            body.fault(
                field,
                Problem::too_short("A group has 2 recipients at least."),
            );
        }
        1 => {
            let message =
                "A group has 2 recipients at least; for one recipient use type 2 and recipient_id.";
            body.fault(field, Problem::too_short(message));
        }
        count if count >= group_max => {
            let message = format!("A group has {} recipients at most.", group_max - 1);
            body.fault(field, Problem::too_long(message));
        }
        _ => {}
    }
    // Of more than there may be, the rest says nothing new.
    for (index, id) in ids.iter().enumerate().take(group_max) {
        let element = format!("{field}[{index}]");
        if *id == requester {
            body.fault(
                &element,
                Problem::oneself("You are in the group anyway; leave yourself out."),
            );
        } else if ids[..index].contains(id) {
            body.fault(
                &element,
                Problem::duplicate("This recipient stands in the list already."),
            );
        }
    }
}

/// What a participant changes of a group; what is left out stays.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelChange {
    /// The new name; `Some(None)` takes it away.
    pub name: Option<Option<Name>>,
    /// The new owner; only the present one may say so.
    pub owner_id: Option<Id>,
}

impl ChannelChange {
    /// Reads the body of `PATCH /channels/{channel.id}`.
    ///
    /// # Errors
    /// `Invalid` with every field at fault.
    pub fn parse(mut body: Fields) -> Result<Self> {
        let name = body.nullable("name");
        let owner_id = body.optional("owner_id");
        body.finish()?;
        Ok(Self {
            name: name?,
            owner_id: owner_id?,
        })
    }
}

/// The error for recipients who don't exist or were deleted; `indexes` into `recipient_ids`.
#[must_use]
pub fn unknown_recipients(indexes: impl IntoIterator<Item = usize>) -> Error {
    let fault = |index| FieldError::new(format!("recipient_ids[{index}]"), unknown_recipient());
    Error::Invalid(indexes.into_iter().map(fault).collect())
}

/// What is wrong with a recipient who doesn't exist or was deleted.
#[must_use]
pub fn unknown_recipient() -> Problem {
    Problem::unknown_user("There is no such user.")
}

/// What the store does with channels. Each method is one transaction; every one can fail with `Busy`, `StorageFull`,
/// `ShuttingDown` and `Internal`, and then nothing was written. `requester` is the account that asks: a write of one that was
/// deleted or disabled since it was admitted fails with `Unauthorized` or `AccountDisabled`. What the requester is shown of a channel
/// is the version that a precondition is held against; `PreconditionFailed` if it is another.
#[async_trait]
pub trait Channels: Send + Sync {
    /// The pair's DM as the requester, one of the two, sees it; made with this id if there is none. For whom it was hidden it
    /// is shown again. One that stands and is shown to both is found by a read and never waits for the writer.
    ///
    /// # Errors
    /// If there is none yet: `Invalid` (`unknown_user`) if the other one doesn't exist or was deleted, `Blocked` if they have
    /// blocked the requester.
    async fn open_dm(
        &self,
        requester: Id,
        pair: DmPair,
        id: Id,
        terms: Terms,
    ) -> Result<Answer<Channel>>;

    /// Makes a group of the requester, who owns it, and the recipients.
    ///
    /// # Errors
    /// `Invalid` (`unknown_user`) with each recipient who doesn't exist or was deleted; `Blocked` if one has blocked the
    /// requester.
    async fn create_group(
        &self,
        requester: Id,
        group: NewGroup,
        id: Id,
        terms: Terms,
    ) -> Result<Answer<Channel>>;

    /// A channel the requester takes part in.
    ///
    /// # Errors
    /// `UnknownChannel`.
    async fn channel(&self, requester: Id, id: Id) -> Result<Channel>;

    /// The requester's channels but for hidden DMs, newest first: [`Channel`]s as they are answered with, so that a page of which
    /// nothing has changed need not be made again.
    ///
    /// # Errors
    /// None of its own.
    async fn channels(&self, requester: Id, page: Page) -> Result<WrittenPage>;

    /// Changes a group.
    ///
    /// # Errors
    /// `UnknownChannel`; `Forbidden` for a DM; `NotOwner` if `owner_id` is given by somebody else; `Invalid` if the new owner
    /// doesn't take part.
    async fn modify_channel(
        &self,
        requester: Id,
        id: Id,
        change: ChannelChange,
        precondition: Precondition,
    ) -> Result<Channel>;

    /// Hides a DM for the requester, or leaves a group: an owner's place goes to the longest-standing participant, the last to
    /// leave deletes it.
    ///
    /// # Errors
    /// `UnknownChannel`.
    async fn leave_channel(&self, requester: Id, id: Id, precondition: Precondition) -> Result<()>;

    /// Brings somebody into a group of at most `group_max` people; who is in it already stays, since when they were. `since`
    /// is a fresh id: it orders the participants by how long they have been there.
    ///
    /// # Errors
    /// `UnknownChannel`; `Forbidden` for a DM; `UnknownUser`; `Blocked` if they have blocked the requester; `Invalid`
    /// (`out_of_range`) if the group is full.
    async fn add_recipient(
        &self,
        requester: Id,
        id: Id,
        user: Id,
        since: Id,
        group_max: usize,
    ) -> Result<()>;

    /// Takes somebody out of a group. Oneself: as `leave_channel`.
    ///
    /// # Errors
    /// `UnknownChannel`; `Forbidden` for a DM; `NotOwner`; `UnknownUser` if they don't take part.
    async fn remove_recipient(&self, requester: Id, id: Id, user: Id) -> Result<()>;
}

#[cfg(test)]
mod tests;
