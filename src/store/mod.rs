//! The store: everything that lasts. One trait, made of the topics' own; one adapter, [`sqlite`].
//!
//! A method is one whole operation in one transaction. It can be run again from the start, so nothing outside the store happens
//! in it: ids, moments and randomness come in as arguments.

mod cached;
pub mod sqlite;
mod stamps;
mod tally;

use async_trait::async_trait;

use crate::accounts::Accounts;
use crate::admins::Admins;
use crate::blocks::Blocks;
use crate::channels::Channels;
use crate::clock::Timestamp;
use crate::communities::Communities;
use crate::error::Result;
use crate::id::Id;
use crate::images::Images;
use crate::users::Users;

/// How busy the writer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Writes that wait at this moment.
    pub waiting: usize,
    /// Writes since the start.
    pub writes: u64,
    /// Commits since the start, by how many writes shared each: up to 1, 2, 4 ... 256, and more.
    pub batches: [u64; 10],
}

/// How often what is kept in memory was enough: of users, tokens, communities, DMs, and pages of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Rows and pages that were asked for since the start.
    pub asked: u64,
    /// Those of them that had to be read.
    pub read: u64,
}

/// A store for the whole server.
#[async_trait]
pub trait Store: Users + Accounts + Channels + Communities + Blocks + Images + Admins {
    /// The highest id ever recorded, those of deleted rows included; [`Id::MIN`] in an empty store.
    ///
    /// # Errors
    /// Those of every read: `Busy`, `Internal`.
    async fn highest_id(&self) -> Result<Id>;

    /// Drops some of what has ended and nobody asks for any more; tells whether there may be more of it.
    ///
    /// # Errors
    /// Those of every write.
    async fn sweep(&self, now: Timestamp) -> Result<bool>;

    /// How busy the writer is; known without asking the file.
    fn work(&self) -> Work;

    /// How much the cache saves; known without asking the file.
    fn kept(&self) -> Kept;

    /// Whether reads and writes are answered.
    ///
    /// # Errors
    /// What stands against it: `Busy`, `StorageFull`, `ShuttingDown`, `Internal`.
    async fn ping(&self) -> Result<()>;
}
