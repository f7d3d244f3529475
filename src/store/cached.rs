//! Rows that most requests ask for, kept in memory and exact: once a write was answered, nobody is shown what was before it.
//!
//! The classic hole of such a cache is a reader that read the old row before a write and keeps it after the write has forgotten
//! it. So nothing is ever forgotten here; each row has a stamp, which a write moves on. A reader takes the stamp first, then reads,
//! then keeps what it read under that stamp; and what is kept counts only while its stamp is the current one. While a change is
//! being committed the stamp is odd, and neither found nor kept: so nobody is shown what is older than what somebody else saw.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Kept;
use crate::clock::Timestamp;
use crate::id::Id;
use crate::tokens::{SecretHash, UNUSED_END};
use crate::users::Account;

/// How many stamps there are, as a power of two. Rows share one by their ids: a write makes those that share its row's be read
/// again, a few in a hundred thousand. They take 512 KiB.
const STAMPS: u32 = 16;

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
}

impl Cached {
    /// Room for so many bytes, of which tokens have a quarter.
    pub(super) fn new(bytes: u64) -> Self {
        let stamps = Arc::new(Stamps::new());
        Self {
            tokens: Rows::new(bytes / 4, stamps.clone()),
            accounts: Rows::new(bytes - bytes / 4, stamps.clone()),
            stamps,
        }
    }

    /// How much it saves.
    pub(super) fn kept(&self) -> Kept {
        let (tokens, accounts) = (&self.tokens, &self.accounts);
        let sum = |one: &AtomicU64, other: &AtomicU64| {
            one.load(Ordering::Relaxed) + other.load(Ordering::Relaxed)
        };
        let read = sum(&tokens.misses, &accounts.misses);
        Kept {
            asked: sum(&tokens.hits, &accounts.hits) + read,
            read,
        }
    }
}

/// A row that can be kept.
pub(super) trait Row: Clone {
    /// The id that a change of the row is told by.
    fn id(&self) -> Id;
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
    fn id(&self) -> Id {
        self.id
    }

    fn heap(&self) -> usize {
        0
    }
}

impl Row for Account {
    fn id(&self) -> Id {
        self.user.id
    }

    fn heap(&self) -> usize {
        self.user.username.capacity() + self.reason.as_ref().map_or(0, String::capacity)
    }
}

/// The stamps of all rows. Whoever commits changes moves them on, and is the only one to.
pub(super) struct Stamps(Box<[AtomicU64]>);

/// A stamp as it was at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u64);

impl Stamp {
    /// Whether no change was being committed.
    fn is_settled(self) -> bool {
        self.0.is_multiple_of(2)
    }
}

impl Stamps {
    fn new() -> Self {
        Self((0..1 << STAMPS).map(|_| AtomicU64::new(0)).collect())
    }

    /// The current stamp of this row.
    pub(super) fn of(&self, row: Id) -> Stamp {
        Stamp(self.place(row).load(Ordering::SeqCst))
    }

    /// These rows are about to change.
    pub(super) fn begin(&self, rows: &[Id]) {
        for row in rows {
            self.place(*row).fetch_or(1, Ordering::SeqCst);
        }
    }

