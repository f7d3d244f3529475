//! Ids: snowflakes, and the generator that never repeats one (contract, section 1, "ids").

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use snowflake_rs::SnowFlakeId;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::{Error, Problem, Result};

/// Saryno's epoch in milliseconds since the Unix epoch: 2020-09-25T22:49:13Z (contract, section 1).
pub const EPOCH: u64 = 1_601_074_153_000;

/// The worker of the command line: a command beside a running server never mints what the server does (contract, section 1).
pub const COMMAND_LINE_WORKER: u16 = 1023;

const TIME_SHIFT: u32 = 22;
const WORKER_SHIFT: u32 = 12;
const SEQUENCE_MASK: i64 = 0xFFF;

/// The last sequence number that is asked of the crate within a millisecond: at the 4,096th it would spin until the wall clock
/// has passed that millisecond, which takes an hour where the clock has just stepped back by one.
const LAST_SEQUENCE: u16 = 4_094;

/// From this many milliseconds after [`EPOCH`] on (in the year 2090), an id would need the sign bit.
const TIME_LIMIT: u64 = 1 << 41;

/// A snowflake: from the top 42 bits of milliseconds since [`EPOCH`], 10 of worker, 12 of sequence. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(
    as = Snowflake,
    description = "64 bits in decimal: 42 of milliseconds since 2020-09-25T22:49:13Z, 10 of worker, 12 of sequence. Later ones are higher.",
    value_type = String,
    pattern = "^(0|[1-9][0-9]{0,18})$",
    example = "815204749056929793"
)]
pub struct Id(i64);

impl Id {
    /// Below every id that was ever issued.
    pub const MIN: Self = Self(0);
    /// Above every id that is ever issued.
    pub const MAX: Self = Self(i64::MAX);

    /// An id out of its 64 bits; `None` if the sign bit is set.
    #[must_use]
    pub fn from_bits(bits: i64) -> Option<Self> {
        (bits >= 0).then_some(Self(bits))
    }

    /// The 64 bits.
    #[must_use]
    pub fn bits(self) -> i64 {
        self.0
    }

    /// When it was made, to the millisecond.
    #[must_use]
    pub fn time(self) -> Timestamp {
        Timestamp((self.0 >> TIME_SHIFT) + EPOCH.cast_signed())
    }

    /// Who made it: 0 to 1022 for a server, 1023 for the command line.
    #[must_use]
    pub fn worker(self) -> u16 {
        u16::try_from((self.0 >> WORKER_SHIFT) & 0x3FF).unwrap_or_default()
    }

    /// Which one of its millisecond it is, from 0.
    #[must_use]
    pub fn sequence(self) -> u16 {
        u16::try_from(self.0 & SEQUENCE_MASK).unwrap_or_default()
    }

    fn milliseconds(self) -> u64 {
        (self.0 >> TIME_SHIFT).cast_unsigned()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Id {
    type Err = Problem;

    /// Canonical decimal: digits only, no sign, no leading zero, at most 2^63 - 1.
    fn from_str(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::too_short(
                "An id is a string of decimal digits; this is empty.",
            ));
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::forbidden_character(
                "An id is a string of decimal digits, without a sign or spaces.",
            ));
        }
        if text.len() > 1 && text.starts_with('0') {
            return Err(Problem::forbidden_character("An id has no leading zeros."));
        }
        text.parse()
            .map(Self)
            .map_err(|_| Problem::out_of_range("An id is at most 9223372036854775807."))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(itoa::Buffer::new().format(self.bits()))
    }
}

/// Mints ids: strictly increasing and never one twice, from any thread, whatever the wall clock does.
///
/// The crate behind it refuses when the clock has stepped back and knows nothing of restarts. So it is handed an epoch that is
/// earlier by what the clock lost: against that epoch time goes on where it stopped. The shift ends as soon as the clock is
/// ahead of the last id again. A new generator is seeded with the highest id the store has ever recorded, which is the same case.
#[derive(Debug)]
pub struct Generator(Mutex<State>);

#[derive(Debug)]
struct State {
    worker: u16,
    source: SnowFlakeId,
    /// The epoch that the source was handed; [`EPOCH`] but while it makes up for what the clock lost.
    epoch: u64,
    last: Id,
    /// Whether the source made `last`; if so it goes on with the next sequence number within that millisecond.
    continues: bool,
}

impl Generator {
    /// A generator whose ids are all above `highest`. `worker` is 0 to 1023.
    #[must_use]
    pub fn new(worker: u16, highest: Id) -> Self {
        let worker = worker & 0x3FF;
        let source = SnowFlakeId::new(worker, EPOCH);
        Self(Mutex::new(State {
            worker,
            source,
            epoch: EPOCH,
            last: highest,
            continues: false,
        }))
    }

