//! How the server does, second by second: what the overview's charts draw.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::sync::broadcast;

use crate::clock::Timestamp;

/// How many seconds are kept.
const KEPT: usize = 300;

/// Microseconds that the histogram tells apart at most; what takes longer than a minute counts as a minute.
const LONGEST: u64 = 60_000_000;

/// A second of the server's life.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    /// When it ended.
    pub at: Timestamp,
    /// Requests that were answered in it.
    pub requests: u64,
    /// Those with a status of 400 to 499.
    pub client_errors: u64,
    /// Those with a status of 500 to 599.
    pub server_errors: u64,
    /// Half of them took at most so many microseconds.
    pub p50: u64,
    /// 99 % of them took at most so many microseconds.
    pub p99: u64,
    /// DMs that were made.
    pub dms_created: u64,
    /// DMs that were asked for and stood already.
    pub dms_stood: u64,
}

/// DMs since the start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dms {
    /// Those that were made.
    pub created: u64,
    /// Those that were asked for and stood already.
    pub stood: u64,
}

/// Counts answers and hands out a [`Sample`] a second.
pub struct Meter {
    since: Instant,
    second: Mutex<Second>,
    created: AtomicU64,
    stood: AtomicU64,
    history: Mutex<VecDeque<Sample>>,
    live: broadcast::Sender<Sample>,
}

/// The second that has not ended yet.
struct Second {
    times: Option<Histogram<u64>>,
    requests: u64,
    client_errors: u64,
    server_errors: u64,
    /// What stood in the counters when it began.
    before: Dms,
}

impl Meter {
    /// One that has counted nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            since: Instant::now(),
            second: Mutex::new(Second {
                // Two significant digits are what a chart shows.
                times: Histogram::new_with_max(LONGEST, 2).ok(),
                requests: 0,
                client_errors: 0,
                server_errors: 0,
                before: Dms {
                    created: 0,
                    stood: 0,
                },
            }),
            created: AtomicU64::new(0),
            stood: AtomicU64::new(0),
            history: Mutex::new(VecDeque::with_capacity(KEPT)),
            live: broadcast::Sender::new(8),
        }
    }

    /// How long the server has been up.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.since.elapsed()
    }

    /// Counts an answer with this status, that took so long.
    pub fn answered(&self, status: u16, took: Duration) {
        let mut second = lock(&self.second);
        second.requests += 1;
        second.client_errors += u64::from((400..500).contains(&status));
        second.server_errors += u64::from((500..600).contains(&status));
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(LONGEST);
        if let Some(times) = &mut second.times {
            times.saturating_record(microseconds);
        }
    }

    /// Counts a DM that was asked for, and was made for that or stood already.
    pub fn dm(&self, created: bool) {
        let counter = if created { &self.created } else { &self.stood };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The DMs since the start.
    #[must_use]
    pub fn dms(&self) -> Dms {
        Dms {
            created: self.created.load(Ordering::Relaxed),
            stood: self.stood.load(Ordering::Relaxed),
        }
    }

    /// Ends the second and hands it out.
    pub fn tick(&self, at: Timestamp) {
        let dms = self.dms();
        let sample = {
            let mut second = lock(&self.second);
            let quantile = |at| {
                second
                    .times
                    .as_ref()
                    .map_or(0, |times| times.value_at_quantile(at))
            };
            let sample = Sample {
                at,
                requests: second.requests,
                client_errors: second.client_errors,
                server_errors: second.server_errors,
                p50: quantile(0.5),
                p99: quantile(0.99),
                dms_created: dms.created - second.before.created,
                dms_stood: dms.stood - second.before.stood,
            };
            if let Some(times) = &mut second.times {
                times.reset();
            }
            (second.requests, second.client_errors, second.server_errors) = (0, 0, 0);
            second.before = dms;
            sample
        };
        let mut history = lock(&self.history);
        if history.len() == KEPT {
            history.pop_front();
        }
        history.push_back(sample);
        // Nobody may be looking.
        let _ = self.live.send(sample);
    }

    /// The last five minutes, the oldest second first.
    #[must_use]
    pub fn history(&self) -> Vec<Sample> {
        lock(&self.history).iter().copied().collect()
    }

    /// The seconds to come.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Sample> {
        self.live.subscribe()
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

/// What a thread that panicked left behind is whole: each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_tells_its_answers_and_the_next_begins_at_nothing() {
        let meter = Meter::new();
        let mut live = meter.follow();
        for milliseconds in 1..=100 {
            meter.answered(200, Duration::from_millis(milliseconds));
        }
        meter.answered(404, Duration::from_micros(1));
        meter.answered(503, Duration::from_hours(1));
        meter.dm(true);
        meter.dm(false);
        meter.dm(false);
        meter.tick(Timestamp(1));
        meter.tick(Timestamp(2));

        let first = live.try_recv().unwrap();
        assert_eq!(
            (first.requests, first.client_errors, first.server_errors),
            (102, 1, 1)
        );
        assert_eq!((first.dms_created, first.dms_stood), (1, 2));
        assert!((49_000..52_000).contains(&first.p50), "{first:?}");
        assert!((98_000..102_000).contains(&first.p99), "{first:?}");
        let second = live.try_recv().unwrap();
        assert_eq!(
            (second.requests, second.p50, second.p99, second.dms_created),
            (0, 0, 0, 0)
        );
        assert_eq!(meter.history(), [first, second]);
        assert_eq!(
            meter.dms(),
            Dms {
                created: 1,
                stood: 2
            }
        );
    }

    #[test]
    fn five_minutes_are_kept() {
        let meter = Meter::new();
        for second in 0..400 {
            meter.tick(Timestamp(second));
        }
        let history = meter.history();
        assert_eq!((history.len(), history[0].at), (300, Timestamp(100)));
    }
}
