//! Communities: a name, an owner, members, and the invites that bring them in (contract, sections 2 and 3).

use async_trait::async_trait;
use serde::Serialize;
use utoipa::ToSchema;

pub use crate::accounts::Code;
use crate::clock::Timestamp;
use crate::error::{Problem, Result};
use crate::etag::Precondition;
use crate::fields::{Fields, Number};
use crate::id::Id;
use crate::idempotency::{Answer, Once};
use crate::images::{Image, ImageHash, Studio};
use crate::names::Name;
use crate::page::{Limits, Listing, Page, WrittenPage};
use crate::users::User;

/// How many communities a page of `GET /users/@me/communities` holds.
pub const COMMUNITIES: Limits = Limits {
    most: 200,
    default: 200,
};
/// How many members a page of `GET /communities/{community.id}/members` holds.
pub const MEMBERS: Limits = Limits {
    most: 1_000,
    default: 200,
};
/// How many invites a page of `GET /communities/{community.id}/invites` holds.
pub const INVITES: Limits = Limits {
    most: 200,
    default: 200,
};

/// A community as its members see it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Community {
    /// The community's id.
    pub id: Id,
    /// What it is called.
    pub name: String,
    /// The stored image.
    #[schema(required = true)]
    pub icon: Option<ImageHash>,
    /// Always one of its members.
    pub owner_id: Id,
}

/// An invite as the community's owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Invite {
    /// What the newcomer sends.
    pub code: Code,
    /// How many may join with it; null: any number.
    #[schema(required = true, format = Int64)]
    pub max_uses: Option<u32>,
    /// No good from then on; null: it does not expire.
    #[schema(required = true)]
    pub expires_at: Option<Timestamp>,
    /// How many joined with it.
    #[schema(format = Int64)]
    pub uses: u32,
}

impl Invite {
    /// Whether it can still be joined with.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.max_uses.is_none_or(|most| self.uses < most)
            && self.expires_at.is_none_or(|end| end > now)
    }
}

/// An invite as whoever has its code sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Invitation {
    /// The invite.
    #[serde(flatten)]
    pub invite: Invite,
    /// Where it leads.
    pub community: Community,
}

/// The body of `POST /communities`.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCommunity {
    /// What it is called.
    pub name: Name,
    /// Its image.
    pub icon: Option<Image>,
}

impl NewCommunity {
    /// # Errors
    /// `Invalid` with every field at fault; with `icon` alone where only decoding it shows that; `Busy` as the studio.
    pub async fn parse(mut body: Fields, studio: &Studio) -> Result<Self> {
        let name = body.required("name");
        let icon = body.nullable("icon");
        body.finish()?;
        Ok(Self {
            name: name?,
            icon: studio.develop_change(icon?, "icon").await?.flatten(),
        })
    }
}

/// What the owner changes of a community; what is left out stays.
#[derive(Debug, Clone, PartialEq)]
pub struct CommunityChange {
    /// The new name.
    pub name: Option<Name>,
    /// The new owner, a member.
    pub owner_id: Option<Id>,
    /// The new image, or none any more.
    pub icon: Option<Option<Image>>,
}

impl CommunityChange {
    /// Reads the body of `PATCH /communities/{community.id}`.
    ///
    /// # Errors
    /// As [`NewCommunity::parse`].
    pub async fn parse(mut body: Fields, studio: &Studio) -> Result<Self> {
        let name = body.optional("name");
        let owner_id = body.optional("owner_id");
        let icon = body.nullable("icon");
        body.finish()?;
        Ok(Self {
            name: name?,
            owner_id: owner_id?,
            icon: studio.develop_change(icon?, "icon").await?,
        })
    }
}

/// The body of `POST /communities/{community.id}/invites`.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInvite {
    /// 1 to 4294967295.
    pub max_uses: Option<u32>,
    /// In the future.
    pub expires_at: Option<Timestamp>,
}

impl NewInvite {
    /// # Errors
    /// `Invalid` with every field at fault.
    pub fn parse(mut body: Fields, now: Timestamp) -> Result<Self> {
        let max_uses = body.nullable::<Number>("max_uses").and_then(|given| {
            given
                .flatten()
                .map(|Number(number)| u32::try_from(number).ok().filter(|uses| *uses > 0))
                .map_or(Ok(None), |uses| {
                    let problem =
                        || Problem::out_of_range("An invite is for 1 to 4294967295 uses.");
                    uses.ok_or_else(|| body.fault("max_uses", problem()))
                        .map(Some)
                })
        });
        let expires_at = body
            .nullable::<Timestamp>("expires_at")
            .map(Option::flatten);
        if let Ok(Some(moment)) = expires_at
            && moment <= now
        {
            body.fault(
                "expires_at",
                Problem::out_of_range("This time has passed already."),
            );
        }
        body.finish()?;
        Ok(Self {
            max_uses: max_uses?,
            expires_at: expires_at?,
        })
    }
}

