//! Rows that most requests ask for, and pages of lists as they are answered with, kept in memory and exact: once a write was answered,
//! nobody is shown what was before it.
//!
//! The classic hole of such a cache is a reader that read the old row before a write and keeps it after the write has forgotten
//! it. So nothing is ever forgotten here; each row has a stamp, which a write moves on. A reader takes the stamp first, then reads,
//! then keeps what it read under that stamp; and what is kept counts only while its stamp is the current one. While a change is
//! being committed the stamp is odd, and neither found nor kept: so nobody is shown what is older than what somebody else saw. A page
//! has that of whose list it is and that of each row that it shows, which is taken before this row is read.
//!
//! It is a part of the adapter and no store in front of it: only the connection that writes is told which rows a commit changes, for
//! some of them nobody named, as those that a foreign key deletes.
//!
//! Of what another process changes nobody tells: somebody looks, and stamps count for so long after each look and no longer.

use std::hash::Hash;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Kept;
use super::stamps::{Stamp, Stamps, Subject};
use super::tally::Tally;
use crate::channels::DmPair;
use crate::clock::Timestamp;
use crate::communities::Community;
use crate::error::Result;
use crate::id::Id;
use crate::page::{Page, WrittenPage};
use crate::tokens::{SecretHash, UNUSED_END};
use crate::users::Account;

/// What the cache takes for a row beside the row itself, in bytes: its key's hash, its place in the queue of what is to go, its
/// share of tables that are never full.
const OVERHEAD: usize = 64;

/// What one row usually takes, in bytes: by this the cache reckons how many of those that had to go it remembers.
const ROW: u64 = 256;

/// What one page usually takes. (One that is larger than a part of the room is not kept: the cache makes four parts a core.)
const PAGE: u64 = 4_096;

/// Everything that is kept.
pub(super) struct Cached {
    pub(super) stamps: Arc<Stamps>,
    pub(super) tokens: Rows<SecretHash, Token>,
    pub(super) accounts: Rows<Id, Account>,
    pub(super) communities: Rows<Id, Community>,
    /// The DMs that both are shown.
    pub(super) dms: Rows<DmPair, Dm>,
    /// Pages of somebody's channels and communities.
    pub(super) pages: Rows<(List, Id, Page), KeptPage>,
}

impl Cached {
    /// Room for so many bytes of rows at most, of which accounts get half and the other three less than the rest; and for three quarters
    /// as many of pages.
    pub(super) fn new(bytes: u64) -> Self {
        let stamps = Arc::new(Stamps::new());
        Self {
            tokens: Rows::new(bytes / 8, ROW, stamps.clone()),
            accounts: Rows::new(bytes / 2, ROW, stamps.clone()),
            communities: Rows::new(bytes / 16, ROW, stamps.clone()),
            dms: Rows::new(bytes / 8, ROW, stamps.clone()),
            pages: Rows::new(bytes / 4 * 3, PAGE, stamps.clone()),
            stamps,
        }
    }

    /// How much it saves.
    pub(super) fn kept(&self) -> Kept {
        let parts = [
            self.tokens.kept(),
            self.accounts.kept(),
            self.communities.kept(),
            self.dms.kept(),
            self.pages.kept(),
        ];
        Kept {
            asked: parts.iter().map(|part| part.asked).sum(),
            read: parts.iter().map(|part| part.read).sum(),
        }
    }
}

/// A row that can be kept.
pub(super) trait Row: Clone {
    /// What changes when it does.
    fn subject(&self) -> Subject;
    /// Other rows that it shows, which it changes with as well, each with its stamp.
    fn shows(&self) -> &[(Id, Stamp)] {
        &[]
    }
    /// What it has outside of itself, in bytes.
    fn heap(&self) -> usize;
}

/// What a token's row says of whom it admits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) id: Id,
    pub(super) user: Id,
    /// Of a log-in: ends without use.
    pub(super) login: bool,
    /// To the hour.
    pub(super) last_used: Option<Timestamp>,
}

impl Token {
    /// Whether it admits nobody any more.
    pub(super) fn has_ended(&self, now: Timestamp) -> bool {
        self.login
            && self
                .last_used
                .is_none_or(|last| last <= now.before(UNUSED_END))
    }
}

impl Row for Token {
    fn subject(&self) -> Subject {
        Subject::Row(self.id)
    }

