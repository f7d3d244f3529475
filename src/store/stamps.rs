//! When what is kept in memory counts: a stamp for each thing that changes as one, which whoever commits moves on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::id::Id;

/// How many stamps there are, as a power of two. Subjects share one by their ids: a write makes those that share its own be read
/// again, three in a hundred thousand rows, and of pages that show twenty rows six in ten thousand. They take 256 KiB, which stay near a
/// core: every row that is found is held against one of them. What fewer bring to reads and cost writes, `benches/RESULTS.md` tells.
const STAMPS: u32 = 15;

/// What a stamp is of: what changes as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// The row of a user, a token or a community.
    Row(Id),
    /// Where this user is: their channels, with a group's name, owner and people, and their communities; but not what the rows of these
    /// people and communities say.
    Whereabouts(Id),
}

impl Subject {
    /// Different for any two.
    fn bits(self) -> i64 {
        match self {
            Self::Row(id) => id.bits(),
            // Ids are never negative.
            Self::Whereabouts(user) => !user.bits(),
        }
    }
}

/// The stamps of all subjects. Whoever commits changes moves them on, and is the only one to.
pub(super) struct Stamps {
    places: Box<[AtomicU64]>,
    begun: Instant,
    /// Until when they count, in milliseconds since they began.
    until: AtomicU64,
}

/// A stamp as it was at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u64);

impl Stamp {
    /// What each is while none counts.
    pub(super) const UNSETTLED: Self = Self(1);

    /// Whether it counted and no change was being committed.
    pub(super) fn is_settled(self) -> bool {
        self.0.is_multiple_of(2)
    }
}

impl Stamps {
    pub(super) fn new() -> Self {
        Self {
            places: (0..1 << STAMPS).map(|_| AtomicU64::new(0)).collect(),
            begun: Instant::now(),
            until: AtomicU64::new(u64::MAX),
        }
    }

    /// The current stamp.
    pub(super) fn of(&self, subject: Subject) -> Stamp {
        if self.do_count() {
            Stamp(self.place(subject).load(Ordering::SeqCst))
        } else {
            Stamp::UNSETTLED
        }
    }

    /// The current stamps of these rows, each once.
    pub(super) fn of_rows(&self, mut rows: Vec<Id>) -> Arc<[(Id, Stamp)]> {
        rows.sort_unstable();
        rows.dedup();
        let stamp = |id| (id, self.of(Subject::Row(id)));
        rows.into_iter().map(stamp).collect()
    }

    /// Whether this is a subject's current stamp, and each of these that of its row. They are looked at one after another, and yet it is
    /// of one moment: stamps only move on, so where all are current, all were when the first was looked at.
    pub(super) fn are_current(&self, subject: Subject, stamp: Stamp, rows: &[(Id, Stamp)]) -> bool {
        let is_current =
            |subject, stamp: Stamp| self.place(subject).load(Ordering::SeqCst) == stamp.0;
        self.do_count()
            && is_current(subject, stamp)
            && rows
                .iter()
                .all(|(id, stamp)| is_current(Subject::Row(*id), *stamp))
    }

    /// Whether they count at this moment.
    fn do_count(&self) -> bool {
        self.milliseconds(Instant::now()) < self.until.load(Ordering::SeqCst)
    }

    /// They count until then, and from then on only if this is said again.
    pub(super) fn count_until(&self, end: Instant) {
        self.until.store(self.milliseconds(end), Ordering::SeqCst);
    }

    fn milliseconds(&self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.begun);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// These are about to change.
    pub(super) fn begin(&self, subjects: &[Subject]) {
        for subject in subjects {
            self.place(*subject).fetch_or(1, Ordering::SeqCst);
        }
    }

    /// They have changed, or stayed as they were.
    pub(super) fn end(&self, subjects: &[Subject]) {
        for subject in subjects {
            let stamp = self.place(*subject);
            // Those that share one move it on once.
            if stamp.load(Ordering::SeqCst) % 2 == 1 {
                stamp.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// Anything may have changed.
    pub(super) fn move_all(&self) {
        for stamp in &self.places {
            stamp.fetch_add(2, Ordering::SeqCst);
        }
    }

    #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)] // of what is spread, all bits are as good
    fn place(&self, subject: Subject) -> &AtomicU64 {
        // Ids of one moment differ in their lowest bits alone: multiplied by 2^64 over the golden ratio, they differ in the highest.
        let spread = (subject.bits() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &self.places[(spread >> (64 - STAMPS)) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: i64) -> Subject {
        Subject::Row(Id::from_bits(number).unwrap())
    }

    #[test]
    fn ids_of_one_moment_share_few_stamps() {
        let stamps = Stamps::new();
        let first = 100_000_000_000 << 22;
        for step in [1, 1 << 12, 1 << 22, 1_000 << 22] {
            let mut places: Vec<_> = (0..1_000)
                .map(|count| std::ptr::from_ref(stamps.place(row(first + count * step))))
                .collect();
            places.sort_unstable();
            places.dedup();
            assert!(places.len() > 900, "{step}: {}", places.len());
        }
    }
}
