//! Rows and lists that most requests ask for, kept in memory and exact: once a write was answered, nobody is shown what was before it.
//!
//! The classic hole of such a cache is a reader that read the old row before a write and keeps it after the write has forgotten
//! it. So nothing is ever forgotten here; each row has a stamp, which a write moves on. A reader takes the stamp first, then reads,
//! then keeps what it read under that stamp; and what is kept counts only while its stamp is the current one. While a change is
//! being committed the stamp is odd, and neither found nor kept: so nobody is shown what is older than what somebody else saw.
//!
//! Of what another process changes nobody tells: somebody looks, and stamps count for so long after each look and no longer.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Kept;
use super::stamps::{Stamp, Stamps, Subject};
use crate::channels::DmPair;
use crate::clock::Timestamp;
use crate::communities::Community;
use crate::error::Result;
use crate::id::Id;
use crate::page::{Listing, Page};
use crate::tokens::{SecretHash, UNUSED_END};
use crate::users::Account;

/// What the cache takes for a row beside the row itself, in bytes: its key's hash, its place in the queue of what is to go, its
/// share of tables that are never full.
const OVERHEAD: usize = 64;

/// What one row usually takes, in bytes.
const USUAL: u64 = 256;

/// Everything that is kept.
pub(super) struct Cached {
    pub(super) stamps: Arc<Stamps>,
    pub(super) tokens: Rows<SecretHash, Token>,
    pub(super) accounts: Rows<Id, Account>,
    pub(super) communities: Rows<Id, Community>,
    /// The DMs that both are shown.
    pub(super) dms: Rows<DmPair, Dm>,
    /// Pages of somebody's channels and communities.
    pub(super) channel_pages: Rows<(Id, Page), Listed<Entry>>,
    pub(super) community_pages: Rows<(Id, Page), Listed<Id>>,
}

impl Cached {
    /// Room for so many bytes: half of them for accounts, which every list shares.
    pub(super) fn new(bytes: u64) -> Self {
        let stamps = Arc::new(Stamps::new());
        Self {
            tokens: Rows::new(bytes / 8, stamps.clone()),
            accounts: Rows::new(bytes / 2, stamps.clone()),
            communities: Rows::new(bytes / 16, stamps.clone()),
            dms: Rows::new(bytes / 8, stamps.clone()),
            channel_pages: Rows::new(bytes / 8, stamps.clone()),
            community_pages: Rows::new(bytes / 16, stamps.clone()),
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
            self.channel_pages.kept(),
            self.community_pages.kept(),
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

/// A channel in somebody's list. People are ids in it, for each has a row of their own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    Dm { id: Id, other: Id },
    Group(Box<Group>),
}

impl Entry {
    pub(super) fn id(&self) -> Id {
        match self {
            Self::Dm { id, .. } => *id,
            Self::Group(group) => group.id,
        }
    }
}

/// A group as one of its people sees it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) id: Id,
    pub(super) name: Option<String>,
    pub(super) owner_id: Id,
    /// The others, ascending.
    pub(super) recipients: Vec<Id>,
}

/// A page of where somebody is.
#[derive(Debug, PartialEq)]
pub(super) struct Listed<T> {
    pub(super) of: Id,
    pub(super) listing: Arc<Listing<T>>,
}

impl<T> Clone for Listed<T> {
    fn clone(&self) -> Self {
        Self {
            of: self.of,
            listing: self.listing.clone(),
        }
    }
}

impl<T: Item> Row for Listed<T> {
    fn subject(&self) -> Subject {
        Subject::Whereabouts(self.of)
    }

    fn heap(&self) -> usize {
        let items = &self.listing.items;
        let own = size_of::<Listing<T>>() + items.capacity() * size_of::<T>();
        own + items.iter().map(Item::heap).sum::<usize>()
    }
}

/// Something in a list.
pub(super) trait Item {
    /// What it has outside of itself, in bytes.
    fn heap(&self) -> usize;
}

impl Item for Id {
    fn heap(&self) -> usize {
        0
    }
}

impl Item for Entry {
    fn heap(&self) -> usize {
        match self {
            Self::Dm { .. } => 0,
            Self::Group(group) => {
                let name = group.name.as_ref().map_or(0, String::capacity);
                size_of::<Group>() + name + group.recipients.capacity() * size_of::<Id>()
            }
        }
    }
}

/// Rows or pages of one kind, by what they are asked for with; those that are asked for most stay.
pub(super) struct Rows<K, R> {
    kept: Cache<K, (Stamp, R), Weight>,
    stamps: Arc<Stamps>,
    /// Those that were found and did not count any more.
    outdated: AtomicU64,
}

impl<K: Hash + Eq, R: Row> Rows<K, R> {
    fn new(bytes: u64, stamps: Arc<Stamps>) -> Self {
        let usually = usize::try_from(bytes / USUAL).unwrap_or(usize::MAX);
        Self {
            kept: Cache::with_weighter(usually, bytes, Weight),
            stamps,
            outdated: AtomicU64::new(0),
        }
    }