/// What the store does with communities. Each method is one transaction; every one can fail with `Busy`, `StorageFull`,
/// `ShuttingDown` and `Internal`, and then nothing was written. `requester` is the account that asks: a write of one that was
/// deleted or disabled since it was admitted fails with `Unauthorized` or `AccountDisabled`. A community the requester is no
/// member of is `UnknownCommunity`; what only its owner may do is `NotOwner` for other members. What is made `once` and was made
/// before is not made again, and answers as it did then; a key of another request is `IdempotencyConflict`. What is no version that a
/// precondition names does not change: `PreconditionFailed`.
#[async_trait]
#[allow(clippy::too_many_arguments)] // ids, codes and moments are not made in there
pub trait Communities: Send + Sync {
    /// Makes a community with this id; the requester owns it and is its first member.
    ///
    /// # Errors
    /// Those of every write.
    async fn create_community(
        &self,
        requester: Id,
        new: NewCommunity,
        id: Id,
        once: Option<Once>,
    ) -> Result<Answer<Community>>;

    /// A community the requester is a member of.
    ///
    /// # Errors
    /// `UnknownCommunity`.
    async fn community(&self, requester: Id, id: Id) -> Result<Community>;

    /// The requester's communities, ascending by id: [`Community`]s as they are answered with, so that a page of which
    /// nothing has changed need not be made again.
    ///
    /// # Errors
    /// None of its own.
    async fn communities(&self, requester: Id, page: Page) -> Result<WrittenPage>;

    /// Changes it; owner only.
    ///
    /// # Errors
    /// `UnknownCommunity`, `NotOwner`; `Invalid` if the new owner is no member.
    async fn modify_community(
        &self,
        requester: Id,
        id: Id,
        change: CommunityChange,
        precondition: Precondition,
    ) -> Result<Community>;

    /// Deletes it with its memberships and invites; owner only.
    ///
    /// # Errors
    /// `UnknownCommunity`, `NotOwner`.
    async fn delete_community(
        &self,
        requester: Id,
        id: Id,
        precondition: Precondition,
    ) -> Result<()>;

    /// Ends the requester's membership.
    ///
    /// # Errors
    /// `UnknownCommunity`; `OwnerCannotLeave`.
    async fn leave_community(&self, requester: Id, id: Id) -> Result<()>;

    /// Its members, ascending by id; members only.
    ///
    /// # Errors
    /// `UnknownCommunity`.
    async fn members(&self, requester: Id, id: Id, page: Page) -> Result<Listing<User>>;

    /// Ends somebody's membership; owner only. Oneself: as `leave_community`.
    ///
    /// # Errors
    /// `UnknownCommunity`, `NotOwner`, `OwnerCannotLeave`; `UnknownUser` if they are no member.
    async fn remove_member(&self, requester: Id, id: Id, user: Id) -> Result<()>;

    /// Makes an invite; owner only. `key` is a fresh id that orders the community's invites. Drops those of the community that
    /// are used up or have expired.
    ///
    /// # Errors
    /// `UnknownCommunity`, `NotOwner`.
    async fn create_invite(
        &self,
        requester: Id,
        id: Id,
        new: NewInvite,
        key: Id,
        code: Code,
        now: Timestamp,
        once: Option<Once>,
    ) -> Result<Answer<Invite>>;

    /// The invites that are good, in the order they were made; owner only.
    ///
    /// # Errors
    /// `UnknownCommunity`, `NotOwner`.
    async fn invites(
        &self,
        requester: Id,
        id: Id,
        page: Page,
        now: Timestamp,
    ) -> Result<Listing<Invite>>;

    /// Where a code leads.
    ///
    /// # Errors
    /// `UnknownInvite` for used up, expired and withdrawn ones too.
    async fn invite(&self, code: Code, now: Timestamp) -> Result<Invitation>;

    /// Makes the requester a member and counts the use, both or neither. `since` is a fresh id: it orders the members by how
    /// long they have been there.
    ///
    /// # Errors
    /// `UnknownInvite` as `invite`; `AlreadyMember`.
    async fn join(
        &self,
        requester: Id,
        code: Code,
        since: Id,
        now: Timestamp,
        once: Option<Once>,
    ) -> Result<Answer<Community>>;

    /// Withdraws an invite; owner only.
    ///
    /// # Errors
    /// `UnknownInvite` as `invite`; `NotOwner` for everybody else who has the code.
    async fn withdraw_invite(&self, requester: Id, code: Code, now: Timestamp) -> Result<()>;
}