    /// The next id. Waits for the next millisecond when 4,095 were minted in this one.
    ///
    /// # Errors
    /// [`Error::Internal`] while the wall clock is decades away from the newest id, so that none can be made.
    pub fn next(&self) -> Result<Id> {
        // A thread that panicked in here left a state that is whole: `last` moves only after an id was made.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            state.align()?;
            let minted = state
                .source
                .generate_id()
                .ok()
                .and_then(|bits| i64::try_from(bits).ok());
            // The clock may have stepped back between the alignment and the crate's own look at it: then align again.
            if let Some(id) = minted.map(Id).filter(|id| *id > state.last) {
                state.last = id;
                state.continues = true;
                return Ok(id);
            }
        }
    }
}

impl State {
    /// Makes sure that the crate's next id lies above the last one: waits out a full millisecond, and shifts the epoch by what
    /// the clock lost, or back to where it belongs.
    fn align(&mut self) -> Result<()> {
        let last = self.last.milliseconds();
        loop {
            let now = wall_clock();
            if now >= EPOCH + TIME_LIMIT || last + 1 >= TIME_LIMIT {
                return Err(clock_is_off());
            }
            if self.epoch != EPOCH && now > EPOCH + last {
                self.restart(EPOCH);
            }
            match now.cmp(&(self.epoch + last)) {
                Ordering::Greater => return Ok(()),
                Ordering::Equal if self.continues && self.last.sequence() < LAST_SEQUENCE => {
                    return Ok(());
                }
                Ordering::Equal => std::thread::sleep(Duration::from_micros(50)),
                // One millisecond more than was lost, since a new source starts its first millisecond at sequence 0.
                Ordering::Less => self.restart(now.checked_sub(last + 1).ok_or_else(clock_is_off)?),
            }
        }
    }

    fn restart(&mut self, epoch: u64) {
        self.source = SnowFlakeId::new(self.worker, epoch);
        self.epoch = epoch;
        self.continues = false;
    }
}

fn clock_is_off() -> Error {
    Error::Internal("the system clock is decades away from the newest id; set the clock".into())
}

fn wall_clock() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn id(milliseconds: u64, sequence: i64) -> Id {
        Id(milliseconds.cast_signed() << TIME_SHIFT | sequence)
    }

    fn now() -> u64 {
        wall_clock() - EPOCH
    }

    #[test]
    fn an_id_reads_what_it_writes() {
        for text in ["0", "1", "42388375784780768", "9223372036854775807"] {
            assert_eq!(
                text.parse::<Id>().map(|id| id.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn what_is_not_canonical_decimal_is_no_id() {
        let cases = [
            ("", "too_short"),
            ("-1", "forbidden_character"),
            ("+1", "forbidden_character"),
            (" 1", "forbidden_character"),
            ("1.0", "forbidden_character"),
            ("１", "forbidden_character"),
            ("00", "forbidden_character"),
            ("01", "forbidden_character"),
            ("9223372036854775808", "out_of_range"),
            ("99999999999999999999999", "out_of_range"),
        ];
        for (text, code) in cases {
            assert_eq!(text.parse::<Id>().unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn an_id_tells_its_time_worker_and_sequence() -> Result<()> {
        let before = Timestamp::now();
        let id = Generator::new(513, Id::MIN).next()?;
        assert!(before <= id.time() && id.time() <= Timestamp::now());
        assert_eq!((id.worker(), id.sequence()), (513, 0));
        Ok(())
    }

    #[test]
    fn a_burst_of_100_000_from_eight_threads_repeats_none_and_each_thread_sees_them_rise() {
        let generator = Generator::new(0, Id::MIN);
        let all: HashSet<Id> = std::thread::scope(|scope| {
            let mint = || {
                let ids: Vec<Id> = (0..12_500).map(|_| generator.next().unwrap()).collect();
                assert!(ids.is_sorted_by(|a, b| a < b));
                ids
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(mint)).collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(all.len(), 100_000);
    }

    #[test]
    fn a_restart_within_the_same_millisecond_goes_on_above() -> Result<()> {
        let mut highest = Id::MIN;
        for _ in 0..100 {
            let generator = Generator::new(0, highest);
            for _ in 0..3 {
                let id = generator.next()?;
                assert!(id > highest);
                highest = id;
            }
        }
        Ok(())
    }

    #[test]
    fn a_clock_that_lost_an_hour_over_a_restart_is_made_up_for() -> Result<()> {
        let highest = id(now() + 3_600_000, 4_095);
        let generator = Generator::new(0, highest);
        let first = generator.next()?;
        assert!(first > highest);
        assert!(generator.next()? > first);
        Ok(())
    }

    #[test]
    fn the_shift_ends_when_the_clock_is_ahead_again() -> Result<()> {
        let generator = Generator::new(0, id(now() + 20, 0));
        let shifted = generator.next()?;
        while now() <= shifted.milliseconds() {
            std::thread::yield_now();
        }
        let before = now();
        let id = generator.next()?;
        assert!((before..=now()).contains(&id.milliseconds()));
        Ok(())
    }

    #[test]
    fn a_clock_that_is_decades_off_is_an_error_and_not_a_wrong_id() {
        let generator = Generator::new(0, id(TIME_LIMIT - 2, 0));
        assert!(matches!(generator.next(), Err(Error::Internal(_))));
    }
}
