//! A count that all cores add to.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How many lanes there are; more threads than that share them.
const LANES: usize = 16;

/// A count in lanes, each for few threads or one: cores that write one place of memory in turns wait for each other.
#[derive(Default)]
pub(super) struct Tally(Box<[Lane; LANES]>);

/// Two lines of memory, which is what processors fetch at once.
#[derive(Default)]
#[repr(align(128))]
struct Lane(AtomicU64);

impl Tally {
    pub(super) fn add_one(&self) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static LANE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % LANES;
        }
        LANE.with(|lane| self.0[*lane].0.fetch_add(1, Ordering::Release));
    }

    /// What all have counted so far. Who sees a count here sees in other tallies what its thread had counted before.
    pub(super) fn sum(&self) -> u64 {
        self.0
            .iter()
            .map(|lane| lane.0.load(Ordering::Acquire))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_where_twice_as_many_threads_count_as_there_are_lanes() {
        let tally = Tally::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * LANES {
                scope.spawn(|| (0..1_000).for_each(|_| tally.add_one()));
            }
        });
        assert_eq!(tally.sum(), 32_000);
    }
}