    /// They have changed, or stayed as they were.
    pub(super) fn end(&self, rows: &[Id]) {
        for row in rows {
            let stamp = self.place(*row);
            // Rows that share one move it on once.
            if stamp.load(Ordering::SeqCst) % 2 == 1 {
                stamp.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// Any row may have changed.
    pub(super) fn move_all(&self) {
        for stamp in &self.0 {
            stamp.fetch_add(2, Ordering::SeqCst);
        }
    }

    #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)] // of what is spread, all bits are as good
    fn place(&self, row: Id) -> &AtomicU64 {
        // Ids of one moment differ in their lowest bits alone: multiplied by 2^64 over the golden ratio, they differ in the highest.
        let spread = (row.bits() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &self.0[(spread >> (64 - STAMPS)) as usize]
    }
}

/// Rows of one kind, by what they are asked for with; those that are asked for most stay.
pub(super) struct Rows<K, R> {
    kept: Cache<K, (Stamp, R), Weight>,
    stamps: Arc<Stamps>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl<K: Hash + Eq, R: Row> Rows<K, R> {
    fn new(bytes: u64, stamps: Arc<Stamps>) -> Self {
        let usually = usize::try_from(bytes / USUAL).unwrap_or(usize::MAX);
        Self {
            kept: Cache::with_weighter(usually, bytes, Weight),
            stamps,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// The row as it is, if it is kept.
    pub(super) fn get(&self, key: &K) -> Option<R> {
        let current = self
            .kept
            .get(key)
            .filter(|(stamp, row)| self.stamps.of(row.id()) == *stamp);
        let counter = match current {
            Some(_) => &self.hits,
            None => &self.misses,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        current.map(|(_, row)| row)
    }

    /// Keeps a row that was read after its stamp was taken.
    pub(super) fn keep(&self, key: K, stamp: Stamp, row: R) {
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

    fn change(cached: &Cached, row: Id, commit: impl FnOnce()) {
        cached.stamps.begin(&[row]);
        commit();
        cached.stamps.end(&[row]);
    }

    #[test]
    fn what_was_read_is_kept_until_it_changes() {
        let cached = cached();
        let stamp = cached.stamps.of(id(7));
        cached.accounts.keep(id(7), stamp, named(7, "old"));
        assert_eq!(cached.accounts.get(&id(7)), Some(named(7, "old")));
        change(&cached, id(7), || {});
        assert_eq!(cached.accounts.get(&id(7)), None);
        assert_eq!(cached.kept(), Kept { asked: 2, read: 1 });
    }

    #[test]
    fn who_read_before_a_write_puts_nothing_back_after_it() {
        let cached = cached();
        let stamp = cached.stamps.of(id(7));
        let read = named(7, "old");
        change(&cached, id(7), || {});
        cached.accounts.keep(id(7), stamp, read);
        assert_eq!(cached.accounts.get(&id(7)), None);
    }

    #[test]
    fn who_read_before_a_commit_puts_nothing_back_after_it_and_sees_nothing_old_during_it() {
        let cached = cached();
        let stamp = cached.stamps.of(id(7));
        cached.accounts.keep(id(7), stamp, named(7, "old"));
        let mut during = stamp;
        change(&cached, id(7), || {
            assert_eq!(cached.accounts.get(&id(7)), None);
            during = cached.stamps.of(id(7));
        });
        cached.accounts.keep(id(7), during, named(7, "old"));
        assert_eq!(cached.accounts.get(&id(7)), None);
    }

    #[test]
    fn rows_that_share_a_stamp_and_rows_that_change_twice_in_a_commit_move_it_on() {
        let cached = cached();
        let stamp = cached.stamps.of(id(7));
        cached.stamps.begin(&[id(7), id(7), id(7)]);
        cached.stamps.end(&[id(7), id(7), id(7)]);
        let moved = cached.stamps.of(id(7));
        assert!(moved != stamp && moved.is_settled());
    }

    #[test]
    fn where_anything_may_have_changed_nothing_is_shown() {
        let cached = cached();
        for number in 1..100 {
            let stamp = cached.stamps.of(id(number));
            cached
                .accounts
                .keep(id(number), stamp, named(number, "old"));
        }
        cached.stamps.move_all();
        assert!((1..100).all(|number| cached.accounts.get(&id(number)).is_none()));
    }

    #[test]
    fn ids_of_one_moment_share_few_stamps() {
        let stamps = Stamps::new();
        let first = 100_000_000_000 << 22;
        for step in [1, 1 << 12, 1 << 22, 1_000 << 22] {
            let mut places: Vec<_> = (0..1_000)
                .map(|count| std::ptr::from_ref(stamps.place(id(first + count * step))))
                .collect();
            places.sort_unstable();
            places.dedup();
            assert!(places.len() > 900, "{step}: {}", places.len());
        }
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let cached = cached();
        for number in 1..100_000 {
            let stamp = cached.stamps.of(id(number));
            cached
                .accounts
                .keep(id(number), stamp, named(number, "somebody"));
        }
        assert!(cached.accounts.kept.weight() <= 3 << 18);
        assert!(cached.accounts.kept.len() > 1_000);
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let cached = Cached::new(0);
        let stamp = cached.stamps.of(id(7));
        cached.accounts.keep(id(7), stamp, named(7, "old"));
        assert_eq!(cached.accounts.get(&id(7)), None);
    }
}