    fn heap(&self) -> usize {
        0
    }
}

impl Row for Account {
    fn subject(&self) -> Subject {
        Subject::Row(self.user.id)
    }

    fn heap(&self) -> usize {
        self.user.username.capacity() + self.reason.as_ref().map_or(0, String::capacity)
    }
}

impl Row for Community {
    fn subject(&self) -> Subject {
        Subject::Row(self.id)
    }

    fn heap(&self) -> usize {
        self.name.capacity()
    }
}

/// A pair's DM.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dm {
    pub(super) id: Id,
    pub(super) lower: Id,
}

impl Row for Dm {
    fn subject(&self) -> Subject {
        Subject::Whereabouts(self.lower)
    }

    fn heap(&self) -> usize {
        0
    }
}

/// Somebody's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum List {
    Channels,
    Communities,
}

/// A page of where somebody is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeptPage {
    pub(super) of: Id,
    /// The rows that it shows, each with the stamp that it had before it was read.
    pub(super) shows: Arc<[(Id, Stamp)]>,
    pub(super) written: WrittenPage,
}

impl Row for KeptPage {
    fn subject(&self) -> Subject {
        Subject::Whereabouts(self.of)
    }

    fn shows(&self) -> &[(Id, Stamp)] {
        &self.shows
    }

    fn heap(&self) -> usize {
        size_of_val(&*self.shows) + self.written.json.len()
    }
}

/// Rows or pages of one kind, by what they are asked for with; those that are asked for most stay.
pub(super) struct Rows<K, R> {
    kept: Cache<K, (Stamp, R), Weight>,
    stamps: Arc<Stamps>,
    /// How often one was asked for. Counted here and not by the cache, which would write into each row that it finds.
    asked: Tally,
    /// How often it was not found, or did not count any more.
    read: Tally,
}

impl<K: Hash + Eq, R: Row> Rows<K, R> {
    fn new(bytes: u64, usual: u64, stamps: Arc<Stamps>) -> Self {
        let usually = usize::try_from(bytes / usual).unwrap_or(usize::MAX);
        Self {
            kept: Cache::with_weighter(usually, bytes, Weight),
            stamps,
            asked: Tally::default(),
            read: Tally::default(),
        }
    }

    /// The row as it is, if it is kept.
    pub(super) fn get(&self, key: &K) -> Option<R> {
        self.asked.add_one();
        let found = self.kept.get(key);
        let current = found
            .filter(|(stamp, row)| self.stamps.are_current(row.subject(), *stamp, row.shows()));
        if current.is_none() {
            self.read.add_one();
        }
        current.map(|(_, row)| row)
    }

    /// How much this part saves.
    fn kept(&self) -> Kept {
        // First: whoever asks meanwhile may be counted among those that asked alone, and never among those that had to be read alone.
        let read = self.read.sum();
        let asked = self.asked.sum();
        Kept { asked, read }
    }

    /// Reads a row, and keeps it unless its subject may have changed meanwhile, or what it shows.
    ///
    /// # Errors
    /// Those of the read; nothing is kept then.
    pub(super) async fn keeping(
        &self,
        key: K,
        subject: Subject,
        read: impl Future<Output = Result<R>>,
    ) -> Result<R> {
        let stamp = self.stamps.of(subject);
        let row = read.await?;
        self.keep(key, stamp, row.clone());
        Ok(row)
    }

    /// Corrects what is kept of a row by what the row is about to say. Its stamp stays, so what has changed since is not kept by this.
    pub(super) fn amend(&self, key: K, amend: impl FnOnce(&mut R)) {
        if let Some((stamp, mut row)) = self.kept.peek(&key) {
            amend(&mut row);
            self.kept.insert(key, (stamp, row));
        }
    }

    fn keep(&self, key: K, stamp: Stamp, row: R) {
        let mut shown = row.shows().iter();
        if stamp.is_settled() && shown.all(|(_, stamp)| stamp.is_settled()) {
            self.kept.insert(key, (stamp, row));
        }
    }
}

/// What a row takes of the room that there is.
#[derive(Clone)]
struct Weight;

impl<K, R: Row> Weighter<K, (Stamp, R)> for Weight {
    fn weight(&self, _: &K, (_, row): &(Stamp, R)) -> u64 {
        let bytes = size_of::<K>() + size_of::<(Stamp, R)>() + row.heap() + OVERHEAD;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
