//! How hard work that takes minutes goes at the machine, and when it ends early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Work for so long, at least, between two rests.
const SLICE: Duration = Duration::from_millis(5);

/// How hard long work goes at the machine, and what ends it before its time.
#[derive(Debug, Clone)]
pub struct Pace {
    /// So many times as long as it worked, it rests.
    rest: u32,
    end: Arc<AtomicBool>,
}

impl Pace {
    /// Without a rest and to the end: somebody waits for it.
    #[must_use]
    pub fn full() -> Self {
        Self {
            rest: 0,
            end: Arc::new(AtomicBool::new(false)),
        }
    }

    /// A quarter of one core, until `end` is set: beside people who are served.
    #[must_use]
    pub fn gentle(end: Arc<AtomicBool>) -> Self {
        Self { rest: 3, end }
    }

    /// Whether the work is to be given up.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.end.load(Ordering::Relaxed)
    }

    /// Begins to work at this pace.
    #[must_use]
    pub fn begin(&self) -> Work {
        Work {
            pace: self.clone(),
            since: Instant::now(),
        }
    }
}

/// A piece of work at a pace.
#[derive(Debug)]
pub struct Work {
    pace: Pace,
    /// When it last rested.
    since: Instant,
}

impl Work {
    /// Rests, if it is time to; called every few hundred microseconds of work. Whether to go on.
    pub fn goes_on(&mut self) -> bool {
        let worked = self.since.elapsed();
        if self.pace.rest > 0 && worked >= SLICE {
            // A slice that the system itself drew out is no reason to sleep for seconds.
            std::thread::sleep(worked.min(4 * SLICE) * self.pace.rest);
            self.since = Instant::now();
        }
        !self.pace.is_over()
    }
}
