//! Blocks: whom somebody does not want to hear from (contract, section 3). They are nobody else's to see.

use async_trait::async_trait;

use crate::error::{Problem, Result};
use crate::id::Id;
use crate::page::{Limits, Listing, Page};
use crate::users::User;

/// How many users a page of `GET /users/@me/blocks` holds.
pub const BLOCKS: Limits = Limits {
    most: 1_000,
    default: 200,
};

/// Somebody else than the requester.
///
/// # Errors
/// `self` if they are one.
pub fn somebody_else(requester: Id, other: Id) -> Result<Id, Problem> {
    if requester == other {
        Err(Problem::oneself("Nobody blocks themself."))
    } else {
        Ok(other)
    }
}

/// What the store does with blocks. Each method is one transaction; every one can fail with `Busy`, `StorageFull`,
/// `ShuttingDown` and `Internal`, and then nothing was written. A write of an account that was deleted or disabled since it was
/// admitted fails with `Unauthorized` or `AccountDisabled`.
#[async_trait]
pub trait Blocks: Send + Sync {
    /// Whom the requester has blocked, ascending by id.
    ///
    /// # Errors
    /// None of its own.
    async fn blocks(&self, requester: Id, page: Page) -> Result<Listing<User>>;

    /// Whether the requester has blocked this user.
    ///
    /// # Errors
    /// None of its own.
    async fn has_blocked(&self, requester: Id, user: Id) -> Result<bool>;

    /// Blocks a user: from then on they open no new DM with the requester and bring them into no group. What stands, stays.
    /// Blocking twice is blocking once.
    ///
    /// # Errors
    /// `UnknownUser`, for tombstones too.
    async fn block(&self, requester: Id, user: Id) -> Result<()>;

    /// Takes that back, and changes nothing else. Whoever isn't blocked stays so.
    ///
    /// # Errors
    /// Those of every write.
    async fn unblock(&self, requester: Id, user: Id) -> Result<()>;
}