    /// The row as it is, if it is kept.
    pub(super) fn get(&self, key: &K) -> Option<R> {
        let (stamp, row) = self.kept.get(key)?;
        if self.stamps.of(row.subject()) == stamp {
            return Some(row);
        }
        self.outdated.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// How much this part saves.
    fn kept(&self) -> Kept {
        Kept {
            asked: self.kept.hits() + self.kept.misses(),
            read: self.kept.misses() + self.outdated.load(Ordering::Relaxed),
        }
    }

    /// Reads a row, and keeps it unless its subject may have changed meanwhile.
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
        if stamp.is_settled() {
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
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::users::User;

    fn id(number: i64) -> Id {
        Id::from_bits(number).unwrap()
    }

    fn named(number: i64, username: &str) -> Account {
        let mut account = Account::tombstone(id(number));
        account.user = User {
            username: username.into(),
            ..account.user
        };
        account
    }

    fn cached() -> Cached {
        Cached::new(1 << 20)
    }

    fn row(number: i64) -> Subject {
        Subject::Row(id(number))
    }

    fn change(cached: &Cached, subject: Subject, commit: impl FnOnce()) {
        cached.stamps.begin(&[subject]);
        commit();
        cached.stamps.end(&[subject]);
    }

    #[test]
    fn what_was_read_is_kept_until_it_changes() {
        let cached = cached();
        let stamp = cached.stamps.of(row(7));
        cached.accounts.keep(id(7), stamp, named(7, "old"));
        assert_eq!(cached.accounts.get(&id(7)), Some(named(7, "old")));
        change(&cached, row(7), || {});
        assert_eq!(cached.accounts.get(&id(7)), None);
        assert_eq!(cached.kept(), Kept { asked: 2, read: 1 });
    }

    #[test]
    fn who_read_before_a_write_puts_nothing_back_after_it() {
        let cached = cached();
        let stamp = cached.stamps.of(row(7));
        let read = named(7, "old");
        change(&cached, row(7), || {});
        cached.accounts.keep(id(7), stamp, read);
        assert_eq!(cached.accounts.get(&id(7)), None);
    }

    #[test]
    fn who_read_before_a_commit_puts_nothing_back_after_it_and_sees_nothing_old_during_it() {
        let cached = cached();
        let stamp = cached.stamps.of(row(7));
        cached.accounts.keep(id(7), stamp, named(7, "old"));
        let mut during = stamp;
        change(&cached, row(7), || {
            assert_eq!(cached.accounts.get(&id(7)), None);
            during = cached.stamps.of(row(7));
        });
        cached.accounts.keep(id(7), during, named(7, "old"));
        assert_eq!(cached.accounts.get(&id(7)), None);
    }

    #[test]
    fn rows_that_share_a_stamp_and_rows_that_change_twice_in_a_commit_move_it_on() {
        let cached = cached();
        let stamp = cached.stamps.of(row(7));
        cached.stamps.begin(&[row(7), row(7), row(7)]);
        cached.stamps.end(&[row(7), row(7), row(7)]);
        let moved = cached.stamps.of(row(7));
        assert!(moved != stamp && moved.is_settled());
    }

    #[test]
    fn where_anything_may_have_changed_nothing_is_shown() {
        let cached = cached();
        for number in 1..100 {
            let stamp = cached.stamps.of(row(number));
            cached
                .accounts
                .keep(id(number), stamp, named(number, "old"));
        }
        cached.stamps.move_all();
        assert!((1..100).all(|number| cached.accounts.get(&id(number)).is_none()));
    }

    #[test]
    fn while_nobody_has_looked_abroad_for_too_long_nothing_is_shown_nor_kept() {
        let cached = cached();
        let (now, later) = (Instant::now(), Instant::now() + Duration::from_hours(1));
        let (shown, read) = (id(7), id(8));
        let stamp = cached.stamps.of(row(7));
        cached.accounts.keep(shown, stamp, named(7, "old"));
        cached.stamps.count_until(now);
        assert_eq!(cached.accounts.get(&shown), None);
        let stamp = cached.stamps.of(row(8));
        cached.stamps.count_until(later);
        cached.accounts.keep(read, stamp, named(8, "old"));
        assert_eq!(cached.accounts.get(&read), None);
        assert_eq!(cached.accounts.get(&shown), Some(named(7, "old")));
    }

    /// A row that holds a number, whoever writes it, and whoever reads it, step by step. Each step is atomic in the program, too.
    struct Stage {
        cached: Cached,
        stored: u64,
        /// The highest that a write was answered with or a reader was shown.
        seen: u64,
    }

    const ROW: i64 = 7;

    impl Stage {
        fn write(&mut self, step: usize) {
            match step {
                0 => self.cached.stamps.begin(&[row(ROW)]),
                1 => self.stored += 1,
                _ => {
                    self.cached.stamps.end(&[row(ROW)]);
                    self.seen = self.stored;
                }
            }
        }

        fn read(&mut self, reader: &mut Reader) {
            match reader.step {
                0 => {
                    reader.seen = self.seen;
                    if let Some(account) = self.cached.accounts.get(&id(ROW)) {
                        return self.show(reader, account.user.username.parse().unwrap());
                    }
                }
                1 => reader.stamp = self.cached.stamps.of(row(ROW)),
                2 => reader.read = self.stored,
                _ => {
                    let account = named(ROW, &reader.read.to_string());
                    self.cached.accounts.keep(id(ROW), reader.stamp, account);
                    reader.step = 0;
                    return self.show(reader, reader.read);
                }
            }
            reader.step += 1;
        }

        #[track_caller]
        fn show(&mut self, reader: &Reader, number: u64) {
            assert!(number >= reader.seen, "{number} after {}", reader.seen);
            self.seen = self.seen.max(number);
        }
    }

    struct Reader {
        step: usize,
        /// What had been seen when it asked.
        seen: u64,
        stamp: Stamp,
        read: u64,
    }

    impl Reader {
        fn new() -> Self {
            Self {
                step: 0,
                seen: 0,
                stamp: Stamp::UNSETTLED,
                read: 0,
            }
        }
    }

    /// Every order in which each of these can take so many steps.
    fn orders(left: [usize; 3], order: &mut Vec<usize>, play: &mut impl FnMut(&[usize])) {
        if left == [0; 3] {
            return play(order);
        }
        for who in 0..3 {
            let mut rest = left;
            if let Some(fewer) = left[who].checked_sub(1) {
                rest[who] = fewer;
                order.push(who);
                orders(rest, order, play);
                order.pop();
            }
        }
    }

    #[test]
    fn in_whatever_order_they_take_their_steps_no_reader_is_shown_less_than_was_seen_before_it_asked()
     {
        let mut stage = Stage {
            cached: cached(),
            stored: 0,
            seen: 0,
        };
        // A write; a reader that asks twice or more often; another that asks once or more often.
        orders([3, 8, 4], &mut Vec::new(), &mut |order| {
            // Nothing is kept as yet.
            change(&stage.cached, row(ROW), || {});
            let (mut written, mut readers) = (0..3, [Reader::new(), Reader::new()]);
            for who in order {
                match who {
                    0 => stage.write(written.next().unwrap()),
                    who => stage.read(&mut readers[who - 1]),
                }
            }
        });
        let kept = stage.cached.kept();
        assert!(kept.read < kept.asked, "{kept:?}");
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let cached = cached();
        for number in 1..100_000 {
            let stamp = cached.stamps.of(row(number));
            cached
                .accounts
                .keep(id(number), stamp, named(number, "somebody"));
        }
        assert!(cached.accounts.kept.weight() <= 1 << 19);
        assert!(cached.accounts.kept.len() > 1_000);
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let cached = Cached::new(0);
        let stamp = cached.stamps.of(row(7));
        cached.accounts.keep(id(7), stamp, named(7, "old"));
        assert_eq!(cached.accounts.get(&id(7)), None);
    }
}
